/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: their states and what leads from one to the next. systemd.socket(5). What arrives is in
 * socket_trigger.c, how a port is opened in socket_listen.c. */
#include "base/fd.h"
#include "engine/queue.h"
#include "engine/service.h"
#include "engine/socket_listen.h"
#include "engine/socket_private.h"
#include "engine/types.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const struct {
    const char *name;
    enum active_state active;
} states[SOCKET_STATES] = {
    [SOCKET_DEAD] = { "dead", ACTIVE_INACTIVE },
    [SOCKET_START_PRE] = { "start-pre", ACTIVE_ACTIVATING },
    [SOCKET_START_CHOWN] = { "start-chown", ACTIVE_ACTIVATING },
    [SOCKET_START_POST] = { "start-post", ACTIVE_ACTIVATING },
    [SOCKET_LISTENING] = { "listening", ACTIVE_ACTIVE },
    [SOCKET_RUNNING] = { "running", ACTIVE_ACTIVE },
    [SOCKET_STOP_PRE] = { "stop-pre", ACTIVE_DEACTIVATING },
    [SOCKET_STOP_PRE_SIGTERM] = { "stop-pre-sigterm", ACTIVE_DEACTIVATING },
    [SOCKET_STOP_PRE_SIGKILL] = { "stop-pre-sigkill", ACTIVE_DEACTIVATING },
    [SOCKET_STOP_POST] = { "stop-post", ACTIVE_DEACTIVATING },
    [SOCKET_FINAL_SIGTERM] = { "final-sigterm", ACTIVE_DEACTIVATING },
    [SOCKET_FINAL_SIGKILL] = { "final-sigkill", ACTIVE_DEACTIVATING },
    [SOCKET_FAILED] = { "failed", ACTIVE_FAILED },
    [SOCKET_CLEANING] = { "cleaning", ACTIVE_MAINTENANCE },
};

static const char *const results[SOCKET_RESULTS] = {
    [SOCKET_SUCCESS] = "success",
    [SOCKET_FAILURE_RESOURCES] = "resources",
    [SOCKET_FAILURE_TIMEOUT] = "timeout",
    [SOCKET_FAILURE_EXIT_CODE] = "exit-code",
    [SOCKET_FAILURE_SIGNAL] = "signal",
    [SOCKET_FAILURE_CORE_DUMP] = "core-dump",
    [SOCKET_FAILURE_START_LIMIT_HIT] = "start-limit-hit",
    [SOCKET_FAILURE_TRIGGER_LIMIT_HIT] = "trigger-limit-hit",
    [SOCKET_FAILURE_SERVICE_START_LIMIT_HIT] = "service-start-limit-hit",
};

const char *socket_state_to_string(enum socket_state state) {
    return state >= 0 && state < SOCKET_STATES ? states[state].name : NULL;
}

const char *socket_result_to_string(enum socket_result result) {
    return result >= 0 && result < SOCKET_RESULTS ? results[result] : NULL;
}

static enum active_state socket_active_state(const struct unit *u) {
    return states[SOCKET(u)->state].active;
}

static const char *socket_sub_state(const struct unit *u) {
    return states[SOCKET(u)->state].name;
}

/* --- ports --------------------------------------------------------------------------------------------- */

static void close_ports(struct socket_unit *s) {
    socket_unwatch_ports(s);
    for (size_t i = 0; i < s->n_ports; i++) {
        timer_stop(&s->ports[i].again);
        s->ports[i].poll_limit = (struct rate_limit){};
        if (s->ports[i].fd < 0)
            continue;
        s->ports[i].fd = fd_close(s->ports[i].fd);
        socket_listen_remove(s->unit.file, s->ports[i].address);
    }
}

int socket_open_ports(struct socket_unit *s) {
    struct unit *u = &s->unit;
    for (size_t i = 0; i < s->n_ports; i++) {
        struct socket_port *p = &s->ports[i];
        const char *doing;
        if (p->fd >= 0)
            continue;
        int r = socket_listen_open(u->id, u->file, p->address, &p->fd, &doing);
        if (r < 0) {
            unit_log(u, LOG_ERR, "Failed to %s (%s): %s", doing, p->address->text, strerror(-r));
            return r;
        }
        socket_listen_link(u->id, u->file, p->address);
    }
    return 0;
}

/* --- states -------------------------------------------------------------------------------------------- */

/* States in which a control process may run, and TimeoutSec= with it. */
static bool has_control(enum socket_state state) {
    return state != SOCKET_DEAD && state != SOCKET_LISTENING && state != SOCKET_RUNNING &&
           state != SOCKET_FAILED;
}

