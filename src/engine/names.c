/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's words: every enum that a person or a client sees, as systemd writes it. */
#include "engine/error.h"
#include "engine/manager.h"
#include "engine/service.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAMES(function, type, ...)                                                       \
    const char *function(type value) {                                                   \
        static const char *const names[] = { __VA_ARGS__ };                              \
        return (size_t)value < ELEMENTS(names) ? names[value] : NULL;                    \
    }

NAMES(active_state_to_string, enum active_state, "active", "reloading", "inactive", "failed", "activating",
      "deactivating", "maintenance")
NAMES(job_type_to_string, enum job_type, "start", "verify-active", "stop", "reload", "restart", "nop", "try-restart",
      "try-reload", "reload-or-start")
NAMES(job_state_to_string, enum job_state, "waiting", "running")
NAMES(job_mode_to_string, enum job_mode, "fail", "replace", "replace-irreversibly", "isolate", "flush",
      "ignore-dependencies", "ignore-requirements", "triggering", "restart-dependencies")
NAMES(job_result_to_string, enum job_result, "done", "canceled", "timeout", "failed", "dependency", "skipped",
      "invalid", "assert", "unsupported", "collected", "once", "concurrency")
NAMES(manager_state_to_string, enum manager_state, "initializing", "starting", "running", "degraded", "maintenance",
      "stopping")
NAMES(service_state_to_string, enum service_state, "dead", "condition", "start-pre", "start", "start-post", "running",
      "exited", "reload", "reload-signal", "reload-notify", "stop", "stop-watchdog", "stop-sigterm", "stop-sigkill",
      "stop-post", "final-watchdog", "final-sigterm", "final-sigkill", "failed", "dead-before-auto-restart",
      "failed-before-auto-restart", "auto-restart", "auto-restart-queued", "cleaning")
NAMES(service_result_to_string, enum service_result, "success", "resources", "protocol", "timeout", "exit-code",
      "signal", "core-dump", "watchdog", "start-limit-hit", "oom-kill", "exec-condition")

static const struct {
    const char *name;
    enum dependency_kind inverse;
} dependency_kinds[] = {
#define X(id, name, inverse) [DEP_##id] = { name, DEP_##inverse },
    DEPENDENCY_KINDS_TABLE(X)
#undef X
};

const char *dependency_kind_to_string(enum dependency_kind kind) {
    return kind < DEPENDENCY_KINDS ? dependency_kinds[kind].name : NULL;
}

enum dependency_kind dependency_inverse(enum dependency_kind kind) {
    return dependency_kinds[kind].inverse;
}

int job_mode_from_string(const char *s) {
    for (int i = 0; i < JOB_MODES; i++)
        if (strcmp(s, job_mode_to_string(i)) == 0)
            return i;
    return -EINVAL;
}

static const int errnos[ERROR_KINDS] = {
    [ERROR_NO_SUCH_UNIT] = ENOENT,
    [ERROR_NO_SUCH_JOB] = ENOENT,
    [ERROR_LOAD_FAILED] = EIO,
    [ERROR_BAD_SETTING] = ENOEXEC,
    [ERROR_UNIT_MASKED] = ERFKILL,
    [ERROR_UNIT_EXISTS] = EEXIST,
    [ERROR_JOB_TYPE_NOT_APPLICABLE] = EBADR,
    [ERROR_ONLY_BY_DEPENDENCY] = ELNRNG,
    [ERROR_NO_ISOLATION] = EPERM,
    [ERROR_CONCURRENCY_LIMIT_REACHED] = EDQUOT,
    [ERROR_SHUTTING_DOWN] = ECANCELED,
    [ERROR_TRANSACTION_IS_DESTRUCTIVE] = EDEADLK,
    [ERROR_TRANSACTION_JOBS_CONFLICTING] = EDEADLK,
    [ERROR_TRANSACTION_ORDER_IS_CYCLIC] = EDEADLK,
    [ERROR_NO_SUCH_PROCESS] = ESRCH,
    [ERROR_NO_SUCH_UNIT_FILE] = ENOENT,
    [ERROR_ACCESS_DENIED] = EACCES,
    [ERROR_INVALID_ARGUMENT] = EINVAL,
    [ERROR_NOT_SUPPORTED] = EOPNOTSUPP,
    [ERROR_NO_MEMORY] = ENOMEM,
    [ERROR_FAILED] = EIO,
};

int error_set(struct error *error, enum error_kind kind, const char *format, ...) {
    if (error) {
        va_list args;
        va_start(args, format);
        error->kind = kind;
        vsnprintf(error->message, sizeof(error->message), format, args);
        va_end(args);
    }
    return -errnos[kind];
}
