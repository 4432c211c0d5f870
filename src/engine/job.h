/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: what a unit has been told to do and has not finished. systemctl(1), org.freedesktop.systemd1(5) "Job
 * Objects". */
#pragma once

#include "engine/unit.h"

enum job_type {
    JOB_START,
    JOB_VERIFY_ACTIVE,
    JOB_STOP,
    JOB_RELOAD,
    JOB_RESTART,
    JOB_MERGEABLE_TYPES,
    JOB_NOP = JOB_MERGEABLE_TYPES,
    JOB_INSTALLED_TYPES,
    /* Collapsed into one of the above when a transaction is made: */
    JOB_TRY_RESTART = JOB_INSTALLED_TYPES,
    JOB_TRY_RELOAD,
    JOB_RELOAD_OR_START,
    JOB_TYPES,
};
const char *job_type_to_string(enum job_type type);

enum job_state { JOB_WAITING, JOB_RUNNING };
const char *job_state_to_string(enum job_state state);

enum job_mode { JOB_FAIL, JOB_REPLACE, JOB_REPLACE_IRREVERSIBLY, JOB_ISOLATE, JOB_FLUSH, JOB_IGNORE_DEPENDENCIES,
                JOB_IGNORE_REQUIREMENTS, JOB_TRIGGERING, JOB_RESTART_DEPENDENCIES, JOB_MODES };
const char *job_mode_to_string(enum job_mode mode);
/* -EINVAL if unknown. */
int job_mode_from_string(const char *s);

enum job_result { JOB_DONE, JOB_CANCELED, JOB_TIMEOUT, JOB_FAILED, JOB_DEPENDENCY, JOB_SKIPPED, JOB_INVALID, JOB_ASSERT,
                  JOB_UNSUPPORTED, JOB_COLLECTED, JOB_ONCE, JOB_CONCURRENCY, JOB_RESULTS };
const char *job_result_to_string(enum job_result result);

struct job_link { /* "subject wants object": inside a transaction only */
    struct job *subject, *object;
    struct job_link *next_of_subject, *next_of_object;
    struct job_link **at_subject, **at_object; /* what points to it */
    bool matters, conflicts;
};

struct job {
    struct manager *manager;
    struct unit *unit;
    uint32_t id;
    enum job_type type;
    enum job_state state;
    bool installed, in_run_queue, irreversible, ignore_order;
    bool changed; /* and the observers are to hear of it with the unit's next news */
    bool matters_to_anchor, on_path, doomed; /* while a transaction is built */
    enum job_result result; /* once finished */
    usec_t begin, begin_running; /* monotonic */
    struct timer timer;     /* JobTimeoutSec=, JobRunningTimeoutSec= */
    char **activation;      /* as unit.activation, which it becomes when a start runs */
    struct job *run_below, *run_next, **run_at; /* the run queue, and what in it points here: job_queue.c */
    struct unit *blocked_by; /* the unit whose job this one was last found to wait for; NULL: look */
    uint32_t look_from;      /* at which of its edges to begin to look: those before were found free */
    /* while a transaction is built: */
    struct job *transaction_next, *transaction_prev;
    struct job_link *subjects, *objects;
    uint32_t generation;
    struct job *list_next; /* of jobs that are gone through, or are on their way out */
    uint32_t next_edge;    /* of the unit: the next to look at, whether its job fails with this one */
    UT_hash_handle hh;
};

/* What a client asks for: checks RefuseManualStart= and RefuseManualStop=, that a unit to be stopped is loaded at all,
 * and turns "reload or try" requests into types. All wires go through this. */
int manager_request_job(struct manager *m, enum job_type type, struct unit *u, bool reload_if_possible,
                        enum job_mode mode, struct error *error, struct job **ret);
/* Adds a job with all it pulls in. 0 with *ret (may be NULL) borrowed; negative with `error` said. */
int manager_add_job(struct manager *m, enum job_type type, struct unit *u, enum job_mode mode, struct error *error,
                    struct job **ret);
struct job *manager_get_job(struct manager *m, uint32_t id);
/* What the unit that triggered the job tells the one to be started: "TRIGGER_UNIT=…" and so on. Takes the list over. */
void job_set_activation(struct job *j, char **details);
/* systemctl cancel. */
void job_cancel(struct job *j);
