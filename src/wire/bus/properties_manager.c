/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager shows of itself: org.freedesktop.systemd1(5) "The Manager Object". */
#include "wire/bus/marshal.h"

#include "base/log.h"
#include "syntax/names.h"
#include "unit/condition.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

static GETTER(get_manager_time) {
    out_time(out, p, *(const struct dual_time *)((const char *)object->manager + p->data));
}

static GETTER(get_usec) {
    out_u64(out, *(const usec_t *)((const char *)object->manager + p->data));
}

/* The interface is that of this version of systemd; clients of all later ones work with it. */
static GETTER(get_version) {
    out_string(out, "252 (reeve " REEVE_VERSION ")");
}

static GETTER(get_virtualization) {
    bool vm;
    const char *name = virtualization_detect(object->manager->own_environment, &vm);
    out_string(out, name && strcmp(name, "none") != 0 ? name : "");
}

static GETTER(get_architecture) {
    static const struct {
        const char *machine, *name;
    } rows[] = {
        { "x86_64", "x86-64" }, { "i686", "x86" },       { "i386", "x86" },       { "aarch64", "arm64" },
        { "armv7l", "arm" },    { "ppc64le", "ppc64-le" }, { "s390x", "s390x" },    { "riscv64", "riscv64" },
        { "loongarch64", "loongarch64" },
    };
    struct utsname u;
    const char *name = "";
    if (uname(&u) == 0)
        for (size_t i = 0; i < ELEMENTS(rows); i++)
            if (strcmp(u.machine, rows[i].machine) == 0)
                name = rows[i].name;
    out_string(out, name);
}

static GETTER(get_n_names) {
    out_u32(out, HASH_COUNT(object->manager->names));
}

static GETTER(get_n_failed_units) {
    out_u32(out, object->manager->n_failed);
}

static GETTER(get_n_jobs) {
    out_u32(out, HASH_COUNT(object->manager->jobs));
}

static GETTER(get_n_installed_jobs) {
    out_u32(out, object->manager->n_installed_jobs);
}

static GETTER(get_progress) {
    const struct manager *m = object->manager;
    unsigned left = HASH_COUNT(m->jobs), all = m->n_installed_jobs;
    out_double(out, m->finished_startup || all == 0 || left > all ? 1.0 : 1.0 - (double)left / all);
}

static GETTER(get_environment) {
    out_strv(out, object->manager->environment);
}

static GETTER(get_show_status) {
    out_bool(out, object->manager->show_status);
}

static GETTER(get_unit_path) {
    out_strv(out, object->manager->search.directories);
}

static GETTER(get_system_state) {
    out_string(out, manager_state_to_string(manager_state(object->manager)));
}

static GETTER(get_exit_code) {
    out_byte(out, (uint8_t)object->manager->exit_code);
}

static GETTER(get_default_start_limit_burst) {
    out_u32(out, object->manager->default_start_limit_burst);
}

static GETTER(get_timer_slack) {
    out_u64(out, (uint64_t)prctl(PR_GET_TIMERSLACK));
}

/* Units inherit the manager's own. */
static GETTER(get_default_limit) {
    struct rlimit own = { RLIM_INFINITY, RLIM_INFINITY };
    char name[32] = {};
    size_t skip = strlen("DefaultLimit"), n = strlen(p->name) - skip, tail = strlen("Soft");
    bool soft = n > tail && strcmp(p->name + skip + n - tail, "Soft") == 0;
    snprintf(name, sizeof name, "%.*s", (int)(n - (soft ? tail : 0)), p->name + skip);
    int resource = rlimit_from_string(name);
    if (resource >= 0 && resource != RLIMIT_LOCKS)
        getrlimit((__rlimit_resource_t)resource, &own);
    out_u64(out, soft ? own.rlim_cur : own.rlim_max);
}

/* A container has no hardware watchdog: accepted, without effect. */
static int set_nothing(struct call *call, const struct property *p, DBusMessageIter *value, struct error *error) {
    return 0;
}

#define TIME(name_, member) \
    { name_, "t", EMITS_CONST, get_manager_time, NULL, offsetof(struct manager, member) }
#define USEC(name_, member) { name_, "t", EMITS_CONST, get_usec, NULL, offsetof(struct manager, member) }

