/* SPDX-License-Identifier: Apache-2.0 */
/* Building a transaction along the edges. Making it consistent: transaction_resolve.c. */
#include "engine/transaction.h"
#include "engine/manager_private.h"
#include "engine/transaction_private.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>

struct transaction *transaction_new(struct manager *m, bool irreversible) {
    struct transaction *tr = calloc(1, sizeof(*tr));
    if (tr) {
        tr->manager = m;
        tr->irreversible = irreversible;
    }
    return tr;
}

void transaction_freep(struct transaction **tr) {
    if (!*tr)
        return;
    for (size_t i = 0; i < (*tr)->n_units; i++)
        while ((*tr)->units[i]->transaction_jobs)
            transaction_drop_job(*tr, (*tr)->units[i]->transaction_jobs, false);
    free((*tr)->units);
    free((*tr)->path);
    free(*tr);
}

int transaction_push(struct transaction *tr, struct job *j) {
    if (tr->n_path == tr->path_room) {
        size_t room = tr->path_room ? tr->path_room * 2 : 32;
        struct transaction_step *path = realloc(tr->path, room * sizeof(*path));
        if (!path)
            return -ENOMEM;
        tr->path = path;
        tr->path_room = room;
    }
    tr->path[tr->n_path++] = (struct transaction_step){ .job = j };
    return 0;
}

/* The transaction's job of this type for the unit; made if there is none. */
static struct job *get_job(struct transaction *tr, enum job_type type, struct unit *u, bool *ret_new) {
    for (struct job *j = u->transaction_jobs; j; j = j->transaction_next)
        if (j->type == type) {
            *ret_new = false;
            return j;
        }
    if (!u->transaction_jobs) {
        if (tr->n_units == tr->room) {
            size_t room = tr->room ? tr->room * 2 : 32;
            struct unit **units = realloc(tr->units, room * sizeof(*units));
            if (!units)
                return NULL;
            tr->units = units;
            tr->room = room;
        }
    }
    struct job *j = calloc(1, sizeof(*j));
    if (!j)
        return NULL;
    j->manager = tr->manager;
    j->unit = u;
    j->type = type;
    j->irreversible = tr->irreversible;
    j->timer.when = USEC_INFINITY;
    if (!u->transaction_jobs)
        tr->units[tr->n_units++] = u;
    else
        u->transaction_jobs->transaction_prev = j;
    j->transaction_next = u->transaction_jobs;
    u->transaction_jobs = j;
    *ret_new = true;
    return j;
}

void transaction_link(struct job_link *l) {
    struct job_link **subjects = &l->subject->subjects, **objects = &l->object->objects;
    l->next_of_subject = *subjects;
    l->next_of_object = *objects;
    l->at_subject = subjects;
    l->at_object = objects;
    if (*subjects)
        (*subjects)->at_subject = &l->next_of_subject;
    if (*objects)
        (*objects)->at_object = &l->next_of_object;
    *subjects = *objects = l;
}

void transaction_unlink(struct job_link *l) {
    *l->at_subject = l->next_of_subject;
    if (l->next_of_subject)
        l->next_of_subject->at_subject = l->at_subject;
    *l->at_object = l->next_of_object;
    if (l->next_of_object)
        l->next_of_object->at_object = l->at_object;
}

static int link_jobs(struct job *subject, struct job *object, bool matters, bool conflicts) {
    struct job_link *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    *l = (struct job_link){ .subject = subject, .object = object, .matters = matters, .conflicts = conflicts };
    transaction_link(l);
    return 0;
}

