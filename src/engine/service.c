/* SPDX-License-Identifier: Apache-2.0 */
/* Services: entering states, and the operations of the type. Which event leads to which state is said in
 * service_states.c. systemd.service(5). */
#include "engine/service_private.h"
#include "engine/socket.h"
#include "engine/types.h"
#include "syntax/names.h"
#include "syntax/timespan.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID_FAILURE "d9b373ed55a64feb8242e02dbe79a49c"
#define ID_SUCCESS "7ad2d189f7e94e70a38c781354912448"
#define ID_SKIPPED "0e4284a0caca4bfc81c0bb6786972673"
#define ID_PROCESS_EXIT "98e322203f7a4ed290d09fe03c09fe15"
#define ID_RESTART "5eb03494b6584870a536b337290809b3"

/* --- what the settings come to ------------------------------------------------------------------------------------- */
enum service_type service_type(const struct service *s) {
    const struct unit_file *f = s->unit.file;
    if (unit_setting_written(f, D_Type))
        return (enum service_type)unit_number(f, D_Type);
    if (unit_string(f, D_BusName))
        return SERVICE_TYPE_DBUS;
    /* Masked while it ran: nothing is known any more, and that is not a oneshot. */
    return unit_commands(f, D_ExecStart) || f->state != LOAD_LOADED ? SERVICE_TYPE_SIMPLE : SERVICE_TYPE_ONESHOT;
}

usec_t service_timeout_start(const struct service *s) {
    const struct unit_file *f = s->unit.file;
    if (unit_setting_written(f, D_TimeoutStartSec))
        return unit_usec(f, D_TimeoutStartSec);
    return service_type(s) == SERVICE_TYPE_ONESHOT ? USEC_INFINITY : s->unit.manager->default_timeout_start;
}

usec_t service_timeout_stop(const struct service *s) {
    const struct unit_file *f = s->unit.file;
    return unit_setting_written(f, D_TimeoutStopSec) ? unit_usec(f, D_TimeoutStopSec) : s->unit.manager->default_timeout_stop;
}

usec_t service_timeout_abort(const struct service *s) {
    const struct unit_file *f = s->unit.file;
    return unit_setting_written(f, D_TimeoutAbortSec) ? unit_usec(f, D_TimeoutAbortSec) : service_timeout_stop(s);
}

bool service_sends_sigkill(const struct service *s) {
    return unit_bool(s->unit.file, D_SendSIGKILL);
}

int service_main_good(const struct service *s) {
    if (!s->main_pid_known)
        return -1;
    if (s->main_pid_alien && s->main_pid > 0)
        return kill(s->main_pid, 0) >= 0 || errno != ESRCH;
    return s->main_pid > 0;
}

bool service_has_processes(struct service *s) {
    return unit_has_processes(&s->unit);
}

/* --- timers ---------------------------------------------------------------------------------------------------------- */
static void timer_elapsed(struct timer *timer, void *userdata) {
    service_event(userdata, EV_TIMEOUT, SERVICE_SUCCESS);
}

void service_arm_timer(struct service *s, usec_t after) {
    s->timer.clock = CLOCK_MONOTONIC;
    s->timer.handler = timer_elapsed;
    s->timer.userdata = s;
    usec_t when = after == USEC_INFINITY ? USEC_INFINITY : usec_add(now(CLOCK_MONOTONIC), after);
    if (timer_set(s->unit.manager->loop, &s->timer, when) < 0)
        unit_log(&s->unit, LOG_ERR, "No memory for a timer: the state has no time limit.");
}

static void watchdog_elapsed(struct timer *timer, void *userdata) {
    service_event(userdata, EV_WATCHDOG, SERVICE_SUCCESS);
}

