/* SPDX-License-Identifier: Apache-2.0 */
/* A unit: its files' settings, its dependencies, its job, its life. What is special to a type is behind `ops`; each
 * type embeds this struct as its first member. systemd.unit(5), org.freedesktop.systemd1(5). */
#pragma once

#include "base/hash.h"
#include "engine/error.h"
#include "engine/loop.h"
#include "unit/unit_file.h"
#include <sys/types.h>

struct manager;
struct job;
struct transaction;
struct ucred;

enum active_state { ACTIVE_ACTIVE, ACTIVE_RELOADING, ACTIVE_INACTIVE, ACTIVE_FAILED, ACTIVE_ACTIVATING,
                    ACTIVE_DEACTIVATING, ACTIVE_MAINTENANCE, ACTIVE_STATES };
const char *active_state_to_string(enum active_state state);
static inline bool active_or_reloading(enum active_state s) { return s == ACTIVE_ACTIVE || s == ACTIVE_RELOADING; }
static inline bool active_or_activating(enum active_state s) {
    return active_or_reloading(s) || s == ACTIVE_ACTIVATING;
}
static inline bool inactive_or_failed(enum active_state s) { return s == ACTIVE_INACTIVE || s == ACTIVE_FAILED; }
static inline bool inactive_or_deactivating(enum active_state s) {
    return inactive_or_failed(s) || s == ACTIVE_DEACTIVATING;
}

/* Every kind of dependency and its inverse: one bit each in struct edge. systemd.unit(5) "Mapping of unit properties to
 * their inverses". */
#define DEPENDENCY_KINDS_TABLE(X)                                   \
    X(REQUIRES, "Requires", REQUIRED_BY)                            \
    X(REQUISITE, "Requisite", REQUISITE_OF)                         \
    X(WANTS, "Wants", WANTED_BY)                                    \
    X(BINDS_TO, "BindsTo", BOUND_BY)                                \
    X(PART_OF, "PartOf", CONSISTS_OF)                               \
    X(UPHOLDS, "Upholds", UPHELD_BY)                                \
    X(REQUIRED_BY, "RequiredBy", REQUIRES)                          \
    X(REQUISITE_OF, "RequisiteOf", REQUISITE)                       \
    X(WANTED_BY, "WantedBy", WANTS)                                 \
    X(BOUND_BY, "BoundBy", BINDS_TO)                                \
    X(CONSISTS_OF, "ConsistsOf", PART_OF)                           \
    X(UPHELD_BY, "UpheldBy", UPHOLDS)                               \
    X(CONFLICTS, "Conflicts", CONFLICTED_BY)                        \
    X(CONFLICTED_BY, "ConflictedBy", CONFLICTS)                     \
    X(BEFORE, "Before", AFTER)                                      \
    X(AFTER, "After", BEFORE)                                       \
    X(ON_SUCCESS, "OnSuccess", ON_SUCCESS_OF)                       \
    X(ON_SUCCESS_OF, "OnSuccessOf", ON_SUCCESS)                     \
    X(ON_FAILURE, "OnFailure", ON_FAILURE_OF)                       \
    X(ON_FAILURE_OF, "OnFailureOf", ON_FAILURE)                     \
    X(TRIGGERS, "Triggers", TRIGGERED_BY)                           \
    X(TRIGGERED_BY, "TriggeredBy", TRIGGERS)                        \
    X(PROPAGATES_RELOAD_TO, "PropagatesReloadTo", RELOAD_PROPAGATED_FROM) \
    X(RELOAD_PROPAGATED_FROM, "ReloadPropagatedFrom", PROPAGATES_RELOAD_TO) \
    X(PROPAGATES_STOP_TO, "PropagatesStopTo", STOP_PROPAGATED_FROM) \
    X(STOP_PROPAGATED_FROM, "StopPropagatedFrom", PROPAGATES_STOP_TO) \
    X(JOINS_NAMESPACE_OF, "JoinsNamespaceOf", REFERENCED_BY)        \
    X(REFERENCES, "References", REFERENCED_BY)                      \
    X(REFERENCED_BY, "ReferencedBy", REFERENCES)                    \
    X(IN_SLICE, "InSlice", SLICE_OF)                                \
    X(SLICE_OF, "SliceOf", IN_SLICE)
enum dependency_kind {
#define X(id, name, inverse) DEP_##id,
    DEPENDENCY_KINDS_TABLE(X)
#undef X
    DEPENDENCY_KINDS,
};
#define DEP_BIT(kind) (1u << (kind))
const char *dependency_kind_to_string(enum dependency_kind kind);
enum dependency_kind dependency_inverse(enum dependency_kind kind);

