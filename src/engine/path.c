/* SPDX-License-Identifier: Apache-2.0 */
/* Path units: their states, and the start of what they are for. systemd.path(5). How a path is watched is in
 * path_watch.c. */
#include "engine/path.h"
#include "base/path.h"
#include "engine/serialize.h"
#include "engine/types.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    enum active_state active;
} states[PATH_STATES] = {
    [PATH_DEAD] = { "dead", ACTIVE_INACTIVE },
    [PATH_WAITING] = { "waiting", ACTIVE_ACTIVE },
    [PATH_RUNNING] = { "running", ACTIVE_ACTIVE },
    [PATH_FAILED] = { "failed", ACTIVE_FAILED },
};

static const char *const results[PATH_RESULTS] = {
    [PATH_SUCCESS] = "success",
    [PATH_FAILURE_RESOURCES] = "resources",
    [PATH_FAILURE_START_LIMIT_HIT] = "start-limit-hit",
    [PATH_FAILURE_UNIT_START_LIMIT_HIT] = "unit-start-limit-hit",
    [PATH_FAILURE_TRIGGER_LIMIT_HIT] = "trigger-limit-hit",
};

const char *path_result_to_string(enum path_result result) {
    return result >= 0 && result < PATH_RESULTS ? results[result] : NULL;
}

static enum active_state path_active_state(const struct unit *u) {
    return states[PATH(u)->state].active;
}

static const char *path_sub_state(const struct unit *u) {
    return states[PATH(u)->state].name;
}

/* --- states ------------------------------------------------------------------------------------------------------- */
static void set_state(struct path_unit *p, enum path_state state) {
    struct unit *u = &p->unit;
    enum active_state before = path_active_state(u);
    if (p->state != state)
        unit_log(u, LOG_DEBUG, "Changed %s -> %s", states[p->state].name, states[state].name);
    p->state = state;
    if (state != PATH_WAITING)
        for (size_t i = 0; i < p->n_watches; i++)
            path_watch_end(&p->watches[i]);
    unit_notify(u, before, path_active_state(u), 0);
}

static void enter_dead(struct path_unit *p, enum path_result result) {
    if (p->result == PATH_SUCCESS)
        p->result = result;
    unit_log_end(&p->unit, p->result == PATH_SUCCESS ? NULL : results[p->result]);
    set_state(p, p->result == PATH_SUCCESS ? PATH_DEAD : PATH_FAILED);
}

/* `path`: the one that led here; NULL: not known. */
static void enter_running(struct path_unit *p, const char *path) {
    struct unit *u = &p->unit, *target = unit_triggered(&p->unit);
    if (u->job && u->job->type == JOB_STOP)
        return;
    if (!unit_trigger_limit_allows(u, &p->trigger_limit)) {
        unit_log(u, LOG_WARNING, "Trigger limit hit, refusing further activation.");
        enter_dead(p, PATH_FAILURE_TRIGGER_LIMIT_HIT);
        return;
    }
    struct error error = { 0 };
    struct job *job = NULL;
    int r = target ? manager_add_job(u->manager, JOB_START, target, JOB_REPLACE, &error, &job)
                   : error_set(&error, ERROR_NO_SUCH_UNIT, "Unit to trigger vanished.");
    if (r < 0) {
        unit_log(u, LOG_WARNING, "Failed to queue unit startup job: %s", error.message);
        enter_dead(p, PATH_FAILURE_RESOURCES);
        return;
    }
    char **details = NULL; /* without memory the service does without */
    r = strv_addf(&details, "TRIGGER_UNIT=%s", u->id);
    if (r >= 0 && path)
        r = strv_addf(&details, "TRIGGER_PATH=%s", path);
    job_set_activation(job, details);
    set_state(p, PATH_RUNNING);
}

/* The line that holds, of several the last, as in systemd; NULL: none. All are looked at: some remember what they
 * saw. */