void service_arm_watchdog(struct service *s) {
    usec_t limit = s->watchdog_usec ? s->watchdog_usec : unit_usec(s->unit.file, D_WatchdogSec);
    bool supervised = s->state == SERVICE_START || s->state == SERVICE_START_POST || s->state == SERVICE_RUNNING ||
                      s->state == SERVICE_RELOAD || s->state == SERVICE_RELOAD_SIGNAL || s->state == SERVICE_RELOAD_NOTIFY;
    if (!supervised || limit == 0 || limit == USEC_INFINITY || s->watchdog_time.monotonic == 0) {
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
    (void)timer_set(s->unit.manager->loop, s->watchdog_timer, usec_add(s->watchdog_time.monotonic, limit));
}

/* --- states ---------------------------------------------------------------------------------------------------------- */
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
    service_arm_watchdog(s);
    if (before == state)
        return;
    unit_log(u, LOG_DEBUG, "Changed %s -> %s", service_state_to_string(before), service_state_to_string(state));
    unit_notify(u, service_state_active(s, before), service_state_active(s, state),
                (s->reload_result == SERVICE_SUCCESS ? 0 : NOTIFY_RELOAD_FAILED) |
                    (s->will_auto_restart ? NOTIFY_WILL_RESTART : 0) |
                    (s->result == SERVICE_SKIP_CONDITION ? NOTIFY_SKIPPED : 0));
}

static void remember(struct service *s, enum service_result result) {
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
        s->watchdog_time = dual_now();
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

void service_enter_running(struct service *s, enum service_result result) {
    service_forget_control_pid(s);
    remember(s, result);
    if (service_good(s)) {
        if (s->notify_state == NOTIFY_RELOADING) {
            service_arm_timer(s, service_timeout_start(s));
            service_set_state(s, SERVICE_RELOAD_NOTIFY);
        } else if (s->notify_state == NOTIFY_STOPPING) {
            service_arm_timer(s, service_timeout_stop(s));
            service_set_state(s, SERVICE_STOP_SIGTERM);
        } else {
            service_arm_timer(s, unit_usec(s->unit.file, D_RuntimeMaxSec));
            service_set_state(s, SERVICE_RUNNING);
        }
    } else if (result != SERVICE_SUCCESS)
        service_enter_signal(s, SERVICE_STOP_SIGTERM, result);
    else if (unit_bool(s->unit.file, D_RemainAfterExit))
        service_set_state(s, SERVICE_EXITED);
    else
        service_enter_stop(s, SERVICE_SUCCESS);
}

void service_enter_reload(struct service *s) {
    s->reload_result = SERVICE_SUCCESS;
    service_forget_control_pid(s);
    bool signals = service_type(s) == SERVICE_TYPE_NOTIFY_RELOAD && s->main_pid > 0;
    if (signals && kill(s->main_pid, (int)unit_number(s->unit.file, D_ReloadSignal)) < 0) {
        unit_log(&s->unit, LOG_WARNING, "Failed to send the reload signal: %s", strerror(errno));
        s->reload_result = SERVICE_FAILURE_RESOURCES;
        service_enter_running(s, SERVICE_SUCCESS);
        return;
    }
    int r = service_run_control(s, SERVICE_EXEC_RELOAD, 0, service_timeout_start(s));
    if (r < 0) {
        s->reload_result = SERVICE_FAILURE_RESOURCES;
        service_enter_running(s, SERVICE_SUCCESS);
    } else if (r > 0)
        service_set_state(s, signals ? SERVICE_RELOAD_SIGNAL : SERVICE_RELOAD);
    else if (signals) {
        service_arm_timer(s, service_timeout_start(s));
        service_set_state(s, SERVICE_RELOAD_SIGNAL);
    } else
        service_enter_running(s, SERVICE_SUCCESS);
}

void service_enter_stop(struct service *s, enum service_result result) {
    remember(s, result);
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
    remember(s, result);
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
    remember(s, result);
    service_forget_control_pid(s);
    int r = service_run_control(s, SERVICE_EXEC_STOP_POST, 0, service_timeout_stop(s));
    if (r < 0)
        service_enter_signal(s, SERVICE_FINAL_SIGTERM, SERVICE_FAILURE_RESOURCES);
    else if (r == 0)
        service_enter_signal(s, SERVICE_FINAL_SIGTERM, SERVICE_SUCCESS);
    else
        service_set_state(s, SERVICE_STOP_POST);
}

/* --- the end, and Restart= ---------------------------------------------------------------------------------------------- */
static bool in_set(const struct service *s, enum directive set_directive) {
    const struct exit_status_set *set = unit_object(s->unit.file, set_directive);
    return s->main_status.code == CLD_EXITED ? exit_status_set_has(set, s->main_status.status)
                                             : s->main_status.code != 0 &&
                                                   exit_status_set_has_signal(set, s->main_status.status);
}

/* Which results each Restart= restarts on: systemd.service(5), table "Exit causes and the effect of the Restart=". */
static const unsigned restart_on[RESTARTS] = {
#define R(result) (1u << SERVICE_##result)
    [RESTART_ALWAYS] = ~R(SKIP_CONDITION),
    [RESTART_ON_SUCCESS] = R(SUCCESS),
    [RESTART_ON_FAILURE] = ~(R(SUCCESS) | R(SKIP_CONDITION)),
    [RESTART_ON_ABNORMAL] = ~(R(SUCCESS) | R(SKIP_CONDITION) | R(FAILURE_EXIT_CODE)),
    [RESTART_ON_WATCHDOG] = R(FAILURE_WATCHDOG),
    [RESTART_ON_ABORT] = R(FAILURE_SIGNAL) | R(FAILURE_CORE_DUMP),
#undef R
};

static bool shall_restart(struct service *s) {
    if (s->forbid_restart || s->unit.manager->p->shutting_down || in_set(s, D_RestartPreventExitStatus))
        return false;
    return in_set(s, D_RestartForceExitStatus) ||
           restart_on[unit_number(s->unit.file, D_Restart)] & 1u << s->result;
}

/* RestartSteps=, RestartMaxDelaySec=: from RestartSec= to the maximum in so many steps, each a constant factor longer. */
static usec_t restart_delay(const struct service *s) {
    const struct unit_file *f = s->unit.file;
    usec_t first = unit_setting_written(f, D_RestartSec) ? unit_usec(f, D_RestartSec) : s->unit.manager->default_restart_sec;
    usec_t last = unit_usec(f, D_RestartMaxDelaySec);
    uint64_t steps = unit_size(f, D_RestartSteps);
    if (steps == 0 || last == USEC_INFINITY || first >= last || s->n_restarts == 0)
        return first;
    if (s->n_restarts >= steps)
        return last;
    /* first * (last / first) ^ (n / steps), without a maths library: n of the steps equal factors. */
    double ratio = (double)last / (double)MAX(first, (usec_t)1), low = 1, high = ratio > 1 ? ratio : 1;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2, power = 1;
        for (uint64_t k = 0; k < steps && power <= ratio; k++)
            power *= middle;
        if (power < ratio)
            low = middle;
        else
            high = middle;
    }
    double delay = (double)MAX(first, (usec_t)1);
    for (unsigned k = 0; k < s->n_restarts; k++)
        delay *= low;
    return MIN((usec_t)delay, last);
}

