/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes: processes that somebody else started and handed over. systemd.scope(5). */
#pragma once

#include "engine/unit.h"

enum scope_state {
    SCOPE_DEAD,
    SCOPE_START_CHOWN,
    SCOPE_RUNNING,
    SCOPE_ABANDONED,
    SCOPE_STOP_SIGTERM,
    SCOPE_STOP_SIGKILL,
    SCOPE_FAILED,
    SCOPE_STATES
};
const char *scope_state_to_string(enum scope_state state);

enum scope_result { SCOPE_SUCCESS, SCOPE_FAILURE_RESOURCES, SCOPE_FAILURE_TIMEOUT, SCOPE_RESULTS };
const char *scope_result_to_string(enum scope_result result);

struct scope {
    struct unit unit;
    enum scope_state state;
    enum scope_result result;
    struct scope_process *processes; /* those handed over that still run, each with its pidfd */
    struct timer timer;
    usec_t running_since;            /* monotonic, for RuntimeMaxSec= */
};
#define SCOPE(u) CONTAINER_OF(u, struct scope, unit)

/* Scope.Abandon(): its creator no longer cares; it runs until its last process ends. -ESTALE: it does not run. */
int scope_abandon(struct unit *u);
