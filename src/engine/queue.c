/* SPDX-License-Identifier: Apache-2.0 */
/* The units' waiting lines and what is done at their head. */
#include "engine/queue.h"
#include "engine/gc.h"
#include "engine/manager_private.h"
#include "engine/serialize.h"
#include "engine/types.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>

#define AUTO_JOBS_MOST 16
#define AUTO_JOBS_INTERVAL (10 * USEC_PER_SEC)

static void load_failed(struct unit *u) {
    u->load_again = u->manager->p->load_again = true;
    state_lost();
    unit_log(u, LOG_ERR, "No memory to load the unit's dependencies.");
}

static void serve_load(struct unit *u) {
    if (unit_resolve(u) == -ENOMEM) {
        u->file->state = LOAD_ERROR;
        load_failed(u);
    }
    queue_add(u, QUEUE_ORDER);
}

static void serve_order(struct unit *u) {
    if (target_order(u) < 0)
        load_failed(u);
}

static void serve_empty(struct unit *u) {
    if (u->maybe_processes && !unit_has_processes(u)) {
        u->maybe_processes = false;
        if (u->ops->processes_gone)
            u->ops->processes_gone(u);
        gc_consider(u);
    } else if (u->maybe_processes && u->ops->processes_left)
        u->ops->processes_left(u);
}

/* What one setting starts another may stop, or a start fails before any limit counts it: not for ever. */
static bool may_add_job(struct unit *u) {
    usec_t t = now(CLOCK_MONOTONIC);
    if (t > usec_add(u->auto_jobs_begin, AUTO_JOBS_INTERVAL)) {
        u->auto_jobs_begin = t;
        u->auto_jobs = 0;
    }
    if (u->auto_jobs++ == AUTO_JOBS_MOST)
        unit_log(u, LOG_WARNING,
                 "Started or stopped by Upholds=, BindsTo= or StopWhenUnneeded= too often, left as it is.");
    return u->auto_jobs <= AUTO_JOBS_MOST;
}

static void add_job(struct unit *u, enum job_type type, enum job_mode mode, const char *why) {
    struct error error;
    if (!may_add_job(u))
        return;
    unit_log(u, LOG_DEBUG, "%s", why);
    if (manager_add_job(u->manager, type, u, mode, &error, NULL) < 0)
        unit_log(u, LOG_WARNING, "Failed to enqueue %s job, ignoring: %s", job_type_to_string(type),
                 error.message);
}

static bool wanted_by(const struct unit *u, uint32_t kinds) {
    UNIT_FOREACH_EDGE(e, u, kinds)
        if (e->other->job || !inactive_or_failed(unit_active_state(e->other)))
            return true;
    return false;
}

static void serve_unneeded(struct unit *u) {
    if (u->job || !unit_bool(u->file, D_StopWhenUnneeded) || unit_active_state(u) != ACTIVE_ACTIVE ||
        wanted_by(u, DEP_BIT(DEP_REQUIRED_BY) | DEP_BIT(DEP_REQUISITE_OF) | DEP_BIT(DEP_WANTED_BY) |
                         DEP_BIT(DEP_BOUND_BY) | DEP_BIT(DEP_UPHELD_BY)))
        return;
    add_job(u, JOB_STOP, JOB_FAIL, "Unit not needed anymore. Stopping.");
}

static void serve_upheld(struct unit *u) {
    if (u->job || !inactive_or_failed(unit_active_state(u)) || u->start_limit_hit)
        return;
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_UPHELD_BY))
        if (!e->other->job && active_or_reloading(unit_active_state(e->other))) {
            add_job(u, JOB_START, JOB_REPLACE, "Unit started because it is upheld.");
            return;
        }
}

/* What is on its way up arrives first, and is looked at again then. */
static void serve_bound(struct unit *u) {
    if (u->job || unit_active_state(u) != ACTIVE_ACTIVE)
        return;
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_BINDS_TO))
        if (!e->other->job && inactive_or_failed(unit_active_state(e->other))) {
            add_job(u, JOB_STOP, JOB_REPLACE, "Unit is bound to an inactive unit. Stopping.");
            return;
        }
}

static void tell_job(struct job *j) {
    if (!j || !j->changed)
        return;
    j->changed = false;
    OBSERVE(j->manager, job_changed, j);
}

static void serve_changed(struct unit *u) {
    if (!u->told_new) {
        u->told_new = true;
        OBSERVE(u->manager, unit_new, u);
    }
    tell_job(u->job);
    tell_job(u->nop_job);
    if (!u->changed) /* told already: queue_tell_now() */
        return;
    u->changed = false;
    OBSERVE(u->manager, unit_changed, u);
}

static bool observers_busy(const struct manager *m) {
    for (const struct observer *o = m->observers; o; o = o->next)
        if (o->busy && o->busy(o->userdata))
            return true;
    return false;
}

void queue_tell_now(struct unit *u) {
    if (u->in_queues & 1u << QUEUE_CHANGED && !observers_busy(u->manager))
        serve_changed(u);
}

static const struct {
    void (*serve)(struct unit *u);
    int priority;
    bool after_jobs; /* looks at what the jobs have led to: not in the middle of them */
} queues[UNIT_QUEUES] = {
    [QUEUE_LOAD] = { serve_load, WORK_QUEUES },
    [QUEUE_ORDER] = { serve_order, WORK_QUEUES },
    [QUEUE_EMPTY] = { serve_empty, WORK_QUEUES + 1 },
    [QUEUE_STOP_UNNEEDED] = { serve_unneeded, WORK_QUEUES + 2, true },
    [QUEUE_UPHELD] = { serve_upheld, WORK_QUEUES + 3, true },
    [QUEUE_BOUND] = { serve_bound, WORK_QUEUES + 4, true },
    [QUEUE_CHANGED] = { serve_changed, WORK_TELL },
    [QUEUE_GC] = { gc_unit, WORK_GC },
};