static void remove_runtime_data(struct service *s, bool restarts) {
    enum preserve preserve = (enum preserve)unit_number(s->unit.file, D_RuntimeDirectoryPreserve);
    if (s->runtime_directories && (preserve == PRESERVE_NO || (preserve == PRESERVE_RESTART && !restarts))) {
        exec_remove_directories(s->runtime_directories);
        strv_free(TAKE(s->runtime_directories));
    }
    if (s->credentials_directory) {
        char *const directories[] = { s->credentials_directory, NULL };
        exec_remove_directories(directories);
        free(TAKE(s->credentials_directory));
    }
    const char *pid_file = unit_string(s->unit.file, D_PIDFile);
    if (pid_file)
        unlink(pid_file);
}

void service_enter_dead(struct service *s, enum service_result result, bool allow_restart) {
    struct unit *u = &s->unit;
    if (u->job && u->job->type == JOB_STOP)
        allow_restart = false;
    remember(s, result);
    enum service_state end = SERVICE_FAILED;
    if (s->result == SERVICE_SUCCESS) {
        unit_log_id(u, u->file->builtin ? LOG_DEBUG : LOG_INFO, ID_SUCCESS, "Deactivated successfully.");
        end = SERVICE_DEAD;
    } else if (s->result == SERVICE_SKIP_CONDITION) {
        unit_log_id(u, LOG_INFO, ID_SKIPPED, "Skipped due to '%s'.", service_result_to_string(s->result));
        end = SERVICE_DEAD;
    } else
        unit_log_id(u, LOG_WARNING, ID_FAILURE, "Failed with result '%s'.", service_result_to_string(s->result));

    s->will_auto_restart = allow_restart && shall_restart(s);
    bool restarts = s->will_auto_restart || (u->job && u->job->type == JOB_RESTART);
    service_set_state(s, end);
    if (s->will_auto_restart) {
        s->will_auto_restart = false;
        service_arm_timer(s, restart_delay(s));
        service_set_state(s, SERVICE_AUTO_RESTART);
    } else {
        s->reset_restarts = true;
        unit_close_log(u);
    }
    s->forbid_restart = false;
    service_unwatch_bus_name(s);
    remove_runtime_data(s, restarts);
    if (u->maybe_processes)
        queue_add(u, QUEUE_EMPTY);
}