static const char *path_that_holds(struct path_unit *p, bool initial) {
    const char *path = NULL;
    for (size_t i = 0; i < p->n_watches; i++)
        if (path_watch_holds(&p->watches[i], initial))
            path = p->watches[i].spec->path;
    return path;
}

/* `initial`: that a path is there or not is no change yet. */
static void enter_waiting(struct path_unit *p, bool initial) {
    struct unit *target = unit_triggered(&p->unit);
    if (target && !inactive_or_failed(unit_active_state(target))) {
        set_state(p, PATH_RUNNING);
        return;
    }
    const char *path = path_that_holds(p, initial);
    if (path) {
        enter_running(p, path);
        return;
    }
    for (size_t i = 0; i < p->n_watches; i++) {
        int r = path_watch_begin(&p->watches[i]);
        if (r < 0) {
            unit_log(&p->unit, LOG_WARNING, "Failed to enter waiting state: cannot watch %s: %s%s",
                     p->watches[i].spec->path, strerror(-r),
                     r == -ENOSPC || r == -EMFILE ? " (see /proc/sys/fs/inotify)" : "");
            enter_dead(p, PATH_FAILURE_RESOURCES);
            return;
        }
    }
    /* It may have come between the look and the watch. */
    path = path_that_holds(p, false);
    if (path)
        enter_running(p, path);
    else
        set_state(p, PATH_WAITING);
}

