/* SPDX-License-Identifier: Apache-2.0 */
/* One log entry on its way from an intake to the sinks, and what a sink is. An intake knows no sinks, a sink
 * no intakes: the console is a sink, a journal file will be another. */
#pragma once

#include "base/clock.h"
#include "base/id128.h"
#include <sys/types.h>

enum entry_transport { ENTRY_PIPE, ENTRY_STREAM, ENTRY_SYSLOG, ENTRY_NATIVE, ENTRY_MANAGER };

/* Everything is borrowed for the call. Text is bytes, not necessarily UTF-8, and has no NUL at its end. */
struct entry {
    enum entry_transport transport;
    int level;               /* LOG_EMERG … LOG_DEBUG */
    int facility;            /* LOG_DAEMON …, shifted as in syslog.h; -1: unknown */
    const char *unit;        /* NULL: unknown */
    const char *identifier;  /* what the sender calls itself; NULL: unknown */
    const char *message_id;  /* NULL: none */
    struct id128 invocation; /* null: unknown */
    pid_t pid;               /* of the sender; 0: unknown */
    const char *message;     /* may hold line breaks */
    size_t size;
    bool console;       /* to be shown on the container's stdout */
    const char *fields; /* ENTRY_NATIVE: all fields as they came; else NULL */
    size_t fields_size;
};

struct sink {
    void (*write)(struct sink *sink, const struct entry *entry);
    struct sink *next;
};