struct edge {
    struct unit *other;
    uint32_t kinds; /* DEP_BIT()s */
} __attribute__((packed, aligned(4))); /* a boot has tens of thousands */

struct unit_ops;

struct unit_name { /* one of a unit's names, in the manager's hash of names */
    struct unit *unit;
    struct unit_name *next; /* of the same unit: its aliases */
    UT_hash_handle hh;
    char name[];
};

/* Markers=: forgotten once the unit was stopped or reloaded. org.freedesktop.systemd1(5) "Markers". */
enum unit_mark { MARK_NEEDS_RELOAD = 1 << 0, MARK_NEEDS_RESTART = 1 << 1 };

struct unit {
    struct manager *manager;
    const struct unit_ops *ops;
    const char *id;            /* the primary name; points into names */
    struct unit_name *names;   /* the primary one first */
    uint32_t serial;           /* order of creation; edges are sorted by it */
    struct unit_file *file;    /* never NULL */
    struct edge *edges;
    size_t n_edges, n_edges_room;

    struct job *job;           /* the installed job; NULL: none */
    struct job *nop_job;
    struct job *transaction_jobs; /* while a transaction is built: this unit's jobs in it */
    uint32_t marker;           /* of the graph walk in progress */

    struct dual_time state_change, inactive_exit, active_enter, active_exit, inactive_enter;
    struct dual_time condition_time, assert_time;
    struct dual_time begun;    /* while its start is under way; else 0 */
    bool condition_result, assert_result;
    struct id128 invocation;   /* null before the first start */
    uint64_t lineage;          /* tag of this start; 0: none. engine/lineage.h */
    uint64_t log_stream;       /* 0: no pipe open */
    uint64_t error_stream;     /* of stderr, if that is kept apart; 0: none */
    char **activation;         /* what first triggered a start, as variables for its processes; NULL: nothing did */

    /* start rate limit: StartLimitIntervalSec=, StartLimitBurst= */
    struct rate_limit start_limit;
    bool start_limit_hit;

    usec_t auto_jobs_begin;    /* jobs that queues added by themselves: queue.c keeps them from going round */
    unsigned auto_jobs;
    unsigned references;       /* bus clients that Ref()ed it */
    uint8_t marks;             /* enum unit_mark: what a package script wants done later */
    uint16_t in_queues;        /* bit q: waits in queue q of the manager (queue.h) */
    bool told_new : 1, changed : 1, perpetual : 1, maybe_processes : 1, degraded_told : 1, load_again : 1;
    bool asked : 1;            /* by a client, and not only by what needs it: purpose.h */
    UT_hash_handle hh_lineage; /* the manager's units by tag */
};

/* What a unit type does. NULL members: not applicable, or the obvious default. */
struct unit_ops {
    enum unit_type type;
    size_t size;
    void (*init)(struct unit *u);
    void (*done)(struct unit *u);
    /* After the files were read: implicit dependencies, checks. Negative: LOAD_BAD_SETTING with u->file->error set. */
    int (*load)(struct unit *u);
    /* Resumes from deserialized state: watches, timers. */
    int (*coldplug)(struct unit *u);
    /* After all units did: what may have happened meanwhile and may change a state. */
    void (*catch_up)(struct unit *u);
    /* 0: under way (a later unit_notify() tells), -EALREADY: nothing to do; -EAGAIN: not now, try again; -ECOMM: start
     * limit; -ENOEXEC, -EPROTO, …: as job.c maps them to results. */
    int (*start)(struct unit *u);
    /* Too many starts: enter the failed state with result start-limit-hit. NULL: starts are not limited. */
    void (*start_limit_reached)(struct unit *u);
    int (*stop)(struct unit *u);
    int (*reload)(struct unit *u);
    bool (*can_reload)(struct unit *u);
    bool can_start;       /* false: JOB_START is not applicable */
    bool once_only;       /* a unit that has gone down cannot come up again (scopes) */
    enum active_state (*active_state)(const struct unit *u);
    const char *(*sub_state)(const struct unit *u);
    bool (*may_collect)(const struct unit *u);
    /* It is down and nothing is to be done with it: what it kept for its next start goes. */
    void (*release_resources)(struct unit *u);
    void (*reset_failed)(struct unit *u);
    /* A child of ours that belongs to this unit was reaped. */
    void (*child_exited)(struct unit *u, pid_t pid, int code, int status);
    /* The kernel killed a process of the unit's for want of memory; child_exited() comes after this, if it is for it. */
    void (*oom_killed)(struct unit *u, pid_t pid);
    /* No process of the unit's is left. */
    void (*processes_gone)(struct unit *u);
    /* Something in it ended, but not everything. */
    void (*processes_left)(struct unit *u);
    /* A unit this one triggers, or is triggered by, changed. */
    void (*trigger_notify)(struct unit *u, struct unit *other);
    /* sd_notify(3) message from `pid`, which belongs to this unit. `tags`: the lines. */
    void (*notify_message)(struct unit *u, const struct ucred *sender, char *const *tags, int *fds, size_t n_fds);
    void (*bus_name_owner_changed)(struct unit *u, const char *owner); /* BusName=; NULL: gone */
    pid_t (*main_pid)(const struct unit *u);    /* 0: none */
    pid_t (*control_pid)(const struct unit *u);
    /* State as NAME=VALUE lines and back. */
    int (*serialize)(const struct unit *u, struct text *out);
    int (*deserialize)(struct unit *u, const char *name, const char *value); /* 0: not one of its lines */
    /* The exec of a child begun with unit_spawn() succeeded (end of file on its error pipe). For Type=exec. */
    void (*exec_succeeded)(struct unit *u, pid_t pid);
    /* Exit status to end the container with under SuccessAction=exit and its kin; -1: none. */
    int (*exit_status)(const struct unit *u);
    /* The status its last run ended with, as a shell tells it: 128 and the number of a signal. NULL: 0. */
    int (*own_status)(const struct unit *u);
    /* The type's own wording when a job begins and ends, with one %s for the unit; NULL: the general one. */
    const char *message_starting, *message_stopping;
    const char *(*message_end)(const struct unit *u, int job_type, int job_result);
};

