/* SPDX-License-Identifier: Apache-2.0 */
/* How the manager ends. */
#pragma once

#include "engine/manager.h"

#define EXIT_CODE_REBOOT 133 /* "start me again": for restart policies */

/* SIGTERM and its kin: starts `target`; the second time, nobody is waited for any longer. */
void manager_stop_requested(struct manager *m, const char *target);
/* REEVE_STOP_TIMEOUT= in the manager's own environment: how long the stop may take before nobody is waited for any
 * longer. Nothing while no stop is under way. Also to be called after a re-execution. */
void manager_arm_stop_deadline(struct manager *m);
/* Every installed job passes here: one that starts shutdown.target begins the end. */
void manager_note_shutdown_job(struct manager *m, const struct job *j);
/* After the loop has ended with OBJECTIVE_EXIT: what no unit owns goes, wires close, the log is written out. */
void manager_finish(struct manager *m);
/* All jobs of the end are done, and yet it has not come (one of them failed, or was cancelled): then it comes now. */
void manager_check_ended(struct manager *m);
/* Is it one of the targets that end the container? */
bool shutdown_is_ending(const char *unit_name);
