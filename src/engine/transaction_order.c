/* SPDX-License-Identifier: Apache-2.0 */
/* Cycles in the order of a transaction's jobs: found, told, and broken where a job can be done without. Which of two
 * jobs goes first is job_order.c's to say. systemd.unit(5) "Before=, After=". */
#include "engine/manager_private.h"
#include "engine/transaction_private.h"
#include "engine/unit_private.h"

#include <errno.h>

/* To give up a unit is to give up all its jobs. */
static bool unit_matters(const struct unit *u) {
    for (const struct job *j = u->transaction_jobs; j; j = j->transaction_next)
        if (j->matters_to_anchor)
            return true;
    return false;
}

/* The path leads from `j` back to `j`. */
static int break_cycle(struct transaction *tr, const struct job *j, struct error *error) {
    const struct job *victim = NULL;
    for (size_t i = tr->n_path; i-- > 0;) {
        const struct job *k = tr->path[i].job;
        unit_log(j->unit, LOG_WARNING, "Found %s on %s/%s", i + 1 == tr->n_path ? "ordering cycle" : "dependency",
                 k->unit->id, job_type_to_string(k->type));
        if (!victim && k->unit->transaction_jobs && !unit_matters(k->unit))
            victim = k;
        if (k == j)
            break;
    }
    if (victim) {
        unit_log(j->unit, LOG_ERR, "Job %s/%s deleted to break ordering cycle starting with %s/%s", victim->unit->id,
                 job_type_to_string(victim->type), j->unit->id, job_type_to_string(j->type));
        transaction_drop_unit(tr, victim->unit);
        return -EAGAIN;
    }
    unit_log(j->unit, LOG_ERR, "Unable to break cycle starting with %s/%s", j->unit->id, job_type_to_string(j->type));
    return error_set(error, ERROR_TRANSACTION_ORDER_IS_CYCLIC,
                     "Transaction order is cyclic. See system logs for details.");
}

/* The next job that has to wait for the one at this step, be it in the transaction or queued already; NULL: no more. */
static struct job *next_that_waits(struct transaction_step *step) {
    const struct unit *u = step->job->unit;
    while (step->edge < u->n_edges) {
        const struct edge *e = &u->edges[step->edge++];
        struct job *other = e->other->transaction_jobs ? e->other->transaction_jobs : e->other->job;
        if (other && ((e->kinds & DEP_BIT(DEP_BEFORE) && job_compare(step->job, other, true) < 0) ||
                      (e->kinds & DEP_BIT(DEP_AFTER) && job_compare(step->job, other, false) < 0)))
            return other;
    }
    return NULL;
}

static int step_to(struct transaction *tr, struct job *j, uint32_t generation) {
    j->generation = generation;
    j->on_path = true;
    return transaction_push(tr, j);
}

/* Depth first along "runs before". */
static int follow(struct transaction *tr, struct job *start, uint32_t generation, struct error *error) {
    tr->n_path = 0;
    int r = step_to(tr, start, generation);
    while (r >= 0 && tr->n_path > 0) {
        struct transaction_step *step = &tr->path[tr->n_path - 1];
        struct job *j = next_that_waits(step);
        if (!j) {
            step->job->on_path = false;
            tr->n_path--;
        } else if (j->generation != generation)
            r = step_to(tr, j, generation);
        else if (j->on_path)
            return break_cycle(tr, j, error);
    }
    return r < 0 ? error_set(error, ERROR_NO_MEMORY, "No memory for a transaction.") : 0;
}

int transaction_verify_order(struct transaction *tr, struct error *error) {
    uint32_t generation = ++tr->manager->p->marker;
    FOREACH_UNIT_IN(i, tr) {
        struct job *j = tr->units[i]->transaction_jobs;
        int r = j && j->generation != generation ? follow(tr, j, generation, error) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}
