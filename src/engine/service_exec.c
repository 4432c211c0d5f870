/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of a service: which one runs, with what, and how each went. systemd.service(5), systemd.exec(5)
 * "Environment Variables in Spawned Processes". */
#include "engine/service_private.h"
#include "engine/socket.h"
#include "syntax/names.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static const enum directive exec_directives[SERVICE_EXECS] = {
    [SERVICE_EXEC_CONDITION] = D_ExecCondition, [SERVICE_EXEC_START_PRE] = D_ExecStartPre,
    [SERVICE_EXEC_START] = D_ExecStart,         [SERVICE_EXEC_START_POST] = D_ExecStartPost,
    [SERVICE_EXEC_RELOAD] = D_ExecReload,       [SERVICE_EXEC_STOP] = D_ExecStop,
    [SERVICE_EXEC_STOP_POST] = D_ExecStopPost,
};

enum directive service_exec_directive(enum service_exec exec) {
    return exec_directives[exec];
}

static const struct exec_command *command_at(const struct service *s, enum service_exec exec, size_t index) {
    const struct exec_command_list *list = unit_commands(s->unit.file, exec_directives[exec]);
    return list && index < list->n ? list->commands[index] : NULL;
}

const struct exec_command *service_control_command(const struct service *s) {
    return command_at(s, s->control_exec, s->control_index);
}

const struct exec_command *service_main_command(const struct service *s) {
    return service_type(s) == SERVICE_TYPE_FORKING ? NULL : command_at(s, SERVICE_EXEC_START, s->main_index);
}

/* --- how they went ------------------------------------------------------------------------------------------------ */
static size_t n_commands(const struct service *s, int exec) {
    const struct exec_command_list *list = unit_commands(s->unit.file, exec_directives[exec]);
    return list ? list->n : 0;
}

struct exec_status *service_exec_record(struct service *s, enum service_exec exec, size_t index) {
    size_t before = 0, all = 0;
    if (index >= n_commands(s, exec))
        return NULL;
    for (int i = 0; i < SERVICE_EXECS; i++) {
        before += i < (int)exec ? n_commands(s, i) : 0;
        all += n_commands(s, i);
    }
    /* The one command of a plain service is its main process: that record is kept anyway. */
    if (all == 1 && exec == SERVICE_EXEC_START && service_type(s) != SERVICE_TYPE_FORKING)
        return &s->main_status;
    if (!s->exec_status)
        s->exec_status = calloc(all, sizeof(struct exec_status));
    return s->exec_status ? &s->exec_status[before + index] : NULL;
}

const struct exec_status *service_exec_status(const struct service *s, enum service_exec exec, size_t index) {
    bool any = s->exec_status || s->main_status.pid > 0;
    return any ? service_exec_record((struct service *)s, exec, index) : NULL;
}

void service_reset_statuses(struct service *s) {
    free(TAKE(s->exec_status));
    s->main_status = (struct exec_status){};
}

void service_record_exit(struct service *s, enum service_exec exec, size_t index, pid_t pid, int code, int status) {
    struct exec_status *e = service_exec_record(s, exec, index);
    if (!e)
        return;
    e->pid = pid;
    e->exit = dual_now();
    e->code = code;
    e->status = status;
}

static void record_start(struct service *s, enum service_exec exec, size_t index, pid_t pid) {
    struct exec_status *e = service_exec_record(s, exec, index);
    if (e)
        *e = (struct exec_status){ .pid = pid, .start = dual_now() };
}

/* --- what they get ------------------------------------------------------------------------------------------------ */
static int result_environment(const struct service *s, char ***env) {
    const struct exec_status *e = &s->main_status;
    int r = strv_addf(env, "SERVICE_RESULT=%s", service_result_to_string(s->result));
    if (r < 0 || e->exit.monotonic == 0)
        return r;
    r = strv_addf(env, "EXIT_CODE=%s", e->code == CLD_EXITED ? "exited" : e->code == CLD_KILLED ? "killed" : "dumped");
    if (r < 0)
        return r;
    return e->code == CLD_EXITED ? strv_addf(env, "EXIT_STATUS=%d", e->status)
                                 : strv_addf(env, "EXIT_STATUS=%s", signal_to_string(e->status));
}

/* What a unit that OnFailure= or OnSuccess= started learns of the one it was started for. With several there is no
 * telling which it was. */
static int monitor_environment(const struct service *s, char ***env) {
    const struct unit *monitored = NULL;
    UNIT_FOREACH_EDGE(e, &s->unit, DEP_BIT(DEP_ON_FAILURE_OF) | DEP_BIT(DEP_ON_SUCCESS_OF)) {
        if (monitored)
            return 0;
        monitored = e->other;
    }
    if (!monitored || monitored->ops->type != UNIT_SERVICE)
        return 0;
    const struct service *other = SERVICE(monitored);
    char id[33];
    _cleanup_strv_ char **plain = NULL;
    int r = result_environment(other, &plain);
    STRV_FOREACH(e, plain)
        if (r >= 0)
            r = strv_addf(env, "MONITOR_%s", *e);
    if (r >= 0)
        r = strv_addf(env, "MONITOR_INVOCATION_ID=%s", id128_to_string(monitored->invocation, id));
    return r < 0 ? r : strv_addf(env, "MONITOR_UNIT=%s", monitored->id);
}

