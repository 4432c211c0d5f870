/* SPDX-License-Identifier: Apache-2.0 */
/* A growing string. An allocation that fails is remembered, so a chain of additions needs one check at its end.
 * Knows nothing of files or units. */
#pragma once

#include "base/macro.h"
#include <stdarg.h>

struct text {
    char *s;      /* always NUL-terminated once something was added; NULL before */
    size_t len;   /* bytes without the NUL; embedded NUL bytes are allowed */
    size_t size;  /* allocated */
    bool failed;  /* an allocation failed: the content is incomplete */
};

void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t n);
void text_add_char(struct text *t, char c);
void text_addf(struct text *t, const char *format, ...) _printf_(2, 3);
void text_addv(struct text *t, const char *format, va_list args);
/* Empties the text, keeping its memory; also clears `failed`. */
void text_clear(struct text *t);
void text_free(struct text *t);
/* The string so far; "" when nothing was added. Owned by the text. */
const char *text_str(const struct text *t);
/* Hands the string to the caller, who frees it; NULL after a failed allocation. The text is empty afterwards. */
char *text_take(struct text *t);

#define _cleanup_text_ _cleanup_(text_free)
