/* SPDX-License-Identifier: Apache-2.0 */
/* Generators, and reading the units. */
#pragma once

#include "engine/manager.h"

/* Runs the generators in a helper process; `done` is called when it has ended, or at once when there is nothing to run. */
int manager_run_generators(struct manager *m, void (*done)(struct manager *m, int status));
/* Called by reap.c. */
void manager_helper_exited(struct manager *m, int status);
/* Reads the load path's directories and loads the units that are always there. */
int manager_read_units(struct manager *m);
/* Nobody is answered any more. */
void manager_drop_requests(struct manager *m);
/* Work of WORK_OBJECTIVE: what m->objective says. `manager`: struct manager *. */
void manager_objective(void *manager);