static const struct {
    enum load_state state;
    enum error_kind kind;
    const char *message;
} load_errors[] = {
    { LOAD_NOT_FOUND, ERROR_NO_SUCH_UNIT, "Unit %s not found." },
    { LOAD_BAD_SETTING, ERROR_BAD_SETTING, "Unit %s has a bad unit file setting." },
    { LOAD_MASKED, ERROR_UNIT_MASKED, "Unit %s is masked." },
    { LOAD_ERROR, ERROR_LOAD_FAILED,
      "Unit %s failed to load properly, please adjust/correct and reload service manager: %s" },
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
int unit_check_loaded(const struct unit *u, struct error *error) {
    for (size_t i = 0; i < ELEMENTS(load_errors); i++)
        if (u->file->state == load_errors[i].state)
            return error_set(error, load_errors[i].kind, load_errors[i].message, u->id,
                             u->file->error ? u->file->error : "cannot be read");
    return 0;
}
#pragma GCC diagnostic pop

/* What a job of one type pulls in along which edges. systemd.unit(5) "[Unit] Section Options". */
static const struct pull {
    unsigned for_types;      /* 1 << JOB_x: jobs that pull */
    uint32_t edges;
    enum job_type type;      /* what is pulled in; collapsed for the unit first */
    bool matters;            /* its failure is the puller's failure */
    bool conflicts;
    bool restart_dependents; /* only with --job-mode=restart-dependencies */
} pulls[] = {
#define UP (1u << JOB_START | 1u << JOB_RESTART)
    { UP, DEP_BIT(DEP_REQUIRES) | DEP_BIT(DEP_BINDS_TO), JOB_START, .matters = true },
    { UP, DEP_BIT(DEP_WANTS) | DEP_BIT(DEP_UPHOLDS), JOB_START },
    { UP, DEP_BIT(DEP_REQUISITE), JOB_VERIFY_ACTIVE, .matters = true },
    { UP, DEP_BIT(DEP_CONFLICTS), JOB_STOP, .matters = true, .conflicts = true },
    { UP, DEP_BIT(DEP_CONFLICTED_BY), JOB_STOP },
    { 1u << JOB_STOP,
      DEP_BIT(DEP_REQUIRED_BY) | DEP_BIT(DEP_REQUISITE_OF) | DEP_BIT(DEP_BOUND_BY) | DEP_BIT(DEP_CONSISTS_OF) |
          DEP_BIT(DEP_PROPAGATES_STOP_TO),
      JOB_STOP, .matters = true },
    { 1u << JOB_RESTART,
      DEP_BIT(DEP_REQUIRED_BY) | DEP_BIT(DEP_REQUISITE_OF) | DEP_BIT(DEP_BOUND_BY) | DEP_BIT(DEP_CONSISTS_OF),
      JOB_TRY_RESTART, .matters = true },
    { 1u << JOB_RELOAD, DEP_BIT(DEP_PROPAGATES_RELOAD_TO), JOB_TRY_RELOAD },
    { 1u << JOB_START, DEP_BIT(DEP_REQUIRED_BY) | DEP_BIT(DEP_BOUND_BY) | DEP_BIT(DEP_CONSISTS_OF), JOB_TRY_RESTART,
      .matters = true, .restart_dependents = true },
#undef UP
};

/* A job without what follows from it. Positive: something may follow. */
static int add_one(struct transaction *tr, enum job_type type, struct unit *u, struct job *by, bool matters,
                   bool conflicts, struct job **ret, struct error *error) {
    if (type != JOB_STOP) {
        int r = unit_check_loaded(u, error);
        if (r < 0)
            return r;
    }
    if (!job_type_is_applicable(type, u))
        return error_set(error, ERROR_JOB_TYPE_NOT_APPLICABLE, "Job type %s is not applicable for unit %s.",
                         job_type_to_string(type), u->id);
    if (type == JOB_START && slices_have_room(u, true) < 0)
        return error_set(error, ERROR_CONCURRENCY_LIMIT_REACHED,
                         "Concurrency limit of the slice unit '%s' (or any of its parents) the unit '%s' is contained "
                         "in has been reached, refusing start job.", unit_slice_name(u), u->id);
    bool is_new;
    struct job *j = get_job(tr, type, u, &is_new);
    if (!j || (by && link_jobs(by, j, matters, conflicts) < 0))
        return error_set(error, ERROR_NO_MEMORY, "No memory for a job.");
    j->ignore_order = j->ignore_order || tr->ignore_order;
    if (!by)
        tr->anchor = j;
    *ret = j;
    return is_new && !tr->ignore_requirements && type != JOB_NOP;
}

/* The next unit that the job at this step pulls in; NULL: no more. *ret_type: the job it gets. */
static struct unit *next_pulled(const struct transaction *tr, struct transaction_step *step, enum job_type *ret_type) {
    const struct unit *u = step->job->unit;
    for (; step->pull < ELEMENTS(pulls); step->pull++, step->edge = 0) {
        const struct pull *pull = &pulls[step->pull];
        if (!(pull->for_types & 1u << step->job->type) || (pull->restart_dependents && !tr->restart_dependents))
            continue;
        while (step->edge < u->n_edges) {
            const struct edge *e = &u->edges[step->edge++];
            if (!(e->kinds & pull->edges))
                continue;
            *ret_type = job_type_collapse(pull->type, e->other);
            if (*ret_type != JOB_NOP)
                return e->other;
        }
    }
    return NULL;
}

/* Can whoever pulls do without? */
static bool tolerated(const struct pull *pull, int r) {
    return r != -ENOMEM && (!pull->matters || pull->type == JOB_TRY_RESTART || r == -EBADR);
}

/* What could not be added fails all that cannot do without it: goes back to the job that can. Not 0: none can. */
static int go_back(struct transaction *tr, int r, const struct error *reason) {
    for (; tr->n_path > 0; tr->n_path--) {
        const struct transaction_step *step = &tr->path[tr->n_path - 1];
        const struct pull *pull = &pulls[step->pull];
        if (!tolerated(pull, r))
            continue;
        bool expected = pull->matters || r == -ENOENT || r == -EBADR || r == -ERFKILL;
        unit_log(step->job->unit->edges[step->edge - 1].other,
                 expected || pull->type != JOB_START ? LOG_DEBUG : LOG_WARNING,
                 "Cannot add dependency job, ignoring: %s", reason->message);
        return 0;
    }
    return r;
}

int transaction_add(struct transaction *tr, enum job_type type, struct unit *u, struct job *by, struct error *error) {
    struct error unheard;
    if (!error)
        error = &unheard;
    struct job *j;
    tr->n_path = 0;
    int r = add_one(tr, type, u, by, true, false, &j, error);
    if (r > 0)
        r = transaction_push(tr, j);
    while (r >= 0 && tr->n_path > 0) {
        struct transaction_step *step = &tr->path[tr->n_path - 1];
        u = next_pulled(tr, step, &type);
        if (!u) {
            tr->n_path--;
            continue;
        }
        const struct pull *pull = &pulls[step->pull];
        r = add_one(tr, type, u, step->job, pull->matters, pull->conflicts, &j, error);
        if (r > 0)
            r = transaction_push(tr, j);
        if (r < 0)
            r = go_back(tr, r, error);
    }
    return r == -ENOMEM ? error_set(error, ERROR_NO_MEMORY, "No memory for a transaction.") : MIN(r, 0);
}

/* A unit stays if it says so, if the transaction has a word on it, or if something that is to stay triggers it. */
static bool stops_on_isolate(struct unit *u) {
    if (u->transaction_jobs || u->perpetual || unit_bool(u->file, D_IgnoreOnIsolate))
        return false;
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_TRIGGERED_BY))
        for (struct job *j = e->other->transaction_jobs; j; j = j->transaction_next)
            if (j->type == JOB_START && active_or_activating(unit_active_state(e->other)))
                return false;
    return !inactive_or_failed(unit_active_state(u)) || u->job;
}

