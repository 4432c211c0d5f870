/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that find, list and act on units without making a job. */
#include "wire/bus/internal.h"

#include "base/fd.h"
#include "base/glob.h"
#include "engine/clean.h"
#include "engine/fdstore.h"
#include "engine/scope.h"
#include "engine/service.h"
#include "engine/timer.h"
#include "syntax/words.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define COMMAND_LINE_MAX 4096 /* of what is shown of a process */

static int out_unit_path(struct out *reply, const struct unit *u) {
    char path[OBJECT_PATH_MAX];
    out_path(reply, unit_object_path(u->id, path));
    return 0;
}

struct unit *bus_unit_by_pid(struct manager *m, pid_t pid) {
    if (pid <= 0)
        return NULL;
    return pid == getpid() ? manager_get_unit(m, "init.scope") : manager_unit_by_pid(m, pid);
}

int call_unit(struct call *call, enum unit_lookup how, struct unit **ret, struct error *error) {
    struct manager *m = call->bus->manager;
    if (call->object->unit) {
        *ret = call->object->unit;
        return 0;
    }
    const char *name = arg_string(call);
    if (!*name) {
        *ret = bus_unit_by_pid(m, call->pid);
        return *ret ? 0 : error_set(error, ERROR_NO_SUCH_UNIT, "Client not member of any unit.");
    }
    if (how == UNIT_LOAD)
        return manager_load_unit(m, name, ret, error);
    *ret = manager_get_unit(m, name);
    return *ret ? 0 : error_set(error, ERROR_NO_SUCH_UNIT, "Unit %s not loaded.", name);
}

HANDLER(method_get_unit) {
    struct unit *u;
    int r = call_unit(call, (enum unit_lookup)call->method->data, &u, error);
    return r < 0 ? r : out_unit_path(reply, u);
}

static int no_unit_for_pid(struct call *call, pid_t pid) {
    return call_refuse(call, BUS_NAME ".NoUnitForPID", "PID %d does not belong to any loaded unit.", pid);
}

HANDLER(method_get_unit_by_pid) {
    uint32_t pid = arg_u32(call);
    if (pid > INT32_MAX)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid PID %u", pid);
    if (pid == 0)
        pid = (uint32_t)call->pid;
    struct unit *u = bus_unit_by_pid(call->bus->manager, (pid_t)pid);
    return u ? out_unit_path(reply, u) : no_unit_for_pid(call, (pid_t)pid);
}

pid_t bus_pid_of_pidfd(int fd) {
    char path[64];
    _cleanup_free_ char *info = NULL;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    if (file_read(path, 4096, &info, NULL) < 0)
        return 0;
    const char *line = strstr(info, "Pid:");
    return line ? (pid_t)strtol(line + strlen("Pid:"), NULL, 10) : 0;
}

HANDLER(method_get_unit_by_pidfd) {
    int fd = -1;
    dbus_message_iter_get_basic(&call->args, &fd); /* a duplicate, ours */
    pid_t pid = fd >= 0 ? bus_pid_of_pidfd(fd) : 0;
    fd_close(fd);
    if (pid <= 0)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Not a descriptor of a living process.");
    struct unit *u = bus_unit_by_pid(call->bus->manager, pid);
    if (!u)
        return no_unit_for_pid(call, pid);
    out_unit_path(reply, u);
    out_string(reply, u->id);
    out_bytes(reply, u->invocation.bytes, sizeof u->invocation.bytes);
    return 0;
}

HANDLER(method_get_unit_by_invocation) {
    const uint8_t *bytes;
    int n;
    DBusMessageIter i;
    struct unit *u;
    struct id128 id;
    dbus_message_iter_recurse(&call->args, &i);
    dbus_message_iter_get_fixed_array(&i, &bytes, &n);
    if (n == 0) { /* the caller's own */
        u = bus_unit_by_pid(call->bus->manager, call->pid);
        return u ? out_unit_path(reply, u)
                 : error_set(error, ERROR_NO_SUCH_UNIT, "Client %d not member of any unit.", call->pid);
    }
    if (n != (int)sizeof id.bytes)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid invocation ID");
    memcpy(id.bytes, bytes, sizeof id.bytes);
    u = manager_unit_by_invocation(call->bus->manager, id);
    char text[33];
    return u ? out_unit_path(reply, u)
             : call_refuse(call, BUS_NAME ".NoUnitForInvocationID",
                           "No unit with the specified invocation ID %s known.", id128_to_string(id, text));
}

#define FOREACH_UNIT(n, m)                                                                                   \
    for (struct unit_name *n = (m)->names; n; n = n->hh.next)                                                \
        if (n->name == n->unit->id)

