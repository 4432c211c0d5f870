/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's command line: words with NUL between them. */
#include "base/strv.h"
#include "engine/init_options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), *argv[WORDS_MAX + 2] = { "init" };
    memcpy(text, data, size);
    text[size] = 0;
    int argc = 1;
    for (char *at = text; at <= text + size && argc <= WORDS_MAX; at += strlen(at) + 1)
        argv[argc++] = at;
    struct init_options o;
    if (init_options_parse(argc, argv, &o) < 0 || o.state_fd < -1 || (o.state_fd >= 0 && o.state_fd < 3))
        abort();
    strv_free(o.exit_with);
    free(text);
    return 0;
}
