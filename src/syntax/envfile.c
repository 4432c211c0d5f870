/* SPDX-License-Identifier: Apache-2.0 */
/* EnvironmentFile=: shell-like, but no shell: no expansion, no export, no commands. */
#include "syntax/envfile.h"
#include "base/strv.h"
#include "base/text.h"
#include "syntax/utf8.h"

#include <errno.h>
#include <string.h>

#define BLANK " \t\r"

struct cursor {
    const char *p, *end;
    unsigned line;
};

static int peek(const struct cursor *c) {
    return c->p < c->end ? (unsigned char)*c->p : -1;
}

static int take(struct cursor *c) {
    int b = peek(c);
    if (b == '\n')
        c->line++;
    if (b >= 0)
        c->p++;
    return b;
}

static bool is_blank(int b) {
    return b == ' ' || b == '\t' || b == '\r';
}

/* Up to the end of the line; one that ends in a backslash goes on, also if it is a comment. */
static void skip_line(struct cursor *c) {
    for (int b; (b = take(c)) >= 0 && b != '\n';)
        if (b == '\\')
            take(c);
}

/* 'literal' */
static void take_single_quoted(struct cursor *c, struct text *value) {
    for (int b; (b = take(c)) >= 0 && b != '\'';)
        text_add_char(value, (char)b);
}

/* "…": a backslash protects itself, " $ and `, and joins lines; before anything else it stays. */
static void take_double_quoted(struct cursor *c, struct text *value) {
    for (int b; (b = take(c)) >= 0 && b != '"';) {
        if (b == '\\') {
            b = take(c);
            if (b < 0)
                return;
            if (b == '\n')
                continue;
            if (!b || !strchr("\"\\`$", b))
                text_add_char(value, '\\');
        }
        text_add_char(value, (char)b);
    }
}

/* Bare: to the end of the line, without trailing white space; quotes are ordinary in the midst of it. */
static void take_bare(struct cursor *c, struct text *value) {
    size_t keep = value->len;
    for (int b; (b = peek(c)) >= 0 && b != '\n';) {
        take(c);
        bool escaped = b == '\\';
        if (escaped) {
            b = take(c);
            if (b < 0)
                break;
            if (b == '\n')
                continue;
        }
        text_add_char(value, (char)b);
        if (escaped || !is_blank(b))
            keep = value->len;
    }
    if (!value->failed && value->s) {
        value->len = keep;
        value->s[keep] = 0;
    }
}

static void take_value(struct cursor *c, struct text *value) {
    for (;;) {
        while (is_blank(peek(c)))
            take(c);
        int b = peek(c);
        if (b < 0 || b == '\n') {
            take(c);
            return;
        }
        if (b == '\'' || b == '"') {
            take(c);
            (b == '"' ? take_double_quoted : take_single_quoted)(c, value);
        } else {
            take_bare(c, value);
        }
    }
}

int envfile_parse(const char *data, size_t size, char ***env,
                  void (*complain)(void *, unsigned line, const char *why), void *userdata) {
    struct cursor c = { .p = data, .end = data + size, .line = 1 };
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        c.p += 3;
    while (peek(&c) >= 0) {
        if (is_blank(peek(&c)) || peek(&c) == '\n') {
            take(&c);
            continue;
        }
        if (peek(&c) == '#' || peek(&c) == ';') {
            skip_line(&c);
            continue;
        }
        unsigned line = c.line;
        const char *name = c.p;
        while (peek(&c) >= 0 && peek(&c) != '=' && peek(&c) != '\n')
            take(&c);
        size_t n = (size_t)(c.p - name);
        while (n > 0 && is_blank(name[n - 1]))
            n--;
        if (peek(&c) != '=') {
            if (complain)
                complain(userdata, line, "missing '=', ignoring line");
            continue;
        }
        take(&c);
        _cleanup_text_ struct text assignment = {};
        text_add_n(&assignment, name, n);
        text_add_char(&assignment, '=');
        take_value(&c, &assignment);
        if (assignment.failed)
            return -ENOMEM;
        const char *why = !env_name_valid(name, n) ? "not a valid variable name, ignoring line"
                          : memchr(assignment.s, 0, assignment.len) ? "value with a NUL byte, ignoring line"
                          : !utf8_valid(assignment.s, assignment.len)
                              ? "value is not valid UTF-8, ignoring line"
                              : NULL;
        if (why) {
            if (complain)
                complain(userdata, line, why);
            continue;
        }
        int r = env_put(env, assignment.s);
        if (r < 0)
            return r;
    }
    return 0;
}
