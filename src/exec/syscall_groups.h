/* SPDX-License-Identifier: Apache-2.0 */
/* Named groups of system calls. Data only. */
#pragma once

#include "base/macro.h"

struct syscall_group {
    const char *name;    /* with the "@" */
    const char *members; /* separated by spaces; names or other groups */
};
extern const struct syscall_group syscall_groups[]; /* ends with a NULL name */
