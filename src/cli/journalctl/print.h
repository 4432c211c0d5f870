/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries as text, in every format of journalctl(1). Used by `systemctl status` as well. */
#pragma once

#include "base/text.h"
#include "journal/read.h"
#include "syntax/timestamp.h"

#include <stdio.h>

enum print_mode {
    PRINT_SHORT, PRINT_SHORT_FULL, PRINT_SHORT_ISO, PRINT_SHORT_ISO_PRECISE, PRINT_SHORT_PRECISE, PRINT_SHORT_MONOTONIC,
    PRINT_SHORT_DELTA, PRINT_SHORT_UNIX, PRINT_VERBOSE, PRINT_EXPORT, PRINT_JSON, PRINT_JSON_PRETTY, PRINT_JSON_SSE,
    PRINT_JSON_SEQ, PRINT_CAT, PRINT_WITH_UNIT, PRINT_MODES
};
extern const char *const print_mode_names[PRINT_MODES];
/* -EINVAL. */
int print_mode_from_string(const char *s);

struct print_options {
    enum print_mode mode;
    bool all, utc, no_hostname;
    bool ellipsize;   /* lines to `columns`, few of them */
    bool first_line;  /* of each message only */
    bool color;
    unsigned columns;
    char **fields;    /* --output-fields=; NULL: all */
};

/* All of an entry's data, split; copies where the reader would overwrite them. */
struct print_field {
    const char *name, *value;
    size_t name_size, value_size;
};
struct print_fields {
    struct print_field *list;
    size_t n, size;
};

struct moment {
    bool known;
    struct id128 boot_id;
    usec_t monotonic, realtime;
};

/* What one entry leaves for the next. */
struct print_state {
    struct text out, large; /* the line that is made; decompressed data, kept while it is */
    struct print_fields fields;
    struct moment before; /* of the last entry */
    usec_t second; /* that `clock` shows */
    long offset; /* of that second, minutes east */
    char clock[TIMESTAMP_MAX];
};
void print_state_done(struct print_state *s);

/* Appends the current entry to s->out. The part [begin, end) of its message is highlighted, if end is not 0. -EBADMSG:
 * it cannot be read; -ENOMEM. */
int print_entry(struct reader *r, const struct print_options *o, struct print_state *s, size_t begin, size_t end);

/* Matches what a unit logged and what was logged about it, as `journalctl --unit` does; a group of its own, after which
 * reader_and() begins the next. -ENOMEM. */
int match_unit_entries(struct reader *r, const char *unit, bool user);