void service_enter_restart(struct service *s) {
    struct unit *u = &s->unit;
    if (u->job && u->job->type == JOB_STOP) {
        unit_log(u, LOG_INFO, "Stop job pending for unit, skipping automatic restart.");
        return;
    }
    struct error error;
    if (manager_add_job(u->manager, JOB_RESTART, u, JOB_REPLACE, &error, NULL) < 0) {
        unit_log(u, LOG_WARNING, "Failed to schedule restart job: %s", error.message);
        service_enter_dead(s, SERVICE_FAILURE_RESOURCES, false);
        return;
    }
    /* The job's stop half takes us out of auto-restart. */
    s->n_restarts++;
    s->reset_restarts = false;
    unit_log_id(u, LOG_INFO, ID_RESTART, "Scheduled restart job, restart counter is at %u.", s->n_restarts);
    unit_changed(u);
}

/* --- processes ------------------------------------------------------------------------------------------------------------ */
static enum service_result result_of(const struct service *s, int code, int status) {
    const struct exit_status_set *also = unit_object(s->unit.file, D_SuccessExitStatus);
    if (code == CLD_EXITED)
        return status == 0 || exit_status_set_has(also, status) ? SERVICE_SUCCESS : SERVICE_FAILURE_EXIT_CODE;
    if (code == CLD_KILLED) {
        /* Daemons may end by these; a command that has something to do may not. */
        bool clean = service_type(s) != SERVICE_TYPE_ONESHOT &&
                     (status == SIGHUP || status == SIGINT || status == SIGTERM || status == SIGPIPE);
        return clean || exit_status_set_has_signal(also, status) ? SERVICE_SUCCESS : SERVICE_FAILURE_SIGNAL;
    }
    return SERVICE_FAILURE_CORE_DUMP;
}

static void log_exit(struct service *s, const char *who, enum service_result result, int code, int status) {
    const char *how = code == CLD_EXITED ? "exited" : code == CLD_KILLED ? "killed" : "dumped";
    const char *name = code == CLD_EXITED ? exit_status_to_string(status) : signal_to_string(status);
    unit_log_id(&s->unit, result == SERVICE_SUCCESS ? LOG_DEBUG : code == CLD_EXITED ? LOG_NOTICE : LOG_WARNING,
                ID_PROCESS_EXIT, "%s process exited, code=%s, status=%d/%s", who, how, status, name ? name : "n/a");
}

static void main_exited(struct service *s, int code, int status) {
    enum service_result result = result_of(s, code, status);
    const struct exec_command *command = service_main_command(s);
    bool forked = service_type(s) == SERVICE_TYPE_FORKING;
    const struct exec_command_list *list = unit_commands(s->unit.file, D_ExecStart);
    s->main_status.pid = s->main_pid;
    s->main_status.exit = dual_now();
    s->main_status.code = code;
    s->main_status.status = status;
    if (!forked && command)
        service_record_exit(s, SERVICE_EXEC_START, s->main_index, s->main_pid, code, status);
    s->main_pid = 0;
    s->main_pid_known = true;
    const struct exec_command *flags_of = command ? command : forked && list ? list->commands[0] : NULL;
    if (flags_of && flags_of->flags & EXEC_IGNORE_FAILURE)
        result = SERVICE_SUCCESS;
    log_exit(s, "Main", result, code, status);
    remember(s, result);
    unit_changed(&s->unit);

    if (s->state == SERVICE_START && service_type(s) == SERVICE_TYPE_ONESHOT && result == SERVICE_SUCCESS && list &&
        s->main_index + 1 < list->n) {
        timer_stop(&s->timer);
        if (service_run_main(s, s->main_index + 1, service_timeout_start(s)) < 0)
            service_enter_signal(s, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_RESOURCES);
        return;
    }
    /* ExitType=cgroup: the others go on without it. */
    if (unit_number(s->unit.file, D_ExitType) == EXIT_TYPE_CGROUP && s->unit.lineage &&
        lineage_alive(s->unit.manager->lineage, s->unit.lineage))
        return;
    service_event(s, EV_MAIN_EXIT, result);
}

