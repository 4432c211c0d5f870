/* SPDX-License-Identifier: Apache-2.0 */
/* systemd.service(5) as properties. */
#include "wire/bus/marshal.h"

#include "engine/fdstore.h"
#include "engine/service.h"

static const struct service *service(const struct object *object) {
    return SERVICE(object->unit);
}

static GETTER(service_status_text) {
    out_string(out, service(object)->status_text);
}

static GETTER(service_status_errno) {
    out_i32(out, service(object)->status_errno);
}

static GETTER(service_status_bus_error) {
    out_string(out, service(object)->bus_error);
}

static GETTER(service_n_restarts) {
    out_u32(out, service(object)->n_restarts);
}

static GETTER(service_n_stored) {
    out_u32(out, (uint32_t)fd_store_count(service(object)));
}

static GETTER(service_reload_result) {
    out_string(out, service_result_to_string(service(object)->reload_result));
}

static GETTER(service_watchdog_time) {
    out_time(out, p, service(object)->watchdog_time);
}

static GETTER(service_watchdog_usec) {
    const struct service *s = service(object);
    out_u64(out, s->watchdog_usec ? s->watchdog_usec : unit_usec(s->unit.file, D_WatchdogSec));
}

static GETTER(service_notify_access) {
    const struct unit_file *f = object->unit->file;
    int64_t access = unit_number(f, D_NotifyAccess), type = unit_number(f, D_Type);
    usec_t watchdog = unit_usec(f, D_WatchdogSec);
    if (!unit_setting_written(f, D_NotifyAccess) &&
        (type == SERVICE_TYPE_NOTIFY || type == SERVICE_TYPE_NOTIFY_RELOAD ||
         (watchdog > 0 && watchdog != USEC_INFINITY)))
        access = NOTIFY_ACCESS_MAIN;
    out_string(out, value_enum_name(&type_notify_access, access));
}

/* What is not written is the manager's default. */
static usec_t or_default(const struct unit_file *f, enum directive id, usec_t otherwise) {
    return unit_setting_written(f, id) ? unit_usec(f, id) : otherwise;
}

static usec_t stop_timeout(const struct object *object) {
    return or_default(object->unit->file, D_TimeoutStopSec, object->manager->default_timeout_stop);
}

static GETTER(service_timeout_start) {
    const struct unit_file *f = object->unit->file;
    out_u64(out, or_default(f, D_TimeoutStartSec, unit_number(f, D_Type) == SERVICE_TYPE_ONESHOT
                                                      ? USEC_INFINITY
                                                      : object->manager->default_timeout_start));
}

static GETTER(service_timeout_stop) {
    out_u64(out, stop_timeout(object));
}

static GETTER(service_timeout_abort) {
    out_u64(out, or_default(object->unit->file, D_TimeoutAbortSec, stop_timeout(object)));
}

static GETTER(service_restart_usec) {
    out_u64(out, or_default(object->unit->file, D_RestartSec, object->manager->default_restart_sec));
}

static GETTER(service_restart_next) {
    out_u64(out, service_restart_delay(service(object)));
}

static GETTER(exec_main_start) {
    out_time(out, p, service(object)->main_status.start);
}

static GETTER(exec_main_exit) {
    out_time(out, p, service(object)->main_status.exit);
}

static GETTER(exec_main_pid) {
    out_u32(out, (uint32_t)service(object)->main_status.pid);
}

static GETTER(exec_main_code) {
    out_i32(out, service(object)->main_status.code);
}

static GETTER(exec_main_status) {
    out_i32(out, service(object)->main_status.status);
}

