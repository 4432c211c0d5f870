/* SPDX-License-Identifier: Apache-2.0 */
/* Entering the states of a service: what is begun, armed and told on the way. Which event leads to which state is
 * said in service_states.c; the end and Restart= are in service_end.c. */
#include "base/id128.h"
#include "engine/service_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* --- timers ------------------------------------------------------------------------------------------------------- */
static void timer_elapsed(struct timer *timer, void *userdata) {
    service_event(userdata, EV_TIMEOUT, SERVICE_SUCCESS);
}

void service_arm_timer(struct service *s, usec_t after) {
    s->timer.clock = CLOCK_MONOTONIC;
    s->timer.handler = timer_elapsed;
    s->timer.userdata = s;
    usec_t when = after == USEC_INFINITY ? USEC_INFINITY : usec_add(now(CLOCK_MONOTONIC), after);
    timer_set(s->unit.manager->loop, &s->timer, when);
}

static void watchdog_elapsed(struct timer *timer, void *userdata) {
    service_event(userdata, EV_WATCHDOG, SERVICE_SUCCESS);
}

static bool is_supervised(const struct service *s) {
    return s->state == SERVICE_START || s->state == SERVICE_START_POST || s->state == SERVICE_RUNNING ||
           s->state == SERVICE_RELOAD || s->state == SERVICE_RELOAD_SIGNAL || s->state == SERVICE_RELOAD_NOTIFY;
}

void service_reset_watchdog(struct service *s) {
    s->watchdog_time = dual_now();
    s->watchdog_until = 0;
    service_arm_watchdog(s);
}

void service_arm_watchdog(struct service *s) {
    usec_t limit = s->watchdog_usec ? s->watchdog_usec : unit_usec(s->unit.file, D_WatchdogSec);
    if (!is_supervised(s) || limit == 0 || limit == USEC_INFINITY || s->watchdog_time.monotonic == 0) {
        if (s->watchdog_timer)
            timer_stop(s->watchdog_timer);
        return;
    }
    if (!s->watchdog_timer && !(s->watchdog_timer = calloc(1, sizeof(*s->watchdog_timer)))) {
        unit_log(&s->unit, LOG_ERR, "No memory for a timer: the watchdog does not watch.");
        return;
    }
    s->watchdog_timer->clock = CLOCK_MONOTONIC;
    s->watchdog_timer->handler = watchdog_elapsed;
    s->watchdog_timer->userdata = s;
    usec_t when = usec_add(s->watchdog_time.monotonic, limit);
    timer_set(s->unit.manager->loop, s->watchdog_timer, MAX(when, s->watchdog_until));
}

/* --- states ------------------------------------------------------------------------------------------------------- */
static const enum active_state active_states[SERVICE_STATES] = {
    [SERVICE_DEAD] = ACTIVE_INACTIVE,
    [SERVICE_CONDITION] = ACTIVE_ACTIVATING,
    [SERVICE_START_PRE] = ACTIVE_ACTIVATING,
    [SERVICE_START] = ACTIVE_ACTIVATING,
    [SERVICE_START_POST] = ACTIVE_ACTIVATING,
    [SERVICE_RUNNING] = ACTIVE_ACTIVE,
    [SERVICE_EXITED] = ACTIVE_ACTIVE,
    [SERVICE_RELOAD] = ACTIVE_RELOADING,
    [SERVICE_RELOAD_SIGNAL] = ACTIVE_RELOADING,
    [SERVICE_RELOAD_NOTIFY] = ACTIVE_RELOADING,
    [SERVICE_STOP] = ACTIVE_DEACTIVATING,
    [SERVICE_STOP_WATCHDOG] = ACTIVE_DEACTIVATING,
    [SERVICE_STOP_SIGTERM] = ACTIVE_DEACTIVATING,
    [SERVICE_STOP_SIGKILL] = ACTIVE_DEACTIVATING,
    [SERVICE_STOP_POST] = ACTIVE_DEACTIVATING,
    [SERVICE_FINAL_WATCHDOG] = ACTIVE_DEACTIVATING,
    [SERVICE_FINAL_SIGTERM] = ACTIVE_DEACTIVATING,
    [SERVICE_FINAL_SIGKILL] = ACTIVE_DEACTIVATING,
    [SERVICE_FAILED] = ACTIVE_FAILED,
    [SERVICE_DEAD_BEFORE_AUTO_RESTART] = ACTIVE_INACTIVE,
    [SERVICE_FAILED_BEFORE_AUTO_RESTART] = ACTIVE_FAILED,
    [SERVICE_AUTO_RESTART] = ACTIVE_ACTIVATING,
    [SERVICE_AUTO_RESTART_QUEUED] = ACTIVE_ACTIVATING,
    [SERVICE_CLEANING] = ACTIVE_MAINTENANCE,
};

