/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a service as a table: rows are states, columns are events, a cell is what is done. systemd.service(5)
 * is the authority. An empty cell is an event that means nothing there. The actions that enter a state are in
 * service.c. */
#include "engine/service_private.h"
#include "syntax/timespan.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

typedef int (*transition)(struct service *s, enum service_result result);

/* --- jobs --------------------------------------------------------------------------------------------------------- */
static int start(struct service *s, enum service_result result) {
    struct unit *u = &s->unit;
    int r = unit_new_invocation(u);
    if (r < 0)
        return r;
    r = unit_new_lineage(u);
    if (r == -ENOMEM)
        return r;
    s->result = s->reload_result = SERVICE_SUCCESS;
    s->main_pid_known = s->main_pid_alien = s->forbid_restart = false;
    s->notify_state = NOTIFY_UNKNOWN;
    s->notify_access = -1;
    free(TAKE(s->status_text));
    free(TAKE(s->bus_error));
    s->status_errno = 0;
    s->watchdog_usec = 0;
    u->degraded_told = false;
    service_reset_statuses(s);
    if (s->reset_restarts) {
        s->n_restarts = 0;
        s->reset_restarts = false;
    }
    service_enter_condition(s);
    return 0;
}

static int already(struct service *s, enum service_result result) {
    return 0;
}

static int not_now(struct service *s, enum service_result result) {
    return -EAGAIN;
}

static int stop_running(struct service *s, enum service_result result) {
    s->forbid_restart = true;
    service_enter_stop(s, SERVICE_SUCCESS);
    return 0;
}

/* Something is being run for it: no time for ExecStop=. */
static int stop_at_once(struct service *s, enum service_result result) {
    s->forbid_restart = true;
    service_enter_signal(s, SERVICE_STOP_SIGTERM, SERVICE_SUCCESS);
    return 0;
}

static int stop_already(struct service *s, enum service_result result) {
    s->forbid_restart = true;
    return 0;
}

static int cancel_restart(struct service *s, enum service_result result) {
    s->forbid_restart = true;
    timer_stop(&s->timer);
    /* The stop half of a restart is not an end: OnFailure=, SuccessAction= and their like wait for one. */
    s->will_auto_restart = s->unit.job && s->unit.job->type == JOB_RESTART;
    service_set_state(s, SERVICE_DEAD);
    s->will_auto_restart = false;
    return 0;
}

static int reload(struct service *s, enum service_result result) {
    service_enter_reload(s);
    return 0;
}

/* --- the main process has ended ----------------------------------------------------------------------------------- */
static int main_ended_in_start(struct service *s, enum service_result result) {
    switch (service_type(s)) {
    case SERVICE_TYPE_ONESHOT: /* this was what it is for */
        if (result == SERVICE_SUCCESS)
            service_enter_start_post(s);
        else
            service_enter_signal(s, SERVICE_STOP_SIGTERM, result);
        break;
    case SERVICE_TYPE_NOTIFY:
    case SERVICE_TYPE_NOTIFY_RELOAD: /* only READY=1 makes it running */
        if (result != SERVICE_SUCCESS)
            service_enter_signal(s, SERVICE_STOP_SIGTERM, result);
        else if (!unit_bool(s->unit.file, D_RemainAfterExit) ||
                 unit_number(s->unit.file, D_NotifyAccess) == NOTIFY_ACCESS_MAIN)
            service_enter_signal(s, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_PROTOCOL);
        break;
    default:
        service_enter_running(s, result);
    }
    return 0;
}

static int main_ended_running(struct service *s, enum service_result result) {
    service_enter_running(s, result);
    return 0;
}

/* The control process goes on; without one there is nothing to wait for. */
static int main_ended_meanwhile(struct service *s, enum service_result result) {
    if (s->control_pid <= 0)
        service_enter_stop(s, result);
    return 0;
}

