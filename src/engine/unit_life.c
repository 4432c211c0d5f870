/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a unit: it is started, stopped, reloaded, and every change of its state passes unit_notify(), from
 * which jobs, dependants and observers learn of it. systemd.unit(5). Knows no unit types. */
#include "engine/gc.h"
#include "engine/manager_private.h"
#include "engine/unit_private.h"
#include "unit/condition.h"

#include <errno.h>
#include <string.h>

#define MESSAGE_UNIT_SKIPPED "0e4284a0caca4bfc81c0bb6786972673"

/* --- conditions, limits ------------------------------------------------------------------------------------------- */
struct failed_list {
    struct unit *unit;
    int level;
    const char *one, *none; /* what follows from a list in which one did not hold, or none of the triggering ones did */
};

static void list_failed(void *userdata, const struct condition *condition) {
    const struct failed_list *f = userdata;
    struct unit *u = f->unit;
    _cleanup_text_ struct text t = {};
    const char *description = unit_description(u);
    text_add(&t, u->id);
    if (strcmp(description, u->id) != 0)
        text_addf(&t, " - %s", description);
    text_addf(&t, " %s", condition ? f->one : f->none);
    if (condition) {
        text_add(&t, " (");
        condition_describe(condition, &t);
        text_add(&t, ").");
    }
    log_full(f->level, u->id, f->level == LOG_INFO ? MESSAGE_UNIT_SKIPPED : NULL, "%s", text_str(&t));
}

static bool test_conditions(struct unit *u) {
    struct failed_list f = { u, LOG_INFO, "was skipped because of an unmet condition check",
                             "was skipped because no trigger condition checks were met." };
    u->condition_time = dual_now();
    u->condition_result =
        conditions_pass(unit_object(u->file, D_Conditions), &u->manager->conditions, list_failed, &f, NULL);
    unit_changed(u);
    return u->condition_result;
}

static bool test_asserts(struct unit *u) {
    struct failed_list f = { u, LOG_DEBUG, "failed an assertion", "failed, because no trigger assertion was met." };
    u->assert_time = dual_now();
    u->assert_result = conditions_pass(unit_object(u->file, D_Asserts), &u->manager->conditions, list_failed, &f, NULL);
    unit_changed(u);
    return u->assert_result;
}

static bool start_limit_allows(struct unit *u) {
    usec_t interval = unit_setting_written(u->file, D_StartLimitIntervalSec)
                          ? unit_usec(u->file, D_StartLimitIntervalSec)
                          : u->manager->default_start_limit_interval;
    uint64_t burst = unit_setting_written(u->file, D_StartLimitBurst) ? unit_size(u->file, D_StartLimitBurst)
                                                                       : u->manager->default_start_limit_burst;
    u->start_limit_hit = !rate_limit_allows(&u->start_limit, interval, burst);
    if (u->start_limit_hit)
        unit_log(u, LOG_WARNING, "Start request repeated too quickly.");
    return !u->start_limit_hit;
}

struct unit *unit_triggered(const struct unit *u) {
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_TRIGGERS))
        return e->other;
    return NULL;
}

int unit_check_triggered(const struct unit *u) {
    const struct unit *target = unit_triggered(u);
    if (!target || target->file->state == LOAD_LOADED)
        return 0;
    unit_log(u, LOG_ERR, "Refusing to start, unit %s to trigger not loaded.", target->id);
    return -ENOENT;
}

bool unit_trigger_limit_allows(const struct unit *u, struct rate_limit *limit) {
    return rate_limit_allows(limit, unit_usec(u->file, D_TriggerLimitIntervalSec), unit_trigger_limit_burst(u->file));
}

int unit_new_invocation(struct unit *u) {
    struct id128 id;
    int r = id128_random(&id);
    if (r < 0)
        return r;
    u->invocation = id;
    /* What this start prints is not the last one's: it gets a stream of its own. */
    unit_close_log(u);
    unit_changed(u);
    return 0;
}

int unit_new_lineage(struct unit *u) {
    if (u->lineage && u->maybe_processes && unit_has_processes(u))
        return 0;
    uint64_t tag = lineage_next(u->manager->lineage);
    if (tag == 0)
        return -ENOSPC;
    return unit_set_lineage(u, tag);
}

