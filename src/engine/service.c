/* SPDX-License-Identifier: Apache-2.0 */
/* Services: what the settings come to, the exits of their processes, and the operations of the type. What they do is in
 * service_states.c (the table), service_enter.c and service_end.c. systemd.service(5). */
#include "engine/reap.h"
#include "engine/service_private.h"
#include "engine/socket.h"
#include "engine/types.h"
#include "syntax/names.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- what the settings come to ------------------------------------------------------------------------------------ */
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
    return unit_setting_written(f, D_TimeoutStopSec) ? unit_usec(f, D_TimeoutStopSec)
                                                     : s->unit.manager->default_timeout_stop;
}

usec_t service_timeout_abort(const struct service *s) {
    const struct unit_file *f = s->unit.file;
    return unit_setting_written(f, D_TimeoutAbortSec) ? unit_usec(f, D_TimeoutAbortSec) : service_timeout_stop(s);
}

bool service_sends_sigkill(const struct service *s) {
    return unit_bool(s->unit.file, D_SendSIGKILL);
}

int service_main_good(struct service *s) {
    if (!s->main_pid_known)
        return -1;
    if (s->main_pid_alien && s->main_pid > 0)
        return service_alien_counts(s);
    return s->main_pid > 0;
}

bool service_has_processes(struct service *s) {
    return unit_has_processes(&s->unit);
}

/* --- processes ---------------------------------------------------------------------------------------------------- */
/* `command`: it has something to do and ends by itself, other than a daemon. */
static enum service_result result_of(const struct service *s, bool command, int code, int status) {
    const struct exit_status_set *also = unit_object(s->unit.file, D_SuccessExitStatus);
    if (code == CLD_EXITED)
        return status == 0 || exit_status_set_has(also, status) ? SERVICE_SUCCESS : SERVICE_FAILURE_EXIT_CODE;
    if (code == CLD_KILLED) {
        /* Daemons may end by these; a command that has something to do may not. */
        if (s->out_of_memory)
            return SERVICE_FAILURE_OOM_KILL;
        bool clean = !command && service_type(s) != SERVICE_TYPE_ONESHOT &&
                     (status == SIGHUP || status == SIGINT || status == SIGTERM || status == SIGPIPE);
        return clean || exit_status_set_has_signal(also, status) ? SERVICE_SUCCESS : SERVICE_FAILURE_SIGNAL;
    }
    return SERVICE_FAILURE_CORE_DUMP;
}

