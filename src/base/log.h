/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for people, with syslog levels. Where they go (the log process, stderr, a test) is set by the program that
 * runs. Knows nothing of units but their names. */
#pragma once

#include "base/macro.h"
#include <stdarg.h>
#include <syslog.h>

struct log_record {
    int level;              /* LOG_DEBUG … LOG_EMERG */
    const char *unit;       /* the unit it is about; NULL: none */
    const char *message_id; /* 32 hex digits of systemd's catalog; NULL: none */
    const char *fields;     /* further journal fields, "NAME=value" lines; NULL: none */
    const char *text;       /* one or more lines, no trailing newline */
};

typedef void (*log_sink)(const struct log_record *record, void *userdata);

/* Until a sink is set, messages go to stderr as "reeve: text". */
void log_set_sink(log_sink sink, void *userdata);
void log_set_max_level(int level);
int log_max_level(void);
/* "emerg" … "debug" or "0" … "7"; -EINVAL. And back. */
int log_level_from_string(const char *s);
const char *log_level_to_string(int level);

void log_full(int level, const char *unit, const char *message_id, const char *format, ...) _printf_(4, 5);

/* The same with further fields, and the arguments in a list. */
void log_with_fields(int level, const char *unit, const char *message_id, const char *fields, const char *format,
                     va_list args) _printf_(5, 0);

#define log_at(level, ...) log_full(level, NULL, NULL, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERR, __VA_ARGS__)
