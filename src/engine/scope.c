/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes. Their processes are not our children at first, so each one handed over is watched by its pidfd, and
 * gets the tag, which makes all that it starts later ours to find. systemd.scope(5). */
#include "engine/scope.h"
#include "engine/lineage.h"
#include "engine/queue.h"
#include "engine/reap.h"
#include "engine/serialize.h"
#include "engine/types.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct scope_process {
    pid_t pid;
    struct stranger *watch; /* NULL: not watched yet, or pidfds are missing */
    struct unit *unit;
    struct scope_process *next;
};

static const struct {
    const char *name;
    enum active_state active;
} states[SCOPE_STATES] = {
    [SCOPE_DEAD] = { "dead", ACTIVE_INACTIVE },
    [SCOPE_START_CHOWN] = { "start-chown", ACTIVE_ACTIVATING },
    [SCOPE_RUNNING] = { "running", ACTIVE_ACTIVE },
    [SCOPE_ABANDONED] = { "abandoned", ACTIVE_ACTIVE },
    [SCOPE_STOP_SIGTERM] = { "stop-sigterm", ACTIVE_DEACTIVATING },
    [SCOPE_STOP_SIGKILL] = { "stop-sigkill", ACTIVE_DEACTIVATING },
    [SCOPE_FAILED] = { "failed", ACTIVE_FAILED },
};

static const char *const results[SCOPE_RESULTS] = { "success", "resources", "timeout" };

const char *scope_state_to_string(enum scope_state state) {
    return state >= 0 && state < SCOPE_STATES ? states[state].name : NULL;
}

const char *scope_result_to_string(enum scope_result result) {
    return result >= 0 && result < SCOPE_RESULTS ? results[result] : NULL;
}

static const char init_scope[] = "init.scope";

/* --- processes handed over ----------------------------------------------------------------------------- */

static void forget_process(struct scope_process *p) {
    for (struct scope_process **at = &SCOPE(p->unit)->processes; *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            break;
        }
    stranger_forget(p->watch);
    free(p);
}

static void process_ended(void *process) {
    forget_process(process);
}

static struct scope_process *add_process(struct unit *u, pid_t pid) {
    struct scope_process *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    *p = (struct scope_process){ .pid = pid, .unit = u, .next = SCOPE(u)->processes };
    SCOPE(u)->processes = p;
    return p;
}

/* Tags and watches one. -ESRCH: it is gone. */
static int take_process(struct scope_process *p) {
    struct unit *u = p->unit;
    int r = lineage_attach(u->manager->lineage, p->pid, u->lineage);
    if (r == -ESRCH)
        return r;
    if (r < 0)
        unit_log(u, LOG_NOTICE, "Process %d cannot be tagged: %s. What it starts may not be found again.",
                 p->pid, strerror(-r));
    if (stranger_watch(u, p->pid, process_ended, p, &p->watch) == -ESRCH)
        return -ESRCH;
    u->maybe_processes = true;
    return 0;
}

static unsigned take_processes(struct unit *u) {
    unsigned n = 0;
    for (struct scope_process *p = SCOPE(u)->processes, *next; p; p = next) {
        next = p->next;
        if (p->watch || take_process(p) >= 0)
            n++;
        else
            forget_process(p);
    }
    return n;
}

int unit_attach_processes(struct unit *u, const pid_t *pids, size_t n, struct error *error) {
    struct scope *s = u->ops->type == UNIT_SCOPE && !u->perpetual ? SCOPE(u) : NULL;
    bool running = active_or_reloading(unit_active_state(u));
    if (!s && (!running || !u->lineage))
        return error_set(error, ERROR_INVALID_ARGUMENT, "Unit %s does not take processes.", u->id);
    for (size_t i = 0; i < n; i++) {
        if (pids[i] <= 1 || pids[i] == getpid())
            return error_set(error, ERROR_INVALID_ARGUMENT, "Process %d cannot be attached to a unit.",
                             (int)pids[i]);
        if (!s) {
            if (lineage_attach(u->manager->lineage, pids[i], u->lineage) == -ESRCH)
                return error_set(error, ERROR_NO_SUCH_PROCESS, "Process with ID %d does not exist.",
                                 (int)pids[i]);
            u->maybe_processes = true;
        } else if (!add_process(u, pids[i]))
            return error_set(error, ERROR_NO_MEMORY, "No memory to attach a process to %s.", u->id);
    }
    /* A scope that does not run yet takes its processes when it starts. */
    if (s && running)
        take_processes(u);
    return 0;
}