static void main_exited(struct service *s, int code, int status) {
    /* A daemon may hand over to another process (nginx upgraded in place), if its PID file says so before it ends. */
    pid_t ended = s->main_pid;
    if (service_load_pid_file(s, false) >= 0 && s->main_pid != ended)
        return;
    enum service_result result = result_of(s, false, code, status);
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
    s->main_watch = stranger_forget(s->main_watch);
    const struct exec_command *flags_of = command ? command : forked && list ? list->commands[0] : NULL;
    if (flags_of && flags_of->flags & EXEC_IGNORE_FAILURE)
        result = SERVICE_SUCCESS;
    unit_log_process_exit(&s->unit, "Main", result == SERVICE_SUCCESS, code, status);
    service_remember_result(s, result);
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
    enum service_result result = result_of(s, s->control_exec != SERVICE_EXEC_START, code, status);
    const struct exec_command *command = service_control_command(s);
    const struct exec_command_list *list = unit_commands(s->unit.file, service_exec_directive(s->control_exec));
    service_record_exit(s, s->control_exec, s->control_index, s->control_pid, code, status);
    s->control_pid = 0;
    if (command && command->flags & EXEC_IGNORE_FAILURE)
        result = SERVICE_SUCCESS;
    /* ExecCondition=: 1 to 254 is a "no", not a failure, and a condition's. */
    if (s->state == SERVICE_CONDITION && result == SERVICE_FAILURE_EXIT_CODE && status < 255) {
        result = SERVICE_SKIP_CONDITION;
        s->unit.condition_result = false;
    }
    unit_log_process_exit(&s->unit, "Control", result == SERVICE_SUCCESS || result == SERVICE_SKIP_CONDITION, code,
                          status);
    bool reloading =
        s->state == SERVICE_RELOAD || s->state == SERVICE_RELOAD_SIGNAL || s->state == SERVICE_RELOAD_NOTIFY;
    if (!reloading)
        service_remember_result(s, result);
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

/* Whose death is told right after this has the result from it. */
static void oom_killed(struct unit *u, pid_t pid) {
    struct service *s = SERVICE(u);
    enum oom_policy policy = unit_oom_policy(u->file);
    bool awaited = pid == s->main_pid || pid == s->control_pid;
    if (policy == OOM_CONTINUE)
        return;
    if (policy == OOM_KILL) /* as memory.oom.group does */
        (void)unit_kill_context(u, KILL_KILL, pid == s->main_pid ? 0 : s->main_pid,
                                pid == s->control_pid ? 0 : s->control_pid, s->main_pid_alien);
    s->out_of_memory = awaited;
    if (!awaited)
        service_event(s, EV_OUT_OF_MEMORY, SERVICE_FAILURE_OOM_KILL);
}

static void child_exited(struct unit *u, pid_t pid, int code, int status) {
    struct service *s = SERVICE(u);
    if (pid == s->main_pid)
        main_exited(s, code, status);
    else if (pid == s->control_pid)
        control_exited(s, code, status);
    s->out_of_memory = false;
}

static void processes_gone(struct unit *u) {
    struct service *s = SERVICE(u);
    if (s->main_pid_alien && s->main_pid > 0 && service_main_good(s) == 0)
        service_forget_main_pid(s);
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

/* --- BusName= ----------------------------------------------------------------------------------------------------- */
static void ask_wires_to_watch(struct service *s, bool watch) {
    const char *name = unit_string(s->unit.file, D_BusName);
    for (struct wire *w = s->unit.manager->wires; w && name; w = w->next)
        if (w->watch_bus_name)
            w->watch_bus_name(w, name, watch);
}

void service_watch_bus_name(struct service *s) {
    if (!s->watches_name)
        ask_wires_to_watch(s, true);
    s->watches_name = true;
}

void service_unwatch_bus_name(struct service *s) {
    if (s->watches_name)
        ask_wires_to_watch(s, false);
    s->watches_name = false;
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

/* --- the type ----------------------------------------------------------------------------------------------------- */
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
    stranger_forget(s->main_watch);
    fd_store_done(s);
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
    struct service *s = SERVICE(u);
    /* On its way up: only this request is refused. (systemd forgets the processes that it has.) */
    if (s->main_pid > 0 || s->control_pid > 0)
        return;
    /* Keeps the result of the last failure, which is why it was started so often. */
    service_enter_dead(s, SERVICE_FAILURE_START_LIMIT_HIT, false);
}

static bool can_reload(struct unit *u) {
    return unit_commands(u->file, D_ExecReload) || service_type(SERVICE(u)) == SERVICE_TYPE_NOTIFY_RELOAD;
}

static enum active_state service_active_state(const struct unit *u) {
    const struct service *s = SERVICE(u);
    return service_state_active(s, s->state);
}

static const char *service_sub_state(const struct unit *u) {
    const struct service *s = SERVICE(u);
    if (s->fd_store && (s->state == SERVICE_DEAD || s->state == SERVICE_FAILED) &&
        unit_number(u->file, D_FileDescriptorStorePreserve) == PRESERVE_YES)
        return s->state == SERVICE_DEAD ? "dead-resources-pinned" : "failed-resources-pinned";
    return service_state_to_string(s->state);
}

/* FileDescriptorStorePreserve=restart: down for good is the end of the store, too. */
static void release_resources(struct unit *u) {
    struct service *s = SERVICE(u);
    if (s->fd_store && unit_number(u->file, D_FileDescriptorStorePreserve) != PRESERVE_YES)
        fd_store_release(s);
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

/* A signal that ended it as it should is no failure. */
static int own_status(const struct unit *u) {
    const struct service *s = SERVICE(u);
    if (s->main_status.code == CLD_EXITED)
        return s->main_status.status;
    bool killed = s->main_status.code == CLD_KILLED || s->main_status.code == CLD_DUMPED;
    return killed && unit_active_state(u) == ACTIVE_FAILED ? 128 + s->main_status.status : 0;
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
    .catch_up = service_catch_up,
    .start = service_start,
    .start_limit_reached = start_limit_reached,
    .stop = service_stop,
    .reload = service_reload,
    .can_reload = can_reload,
    .can_start = true,
    .active_state = service_active_state,
    .sub_state = service_sub_state,
    .release_resources = release_resources,
    .reset_failed = service_reset_failed,
    .child_exited = child_exited,
    .oom_killed = oom_killed,
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
    .own_status = own_status,
    .message_end = message_end,
};