bool unit_has_processes(struct unit *u) {
    /* By the tag where there is one: a main process that is not our child may be gone without our being told. */
    return u->lineage ? lineage_alive(u->manager->lineage, u->lineage)
                      : unit_main_pid(u) > 0 || unit_control_pid(u) > 0;
}

/* --- start, stop, reload: called by jobs -------------------------------------------------------------------------- */
/* BindsTo= together with After=: must be there before we may. */
static bool bound_units_active(struct unit *u) {
    uint32_t both = DEP_BIT(DEP_BINDS_TO) | DEP_BIT(DEP_AFTER);
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_BINDS_TO))
        if ((e->kinds & both) == both && !active_or_reloading(unit_active_state(e->other))) {
            unit_log(u, LOG_NOTICE, "Bound to unit %s, but unit isn't active.", e->other->id);
            return false;
        }
    return true;
}

static int check_start_limit(struct unit *u) {
    if (!u->ops->start_limit_reached || start_limit_allows(u))
        return 0;
    u->ops->start_limit_reached(u);
    manager_action(u->manager, (enum action)unit_number(u->file, D_StartLimitAction),
                   unit_exit_status(u, D_FailureActionExitStatus), "unit start limit hit");
    return -ECANCELED;
}

int unit_start(struct unit *u) {
    enum active_state state = unit_active_state(u);
    if (active_or_reloading(state))
        return -EALREADY;
    if (state == ACTIVE_MAINTENANCE)
        return -EAGAIN;
    if (u->file->state != LOAD_LOADED)
        return -EINVAL;
    if (u->ops->once_only && u->inactive_exit.monotonic > 0)
        return -ESTALE;
    int r = slices_have_room(u, false);
    if (r < 0)
        return r;
    bool begins = state != ACTIVE_ACTIVATING;
    if (begins && !test_conditions(u))
        return -ECOMM;
    if (begins && !test_asserts(u)) {
        unit_log(u, LOG_NOTICE, "Starting requested but asserts failed.");
        return -EPROTO;
    }
    if (!bound_units_active(u))
        return -ENOLINK;
    if (!u->ops->start)
        return -EBADR;
    /* Last: what was prevented until here was no start, and does not count as one. A second one on the way up does. */
    r = check_start_limit(u);
    if (r < 0)
        return r;
    unit_changed(u);
    u->begun = dual_now();
    r = u->ops->start(u);
    u->begun = (struct dual_time){};
    return r;
}

int unit_stop(struct unit *u) {
    if (inactive_or_failed(unit_active_state(u)))
        return -EALREADY;
    if (!u->ops->stop)
        return -EBADR;
    unit_changed(u);
    return u->ops->stop(u);
}

int unit_reload(struct unit *u) {
    if (u->file->state != LOAD_LOADED)
        return -EINVAL;
    if (!unit_can_reload(u))
        return -EBADR;
    enum active_state state = unit_active_state(u);
    if (state == ACTIVE_RELOADING)
        return -EAGAIN;
    if (state != ACTIVE_ACTIVE) {
        unit_log(u, LOG_WARNING, "Unit cannot be reloaded because it is inactive.");
        return -ENOEXEC;
    }
    unit_changed(u);
    if (!u->ops->reload) { /* nothing of its own: propagation was the point */
        unit_notify(u, state, state, 0);
        return 0;
    }
    return u->ops->reload(u);
}

/* --- every change passes here ------------------------------------------------------------------------------------- */
/* What it starts may have said something before this is reached, and no line of a start is older than the start: such
   lines are what `systemctl status` leaves out. */
static void stamp(struct unit *u, enum active_state before, enum active_state after) {
    u->state_change = u->begun.monotonic > 0 ? u->begun : dual_now();
    if (inactive_or_failed(before) && !inactive_or_failed(after))
        u->inactive_exit = u->state_change;
    else if (!inactive_or_failed(before) && inactive_or_failed(after))
        u->inactive_enter = u->state_change;
    if (!active_or_reloading(before) && active_or_reloading(after))
        u->active_enter = u->state_change;
    else if (active_or_reloading(before) && !active_or_reloading(after))
        u->active_exit = u->state_change;
}

