/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager says of a unit, with the fields that systemd's manager gives such messages. Knows no log process. */
#include "engine/unit_private.h"
#include "syntax/names.h"

#include <signal.h>
#include <stdio.h>

/* systemd's catalog. */
#define ID_SUCCESS "7ad2d189f7e94e70a38c781354912448"
#define ID_FAILURE "d9b373ed55a64feb8242e02dbe79a49c"
#define ID_OUT_OF_MEMORY "fe6faa94e7774663a0da52717891d8ef"
#define ID_PROCESS_EXIT "98e322203f7a4ed290d09fe03c09fe15"

void unit_log_fields(const struct unit *u, int level, const char *message_id, const char *fields, const char *format,
                     ...) {
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

void unit_log_end(const struct unit *u, const char *result) {
    char fields[128];
    if (!result) {
        unit_log_id(u, u->file->builtin ? LOG_DEBUG : LOG_INFO, ID_SUCCESS, "Deactivated successfully.");
        return;
    }
    snprintf(fields, sizeof(fields), "UNIT_RESULT=%s", result);
    unit_log_fields(u, LOG_WARNING, ID_FAILURE, fields, "%s: Failed with result '%s'.", u->id, result);
}

void unit_log_process_exit(const struct unit *u, const char *who, bool success, int code, int status) {
    const char *how = code == CLD_EXITED ? "exited" : code == CLD_KILLED ? "killed" : "dumped";
    const char *name = code == CLD_EXITED ? exit_status_to_string(status) : signal_to_string(status);
    char fields[64];
    snprintf(fields, sizeof(fields), "EXIT_CODE=%s\nEXIT_STATUS=%d", how, status);
    unit_log_fields(u, success ? LOG_DEBUG : code == CLD_EXITED ? LOG_NOTICE : LOG_WARNING, ID_PROCESS_EXIT, fields,
                    "%s: %s process exited, code=%s, status=%d/%s", u->id, who, how, status, name ? name : "n/a");
}

void unit_log_out_of_memory(const struct unit *u) {
    unit_log_id(u, LOG_NOTICE, ID_OUT_OF_MEMORY, "A process of this unit has been killed by the OOM killer.");
}
