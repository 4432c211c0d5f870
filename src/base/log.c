/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static log_sink current_sink;
static void *current_userdata;
static int max_level = LOG_INFO;

static const char *const level_names[] = { "emerg",   "alert",  "crit", "err",
                                           "warning", "notice", "info", "debug" };

void log_set_sink(log_sink sink, void *userdata) {
    current_sink = sink;
    current_userdata = userdata;
}

void log_set_max_level(int level) {
    max_level = level;
}

int log_max_level(void) {
    return max_level;
}

int log_level_from_string(const char *s) {
    for (int i = 0; i < (int)ELEMENTS(level_names); i++)
        if (strcmp(s, level_names[i]) == 0 || (s[0] == '0' + i && s[1] == 0))
            return i;
    return -EINVAL;
}

const char *log_level_to_string(int level) {
    return level >= 0 && level < (int)ELEMENTS(level_names) ? level_names[level] : NULL;
}

void log_full(int level, const char *unit, const char *message_id, const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_with_fields(level, unit, message_id, NULL, format, args);
    va_end(args);
}

void log_with_fields(int level, const char *unit, const char *message_id, const char *fields, const char *format,
                     va_list args) {
    if (level > max_level)
        return;
    int saved = errno;
    /* Long messages lose their end rather than cost an allocation here. */
    char message[2048];
    vsnprintf(message, sizeof(message), format, args);
    struct log_record record = { level, unit, message_id, fields, message };
    if (current_sink)
        current_sink(&record, current_userdata);
    else
        dprintf(STDERR_FILENO, "reeve: %s\n", message);
    errno = saved;
}