HANDLER(method_get_unit_by_control_group) {
    const char *wanted = arg_string(call);
    struct unit *best = NULL;
    size_t length = 0;
    FOREACH_UNIT(n, call->bus->manager) {
        _cleanup_free_ char *path = unit_control_group(n->unit);
        size_t l = path ? strlen(path) : 0;
        if (l > length && strncmp(path, wanted, l) == 0 && (!wanted[l] || wanted[l] == '/')) {
            best = n->unit;
            length = l;
        }
    }
    return best ? out_unit_path(reply, best)
                : error_set(error, ERROR_NO_SUCH_UNIT,
                            "Control group '%s' is not valid or not managed by this instance", wanted);
}

/* --- lists ---------------------------------------------------------------------------------------------- */
static void out_unit_row(struct out *reply, struct unit *u) {
    char path[OBJECT_PATH_MAX], job_path[64];
    out_open(reply, DBUS_TYPE_STRUCT, NULL);
    out_string(reply, u->id);
    out_string(reply, unit_description(u));
    out_string(reply, load_state_to_string(unit_load_state(u)));
    out_string(reply, active_state_to_string(unit_active_state(u)));
    out_string(reply, unit_sub_state(u));
    out_string(reply, "");
    out_path(reply, unit_object_path(u->id, path));
    out_u32(reply, u->job ? u->job->id : 0);
    out_string(reply, u->job ? job_type_to_string(u->job->type) : "");
    out_path(reply, u->job ? job_object_path(u->job->id, job_path) : "/");
    out_close(reply);
}

static bool unit_passes(struct unit *u, char *const *states, char *const *patterns) {
    if (states && *states && !strv_contains(states, load_state_to_string(unit_load_state(u))) &&
        !strv_contains(states, unit_sub_state(u)) &&
        !strv_contains(states, active_state_to_string(unit_active_state(u))))
        return false;
    if (!patterns || !*patterns)
        return true;
    for (const struct unit_name *n = u->names; n; n = n->next)
        STRV_FOREACH(pattern, patterns)
    if (glob_match(*pattern, n->name, FNM_NOESCAPE))
        return true;
    return false;
}

HANDLER(method_list_units) {
    _cleanup_strv_ char **states = NULL, **patterns = NULL;
    if ((call->method->data > 0 && arg_strv(call, &states) < 0) ||
        (call->method->data > 1 && arg_strv(call, &patterns) < 0))
        return -ENOMEM;
    out_open(reply, DBUS_TYPE_ARRAY, "(ssssssouso)");
    FOREACH_UNIT(n, call->bus->manager)
    if (unit_passes(n->unit, states, patterns))
        out_unit_row(reply, n->unit);
    out_close(reply);
    return 0;
}

HANDLER(method_list_units_by_names) {
    _cleanup_strv_ char **names = NULL;
    if (arg_strv(call, &names) < 0)
        return -ENOMEM;
    out_open(reply, DBUS_TYPE_ARRAY, "(ssssssouso)");
    STRV_FOREACH(name, names) {
        struct unit *u;
        struct error ignored = {};
        if (unit_name_valid(*name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE) &&
            manager_load_unit(call->bus->manager, *name, &u, &ignored) >= 0)
            out_unit_row(reply, u);
    }
    out_close(reply);
    return 0;
}

/* --- signals and state ---------------------------------------------------------------------------------- */
static int kill_unit(struct call *call, struct unit *u, struct error *error) {
    const char *whom = arg_string(call);
    int32_t number = arg_i32(call);
    if (number <= 0 || number >= _NSIG)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Signal number out of range.");
    return unit_kill(u, *whom ? whom : "all", number, error);
}

HANDLER(method_kill) {
    struct unit *u;
    int r = call_unit(call, UNIT_KNOWN, &u, error);
    return r < 0 ? r : kill_unit(call, u, error);
}

/* The value that may go with a queued signal is not passed on. */
HANDLER(method_queue_signal) {
    return method_kill(call, reply, error);
}

HANDLER(method_reset_failed) {
    manager_reset_failed(call->bus->manager);
    return 0;
}

HANDLER(method_reset_failed_unit) {
    struct unit *u;
    int r = call_unit(call, UNIT_KNOWN, &u, error);
    if (r >= 0)
        unit_reset_failed(u);
    return r;
}

HANDLER(method_ref) {
    struct unit *u;
    int r = call_unit(call, UNIT_LOAD, &u, error);
    return r < 0 ? r : reference_take(call, u, error);
}

HANDLER(method_unref) {
    struct unit *u;
    int r = call_unit(call, UNIT_LOAD, &u, error);
    return r < 0 ? r : reference_release(call, u, error);
}

