/* SPDX-License-Identifier: Apache-2.0 */
/* What this container lets us do. Asked of the kernel, never guessed; nothing is changed by asking. */
#include "exec/plan.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t effective_capabilities(void) {
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = {};
    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

static uint64_t bounding_set(void) {
    uint64_t set = 0;
    for (int i = 0; i < 64; i++) {
        int r = prctl(PR_CAPBSET_READ, i);
        if (r < 0)
            break;
        if (r > 0)
            set |= UINT64_C(1) << i;
    }
    return set;
}

/* Runs in a process of its own, in a mount namespace of its own, which ends with it. */
static int try_mount(void *arg) {
    syscall(SYS_exit_group, mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ? 1 : 0);
    return 1;
}

static int do_nothing(void *arg) {
    syscall(SYS_exit_group, 0);
    return 1;
}

/* Refusals, the usual case, cost one system call: no process is made. */
static bool try_namespace(int flags, int (*child)(void *)) {
    static char stack[16384] __attribute__((aligned(16)));
    pid_t pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | flags | SIGCHLD, NULL);
    if (pid < 0)
        return false;
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void permits_probe(struct permits *ret) {
    struct permits p = { .uid = geteuid(), .gid = getegid(), .own_pid_namespace = getpid() == 1 };
    p.root = p.uid == 0;
    p.capabilities = effective_capabilities();
    p.bounding = bounding_set();

    uint32_t action = SECCOMP_RET_ERRNO;
    p.seccomp = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
#ifdef SYS_landlock_create_ruleset
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    p.landlock = abi > 0 ? (int)abi : 0;
#endif
    if (p.capabilities >> CAP_SYS_ADMIN & 1) {
        p.mount = try_namespace(CLONE_NEWNS, try_mount);
        /* Making a network namespace takes milliseconds: who may have the one may have the other. */
        p.network_namespace = p.mount;
    }
    p.user_namespaces = try_namespace(CLONE_NEWUSER, do_nothing);

    if (getrlimit(RLIMIT_NOFILE, &p.nofile) < 0)
        p.nofile = (struct rlimit){ 1024, 4096 };
    if (getrlimit(RLIMIT_LOCKS, &p.locks) < 0)
        p.locks = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
    *ret = p;
}
