/* SPDX-License-Identifier: Apache-2.0 */
/* journal/config.h and journal/varlink.h: settings and requests from outside. */
#include "journal/config.h"
#include "journal/varlink.h"

#include <errno.h>
#include <string.h>

static void ignore(void *userdata, unsigned line, const char *why) {
    if (!*why)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct log_config config;
    log_config_defaults(&config);
    log_config_parse(&config, (const char *)data, size, ignore, NULL);
    if (config.line_max > 48 * 1024 || config.max_level_store > 7 || config.storage > STORAGE_NONE)
        abort();
    struct varlink_buffer b = { .n = MIN(size, sizeof(b.data)) };
    memcpy(b.data, data, b.n);
    int r;
    while ((r = varlink_take(&b)) >= 0 || r == -EOPNOTSUPP)
        if (r >= VARLINK_METHODS)
            abort();
    return 0;
}