HANDLER(method_unsupported) {
    return error_set(error, ERROR_NOT_SUPPORTED, "%s() is not supported.", call->method->name);
}

HANDLER(method_freeze) {
    struct unit *u;
    int r = call_unit(call, UNIT_KNOWN, &u, error);
    return r < 0 ? r : error_set(error, ERROR_NOT_SUPPORTED, "Unit '%s' does not support freezing.", u->id);
}

HANDLER(method_clean) {
    struct unit *u;
    int r = call_unit(call, UNIT_LOAD, &u, error);
    if (r < 0)
        return r;
    if (!inactive_or_failed(unit_active_state(u)) || u->job)
        return call_refuse(call, BUS_NAME ".UnitBusy", "Unit is not inactive or has pending job.");
    _cleanup_strv_ char **what = NULL;
    if (arg_strv(call, &what) < 0)
        return -ENOMEM;
    unsigned mask = 0;
    STRV_FOREACH(w, what) {
        bool known = false;
        for (unsigned i = 0; i < CLEAN_KINDS; i++)
            if (strcmp(*w, clean_kind_to_string(i)) == 0 || strcmp(*w, "all") == 0) {
                mask |= 1u << i;
                known = true;
            }
        if (!known)
            return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid resource type: %s", *w);
    }
    r = unit_clean(u, mask);
    if (r == -EOPNOTSUPP)
        return error_set(error, ERROR_NOT_SUPPORTED, "Unit '%s' does not support cleaning.", u->id);
    return r;
}

HANDLER(method_abandon) {
    struct unit *u;
    int r = call_unit(call, UNIT_KNOWN, &u, error);
    if (r < 0)
        return r;
    if (u->ops->type != UNIT_SCOPE)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Unit '%s' is not a scope unit, refusing.", u->id);
    r = scope_abandon(u);
    if (r == -ESTALE)
        return call_refuse(call, BUS_NAME ".ScopeNotRunning", "Scope %s is not running, cannot abandon.", u->id);
    return r;
}

/* --- processes ------------------------------------------------------------------------------------------ */
/* At most `room` bytes of a file of /proc. How many; 0: none. */
static size_t read_some(const char *path, char *buffer, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, buffer, room);
    close(fd);
    return n > 0 ? (size_t)n : 0;
}

/* As ps(1) shows it: the arguments, quoted where a space would mislead; a process without any by its name in
 * brackets. */
