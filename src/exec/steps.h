/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a plan, done. For run.c only: this code runs in the child, possibly in the manager's memory.
 * System calls and nothing else: no allocation, no stdio, no locks. */
#pragma once

#include "exec/plan.h"

/* Groups that a user from elsewhere (LDAP, sssd) may have. */
#define RESOLVED_GROUPS_MAX 256

/* What the child knows beside the plan. */
struct child {
    const struct exec_plan *plan;
    bool shares_memory;
    int spare; /* what STEP_FD_SPARE put aside; -1 */
    size_t n_not_opened; /* by STEP_OPEN_FILE */
    uid_t uid; /* what STEP_RESOLVE_USER found */
    gid_t gid;
    size_t n_groups;
    gid_t groups[RESOLVED_GROUPS_MAX];
};

/* 0 or a negative errno. STEP_EXEC returns only if it failed. */
int step_run(struct child *child, const struct step *step);

/* directories_child.c */
int step_directory(const struct child *child, const struct step *step);
int step_symlink(const struct step *step);
int step_credential(const struct child *child, const struct step *step);
/* resolve_child.c */
int step_resolve_user(struct child *child, const struct step *step);
