/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager says of a unit, with the fields that systemd's manager gives such messages. Knows no log process. */
#include "engine/unit_private.h"

#include <stdio.h>

void unit_log_fields(const struct unit *u, int level, const char *message_id, const char *fields, const char *format, ...) {
    char all[512], id[33];
    int n = 0;
    if (!id128_is_null(u->invocation))
        n = snprintf(all, sizeof(all), "INVOCATION_ID=%s\n", id128_to_string(u->invocation, id));
    snprintf(all + n, sizeof(all) - (size_t)n, "%s", fields ? fields : "");
    va_list args;
    va_start(args, format);
    log_with_fields(level, u->id, message_id, all, format, args);
    va_end(args);
}

void unit_log_failure(const struct unit *u, const char *result) {
    char fields[128];
    snprintf(fields, sizeof(fields), "UNIT_RESULT=%s", result);
    unit_log_fields(u, LOG_WARNING, "d9b373ed55a64feb8242e02dbe79a49c", fields, "%s: Failed with result '%s'.", u->id, result);
}