static int main_ended_in_stop(struct service *s, enum service_result result) {
    if (s->control_pid <= 0)
        service_enter_stop_post(s, result);
    return 0;
}

static int main_ended_in_stop_post(struct service *s, enum service_result result) {
    if (s->control_pid <= 0)
        service_enter_signal(s, SERVICE_FINAL_SIGTERM, result);
    return 0;
}

static int main_ended_at_last(struct service *s, enum service_result result) {
    if (s->control_pid <= 0)
        service_enter_dead(s, result, true);
    return 0;
}

/* --- the control process has ended, the last of its list or the first that failed --------------------------------- */
static int condition_ended(struct service *s, enum service_result result) {
    if (result == SERVICE_SUCCESS)
        service_enter_start_pre(s);
    else
        service_enter_signal(s, SERVICE_STOP_SIGTERM, result);
    return 0;
}

static int start_pre_ended(struct service *s, enum service_result result) {
    if (result == SERVICE_SUCCESS)
        service_enter_start(s);
    else
        service_enter_signal(s, SERVICE_STOP_SIGTERM, result);
    return 0;
}

/* PIDFile= may come later, from a grandchild; without processes it never will. True: the state waits for it. */
static bool awaits_pid_file(struct service *s) {
    if (service_watch_pid_file(s) < 0 || !service_has_processes(s)) {
        service_unwatch_pid_file(s);
        return false;
    }
    return true;
}

/* Type=forking: the parent has returned. */
static int forking_parent_ended(struct service *s, enum service_result result) {
    if (service_type(s) != SERVICE_TYPE_FORKING)
        return 0;
    if (result != SERVICE_SUCCESS) {
        service_enter_signal(s, SERVICE_STOP_SIGTERM, result);
        return 0;
    }
    if (unit_string(s->unit.file, D_PIDFile)) {
        bool start_post_may_write_it = unit_commands(s->unit.file, D_ExecStartPost);
        if (service_load_pid_file(s, !start_post_may_write_it) < 0 && !start_post_may_write_it) {
            if (!awaits_pid_file(s))
                service_enter_signal(s, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_PROTOCOL);
            return 0;
        }
    } else
        service_guess_main_pid(s);
    service_enter_start_post(s);
    return 0;
}

static int start_post_ended(struct service *s, enum service_result result) {
    if (result != SERVICE_SUCCESS) {
        service_enter_signal(s, SERVICE_STOP_SIGTERM, result);
        return 0;
    }
    if (unit_string(s->unit.file, D_PIDFile)) {
        if (!s->main_pid_known && service_load_pid_file(s, true) < 0) {
            if (!awaits_pid_file(s))
                service_enter_stop(s, SERVICE_FAILURE_PROTOCOL);
            return 0;
        }
    } else
        service_guess_main_pid(s);
    service_enter_running(s, SERVICE_SUCCESS);
    return 0;
}

static int reload_ended(struct service *s, enum service_result result) {
    if (result == SERVICE_SUCCESS && (!unit_string(s->unit.file, D_PIDFile) || service_load_pid_file(s, true) < 0))
        service_guess_main_pid(s);
    s->reload_result = result;
    service_enter_running(s, SERVICE_SUCCESS);
    return 0;
}

/* notify-reload: its ExecReload= is done, now it has to say so itself. */
static int reload_signal_ended(struct service *s, enum service_result result) {
    s->reload_result = result;
    service_enter_running(s, SERVICE_SUCCESS);
    return 0;
}

static int terminate(struct service *s, enum service_result result) {
    service_enter_signal(s, SERVICE_STOP_SIGTERM, result);
    return 0;
}

static int control_ended_in_stop(struct service *s, enum service_result result) {
    if (service_main_good(s) <= 0)
        service_enter_stop_post(s, result);
    return 0;
}

static int exec_stop_post_ended(struct service *s, enum service_result result) {
    service_enter_signal(s, SERVICE_FINAL_SIGTERM, result);
    return 0;
}