int transaction_add_isolate(struct transaction *tr) {
    for (struct unit_name *n = tr->manager->names; n; n = n->hh.next) {
        struct unit *u = n->unit;
        if (n->name != u->id || !stops_on_isolate(u))
            continue;
        struct error error;
        int r = transaction_add(tr, JOB_STOP, u, tr->anchor, &error);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            unit_log(u, LOG_DEBUG, "Cannot add isolate job, ignoring: %s", error.message);
    }
    return 0;
}

int transaction_add_triggering(struct transaction *tr, struct unit *u) {
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_TRIGGERED_BY)) {
        if (e->other->transaction_jobs || inactive_or_failed(unit_active_state(e->other)))
            continue;
        struct error error;
        int r = transaction_add(tr, JOB_STOP, e->other, tr->anchor, &error);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            unit_log(e->other, LOG_DEBUG, "Cannot add triggered-by job, ignoring: %s", error.message);
    }
    return 0;
}

int manager_add_job(struct manager *m, enum job_type type, struct unit *u, enum job_mode mode, struct error *error,
                    struct job **ret) {
    if (mode == JOB_ISOLATE && type != JOB_START)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Isolate is only valid for start.");
    if (mode == JOB_ISOLATE && !unit_bool(u->file, D_AllowIsolate))
        return error_set(error, ERROR_NO_ISOLATION, "Operation refused, unit may not be isolated.");
    if (mode == JOB_TRIGGERING && type != JOB_STOP)
        return error_set(error, ERROR_INVALID_ARGUMENT, "--job-mode=triggering is only valid for stop.");
    if (mode == JOB_RESTART_DEPENDENCIES && type != JOB_START)
        return error_set(error, ERROR_INVALID_ARGUMENT, "--job-mode=restart-dependencies is only valid for start.");

    queue_dispatch_load(m);
    type = job_type_collapse(type, u);
    _cleanup_(transaction_freep) struct transaction *tr = transaction_new(m, mode == JOB_REPLACE_IRREVERSIBLY);
    if (!tr)
        return error_set(error, ERROR_NO_MEMORY, "No memory for a transaction.");
    tr->restart_dependents = mode == JOB_RESTART_DEPENDENCIES;
    tr->ignore_order = mode == JOB_IGNORE_DEPENDENCIES;
    tr->ignore_requirements = tr->ignore_order || mode == JOB_IGNORE_REQUIREMENTS;
    int r = transaction_add(tr, type, u, NULL, error);
    if (r >= 0 && mode == JOB_ISOLATE)
        r = transaction_add_isolate(tr);
    if (r >= 0 && mode == JOB_TRIGGERING)
        r = transaction_add_triggering(tr, u);
    if (r == -ENOMEM)
        return error_set(error, ERROR_NO_MEMORY, "No memory for a transaction.");
    if (r < 0)
        return r;
    r = transaction_activate(tr, mode, error);
    if (r < 0)
        return r;
    struct job *j = type == JOB_NOP ? u->nop_job : u->job;
    if (ret && !j)
        return error_set(error, ERROR_FAILED, "The job for %s was cancelled at once.", u->id);
    if (ret)
        *ret = j;
    return 0;
}