void socket_set_state(struct socket_unit *s, enum socket_state state) {
    struct unit *u = &s->unit;
    enum active_state before = socket_active_state(u);
    if (s->state != state)
        unit_log(u, LOG_DEBUG, "Changed %s -> %s", states[s->state].name, states[state].name);
    s->state = state;
    if (!has_control(state)) {
        timer_stop(&s->timer);
        if (s->control_pid > 0)
            unit_unwatch_pid(u, s->control_pid);
        s->control_pid = 0;
    }
    if (state != SOCKET_LISTENING)
        socket_unwatch_ports(s);
    if (!socket_is_open_in(state))
        close_ports(s);
    unit_notify(u, before, socket_active_state(u), 0);
}

static void note_result(struct socket_unit *s, enum socket_result result) {
    if (s->result == SOCKET_SUCCESS)
        s->result = result;
}

static usec_t timeout_of(const struct unit *u) {
    return unit_setting_written(u->file, D_SocketTimeoutSec) ? unit_usec(u->file, D_SocketTimeoutSec)
                                                             : u->manager->default_timeout_start;
}

static void arm_timer(struct socket_unit *s) {
    usec_t when = usec_add(now(CLOCK_MONOTONIC), timeout_of(&s->unit));
    timer_set(s->unit.manager->loop, &s->timer, when);
}

static void enter_dead(struct socket_unit *s, enum socket_result result) {
    note_result(s, result);
    unit_log_end(&s->unit, s->result == SOCKET_SUCCESS ? NULL : results[s->result]);
    socket_set_state(s, s->result == SOCKET_SUCCESS ? SOCKET_DEAD : SOCKET_FAILED);
    unit_close_log(&s->unit);
}

static const struct exec_command *command_at(const struct socket_unit *s, enum socket_exec exec,
                                             size_t index) {
    static const enum directive directives[SOCKET_EXECS] = { D_ExecStartPre, D_ExecStartPost, D_ExecStopPre,
                                                             D_ExecStopPost };
    const struct exec_command_list *list = unit_commands(s->unit.file, directives[exec]);
    return list && index < list->n ? list->commands[index] : NULL;
}

/* Runs a command of the list. 1: it runs; 0: there is none; negative errno. */
static int run_control(struct socket_unit *s, enum socket_exec exec, size_t index) {
    const struct exec_command *command = command_at(s, exec, index);
    if (!command)
        return 0;
    pid_t pid;
    struct spawn_extra extra = { .stdin_fd = -1 };
    _cleanup_strv_ char **names = NULL;
    _cleanup_free_ int *fds = NULL;
    int r = unit_bool(s->unit.file, D_PassFileDescriptorsToExec)
                ? socket_collect_fds(&s->unit, &fds, &names, &extra.n_listen_fds)
                : 0;
    extra.listen_fds = fds;
    extra.listen_names = names;
    extra.n_sockets = extra.n_listen_fds;
    if (r >= 0)
        r = unit_spawn(&s->unit, command, EXEC_CONTROL, &extra, &pid);
    if (r < 0)
        return r;
    s->control_pid = pid;
    s->control_exec = exec;
    s->control_index = index;
    arm_timer(s);
    return 1;
}

static void enter_stop_post(struct socket_unit *s, enum socket_result result);

static void enter_signal(struct socket_unit *s, enum socket_state state, enum socket_result result) {
    bool kill_now = state == SOCKET_STOP_PRE_SIGKILL || state == SOCKET_FINAL_SIGKILL;
    bool final = state == SOCKET_FINAL_SIGTERM || state == SOCKET_FINAL_SIGKILL;
    note_result(s, result);
    int r = unit_kill_context(&s->unit, kill_now ? KILL_KILL : KILL_TERMINATE, 0, s->control_pid, false);
    if (r < 0)
        unit_log(&s->unit, LOG_WARNING, "Failed to kill processes: %s", strerror(-r));
    if (r > 0) {
        arm_timer(s);
        socket_set_state(s, state);
    } else if (final)
        enter_dead(s, r < 0 ? SOCKET_FAILURE_RESOURCES : SOCKET_SUCCESS);
    else
        enter_stop_post(s, r < 0 ? SOCKET_FAILURE_RESOURCES : SOCKET_SUCCESS);
}