static void control_exited(struct service *s, int code, int status) {
    enum service_result result = result_of(s, code, status);
    const struct exec_command *command = service_control_command(s);
    const struct exec_command_list *list = unit_commands(s->unit.file, service_exec_directive(s->control_exec));
    service_record_exit(s, s->control_exec, s->control_index, s->control_pid, code, status);
    s->control_pid = 0;
    /* ExecCondition=: 1 to 254 is a "no", not a failure. */
    if (s->state == SERVICE_CONDITION && result == SERVICE_FAILURE_EXIT_CODE && status < 255)
        result = SERVICE_SKIP_CONDITION;
    if (command && command->flags & EXEC_IGNORE_FAILURE)
        result = SERVICE_SUCCESS;
    log_exit(s, "Control", result == SERVICE_SKIP_CONDITION ? SERVICE_SUCCESS : result, code, status);
    bool reloading = s->state == SERVICE_RELOAD || s->state == SERVICE_RELOAD_SIGNAL || s->state == SERVICE_RELOAD_NOTIFY;
    if (!reloading)
        remember(s, result);
    unit_changed(&s->unit);
    /* What was signalled may end "cleanly" by it; the rest of its list is not begun then. */
    bool signalled = s->state >= SERVICE_STOP_WATCHDOG && s->state != SERVICE_STOP_POST;
    if (result == SERVICE_SUCCESS && !signalled && list && s->control_index + 1 < list->n) {
        bool stopping = s->control_exec == SERVICE_EXEC_STOP || s->control_exec == SERVICE_EXEC_STOP_POST;
        int r = service_run_control(s, s->control_exec, s->control_index + 1,
                                    stopping ? service_timeout_stop(s) : service_timeout_start(s));
        if (r > 0)
            return;
        result = SERVICE_FAILURE_RESOURCES;
    }
    service_event(s, EV_CONTROL_EXIT, result);
}

static void child_exited(struct unit *u, pid_t pid, int code, int status) {
    struct service *s = SERVICE(u);
    if (pid == s->main_pid)
        main_exited(s, code, status);
    else if (pid == s->control_pid)
        control_exited(s, code, status);
}

static void processes_gone(struct unit *u) {
    struct service *s = SERVICE(u);
    if (s->main_pid_alien && s->main_pid > 0 && service_main_good(s) == 0) {
        s->main_pid = 0;
        s->main_pid_alien = false;
    }
    service_event(s, EV_GONE, SERVICE_SUCCESS);
}

/* A tree that refilled itself faster than one call could kill it. */
static void processes_left(struct unit *u) {
    struct service *s = SERVICE(u);
    if (s->state == SERVICE_STOP_SIGKILL || s->state == SERVICE_FINAL_SIGKILL)
        (void)unit_kill_context(u, KILL_KILL, 0, 0, false);
}

static void exec_succeeded(struct unit *u, pid_t pid) {
    struct service *s = SERVICE(u);
    if (pid == s->main_pid)
        service_event(s, EV_EXECUTED, SERVICE_SUCCESS);
}

/* --- BusName= --------------------------------------------------------------------------------------------------------------- */
static void ask_wires_to_watch(struct service *s, bool watch) {
    const char *name = unit_string(s->unit.file, D_BusName);
    for (struct wire *w = s->unit.manager->wires; w && name; w = w->next)
        if (w->watch_bus_name)
            w->watch_bus_name(w, name, watch);
}

void service_watch_bus_name(struct service *s) {
    ask_wires_to_watch(s, true);
}

void service_unwatch_bus_name(struct service *s) {
    if (service_type(s) == SERVICE_TYPE_DBUS)
        ask_wires_to_watch(s, false);
    free(TAKE(s->bus_name_owner));
}

