/* SPDX-License-Identifier: Apache-2.0 */
/* A service's state as text and back, and taking it up again after a reload or re-execution. */
#include "engine/serialize.h"
#include "engine/service_private.h"
#include "engine/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int find(const char *(*name_of)(int), int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(name_of(i), name) == 0)
            return i;
    return -EINVAL;
}

static const char *state_name(int i) {
    return service_state_to_string((enum service_state)i);
}

static const char *result_name(int i) {
    return service_result_to_string((enum service_result)i);
}

static const char *exec_name(int i) {
    return directive_row(service_exec_directive((enum service_exec)i))->name;
}

static void put_status(struct text *out, const char *name, const struct exec_status *e) {
    text_addf(out, "%s=%d %llu %llu %llu %llu %d %d\n", name, e->pid, (unsigned long long)e->start.realtime,
              (unsigned long long)e->start.monotonic, (unsigned long long)e->exit.realtime,
              (unsigned long long)e->exit.monotonic, e->code, e->status);
}

static bool get_status(const char *value, struct exec_status *ret) {
    unsigned long long v[7];
    if (!get_numbers(value, v, ELEMENTS(v)))
        return false;
    *ret = (struct exec_status){ .pid = (pid_t)v[0], .start = { v[1], v[2] }, .exit = { v[3], v[4] }, .code = (int)v[5],
                                 .status = (int)v[6] };
    return true;
}

int service_serialize(const struct unit *u, struct text *out) {
    const struct service *s = SERVICE((struct unit *)u);
    put_string(out, "state", service_state_to_string(s->state));
    put_string(out, "result", service_result_to_string(s->result));
    put_string(out, "reload-result", service_result_to_string(s->reload_result));
    put_number(out, "main-pid", s->main_pid);
    put_bool(out, "main-pid-known", s->main_pid_known);
    put_bool(out, "main-pid-alien", s->main_pid_alien);
    put_number(out, "main-index", (int64_t)s->main_index);
    put_status(out, "main-status", &s->main_status);
    put_number(out, "control-pid", s->control_pid);
    put_string(out, "control-exec", exec_name(s->control_exec));
    put_number(out, "control-index", (int64_t)s->control_index);
    for (enum service_exec exec = 0; exec < SERVICE_EXECS; exec++) {
        const struct exec_command_list *list = unit_commands(u->file, service_exec_directive(exec));
        for (size_t i = 0; s->exec_status && list && i < list->n; i++) {
            char name[64];
            snprintf(name, sizeof(name), "status-%d-%zu", (int)exec, i);
            put_status(out, name, service_exec_status(s, exec, i));
        }
    }
    put_number(out, "timer", s->timer.place ? (int64_t)s->timer.when : 0);
    put_number(out, "watchdog", (int64_t)s->watchdog_usec);
    put_time(out, "watchdog-time", s->watchdog_time);
    put_number(out, "watchdog-until", (int64_t)s->watchdog_until);
    put_number(out, "reload-begin", (int64_t)s->reload_begin);
    put_number(out, "n-restarts", s->n_restarts);
    put_bool(out, "forbid-restart", s->forbid_restart);
    put_bool(out, "reset-restarts", s->reset_restarts);
    put_number(out, "notify-state", s->notify_state);
    put_number(out, "notify-access", s->notify_access);
    put_string(out, "status-text", s->status_text);
    put_number(out, "status-errno", s->status_errno);
    put_string(out, "bus-error", s->bus_error);
    put_string(out, "bus-name-owner", s->bus_name_owner);
    put_bool(out, "awaits-pid-file", s->pid_file_watch);
    STRV_FOREACH(path, s->runtime_directories)
        put_string(out, "runtime-directory", *path);
    put_string(out, "credentials-directory", s->credentials_directory);
    fd_store_serialize(s, out);
    if (s->socket_fd >= 0)
        put_fd(out, "socket-fd", s->socket_fd);
    if (s->accept_socket)
        put_string(out, "accept-socket", s->accept_socket->id);
    return out->failed ? -ENOMEM : 0;
}

static void put_back_status(struct service *s, const char *name, const char *value) {
    unsigned long long at[2]; /* the list, and the command in it */
    if (!get_numbers(name + strlen("status-"), at, 2) || at[0] >= SERVICE_EXECS)
        return;
    struct exec_status *status = service_exec_record(s, (enum service_exec)at[0], (size_t)at[1]);
    if (status)
        (void)get_status(value, status);
}

