/* SPDX-License-Identifier: Apache-2.0 */
/* Installed jobs: their life from the run queue to the result. How they come about is in transaction.c. */
#include "engine/gc.h"
#include "engine/manager_private.h"
#include "engine/unit_private.h"
#include "syntax/timespan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- types -------------------------------------------------------------------------------------------------------- */
/* What two jobs for the same unit become. -1: they conflict. Symmetric, so only one half is read. */
static const signed char merged_types[JOB_MERGEABLE_TYPES][JOB_MERGEABLE_TYPES] = {
    /*                    START              VERIFY_ACTIVE      STOP      RELOAD             RESTART */
    [JOB_START] =         { JOB_START,         JOB_START,         -1,       JOB_RELOAD_OR_START, JOB_RESTART },
    [JOB_VERIFY_ACTIVE] = { JOB_START,         JOB_VERIFY_ACTIVE, -1,       JOB_RELOAD,        JOB_RESTART },
    [JOB_STOP] =          { -1,                -1,                JOB_STOP, -1,                -1 },
    [JOB_RELOAD] =        { JOB_RELOAD_OR_START, JOB_RELOAD,      -1,       JOB_RELOAD,        JOB_RESTART },
    [JOB_RESTART] =       { JOB_RESTART,       JOB_RESTART,       -1,       JOB_RESTART,       JOB_RESTART },
};

bool job_type_merge(enum job_type *a, enum job_type b) {
    if (*a == b)
        return true;
    if (*a >= JOB_MERGEABLE_TYPES || b >= JOB_MERGEABLE_TYPES)
        return false;
    int merged = merged_types[*a][b];
    if (merged < 0)
        return false;
    *a = (enum job_type)merged;
    return true;
}

bool job_type_is_redundant(enum job_type type, enum active_state state) {
    switch (type) {
    case JOB_START:
    case JOB_VERIFY_ACTIVE:
        return active_or_reloading(state);
    case JOB_STOP:
        return inactive_or_failed(state);
    case JOB_RELOAD:
        return state == ACTIVE_RELOADING;
    case JOB_NOP:
        return true;
    default: /* A restart never is: what is on its way up may have looked at what others restart for. */
        return false;
    }
}

enum job_type job_type_collapse(enum job_type type, struct unit *u) {
    enum active_state state = unit_active_state(u);
    bool down = inactive_or_deactivating(state);
    switch (type) {
    case JOB_TRY_RESTART:
        return down ? JOB_NOP : JOB_RESTART;
    case JOB_TRY_RELOAD:
        return down ? JOB_NOP : JOB_RELOAD;
    case JOB_RELOAD_OR_START:
        return active_or_reloading(state) ? JOB_RELOAD : JOB_START;
    default:
        return type;
    }
}

/* Scopes start once. */
static bool can_start_again(const struct unit *u) {
    return u->ops->start && !(u->ops->once_only && u->inactive_exit.monotonic > 0);
}

bool job_type_is_applicable(enum job_type type, struct unit *u) {
    switch (type) {
    case JOB_VERIFY_ACTIVE:
    case JOB_NOP:
        return true;
    case JOB_START:
        /* A unit whose files are missing is refused for that, not for its type. */
        return u->ops->start || u->file->state != LOAD_LOADED;
    case JOB_STOP:
        return unit_can_stop(u);
    case JOB_RESTART:
    case JOB_TRY_RESTART:
        return unit_can_stop(u) && can_start_again(u);
    case JOB_RELOAD:
    case JOB_TRY_RELOAD:
        return unit_can_reload(u);
    case JOB_RELOAD_OR_START:
        return unit_can_reload(u) && can_start_again(u);
    default:
        return false;
    }
}

/* --- installing --------------------------------------------------------------------------------------------------- */
struct job *manager_get_job(struct manager *m, uint32_t id) {
    struct job *j;
    HASH_FIND(hh, m->jobs, &id, sizeof(id), j);
    return j;
}

/* Told later, with the unit's news: most jobs run and end within a turn, and nobody wants to hear of all that. */
static void job_changed(struct job *j) {
    j->changed = true;
    unit_changed(j->unit);
}

