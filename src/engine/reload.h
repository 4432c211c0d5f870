/* SPDX-License-Identifier: Apache-2.0 */
/* Generators, reading the units, daemon-reload and daemon-reexec: how one waits for the other. */
#pragma once

#include "engine/manager.h"

/* Runs the generators in a helper process; `done` is called when it has ended, or at once when there is nothing to
 * run. */
int manager_run_generators(struct manager *m, void (*done)(struct manager *m, int status));
/* There is one helper at a time. `done` gets its exit status, or the signal that ended it as a negative number; after
 * `limit` it is killed. `name` is for the log, static. */
void manager_watch_helper(struct manager *m, pid_t pid, const char *name, usec_t limit,
                          void (*done)(struct manager *m, int status));
/* Called by reap.c. */
void manager_helper_exited(struct manager *m, int status);
/* Begins what was asked for and had to wait, if nothing is under way. */
void manager_proceed(struct manager *m);
/* Reads the load path's directories and loads the units that are always there. */
int manager_read_units(struct manager *m);
/* The second half of it: the units that are always there. */
void manager_load_perpetual(struct manager *m);
/* Nobody is answered any more. */
void manager_drop_requests(struct manager *m);
/* Work of WORK_OBJECTIVE: what m->objective says. `manager`: struct manager *. */
void manager_objective(void *manager);

/* --- reexec.c */
/* If somebody asked for it: generators first, then a look whether the program would run at all, then the exec. */
void manager_begin_reexecution(struct manager *m);
/* The exec itself. It returns only if it failed; everything is as before then, and who asked for it was told. */
void manager_execute_anew(struct manager *m);
/* Whoever asked is told why not; NULL: nobody is told. */
void manager_refuse_reexecution(struct manager *m, const char *why);
/* At a first boot: remembers where our program lies, for it may be replaced or moved away later. */
void manager_find_program(struct manager *m);