int service_deserialize(struct unit *u, const char *name, const char *value) {
    struct service *s = SERVICE(u);
    int found;
#define IS(n) (strcmp(name, n) == 0)
    if (IS("state") && (found = find(state_name, SERVICE_STATES, value)) >= 0)
        s->state = (enum service_state)found;
    else if (IS("result") && (found = find(result_name, SERVICE_RESULTS, value)) >= 0)
        s->result = (enum service_result)found;
    else if (IS("reload-result") && (found = find(result_name, SERVICE_RESULTS, value)) >= 0)
        s->reload_result = (enum service_result)found;
    else if (IS("main-pid"))
        s->main_pid = (pid_t)get_number(value);
    else if (IS("main-pid-known"))
        s->main_pid_known = get_bool(value);
    else if (IS("main-pid-alien"))
        s->main_pid_alien = get_bool(value);
    else if (IS("main-index"))
        s->main_index = (size_t)get_number(value);
    else if (IS("main-status"))
        (void)get_status(value, &s->main_status);
    else if (IS("control-pid"))
        s->control_pid = (pid_t)get_number(value);
    else if (IS("control-exec") && (found = find(exec_name, SERVICE_EXECS, value)) >= 0)
        s->control_exec = (enum service_exec)found;
    else if (IS("control-index"))
        s->control_index = (size_t)get_number(value);
    else if (strncmp(name, "status-", 7) == 0 && name[7] >= '0' && name[7] <= '9')
        put_back_status(s, name, value);
    else if (IS("timer"))
        s->timer.when = (usec_t)get_number(value);
    else if (IS("watchdog"))
        s->watchdog_usec = (usec_t)get_number(value);
    else if (IS("watchdog-time"))
        s->watchdog_time = get_time(value);
    else if (IS("watchdog-until"))
        s->watchdog_until = (usec_t)get_number(value);
    else if (IS("reload-begin"))
        s->reload_begin = (usec_t)get_number(value);
    else if (IS("n-restarts"))
        s->n_restarts = (unsigned)get_number(value);
    else if (IS("forbid-restart"))
        s->forbid_restart = get_bool(value);
    else if (IS("reset-restarts"))
        s->reset_restarts = get_bool(value);
    else if (IS("notify-state"))
        s->notify_state = (enum notify_state)get_number(value);
    else if (IS("notify-access"))
        s->notify_access = (int)get_number(value);
    else if (IS("status-text"))
        s->status_text = get_string(value);
    else if (IS("status-errno"))
        s->status_errno = (int)get_number(value);
    else if (IS("bus-error"))
        s->bus_error = get_string(value);
    else if (IS("bus-name-owner"))
        s->bus_name_owner = get_string(value);
    else if (IS("awaits-pid-file"))
        s->awaits_pid_file = get_bool(value);
    else if (IS("runtime-directory")) {
        if (strv_take(&s->runtime_directories, get_string(value)) < 0)
            state_lost();
    } else if (IS("credentials-directory"))
        s->credentials_directory = get_string(value);
    else if (IS("socket-fd"))
        s->socket_fd = get_fd(value);
    else if (IS("accept-socket"))
        (void)socket_adopt_instance(&s->unit, value);
    else
        return fd_store_deserialize(s, name, value);
#undef IS
    return 1;
}

int service_coldplug(struct unit *u) {
    struct service *s = SERVICE(u);
    usec_t when = s->timer.when;
    s->timer.when = USEC_INFINITY;
    service_watch_main_pid(s);
    if (s->control_pid > 0)
        (void)unit_watch_pid(u, s->control_pid);
    if (when > 0 && when != USEC_INFINITY)
        service_arm_timer(s, usec_sub(when, now(CLOCK_MONOTONIC)));
    service_arm_watchdog(s);
    if (service_type(s) == SERVICE_TYPE_DBUS && s->state >= SERVICE_START && s->state <= SERVICE_FINAL_SIGKILL)
        service_watch_bus_name(s);
    return 0;
}

void service_catch_up(struct unit *u) {
    struct service *s = SERVICE(u);
    if (s->awaits_pid_file)
        (void)service_watch_pid_file(s);
    s->awaits_pid_file = false;
}
