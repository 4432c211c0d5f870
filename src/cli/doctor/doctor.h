/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of `reeve doctor` share: what is known of this container and its manager, and the findings. A
 * check asks and changes nothing. */
#pragma once

#include "cli/systemctl/ctl.h"
#include "exec/plan.h"

enum severity {
    SEVERITY_PROBLEM, /* something does not work, or a newcomer will look for it in vain: the exit status says so */
    SEVERITY_NOTE,    /* a property of the container that one has to know */
};

struct doctor {
    struct permits permits;     /* of this process: those of a service of the manager, in most containers */
    struct running manager;     /* pid 0: none has left its mark */
    bool is_anothers;           /* the manager is not this user's: much cannot be looked at */
    DBusMessage *reply;         /* owns what units borrow */
    struct unit_row *units;     /* those that are loaded and not inactive; none without a manager */
    size_t n_units;
    const char *check;          /* that runs */
    struct text what, cure;     /* of the finding that is being made */
    struct text json;
    bool as_json;
    size_t n_problems, n_findings;
};

/* Prints d->what, empties it and d->cure. `subject` is the unit or path that it is about, or NULL; `cure`, or, if
 * that is NULL, d->cure, says what to do. All are sentences without a full stop. */
void doctor_tell(struct doctor *d, enum severity severity, const char *subject, const char *why, const char *cure);

/* A unit's settings, from its files; NULL: there are none, or they cannot be read. The caller frees. */
struct unit_file *doctor_load(const struct search_path *search, const char *id);

/* doctor/container.c */
void check_first_process(struct doctor *d);
void check_stdout(struct doctor *d);
void check_nologin(struct doctor *d);
void check_places(struct doctor *d);
void check_capabilities(struct doctor *d);
/* doctor/units.c */
void check_failed(struct doctor *d);
void check_enforcement(struct doctor *d);
/* doctor/log_files.c */
void check_log_files(struct doctor *d);
