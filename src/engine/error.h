/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine answers when it refuses something: a kind, which each wire translates into its own names, and the
 * sentence a person will read (systemd's own wording, which systemctl prints). */
#pragma once

#include "base/macro.h"

enum error_kind {
    ERROR_NONE,
    ERROR_NO_SUCH_UNIT,
    ERROR_NO_SUCH_JOB,
    ERROR_LOAD_FAILED,
    ERROR_BAD_SETTING,
    ERROR_UNIT_MASKED,
    ERROR_UNIT_EXISTS,
    ERROR_JOB_TYPE_NOT_APPLICABLE,
    ERROR_ONLY_BY_DEPENDENCY,
    ERROR_NO_ISOLATION,
    ERROR_CONCURRENCY_LIMIT_REACHED,
    ERROR_SHUTTING_DOWN,
    ERROR_TRANSACTION_IS_DESTRUCTIVE,
    ERROR_TRANSACTION_JOBS_CONFLICTING,
    ERROR_TRANSACTION_ORDER_IS_CYCLIC,
    ERROR_NO_SUCH_PROCESS,
    ERROR_NO_SUCH_UNIT_FILE, /* also: System.Error.ENOENT */
    ERROR_ACCESS_DENIED,
    ERROR_INVALID_ARGUMENT,
    ERROR_NOT_SUPPORTED,
    ERROR_NO_MEMORY,
    ERROR_FAILED,
    ERROR_KINDS,
};

struct error {
    enum error_kind kind;
    char message[512];
};

/* Fills `error` (may be NULL) and returns a matching negative errno, so that `return error_set(…)` reads well. */
int error_set(struct error *error, enum error_kind kind, const char *format, ...) _printf_(3, 4);