static int control_ended_at_last(struct service *s, enum service_result result) {
    if (service_main_good(s) <= 0)
        service_enter_dead(s, result, true);
    return 0;
}

/* --- nothing is left ---------------------------------------------------------------------------------------------- */
static bool nobody(struct service *s) {
    return service_main_good(s) <= 0 && s->control_pid <= 0;
}

static int gone_in_start(struct service *s, enum service_result result) {
    enum service_type type = service_type(s);
    if (!nobody(s))
        return 0;
    if (type == SERVICE_TYPE_NOTIFY || type == SERVICE_TYPE_NOTIFY_RELOAD) /* READY=1 cannot come any more */
        service_enter_stop_post(s, SERVICE_FAILURE_PROTOCOL);
    else if (unit_number(s->unit.file, D_ExitType) == EXIT_TYPE_CGROUP)
        service_enter_start_post(s);
    else if (s->pid_file_watch) {
        unit_log(&s->unit, LOG_WARNING, "Daemon never wrote its PID file. Failing.");
        service_unwatch_pid_file(s);
        service_enter_stop_post(s, SERVICE_FAILURE_PROTOCOL);
    }
    return 0;
}

static int gone_in_start_post(struct service *s, enum service_result result) {
    if (nobody(s) && s->pid_file_watch) {
        unit_log(&s->unit, LOG_WARNING, "Daemon never wrote its PID file. Failing.");
        service_unwatch_pid_file(s);
        service_enter_stop(s, SERVICE_FAILURE_PROTOCOL);
    }
    return 0;
}

static int gone_in_stop(struct service *s, enum service_result result) {
    if (nobody(s))
        service_enter_stop_post(s, SERVICE_SUCCESS);
    return 0;
}

static int gone_at_last(struct service *s, enum service_result result) {
    if (nobody(s))
        service_enter_dead(s, SERVICE_SUCCESS, true);
    return 0;
}

/* --- time is up --------------------------------------------------------------------------------------------------- */
/* What Timeout…FailureMode= says, from a state before or within the stop. */
static void give_up(struct service *s, enum directive mode, const char *what) {
    switch ((enum timeout_failure_mode)unit_number(s->unit.file, mode)) {
    case TIMEOUT_ABORT:
        unit_log(&s->unit, LOG_WARNING, "%s timed out. Aborting.", what);
        service_enter_signal(s, SERVICE_STOP_WATCHDOG, SERVICE_FAILURE_TIMEOUT);
        break;
    case TIMEOUT_KILL:
        if (service_sends_sigkill(s)) {
            unit_log(&s->unit, LOG_WARNING, "%s timed out. Killing.", what);
            service_enter_signal(s, SERVICE_STOP_SIGKILL, SERVICE_FAILURE_TIMEOUT);
        } else {
            unit_log(&s->unit, LOG_WARNING, "%s timed out. Skipping SIGKILL.", what);
            service_enter_stop_post(s, SERVICE_FAILURE_TIMEOUT);
        }
        break;
    default:
        unit_log(&s->unit, LOG_WARNING, "%s timed out. Terminating.", what);
        service_enter_signal(s, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_TIMEOUT);
    }
}

static int start_timed_out(struct service *s, enum service_result result) {
    char what[64];
    snprintf(what, sizeof(what), "%s operation", service_state_to_string(s->state));
    give_up(s, D_TimeoutStartFailureMode, what);
    return 0;
}

static int ran_long_enough(struct service *s, enum service_result result) {
    unit_log(&s->unit, LOG_WARNING, "Service reached runtime time limit. Stopping.");
    service_enter_stop(s, SERVICE_FAILURE_TIMEOUT);
    return 0;
}

