/* SPDX-License-Identifier: Apache-2.0 */
/* Making a transaction consistent and installing it. */
#include "engine/manager_private.h"
#include "engine/shutdown.h"
#include "engine/transaction_private.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>

/* --- taking jobs out ------------------------------------------------------------------------------------ */
static void link_free(struct job_link *l) {
    transaction_unlink(l);
    free(l);
}

static void detach(struct job *j) {
    struct unit *u = j->unit;
    if (j->transaction_prev)
        j->transaction_prev->transaction_next = j->transaction_next;
    else
        u->transaction_jobs = j->transaction_next;
    if (j->transaction_next)
        j->transaction_next->transaction_prev = j->transaction_prev;
    j->transaction_prev = j->transaction_next = NULL;
}

void transaction_drop_job(struct transaction *tr, struct job *j, bool dependants) {
    struct job *doomed = j;
    j->list_next = NULL;
    while (doomed) {
        j = doomed;
        doomed = j->list_next;
        if (tr->anchor == j)
            tr->anchor = NULL;
        detach(j);
        while (j->subjects)
            link_free(j->subjects);
        while (j->objects) {
            struct job *by = j->objects->subject;
            bool goes = dependants && j->objects->matters && !by->doomed;
            link_free(j->objects);
            if (!goes || by == j)
                continue;
            by->doomed = true;
            by->list_next = doomed;
            doomed = by;
        }
        free(j);
    }
}

void transaction_drop_unit(struct transaction *tr, struct unit *u) {
    while (u->transaction_jobs)
        transaction_drop_job(tr, u->transaction_jobs, true);
}

/* What nobody wants any more goes, and then what only that had wanted. */
static void collect_garbage(struct transaction *tr) {
    struct job *unwanted = NULL;
    FOREACH_UNIT_IN(i, tr)
        for (struct job *j = tr->units[i]->transaction_jobs; j; j = j->transaction_next)
            if (j != tr->anchor && !j->objects) {
                j->list_next = unwanted;
                unwanted = j;
            }
    while (unwanted) {
        struct job *j = unwanted;
        unwanted = j->list_next;
        while (j->subjects) {
            struct job *wanted = j->subjects->object;
            link_free(j->subjects);
            if (wanted->objects || wanted == tr->anchor || wanted == j)
                continue;
            wanted->list_next = unwanted;
            unwanted = wanted;
        }
        transaction_drop_job(tr, j, false);
    }
}

/* --- what matters --------------------------------------------------------------------------------------- */
static void mark_what_matters(struct job *anchor) {
    struct job *todo = anchor;
    anchor->matters_to_anchor = true;
    anchor->list_next = NULL;
    while (todo) {
        struct job *j = todo;
        todo = j->list_next;
        for (struct job_link *l = j->subjects; l; l = l->next_of_subject) {
            if (!l->matters || l->object->matters_to_anchor)
                continue;
            l->object->matters_to_anchor = true;
            l->object->list_next = todo;
            todo = l->object;
        }
    }
}

/* job_mode "fail": leave running units and queued jobs alone where that is possible. */
static void minimize_impact(struct transaction *tr) {
    for (bool again = true; again;) {
        again = false;
        FOREACH_UNIT_IN(i, tr)
        for (struct job *j = tr->units[i]->transaction_jobs; j && !again; j = j->transaction_next) {
            struct unit *u = j->unit;
            bool stops_running = j->type == JOB_STOP && active_or_activating(unit_active_state(u));
            bool changes_job = u->job && job_types_conflict(j->type, u->job->type);
            if ((stops_running || changes_job) && !j->matters_to_anchor) {
                unit_log(u, LOG_DEBUG, "Deleting %s/%s to minimize impact.", u->id,
                         job_type_to_string(j->type));
                transaction_drop_job(tr, j, true);
                again = true;
            }
        }
    }
}

