/* SPDX-License-Identifier: Apache-2.0 */
/* One line of tmpfiles.d. */
#include "cli/tmpfiles/tmpfiles.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct tmpfiles t = { .root = "" };
    struct item item;
    const char *why;
    char *line = malloc(size + 1);
    if (!line)
        return 0;
    memcpy(line, data, size);
    line[size] = 0;
    if (tmpfiles_parse_line(&t, line, &item, &why) > 0) {
        if (!item.path || item.path[0] != '/')
            abort();
        item_done(&item);
    }
    free(line);
    return 0;
}