static int reload_timed_out(struct service *s, enum service_result result) {
    unit_log(&s->unit, LOG_WARNING, "Reload operation timed out. Killing reload process.");
    if (s->control_pid > 0) {
        kill(s->control_pid, SIGKILL);
        service_forget_control_pid(s);
    }
    s->reload_result = SERVICE_FAILURE_TIMEOUT;
    service_enter_running(s, SERVICE_SUCCESS);
    return 0;
}

static int exec_stop_timed_out(struct service *s, enum service_result result) {
    give_up(s, D_TimeoutStopFailureMode, "Stopping");
    return 0;
}

static int stop_timed_out(struct service *s, enum service_result result) {
    bool aborting = s->state == SERVICE_STOP_WATCHDOG;
    if (!aborting && unit_number(s->unit.file, D_TimeoutStopFailureMode) == TIMEOUT_ABORT) {
        unit_log(&s->unit, LOG_WARNING, "State '%s' timed out. Aborting.", service_state_to_string(s->state));
        service_enter_signal(s, SERVICE_STOP_WATCHDOG, SERVICE_FAILURE_TIMEOUT);
    } else if (service_sends_sigkill(s)) {
        unit_log(&s->unit, LOG_WARNING, "State '%s' timed out. Killing.", service_state_to_string(s->state));
        service_enter_signal(s, SERVICE_STOP_SIGKILL, SERVICE_FAILURE_TIMEOUT);
    } else {
        unit_log(&s->unit, LOG_WARNING, "State '%s' timed out. Skipping SIGKILL.", service_state_to_string(s->state));
        service_enter_stop_post(s, SERVICE_FAILURE_TIMEOUT);
    }
    return 0;
}

static int kill_timed_out(struct service *s, enum service_result result) {
    unit_log(&s->unit, LOG_WARNING, "Processes still around after SIGKILL. Ignoring.");
    service_enter_stop_post(s, SERVICE_FAILURE_TIMEOUT);
    return 0;
}

static int exec_stop_post_timed_out(struct service *s, enum service_result result) {
    switch ((enum timeout_failure_mode)unit_number(s->unit.file, D_TimeoutStopFailureMode)) {
    case TIMEOUT_ABORT:
        unit_log(&s->unit, LOG_WARNING, "State 'stop-post' timed out. Aborting.");
        service_enter_signal(s, SERVICE_FINAL_WATCHDOG, SERVICE_FAILURE_TIMEOUT);
        break;
    case TIMEOUT_KILL:
        if (service_sends_sigkill(s)) {
            unit_log(&s->unit, LOG_WARNING, "State 'stop-post' timed out. Killing.");
            service_enter_signal(s, SERVICE_FINAL_SIGKILL, SERVICE_FAILURE_TIMEOUT);
        } else {
            unit_log(&s->unit, LOG_WARNING, "State 'stop-post' timed out. Skipping SIGKILL. Entering failed mode.");
            service_enter_dead(s, SERVICE_FAILURE_TIMEOUT, false);
        }
        break;
    default:
        unit_log(&s->unit, LOG_WARNING, "State 'stop-post' timed out. Terminating.");
        service_enter_signal(s, SERVICE_FINAL_SIGTERM, SERVICE_FAILURE_TIMEOUT);
    }
    return 0;
}

static int final_timed_out(struct service *s, enum service_result result) {
    const char *state = service_state_to_string(s->state);
    bool aborting = s->state == SERVICE_FINAL_WATCHDOG;
    if (!aborting && unit_number(s->unit.file, D_TimeoutStopFailureMode) == TIMEOUT_ABORT) {
        unit_log(&s->unit, LOG_WARNING, "State '%s' timed out. Aborting.", state);
        service_enter_signal(s, SERVICE_FINAL_WATCHDOG, SERVICE_FAILURE_TIMEOUT);
    } else if (service_sends_sigkill(s)) {
        unit_log(&s->unit, LOG_WARNING, "State '%s' timed out. Killing.", state);
        service_enter_signal(s, SERVICE_FINAL_SIGKILL, SERVICE_FAILURE_TIMEOUT);
    } else {
        unit_log(&s->unit, LOG_WARNING, "State '%s' timed out. Skipping SIGKILL. Entering failed mode.", state);
        service_enter_dead(s, SERVICE_FAILURE_TIMEOUT, false);
    }
    return 0;
}

