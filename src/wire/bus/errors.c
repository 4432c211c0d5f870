/* SPDX-License-Identifier: Apache-2.0 */
/* Names of errors on the bus. systemctl decides its exit status by them. */
#include "wire/bus/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DBUS(name) "org.freedesktop.DBus.Error." name
#define SYSTEMD(name) "org.freedesktop.systemd1." name

static const char *const kinds[ERROR_KINDS] = {
    [ERROR_NONE] = DBUS("Failed"),
    [ERROR_NO_SUCH_UNIT] = SYSTEMD("NoSuchUnit"),
    [ERROR_NO_SUCH_JOB] = SYSTEMD("NoSuchJob"),
    [ERROR_LOAD_FAILED] = SYSTEMD("LoadFailed"),
    [ERROR_BAD_SETTING] = SYSTEMD("BadUnitSetting"),
    [ERROR_UNIT_MASKED] = SYSTEMD("UnitMasked"),
    [ERROR_UNIT_EXISTS] = SYSTEMD("UnitExists"),
    [ERROR_JOB_TYPE_NOT_APPLICABLE] = SYSTEMD("JobTypeNotApplicable"),
    [ERROR_ONLY_BY_DEPENDENCY] = SYSTEMD("OnlyByDependency"),
    [ERROR_NO_ISOLATION] = SYSTEMD("NoIsolation"),
    [ERROR_CONCURRENCY_LIMIT_REACHED] = SYSTEMD("ConcurrencyLimitReached"),
    [ERROR_SHUTTING_DOWN] = SYSTEMD("ShuttingDown"),
    [ERROR_TRANSACTION_IS_DESTRUCTIVE] = SYSTEMD("TransactionIsDestructive"),
    [ERROR_TRANSACTION_JOBS_CONFLICTING] = SYSTEMD("TransactionJobsConflicting"),
    [ERROR_TRANSACTION_ORDER_IS_CYCLIC] = SYSTEMD("TransactionOrderIsCyclic"),
    [ERROR_NO_SUCH_PROCESS] = SYSTEMD("NoSuchProcess"),
    [ERROR_NO_SUCH_UNIT_FILE] = DBUS("FileNotFound"),
    [ERROR_ACCESS_DENIED] = DBUS("AccessDenied"),
    [ERROR_INVALID_ARGUMENT] = DBUS("InvalidArgs"),
    [ERROR_NOT_SUPPORTED] = DBUS("NotSupported"),
    [ERROR_NO_MEMORY] = DBUS("NoMemory"),
    [ERROR_FAILED] = DBUS("Failed"),
};

const char *bus_error_name(enum error_kind kind) {
    return kind >= 0 && kind < ERROR_KINDS && kinds[kind] ? kinds[kind] : DBUS("Failed");
}

static const struct {
    int error;
    const char *name;
} errnos[] = {
    { EPERM, DBUS("AccessDenied") },
    { EACCES, DBUS("AccessDenied") },
    { ENOMEM, DBUS("NoMemory") },
    { EINVAL, DBUS("InvalidArgs") },
    { ESRCH, DBUS("UnixProcessIdUnknown") },
    { ENOENT, DBUS("FileNotFound") },
    { EEXIST, DBUS("FileExists") },
    { ETIMEDOUT, DBUS("Timeout") },
    { ETIME, DBUS("Timeout") },
    { EIO, DBUS("IOError") },
    { ENETRESET, DBUS("Disconnected") },
    { ECONNABORTED, DBUS("Disconnected") },
    { ECONNRESET, DBUS("Disconnected") },
    { EOPNOTSUPP, DBUS("NotSupported") },
    { EADDRNOTAVAIL, DBUS("BadAddress") },
    { ENOBUFS, DBUS("LimitsExceeded") },
    { EADDRINUSE, DBUS("AddressInUse") },
    { EBADMSG, DBUS("InconsistentMessage") },
};

const char *bus_errno_name(int error, char buffer[static 64]) {
    error = abs(error);
    for (size_t i = 0; i < ELEMENTS(errnos); i++)
        if (errnos[i].error == error)
            return errnos[i].name;
    const char *name = strerrorname_np(error);
    if (!name)
        return DBUS("Failed");
    snprintf(buffer, 64, "System.Error.%s", name);
    return buffer;
}

void bus_load_error(const struct unit *u, struct error *error) {
    switch (unit_load_state(u)) {
    case LOAD_NOT_FOUND:
        error_set(error, ERROR_NO_SUCH_UNIT, "Unit %s not found.", u->id);
        break;
    case LOAD_BAD_SETTING:
        error_set(error, ERROR_BAD_SETTING, "Unit %s has a bad unit file setting.", u->id);
        break;
    case LOAD_ERROR:
        error_set(error, ERROR_LOAD_FAILED, "Unit %s failed to load properly: %s.", u->id,
                  u->file->error ?: "unknown");
        break;
    case LOAD_MASKED:
        error_set(error, ERROR_UNIT_MASKED, "Unit %s is masked.", u->id);
        break;
    default:
        break;
    }
}