static void job_set_state(struct job *j, enum job_state state) {
    struct manager *m = j->manager;
    if (j->state == state)
        return;
    j->state = state;
    if (state == JOB_RUNNING)
        m->n_running_jobs++;
    else if (m->n_running_jobs > 0)
        m->n_running_jobs--;
    job_changed(j);
}

static struct job **job_slot(struct job *j) {
    return j->type == JOB_NOP ? &j->unit->nop_job : &j->unit->job;
}

static void job_uninstall(struct job *j) {
    struct manager *m = j->manager;
    if (!j->installed)
        return;
    job_set_state(j, JOB_WAITING);
    job_unqueue_run(j);
    *job_slot(j) = NULL;
    j->installed = false;
    if (hash_holds(&j->hh))
        HASH_DEL(m->jobs, j);
    m->n_installed_jobs--;
    gc_consider(j->unit);
    unit_changed(j->unit);
}

void job_free(struct job *j) {
    job_uninstall(j);
    timer_stop(&j->timer);
    strv_free(j->activation);
    free(j);
}

void job_set_activation(struct job *j, char **details) {
    strv_free(j->activation);
    j->activation = details;
}

/* The job joins the one its unit has. */
static struct job *job_merge_into_installed(struct job *installed, struct job *j) {
    enum job_type type = installed->type;
    if (installed->type != JOB_NOP && job_type_merge(&type, j->type))
        installed->type = job_type_collapse(type, j->unit);
    installed->irreversible = installed->irreversible || j->irreversible;
    installed->ignore_order = installed->ignore_order || j->ignore_order;
    job_changed(installed);
    return installed;
}

struct job *job_install(struct job *j) {
    struct manager *m = j->manager;
    struct job **slot = job_slot(j), *installed = *slot;
    if (installed) {
        if (j->type != JOB_NOP && job_types_conflict(installed->type, j->type)) {
            job_finish(installed, JOB_CANCELED, false, false);
            if (*slot) /* and something else has come in its place */
                return job_install(j);
        } else if (installed->state == JOB_WAITING || (installed->type == j->type && j->type != JOB_RELOAD) ||
                   j->type == JOB_VERIFY_ACTIVE || j->type == JOB_NOP ||
                   (j->type == JOB_START && installed->type == JOB_RESTART)) {
            /* Nothing new has to be done: the running one stands for both. (A reload may have read its files
             * already.) */
            return job_merge_into_installed(installed, j);
        } else {
            /* It has begun as something else: it has to run again as what both want. */
            job_merge_into_installed(installed, j);
            job_set_state(installed, JOB_WAITING);
            job_queue_run(installed);
            return installed;
        }
    }
    *slot = j;
    j->installed = true;
    HASH_ADD(hh, m->jobs, id, sizeof(j->id), j); /* without memory no client finds it, but it runs */
    m->n_installed_jobs++;
    j->begin = now(CLOCK_MONOTONIC);
    unit_changed(j->unit);
    return j;
}

/* --- timeouts ----------------------------------------------------------------------------------------------------- */
static void job_timed_out(struct timer *timer, void *userdata) {
    struct job *j = userdata;
    struct unit *u = j->unit;
    unit_log(u, LOG_WARNING, "Job %s/%s timed out.", u->id, job_type_to_string(j->type));
    enum action action = (enum action)unit_number(u->file, D_JobTimeoutAction);
    struct manager *m = j->manager;
    job_finish(j, JOB_TIMEOUT, true, false);
    manager_action(m, action, -1, "job timed out");
}