static int final_kill_timed_out(struct service *s, enum service_result result) {
    unit_log(&s->unit, LOG_WARNING, "Processes still around after final SIGKILL. Entering failed mode.");
    service_enter_dead(s, SERVICE_FAILURE_TIMEOUT, true);
    return 0;
}

static int restart_due(struct service *s, enum service_result result) {
    service_enter_restart(s);
    return 0;
}

/* --- readiness ---------------------------------------------------------------------------------------------------- */
static int executed(struct service *s, enum service_result result) {
    if (service_type(s) == SERVICE_TYPE_EXEC)
        service_enter_start_post(s);
    return 0;
}

static int ready(struct service *s, enum service_result result) {
    enum service_type type = service_type(s);
    if (type == SERVICE_TYPE_NOTIFY || type == SERVICE_TYPE_NOTIFY_RELOAD)
        service_enter_start_post(s);
    return 0;
}

static int ready_again(struct service *s, enum service_result result) {
    if (s->control_pid <= 0)
        service_enter_running(s, SERVICE_SUCCESS);
    return 0;
}

/* RELOADING=1 without a job of ours: whom a job would have told is told. */
static int reloads_itself(struct service *s, enum service_result result) {
    struct unit *u = &s->unit;
    service_arm_timer(s, service_timeout_start(s));
    service_set_state(s, SERVICE_RELOAD_NOTIFY);
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_PROPAGATES_RELOAD_TO)) {
        struct error error;
        if (manager_add_job(u->manager, JOB_TRY_RELOAD, e->other, JOB_FAIL, &error, NULL) < 0)
            unit_log(u, LOG_WARNING, "Failed to schedule propagation of reload: %s", error.message);
    }
    return 0;
}

/* notify-reload: it has got our signal. */
static int reload_begun(struct service *s, enum service_result result) {
    service_set_state(s, SERVICE_RELOAD_NOTIFY);
    return 0;
}

/* STOPPING=1: as if we had sent it SIGTERM. */
static int stops_itself(struct service *s, enum service_result result) {
    service_arm_timer(s, service_timeout_stop(s));
    service_set_state(s, SERVICE_STOP_SIGTERM);
    return 0;
}

static int name_acquired(struct service *s, enum service_result result) {
    if (service_type(s) == SERVICE_TYPE_DBUS)
        service_enter_start_post(s);
    return 0;
}

static int name_lost(struct service *s, enum service_result result) {
    if (service_type(s) == SERVICE_TYPE_DBUS)
        service_enter_running(s, SERVICE_SUCCESS);
    return 0;
}

static int pid_file_in_start(struct service *s, enum service_result result) {
    service_unwatch_pid_file(s);
    service_enter_start_post(s);
    return 0;
}

static int pid_file_in_start_post(struct service *s, enum service_result result) {
    service_unwatch_pid_file(s);
    service_enter_running(s, SERVICE_SUCCESS);
    return 0;
}

static int watchdog_barked(struct service *s, enum service_result result) {
    char span[64];
    usec_t limit = s->watchdog_usec ? s->watchdog_usec : unit_usec(s->unit.file, D_WatchdogSec);
    unit_log(&s->unit, LOG_ERR, "Watchdog timeout (limit %s)!", timespan_format(limit, 1, span, sizeof(span)));
    service_enter_signal(s, SERVICE_STOP_WATCHDOG, SERVICE_FAILURE_WATCHDOG);
    return 0;
}

static int out_of_memory(struct service *s, enum service_result result) {
    service_enter_stop(s, result);
    return 0;
}

