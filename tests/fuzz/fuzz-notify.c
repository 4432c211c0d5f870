/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications: whatever arrives, the lines are strings without newlines that together are the message. */
#include "base/strv.h"
#include "engine/notify.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    _cleanup_strv_ char **tags = NULL;
    if (notify_parse((const char *)data, size, &tags) < 0)
        return 0;
    size_t total = 0;
    if (!tags[0] || strv_length(tags) > NOTIFY_LINES_MAX)
        abort();
    STRV_FOREACH(tag, tags) {
        if (!**tag || strchr(*tag, '\n'))
            abort();
        total += strlen(*tag) + 1;
    }
    if (total > size + 1)
        abort();
    return 0;
}
