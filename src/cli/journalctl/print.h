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

/* --- between its files ------------------------------------------------------------------------------------ */
int print_collect(struct reader *r, struct print_state *s, struct print_fields *ret);
bool print_wants(const struct print_options *o, const struct print_field *f);
/* Only what can be shown: UTF-8 without control characters but tabs and, if `lines`, line breaks. */
bool is_printable(const char *s, size_t n, bool lines);
int print_json(struct reader *r, const struct print_options *o, struct print_state *s);
int print_export(struct reader *r, const struct print_options *o, struct print_state *s);
void print_realtime(const struct print_options *o, struct print_state *s, usec_t t);
/* The message, `indent` columns in from its second line on. True if something was left out. */
bool print_lines(struct text *out, const struct print_options *o, unsigned indent, int priority, bool audit, const char *message,
                 size_t n, size_t begin, size_t end);
extern const char color_highlight[], color_normal[];
