/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction: the set of jobs that one request means, made consistent before any of it is installed. Built from
 * the anchor (what was asked for) along the requirement edges; then freed of what contradicts itself, of ordering
 * cycles, of what is done already; then checked against the installed jobs; then installed, or dropped without a
 * trace. systemd(1) "Concepts". */
#pragma once

#include "engine/job.h"

struct transaction_step; /* where a walk along the graph stands */

struct transaction {
    struct manager *manager;
    struct unit **units; /* those with jobs in here: unit->transaction_jobs */
    size_t n_units, room;
    struct job *anchor;
    struct transaction_step *path; /* of the walk in progress: graphs are deep, our stack is not */
    size_t n_path, path_room;
    bool irreversible, restart_dependents;
    bool ignore_requirements; /* nothing follows from the anchor */
    bool ignore_order;        /* and nothing is waited for */
};

struct transaction *transaction_new(struct manager *m, bool irreversible);
void transaction_freep(struct transaction **tr);
/* Adds a job and, along the edges, what follows from it. `by`: the job that wants it and to which it matters; NULL:
 * it is the anchor. -ENOMEM or as error_set() in `error`. */
int transaction_add(struct transaction *tr, enum job_type type, struct unit *u, struct job *by, struct error *error);
/* Stop jobs for everything else that runs. */
int transaction_add_isolate(struct transaction *tr);
/* Stop jobs for what would start `u` again. */
int transaction_add_triggering(struct transaction *tr, struct unit *u);
/* Makes it consistent and installs it. On failure nothing has changed. */
int transaction_activate(struct transaction *tr, enum job_mode mode, struct error *error);