static void serve_unit(struct unit *u, enum unit_queue queue) {
    u->in_queues &= (uint16_t) ~(1u << queue);
    queues[queue].serve(u);
}

/* Those that there was no room for in the line: only their mark tells. */
static struct unit *find_marked(const struct manager *m, enum unit_queue queue) {
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->unit->in_queues & 1u << queue)
            return n->unit;
    return NULL;
}

/* The observers hear the rest later: in the next turn, or when they say that they can take more. */
static bool stop_telling(struct manager *m, bool some_told) {
    if (observers_busy(m))
        return true;
    if (!some_told || !loop_overdue(m->loop))
        return false;
    deferred_queue_later(m->loop, &m->p->lines[QUEUE_CHANGED].work);
    return true;
}

void manager_tell_more(struct manager *m) {
    if (m->p->lines[QUEUE_CHANGED].n > 0)
        deferred_queue(m->loop, &m->p->lines[QUEUE_CHANGED].work);
}

static void serve_line(struct manager *m, enum unit_queue queue) {
    struct unit_line *line = &m->p->lines[queue];
    /* Serving may add to the line, and may free units (queue_forget() then leaves NULL in their places). */
    while (line->next < line->n) {
        if (queue == QUEUE_CHANGED && stop_telling(m, line->next > 0)) {
            line->n -= line->next;
            memmove(line->units, line->units + line->next, line->n * sizeof(struct unit *));
            line->next = 0;
            return;
        }
        struct unit *u = line->units[line->next++];
        if (u)
            serve_unit(u, queue);
    }
    line->n = line->next = 0;
    if (!line->too_long)
        return;
    line->too_long = false;
    for (struct unit *u; (u = find_marked(m, queue));)
        serve_unit(u, queue);
    line->n = line->next = 0;
}

void queue_dispatch_load(struct manager *m) {
    /* Loading a unit loads those it names: they join the line that is being served, so nothing recurses. */
    if (m->p->dispatching_load)
        return;
    for (struct unit_name *n = m->p->load_again ? m->names : NULL; n; n = n->hh.next)
        if (n->unit->load_again) {
            n->unit->load_again = false;
            n->unit->file->state = LOAD_LOADED;
            queue_add(n->unit, QUEUE_LOAD);
        }
    m->p->load_again = false;
    m->p->dispatching_load = true;
    serve_line(m, QUEUE_LOAD);
    serve_line(m, QUEUE_ORDER);
    m->p->dispatching_load = false;
}

struct line_owner {
    struct manager *manager;
    enum unit_queue queue;
};

static void serve_deferred(void *userdata) {
    struct line_owner *owner = userdata;
    struct manager *m = owner->manager;
    if (owner->queue == QUEUE_LOAD)
        queue_dispatch_load(m);
    else if (queues[owner->queue].after_jobs && m->p->jobs_interrupted)
        deferred_queue_later(m->loop, &m->p->lines[owner->queue].work);
    else
        serve_line(m, owner->queue);
}

int queue_init(struct manager *m) {
    for (enum unit_queue q = 0; q < UNIT_QUEUES; q++) {
        struct line_owner *owner = malloc(sizeof(*owner));
        if (!owner)
            return -ENOMEM;
        *owner = (struct line_owner){ m, q };
        m->p->lines[q].work =
            (struct deferred){ .handler = serve_deferred, .userdata = owner, .priority = queues[q].priority };
    }
    return 0;
}

bool queue_may_bring_jobs(const struct manager *m) {
    for (enum unit_queue q = 0; q < UNIT_QUEUES; q++)
        if (queues[q].after_jobs && m->p->lines[q].n > 0)
            return true;
    return false;
}

void queue_done(struct manager *m) {
    for (enum unit_queue q = 0; q < UNIT_QUEUES; q++) {
        deferred_cancel(&m->p->lines[q].work);
        free(m->p->lines[q].work.userdata);
        free(m->p->lines[q].units);
        m->p->lines[q] = (struct unit_line){};
    }
}

void queue_add(struct unit *u, enum unit_queue queue) {
    if (u->in_queues & 1u << queue)
        return;
    struct unit_line *line = &u->manager->p->lines[queue];
    if (line->n == line->room) {
        size_t room = line->room ? line->room * 2 : 16;
        struct unit **units = realloc(line->units, room * sizeof(*units));
        if (units) {
            line->units = units;
            line->room = room;
        }
    }
    if (line->n < line->room)
        line->units[line->n++] = u;
    else
        line->too_long = true;
    u->in_queues |= (uint16_t)(1u << queue);
    deferred_queue(u->manager->loop, &line->work);
}

void queue_forget(struct unit *u) {
    for (enum unit_queue q = 0; u->in_queues; q++) {
        if (!(u->in_queues & 1u << q))
            continue;
        struct unit_line *line = &u->manager->p->lines[q];
        for (size_t i = line->next; i < line->n; i++)
            if (line->units[i] == u)
                line->units[i] = NULL;
        u->in_queues &= (uint16_t) ~(1u << q);
    }
}