const struct property service_properties[] = {
    S("Type", "s", setting_enum_if_loaded, Type),
    S("ExitType", "s", setting_enum, ExitType),
    S("Restart", "s", setting_enum, Restart),
    S("RestartMode", "s", setting_enum, RestartMode),
    S("PIDFile", "s", setting_string, PIDFile),
    G("NotifyAccess", "s", CHANGE, service_notify_access),
    G("RestartUSec", "t", CONST, service_restart_usec),
    S("RestartSteps", "u", setting_u32, RestartSteps),
    S("RestartMaxDelayUSec", "t", setting_u64, RestartMaxDelaySec),
    G("RestartUSecNext", "t", FALSE, service_restart_next),
    G("TimeoutStartUSec", "t", CONST, service_timeout_start),
    G("TimeoutStopUSec", "t", CONST, service_timeout_stop),
    G("TimeoutAbortUSec", "t", FALSE, service_timeout_abort),
    S("TimeoutStartFailureMode", "s", setting_enum, TimeoutStartFailureMode),
    S("TimeoutStopFailureMode", "s", setting_enum, TimeoutStopFailureMode),
    S("RuntimeMaxUSec", "t", setting_u64, RuntimeMaxSec),
    S("RuntimeRandomizedExtraUSec", "t", setting_u64, RuntimeRandomizedExtraSec),
    G("WatchdogUSec", "t", FALSE, service_watchdog_usec),
    G("WatchdogTimestamp", "t", FALSE, service_watchdog_time),
    G("WatchdogTimestampMonotonic", "t", FALSE, service_watchdog_time),
    S("RootDirectoryStartOnly", "b", setting_bool, RootDirectoryStartOnly),
    S("RemainAfterExit", "b", setting_bool, RemainAfterExit),
    S("GuessMainPID", "b", setting_bool, GuessMainPID),
    S("RestartPreventExitStatus", "(aiai)", setting_exit_status_set, RestartPreventExitStatus),
    S("RestartForceExitStatus", "(aiai)", setting_exit_status_set, RestartForceExitStatus),
    S("SuccessExitStatus", "(aiai)", setting_exit_status_set, SuccessExitStatus),
    G("MainPID", "u", CHANGE, get_main_pid),
    G("ControlPID", "u", CHANGE, get_control_pid),
    S("BusName", "s", setting_string, BusName),
    S("FileDescriptorStoreMax", "u", setting_u32, FileDescriptorStoreMax),
    G("NFileDescriptorStore", "u", FALSE, service_n_stored),
    S("FileDescriptorStorePreserve", "s", setting_enum, FileDescriptorStorePreserve),
    G("StatusText", "s", CHANGE, service_status_text),
    G("StatusErrno", "i", CHANGE, service_status_errno),
    G("StatusBusError", "s", CHANGE, service_status_bus_error),
    C("StatusVarlinkError", "s", ""),
    G("Result", "s", CHANGE, get_result),
    G("ReloadResult", "s", CHANGE, service_reload_result),
    C("CleanResult", "s", "success"),
    C("LiveMountResult", "s", "success"),
    S("USBFunctionDescriptors", "s", setting_string, USBFunctionDescriptors),
    S("USBFunctionStrings", "s", setting_string, USBFunctionStrings),
    G("UID", "u", CHANGE, get_uid),
    G("GID", "u", CHANGE, get_gid),
    G("NRestarts", "u", CHANGE, service_n_restarts),
    S("OOMPolicy", "s", setting_oom_policy, OOMPolicy),
    S("OpenFile", "a(sst)", setting_open_files, OpenFile),
    C("ExtraFileDescriptorNames", "as", ""),
    S("ReloadSignal", "i", setting_i32, ReloadSignal),
    G("ExecMainStartTimestamp", "t", CHANGE, exec_main_start),
    G("ExecMainStartTimestampMonotonic", "t", CHANGE, exec_main_start),
    G("ExecMainExitTimestamp", "t", CHANGE, exec_main_exit),
    G("ExecMainExitTimestampMonotonic", "t", CHANGE, exec_main_exit),
    G("ExecMainHandoffTimestamp", "t", CHANGE, exec_main_start),
    G("ExecMainHandoffTimestampMonotonic", "t", CHANGE, exec_main_start),
    G("ExecMainPID", "u", CHANGE, exec_main_pid),
    G("ExecMainCode", "i", CHANGE, exec_main_code),
    G("ExecMainStatus", "i", CHANGE, exec_main_status),
    S("ExecCondition", "a(sasbttttuii)", setting_exec, ExecCondition),
    S("ExecConditionEx", "a(sasasttttuii)", setting_exec_ex, ExecCondition),
    S("ExecStartPre", "a(sasbttttuii)", setting_exec, ExecStartPre),
    S("ExecStartPreEx", "a(sasasttttuii)", setting_exec_ex, ExecStartPre),
    S("ExecStart", "a(sasbttttuii)", setting_exec, ExecStart),
    S("ExecStartEx", "a(sasasttttuii)", setting_exec_ex, ExecStart),
    S("ExecStartPost", "a(sasbttttuii)", setting_exec, ExecStartPost),
    S("ExecStartPostEx", "a(sasasttttuii)", setting_exec_ex, ExecStartPost),
    S("ExecReload", "a(sasbttttuii)", setting_exec, ExecReload),
    S("ExecReloadEx", "a(sasasttttuii)", setting_exec_ex, ExecReload),
    S("ExecStop", "a(sasbttttuii)", setting_exec, ExecStop),
    S("ExecStopEx", "a(sasasttttuii)", setting_exec_ex, ExecStop),
    S("ExecStopPost", "a(sasbttttuii)", setting_exec, ExecStopPost),
    S("ExecStopPostEx", "a(sasasttttuii)", setting_exec_ex, ExecStopPost),
    {},
};
