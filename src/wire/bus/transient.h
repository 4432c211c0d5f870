/* SPDX-License-Identifier: Apache-2.0 */
/* From D-Bus properties to the text of a unit file: what transient.c and transient_values.c share. */
#pragma once

#include "wire/bus/internal.h"

struct writer {
    struct manager *manager;
    struct unit_file *check; /* every line is assigned to it as well */
    struct text unit, own;   /* lines of [Unit] and of the type's section */
    pid_t *pids;
    size_t n_pids;
    pid_t caller;
    bool add_ref;
    uint8_t marks_set, marks_cleared; /* Markers=: bits of enum unit_mark */
    struct error *error;
};

/* The words of Markers=, by bit of enum unit_mark. */
extern const char *const unit_mark_names[2];

void writer_done(struct writer *w);
/* Reads a(sv): each property becomes lines, checked by its directive's own type. 0 or a negative errno, w->error
 * said. */
int writer_put_properties(struct writer *w, DBusMessageIter *properties);
/* The string there, and on to the next. */
const char *iter_string(DBusMessageIter *i);