void job_arm_timeout(struct job *j) {
    struct unit *u = j->unit;
    usec_t when = USEC_INFINITY, limit = unit_usec(u->file, D_JobTimeoutSec);
    if (limit > 0 && limit != USEC_INFINITY)
        when = usec_add(j->begin, limit);
    usec_t running = unit_usec(u->file, D_JobRunningTimeoutSec);
    if (j->begin_running > 0 && running > 0 && running != USEC_INFINITY)
        when = MIN(when, usec_add(j->begin_running, running));
    j->timer.clock = CLOCK_MONOTONIC;
    j->timer.handler = job_timed_out;
    j->timer.userdata = j;
    timer_set(j->manager->loop, &j->timer, when);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */
#define ID_STARTING "7d4958e842da4a758f6c1cdc7b36dcc5"
#define ID_STARTED "39f53479d3a045ac8e11786248231fbf"
#define ID_START_FAILED "be02cf6855d2428ba40df7e9d022f03d"
#define ID_STOPPING "de5b426a63be47a7b6ac3eaac82e2f6f"
#define ID_STOPPED "9d1aaa27d60140bd96365438aad20286"
#define ID_RELOADING "d34d037fff1847e6ae669a370e694725"
#define ID_RELOADED "7b05ebc668384222baa8881179cfda54"

struct message {
    int level;
    const char *text; /* %s: "name - description" */
    const char *id;
};

static const struct message begin_messages[JOB_INSTALLED_TYPES] = {
    [JOB_START] = { LOG_INFO, "Starting %s...", ID_STARTING },
    [JOB_STOP] = { LOG_INFO, "Stopping %s...", ID_STOPPING },
    [JOB_RESTART] = { LOG_INFO, "Stopping %s...", ID_STOPPING },
    [JOB_RELOAD] = { LOG_INFO, "Reloading %s...", ID_RELOADING },
};

static const struct message end_messages[JOB_INSTALLED_TYPES][JOB_RESULTS] = {
    [JOB_START] = {
        [JOB_DONE] = { LOG_INFO, "Started %s.", ID_STARTED },
        [JOB_TIMEOUT] = { LOG_ERR, "Timed out starting %s.", ID_START_FAILED },
        [JOB_FAILED] = { LOG_ERR, "Failed to start %s.", ID_START_FAILED },
        [JOB_DEPENDENCY] = { LOG_WARNING, "Dependency failed for %s.", ID_START_FAILED },
        [JOB_ASSERT] = { LOG_WARNING, "Assertion failed for %s.", ID_START_FAILED },
        [JOB_UNSUPPORTED] = { LOG_WARNING, "Starting of %s unsupported.", ID_START_FAILED },
        [JOB_ONCE] = { LOG_ERR, "Unit %s was started already once and can't be started again.", ID_START_FAILED },
        [JOB_CONCURRENCY] = { LOG_ERR, "A concurrency limit has been reached, %s is not started.", ID_START_FAILED },
    },
    [JOB_STOP] = {
        [JOB_DONE] = { LOG_INFO, "Stopped %s.", ID_STOPPED },
        [JOB_FAILED] = { LOG_ERR, "Stopped %s with error.", ID_STOPPED },
        [JOB_TIMEOUT] = { LOG_ERR, "Timed out stopping %s.", ID_STOPPED },
    },
    [JOB_RESTART] = {
        [JOB_DONE] = { LOG_INFO, "Stopped %s.", ID_STOPPED },
        [JOB_FAILED] = { LOG_ERR, "Stopped %s with error.", ID_STOPPED },
        [JOB_TIMEOUT] = { LOG_ERR, "Timed out stopping %s.", ID_STOPPED },
    },
    [JOB_RELOAD] = {
        [JOB_DONE] = { LOG_INFO, "Reloaded %s.", ID_RELOADED },
        [JOB_FAILED] = { LOG_ERR, "Reload failed for %s.", ID_RELOADED },
        [JOB_TIMEOUT] = { LOG_ERR, "Timed out reloading %s.", ID_RELOADED },
    },
    [JOB_VERIFY_ACTIVE] = {
        [JOB_DEPENDENCY] = { LOG_WARNING, "Dependency failed for %s.", ID_START_FAILED },
        [JOB_SKIPPED] = { LOG_WARNING, "%s is inactive.", NULL },
    },
};

static void say(const struct job *j, const struct message *message, const char *own, const char *result) {
    if (!message->text)
        return;
    struct unit *u = j->unit;
    char subject[512], line[640];
    const char *description = unit_description(u);
    if (strcmp(description, u->id) == 0)
        snprintf(subject, sizeof(subject), "%s", u->id);
    else
        snprintf(subject, sizeof(subject), "%s - %s", u->id, description);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(line, sizeof(line), own ? own : message->text, subject); /* from the tables above, or the unit type's */
#pragma GCC diagnostic pop
    /* What reeve itself is has nothing to tell. */
    char fields[128];
    snprintf(fields, sizeof(fields), "JOB_ID=%u\nJOB_TYPE=%s\n%s%s", j->id, job_type_to_string(j->type),
             result ? "JOB_RESULT=" : "", result ? result : "");
    unit_log_fields(u, u->file->builtin && message->level == LOG_INFO ? LOG_DEBUG : message->level, message->id, fields,
                    "%s", line);
}

static void say_begin(const struct job *j) {
    const char *own = j->type == JOB_START ? j->unit->ops->message_starting : j->unit->ops->message_stopping;
    say(j, &begin_messages[j->type], j->type == JOB_RELOAD ? NULL : own, NULL);
}

static void say_end(const struct job *j, enum job_result result) {
    /* A condition that did not hold has been told already: nothing was started. */
    if (j->type == JOB_START && result == JOB_DONE && !j->unit->condition_result)
        return;
    const char *own = NULL;
    if (j->unit->ops->message_end)
        own = j->unit->ops->message_end(j->unit, j->type, result);
    say(j, &end_messages[j->type][result], own, job_result_to_string(result));
}

/* --- running ------------------------------------------------------------------------------------------------------ */
static int verify_active(struct unit *u) {
    enum active_state state = unit_active_state(u);
    return active_or_reloading(state) ? -EALREADY : state == ACTIVE_ACTIVATING ? -EAGAIN : -EBADR;
}

/* What the answer of unit_start() and its kin means for the job. */
static const struct {
    int error;
    enum job_result result;
    bool already;
} outcomes[] = {
    { EALREADY, JOB_DONE, true },         { ECOMM, JOB_DONE, false },     { EBADR, JOB_SKIPPED, false },
    { ENOEXEC, JOB_INVALID, false },      { EPROTO, JOB_ASSERT, false },  { EOPNOTSUPP, JOB_UNSUPPORTED, false },
    { ENOLINK, JOB_DEPENDENCY, false },   { ESTALE, JOB_ONCE, false },
    { EDQUOT, JOB_CONCURRENCY, false },
};

static void job_run(struct job *j) {
    struct unit *u = j->unit;
    uint32_t id = j->id;
    if (j->state != JOB_WAITING || !job_may_run(j))
        return;
    job_set_state(j, JOB_RUNNING);
    if (j->begin_running == 0) /* what is tried again goes on with the time it has */
        j->begin_running = now(CLOCK_MONOTONIC);
    job_arm_timeout(j);
    int r;
    switch (j->type) {
    case JOB_START:
        if (!u->activation)
            u->activation = TAKE(j->activation);
        r = unit_start(u);
        break;
    case JOB_VERIFY_ACTIVE:
        r = verify_active(u);
        break;
    case JOB_STOP:
    case JOB_RESTART:
        r = unit_stop(u);
        break;
    case JOB_RELOAD:
        r = unit_reload(u);
        break;
    default:
        r = -EALREADY;
    }
    /* The unit may have finished the job by now, and the job may be gone. */
    if ((u->job != j && u->nop_job != j) || j->id != id)
        return;
    if (r >= 0) {
        if (j->state == JOB_RUNNING)
            say_begin(j);
        return;
    }
    if (r == -EAGAIN) {
        job_set_state(j, JOB_WAITING);
        return;
    }
    for (size_t i = 0; i < ELEMENTS(outcomes); i++)
        if (r == -outcomes[i].error) {
            job_finish(j, outcomes[i].result, true, outcomes[i].already);
            return;
        }
    job_finish(j, JOB_FAILED, true, false);
}

void job_run_queue(void *manager) {
    struct manager *m = manager;
    while (m->p->run_queue) {
        struct job *j = m->p->run_queue;
        job_unqueue_run(j);
        job_run(j);
        if (m->p->run_queue && loop_overdue(m->loop)) {
            m->p->jobs_interrupted = true;
            deferred_queue_later(m->loop, &m->p->run_jobs);
            return;
        }
    }
    m->p->jobs_interrupted = false;
}

/* --- finishing ---------------------------------------------------------------------------------------------------- */
/* Along which edges jobs fail with this one, that has its result. */
static uint32_t fails_along(const struct job *j) {
    bool starts = j->type == JOB_START || j->type == JOB_VERIFY_ACTIVE;
    /* Done without being active (a condition did not hold): a job that verifies may have been merged into it. */
    if (j->result == JOB_DONE)
        return starts && !active_or_reloading(unit_active_state(j->unit)) ? DEP_BIT(DEP_REQUISITE_OF) : 0;
    if (starts)
        return DEP_BIT(DEP_REQUIRED_BY) | DEP_BIT(DEP_REQUISITE_OF) | DEP_BIT(DEP_BOUND_BY);
    return j->type == JOB_STOP ? DEP_BIT(DEP_CONFLICTED_BY) : 0;
}

static struct job *next_to_fail(struct job *j) {
    uint32_t kinds = fails_along(j);
    while (kinds && j->next_edge < j->unit->n_edges) {
        const struct edge *e = &j->unit->edges[j->next_edge++];
        struct job *other = e->kinds & kinds ? e->other->job : NULL;
        if (other && (other->type == JOB_START || other->type == JOB_VERIFY_ACTIVE))
            return other;
    }
    return NULL;
}

/* The job leaves its unit; what follows comes after those that fail with it. */
static void leave(struct job *j, enum job_result result) {
    j->result = result;
    j->next_edge = 0;
    job_uninstall(j);
    queue_tell_now(j->unit); /* who waits for the job looks at the unit next */
    OBSERVE(j->manager, job_removed, j, result);
}

/* Somebody's turn may have come. */
static void pass_on(struct unit *u) {
    job_queue_waiting_for(u);
    if (u->job)
        job_queue_run(u->job);
    manager_check_finished(u->manager);
}

static void follow_up(struct job *j) {
    struct unit *u = j->unit;
    enum job_result result = j->result;
    /* JOB_FAILED is the unit's own affair: unit_notify() has seen to it. */
    bool failed = result == JOB_TIMEOUT || result == JOB_DEPENDENCY;
    if (failed)
        unit_log(u, LOG_NOTICE, "Job %s/%s failed with result '%s'.", u->id, job_type_to_string(j->type),
                 job_result_to_string(result));
    job_free(j);
    if (failed)
        unit_start_on_failure(u);
    unit_trigger_notify(u);
    queue_add(u, QUEUE_STOP_UNNEEDED);
    queue_add(u, QUEUE_BOUND);
    queue_add(u, QUEUE_UPHELD);
    pass_on(u);
}

void job_finish(struct job *j, enum job_result result, bool recursive, bool already) {
    if (!already)
        say_end(j, result);
    if (result == JOB_DONE && j->type == JOB_RESTART) {
        /* The stop half is done: the same job goes on as a start. */
        j->type = JOB_START;
        job_set_state(j, JOB_WAITING);
        job_changed(j);
        job_queue_run(j);
        pass_on(j->unit);
        return;
    }
    leave(j, result);
    j->list_next = NULL;
    /* Depth first, over the jobs themselves: chains may be long. */
    while (j) {
        struct job *next = recursive ? next_to_fail(j) : NULL;
        if (next) {
            say_end(next, JOB_DEPENDENCY);
            leave(next, JOB_DEPENDENCY);
            next->list_next = j;
            j = next;
        } else {
            struct job *finished = j;
            j = j->list_next;
            follow_up(finished);
        }
    }
}

void job_cancel(struct job *j) {
    job_finish(j, JOB_CANCELED, true, false);
}
