/* SPDX-License-Identifier: Apache-2.0 */
/* Methods of the manager as a whole: reload, exit, environment, dump; and the table of all its methods.
 * org.freedesktop.systemd1(5) "The Manager Object". */
#include "wire/bus/internal.h"

#include "base/fd.h"
#include "syntax/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXIT_REBOOT 133 /* what a container ends with that should be started again */

/* --- answers that come when the work is done ------------------------------------------------------------ */
struct pending {
    struct bus *bus;
    DBusConnection *dbus;
    DBusMessage *call;
};

static int pending_new(struct call *call, struct pending **ret) {
    *ret = malloc(sizeof **ret);
    if (!*ret)
        return -ENOMEM;
    **ret = (struct pending){ .bus = call->bus, .dbus = dbus_connection_ref(call->connection->dbus),
                              .call = dbus_message_ref(call->message) };
    return 0;
}

static void pending_free(struct pending *p) {
    dbus_message_unref(p->call);
    dbus_connection_unref(p->dbus);
    free(p);
}

static void on_reloaded(void *userdata) {
    struct pending *p = userdata;
    struct connection *c = connection_find(p->bus, p->dbus);
    if (c)
        bus_reply_empty(c, dbus_message_ref(p->call));
    pending_free(p);
}

static HANDLER(method_reload) {
    struct pending *p;
    int r = pending_new(call, &p);
    if (r >= 0)
        r = manager_reload(call->bus->manager, on_reloaded, p);
    if (r < 0 && p)
        pending_free(p);
    return r < 0 ? r : CALL_LATER;
}

static void on_reexecution_failed(void *userdata, const char *why) {
    struct pending *p = userdata;
    struct connection *c = connection_find(p->bus, p->dbus);
    if (c)
        connection_send(c, bus_new_error(p->call, DBUS_ERROR_FAILED, why));
    pending_free(p);
}

/* The connection goes with the old process: that is the answer, unless it comes to nothing. */
static HANDLER(method_reexecute) {
    struct pending *p;
    int r = pending_new(call, &p);
    if (r >= 0)
        r = manager_reexecute(call->bus->manager, on_reexecution_failed, p);
    if (r < 0 && p)
        pending_free(p);
    return r < 0 ? r : CALL_LATER;
}

/* Exit, PowerOff, Reboot …: at once, as with --force. data: the exit status; -1: as SetExitCode() said. */
static HANDLER(method_exit) {
    intptr_t code = call->method->data;
    manager_exit(call->bus->manager, code < 0 ? call->bus->manager->exit_code : (int)code);
    return 0;
}

static HANDLER(method_set_exit_code) {
    call->bus->manager->exit_code = arg_byte(call);
    return 0;
}

static HANDLER(method_set_show_status) {
    const char *mode = arg_string(call);
    struct manager *m = call->bus->manager;
    int on = *mode ? bool_parse(mode) : 1;
    if (on < 0 && strcmp(mode, "auto") != 0 && strcmp(mode, "error") != 0 && strcmp(mode, "temporary") != 0)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid show status '%s'", mode);
    m->show_status = on > 0 || (on < 0 && strcmp(mode, "temporary") == 0);
    return 0;
}

/* --- environment ---------------------------------------------------------------------------------------- */
static int check_assignments(char *const *v, struct error *error) {
    STRV_FOREACH(s, v)
        if (!env_assignment_valid(*s))
            return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid environment assignments");
    return 0;
}

static int check_names(char *const *v, struct error *error) {
    STRV_FOREACH(s, v)
        if (!env_assignment_valid(*s) && !env_name_valid(*s, strlen(*s)))
            return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid environment variable names or assignments");
    return 0;
}

/* data: bit 0: names to unset come first; bit 1: assignments. */
static HANDLER(method_environment) {
    _cleanup_strv_ char **unset = NULL, **set = NULL;
    if (((call->method->data & 1) && arg_strv(call, &unset) < 0) ||
        ((call->method->data & 2) && arg_strv(call, &set) < 0))
        return -ENOMEM;
    int r = check_names(unset, error);
    if (r >= 0)
        r = check_assignments(set, error);
    return r < 0 ? r : manager_set_environment(call->bus->manager, unset, set, error);
}

/* --- dump ----------------------------------------------------------------------------------------------- */
static int text_to_memfd(const struct text *text) {
    int fd = memfd_create("dump", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, text_str(text), text->len);
    if (r < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
        r = r < 0 ? r : -errno;
        fd_close(fd);
        return r;
    }
    return fd;
}