enum active_state service_state_active(const struct service *s, enum service_state state) {
    /* Type=idle counts as active as soon as it is asked for, so that it does not hold up what it waits for. */
    if (service_type(s) == SERVICE_TYPE_IDLE && (state == SERVICE_CONDITION || state == SERVICE_START_PRE ||
                                                 state == SERVICE_START || state == SERVICE_START_POST))
        return ACTIVE_ACTIVE;
    return active_states[state];
}

/* States in which the timer means something, a control process runs, a main process may. */
enum state_has { HAS_TIMER = 1, HAS_CONTROL = 2, HAS_MAIN = 4 };
static const unsigned char state_has[SERVICE_STATES] = {
    [SERVICE_CONDITION] = HAS_TIMER | HAS_CONTROL,
    [SERVICE_START_PRE] = HAS_TIMER | HAS_CONTROL,
    [SERVICE_START] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_START_POST] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_RUNNING] = HAS_TIMER | HAS_MAIN,
    [SERVICE_RELOAD] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_RELOAD_SIGNAL] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_RELOAD_NOTIFY] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_STOP] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_STOP_WATCHDOG] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_STOP_SIGTERM] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_STOP_SIGKILL] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_STOP_POST] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_FINAL_WATCHDOG] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_FINAL_SIGTERM] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_FINAL_SIGKILL] = HAS_TIMER | HAS_CONTROL | HAS_MAIN,
    [SERVICE_AUTO_RESTART] = HAS_TIMER,
};

void service_set_state(struct service *s, enum service_state state) {
    struct unit *u = &s->unit;
    enum service_state before = s->state;
    s->state = state;
    if (!(state_has[state] & HAS_TIMER))
        timer_stop(&s->timer);
    if (!(state_has[state] & HAS_CONTROL))
        service_forget_control_pid(s);
    if (!(state_has[state] & HAS_MAIN))
        service_forget_main_pid(s);
    if (state != SERVICE_START && state != SERVICE_START_POST)
        service_unwatch_pid_file(s);
    if (!is_supervised(s))
        s->watchdog_time = (struct dual_time){};
    service_arm_watchdog(s);
    if (before == state && state != SERVICE_DEAD) /* skipped until the limit of starts is reached: no failure either */
        return;
    unit_log(u, LOG_DEBUG, "Changed %s -> %s", service_state_to_string(before), service_state_to_string(state));
    unit_notify(u, service_state_active(s, before), service_state_active(s, state),
                (s->reload_result == SERVICE_SUCCESS ? 0 : NOTIFY_RELOAD_FAILED) |
                    (s->will_auto_restart ? NOTIFY_WILL_RESTART : 0));
}

void service_remember_result(struct service *s, enum service_result result) {
    if (s->result == SERVICE_SUCCESS)
        s->result = result;
}

void service_enter_condition(struct service *s) {
    int r = service_run_control(s, SERVICE_EXEC_CONDITION, 0, service_timeout_start(s));
    if (r < 0)
        service_enter_dead(s, SERVICE_FAILURE_RESOURCES, true);
    else if (r == 0)
        service_enter_start_pre(s);
    else
        service_set_state(s, SERVICE_CONDITION);
}

void service_enter_start_pre(struct service *s) {
    int r = service_run_control(s, SERVICE_EXEC_START_PRE, 0, service_timeout_start(s));
    if (r < 0)
        service_enter_dead(s, SERVICE_FAILURE_RESOURCES, true);
    else if (r == 0)
        service_enter_start(s);
    else
        service_set_state(s, SERVICE_START_PRE);
}

/* Processes that an earlier stop left alone: KillMode=process, or another user's without CAP_KILL. */
static void warn_leftovers(struct service *s) {
    struct unit *u = &s->unit;
    if (!u->maybe_processes || !u->lineage || !lineage_alive(u->manager->lineage, u->lineage))
        return;
    _cleanup_free_ pid_t *pids = NULL;
    size_t n;
    if (unit_processes(u, &pids, &n) >= 0)
        for (size_t i = 0; i < n; i++)
            unit_log(u, LOG_WARNING,
                     "Found left-over process %d while starting unit. Ignoring. This usually indicates unclean "
                     "termination of a previous run, or service implementation deficiencies.", pids[i]);
}

