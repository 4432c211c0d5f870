/* SPDX-License-Identifier: Apache-2.0 */
/* The comments of an init script. */
#include "cli/sysv_parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sysv_script script = { .path = strdup("/etc/init.d/x"), .name = strdup("x.service"), .priority = -1 };
    char *text = malloc(size + 1);
    if (text && script.path && script.name) {
        memcpy(text, data, size);
        text[size] = 0;
        (void)sysv_parse(&script, text);
    }
    free(text);
    sysv_script_done(&script);
    return 0;
}