/* The listening sockets of every socket unit that triggers the service, in order. */
static int collect_sockets(struct service *s, int **fds, char ***names, size_t *n) {
    UNIT_FOREACH_EDGE(e, &s->unit, DEP_BIT(DEP_TRIGGERED_BY)) {
        if (e->other->ops->type != UNIT_SOCKET)
            continue;
        int r = socket_collect_fds(e->other, fds, names, n);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool may_notify(const struct service *s, bool control) {
    int access = s->notify_access >= 0 ? s->notify_access : (int)unit_number(s->unit.file, D_NotifyAccess);
    return control ? access == NOTIFY_ACCESS_ALL || access == NOTIFY_ACCESS_EXEC : access != NOTIFY_ACCESS_NONE;
}

static int spawn(struct service *s, enum service_exec exec, size_t index, bool control, pid_t *ret_pid) {
    _cleanup_strv_ char **env = NULL, **names = NULL;
    _cleanup_free_ int *fds = NULL;
    size_t n_fds = 0;
    int r = 0;
    STRV_FOREACH(e, s->unit.activation)
        if (r >= 0)
            r = strv_addf(&env, "%s", *e);
    if (r >= 0 && control && s->main_pid > 0)
        r = strv_addf(&env, "MAINPID=%d", s->main_pid);
    if (r >= 0 && (exec == SERVICE_EXEC_STOP || exec == SERVICE_EXEC_STOP_POST))
        r = result_environment(s, &env);
    if (r >= 0 && (exec == SERVICE_EXEC_CONDITION || exec == SERVICE_EXEC_START_PRE || exec == SERVICE_EXEC_START))
        r = monitor_environment(s, &env);
    if (r >= 0 && exec == SERVICE_EXEC_START)
        r = s->socket_fd >= 0 ? socket_collect_connection(s->socket_fd, &fds, &names, &n_fds, &env)
                              : collect_sockets(s, &fds, &names, &n_fds);
    size_t n_sockets = n_fds;
    unsigned store_most = (unsigned)unit_number(s->unit.file, D_FileDescriptorStoreMax);
    if (r >= 0 && exec == SERVICE_EXEC_START)
        r = fd_store_collect(s, &fds, &names, &n_fds);
    if (r >= 0 && store_most > 0)
        r = strv_addf(&env, "FDSTORE=%u", store_most);
    if (r < 0) {
        unit_log(&s->unit, LOG_ERR, "No memory to start a process.");
        return r;
    }
    struct spawn_extra extra = {
        .env = env,
        .listen_fds = fds,
        .listen_names = names,
        .n_listen_fds = n_fds,
        .n_sockets = n_sockets,
        /* StandardInput=socket: the connection, or the one socket there is. */
        .stdin_fd = s->socket_fd >= 0 ? s->socket_fd : n_sockets == 1 ? fds[0] : -1,
        .notify = may_notify(s, control),
        .opens_files = exec == SERVICE_EXEC_START,
        .idle = exec == SERVICE_EXEC_START && service_type(s) == SERVICE_TYPE_IDLE,
        .watchdog_usec = exec == SERVICE_EXEC_START ? unit_usec(s->unit.file, D_WatchdogSec) : 0,
        .ret_runtime_directories = &s->runtime_directories,
        .ret_credentials_directory = &s->credentials_directory,
    };
    const struct exec_command *command = command_at(s, exec, index);
    r = unit_spawn(&s->unit, command, control && exec != SERVICE_EXEC_START ? EXEC_CONTROL : EXEC_MAIN, &extra,
                   ret_pid);
    if (r >= 0)
        record_start(s, exec, index, *ret_pid);
    return r;
}

int service_run_control(struct service *s, enum service_exec exec, size_t index, usec_t timeout) {
    if (!command_at(s, exec, index))
        return 0;
    service_arm_timer(s, timeout);
    pid_t pid;
    int r = spawn(s, exec, index, true, &pid);
    if (r < 0) {
        timer_stop(&s->timer);
        return r;
    }
    s->control_exec = exec;
    s->control_index = index;
    s->control_pid = pid;
    unit_changed(&s->unit);
    return 1;
}

int service_run_main(struct service *s, size_t index, usec_t timeout) {
    if (!command_at(s, SERVICE_EXEC_START, index))
        return 0;
    service_arm_timer(s, timeout);
    pid_t pid;
    int r = spawn(s, SERVICE_EXEC_START, index, false, &pid);
    if (r < 0) {
        timer_stop(&s->timer);
        return r;
    }
    s->main_index = index;
    s->main_pid = pid;
    s->main_pid_known = true;
    s->main_pid_alien = false;
    s->main_status = (struct exec_status){ .pid = pid, .start = dual_now() };
    unit_changed(&s->unit);
    return 1 + r;
}