int manager_request_job(struct manager *m, enum job_type type, struct unit *u, bool reload_if_possible,
                        enum job_mode mode, struct error *error, struct job **ret) {
    if (reload_if_possible && unit_can_reload(u)) {
        if (type == JOB_RESTART)
            type = JOB_RELOAD_OR_START;
        else if (type == JOB_TRY_RESTART)
            type = JOB_TRY_RELOAD;
    }
    if (type == JOB_STOP && (u->file->state == LOAD_NOT_FOUND || u->file->state == LOAD_ERROR ||
                             u->file->state == LOAD_BAD_SETTING) &&
        unit_active_state(u) == ACTIVE_INACTIVE)
        return error_set(error, ERROR_NO_SUCH_UNIT, "Unit %s not loaded.", u->id);
    bool stops = type == JOB_STOP || type == JOB_RESTART || type == JOB_TRY_RESTART;
    bool starts = type == JOB_START || type == JOB_RESTART || type == JOB_TRY_RESTART ||
                  (type == JOB_RELOAD_OR_START && job_type_collapse(type, u) == JOB_START);
    if ((starts && unit_bool(u->file, D_RefuseManualStart)) || (stops && unit_bool(u->file, D_RefuseManualStop)))
        return error_set(error, ERROR_ONLY_BY_DEPENDENCY,
                         "Operation refused, unit %s may be requested by dependency only (it is configured to refuse "
                         "manual start/stop).", u->id);
    if (starts || type == JOB_RELOAD_OR_START)
        purpose_asked(u);
    return manager_add_job(m, type, u, mode, error, ret);
}