static void bus_name_owner_changed(struct unit *u, const char *owner) {
    struct service *s = SERVICE(u);
    bool had = s->bus_name_owner;
    free(s->bus_name_owner);
    s->bus_name_owner = owner && *owner ? strdup(owner) : NULL;
    if (s->bus_name_owner && !had)
        service_event(s, EV_NAME_ACQUIRED, SERVICE_SUCCESS);
    else if (!s->bus_name_owner && had)
        service_event(s, EV_NAME_LOST, SERVICE_SUCCESS);
}

/* --- the type ------------------------------------------------------------------------------------------------------------- */
static void service_init(struct unit *u) {
    struct service *s = SERVICE(u);
    s->socket_fd = -1;
    s->notify_access = -1;
    s->timer.when = USEC_INFINITY;
}

static void service_done(struct unit *u) {
    struct service *s = SERVICE(u);
    timer_stop(&s->timer);
    if (s->watchdog_timer)
        timer_stop(s->watchdog_timer);
    free(s->watchdog_timer);
    service_unwatch_pid_file(s);
    if (s->bus_name_owner)
        service_unwatch_bus_name(s);
    free(s->status_text);
    free(s->bus_error);
    strv_free(s->runtime_directories);
    free(s->credentials_directory);
    free(s->exec_status);
    if (s->socket_fd >= 0 && !u->manager->p->reloading) /* a reload claims it again by its number */
        close(s->socket_fd);
}

static int service_start(struct unit *u) {
    return service_event(SERVICE(u), EV_START, SERVICE_SUCCESS);
}

static int service_stop(struct unit *u) {
    return service_event(SERVICE(u), EV_STOP, SERVICE_SUCCESS);
}

static int service_reload(struct unit *u) {
    return service_event(SERVICE(u), EV_RELOAD, SERVICE_SUCCESS);
}

static void start_limit_reached(struct unit *u) {
    /* Keeps the result of the last failure, which is why it was started so often. */
    service_enter_dead(SERVICE(u), SERVICE_FAILURE_START_LIMIT_HIT, false);
}

static bool can_reload(struct unit *u) {
    return unit_commands(u->file, D_ExecReload) || service_type(SERVICE(u)) == SERVICE_TYPE_NOTIFY_RELOAD;
}

static enum active_state service_active_state(const struct unit *u) {
    const struct service *s = SERVICE(u);
    return service_state_active(s, s->state);
}

static const char *service_sub_state(const struct unit *u) {
    return service_state_to_string(SERVICE(u)->state);
}

static void service_reset_failed(struct unit *u) {
    struct service *s = SERVICE(u);
    if (s->state == SERVICE_FAILED)
        service_set_state(s, SERVICE_DEAD);
    s->result = s->reload_result = s->clean_result = SERVICE_SUCCESS;
    s->n_restarts = 0;
    s->reset_restarts = false;
}

static pid_t main_pid(const struct unit *u) {
    return SERVICE(u)->main_pid;
}

static pid_t control_pid(const struct unit *u) {
    return SERVICE(u)->control_pid;
}

static int exit_status(const struct unit *u) {
    const struct service *s = SERVICE(u);
    return s->main_status.code == CLD_EXITED ? s->main_status.status : -1;
}

/* A oneshot that stays active afterwards has "finished", one that does not is not "started" either. */
static const char *message_end(const struct unit *u, int type, int result) {
    if (type == JOB_START && result == JOB_DONE && service_type(SERVICE(u)) == SERVICE_TYPE_ONESHOT)
        return "Finished %s.";
    return NULL;
}

const struct unit_ops service_ops = {
    .type = UNIT_SERVICE,
    .size = sizeof(struct service),
    .init = service_init,
    .done = service_done,
    .load = service_load,
    .coldplug = service_coldplug,
    .start = service_start,
    .start_limit_reached = start_limit_reached,
    .stop = service_stop,
    .reload = service_reload,
    .can_reload = can_reload,
    .can_start = true,
    .active_state = service_active_state,
    .sub_state = service_sub_state,
    .reset_failed = service_reset_failed,
    .child_exited = child_exited,
    .processes_gone = processes_gone,
    .processes_left = processes_left,
    .notify_message = service_notify_message,
    .bus_name_owner_changed = bus_name_owner_changed,
    .main_pid = main_pid,
    .control_pid = control_pid,
    .serialize = service_serialize,
    .deserialize = service_deserialize,
    .exec_succeeded = exec_succeeded,
    .exit_status = exit_status,
    .message_end = message_end,
};