const struct property manager_properties[] = {
    G("Version", "s", CONST, get_version),
    C("Features", "s", "+SECCOMP"),
    G("Virtualization", "s", CONST, get_virtualization),
    C("ConfidentialVirtualization", "s", ""),
    G("Architecture", "s", CONST, get_architecture),
    C("Tainted", "s", ""),
    C("FirmwareTimestamp", "t", ""),
    C("FirmwareTimestampMonotonic", "t", ""),
    C("LoaderTimestamp", "t", ""),
    C("LoaderTimestampMonotonic", "t", ""),
    TIME("KernelTimestamp", kernel_time),
    TIME("KernelTimestampMonotonic", kernel_time),
    TIME("InitRDTimestamp", init_rd_time),
    TIME("InitRDTimestampMonotonic", init_rd_time),
    TIME("UserspaceTimestamp", userspace_time),
    TIME("UserspaceTimestampMonotonic", userspace_time),
    TIME("FinishTimestamp", finish_time),
    TIME("FinishTimestampMonotonic", finish_time),
    C("ShutdownStartTimestamp", "t", ""),
    C("ShutdownStartTimestampMonotonic", "t", ""),
    TIME("SecurityStartTimestamp", security_start),
    TIME("SecurityStartTimestampMonotonic", security_start),
    TIME("SecurityFinishTimestamp", security_finish),
    TIME("SecurityFinishTimestampMonotonic", security_finish),
    TIME("GeneratorsStartTimestamp", generators_start),
    TIME("GeneratorsStartTimestampMonotonic", generators_start),
    TIME("GeneratorsFinishTimestamp", generators_finish),
    TIME("GeneratorsFinishTimestampMonotonic", generators_finish),
    TIME("UnitsLoadStartTimestamp", units_load_start),
    TIME("UnitsLoadStartTimestampMonotonic", units_load_start),
    TIME("UnitsLoadFinishTimestamp", units_load_finish),
    TIME("UnitsLoadFinishTimestampMonotonic", units_load_finish),
    TIME("UnitsLoadTimestamp", units_load_start),
    TIME("UnitsLoadTimestampMonotonic", units_load_start),
    C("InitRDSecurityStartTimestamp", "t", ""),
    C("InitRDSecurityStartTimestampMonotonic", "t", ""),
    C("InitRDSecurityFinishTimestamp", "t", ""),
    C("InitRDSecurityFinishTimestampMonotonic", "t", ""),
    C("InitRDGeneratorsStartTimestamp", "t", ""),
    C("InitRDGeneratorsStartTimestampMonotonic", "t", ""),
    C("InitRDGeneratorsFinishTimestamp", "t", ""),
    C("InitRDGeneratorsFinishTimestampMonotonic", "t", ""),
    C("InitRDUnitsLoadStartTimestamp", "t", ""),
    C("InitRDUnitsLoadStartTimestampMonotonic", "t", ""),
    C("InitRDUnitsLoadFinishTimestamp", "t", ""),
    C("InitRDUnitsLoadFinishTimestampMonotonic", "t", ""),
    { "LogLevel", "s", EMITS_FALSE, get_log_level, NULL, 0, set_log_level },
    { "LogTarget", "s", EMITS_FALSE, constant, "journal-or-kmsg", 0, set_log_target },
    G("NNames", "u", FALSE, get_n_names),
    G("NFailedUnits", "u", CHANGE, get_n_failed_units),
    G("NJobs", "u", FALSE, get_n_jobs),
    G("NInstalledJobs", "u", FALSE, get_n_installed_jobs),
    C("NFailedJobs", "u", "0"),
    G("Progress", "d", FALSE, get_progress),
    G("Environment", "as", FALSE, get_environment),
    C("ConfirmSpawn", "b", "no"),
    G("ShowStatus", "b", FALSE, get_show_status),
    G("UnitPath", "as", CONST, get_unit_path),
    C("DefaultStandardOutput", "s", "journal"),
    C("DefaultStandardError", "s", "inherit"),
    C("WatchdogDevice", "s", ""),
    C("WatchdogLastPingTimestamp", "t", ""),
    C("WatchdogLastPingTimestampMonotonic", "t", ""),
    { "RuntimeWatchdogUSec", "t", EMITS_FALSE, constant, "0", 0, set_nothing },
    { "RuntimeWatchdogPreUSec", "t", EMITS_FALSE, constant, "0", 0, set_nothing },
    { "RuntimeWatchdogPreGovernor", "s", EMITS_FALSE, constant, "", 0, set_nothing },
    { "RebootWatchdogUSec", "t", EMITS_FALSE, constant, "0", 0, set_nothing },
    { "KExecWatchdogUSec", "t", EMITS_FALSE, constant, "0", 0, set_nothing },
    { "ServiceWatchdogs", "b", EMITS_FALSE, constant, "yes", 0, set_nothing },
    C("ControlGroup", "s", ""),
    G("SystemState", "s", FALSE, get_system_state),
    G("ExitCode", "y", FALSE, get_exit_code),
    C("DefaultTimerAccuracyUSec", "t", "60000000"),
    USEC("DefaultTimeoutStartUSec", default_timeout_start),
    USEC("DefaultTimeoutStopUSec", default_timeout_stop),
    USEC("DefaultTimeoutAbortUSec", default_timeout_stop),
    C("DefaultDeviceTimeoutUSec", "t", "90000000"),
    USEC("DefaultRestartUSec", default_restart_sec),
    USEC("DefaultStartLimitIntervalUSec", default_start_limit_interval),
    G("DefaultStartLimitBurst", "u", CONST, get_default_start_limit_burst),
    C("DefaultCPUAccounting", "b", ""),
    C("DefaultBlockIOAccounting", "b", ""),
    C("DefaultIOAccounting", "b", ""),
    C("DefaultIPAccounting", "b", ""),
    C("DefaultMemoryAccounting", "b", "yes"),
    C("DefaultTasksAccounting", "b", "yes"),
    G("DefaultLimitCPU", "t", CONST, get_default_limit),
    G("DefaultLimitCPUSoft", "t", CONST, get_default_limit),
    G("DefaultLimitFSIZE", "t", CONST, get_default_limit),
    G("DefaultLimitFSIZESoft", "t", CONST, get_default_limit),
    G("DefaultLimitDATA", "t", CONST, get_default_limit),
    G("DefaultLimitDATASoft", "t", CONST, get_default_limit),
    G("DefaultLimitSTACK", "t", CONST, get_default_limit),
    G("DefaultLimitSTACKSoft", "t", CONST, get_default_limit),
    G("DefaultLimitCORE", "t", CONST, get_default_limit),
    G("DefaultLimitCORESoft", "t", CONST, get_default_limit),
    G("DefaultLimitRSS", "t", CONST, get_default_limit),
    G("DefaultLimitRSSSoft", "t", CONST, get_default_limit),
    G("DefaultLimitNOFILE", "t", CONST, get_default_limit),
    G("DefaultLimitNOFILESoft", "t", CONST, get_default_limit),
    G("DefaultLimitAS", "t", CONST, get_default_limit),
    G("DefaultLimitASSoft", "t", CONST, get_default_limit),
    G("DefaultLimitNPROC", "t", CONST, get_default_limit),
    G("DefaultLimitNPROCSoft", "t", CONST, get_default_limit),
    G("DefaultLimitMEMLOCK", "t", CONST, get_default_limit),
    G("DefaultLimitMEMLOCKSoft", "t", CONST, get_default_limit),
    G("DefaultLimitLOCKS", "t", CONST, get_default_limit),
    G("DefaultLimitLOCKSSoft", "t", CONST, get_default_limit),
    G("DefaultLimitSIGPENDING", "t", CONST, get_default_limit),
    G("DefaultLimitSIGPENDINGSoft", "t", CONST, get_default_limit),
    G("DefaultLimitMSGQUEUE", "t", CONST, get_default_limit),
    G("DefaultLimitMSGQUEUESoft", "t", CONST, get_default_limit),
    G("DefaultLimitNICE", "t", CONST, get_default_limit),
    G("DefaultLimitNICESoft", "t", CONST, get_default_limit),
    G("DefaultLimitRTPRIO", "t", CONST, get_default_limit),
    G("DefaultLimitRTPRIOSoft", "t", CONST, get_default_limit),
    G("DefaultLimitRTTIME", "t", CONST, get_default_limit),
    G("DefaultLimitRTTIMESoft", "t", CONST, get_default_limit),
    C("DefaultTasksMax", "t", "18446744073709551615"),
    C("DefaultMemoryPressureThresholdUSec", "t", "200000"),
    C("DefaultMemoryPressureWatch", "s", "auto"),
    G("TimerSlackNSec", "t", CONST, get_timer_slack),
    C("DefaultOOMPolicy", "s", "stop"),
    C("DefaultOOMScoreAdjust", "i", ""),
    C("CtrlAltDelBurstAction", "s", "none"),
    C("SoftRebootsCount", "u", ""),
    {},
};
