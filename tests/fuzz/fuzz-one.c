/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the one-command init: words with NUL between them, the first byte says under which name. */
#include "cli/one.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    char *text = malloc(size), *argv[WORDS_MAX + 2] = { "init" }, complaint[256];
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    int argc = 1;
    for (char *at = text; at < text + size && argc <= WORDS_MAX; at += strlen(at) + 1)
        argv[argc++] = at;
    struct one_options o;
    if (one_options_parse(data[0] % ONE_STYLES, argc, argv, argv + 1, &o, complaint) == ONE_RUN) {
        if (!o.command && !o.pause)
            abort();
        for (size_t i = 0; i < ONE_SIGNALS; i++)
            if (o.signals[i] >= ONE_SIGNALS)
                abort();
    }
    free(text);
    return 0;
}
