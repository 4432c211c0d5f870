/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/json.h"
#include "syntax/utf8.h"

#include <string.h>

/* How many bytes the character at s has; 0: it is none. */
static size_t character_length(const char *s) {
    for (size_t n = 1; n <= 4 && memchr(s, 0, n) == NULL; n++)
        if (utf8_valid(s, n))
            return n;
    return 0;
}

void json_string(struct text *out, const char *s) {
    if (!s) {
        text_add(out, "null");
        return;
    }
    text_add_char(out, '"');
    while (*s) {
        size_t n = character_length(s);
        if (*s == '"' || *s == '\\')
            text_addf(out, "\\%c", *s);
        else if (*s == '\n')
            text_add(out, "\\n");
        else if (*s == '\t')
            text_add(out, "\\t");
        else if (n == 1 && ((unsigned char)*s < ' ' || *s == 0x7f))
            text_addf(out, "\\u%04x", (unsigned char)*s);
        else if (n > 0)
            text_add_n(out, s, n);
        else
            text_add(out, "\xef\xbf\xbd");
        s += n ? n : 1;
    }
    text_add_char(out, '"');
}