void path_watch_event(struct path_watch *w, bool changed) {
    struct path_unit *p = PATH(w->unit);
    if (p->state != PATH_WAITING)
        return;
    if (changed)
        enter_running(p, w->spec->path);
    else
        enter_waiting(p, false);
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */
static void make_directories(const struct path_unit *p) {
    const struct unit *u = &p->unit;
    if (!unit_bool(u->file, D_MakeDirectory))
        return;
    for (size_t i = 0; i < p->n_watches; i++) {
        const struct path_spec *spec = p->watches[i].spec;
        if (spec->kind == PATH_EXISTS || spec->kind == PATH_EXISTS_GLOB)
            continue;
        int r = mkdir_p(spec->path, (mode_t)unit_number(u->file, D_DirectoryMode));
        if (r < 0)
            unit_log(u, LOG_WARNING, "Failed to create %s: %s", spec->path, strerror(-r));
    }
}

static int path_start(struct unit *u) {
    struct path_unit *p = PATH(u);
    int r = unit_check_triggered(u);
    if (r >= 0)
        r = unit_new_invocation(u);
    if (r < 0)
        return r;
    make_directories(p);
    p->result = PATH_SUCCESS;
    p->trigger_limit = (struct rate_limit){};
    enter_waiting(p, true);
    return 0;
}

static int path_stop(struct unit *u) {
    enter_dead(PATH(u), PATH_SUCCESS);
    return 0;
}

static void start_limit_reached(struct unit *u) {
    enter_dead(PATH(u), PATH_FAILURE_START_LIMIT_HIT);
}

static void reset_failed(struct unit *u) {
    struct path_unit *p = PATH(u);
    p->result = PATH_SUCCESS;
    if (p->state == PATH_FAILED)
        set_state(p, PATH_DEAD);
}

static void trigger_notify(struct unit *u, struct unit *other) {
    struct path_unit *p = PATH(u);
    if (p->state != PATH_RUNNING && p->state != PATH_WAITING)
        return;
    if (other->start_limit_hit) {
        enter_dead(p, PATH_FAILURE_UNIT_START_LIMIT_HIT);
        return;
    }
    if (other->job)
        return; /* not over yet: its end is told, too */
    bool down = inactive_or_failed(unit_active_state(other));
    if (p->state == PATH_RUNNING && down)
        enter_waiting(p, true);
    else if (p->state == PATH_WAITING && !down)
        set_state(p, PATH_RUNNING);
}

/* --- the type ----------------------------------------------------------------------------------------------------- */
static void path_done(struct unit *u) {
    struct path_unit *p = PATH(u);
    for (size_t i = 0; i < p->n_watches; i++)
        path_watch_end(&p->watches[i]);
    free(TAKE(p->watches));
    p->n_watches = 0;
}

/* For what the files say now. What was seen is kept: state is taken up before a unit is loaded. */
static int make_watches(struct path_unit *p, const struct path_spec_list *list) {
    struct path_watch *watches = calloc(list->n, sizeof(*watches));
    if (!watches)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        watches[i] = (struct path_watch){ .unit = &p->unit,
                                          .spec = &list->items[i],
                                          .fd = -1,
                                          .target = -1,
                                          .was_there = i < p->n_watches && p->watches[i].was_there };
    path_done(&p->unit);
    p->watches = watches;
    p->n_watches = list->n;
    return 0;
}

static int add_default_dependencies(struct unit *u) {
    if (!unit_bool(u->file, D_DefaultDependencies))
        return 0;
    int r = unit_add_dependency_by_name(u, DEP_BEFORE, "paths.target");
    if (r >= 0 && u->manager->system)
        r = unit_add_two_dependencies_by_name(u, DEP_AFTER, DEP_REQUIRES, "sysinit.target");
    return r < 0 ? r : unit_add_two_dependencies_by_name(u, DEP_BEFORE, DEP_CONFLICTS, "shutdown.target");
}

static int path_load(struct unit *u) {
    const struct path_spec_list *list = unit_object(u->file, D_Paths);
    if (!list || list->n == 0) {
        unit_log(u, LOG_ERR, "Path unit lacks path setting. Refusing.");
        return -ENOEXEC;
    }
    struct unit *target;
    int r = make_watches(PATH(u), list);
    if (r >= 0)
        r = unit_load_triggered(u, unit_string(u->file, D_PathUnit), &target);
    if (r >= 0)
        r = unit_add_two_dependencies(u, DEP_BEFORE, DEP_TRIGGERS, target);
    return r < 0 ? r : add_default_dependencies(u);
}

static int path_coldplug(struct unit *u) {
    struct path_unit *p = PATH(u);
    /* Whether the path was there is remembered: a change while we were away is one. */
    if (p->state == PATH_WAITING)
        enter_waiting(p, false);
    return 0;
}

static int path_serialize(const struct unit *u, struct text *out) {
    const struct path_unit *p = PATH(u);
    put_string(out, "state", states[p->state].name);
    put_string(out, "result", results[p->result]);
    for (size_t i = 0; i < p->n_watches; i++)
        if (p->watches[i].was_there)
            put_string(out, "was-there", p->watches[i].spec->path);
    return 0;
}

static int path_deserialize(struct unit *u, const char *name, const char *value) {
    struct path_unit *p = PATH(u);
    if (strcmp(name, "state") == 0) {
        for (enum path_state s = 0; s < PATH_STATES; s++)
            if (strcmp(states[s].name, value) == 0)
                p->state = s;
    } else if (strcmp(name, "result") == 0) {
        for (enum path_result r = 0; r < PATH_RESULTS; r++)
            if (strcmp(results[r], value) == 0)
                p->result = r;
    } else if (strcmp(name, "was-there") == 0) {
        const struct path_spec_list *list = unit_object(u->file, D_Paths);
        _cleanup_free_ char *path = get_string(value);
        if (list && p->n_watches == 0 && make_watches(p, list) < 0)
            state_lost();
        for (size_t i = 0; path && i < p->n_watches; i++)
            if (strcmp(p->watches[i].spec->path, path) == 0)
                p->watches[i].was_there = true;
    } else
        return 0;
    return 1;
}

const struct unit_ops path_ops = {
    .type = UNIT_PATH,
    .size = sizeof(struct path_unit),
    .can_start = true,
    .done = path_done,
    .load = path_load,
    .coldplug = path_coldplug,
    .start = path_start,
    .start_limit_reached = start_limit_reached,
    .stop = path_stop,
    .active_state = path_active_state,
    .sub_state = path_sub_state,
    .reset_failed = reset_failed,
    .trigger_notify = trigger_notify,
    .serialize = path_serialize,
    .deserialize = path_deserialize,
};