static int out_of_memory_going_down(struct service *s, enum service_result result) {
    service_remember_result(s, result);
    return 0;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */
#define COMING_UP [EV_START] = already, [EV_STOP] = stop_at_once, [EV_OUT_OF_MEMORY] = terminate
#define GOING_DOWN [EV_START] = not_now, [EV_STOP] = stop_already, [EV_OUT_OF_MEMORY] = out_of_memory_going_down

static const transition transitions[SERVICE_STATES][SERVICE_EVENTS] = {
    [SERVICE_DEAD] = { [EV_START] = start },
    [SERVICE_FAILED] = { [EV_START] = start },
    [SERVICE_CONDITION] = { COMING_UP, [EV_CONTROL_EXIT] = condition_ended, [EV_TIMEOUT] = start_timed_out },
    [SERVICE_START_PRE] = { COMING_UP, [EV_CONTROL_EXIT] = start_pre_ended, [EV_TIMEOUT] = start_timed_out },
    [SERVICE_START] = { COMING_UP, [EV_MAIN_EXIT] = main_ended_in_start, [EV_CONTROL_EXIT] = forking_parent_ended,
                        [EV_GONE] = gone_in_start, [EV_TIMEOUT] = start_timed_out, [EV_EXECUTED] = executed,
                        [EV_READY] = ready, [EV_NAME_ACQUIRED] = name_acquired, [EV_PID_FILE] = pid_file_in_start,
                        [EV_WATCHDOG] = watchdog_barked },
    [SERVICE_START_POST] = { COMING_UP, [EV_MAIN_EXIT] = main_ended_meanwhile, [EV_CONTROL_EXIT] = start_post_ended,
                             [EV_GONE] = gone_in_start_post, [EV_TIMEOUT] = start_timed_out,
                             [EV_PID_FILE] = pid_file_in_start_post, [EV_WATCHDOG] = watchdog_barked },
    [SERVICE_RUNNING] = { [EV_STOP] = stop_running, [EV_RELOAD] = reload, [EV_MAIN_EXIT] = main_ended_running,
                          [EV_GONE] = main_ended_running, [EV_TIMEOUT] = ran_long_enough,
                          [EV_RELOADING] = reloads_itself, [EV_STOPPING] = stops_itself, [EV_NAME_LOST] = name_lost,
                          [EV_WATCHDOG] = watchdog_barked, [EV_OUT_OF_MEMORY] = out_of_memory },
    [SERVICE_EXITED] = { [EV_STOP] = stop_running, [EV_RELOAD] = reload, [EV_OUT_OF_MEMORY] = out_of_memory },
    [SERVICE_RELOAD] = { [EV_STOP] = stop_at_once, [EV_MAIN_EXIT] = main_ended_meanwhile,
                         [EV_CONTROL_EXIT] = reload_ended, [EV_TIMEOUT] = reload_timed_out, [EV_READY] = ready_again,
                         [EV_WATCHDOG] = watchdog_barked, [EV_OUT_OF_MEMORY] = terminate },
    [SERVICE_RELOAD_SIGNAL] = { [EV_STOP] = stop_at_once, [EV_MAIN_EXIT] = main_ended_meanwhile,
                                [EV_CONTROL_EXIT] = reload_signal_ended, [EV_TIMEOUT] = reload_timed_out,
                                [EV_RELOADING] = reload_begun, [EV_WATCHDOG] = watchdog_barked,
                                [EV_OUT_OF_MEMORY] = terminate },
    [SERVICE_RELOAD_NOTIFY] = { [EV_STOP] = stop_at_once, [EV_MAIN_EXIT] = main_ended_meanwhile,
                                [EV_TIMEOUT] = reload_timed_out, [EV_READY] = ready_again,
                                [EV_WATCHDOG] = watchdog_barked, [EV_OUT_OF_MEMORY] = terminate },
    [SERVICE_STOP] = { GOING_DOWN, [EV_CONTROL_EXIT] = terminate, [EV_TIMEOUT] = exec_stop_timed_out },
    [SERVICE_STOP_WATCHDOG] = { [EV_START] = not_now, [EV_STOP] = stop_at_once, [EV_MAIN_EXIT] = main_ended_in_stop,
                                [EV_CONTROL_EXIT] = control_ended_in_stop, [EV_GONE] = gone_in_stop,
                                [EV_TIMEOUT] = stop_timed_out, [EV_OUT_OF_MEMORY] = out_of_memory_going_down },
    [SERVICE_STOP_SIGTERM] = { GOING_DOWN, [EV_MAIN_EXIT] = main_ended_in_stop,
                               [EV_CONTROL_EXIT] = control_ended_in_stop, [EV_GONE] = gone_in_stop,
                               [EV_TIMEOUT] = stop_timed_out },
    [SERVICE_STOP_SIGKILL] = { GOING_DOWN, [EV_MAIN_EXIT] = main_ended_in_stop,
                               [EV_CONTROL_EXIT] = control_ended_in_stop, [EV_GONE] = gone_in_stop,
                               [EV_TIMEOUT] = kill_timed_out },
    [SERVICE_STOP_POST] = { GOING_DOWN, [EV_MAIN_EXIT] = main_ended_in_stop_post,
                            [EV_CONTROL_EXIT] = exec_stop_post_ended, [EV_GONE] = gone_at_last,
                            [EV_TIMEOUT] = exec_stop_post_timed_out },
    [SERVICE_FINAL_WATCHDOG] = { GOING_DOWN, [EV_MAIN_EXIT] = main_ended_at_last,
                                 [EV_CONTROL_EXIT] = control_ended_at_last, [EV_GONE] = gone_at_last,
                                 [EV_TIMEOUT] = final_timed_out },
    [SERVICE_FINAL_SIGTERM] = { GOING_DOWN, [EV_MAIN_EXIT] = main_ended_at_last,
                                [EV_CONTROL_EXIT] = control_ended_at_last, [EV_GONE] = gone_at_last,
                                [EV_TIMEOUT] = final_timed_out },
    [SERVICE_FINAL_SIGKILL] = { GOING_DOWN, [EV_MAIN_EXIT] = main_ended_at_last,
                                [EV_CONTROL_EXIT] = control_ended_at_last, [EV_GONE] = gone_at_last,
                                [EV_TIMEOUT] = final_kill_timed_out },
    [SERVICE_AUTO_RESTART] = { [EV_START] = not_now, [EV_STOP] = cancel_restart, [EV_TIMEOUT] = restart_due },
    [SERVICE_AUTO_RESTART_QUEUED] = { [EV_START] = start, [EV_STOP] = cancel_restart },
};

static const char *const event_names[SERVICE_EVENTS] = {
    [EV_START] = "start",           [EV_STOP] = "stop",           [EV_RELOAD] = "reload",
    [EV_MAIN_EXIT] = "main exit",   [EV_CONTROL_EXIT] = "control exit", [EV_GONE] = "processes gone",
    [EV_TIMEOUT] = "timeout",       [EV_EXECUTED] = "executed",   [EV_READY] = "ready",
    [EV_RELOADING] = "reloading",   [EV_STOPPING] = "stopping",   [EV_NAME_ACQUIRED] = "bus name acquired",
    [EV_NAME_LOST] = "bus name lost", [EV_PID_FILE] = "PID file", [EV_WATCHDOG] = "watchdog",
    [EV_OUT_OF_MEMORY] = "out of memory",
};

int service_event(struct service *s, enum service_event event, enum service_result result) {
    transition t = transitions[s->state][event];
    if (t)
        return t(s, result);
    unit_log(&s->unit, LOG_DEBUG, "Event '%s' means nothing in state %s.", event_names[event],
             service_state_to_string(s->state));
    return event == EV_START || event == EV_RELOAD ? -EAGAIN : 0;
}
