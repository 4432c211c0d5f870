/* SPDX-License-Identifier: Apache-2.0 */
/* One shell pattern against one string. libc's fnmatch(3) works on wide characters of the locale. */
#include "base/glob.h"

#include <fnmatch.h>
#include <string.h>

static unsigned char folded(char c, int flags) {
    return flags & FNM_CASEFOLD && c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : (unsigned char)c;
}

static bool within(unsigned char c, unsigned char low, unsigned char high) {
    return c >= low && c <= high;
}

/* [:alpha:] and its like, of ASCII. */
static bool in_class(const char *name, size_t n, unsigned char c) {
    static const struct {
        char name[8];
        const char *ranges; /* pairs: from, to */
    } classes[] = {
        { "alnum", "azAZ09" }, { "alpha", "azAZ" },   { "blank", "  \t\t" },        { "cntrl", "\1\37\177\177" },
        { "digit", "09" },     { "graph", "!~" },     { "lower", "az" },            { "print", " ~" },
        { "space", "  \t\r" }, { "upper", "AZ" },     { "punct", "!/:@[`{~" },      { "xdigit", "09afAF" },
    };
    for (size_t i = 0; i < ELEMENTS(classes); i++)
        if (strlen(classes[i].name) == n && memcmp(classes[i].name, name, n) == 0)
            for (const char *r = classes[i].ranges; *r; r += 2)
                if (within(c, (unsigned char)r[0], (unsigned char)r[1]))
                    return true;
    return false;
}

/* A bracket expression from behind its "[". Where it ends; NULL: it does not, the "[" is one. */
static const char *bracket(const char *p, char c, int flags, bool *ret) {
    bool negated = *p == '!' || *p == '^', found = false;
    p += negated;
    for (const char *first = p; *p != ']' || p == first;) {
        const char *end = p[0] == '[' && p[1] == ':' ? strstr(p + 2, ":]") : NULL;
        if (end) {
            found = found || in_class(p + 2, (size_t)(end - p - 2), (unsigned char)c);
            p = end + 2;
            continue;
        }
        if (*p == '\\' && !(flags & FNM_NOESCAPE))
            p++;
        if (!*p)
            return NULL;
        unsigned char low = folded(*p++, flags), high = low;
        if (p[0] == '-' && p[1] && p[1] != ']') {
            p++;
            if (*p == '\\' && !(flags & FNM_NOESCAPE))
                p++;
            if (!*p)
                return NULL;
            high = folded(*p++, flags);
        }
        found = found || within(folded(c, flags), low, high);
    }
    *ret = found != negated;
    return p + 1;
}

/* One element of the pattern, which is no star, against one character. What follows it; NULL: they do not match. */
static const char *element(const char *p, char c, bool leading, int flags) {
    bool hidden = leading && c == '.' && flags & FNM_PERIOD, slash = c == '/' && flags & FNM_PATHNAME, matched;
    const char *end;
    switch (*p) {
    case '?':
        return hidden || slash ? NULL : p + 1;
    case '[':
        end = bracket(p + 1, c, flags, &matched);
        if (end)
            return matched && !hidden && !slash ? end : NULL;
        break;
    case '\\':
        if (!(flags & FNM_NOESCAPE))
            p++;
        break;
    default:
        break;
    }
    return *p && folded(*p, flags) == folded(c, flags) ? p + 1 : NULL;
}

bool glob_match(const char *pattern, const char *s, int flags) {
    const char *p = pattern, *start = s, *star = NULL, *taken = NULL; /* the last star, and up to where it reaches */
    for (;;) {
        bool leading = s == start || (flags & FNM_PATHNAME && s[-1] == '/');
        if (*p == '*') {
            if (leading && *s == '.' && flags & FNM_PERIOD)
                return false;
            while (*p == '*')
                p++;
            star = p;
            taken = s;
            continue;
        }
        const char *next = *s ? element(p, *s, leading, flags) : NULL;
        if (next) {
            p = next;
            s++;
        } else if (!*s && !*p) {
            return true;
        } else {
            /* The star takes one more. An earlier one need not: what is between the two would match later only. */
            if (!star || !*taken || (*taken == '/' && flags & FNM_PATHNAME))
                return false;
            s = ++taken;
            p = star;
        }
    }
}