/* --- states -------------------------------------------------------------------------------------------- */

static enum active_state scope_active_state(const struct unit *u) {
    return states[SCOPE(u)->state].active;
}

static const char *scope_sub_state(const struct unit *u) {
    return states[SCOPE(u)->state].name;
}

static usec_t stop_timeout(const struct unit *u) {
    return unit_setting_written(u->file, D_TimeoutStopSec) ? unit_usec(u->file, D_TimeoutStopSec)
                                                           : u->manager->default_timeout_stop;
}

static void arm_timer(struct unit *u, usec_t since, usec_t timeout) {
    timer_set(u->manager->loop, &SCOPE(u)->timer, usec_add(since, timeout));
}

static void enter(struct unit *u, enum scope_state state) {
    struct scope *s = SCOPE(u);
    enum active_state before = scope_active_state(u);
    if (s->state != state)
        unit_log(u, LOG_DEBUG, "Changed %s -> %s", states[s->state].name, states[state].name);
    s->state = state;
    if (state == SCOPE_DEAD || state == SCOPE_FAILED || state == SCOPE_ABANDONED)
        timer_stop(&s->timer);
    unit_notify(u, before, scope_active_state(u), 0);
}

static void enter_dead(struct unit *u) {
    enum scope_result result = SCOPE(u)->result;
    unit_log_end(u, result == SCOPE_SUCCESS ? NULL : results[result]);
    while (SCOPE(u)->processes)
        forget_process(SCOPE(u)->processes);
    unit_set_lineage(u, 0);
    enter(u, result == SCOPE_SUCCESS ? SCOPE_DEAD : SCOPE_FAILED);
}

static void enter_stop(struct unit *u, enum scope_state state) {
    int r = unit_kill_context(u, state == SCOPE_STOP_SIGKILL ? KILL_KILL : KILL_TERMINATE, 0, 0, false);
    if (r < 0) {
        unit_log(u, LOG_WARNING, "Cannot signal the scope's processes: %s", strerror(-r));
        SCOPE(u)->result = SCOPE_FAILURE_RESOURCES;
        enter_dead(u);
    } else if (r > 0) {
        arm_timer(u, now(CLOCK_MONOTONIC), stop_timeout(u));
        enter(u, state);
    } else if (state == SCOPE_STOP_SIGTERM && unit_bool(u->file, D_SendSIGKILL) &&
               lineage_alive(u->manager->lineage, u->lineage))
        enter_stop(u, SCOPE_STOP_SIGKILL);
    else
        enter_dead(u);
}

static void on_timer(struct timer *timer, void *userdata) {
    struct unit *u = userdata;
    struct scope *s = SCOPE(u);
    switch (s->state) {
    case SCOPE_RUNNING:
        unit_log(u, LOG_WARNING, "Scope reached runtime time limit. Stopping.");
        s->result = SCOPE_FAILURE_TIMEOUT;
        enter_stop(u, SCOPE_STOP_SIGTERM);
        break;
    case SCOPE_STOP_SIGTERM:
        s->result = s->result == SCOPE_SUCCESS ? SCOPE_FAILURE_TIMEOUT : s->result;
        unit_log(u, LOG_WARNING, "Stopping timed out. %s",
                 unit_bool(u->file, D_SendSIGKILL) ? "Killing." : "Skipping SIGKILL.");
        if (unit_bool(u->file, D_SendSIGKILL))
            enter_stop(u, SCOPE_STOP_SIGKILL);
        else
            enter_dead(u);
        break;
    case SCOPE_STOP_SIGKILL:
        unit_log(u, LOG_WARNING, "Still around after SIGKILL. Ignoring.");
        enter_dead(u);
        break;
    default:
        break;
    }
}

static int scope_start(struct unit *u) {
    struct scope *s = SCOPE(u);
    if (s->state == SCOPE_FAILED || u->perpetual)
        return -EPERM;
    if (s->state != SCOPE_DEAD)
        return 0;
    int r = unit_new_invocation(u);
    if (r >= 0)
        r = unit_new_lineage(u);
    if (r < 0)
        return r;
    s->result = SCOPE_SUCCESS;
    if (take_processes(u) == 0) {
        unit_log(u, LOG_WARNING, "None of the scope's processes exists.");
        s->result = SCOPE_FAILURE_RESOURCES;
        enter_dead(u);
        return -ECHILD;
    }
    s->running_since = now(CLOCK_MONOTONIC);
    arm_timer(u, s->running_since, unit_usec(u->file, D_RuntimeMaxSec));
    enter(u, SCOPE_RUNNING);
    return 0;
}

