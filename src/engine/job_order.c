/* SPDX-License-Identifier: Apache-2.0 */
/* Which job has to wait for which. systemd.unit(5) "Before=, After=". */
#include "engine/manager_private.h"
#include "engine/unit_private.h"

int job_compare(const struct job *a, const struct job *b, bool a_before_b) {
    if (a->type == JOB_NOP || b->type == JOB_NOP || a->ignore_order || b->ignore_order)
        return 0;
    if (!a_before_b)
        return -job_compare(b, a, true);
    /* What comes down goes first, in the reverse of the order in which things come up. */
    return b->type == JOB_STOP || b->type == JOB_RESTART ? 1 : -1;
}

/* Must the job wait for the other end of this edge? */
static bool edge_blocks(const struct job *j, const struct edge *e) {
    const struct job *other = e->other->job;
    return other && ((e->kinds & DEP_BIT(DEP_AFTER) && job_compare(j, other, false) > 0) ||
                     (e->kinds & DEP_BIT(DEP_BEFORE) && job_compare(j, other, true) > 0));
}

static bool goes_down(const struct unit *u) {
    return u->job && u->job->type == JOB_STOP;
}

/* Does the stop of `u` wait, over however many others, for that of `other`? The walk's marker is new at each call. */
static bool stop_waits_for(struct unit *u, const struct unit *other, uint32_t marker) {
    u->marker = marker;
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_BEFORE)) {
        if (e->other == other)
            return true;
        if (e->other->marker != marker && goes_down(e->other) && stop_waits_for(e->other, other, marker))
            return true;
    }
    return false;
}

/* Beyond what systemd does: when a socket and its service go down together, the services that are ordered after the
 * socket go first, for they may need what is behind it to stop in order. (RabbitMQ is ordered after epmd.socket, and
 * `rabbitmqctl stop` without epmd takes longer than `docker stop` waits.) NULL: nobody is in the way. */
static struct unit *user_of_socket(const struct job *j) {
    struct manager *m = j->manager;
    if (j->type != JOB_STOP)
        return NULL;
    UNIT_FOREACH_EDGE(socket, j->unit, DEP_BIT(DEP_TRIGGERED_BY)) {
        if (!goes_down(socket->other))
            continue;
        UNIT_FOREACH_EDGE(e, socket->other, DEP_BIT(DEP_BEFORE))
            if (e->other != j->unit && e->other->ops->type == UNIT_SERVICE && goes_down(e->other) &&
                !stop_waits_for(e->other, j->unit, ++m->p->marker))
                return e->other;
    }
    return NULL;
}

/* Goes on where something was in the way the last time, and round: a target over thousands passes each of them once,
 * and not all that are done by now each time one more is. */
static struct unit *find_in_the_way(struct job *j) {
    const struct unit *u = j->unit;
    size_t n = u->n_edges;
    for (size_t left = n, i = j->look_from; left > 0; left--, i++) {
        if (i >= n)
            i = 0;
        if (u->edges[i].kinds & (DEP_BIT(DEP_AFTER) | DEP_BIT(DEP_BEFORE)) && edge_blocks(j, &u->edges[i])) {
            j->look_from = (uint32_t)i;
            return u->edges[i].other;
        }
    }
    return NULL;
}

bool job_may_run(struct job *j) {
    if (j->ignore_order || j->type == JOB_NOP) {
        j->blocked_by = NULL;
        return true;
    }
    j->blocked_by = find_in_the_way(j);
    if (j->blocked_by)
        return false;
    j->blocked_by = user_of_socket(j);
    return !j->blocked_by;
}

static void queue_if_blocked_by(struct unit *waiting, const struct unit *u) {
    if (waiting->job && (!waiting->job->blocked_by || waiting->job->blocked_by == u))
        job_queue_run(waiting->job);
}

void job_queue_waiting_for(struct unit *u) {
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_AFTER) | DEP_BIT(DEP_BEFORE)) {
        queue_if_blocked_by(e->other, u);
        if (e->other->ops->type == UNIT_SOCKET)
            UNIT_FOREACH_EDGE(triggered, e->other, DEP_BIT(DEP_TRIGGERS))
                queue_if_blocked_by(triggered->other, u);
    }
}
