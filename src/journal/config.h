/* SPDX-License-Identifier: Apache-2.0 */
/* journald.conf(5) and its drop-ins, as far as the log process goes by them. Knows files and text only. */
#pragma once

#include "base/clock.h"
#include "base/macro.h"

enum log_storage { STORAGE_AUTO, STORAGE_VOLATILE, STORAGE_PERSISTENT, STORAGE_NONE };
enum log_split { SPLIT_UID, SPLIT_NONE };

/* What one directory of journal files may take. UINT64_MAX: the default, which goes by the file system. */
struct log_space {
    uint64_t max_use, keep_free, max_file_size, max_files;
};

#define LOG_CONFIG_TEXT 256

/* Every setting is a number of 64 bits or a text, so that the table in config.c knows two kinds of places. */
struct log_config {
    uint64_t storage, split;
    uint64_t compress_from; /* bytes; 0: no compression */
    struct log_space persistent, runtime;
    usec_t max_retention, max_file, sync_interval; /* 0: none */
    usec_t rate_interval;
    uint64_t rate_burst; /* either 0: no limit */
    uint64_t line_max;
    uint64_t forward_to_syslog, forward_to_console, read_kmsg;
    uint64_t max_level_store, max_level_syslog, max_level_console; /* syslog levels */
    /* Section [X-Reeve], which journald ignores. */
    uint64_t console_format;
    char console_units[LOG_CONFIG_TEXT]; /* "": all */
    char server[LOG_CONFIG_TEXT];        /* "": none; remote.h */
    char socket[LOG_CONFIG_TEXT];        /* ForwardToSocket= */
    uint64_t max_level_socket;
};

/* What holds where nothing is written. */
void log_config_defaults(struct log_config *config);
/* Reads the files below `root` ("" or a directory) over what is there. What is wrong is told, "FILE:LINE: why", and
 * left out. */
void log_config_read(struct log_config *config, const char *root, void (*complain)(void *userdata, const char *text),
                     void *userdata);
/* One file's text. */
void log_config_parse(struct log_config *config, const char *text, size_t size,
                      void (*complain)(void *userdata, unsigned line, const char *why), void *userdata);
