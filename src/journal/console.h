/* SPDX-License-Identifier: Apache-2.0 */
/* The sink that is the container's stdout, or its stderr: each line with who said it. Lines are gathered and written
 * together. A stdout that does not take them makes no one wait for long: the caller asks console_state() and
 * goes by it. */
#pragma once

#include "journal/entry.h"
#include "journal/output.h"

/* What is kept of a stdout that has stopped; lines beyond are counted, and the count is said when it moves
 * again. */
#define CONSOLE_KEEP_MAX (4 * 1024 * 1024)
/* Enough to be worth a write. */
#define CONSOLE_BATCH (64 * 1024)
/* A stdout that takes nothing for so long has stopped. Until then it is slow, and its writers are made as
 * slow. */
#define CONSOLE_PATIENCE (1 * USEC_PER_SEC)

enum console_format {
    CONSOLE_SHORT,  /* who: text */
    CONSOLE_JSON,   /* an object a line: time, level, unit, identifier, pid, message */
    CONSOLE_LOGFMT, /* name=value, the same names, and msg */
    CONSOLE_CAT,    /* the text alone, byte for byte */
    CONSOLE_NONE,
    CONSOLE_FORMATS,
};

/* What is shown, and how, unless a unit has it otherwise (log_settings.h). */
struct console_rules {
    enum console_format format;
    bool on;               /* ForwardToConsole= */
    int max_level;         /* MaxLevelConsole= */
    int max_manager_level;
    char **units;          /* patterns of the units that are shown; NULL: all. Owned */
    bool units_inverted;   /* of those that are not */
    bool split;            /* what is an error goes to stderr: what units write there, and others' from level err */
};
/* "nginx.service php*", "~cron.service": sets units. 0 or -ENOMEM. */
int console_rules_set_units(struct console_rules *rules, const char *words);

enum console_state {
    CONSOLE_EMPTY,   /* all is written */
    CONSOLE_PENDING, /* something waits for console_flush(), or for stdout */
    CONSOLE_STUCK,   /* stdout has stopped */
};

struct console {
    struct sink sink; /* first */
    struct output output;
    char *buffer;
    size_t head, tail, size; /* buffer[head..tail) is to be written */
    usec_t progress;         /* when stdout last took something, or began to be full */
    bool blocked, stuck;
    unsigned long n_lost; /* lines */
    const struct console_rules *rules;
    bool colour;
    bool errors; /* it is the container's stderr */
};

/* `rules` is borrowed. */
void console_open(struct console *c, int fd, bool errors, const struct console_rules *rules);
void console_close(struct console *c);
/* Writes what can be written now. */
void console_flush(struct console *c);
enum console_state console_state(const struct console *c);
/* Before a long sleep: gives memory back. */
void console_rest(struct console *c);
/* --- console_format.c */
#define CONSOLE_FORMAT_NAMES "one of short, json, logfmt, cat, none"
/* "short" … "none"; -EINVAL. */
int console_format_from_string(const char *s);
/* What lines of this level begin with on a terminal; NULL: nothing. */
const char *console_colour(int level);
struct text;
/* "2026-11-22T06:00:00.123456Z" */
void console_put_time(struct text *out, usec_t time);
/* Appends the entry as a line of json or logfmt. 0 or -ENOMEM. */
int console_format_entry(enum console_format format, const struct entry *e, struct text *out);

/* Bytes waiting. */
size_t console_waiting(const struct console *c);
/* When the patience with a blocked stdout ends; USEC_INFINITY: it is not blocked, or has stopped already. */
usec_t console_deadline(const struct console *c);