static void drop_redundant(struct transaction *tr) {
    FOREACH_UNIT_IN(i, tr) {
        struct unit *u = tr->units[i];
        bool keep = !u->transaction_jobs;
        for (struct job *j = u->transaction_jobs; j && !keep; j = j->transaction_next)
            keep = j == tr->anchor || !job_type_is_redundant(j->type, unit_active_state(u)) ||
                   (u->job && job_types_conflict(j->type, u->job->type));
        while (!keep && u->transaction_jobs)
            transaction_drop_job(tr, u->transaction_jobs, false);
    }
}

/* --- merging ------------------------------------------------------------------------------------------ */
static bool is_conflicted_by(const struct job *j) {
    for (const struct job_link *l = j->objects; l; l = l->next_of_object)
        if (l->conflicts)
            return true;
    return false;
}

/* Of two jobs that cannot be one, the one to give up; NULL if the request needs both. */
static struct job *weaker(struct job *a, struct job *b) {
    if (a->matters_to_anchor)
        return b->matters_to_anchor ? NULL : b;
    if (b->matters_to_anchor)
        return a;
    /* Rather keep a start than a stop, unless the stop is there because of a conflict. */
    if (a->type == JOB_STOP)
        return is_conflicted_by(a) ? b : a;
    if (b->type == JOB_STOP)
        return is_conflicted_by(b) ? a : b;
    return a;
}

static int resolve_conflict(struct transaction *tr, struct unit *u, struct error *error) {
    for (struct job *a = u->transaction_jobs; a; a = a->transaction_next)
        for (struct job *b = a->transaction_next; b; b = b->transaction_next) {
            if (!job_types_conflict(a->type, b->type))
                continue;
            struct job *gone = weaker(a, b);
            if (!gone)
                return error_set(
                    error, ERROR_TRANSACTION_JOBS_CONFLICTING,
                    "Transaction contains conflicting jobs '%s' and '%s' for %s. Probably contradicting "
                    "requirement dependencies configured.",
                    job_type_to_string(a->type), job_type_to_string(b->type), u->id);
            unit_log(u, LOG_DEBUG, "Fixing conflicting jobs %s/%s by deleting job %s/%s", u->id,
                     job_type_to_string(a == gone ? b->type : a->type), u->id,
                     job_type_to_string(gone->type));
            transaction_drop_job(tr, gone, true);
            return -EAGAIN;
        }
    return 0;
}

static void merge_into(struct transaction *tr, struct job *j, struct job *other, enum job_type type) {
    j->type = type;
    j->irreversible = j->irreversible || other->irreversible;
    j->matters_to_anchor = j->matters_to_anchor || other->matters_to_anchor;
    j->ignore_order = j->ignore_order || other->ignore_order;
    for (struct job_link *l; (l = other->subjects ? other->subjects : other->objects);) {
        transaction_unlink(l);
        if (l->subject == other)
            l->subject = j;
        if (l->object == other)
            l->object = j;
        transaction_link(l);
    }
    if (tr->anchor == other)
        tr->anchor = j;
    transaction_drop_job(tr, other, false);
}

static int merge_jobs(struct transaction *tr, struct error *error) {
    FOREACH_UNIT_IN(i, tr) {
        int r = resolve_conflict(tr, tr->units[i], error);
        if (r < 0)
            return r;
    }
    FOREACH_UNIT_IN(i, tr) {
        struct unit *u = tr->units[i];
        while (u->transaction_jobs && u->transaction_jobs->transaction_next) {
            struct job *j = u->transaction_jobs;
            enum job_type type = j->type;
            (void)job_type_merge(&type, j->transaction_next->type);
            merge_into(tr, j, j->transaction_next, job_type_collapse(type, u));
        }
    }
    return 0;
}

