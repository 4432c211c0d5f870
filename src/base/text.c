/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool text_reserve(struct text *t, size_t more) {
    if (t->failed)
        return false;
    if (t->len + more < t->size)
        return true;
    size_t size = MAX(t->size * 2, t->len + more + 1);
    char *s = realloc(t->s, MAX(size, (size_t)64));
    if (!s) {
        t->failed = true;
        return false;
    }
    t->s = s;
    t->size = MAX(size, (size_t)64);
    return true;
}

void text_add_n(struct text *t, const char *s, size_t n) {
    if (!text_reserve(t, n))
        return;
    if (n > 0)
        memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = 0;
}

void text_add(struct text *t, const char *s) {
    if (s)
        text_add_n(t, s, strlen(s));
}

void text_add_char(struct text *t, char c) {
    text_add_n(t, &c, 1);
}

void text_addv(struct text *t, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && text_reserve(t, (size_t)n + 1)) {
        vsnprintf(t->s + t->len, (size_t)n + 1, format, again);
        t->len += (size_t)n;
    }
    va_end(again);
}

void text_addf(struct text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    text_addv(t, format, args);
    va_end(args);
}

void text_clear(struct text *t) {
    t->len = 0;
    t->failed = false;
    if (t->s)
        t->s[0] = 0;
}

void text_free(struct text *t) {
    free(t->s);
    *t = (struct text){};
}

const char *text_str(const struct text *t) {
    return t->s ? t->s : "";
}

char *text_take(struct text *t) {
    char *s = NULL;
    if (!t->failed)
        s = t->s ? TAKE(t->s) : strdup("");
    /* What is taken is kept: without the room for more. */
    if (s && t->size > t->len + 1)
        s = realloc(s, t->len + 1) ?: s;
    text_free(t);
    return s;
}