void service_enter_start(struct service *s) {
    enum service_type type = service_type(s);
    service_forget_control_pid(s);
    service_forget_main_pid(s);
    warn_leftovers(s);
    if (!unit_commands(s->unit.file, D_ExecStart)) {
        /* A service that only has ExecStop= or SuccessAction=: it is seen to start all the same. */
        service_set_state(s, SERVICE_START);
        service_enter_start_post(s);
        return;
    }
    bool waits = type != SERVICE_TYPE_SIMPLE && type != SERVICE_TYPE_IDLE;
    usec_t timeout = waits ? service_timeout_start(s) : USEC_INFINITY;
    int r = type == SERVICE_TYPE_FORKING ? service_run_control(s, SERVICE_EXEC_START, 0, timeout)
                                         : service_run_main(s, 0, timeout);
    if (r < 0) {
        service_enter_signal(s, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_RESOURCES);
        return;
    }
    if (!waits) {
        service_enter_start_post(s);
        return;
    }
    bool executed = type == SERVICE_TYPE_EXEC && r == 1 + SPAWN_EXECUTED;
    service_set_state(s, SERVICE_START);
    if (executed)
        service_event(s, EV_EXECUTED, SERVICE_SUCCESS);
    else if (type == SERVICE_TYPE_DBUS)
        service_watch_bus_name(s);
}

void service_enter_start_post(struct service *s) {
    if (unit_usec(s->unit.file, D_WatchdogSec) > 0 || s->watchdog_usec)
        service_reset_watchdog(s);
    int r = service_run_control(s, SERVICE_EXEC_START_POST, 0, service_timeout_start(s));
    if (r < 0)
        service_enter_stop(s, SERVICE_FAILURE_RESOURCES);
    else if (r == 0)
        service_enter_running(s, SERVICE_SUCCESS);
    else
        service_set_state(s, SERVICE_START_POST);
}

/* Is there still a reason to call it running? */
static bool service_good(struct service *s) {
    if (service_type(s) == SERVICE_TYPE_DBUS && !s->bus_name_owner)
        return false;
    int main_good = service_main_good(s);
    if (main_good > 0)
        return true;
    if (main_good == 0 && unit_number(s->unit.file, D_ExitType) != EXIT_TYPE_CGROUP)
        return false;
    return s->unit.lineage && lineage_alive(s->unit.manager->lineage, s->unit.lineage);
}

/* RuntimeMaxSec= counts from when the unit became active: a reload does not make it longer. */
static void arm_runtime_max(struct service *s) {
    const struct unit *u = &s->unit;
    usec_t most = unit_usec(u->file, D_RuntimeMaxSec), extra = unit_usec(u->file, D_RuntimeRandomizedExtraSec);
    if (most != USEC_INFINITY)
        most = usec_add(most, random_below(extra));
    usec_t when = usec_add(u->active_enter.monotonic, most);
    service_arm_timer(s, most == USEC_INFINITY ? USEC_INFINITY : usec_sub(when, now(CLOCK_MONOTONIC)));
}

void service_enter_running(struct service *s, enum service_result result) {
    service_forget_control_pid(s);
    service_remember_result(s, result);
    if (service_good(s)) {
        if (s->notify_state == NOTIFY_RELOADING) {
            service_arm_timer(s, service_timeout_start(s));
            service_set_state(s, SERVICE_RELOAD_NOTIFY);
        } else if (s->notify_state == NOTIFY_STOPPING) {
            service_arm_timer(s, service_timeout_stop(s));
            service_set_state(s, SERVICE_STOP_SIGTERM);
        } else {
            service_set_state(s, SERVICE_RUNNING);
            arm_runtime_max(s);
        }
    } else if (s->result != SERVICE_SUCCESS) /* perhaps since a while: the main process, while a helper ran */
        service_enter_signal(s, SERVICE_STOP_SIGTERM, s->result);
    else if (unit_bool(s->unit.file, D_RemainAfterExit))
        service_set_state(s, SERVICE_EXITED);
    else
        service_enter_stop(s, SERVICE_SUCCESS);
}

