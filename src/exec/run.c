/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/run.h"

#include "base/fd.h"
#include "exec/steps.h"
#include "syntax/names.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)128 << 10)

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

/* What parent and child share for one start. With a forked child only the pipe carries anything back. */
struct shared {
    struct child child;
    int error_fd; /* write end; -1: memory is shared */
    volatile bool failed;
    volatile struct exec_failure failure;
};

static void report_and_exit(struct shared *shared, size_t step, int error, int status) {
    struct exec_failure failure = { .step = (int32_t)step, .error = error, .status = status };
    if (shared->error_fd < 0) {
        shared->failure = failure;
        shared->failed = true;
    } else {
        while (write(shared->error_fd, &failure, sizeof(failure)) < 0 && errno == EINTR)
            ;
    }
    /* Not _exit(), after which tools that watch the stack would look at ours. */
    for (;;)
        syscall(SYS_exit_group, status);
}

/* The last step failed since there is no program, and that is allowed. */
static bool is_missing(const struct exec_plan *plan, size_t step) {
    return plan->may_be_missing && step + 1 == plan->n_steps &&
           (plan->path[0] != '/' || access(plan->path, X_OK) < 0);
}

static int child_main(void *arg) {
    struct shared *shared = arg;
    const struct exec_plan *plan = shared->child.plan;
    if (plan->begun)
        plan->begun(plan->userdata);
    for (size_t i = 0; i < plan->n_steps; i++) {
        int r = step_run(&shared->child, &plan->steps[i]);
        if (r < 0 && plan->steps[i].exit_status != 0)
            report_and_exit(shared, i, -r, is_missing(plan, i) ? EXIT_SUCCESS : plan->steps[i].exit_status);
    }
    /* A plan without STEP_EXEC, or one whose failure is to be ignored. */
    report_and_exit(shared, plan->n_steps, ENOEXEC, EXIT_FAILURE);
    return 0;
}

/* One stack for all children that share our memory, as there is never more than one before its exec. The page
 * below it is a guard. */
static void *shared_stack(void) {
    static char *top;
    if (!top) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *p = mmap(NULL, page + STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (p == MAP_FAILED)
            return NULL;
        mprotect(p, page, PROT_NONE);
        top = p + page + STACK_SIZE;
    }
    return top;
}

static int pidfd_of(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static pid_t start_shared(struct shared *shared, int *ret_pidfd) {
    static bool without_pidfd;
    void *stack = shared_stack();
    if (!stack) {
        errno = ENOMEM;
        return -1;
    }
    shared->error_fd = -1;
    shared->child.shares_memory = true;
    int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
    pid_t pid = clone(child_main, stack, flags | (without_pidfd ? 0 : CLONE_PIDFD), shared, ret_pidfd);
    if (pid < 0 && errno == EINVAL && !without_pidfd) {
        without_pidfd = true;
        pid = clone(child_main, stack, flags, shared, NULL);
    }
    return pid;
}

/* The write end must not be where the plan puts descriptors. */
static int error_pipe(const struct exec_plan *plan, int *ret_read, int *ret_write) {
    int fds[2], lowest = 3;
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].kind == STEP_CLOSE_OTHERS)
            lowest = MAX(lowest, (int)plan->steps[i].number);
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    if (fds[1] < lowest) {
        int moved = fcntl(fds[1], F_DUPFD_CLOEXEC, lowest);
        if (moved < 0) {
            int r = -errno;
            fd_close(fds[0]);
            fd_close(fds[1]);
            return r;
        }
        fd_close(fds[1]);
        fds[1] = moved;
    }
    *ret_read = fds[0];
    *ret_write = fds[1];
    return 0;
}

static pid_t start_forked(struct shared *shared, int *ret_pidfd, int *ret_error_fd) {
    int read_fd, write_fd;
    int r = error_pipe(shared->child.plan, &read_fd, &write_fd);
    if (r < 0) {
        errno = -r;
        return -1;
    }
    shared->error_fd = write_fd;
    pid_t pid = fork();
    if (pid == 0)
        child_main(shared);
    fd_close(write_fd);
    if (pid < 0) {
        fd_close(read_fd);
        return -1;
    }
    *ret_pidfd = pidfd_of(pid);
    *ret_error_fd = read_fd;
    return pid;
}

int exec_plan_run(const struct exec_plan *plan, struct exec_child *ret) {
    struct shared shared = { .child = { .plan = plan, .spare = -1 } };
    struct exec_child child = { .pidfd = -1, .error_fd = -1 };
    sigset_t all, before;

    /* In a child that shares our memory a handler of ours must not run, and in any child none should. */
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
        return -errno;
    int dumpable = plan->changes_ids && !plan->forks ? prctl(PR_GET_DUMPABLE) : -1;
    child.pid = plan->forks ? start_forked(&shared, &child.pidfd, &child.error_fd)
                            : start_shared(&shared, &child.pidfd);
    int error = errno;
    if (dumpable >= 0)
        prctl(PR_SET_DUMPABLE, dumpable);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (child.pid < 0)
        return -error;

    if (!plan->forks) {
        child.failed = shared.failed;
        child.failure.step = shared.failure.step;
        child.failure.error = shared.failure.error;
        child.failure.status = shared.failure.status;
    }
    *ret = child;
    return 0;
}

void exec_failure_explain(const struct exec_plan *plan, const struct exec_failure *failure,
                          struct text *out) {
    const struct step *step =
        failure->step >= 0 && (size_t)failure->step < plan->n_steps ? &plan->steps[failure->step] : NULL;
    const char *name = exit_status_to_string(failure->status);
    text_add(out, "Failed at step ");
    if (name)
        text_add(out, name);
    else
        text_addf(out, "%d", failure->status);
    text_addf(out, " spawning %s: ", plan->path);
    if (step && step->subject && step->kind != STEP_EXEC)
        text_addf(out, "%s: ", step->subject);
    text_add(out, strerror(failure->error));
}
