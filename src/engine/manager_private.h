/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's inside: for src/engine only. */
#pragma once

#include "engine/manager.h"
#include "engine/queue.h"
#include "engine/notify.h"
#include "engine/purpose.h"
#include "journal/client.h"

struct child { /* a process whose exit a unit wants to hear of */
    pid_t pid;
    struct unit *unit;
};

struct unit_line {
    struct unit **units;
    size_t n, room, next; /* next: the first one not yet served */
    bool too_long;        /* more are marked than there was room for */
    struct deferred work;
};

struct manager_private {
    struct unit_line lines[UNIT_QUEUES];
    struct child *children;         /* sorted by pid: spawn.c */
    size_t n_children, children_room;
    uint64_t *told;                 /* complaints about unit files, hashed: unit.c */
    size_t n_told;
    struct unit *by_lineage;        /* uthash (hh_lineage) by tag */
    struct spawning *spawning;      /* children whose exec is not yet known to have succeeded: spawn.c */
    struct job *run_queue;          /* the first one: job_queue.c */
    struct deferred run_jobs, reap, objective_work;
    struct timer log_timer;
    struct log_client_host log_host;
    int idle_pipe[2];               /* open while services of Type=idle wait for the last job; or -1 */
    bool dispatching_load;
    bool jobs_interrupted;          /* others got their turn before all jobs had run that could */
    bool load_again; /* for some units there was no memory: they are marked, and tried before the next job */
    uint32_t marker;                /* of the last graph walk */
    int signal_fd, inherited_notify_fd;
    uint64_t lineage_base;
    char **base_environment;        /* what services inherit before any client has set something */
    struct io *signal_io;
    struct notify *notify;
    struct log_client *log;
    struct io *log_io;
    struct reload_request *reload_requests;
    bool reload_wanted;             /* a reload that a re-execution came before */
    bool reloading;                 /* units are being forgotten and read again: nobody is told */
    struct reexec_request *reexec_requests;
    int trial_fd;                   /* what the program to re-execute says when it is tried */
    uint64_t oom_kills;             /* as last seen; UINT64_MAX: never. oom.h */
    pid_t helper_pid;               /* of the generators, or of that trial; 0: none */
    const char *helper_name;
    void (*helper_done)(struct manager *m, int status), (*generators_done)(struct manager *m, int status);
    struct timer helper_timer;
    int zone_fd;                    /* inotify on /etc, for the timers; open while zone_io is there */
    struct io *zone_io;
    bool zone_unseen;               /* it could not be opened the last time */
    bool shutting_down, kill_now;   /* kill_now: a second SIGTERM came, or the time is up */
    bool any_survivor;              /* SurviveFinalKillSignal= */
    usec_t stop_begin;
    struct timer stop_timer;
    struct purpose purpose;
    char *const *argv;              /* as init was called, to execute again with */
};

/* --- jobs --------------------------------------------------------------------------------------------------------- */
void job_finish(struct job *j, enum job_result result, bool recursive, bool already);
/* Perhaps it can run now. It is taken out when it runs, or by the second. */
void job_queue_run(struct job *j);
void job_unqueue_run(struct job *j);
struct job *job_install(struct job *j);
void job_free(struct job *j);
void job_run_queue(void *manager);
bool job_type_merge(enum job_type *a, enum job_type b); /* false: they conflict */
bool job_type_is_redundant(enum job_type type, enum active_state state);
enum job_type job_type_collapse(enum job_type type, struct unit *u);
static inline bool job_types_conflict(enum job_type a, enum job_type b) {
    return !job_type_merge(&a, b);
}
/* Does a job of this type make sense for the unit? */
bool job_type_is_applicable(enum job_type type, struct unit *u);
/* <0: a has to run first; >0: b; 0: no matter. `a_before_b`: a's unit is ordered before b's, otherwise after. */
int job_compare(const struct job *a, const struct job *b, bool a_before_b);
/* Is nothing in the way? Remembers the first unit that is, so that a target over thousands looks again only when
 * that one is done. */
bool job_may_run(struct job *j);
/* The unit's job is done: whoever waited for it has another look. */
void job_queue_waiting_for(struct unit *u);
void job_arm_timeout(struct job *j);

void manager_check_finished(struct manager *m);
/* Type=idle: two descriptors, the end comes when no job is left; NULL: there is none, do not wait. */
const int *manager_idle_pipe(struct manager *m);
void manager_forget_units(struct manager *m);
/* The files are read anew: what is wrong with them is told again. */
void manager_forget_complaints(struct manager *m);
int manager_rebuild_environment(struct manager *m);
/* A transient unit goes: so does its file. */
void unit_remove_transient(struct unit *u);

/* Calls one observer function on all observers. */
#define OBSERVE(m, event, ...)                                                             \
    do {                                                                                   \
        for (struct observer *o_ = (m)->observers, *next_; o_; o_ = next_) {               \
            next_ = o_->next;                                                              \
            if (o_->event)                                                                 \
                o_->event(o_->userdata, ##__VA_ARGS__);                                    \
        }                                                                                  \
    } while (0)