/* --- installing --------------------------------------------------------------------------------------- */
static int check_destructive(struct transaction *tr, enum job_mode mode, struct error *error) {
    FOREACH_UNIT_IN(i, tr) {
        const struct job *j = tr->units[i]->transaction_jobs;
        const struct job *installed = tr->units[i]->job;
        if (j && installed && (mode == JOB_FAIL || installed->irreversible) &&
            job_types_conflict(j->type, installed->type))
            return error_set(
                error, ERROR_TRANSACTION_IS_DESTRUCTIVE,
                "Transaction for %s/%s is destructive (%s has '%s' job queued, but '%s' is included in "
                "transaction).",
                tr->anchor->unit->id, job_type_to_string(tr->anchor->type), j->unit->id,
                job_type_to_string(installed->type), job_type_to_string(j->type));
    }
    return 0;
}

/* Cancelling a job may lead anywhere, to another transaction even: so the jobs leave the units first, and
 * what is to be cancelled is known by number. */
static int install(struct transaction *tr, enum job_mode mode) {
    struct manager *m = tr->manager;
    size_t n = 0, n_cancel = 0;
    _cleanup_free_ struct job **jobs = calloc(tr->n_units + 1, sizeof(*jobs));
    _cleanup_free_ uint32_t *cancel = calloc(m->n_installed_jobs + 1, sizeof(*cancel));
    if (!jobs || !cancel)
        return -ENOMEM;
    if (mode == JOB_ISOLATE || mode == JOB_FLUSH)
        for (struct job *j = m->jobs; j; j = j->hh.next)
            if (!j->unit->transaction_jobs && !unit_bool(j->unit->file, D_IgnoreOnIsolate))
                cancel[n_cancel++] = j->id;
    FOREACH_UNIT_IN(i, tr) {
        struct job *j = tr->units[i]->transaction_jobs;
        if (!j)
            continue;
        detach(j);
        while (j->subjects)
            link_free(j->subjects);
        while (j->objects)
            link_free(j->objects);
        jobs[n++] = j;
    }
    for (size_t i = 0; i < n_cancel; i++) {
        struct job *j = manager_get_job(m, cancel[i]);
        if (j)
            job_finish(j, JOB_CANCELED, false, false);
    }
    for (size_t i = 0; i < n; i++) {
        struct job *j = jobs[i];
        do
            j->id = ++m->next_job_id;
        while (j->id == 0 || manager_get_job(m, j->id));
        struct job *installed = job_install(j);
        if (installed != j)
            free(j);
        else {
            job_arm_timeout(j);
            OBSERVE(m, job_new, j);
        }
        manager_note_shutdown_job(m, installed);
        job_queue_run(installed);
    }
    return 0;
}

/* The request is refused. */
static int refuse(int r, int level, const char *what, const struct error *error) {
    if (r != -ENOMEM)
        log_full(level, NULL, NULL, "Requested transaction %s: %s", what, error->message);
    return r;
}

int transaction_activate(struct transaction *tr, enum job_mode mode, struct error *error) {
    struct error unheard;
    if (!error)
        error = &unheard;
    mark_what_matters(tr->anchor);
    if (mode == JOB_FAIL)
        minimize_impact(tr);
    drop_redundant(tr);
    int r;
    do {
        if (mode != JOB_ISOLATE)
            collect_garbage(tr);
        r = transaction_verify_order(tr, error);
    } while (r == -EAGAIN);
    if (r < 0)
        return refuse(r, LOG_WARNING, "contains an unfixable cyclic ordering dependency", error);
    while ((r = merge_jobs(tr, error)) == -EAGAIN)
        if (mode != JOB_ISOLATE)
            collect_garbage(tr);
    if (r < 0)
        return refuse(r, LOG_WARNING, "contains unmergeable jobs", error);
    drop_redundant(tr);
    r = check_destructive(tr, mode, error);
    if (r < 0)
        return refuse(r, LOG_NOTICE, "contradicts existing jobs", error);
    /* Ids go up in the order of adding: the anchor's first, as its client may wait for it. */
    r = install(tr, mode);
    return r < 0 ? error_set(error, ERROR_NO_MEMORY, "No memory for a transaction.") : 0;
}
