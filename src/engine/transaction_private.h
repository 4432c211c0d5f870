/* SPDX-License-Identifier: Apache-2.0 */
/* Between transaction.c and transaction_resolve.c. */
#pragma once

#include "engine/transaction.h"

/* Takes the job out and frees it; with `dependants`, also the jobs to which it matters. */
void transaction_drop_job(struct transaction *tr, struct job *j, bool dependants);
/* 0 or why the unit cannot be started: not found, masked, …. */
int unit_check_loaded(const struct unit *u, struct error *error);