static int scope_stop(struct unit *u) {
    struct scope *s = SCOPE(u);
    if (s->state == SCOPE_STOP_SIGTERM || s->state == SCOPE_STOP_SIGKILL)
        return 0;
    enter_stop(u, SCOPE_STOP_SIGTERM);
    return 0;
}

int scope_abandon(struct unit *u) {
    struct scope *s = SCOPE(u);
    if (u->perpetual || (s->state != SCOPE_RUNNING && s->state != SCOPE_ABANDONED))
        return -ESTALE;
    enter(u, SCOPE_ABANDONED);
    return 0;
}

static void scope_processes_gone(struct unit *u) {
    enum scope_state state = SCOPE(u)->state;
    if (!u->perpetual && state != SCOPE_DEAD && state != SCOPE_FAILED)
        enter_dead(u);
}

static void scope_reset_failed(struct unit *u) {
    SCOPE(u)->result = SCOPE_SUCCESS;
    if (SCOPE(u)->state == SCOPE_FAILED)
        enter(u, SCOPE_DEAD);
}

/* --- making, loading, keeping -------------------------------------------------------------------------- */

static void scope_init(struct unit *u) {
    struct scope *s = SCOPE(u);
    s->timer =
        (struct timer){ .when = USEC_INFINITY, .clock = CLOCK_MONOTONIC, .handler = on_timer, .userdata = u };
    if (strcmp(u->id, init_scope) == 0) {
        u->perpetual = true;
        s->state = SCOPE_RUNNING;
        unit_needs_no_files(u);
    }
}

static void scope_done(struct unit *u) {
    timer_stop(&SCOPE(u)->timer);
    while (SCOPE(u)->processes)
        forget_process(SCOPE(u)->processes);
}

static int scope_load(struct unit *u) {
    if (u->perpetual || !unit_bool(u->file, D_DefaultDependencies))
        return 0;
    return unit_add_two_dependencies_by_name(u, DEP_BEFORE, DEP_CONFLICTS, "shutdown.target");
}

static int scope_coldplug(struct unit *u) {
    struct scope *s = SCOPE(u);
    usec_t t = now(CLOCK_MONOTONIC);
    if (u->perpetual || s->state == SCOPE_DEAD || s->state == SCOPE_FAILED)
        return 0;
    take_processes(u);
    u->maybe_processes = true;
    queue_add(u, QUEUE_EMPTY);
    if (s->state == SCOPE_RUNNING)
        arm_timer(u, s->running_since, unit_usec(u->file, D_RuntimeMaxSec));
    else if (s->state != SCOPE_ABANDONED)
        arm_timer(u, t, stop_timeout(u));
    return 0;
}

static int scope_serialize(const struct unit *u, struct text *out) {
    const struct scope *s = SCOPE(u);
    if (u->perpetual)
        return 0;
    put_string(out, "state", states[s->state].name);
    put_string(out, "result", results[s->result]);
    put_number(out, "running-since", (int64_t)s->running_since);
    for (const struct scope_process *p = s->processes; p; p = p->next)
        put_number(out, "pid", p->pid);
    return 0;
}

static int scope_deserialize(struct unit *u, const char *name, const char *value) {
    struct scope *s = SCOPE(u);
    if (strcmp(name, "state") == 0) {
        for (enum scope_state i = 0; i < SCOPE_STATES; i++)
            if (strcmp(value, states[i].name) == 0)
                s->state = i;
    } else if (strcmp(name, "result") == 0) {
        for (enum scope_result i = 0; i < SCOPE_RESULTS; i++)
            if (strcmp(value, results[i]) == 0)
                s->result = i;
    } else if (strcmp(name, "running-since") == 0)
        s->running_since = (usec_t)get_number(value);
    else if (strcmp(name, "pid") == 0)
        return add_process(u, (pid_t)get_number(value)) ? 1 : -ENOMEM;
    else
        return 0;
    return 1;
}

const struct unit_ops scope_ops = {
    .type = UNIT_SCOPE,
    .size = sizeof(struct scope),
    .can_start = true,
    .once_only = true,
    .init = scope_init,
    .done = scope_done,
    .load = scope_load,
    .coldplug = scope_coldplug,
    .start = scope_start,
    .stop = scope_stop,
    .active_state = scope_active_state,
    .sub_state = scope_sub_state,
    .reset_failed = scope_reset_failed,
    .processes_gone = scope_processes_gone,
    .serialize = scope_serialize,
    .deserialize = scope_deserialize,
};