/* data: by descriptor. */
static HANDLER(method_dump) {
    _cleanup_text_ struct text dump = {};
    int r = manager_dump(call->bus->manager, &dump);
    if (r < 0)
        return r;
    if (dump.failed)
        return -ENOMEM;
    if (!call->method->data) {
        out_string(reply, text_str(&dump));
        return 0;
    }
    _cleanup_close_ int fd = text_to_memfd(&dump);
    if (fd < 0)
        return fd;
    out_fd(reply, fd);
    return 0;
}

/* --- the rest ------------------------------------------------------------------------------------------- */
static HANDLER(method_subscribe) {
    return call->connection->direct ? 0 : system_bus_subscribe(call, call->method->data);
}

static HANDLER(method_dynamic_user_by_name) {
    return call_refuse(call, BUS_NAME ".NoSuchDynamicUser", "Dynamic user %s does not exist.", arg_string(call));
}

static HANDLER(method_dynamic_user_by_uid) {
    return call_refuse(call, BUS_NAME ".NoSuchDynamicUser", "Dynamic user ID %u does not exist.", arg_u32(call));
}

/* Lists that are always empty. */
static HANDLER(method_nothing) {
    out_zero(reply, call->method->out);
    return 0;
}

#define JOB(type, reload) method_make_job, 0, JOB_DATA(type, reload)

