/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit says of the treatment of its entries: which are kept, and how they are shown on the container's
 * stdout. It comes from PID 1 as lines NAME=value. Knows no streams and no files. */
#pragma once

#include "base/macro.h"

struct log_settings;

/* Longer ones are refused by log_client_open_stream(). */
#define LOG_SETTINGS_MAX 4096

/* Lines: "format=", a name of console.h; "level=", a number; "errors=1": what a unit writes to its standard
 * error, when that is to be kept apart; "filter=", as in LogFilterPatterns=; "file=", as in LogFiles=. What
 * is not known is left out. NULL: there are none, or no memory. */
struct log_settings *log_settings_new(const char *lines);
void log_settings_free(struct log_settings *s);

/* Is the message to be kept? LogFilterPatterns=, systemd.exec(5). NULL keeps all. */
bool log_settings_keep(const struct log_settings *s, const char *message, size_t size);
/* What is shown of it; -1: as of the container's. */
int log_settings_format(const struct log_settings *s);
int log_settings_level(const struct log_settings *s);
bool log_settings_errors(const struct log_settings *s);
/* The patterns of the files to be followed; NULL: none. */
char *const *log_settings_files(const struct log_settings *s);