/* What the new state means for the unit's running job. True: nobody had asked for this change. */
static bool settle_job(struct job *j, enum active_state after, enum notify_flags flags) {
    bool ended = inactive_or_failed(after);
    enum job_result end = after == ACTIVE_FAILED ? JOB_FAILED : JOB_DONE;
    if (j->state == JOB_WAITING)
        job_queue_run(j); /* perhaps it can run now */
    switch (j->type) {
    case JOB_START:
    case JOB_VERIFY_ACTIVE:
        if (active_or_reloading(after)) {
            job_finish(j, JOB_DONE, true, false);
            return false;
        }
        if (j->state == JOB_RUNNING && after != ACTIVE_ACTIVATING) {
            if (ended)
                job_finish(j, end, true, false);
            return true;
        }
        return false;
    case JOB_RELOAD:
        if (j->state != JOB_RUNNING)
            return false;
        if (after == ACTIVE_ACTIVE)
            job_finish(j, flags & NOTIFY_RELOAD_FAILED ? JOB_FAILED : JOB_DONE, true, false);
        else if (after != ACTIVE_ACTIVATING && after != ACTIVE_RELOADING) {
            if (ended)
                job_finish(j, end, true, false);
            return true;
        }
        return false;
    case JOB_STOP:
    case JOB_RESTART:
        if (ended)
            job_finish(j, JOB_DONE, true, false);
        else if (j->state == JOB_RUNNING && after != ACTIVE_DEACTIVATING) {
            job_finish(j, JOB_FAILED, true, false);
            return true;
        }
        return false;
    default:
        return false;
    }
}

/* A job for every unit on an edge of `kinds` that is not there already; a refusal is only logged. */
static void propagate(struct unit *u, uint32_t kinds, bool skip_after, enum job_type type, enum job_mode mode) {
    UNIT_FOREACH_EDGE(e, u, kinds) {
        enum active_state state = unit_active_state(e->other);
        if (skip_after && e->kinds & DEP_BIT(DEP_AFTER))
            continue;
        if (type == JOB_START ? active_or_activating(state) : inactive_or_deactivating(state))
            continue;
        struct error error;
        if (manager_add_job(u->manager, type, e->other, mode, &error, NULL) < 0)
            unit_log(e->other, LOG_DEBUG, "No %s job for it: %s", job_type_to_string(type), error.message);
    }
}

static void start_retroactively(struct unit *u) {
    propagate(u, DEP_BIT(DEP_REQUIRES) | DEP_BIT(DEP_BINDS_TO) | DEP_BIT(DEP_UPHOLDS), true, JOB_START, JOB_REPLACE);
    propagate(u, DEP_BIT(DEP_WANTS), true, JOB_START, JOB_FAIL);
    propagate(u, DEP_BIT(DEP_CONFLICTS) | DEP_BIT(DEP_CONFLICTED_BY), false, JOB_STOP, JOB_REPLACE);
}

static void start_consequences(struct unit *u, enum dependency_kind kind, enum directive mode_directive) {
    bool any = false;
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(kind))
        any = true;
    if (!any)
        return;
    enum job_mode mode = (enum job_mode)unit_number(u->file, mode_directive);
    unit_log(u, LOG_INFO, "Triggering %s= dependencies.", dependency_kind_to_string(kind));
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(kind)) {
        struct error error;
        if (manager_add_job(u->manager, JOB_START, e->other, mode, &error, NULL) < 0)
            unit_log(u, LOG_WARNING, "Failed to enqueue %s= job, ignoring: %s", dependency_kind_to_string(kind),
                     error.message);
    }
}

void unit_start_on_failure(struct unit *u) {
    start_consequences(u, DEP_ON_FAILURE, D_OnFailureJobMode);
}

void unit_trigger_notify(struct unit *u) {
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_TRIGGERED_BY))
        if (e->other->ops->trigger_notify)
            e->other->ops->trigger_notify(e->other, u);
}

