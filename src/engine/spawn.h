/* SPDX-License-Identifier: Apache-2.0 */
/* Starting one command of a unit: makes the exec plan, runs it, tags it, and sees to it that its exit is told to the
 * unit (unit_ops.child_exited) and a failed exec to the log. Knows no unit types. */
#pragma once

#include "engine/unit.h"
#include "exec/plan.h"

struct spawn_extra {
    char *const *env;          /* beside what the settings give: MAINPID=…, SERVICE_RESULT=… */
    const int *listen_fds;
    char *const *listen_names; /* NULL: "unknown" */
    size_t n_listen_fds, n_sockets; /* the sockets come first, then stored descriptors */
    int stdin_fd;              /* the connection of Accept=yes; -1 (note: not 0) */
    bool notify;               /* pass NOTIFY_SOCKET */
    bool opens_files;          /* OpenFile= is for this command */
    bool idle;                 /* executed when no job is left, or after some seconds */
    usec_t watchdog_usec;
    char ***ret_runtime_directories; /* NULL, or where RuntimeDirectory= paths go, for removal at stop; caller frees */
    char **ret_credentials_directory;
};

enum spawn_outcome {
    SPAWN_BEGUN = 0,    /* ops->exec_succeeded() is called if its exec succeeds */
    SPAWN_EXECUTED = 1, /* its exec has succeeded already */
};

/* Starts it. `extra` may be NULL. An outcome with *ret_pid: ops->child_exited() will be called exactly once for it,
 * never from within this call. Negative: nothing runs, and the log says why. */
int unit_spawn(struct unit *u, const struct exec_command *command, enum exec_role role, const struct spawn_extra *extra,
               pid_t *ret_pid);

/* A process that is or will be our child and belongs to the unit: its exit goes to ops->child_exited(). */
int unit_watch_pid(struct unit *u, pid_t pid);
void unit_unwatch_pid(struct unit *u, pid_t pid);
void unit_unwatch_all(struct unit *u);
/* Whose watched child it is; NULL: nobody's. */
struct unit *unit_of_child(const struct manager *m, pid_t pid);

/* The unit is down: what was written is read to the end, then the pipe goes. */
void unit_close_log(struct unit *u);

/* The process is about to be reaped: what its error pipe says is said first. */
void spawn_settle(struct manager *m, pid_t pid);
/* The unit goes away; if only to be read anew, its children are kept for it. */
void spawn_forget_unit(struct unit *u);
/* After a reload: the children find their units again. */
void spawn_find_units(struct manager *m);
/* Over a re-execution: children whose exec is not yet known to have succeeded. The latter is false for lines of
 * others. */
void spawn_serialize(const struct unit *u, struct text *out);
bool spawn_deserialize(struct unit *u, const char *name, const char *value);
void spawn_done(struct manager *m);
