/* SPDX-License-Identifier: Apache-2.0 */
/* The manager: all units and jobs, the loop, and the API that every wire (bus, runit, signals) is an adapter of. The
 * outside world hears of changes through observers only. */
#pragma once

#include "engine/job.h"
#include "engine/unit.h"
#include "engine/lineage.h"
#include "exec/plan.h"
#include "unit/condition.h"

enum manager_state { MANAGER_INITIALIZING, MANAGER_STARTING, MANAGER_RUNNING, MANAGER_DEGRADED, MANAGER_MAINTENANCE,
                     MANAGER_STOPPING, MANAGER_STATES };
const char *manager_state_to_string(enum manager_state state);

/* How the manager ends, and what its caller does then. */
enum objective { OBJECTIVE_RUN, OBJECTIVE_RELOAD, OBJECTIVE_REEXECUTE, OBJECTIVE_EXIT };

/* Calls are made from the loop, after the change; they may call any function that reads. NULL members are skipped. */
struct observer {
    void (*unit_new)(void *userdata, struct unit *u);
    void (*unit_removed)(void *userdata, struct unit *u);  /* still readable during the call */
    void (*unit_changed)(void *userdata, struct unit *u);  /* at most once a loop turn */
    void (*job_new)(void *userdata, struct job *j);
    void (*job_changed)(void *userdata, struct job *j);    /* with its unit's news; not of a job that ended before */
    void (*job_removed)(void *userdata, struct job *j, enum job_result result);
    void (*reloading)(void *userdata, bool active);
    void (*unit_files_changed)(void *userdata);
    void (*startup_finished)(void *userdata);
    void (*manager_changed)(void *userdata);               /* properties of the manager: environment, log level … */
    /* True: unit_new and unit_changed are to wait until manager_tell_more(). NULL: never. */
    bool (*busy)(void *userdata);
    void *userdata;
    struct observer *next;
};
void manager_add_observer(struct manager *m, struct observer *o);
void manager_remove_observer(struct manager *m, struct observer *o);
/* An observer that was busy is so no more. */
void manager_tell_more(struct manager *m);

/* Are there jobs of which it is not known yet whether they can run, or units that may be about to get one? What is
 * asked next may depend on it. */
bool manager_has_fresh_jobs(const struct manager *m);

/* A wire takes part in the manager's life through these, registered by main before the loop runs: the engine never
 * includes a wire. */
struct wire {
    const char *name;
    int (*start)(struct wire *w, struct manager *m);  /* open sockets; called again by SIGUSR1 */
    void (*stop)(struct wire *w);
    int (*serialize)(struct wire *w, struct text *out); /* state that a re-execution keeps: descriptors */
    int (*deserialize)(struct wire *w, const char *name, const char *value);
    /* Type=dbus and BusName=: tell unit_ops.bus_name_owner_changed() about this name from now on (or no longer). */
    void (*watch_bus_name)(struct wire *w, const char *name, bool watch);
    /* Writes out what waits (replies, JobRemoved) before the process goes; must not block. */
    void (*flush)(struct wire *w);
    /* Is a client connected? */
    bool (*serving)(struct wire *w);
    void *userdata;
    struct wire *next;
};
void manager_add_wire(struct manager *m, struct wire *w);

struct manager {
    struct loop *loop;
    struct unit_name *names;   /* uthash by name */
    struct job *jobs;          /* uthash by id */
    uint32_t next_job_id, next_serial, n_units;
    enum objective objective;
    int exit_code;             /* of the container */
    bool system;               /* false: --user */
    bool pid1;                 /* we are PID 1 of our namespace; else a subreaper */
    bool booted, finished_startup, show_status;
    struct manager_dirs dirs;
    struct permits permits;
    struct search_path search;
    struct lineage *lineage;
    struct condition_context conditions;
    struct id128 machine_id, boot_id;
    char **environment;        /* what services get: defaults, generators, set-environment */
    char **own_environment;    /* as PID 1 was given it (docker run -e); PassEnvironment= picks from it */
    char **client_environment; /* systemctl set-environment */
    char *notify_socket_path;
    char *default_target;
    char *program;             /* where our program lay when we booted; NULL: not known */
    usec_t default_timeout_start, default_timeout_stop, default_restart_sec, default_start_limit_interval;
    unsigned default_start_limit_burst;
    unsigned n_failed, n_installed_jobs, n_running_jobs;
    struct dual_time userspace_time, generators_start, generators_finish, units_load_start, units_load_finish,
        finish_time, init_rd_time, kernel_time, security_start, security_finish;
    struct observer *observers;
    struct wire *wires;
    struct manager_private *p; /* queues and sources of the loop's own: manager_private.h, engine only */
};

struct manager_options {
    bool system;
    char *const *argv; /* to execute again with; borrowed for ever */
    struct manager_dirs dirs;
    struct permits permits;
    struct id128 machine_id, boot_id;
};
/* -ENOMEM or the errno of making the loop. Nothing runs yet. */
int manager_new(const struct manager_options *options, struct manager **ret);
void manager_free(struct manager *m);

/* --- the API ------------------------------------------------------------------------------------------------------ */
enum manager_state manager_state(const struct manager *m);
/* All units once each (aliases skipped): for (struct unit_name *n = m->names; n; n = n->hh.next) if (n->name ==
 * n->unit->id) */
struct unit *manager_unit_by_pid(struct manager *m, pid_t pid); /* by evidence; NULL: none of ours */
struct unit *manager_unit_by_invocation(struct manager *m, struct id128 id);

/* daemon-reload and daemon-reexec: after the unit generators, at the end of a loop turn, one request after the other.
 * `done` is called when a reload is complete. A re-execution drops the connection instead, and calls `failed` (may be
 * NULL) if it comes to nothing. -ENOMEM; -ESHUTDOWN: the loop is about to end. */
int manager_reload(struct manager *m, void (*done)(void *userdata), void *userdata);
int manager_reexecute(struct manager *m, void (*failed)(void *userdata, const char *why), void *userdata);
/* Ends the loop at once, without stopping services: Manager.Exit() after exit.target is reached, --force. */
void manager_exit(struct manager *m, int code);
/* Begin the orderly stop: starts poweroff.target, reboot.target or exit.target irreversibly. */
int manager_start_shutdown(struct manager *m, const char *target, struct error *error);

int manager_set_environment(struct manager *m, char *const *unset, char *const *set, struct error *error);
void manager_reset_failed(struct manager *m); /* all units */
/* systemd-run: makes the unit from D-Bus-style properties already turned into unit-file text, and loads it. */
int manager_make_transient(struct manager *m, const char *name, const char *fragment_text, struct unit **ret,
                           struct error *error);
/* systemctl set-property: drop-in text for the unit, persistent or until reboot. */
int manager_set_property_text(struct manager *m, struct unit *u, const char *section, const char *assignments,
                              bool runtime, struct error *error);
/* Attach processes to a scope. */
int unit_attach_processes(struct unit *u, const pid_t *pids, size_t n, struct error *error);
/* Is the name owned on the message bus? Called by the wire. */
void manager_bus_name_changed(struct manager *m, const char *name, const char *owner);
/* The bus became usable (or unusable) for BusName= watching. */
/* The dump of SIGUSR2 and `systemd-analyze dump`. */
int manager_dump(struct manager *m, struct text *out);