static void queue_neighbours(struct unit *u) {
    queue_add(u, QUEUE_STOP_UNNEEDED);
    queue_add(u, QUEUE_UPHELD);
    queue_add(u, QUEUE_BOUND);
    UNIT_FOREACH_EDGE(e, u, UINT32_MAX) {
        if (e->kinds & (DEP_BIT(DEP_REQUIRES) | DEP_BIT(DEP_REQUISITE) | DEP_BIT(DEP_WANTS) | DEP_BIT(DEP_BINDS_TO) |
                        DEP_BIT(DEP_UPHOLDS)) &&
            unit_bool(e->other->file, D_StopWhenUnneeded))
            queue_add(e->other, QUEUE_STOP_UNNEEDED);
        if (e->kinds & DEP_BIT(DEP_UPHOLDS))
            queue_add(e->other, QUEUE_UPHELD);
        if (e->kinds & DEP_BIT(DEP_BOUND_BY))
            queue_add(e->other, QUEUE_BOUND);
    }
}

int unit_exit_status(const struct unit *u, enum directive directive) {
    if (unit_setting_written(u->file, directive))
        return (int)unit_number(u->file, directive);
    return u->ops->exit_status ? u->ops->exit_status(u) : -1;
}

static void take_action(struct unit *u, enum directive action, enum directive status, const char *reason) {
    if (!unit_setting_written(u->file, action))
        return;
    manager_action(u->manager, (enum action)unit_number(u->file, action), unit_exit_status(u, status), reason);
}

void unit_notify(struct unit *u, enum active_state before, enum active_state after, enum notify_flags flags) {
    struct manager *m = u->manager;
    unit_changed(u);
    if (after == ACTIVE_FAILED && before != ACTIVE_FAILED)
        m->n_failed++;
    else if (after != ACTIVE_FAILED && before == ACTIVE_FAILED && m->n_failed > 0)
        m->n_failed--;
    if (m->p->reloading)
        return;
    stamp(u, before, after);
    if (inactive_or_failed(after) && !inactive_or_failed(before))
        u->marks = 0;
    else if (before == ACTIVE_RELOADING && after == ACTIVE_ACTIVE)
        u->marks &= ~MARK_NEEDS_RELOAD;
    purpose_look(m, u);

    bool unexpected = u->job ? settle_job(u->job, after, flags) : true;
    if (unexpected && inactive_or_failed(before) && active_or_activating(after))
        start_retroactively(u);
    else if (unexpected && active_or_activating(before) && inactive_or_deactivating(after))
        propagate(u, DEP_BIT(DEP_BOUND_BY) | DEP_BIT(DEP_PROPAGATES_STOP_TO), false, JOB_STOP, JOB_REPLACE);

    if (after == ACTIVE_FAILED && before != ACTIVE_FAILED && !(flags & NOTIFY_WILL_RESTART))
        unit_start_on_failure(u);
    if (after == ACTIVE_INACTIVE && !inactive_or_failed(before) && !(flags & NOTIFY_WILL_RESTART))
        start_consequences(u, DEP_ON_SUCCESS, D_OnSuccessJobMode);

    unit_trigger_notify(u);
    queue_neighbours(u);

    if (flags & NOTIFY_WILL_RESTART)
        ; /* this is not its end */
    else if (after == ACTIVE_FAILED && before != ACTIVE_FAILED)
        take_action(u, D_FailureAction, D_FailureActionExitStatus, "unit failed");
    else if (after == ACTIVE_INACTIVE && !inactive_or_failed(before))
        take_action(u, D_SuccessAction, D_SuccessActionExitStatus, "unit succeeded");
    if (inactive_or_failed(after)) {
        slices_got_room(u);
        gc_consider(u);
    }
}

void unit_changed(struct unit *u) {
    if (!u->manager->observers)
        return;
    u->changed = true;
    queue_add(u, QUEUE_CHANGED);
}

void unit_reset_failed(struct unit *u) {
    u->start_limit_hit = false;
    u->start_limit = (struct rate_limit){};
    if (u->ops->reset_failed)
        u->ops->reset_failed(u);
    unit_changed(u);
}
