/* SPDX-License-Identifier: Apache-2.0 */
/* Between transaction.c, transaction_order.c and transaction_resolve.c. */
#pragma once

#include "engine/transaction.h"

struct transaction_step {
    struct job *job;
    uint32_t pull, edge; /* row of the table of pulls, edge of the unit: the next ones to look at */
};
/* 0 or -ENOMEM. */
int transaction_push(struct transaction *tr, struct job *j);

/* Puts it into the lists of its two jobs, takes it out. */
void transaction_link(struct job_link *l);
void transaction_unlink(struct job_link *l);

/* For each unit that has or had jobs in the transaction. */
#define FOREACH_UNIT_IN(i, tr) for (size_t i = 0; i < (tr)->n_units; i++)

/* Takes the job out and frees it; with `dependants`, also the jobs to which it matters. */
void transaction_drop_job(struct transaction *tr, struct job *j, bool dependants);
/* All jobs of the unit, with those to which they matter. */
void transaction_drop_unit(struct transaction *tr, struct unit *u);
/* Can the jobs be run in the order that Before= and After= demand? 0; -EAGAIN: not yet, a unit was given up to break a
 * cycle; or, where all in the cycle matter, as error_set(). */
int transaction_verify_order(struct transaction *tr, struct error *error);
/* 0 or why the unit cannot be started: not found, masked, …. */
int unit_check_loaded(const struct unit *u, struct error *error);
