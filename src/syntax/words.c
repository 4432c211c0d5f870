/* SPDX-License-Identifier: Apache-2.0 */
/* The splitter is a loop over three states: between words, in a word, in quotes. Knows no directives. */
#include "syntax/words.h"
#include "base/scan.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define WHITESPACE " \t\n\r"

static void add_utf8(struct text *t, uint32_t c) {
    if (c < 0x80) {
        text_add_char(t, (char)c);
    } else if (c < 0x800) {
        text_add_char(t, (char)(0xc0 | c >> 6));
        text_add_char(t, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        text_add_char(t, (char)(0xe0 | c >> 12));
        text_add_char(t, (char)(0x80 | (c >> 6 & 0x3f)));
        text_add_char(t, (char)(0x80 | (c & 0x3f)));
    } else {
        text_add_char(t, (char)(0xf0 | c >> 18));
        text_add_char(t, (char)(0x80 | (c >> 12 & 0x3f)));
        text_add_char(t, (char)(0x80 | (c >> 6 & 0x3f)));
        text_add_char(t, (char)(0x80 | (c & 0x3f)));
    }
}

/* Takes one escape, p pointing behind the backslash. Its length, or -EINVAL. */
static int unescape_one(const char *p, struct text *out) {
    static const char letters[] = "abfnrtv\\\"'s", meanings[] = "\a\b\f\n\r\t\v\\\"' ";
    const char *letter = *p ? strchr(letters, *p) : NULL;
    if (letter) {
        text_add_char(out, meanings[letter - letters]);
        return 1;
    }
    int digits = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    if (digits > 0) {
        uint32_t value = 0;
        for (int i = 1; i <= digits; i++) {
            int d = hex_digit(p[i]);
            if (d < 0)
                return -EINVAL;
            value = value << 4 | (uint32_t)d;
        }
        if (value == 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
            return -EINVAL;
        if (*p == 'x')
            text_add_char(out, (char)value);
        else
            add_utf8(out, value);
        return 1 + digits;
    }
    if (*p >= '0' && *p <= '3') {
        unsigned value = 0;
        for (int i = 0; i < 3; i++) {
            if (p[i] < '0' || p[i] > '7')
                return -EINVAL;
            value = value * 8 + (unsigned)(p[i] - '0');
        }
        if (value == 0)
            return -EINVAL;
        text_add_char(out, (char)value);
        return 3;
    }
    return -EINVAL;
}

int word_next(const char **p, char **ret, const char *separators, enum word_flags flags) {
    if (!separators)
        separators = WHITESPACE;
    const char *s = *p;
    if (!s)
        return 0;
    if (!(flags & WORD_EMPTY))
        s += strspn(s, separators);
    else if (!*s) {
        char *nothing = strdup("");
        if (!nothing)
            return -ENOMEM;
        *p = NULL;
        *ret = nothing;
        return 1;
    }
    if (!*s) {
        *p = s;
        return 0;
    }
    _cleanup_text_ struct text word = {};
    text_add_n(&word, "", 0);
    char quote = 0;
    bool ended = false; /* by a separator */
    for (;; s++) {
        if (!*s) {
            if (quote && !(flags & WORD_RELAX))
                return -EINVAL;
            break;
        }
        if (*s == '\\' && flags & (WORD_UNESCAPE | WORD_UNESCAPE_RELAX)) {
            int n = unescape_one(s + 1, &word);
            if (n > 0) {
                s += n;
                continue;
            }
            if (flags & WORD_UNESCAPE_SEPARATORS && s[1] && strchr(separators, s[1])) {
                text_add_char(&word, *++s);
                continue;
            }
            if (!(flags & WORD_UNESCAPE_RELAX))
                return -EINVAL;
            text_add_char(&word, '\\');
            if (s[1])
                text_add_char(&word, *++s);
            continue;
        }
        if (*s == '\\' && flags & WORD_BACKSLASH) {
            if (!*++s)
                return -EINVAL;
            text_add_char(&word, *s);
            continue;
        }
        if (quote ? *s == quote : (*s == '"' || *s == '\'') && flags & (WORD_UNQUOTE | WORD_KEEP_QUOTE)) {
            quote = quote ? 0 : *s;
            if (flags & WORD_KEEP_QUOTE)
                text_add_char(&word, *s);
            continue;
        }
        if (!quote && strchr(separators, *s)) {
            s += flags & WORD_EMPTY ? 1 : strspn(s, separators);
            ended = true;
            break;
        }
        text_add_char(&word, *s);
    }
    char *taken = text_take(&word);
    if (!taken)
        return -ENOMEM;
    *p = flags & WORD_EMPTY && !ended ? NULL : s;
    *ret = taken;
    return 1;
}

int words_split(const char *text, const char *separators, enum word_flags flags, char ***ret) {
    _cleanup_strv_ char **words = strv_copy(NULL);
    if (!words)
        return -ENOMEM;
    for (;;) {
        char *word = NULL;
        int r = word_next(&text, &word, separators, flags);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        r = strv_take(&words, word);
        if (r < 0)
            return r;
    }
    *ret = TAKE(words);
    return 0;
}

int unescape(const char *s, char **ret) {
    _cleanup_text_ struct text t = {};
    text_add_n(&t, "", 0);
    for (; *s; s++) {
        if (*s != '\\') {
            text_add_char(&t, *s);
            continue;
        }
        int n = unescape_one(s + 1, &t);
        if (n < 0)
            return n;
        s += n;
    }
    char *taken = text_take(&t);
    if (!taken)
        return -ENOMEM;
    *ret = taken;
    return 0;
}

void word_quote(struct text *out, const char *word) {
    bool plain = *word;
    for (const char *s = word; plain && *s; s++)
        plain = (unsigned char)*s > ' ' && *s != 0x7f && !strchr("\"'\\`$*?[()<>|&;!", *s);
    if (plain) {
        text_add(out, word);
        return;
    }
    text_add_char(out, '"');
    for (const char *s = word; *s; s++) {
        if (*s == '"' || *s == '\\')
            text_add_char(out, '\\');
        if (*s == '\n')
            text_add(out, "\\n");
        else if (*s == '\t')
            text_add(out, "\\t");
        else if ((unsigned char)*s < ' ' || *s == 0x7f)
            text_addf(out, "\\x%02x", (unsigned char)*s);
        else
            text_add_char(out, *s);
    }
    text_add_char(out, '"');
}
