/* SPDX-License-Identifier: Apache-2.0 */
/* Running an exec plan. The child makes system calls and nothing else: no allocation, no stdio, no library. */
#pragma once

#include "exec/plan.h"

/* What a child that could not exec says before it exits. */
struct exec_failure {
    int32_t step;   /* index into plan->steps */
    int32_t error;  /* errno */
    int32_t status; /* the exit status it ends with */
};

struct exec_child {
    pid_t pid;
    int pidfd;    /* -1 where pidfds are missing */
    int error_fd; /* read end: end of file at a successful exec, a struct exec_failure before an exit. -1 when the plan
                   * shared our memory: then `failure` is already final. The owner watches and closes it. */
    bool failed;  /* with a shared-memory plan: `failure` is set; the child will be reaped with failure.status */
    struct exec_failure failure;
};

/* Starts the child: CLONE_VM|CLONE_VFORK on a stack of its own where the plan allows it, fork otherwise. All signals
 * are blocked meanwhile; PR_SET_DUMPABLE is restored. 0, or -EAGAIN, -ENOMEM … when no process could be made. */
int exec_plan_run(const struct exec_plan *plan, struct exec_child *ret);
/* "Failed to set up user: step …": the sentence for the log. */
void exec_failure_explain(const struct exec_plan *plan, const struct exec_failure *failure, struct text *out);