static void enter_stop_post(struct socket_unit *s, enum socket_result result) {
    note_result(s, result);
    int r = run_control(s, SOCKET_EXEC_STOP_POST, 0);
    if (r > 0)
        socket_set_state(s, SOCKET_STOP_POST);
    else
        enter_signal(s, SOCKET_FINAL_SIGTERM, r < 0 ? SOCKET_FAILURE_RESOURCES : SOCKET_SUCCESS);
}

void socket_enter_stop_pre(struct socket_unit *s, enum socket_result result) {
    note_result(s, result);
    int r = run_control(s, SOCKET_EXEC_STOP_PRE, 0);
    if (r > 0)
        socket_set_state(s, SOCKET_STOP_PRE);
    else
        enter_stop_post(s, r < 0 ? SOCKET_FAILURE_RESOURCES : SOCKET_SUCCESS);
}

void socket_enter_listening(struct socket_unit *s) {
    if (!unit_bool(s->unit.file, D_Accept) && unit_bool(s->unit.file, D_FlushPending))
        for (size_t i = 0; i < s->n_ports; i++)
            if (s->ports[i].fd >= 0)
                socket_listen_flush(s->ports[i].address, s->ports[i].fd);
    if (socket_watch_ports(s) < 0)
        socket_enter_stop_pre(s, SOCKET_FAILURE_RESOURCES);
    else
        socket_set_state(s, SOCKET_LISTENING);
}

static void enter_start_post(struct socket_unit *s) {
    int r = run_control(s, SOCKET_EXEC_START_POST, 0);
    if (r > 0)
        socket_set_state(s, SOCKET_START_POST);
    else if (r < 0)
        socket_enter_stop_pre(s, SOCKET_FAILURE_RESOURCES);
    else
        socket_enter_listening(s);
}

static void enter_open(struct socket_unit *s) {
    if (socket_open_ports(s) < 0)
        socket_enter_stop_pre(s, SOCKET_FAILURE_RESOURCES);
    else
        enter_start_post(s);
}

static void enter_start_pre(struct socket_unit *s) {
    int r = run_control(s, SOCKET_EXEC_START_PRE, 0);
    if (r > 0)
        socket_set_state(s, SOCKET_START_PRE);
    else if (r < 0)
        enter_dead(s, SOCKET_FAILURE_RESOURCES);
    else
        enter_open(s);
}

/* --- jobs ---------------------------------------------------------------------------------------------- */

/* The descriptors could not be handed to a service that runs already. */
static int check_service(struct socket_unit *s) {
    struct unit *service = s->service;
    if (!service)
        return 0;
    if (service->file->state != LOAD_LOADED) {
        unit_log(&s->unit, LOG_ERR, "Socket service %s not loaded, refusing.", service->id);
        return -ENOENT;
    }
    if (service->ops->type == UNIT_SERVICE && !inactive_or_failed(unit_active_state(service)) &&
        SERVICE(service)->state != SERVICE_AUTO_RESTART &&
        SERVICE(service)->state != SERVICE_AUTO_RESTART_QUEUED) {
        unit_log(&s->unit, LOG_ERR, "Socket service %s already active, refusing.", service->id);
        return -EBUSY;
    }
    return 0;
}

static int socket_start(struct unit *u) {
    struct socket_unit *s = SOCKET(u);
    if (socket_active_state(u) == ACTIVE_DEACTIVATING || s->state == SOCKET_CLEANING)
        return -EAGAIN;
    if (s->state != SOCKET_DEAD && s->state != SOCKET_FAILED)
        return 0;
    int r = check_service(s);
    if (r >= 0)
        r = unit_new_invocation(u);
    if (r < 0)
        return r;
    s->result = SOCKET_SUCCESS;
    s->trigger_limit = (struct rate_limit){};
    enter_start_pre(s);
    return 0;
}

static int socket_stop(struct unit *u) {
    struct socket_unit *s = SOCKET(u);
    switch (s->state) {
    case SOCKET_START_PRE:
    case SOCKET_START_CHOWN:
    case SOCKET_START_POST:
        enter_signal(s, SOCKET_STOP_PRE_SIGTERM, SOCKET_SUCCESS);
        return -EAGAIN;
    case SOCKET_LISTENING:
    case SOCKET_RUNNING:
        socket_enter_stop_pre(s, SOCKET_SUCCESS);
        return 0;
    default:
        return 0; /* on its way */
    }
}

static void start_limit_reached(struct unit *u) {
    struct socket_unit *s = SOCKET(u);
    if (s->control_pid <= 0) /* on its way up only this request is refused */
        enter_dead(s, SOCKET_FAILURE_START_LIMIT_HIT);
}

/* --- events -------------------------------------------------------------------------------------------- */