const struct method manager_methods[] = {
    { "GetUnit", "s", "o", method_get_unit, METHOD_ANYBODY, UNIT_KNOWN },
    { "GetUnitByPID", "u", "o", method_get_unit_by_pid, METHOD_ANYBODY },
    { "GetUnitByPIDFD", "h", "osay", method_get_unit_by_pidfd, METHOD_ANYBODY },
    { "GetUnitByInvocationID", "ay", "o", method_get_unit_by_invocation, METHOD_ANYBODY },
    { "GetUnitByControlGroup", "s", "o", method_get_unit_by_control_group, METHOD_ANYBODY },
    { "LoadUnit", "s", "o", method_get_unit, METHOD_ANYBODY, UNIT_LOAD },
    { "StartUnit", "ss", "o", JOB(JOB_START, false) },
    { "StartUnitWithFlags", "sst", "o", method_start_with_flags },
    { "StartUnitReplace", "sss", "o", method_start_replace },
    { "StopUnit", "ss", "o", JOB(JOB_STOP, false) },
    { "ReloadUnit", "ss", "o", JOB(JOB_RELOAD, false) },
    { "RestartUnit", "ss", "o", JOB(JOB_RESTART, false) },
    { "TryRestartUnit", "ss", "o", JOB(JOB_TRY_RESTART, false) },
    { "ReloadOrRestartUnit", "ss", "o", JOB(JOB_RESTART, true) },
    { "ReloadOrTryRestartUnit", "ss", "o", JOB(JOB_TRY_RESTART, true) },
    { "EnqueueUnitJob", "sss", "uososa(uosos)", method_enqueue_job },
    { "KillUnit", "ssi", "", method_kill },
    { "QueueSignalUnit", "ssii", "", method_queue_signal },
    { "CleanUnit", "sas", "", method_clean },
    { "FreezeUnit", "s", "", method_freeze },
    { "ThawUnit", "s", "", method_freeze },
    { "ResetFailedUnit", "s", "", method_reset_failed_unit },
    { "SetUnitProperties", "sba(sv)", "", method_set_properties },
    { "BindMountUnit", "sssbb", "", method_unsupported },
    { "MountImageUnit", "sssbba(ss)", "", method_unsupported },
    { "RefUnit", "s", "", method_ref },
    { "UnrefUnit", "s", "", method_unref, METHOD_ANYBODY },
    { "StartTransientUnit", "ssa(sv)a(sa(sv))", "o", method_start_transient },
    { "GetUnitProcesses", "s", "a(sus)", method_get_processes, METHOD_ANYBODY },
    { "AttachProcessesToUnit", "ssau", "", method_attach_processes },
    { "AbandonScope", "s", "", method_abandon },
    { "GetJob", "u", "o", method_get_job, METHOD_ANYBODY },
    { "GetJobAfter", "u", "a(usssoo)", method_job_neighbours, METHOD_ANYBODY, DEP_AFTER },
    { "GetJobBefore", "u", "a(usssoo)", method_job_neighbours, METHOD_ANYBODY, DEP_BEFORE },
    { "CancelJob", "u", "", method_cancel_job },
    { "ClearJobs", "", "", method_clear_jobs },
    { "ResetFailed", "", "", method_reset_failed },
    { "SetShowStatus", "s", "", method_set_show_status },
    { "ListUnits", "", "a(ssssssouso)", method_list_units, METHOD_ANYBODY, 0 },
    { "ListUnitsFiltered", "as", "a(ssssssouso)", method_list_units, METHOD_ANYBODY, 1 },
    { "ListUnitsByPatterns", "asas", "a(ssssssouso)", method_list_units, METHOD_ANYBODY, 2 },
    { "ListUnitsByNames", "as", "a(ssssssouso)", method_list_units_by_names, METHOD_ANYBODY },
    { "ListJobs", "", "a(usssoo)", method_list_jobs, METHOD_ANYBODY },
    { "Subscribe", "", "", method_subscribe, METHOD_ANYBODY, true },
    { "Unsubscribe", "", "", method_subscribe, METHOD_ANYBODY, false },
    { "Dump", "", "s", method_dump, METHOD_ANYBODY, false },
    { "DumpUnitsMatchingPatterns", "as", "s", method_dump, METHOD_ANYBODY, false },
    { "DumpByFileDescriptor", "", "h", method_dump, METHOD_ANYBODY, true },
    { "DumpUnitsMatchingPatternsByFileDescriptor", "as", "h", method_dump, METHOD_ANYBODY, true },
    { "Reload", "", "", method_reload },
    { "Reexecute", "", "", method_reexecute },
    { "Exit", "", "", method_exit, 0, -1 },
    { "Reboot", "", "", method_exit, 0, EXIT_REBOOT },
    { "SoftReboot", "s", "", method_exit, 0, EXIT_REBOOT },
    { "PowerOff", "", "", method_exit, 0, 0 },
    { "Halt", "", "", method_exit, 0, 0 },
    { "KExec", "", "", method_exit, 0, EXIT_REBOOT },
    { "SwitchRoot", "ss", "", method_unsupported },
    { "SetEnvironment", "as", "", method_environment, 0, 2 },
    { "UnsetEnvironment", "as", "", method_environment, 0, 1 },
    { "UnsetAndSetEnvironment", "asas", "", method_environment, 0, 3 },
    { "EnqueueMarkedJobs", "", "ao", method_enqueue_marked },
    { "ListUnitFiles", "", "a(ss)", method_list_unit_files, METHOD_ANYBODY, 0 },
    { "ListUnitFilesByPatterns", "asas", "a(ss)", method_list_unit_files, METHOD_ANYBODY, 2 },
    { "GetUnitFileState", "s", "s", method_get_unit_file_state, METHOD_ANYBODY },
    { "EnableUnitFiles", "asbb", "ba(sss)", method_unit_files },
    { "DisableUnitFiles", "asb", "a(sss)", method_unit_files },
    { "EnableUnitFilesWithFlags", "ast", "ba(sss)", method_unit_files },
    { "DisableUnitFilesWithFlags", "ast", "a(sss)", method_unit_files },
    { "DisableUnitFilesWithFlagsAndInstallInfo", "ast", "ba(sss)", method_unit_files },
    { "ReenableUnitFiles", "asbb", "ba(sss)", method_unit_files },
    { "LinkUnitFiles", "asbb", "a(sss)", method_unit_files },
    { "PresetUnitFiles", "asbb", "ba(sss)", method_unit_files },
    { "PresetUnitFilesWithMode", "assbb", "ba(sss)", method_unit_files },
    { "PresetAllUnitFiles", "sbb", "a(sss)", method_unit_files },
    { "MaskUnitFiles", "asbb", "a(sss)", method_unit_files },
    { "UnmaskUnitFiles", "asb", "a(sss)", method_unit_files },
    { "RevertUnitFiles", "as", "a(sss)", method_unit_files },
    { "AddDependencyUnitFiles", "asssbb", "a(sss)", method_unit_files },
    { "SetDefaultTarget", "sb", "a(sss)", method_unit_files },
    { "GetDefaultTarget", "", "s", method_get_default_target, METHOD_ANYBODY },
    { "GetUnitFileLinks", "sb", "as", method_get_unit_file_links, METHOD_ANYBODY },
    { "SetExitCode", "y", "", method_set_exit_code },
    { "LookupDynamicUserByName", "s", "u", method_dynamic_user_by_name, METHOD_ANYBODY },
    { "LookupDynamicUserByUID", "u", "s", method_dynamic_user_by_uid, METHOD_ANYBODY },
    { "GetDynamicUsers", "", "a(us)", method_nothing, METHOD_ANYBODY },
    { "DumpUnitFileDescriptorStore", "s", "a(suuutuusu)", method_fd_store, METHOD_ANYBODY },
    { "StartAuxiliaryScope", "sahta(sv)", "o", method_unsupported },
    {},
};
