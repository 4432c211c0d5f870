/* SPDX-License-Identifier: Apache-2.0 */
/* Joins physical lines into logical ones, then takes each apart. Knows no directives. */
#include "syntax/lines.h"
#include "base/text.h"
#include "syntax/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES (1024 * 1024)
#define WHITESPACE " \t\n\r"

struct reader {
    const struct line_handler *handler;
    void *userdata;
    unsigned line;    /* the logical line's first */
    struct text text; /* the logical line */
    const char *bad;  /* why it is malformed */
    char *section;    /* NULL after a malformed header: what follows belongs nowhere */
};

static void _printf_(2, 3) complain(struct reader *r, const char *format, ...) {
    if (!r->handler->complain)
        return;
    char why[256];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    /* A cut through the middle of a character would no longer be UTF-8. */
    while (*why && !utf8_valid(why, strlen(why)))
        why[strlen(why) - 1] = 0;
    r->handler->complain(r->userdata, r->line, why);
}

/* In place: white space at both ends goes. */
static char *strip(char *s) {
    s += strspn(s, WHITESPACE);
    size_t n = strlen(s);
    while (n > 0 && strchr(WHITESPACE, s[n - 1]))
        n--;
    s[n] = 0;
    return s;
}

static int finish(struct reader *r) {
    if (r->text.failed)
        return -ENOMEM;
    if (r->bad) {
        complain(r, "%s, ignoring line", r->bad);
        return 0;
    }
    if (r->text.len == 0)
        return 0;
    char *s = strip(r->text.s);
    if (!*s)
        return 0;
    if (*s == '[') {
        size_t n = strlen(s);
        free(r->section);
        r->section = NULL;
        if (s[n - 1] != ']') {
            complain(r, "Invalid section header '%s', ignoring what follows", s);
            return 0;
        }
        r->section = strndup(s + 1, n - 2);
        return r->section ? 0 : -ENOMEM;
    }
    char *equals = strchr(s, '=');
    if (!equals) {
        complain(r, "Missing '=', ignoring line");
        return 0;
    }
    *equals = 0;
    char *name = strip(s), *value = strip(equals + 1);
    if (!*name) {
        complain(r, "Missing key name before '=', ignoring line");
        return 0;
    }
    if (!r->section)
        return 0;
    return r->handler->assign(r->userdata, r->line, r->section, name, value);
}

/* Does the line end in a backslash that is not itself escaped? */
static bool continues(const char *s, size_t n) {
    size_t backslashes = 0;
    while (backslashes < n && s[n - 1 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 1;
}

int lines_read(const char *data, size_t size, const struct line_handler *handler, void *userdata) {
    struct reader r = { .handler = handler, .userdata = userdata, .section = strdup("") };
    int result = r.section ? 0 : -ENOMEM;
    const char *p = data, *end = data + size;
    if (size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    bool continued = false;
    for (unsigned number = 1; p < end && result == 0; number++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *line = p;
        size_t n = (size_t)((newline ? newline : end) - p);
        p = newline ? newline + 1 : end;
        if (n > 0 && line[n - 1] == '\r')
            n--;

        size_t indent = 0;
        while (indent < n && strchr(" \t", line[indent]))
            indent++;
        if (indent < n && (line[indent] == '#' || line[indent] == ';'))
            continue;
        if (!continued) {
            text_clear(&r.text);
            r.bad = NULL;
            r.line = number;
        }
        if (r.text.len + n > LINE_MAX_BYTES)
            r.bad = "Line of more than 1 MiB";
        else if (memchr(line, 0, n))
            r.bad = "Line with a NUL byte";
        else if (!utf8_valid(line, n))
            r.bad = "Line is not valid UTF-8";
        continued = continues(line, n);
        if (!r.bad) {
            text_add_n(&r.text, line, continued ? n - 1 : n);
            if (continued)
                text_add_char(&r.text, ' ');
        }
        if (!continued)
            result = finish(&r);
    }
    if (continued && result == 0)
        result = finish(&r);
    text_free(&r.text);
    free(r.section);
    return result;
}