/* What follows when the last command of the state ended with this result, or there is nothing left to signal.
 */
static void control_done(struct socket_unit *s, enum socket_result result) {
    switch (s->state) {
    case SOCKET_START_PRE:
        if (result == SOCKET_SUCCESS)
            enter_open(s);
        else
            enter_signal(s, SOCKET_FINAL_SIGTERM, result);
        break;
    case SOCKET_START_POST:
        if (result == SOCKET_SUCCESS)
            socket_enter_listening(s);
        else
            socket_enter_stop_pre(s, result);
        break;
    case SOCKET_STOP_PRE:
    case SOCKET_STOP_PRE_SIGTERM:
    case SOCKET_STOP_PRE_SIGKILL:
        enter_stop_post(s, result);
        break;
    case SOCKET_STOP_POST:
        enter_signal(s, SOCKET_FINAL_SIGTERM, result);
        break;
    case SOCKET_FINAL_SIGTERM:
    case SOCKET_FINAL_SIGKILL:
        enter_dead(s, result);
        break;
    default:
        unit_log(&s->unit, LOG_DEBUG, "A control process ended in state %s.", states[s->state].name);
    }
}

static void child_exited(struct unit *u, pid_t pid, int code, int status) {
    struct socket_unit *s = SOCKET(u);
    if (pid != s->control_pid)
        return;
    s->control_pid = 0;
    enum socket_result result = code == CLD_EXITED   ? status == 0 ? SOCKET_SUCCESS : SOCKET_FAILURE_EXIT_CODE
                                : code == CLD_DUMPED ? SOCKET_FAILURE_CORE_DUMP
                                                     : SOCKET_FAILURE_SIGNAL;
    const struct exec_command *command = command_at(s, s->control_exec, s->control_index);
    if (command && (command->flags & EXEC_IGNORE_FAILURE))
        result = SOCKET_SUCCESS;
    unit_log_process_exit(u, "Control", result == SOCKET_SUCCESS, code, status);
    note_result(s, result);
    bool signalled = s->state != SOCKET_START_PRE && s->state != SOCKET_START_POST &&
                     s->state != SOCKET_STOP_PRE && s->state != SOCKET_STOP_POST;
    timer_stop(&s->timer);
    if (result == SOCKET_SUCCESS && !signalled) {
        int r = run_control(s, s->control_exec, s->control_index + 1);
        if (r > 0) {
            unit_changed(u);
            return;
        }
        if (r < 0)
            result = SOCKET_FAILURE_RESOURCES;
    }
    control_done(s, result);
}

/* All that a control process left behind is gone, too: what waited for that goes on. */
static void processes_gone(struct unit *u) {
    struct socket_unit *s = SOCKET(u);
    if (s->control_pid > 0)
        return;
    if (s->state == SOCKET_STOP_PRE_SIGTERM || s->state == SOCKET_STOP_PRE_SIGKILL)
        enter_stop_post(s, SOCKET_SUCCESS);
    else if (s->state == SOCKET_FINAL_SIGTERM || s->state == SOCKET_FINAL_SIGKILL)
        enter_dead(s, SOCKET_SUCCESS);
}

void socket_on_timer(struct timer *timer, void *userdata) {
    struct unit *u = userdata;
    struct socket_unit *s = SOCKET(u);
    bool may_kill = unit_bool(u->file, D_SendSIGKILL);
    switch (s->state) {
    case SOCKET_START_PRE:
        unit_log(u, LOG_WARNING, "Starting timed out. Terminating.");
        enter_signal(s, SOCKET_FINAL_SIGTERM, SOCKET_FAILURE_TIMEOUT);
        break;
    case SOCKET_START_CHOWN:
    case SOCKET_START_POST:
        unit_log(u, LOG_WARNING, "Starting timed out. Stopping.");
        enter_signal(s, SOCKET_STOP_PRE_SIGTERM, SOCKET_FAILURE_TIMEOUT);
        break;
    case SOCKET_STOP_PRE:
        unit_log(u, LOG_WARNING, "Stopping timed out. Terminating.");
        enter_signal(s, SOCKET_STOP_PRE_SIGTERM, SOCKET_FAILURE_TIMEOUT);
        break;
    case SOCKET_STOP_PRE_SIGTERM:
        unit_log(u, LOG_WARNING, "Stopping timed out. %s",
                 may_kill ? "Killing." : "Skipping SIGKILL. Ignoring.");
        if (may_kill)
            enter_signal(s, SOCKET_STOP_PRE_SIGKILL, SOCKET_FAILURE_TIMEOUT);
        else
            enter_stop_post(s, SOCKET_FAILURE_TIMEOUT);
        break;
    case SOCKET_STOP_PRE_SIGKILL:
        unit_log(u, LOG_WARNING, "Processes still around after SIGKILL. Ignoring.");
        enter_stop_post(s, SOCKET_FAILURE_TIMEOUT);
        break;
    case SOCKET_STOP_POST:
        unit_log(u, LOG_WARNING, "Stopping timed out (2). Terminating.");
        enter_signal(s, SOCKET_FINAL_SIGTERM, SOCKET_FAILURE_TIMEOUT);
        break;
    case SOCKET_FINAL_SIGTERM:
        unit_log(u, LOG_WARNING, "Stopping timed out (2). %s",
                 may_kill ? "Killing." : "Skipping SIGKILL. Ignoring.");
        if (may_kill)
            enter_signal(s, SOCKET_FINAL_SIGKILL, SOCKET_FAILURE_TIMEOUT);
        else
            enter_dead(s, SOCKET_FAILURE_TIMEOUT);
        break;
    case SOCKET_FINAL_SIGKILL:
        unit_log(u, LOG_WARNING, "Still around after SIGKILL (2). Entering failed mode.");
        enter_dead(s, SOCKET_FAILURE_TIMEOUT);
        break;
    default:
        break;
    }
}

