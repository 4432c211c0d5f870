/* SPDX-License-Identifier: Apache-2.0 */
/* One log entry on its way from an intake to the sinks, and what a sink is. An intake knows no sinks, a sink
 * no intakes: the console is a sink, the journal's files (store.h) are another. */
#pragma once

#include "base/clock.h"
#include "base/id128.h"
#include <sys/types.h>

enum entry_transport {
    ENTRY_PIPE,
    ENTRY_STREAM,
    ENTRY_SYSLOG,
    ENTRY_NATIVE,
    ENTRY_MANAGER,
    ENTRY_KERNEL,
    ENTRY_FILE,
    ENTRY_TRANSPORTS
};

struct entry_set;
struct log_settings;

/* Everything is borrowed for the call. Text is bytes, not necessarily UTF-8, and has no NUL at its end. */
struct entry {
    enum entry_transport transport;
    int level;               /* LOG_EMERG … LOG_DEBUG */
    int facility;            /* LOG_DAEMON …, shifted as in syslog.h; -1: unknown */
    uid_t uid;               /* of the sender; 0 if unknown */
    const char *unit;        /* NULL: unknown */
    const char *identifier;  /* what the sender calls itself; NULL: unknown */
    const char *message_id;  /* NULL: none */
    struct id128 invocation; /* null: unknown */
    pid_t pid;               /* of the sender; 0: unknown */
    const char *message;     /* may hold line breaks; NULL: none */
    size_t size;
    bool console;         /* to be shown on the container's stdout */
    const char *fields; /* ENTRY_NATIVE, ENTRY_MANAGER, ENTRY_KERNEL: fields as the native protocol has them; or NULL */
    size_t fields_size;
    const struct log_settings *settings; /* of the unit; NULL: none */
    struct entry_set *set;  /* what is known of the sender: fields.h; NULL: nothing */
    const char *line_break; /* why a stream's line ended, if not for a newline: "eof", "line-max", "nul"; or NULL */
    usec_t source_time;     /* realtime, as the sender or the kernel says; 0: unknown */
    bool named;             /* ENTRY_SYSLOG: identifier and pid are what the sender wrote */
    const char *raw_time;   /* ENTRY_SYSLOG: the time stamp as it came; NULL: none */
    size_t raw_time_size;
};

/* LOG_DAEMON …; where it is unknown, by where the entry came from. */
int entry_facility(const struct entry *e);

struct sink {
    void (*write)(struct sink *sink, const struct entry *entry);
    struct sink *next;
};