/* --- finding and making ------------------------------------------------------------------------------------------- */
/* A unit by one of its names, without loading. NULL if the manager does not know it. */
struct unit *manager_get_unit(struct manager *m, const char *name);
/* The same, made and loaded if needed. 0 with *ret borrowed; it may be in any load state: not-found too. */
int manager_load_unit(struct manager *m, const char *name, struct unit **ret, struct error *error);

/* --- state ------------------------------------------------------------------------------------------------------- */
enum active_state unit_active_state(const struct unit *u);
const char *unit_sub_state(const struct unit *u);
enum load_state unit_load_state(const struct unit *u);
const char *unit_description(const struct unit *u); /* Description=, else the name */
bool unit_can_start(struct unit *u);
bool unit_can_stop(struct unit *u);
bool unit_can_reload(struct unit *u);
bool unit_can_isolate(struct unit *u);
bool unit_need_daemon_reload(struct unit *u);
pid_t unit_main_pid(const struct unit *u);
pid_t unit_control_pid(const struct unit *u);

/* --- dependencies ------------------------------------------------------------------------------------------------- */
int unit_add_dependency(struct unit *u, enum dependency_kind kind, struct unit *other);
int unit_add_dependency_by_name(struct unit *u, enum dependency_kind kind, const char *name);
uint32_t unit_dependencies_with(const struct unit *u, const struct unit *other);
/* for (const struct edge *e = unit_edges(u); e < unit_edges_end(u); e++) if (e->kinds & DEP_BIT(DEP_AFTER)) … */
#define UNIT_FOREACH_EDGE(e, u, mask)                                                       \
    for (const struct edge *e = (u)->edges; e && e < (u)->edges + (u)->n_edges; e++)          \
        if (e->kinds & (mask))

/* Calls `found` for each path below whose mounts the unit has to come: RequiresMountsFor=, and what follows from other
 * settings (systemd.exec(5) "Implicit Dependencies"). Ends with the first negative return, which it passes on. */
typedef int (*mount_path_found)(void *userdata, const char *path);
int unit_foreach_mount_path(const struct unit *u, mount_path_found found, void *userdata);
/* Without StandardOutput=: does the output go where the input comes from (a socket, a terminal), and not to the log? */
bool unit_output_inherits(const struct unit_file *f);
/* OOMPolicy=: who has control groups delegated looks after its own. systemd.service(5). */
enum oom_policy unit_oom_policy(const struct unit_file *f);

/* The processes that belong to the unit, by evidence. Caller frees. One scan of /proc. */
int unit_processes(struct unit *u, pid_t **ret, size_t *ret_n);
/* systemctl kill: who is "main", "control", "all" or with "-fail" appended. */
int unit_kill(struct unit *u, const char *whom, int signal, struct error *error);
void unit_reset_failed(struct unit *u);
/* The control group path shown to clients ("/system.slice/x.service"): a name, no real group unless there is one.
 * Caller frees. */
char *unit_control_group(const struct unit *u);
/* The slice the unit is in, "" for the root slice. */
const char *unit_slice_name(const struct unit *u);
/* How many units in the slice, and in those below it, are up: systemd.slice(5), ConcurrencyHardMax=. */
uint64_t slice_count_active(const struct unit *slice);