static void reset_failed(struct unit *u) {
    struct socket_unit *s = SOCKET(u);
    s->result = s->clean_result = SOCKET_SUCCESS;
    if (s->state == SOCKET_FAILED)
        socket_set_state(s, SOCKET_DEAD);
}

/* --- the type ------------------------------------------------------------------------------------------ */

static void socket_init(struct unit *u) {
    SOCKET(u)->timer = (struct timer){
        .when = USEC_INFINITY, .clock = CLOCK_MONOTONIC, .handler = socket_on_timer, .userdata = u
    };
}

static void socket_done(struct unit *u) {
    timer_stop(&SOCKET(u)->timer);
    socket_drop_ports(SOCKET(u));
}

int socket_coldplug(struct unit *u) {
    struct socket_unit *s = SOCKET(u);
    if (has_control(s->state)) {
        if (s->control_pid > 0 && unit_watch_pid(u, s->control_pid) < 0)
            unit_log(u, LOG_WARNING, "No memory to watch process %d.", s->control_pid);
        arm_timer(s);
    }
    socket_count_connections(s);
    /* Ports that the files list only since the reload. */
    if (s->state == SOCKET_LISTENING || s->state == SOCKET_RUNNING)
        (void)socket_open_ports(s);
    if (s->state == SOCKET_LISTENING)
        (void)socket_watch_ports(s); /* or in catch_up() */
    return 0;
}

/* A socket that listens and is not watched would keep its clients waiting for ever: better that it is seen to be
 * down. */
static void catch_up(struct unit *u) {
    struct socket_unit *s = SOCKET(u);
    if (s->state == SOCKET_LISTENING && socket_watch_ports(s) < 0)
        socket_enter_stop_pre(s, SOCKET_FAILURE_RESOURCES);
}

static bool may_collect(const struct unit *u) {
    return SOCKET(u)->n_connections == 0;
}

static pid_t control_pid(const struct unit *u) {
    return SOCKET(u)->control_pid;
}

static const char *message_end(const struct unit *u, int type, int result) {
    if (type == JOB_START)
        return result == JOB_DONE     ? "Listening on %s."
               : result == JOB_FAILED ? "Failed to listen on %s."
                                      : NULL;
    if (type == JOB_STOP || type == JOB_RESTART)
        return result == JOB_DONE ? "Closed %s." : result == JOB_FAILED ? "Failed stopping %s." : NULL;
    return NULL;
}

const struct unit_ops socket_ops = {
    .type = UNIT_SOCKET,
    .size = sizeof(struct socket_unit),
    .can_start = true,
    .init = socket_init,
    .done = socket_done,
    .load = socket_load,
    .coldplug = socket_coldplug,
    .catch_up = catch_up,
    .start = socket_start,
    .start_limit_reached = start_limit_reached,
    .stop = socket_stop,
    .active_state = socket_active_state,
    .sub_state = socket_sub_state,
    .may_collect = may_collect,
    .reset_failed = reset_failed,
    .child_exited = child_exited,
    .processes_gone = processes_gone,
    .trigger_notify = socket_trigger_notify,
    .control_pid = control_pid,
    .serialize = socket_serialize,
    .deserialize = socket_deserialize,
    .message_end = message_end,
};