static void command_line(pid_t pid, struct text *out) {
    char path[64], data[COMMAND_LINE_MAX + 1];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    size_t size = read_some(path, data, COMMAND_LINE_MAX);
    while (size > 0 && !data[size - 1]) /* what is left of the room of one that renamed itself */
        size--;
    data[size] = 0;
    for (size_t i = 0; i < size; i += strlen(data + i) + 1) {
        if (i > 0)
            text_add_char(out, ' ');
        word_quote(out, data + i);
    }
    if (size > 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    size = read_some(path, data, COMMAND_LINE_MAX);
    data[size] = 0;
    text_addf(out, "[%.*s]", (int)strcspn(data, "\n"), data);
}

static void out_process(struct out *reply, const char *group, pid_t pid) {
    _cleanup_text_ struct text line = {};
    command_line(pid, &line);
    out_open(reply, DBUS_TYPE_STRUCT, NULL);
    out_string(reply, group);
    out_u32(reply, (uint32_t)pid);
    out_string(reply, text_str(&line));
    out_close(reply);
}

static int out_processes(struct out *reply, struct unit *u) {
    _cleanup_free_ char *group = unit_control_group(u);
    _cleanup_free_ pid_t *pids = NULL;
    size_t n = 0;
    if (!group)
        return -ENOMEM;
    int r = unit_processes(u, &pids, &n);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        out_process(reply, group, pids[i]);
    return 0;
}

HANDLER(method_get_processes) {
    struct unit *u;
    int r = call_unit(call, UNIT_KNOWN, &u, error);
    if (r < 0)
        return r;
    out_open(reply, DBUS_TYPE_ARRAY, "(sus)");
    if (u->ops->type != UNIT_SLICE) {
        r = out_processes(reply, u);
    } else { /* everything below it */
        _cleanup_free_ char *top = unit_control_group(u);
        size_t length = top ? strlen(top) : 0;
        if (!top)
            return -ENOMEM;
        if (length == 1) /* the root slice is "/" */
            length = 0;
        FOREACH_UNIT(n, call->bus->manager) {
            enum unit_type type = n->unit->ops->type;
            _cleanup_free_ char *group = unit_control_group(n->unit);
            if (type == UNIT_SLICE || inactive_or_failed(unit_active_state(n->unit)) || !group ||
                strncmp(group, top, length) != 0 || group[length] != '/')
                continue;
            if (strcmp(n->unit->id, "init.scope") == 0)
                out_process(reply, group, getpid());
            r = out_processes(reply, n->unit);
            if (r < 0)
                return r;
        }
    }
    out_close(reply);
    return r;
}

HANDLER(method_attach_processes) {
    struct unit *u;
    int r = call_unit(call, UNIT_KNOWN, &u, error);
    if (r < 0)
        return r;
    (void)arg_string(call); /* a control group below the unit's */
    const uint32_t *pids;
    int n;
    DBusMessageIter i;
    dbus_message_iter_recurse(&call->args, &i);
    dbus_message_iter_get_fixed_array(&i, &pids, &n);
    _cleanup_free_ pid_t *list = calloc((size_t)n + 1, sizeof *list);
    if (!list)
        return -ENOMEM;
    for (int k = 0; k < n; k++)
        list[k] = pids[k] == 0 ? call->pid : (pid_t)pids[k];
    return unit_attach_processes(u, list, (size_t)n, error);
}

#define PROCESSES                                                                                            \
    { "GetProcesses", "", "a(sus)", method_get_processes, METHOD_ANYBODY }, {                                \
        "AttachProcesses", "sau", "", method_attach_processes                                                \
    }

const struct method process_methods[] = { PROCESSES, {} };
const struct method scope_methods[] = { { "Abandon", "", "", method_abandon }, PROCESSES, {} };

HANDLER(method_fd_store) {
    struct unit *u;
    int r = call_unit(call, UNIT_KNOWN, &u, error);
    if (r < 0)
        return r;
    out_open(reply, DBUS_TYPE_ARRAY, "(suuutuusu)");
    for (struct stored_fd *stored = u->ops->type == UNIT_SERVICE ? SERVICE(u)->fd_store : NULL; stored;
         stored = stored->next) {
        struct stat st;
        char link[32], path[256];
        if (fstat(stored->fd, &st) < 0)
            continue;
        snprintf(link, sizeof link, "/proc/self/fd/%d", stored->fd);
        ssize_t n = readlink(link, path, sizeof path - 1);
        path[n > 0 ? n : 0] = 0;
        out_open(reply, DBUS_TYPE_STRUCT, NULL);
        out_string(reply, stored->name);
        out_u32(reply, st.st_mode);
        out_u32(reply, major(st.st_dev));
        out_u32(reply, minor(st.st_dev));
        out_u64(reply, st.st_ino);
        out_u32(reply, major(st.st_rdev));
        out_u32(reply, minor(st.st_rdev));
        out_string(reply, path);
        out_u32(reply, (uint32_t)fcntl(stored->fd, F_GETFL));
        out_close(reply);
    }
    out_close(reply);
    return 0;
}

const struct method service_methods[] = {
    { "BindMount", "ssbb", "", method_unsupported },
    { "MountImage", "ssbba(ss)", "", method_unsupported },
    { "DumpFileDescriptorStore", "", "a(suuutuusu)", method_fd_store, METHOD_ANYBODY },
    PROCESSES,
    {},
};

const struct method unit_methods[] = {
    { "Start", "s", "o", method_make_job, 0, JOB_DATA(JOB_START, false) },
    { "Stop", "s", "o", method_make_job, 0, JOB_DATA(JOB_STOP, false) },
    { "Reload", "s", "o", method_make_job, 0, JOB_DATA(JOB_RELOAD, false) },
    { "Restart", "s", "o", method_make_job, 0, JOB_DATA(JOB_RESTART, false) },
    { "TryRestart", "s", "o", method_make_job, 0, JOB_DATA(JOB_TRY_RESTART, false) },
    { "ReloadOrRestart", "s", "o", method_make_job, 0, JOB_DATA(JOB_RESTART, true) },
    { "ReloadOrTryRestart", "s", "o", method_make_job, 0, JOB_DATA(JOB_TRY_RESTART, true) },
    { "EnqueueJob", "ss", "uososa(uosos)", method_enqueue_job },
    { "Kill", "si", "", method_kill },
    { "QueueSignal", "sii", "", method_queue_signal },
    { "ResetFailed", "", "", method_reset_failed_unit },
    { "SetProperties", "ba(sv)", "", method_set_properties },
    { "Ref", "", "", method_ref },
    { "Unref", "", "", method_unref, METHOD_ANYBODY },
    { "Clean", "as", "", method_clean },
    { "Freeze", "", "", method_freeze },
    { "Thaw", "", "", method_freeze },
    {},
};
