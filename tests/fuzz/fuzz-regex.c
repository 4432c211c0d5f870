/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern, a line break, a text: any pattern is compiled or refused, and a match lies inside the text. */
#include "syntax/regex.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 2048)
        return 0;
    char *pattern = strndup((const char *)data, size);
    char *newline = pattern ? strchr(pattern, '\n') : NULL;
    size_t used = newline ? (size_t)(newline - pattern) + 1 : size, begin = 0, end = 0;
    struct regex *r;
    const char *why = NULL;
    if (newline)
        *newline = 0;
    if (pattern && regex_compile(pattern, used % 2, &r, &why) == 0) {
        if (regex_search(r, (const char *)data + used, size - used, &begin, &end) && (begin > end || end > size - used))
            abort();
        regex_free(r);
    } else if (!why || !*why)
        abort();
    free(pattern);
    return 0;
}
