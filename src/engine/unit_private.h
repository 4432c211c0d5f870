/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's own files and the unit types need of a unit, and nobody else. */
#pragma once

#include "base/log.h"
#include "base/strv.h"
#include "engine/manager.h"
#include "engine/spawn.h"
#include "engine/unit.h"
#include "unit/types.h"

/* --- life -------------------------------------------------------------------------------------------------------- */
enum notify_flags {
    NOTIFY_RELOAD_FAILED = 1 << 0,
    NOTIFY_WILL_RESTART = 1 << 1, /* an automatic restart follows: the job and OnFailure= wait for its outcome */
};
/* The one place where a unit's state changes: to be called by a type after it changed its own. Jobs, dependants, time
 * stamps, observers follow from here. */
void unit_notify(struct unit *u, enum active_state before, enum active_state after, enum notify_flags flags);
/* Something that `systemctl show` shows changed. */
void unit_changed(struct unit *u);

/* slice.c: ConcurrencyHardMax= and ConcurrencySoftMax= of the slices it is in. 0; -EDQUOT: it may not start; -EAGAIN:
 * not yet. With `or_queued`, units whose start is queued count and only the hard limit is looked at. */
int slices_have_room(const struct unit *u, bool or_queued);
/* It is down: what waits for that is tried again. */
void slices_got_room(const struct unit *u);
/* Called by jobs. Return values as in unit_ops.start. */
int unit_start(struct unit *u);
int unit_stop(struct unit *u);
int unit_reload(struct unit *u);

/* A fresh InvocationID=; 0 or negative errno. */
int unit_new_invocation(struct unit *u);
/* The status SuccessAction=exit or FailureAction=exit ends the container with: as written, or the main process's. */
int unit_exit_status(const struct unit *u, enum directive directive);
void unit_start_on_failure(struct unit *u);
/* Tells the units that trigger u (its sockets, timers, paths). */
void unit_trigger_notify(struct unit *u);
/* Sets the tag and makes the unit findable by it. 0 or -ENOMEM. */
int unit_set_lineage(struct unit *u, uint64_t tag);
/* A tag for this start's processes, unless the earlier start's are still there. */
int unit_new_lineage(struct unit *u);
/* No processes left? One scan a loop turn. */
bool unit_has_processes(struct unit *u);

enum kill_operation { KILL_TERMINATE, KILL_TERMINATE_AND_LOG, KILL_RESTART, KILL_KILL, KILL_WATCHDOG };
/* Signals what KillMode= says, main and control process first. Positive: something was signalled, wait for it; 0:
 * nothing to wait for; negative errno. systemd.kill(5). */
int unit_kill_context(struct unit *u, enum kill_operation operation, pid_t main_pid, pid_t control_pid,
                      bool main_alien);

/* --- loading ------------------------------------------------------------------------------------------------------ */
int unit_new(struct manager *m, struct unit_file *file, struct unit **ret);
void unit_free(struct unit *u);
/* Files have come for a name that had none: the unit that stood for it takes them, and keeps the edges others have
 * to it. 0 or a negative errno with the unit as it was. */
int unit_read_again(struct unit *u);
/* Turns the settings into edges; adds the default dependencies; lets the type check. Called from the load queue. */
int unit_resolve(struct unit *u);
int unit_add_two_dependencies(struct unit *u, enum dependency_kind a, enum dependency_kind b, struct unit *other);
int unit_add_two_dependencies_by_name(struct unit *u, enum dependency_kind a, enum dependency_kind b, const char *name);
/* After the mounts below which lie the paths its settings name, and with those of them that have unit files. */
int unit_add_mount_dependencies(struct unit *u);
/* What every unit that runs commands comes after: the log, the temporary directories. systemd.exec(5). */
int unit_add_exec_dependencies(struct unit *u);
/* The unit of another type that this one triggers: Unit=, Service=, or the same name with .service. */
int unit_load_triggered(struct unit *u, const char *named, struct unit **ret);
void unit_drop_edges(struct unit *u);
/* This end of them only: when all units go. */
void unit_forget_edges(struct unit *u);
/* No room to spare: the graph of a boot has settled. */
void unit_fit_edges(struct unit *u);

/* --- sockets, timers, paths: what they trigger -------------------------------------------------------------------- */
/* The unit to start; NULL: none. */
struct unit *unit_triggered(const struct unit *u);
/* 0; -ENOENT: it cannot be started, which is said. */
int unit_check_triggered(const struct unit *u);
/* TriggerLimitIntervalSec=, TriggerLimitBurst=: counts one more. */
bool unit_trigger_limit_allows(const struct unit *u, struct rate_limit *limit);

/* "Failed with result 'RESULT'."; NULL: "Deactivated successfully.", as every type says it. */
void unit_log_end(const struct unit *u, const char *result);
/* "Main process exited, code=exited, status=1/FAILURE". `code` and `status` as in siginfo_t. */
void unit_log_process_exit(const struct unit *u, const char *who, bool success, int code, int status);

/* "A process of this unit has been killed by the OOM killer." */
void unit_log_out_of_memory(const struct unit *u);

/* Emergency actions: systemd.unit(5) FailureAction=. `exit_status` -1: none. */
void manager_action(struct manager *m, enum action action, int exit_status, const char *reason);

/* A line about the unit, which begins with its name. */
#define unit_log(u, level, ...) unit_log_id(u, level, NULL, __VA_ARGS__)
#define unit_log_id(u, level, message_id, format, ...) \
    unit_log_fields(u, level, message_id, NULL, "%s: " format, (u)->id, ##__VA_ARGS__)
/* A line about the unit, with its invocation and these further journal fields ("NAME=value" lines; NULL: none). */
void unit_log_fields(const struct unit *u, int level, const char *message_id, const char *fields, const char *format,
                     ...) _printf_(5, 6);