/* It runs on as before, which is no change of state: the job hears of its end all the same. */
static void reload_failed(struct service *s) {
    enum active_state before = service_state_active(s, s->state);
    s->reload_result = SERVICE_FAILURE_RESOURCES;
    service_enter_running(s, SERVICE_SUCCESS);
    if (before == service_state_active(s, s->state))
        unit_notify(&s->unit, before, before, NOTIFY_RELOAD_FAILED);
}

void service_enter_reload(struct service *s) {
    s->reload_result = SERVICE_SUCCESS;
    service_forget_control_pid(s);
    bool signals = service_type(s) == SERVICE_TYPE_NOTIFY_RELOAD && s->main_pid > 0;
    s->reload_begin = now(CLOCK_MONOTONIC);
    if (signals && kill(s->main_pid, (int)unit_number(s->unit.file, D_ReloadSignal)) < 0) {
        unit_log(&s->unit, LOG_WARNING, "Failed to send the reload signal: %s", strerror(errno));
        reload_failed(s);
        return;
    }
    int r = service_run_control(s, SERVICE_EXEC_RELOAD, 0, service_timeout_start(s));
    if (r < 0)
        reload_failed(s);
    else if (r > 0)
        service_set_state(s, signals ? SERVICE_RELOAD_SIGNAL : SERVICE_RELOAD);
    else if (signals) {
        service_arm_timer(s, service_timeout_start(s));
        service_set_state(s, SERVICE_RELOAD_SIGNAL);
    } else
        service_enter_running(s, SERVICE_SUCCESS);
}

void service_enter_stop(struct service *s, enum service_result result) {
    service_remember_result(s, result);
    service_forget_control_pid(s);
    int r = service_run_control(s, SERVICE_EXEC_STOP, 0, service_timeout_stop(s));
    if (r < 0)
        service_enter_signal(s, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_RESOURCES);
    else if (r == 0)
        service_enter_signal(s, SERVICE_STOP_SIGTERM, SERVICE_SUCCESS);
    else
        service_set_state(s, SERVICE_STOP);
}

static enum kill_operation operation_of(struct service *s, enum service_state state) {
    switch (state) {
    case SERVICE_STOP_WATCHDOG:
    case SERVICE_FINAL_WATCHDOG:
        return KILL_WATCHDOG;
    case SERVICE_STOP_SIGTERM:
        return s->unit.job && s->unit.job->type == JOB_RESTART ? KILL_RESTART : KILL_TERMINATE;
    case SERVICE_STOP_SIGKILL:
    case SERVICE_FINAL_SIGKILL:
        return KILL_KILL;
    default:
        return KILL_TERMINATE;
    }
}

void service_enter_signal(struct service *s, enum service_state state, enum service_result result) {
    service_remember_result(s, result);
    enum kill_operation operation = operation_of(s, state);
    int r = unit_kill_context(&s->unit, operation, s->main_pid, s->control_pid, s->main_pid_alien);
    if (r > 0) {
        service_arm_timer(s, operation == KILL_WATCHDOG ? service_timeout_abort(s) : service_timeout_stop(s));
        service_set_state(s, state);
        return;
    }
    /* Nobody to wait for: the next step at once. With KillMode=mixed only SIGKILL reaches the other processes. */
    bool final = state == SERVICE_FINAL_WATCHDOG || state == SERVICE_FINAL_SIGTERM || state == SERVICE_FINAL_SIGKILL;
    if (operation != KILL_KILL && service_sends_sigkill(s))
        service_enter_signal(s, final ? SERVICE_FINAL_SIGKILL : SERVICE_STOP_SIGKILL, SERVICE_SUCCESS);
    else if (final)
        service_enter_dead(s, SERVICE_SUCCESS, true);
    else
        service_enter_stop_post(s, SERVICE_SUCCESS);
}

void service_enter_stop_post(struct service *s, enum service_result result) {
    service_remember_result(s, result);
    service_forget_control_pid(s);
    int r = service_run_control(s, SERVICE_EXEC_STOP_POST, 0, service_timeout_stop(s));
    if (r < 0)
        service_enter_signal(s, SERVICE_FINAL_SIGTERM, SERVICE_FAILURE_RESOURCES);
    else if (r == 0)
        service_enter_signal(s, SERVICE_FINAL_SIGTERM, SERVICE_SUCCESS);
    else
        service_set_state(s, SERVICE_STOP_POST);
}
