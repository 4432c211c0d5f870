/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a plan, one function each. Runs in the child, possibly in the manager's memory: glibc's
 * wrappers are used where they are plain system calls; those that take locks or tell other threads (setuid
 * and its kin) are not. */
#include "exec/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#endif

/* How long Type=idle waits for the end of all jobs. */
#define IDLE_TIMEOUT_MSEC 5000
/* How often a busy terminal is tried again. */
#define TTY_RETRY_NSEC 200000000L

static int or_errno(long r) {
    return r < 0 ? -errno : 0;
}

/* What the kernel takes, without the restorer that glibc adds: a handler never runs here. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* step->number: bit n set: signal n is ignored. Everything else goes back to its default. */
static int step_signals(const struct step *step) {
    struct kernel_sigaction action = {};
    for (int i = 1; i <= 64; i++) {
        if (i == SIGKILL || i == SIGSTOP)
            continue;
        action.handler = i < 64 && step->number >> i & 1 ? SIG_IGN : SIG_DFL;
        syscall(SYS_rt_sigaction, i, &action, NULL, sizeof(action.mask));
    }
    uint64_t none = 0;
    return or_errno(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none)));
}

static int step_idle(const struct step *step) {
    (void)close(step->fd.to);
    struct pollfd end = { .fd = step->fd.from };
    (void)poll(&end, 1, IDLE_TIMEOUT_MSEC);
    return 0;
}

/* A process that may not raise a limit sets what it may: setrlimit(2). */
static int step_rlimit(const struct step *step) {
    struct rlimit wanted = step->rlimit.limit, old;
    if (setrlimit(step->rlimit.resource, &wanted) >= 0)
        return 0;
    if (errno != EPERM)
        return -errno;
    if (getrlimit(step->rlimit.resource, &old) < 0)
        return -errno;
    wanted.rlim_max = MIN(wanted.rlim_max, old.rlim_max);
    wanted.rlim_cur = MIN(wanted.rlim_cur, wanted.rlim_max);
    return or_errno(setrlimit(step->rlimit.resource, &wanted));
}

/* A decimal number into `buffer`, NUL-terminated. Returns its length. */
static size_t format_number(char *buffer, long number) {
    char digits[24];
    size_t n = 0, length = 0;
    unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;
    do
        digits[n++] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        buffer[length++] = '-';
    while (n > 0)
        buffer[length++] = digits[--n];
    buffer[length] = 0;
    return length;
}

static int write_file(const char *path, const char *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int r = write(fd, data, size) < 0 ? -errno : 0;
    close(fd);
    return r;
}

static int write_number(const char *path, long number) {
    char buffer[24];
    return write_file(path, buffer, format_number(buffer, number));
}

static int fd_place(int fd, int to) {
    if (fd == to)
        return or_errno(fcntl(fd, F_SETFD, 0));
    int r = or_errno(dup2(fd, to));
    close(fd);
    return r;
}

/* A socket in the file system cannot be opened: it is connected to. systemd.exec(5), StandardInput=file:. */
static int connect_to(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    if (n >= sizeof(address.sun_path))
        return -ENXIO;
    memcpy(address.sun_path, path, n + 1);
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
    int r = -EPROTOTYPE;
    for (size_t i = 0; i < ELEMENTS(types) && r == -EPROTOTYPE; i++) {
        int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return -errno;
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) >= 0)
            return fd;
        r = -errno;
        close(fd);
    }
    return r;
}

static int open_or_connect(const char *path, int flags, mode_t mode) {
    int fd = open(path, flags | O_NOCTTY | O_CLOEXEC, mode);
    return fd >= 0 ? fd : errno == ENXIO ? connect_to(path) : -errno;
}

static int step_open(const struct step *step) {
    int fd = open_or_connect(step->subject, step->open.flags, step->open.mode);
    return fd < 0 ? fd : fd_place(fd, step->open.to);
}

/* A file that is not there, and need not be, has no number and no name: those behind it move up. */
static int step_open_file(struct child *child, const struct step *step) {
    size_t place = step->open_file.place - child->n_not_opened;
    int fd = open_or_connect(step->subject, step->open_file.flags, 0);
    if (fd >= 0)
        return fd_place(fd, 3 + (int)place);
    if (!step->open_file.graceful)
        return fd;
    child->n_not_opened++;
    char *count = step->open_file.count, *name = step->open_file.names;
    long n = 0;
    if (!count || !name)
        return 0;
    for (const char *digit = count; *digit; digit++)
        n = n * 10 + (*digit - '0');
    format_number(count, n - 1);
    while (place-- > 0 && *name)
        name += strcspn(name, ":") + 1;
    size_t length = strcspn(name, ":");
    if (name[length])
        memmove(name, name + length + 1, strlen(name + length + 1) + 1);
    else /* the last one goes with the colon in front of it */
        name[name > step->open_file.names ? -1 : 0] = 0;
    return 0;
}

static int step_fd(struct child *child, const struct step *step) {
    int from = step->fd.from == FD_SPARE ? child->spare : step->fd.from;
    if (from == step->fd.to)
        return or_errno(fcntl(from, F_SETFD, 0));
    return or_errno(dup2(from, step->fd.to));
}

static int step_fd_spare(struct child *child, const struct step *step) {
    int fd = fcntl(step->fd.from, F_DUPFD_CLOEXEC, step->fd.to);
    if (fd < 0)
        return -errno;
    if (child->spare >= 0)
        close(child->spare);
    child->spare = fd;
    return 0;
}

static int step_fd_blocking(const struct step *step) {
    int flags = fcntl(step->fd.to, F_GETFL);
    if (flags < 0)
        return -errno;
    return or_errno(fcntl(step->fd.to, F_SETFL, step->fd.from ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

/* systemd.exec(5) TTYReset=: sane line settings. */
static void tty_reset(int fd) {
    struct termios t;
    ioctl(fd, TIOCNXCL);
    if (tcgetattr(fd, &t) < 0)
        return;
    t.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | ISTRIP | INLCR | IGNCR | IUCLC);
    t.c_iflag |= ICRNL | IMAXBEL | IUTF8;
    t.c_oflag |= ONLCR | OPOST;
    t.c_cflag |= CREAD;
    t.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
    t.c_cc[VINTR] = 03;
    t.c_cc[VQUIT] = 034;
    t.c_cc[VERASE] = 0177;
    t.c_cc[VKILL] = 025;
    t.c_cc[VEOF] = 04;
    t.c_cc[VSTART] = 021;
    t.c_cc[VSTOP] = 023;
    t.c_cc[VSUSP] = 032;
    t.c_cc[VEOL] = 0;
    t.c_cc[VTIME] = 0;
    t.c_cc[VMIN] = 1;
    tcsetattr(fd, TCSANOW, &t);
    tcflush(fd, TCIOFLUSH);
}

/* TTYRows=, TTYColumns=. */
static void tty_resize(int fd, const struct step *step) {
    struct winsize size;
    if ((step->tty.rows < 0 && step->tty.columns < 0) || ioctl(fd, TIOCGWINSZ, &size) < 0)
        return;
    if (step->tty.rows >= 0)
        size.ws_row = (unsigned short)step->tty.rows;
    if (step->tty.columns >= 0)
        size.ws_col = (unsigned short)step->tty.columns;
    ioctl(fd, TIOCSWINSZ, &size);
}

static int step_tty(const struct step *step) {
    enum tty_flags flags = step->tty.flags;
    if (flags & TTY_HANGUP) {
        int fd = open(step->subject, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0) {
            ioctl(fd, TIOCVHANGUP);
            close(fd);
        }
    }
    for (;;) {
        int fd = open(step->subject, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        /* The old owner of the terminal gets a SIGHUP, which must not be us. */
        if (ioctl(fd, TIOCSCTTY, flags & TTY_FORCE ? 1 : 0) >= 0) {
            if (flags & TTY_RESET)
                tty_reset(fd);
            tty_resize(fd, step);
            return fd_place(fd, step->tty.to);
        }
        int error = errno;
        close(fd);
        if (error != EPERM || !(flags & TTY_WAIT))
            return -error;
        nanosleep(&(struct timespec){ .tv_nsec = TTY_RETRY_NSEC }, NULL);
    }
}

static int step_tty_owner(const struct child *child, const struct step *step) {
    uid_t uid = (uid_t)step->number == UID_RESOLVED ? child->uid : (uid_t)step->number;
    if (fchown(STDIN_FILENO, uid, -1) < 0)
        return -errno;
    return or_errno(fchmod(STDIN_FILENO, 0620));
}

static int step_data(const struct step *step) {
    int fd = (int)syscall(SYS_memfd_create, "standard-input", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (size_t done = 0; done < step->blob.size;) {
        ssize_t n = write(fd, (const char *)step->blob.data + done, step->blob.size - done);
        if (n < 0 && errno != EINTR) {
            int r = -errno;
            close(fd);
            return r;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    lseek(fd, 0, SEEK_SET);
    return fd_place(fd, step->blob.to);
}

/* Kernels before 5.11, and sandboxes that know no close_range(). */
static void cloexec_slowly(int first) {
    int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct entry {
        uint64_t inode, offset;
        unsigned short length;
        unsigned char type;
        char name[];
    };
    if (dir < 0) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 65536)
            limit.rlim_cur = 65536;
        for (int fd = first; fd < (int)limit.rlim_cur; fd++)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        return;
    }
    char buffer[2048] __attribute__((aligned(8)));
    long n;
    while ((n = syscall(SYS_getdents64, dir, buffer, sizeof(buffer))) > 0)
        for (long at = 0; at < n;) {
            struct entry *e = (struct entry *)(buffer + at);
            int fd = 0;
            for (const char *p = e->name; *p >= '0' && *p <= '9'; p++)
                fd = fd * 10 + (*p - '0');
            if (e->name[0] != '.' && fd >= first)
                fcntl(fd, F_SETFD, FD_CLOEXEC);
            at += e->length;
        }
    close(dir);
}

static int step_close_others(const struct step *step) {
    unsigned first = (unsigned)step->number;
    if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        cloexec_slowly((int)first);
    return 0;
}

static int step_loopback(void) {
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = or_errno(ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
    return r;
}

static int step_groups(struct child *child, const struct step *step) {
    const gid_t *groups = step->groups.groups;
    size_t n = step->groups.n;
    if (step->groups.resolved) {
        /* Append what the plan knows to what the child learned. */
        for (size_t i = 0; i < n && child->n_groups < RESOLVED_GROUPS_MAX; i++)
            child->groups[child->n_groups++] = groups[i];
        groups = child->groups;
        n = child->n_groups;
    }
    return or_errno(syscall(SYS_setgroups, n, groups));
}

static int step_gid(const struct child *child, const struct step *step) {
    gid_t gid = (gid_t)step->number == GID_RESOLVED ? child->gid : (gid_t)step->number;
    return or_errno(syscall(SYS_setresgid, gid, gid, gid));
}

static int step_uid(const struct child *child, const struct step *step) {
    uid_t uid = (uid_t)step->number == UID_RESOLVED ? child->uid : (uid_t)step->number;
    return or_errno(syscall(SYS_setresuid, uid, uid, uid));
}

static int step_caps_bound(const struct step *step) {
    for (int i = 0; i < 64; i++) {
        int has = prctl(PR_CAPBSET_READ, i);
        if (has < 0)
            return 0;
        if (has && !(step->number >> i & 1) && prctl(PR_CAPBSET_DROP, i) < 0)
            return -errno;
    }
    return 0;
}

static int step_caps_set(const struct step *step) {
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = {
        { (uint32_t)step->caps.effective, (uint32_t)step->caps.permitted, (uint32_t)step->caps.inheritable },
        { (uint32_t)(step->caps.effective >> 32), (uint32_t)(step->caps.permitted >> 32),
          (uint32_t)(step->caps.inheritable >> 32) },
    };
    return or_errno(syscall(SYS_capset, &header, data));
}

static int step_caps_ambient(const struct step *step) {
    for (int i = 0; i < 64; i++)
        if (step->number >> i & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
            return -errno;
    return 0;
}

static int step_seccomp(const struct step *step) {
    struct sock_fprog program = { .len = step->program.length,
                                  .filter = (struct sock_filter *)step->program.filter };
    return or_errno(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static int step_listen_pid(const struct step *step) {
    long pid = syscall(SYS_getpid);
    for (size_t i = 0; i < step->pids.n; i++)
        format_number(step->pids.slots[i], pid);
    return 0;
}

static int step_exec(const struct child *child, const struct step *step) {
    execve(child->plan->path, child->plan->argv, child->plan->envp);
    return -errno;
}

int step_run(struct child *child, const struct step *step) {
    switch (step->kind) {
    case STEP_FAIL:
        return -(int)step->number;
    case STEP_SIGNALS:
        return step_signals(step);
    case STEP_SETSID:
        /* EPERM: already the leader of one. */
        return setsid() < 0 && errno != EPERM ? -errno : 0;
    case STEP_LINEAGE:
        return or_errno(setrlimit(RLIMIT_LOCKS, &(struct rlimit){ step->number, step->number }));
    case STEP_IDLE:
        return step_idle(step);
    case STEP_RLIMIT:
        return step_rlimit(step);
    case STEP_OOM_SCORE:
        return write_number("/proc/self/oom_score_adj", (long)(int64_t)step->number);
    case STEP_NICE:
        return or_errno(setpriority(PRIO_PROCESS, 0, (int)(int64_t)step->number));
    case STEP_SCHEDULER: {
        struct sched_param param = { .sched_priority = step->scheduler.priority };
        int policy = step->scheduler.policy | (step->scheduler.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
        return or_errno(syscall(SYS_sched_setscheduler, 0, policy, &param));
    }
    case STEP_IOPRIO:
        return or_errno(syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, (int)step->number));
    case STEP_AFFINITY:
        return or_errno(syscall(SYS_sched_setaffinity, 0, step->affinity.size, step->affinity.set));
    case STEP_MEMORY_POLICY:
        return or_errno(syscall(SYS_set_mempolicy, step->memory.mode, step->memory.nodes, step->memory.n_bits));
    case STEP_MEMORY_MERGE:
        return or_errno(prctl(PR_SET_MEMORY_MERGE, (unsigned long)step->number, 0, 0, 0));
    case STEP_TIMER_SLACK:
        return or_errno(prctl(PR_SET_TIMERSLACK, (unsigned long)step->number));
    case STEP_COREDUMP_FILTER:
        return write_file("/proc/self/coredump_filter", step->blob.data, step->blob.size);
    case STEP_UMASK:
        umask((mode_t)step->number);
        return 0;
    case STEP_OPEN:
        return step_open(step);
    case STEP_OPEN_FILE:
        return step_open_file(child, step);
    case STEP_FD:
        return step_fd(child, step);
    case STEP_FD_SPARE:
        return step_fd_spare(child, step);
    case STEP_FD_BLOCKING:
        return step_fd_blocking(step);
    case STEP_TTY:
        return step_tty(step);
    case STEP_TTY_OWNER:
        return step_tty_owner(child, step);
    case STEP_DATA:
        return step_data(step);
    case STEP_DIRECTORY:
        return step_directory(child, step);
    case STEP_SYMLINK:
        return step_symlink(step);
    case STEP_CREDENTIAL:
        return step_credential(child, step);
    case STEP_RESOLVE_USER:
        return step_resolve_user(child, step);
    case STEP_NAMESPACE:
        return or_errno(syscall(SYS_unshare, (int)step->number));
    case STEP_LOOPBACK:
        return step_loopback();
    case STEP_MOUNT:
        return or_errno(mount(step->mount.source, step->subject, step->mount.type, step->mount.flags,
                              step->mount.options));
    case STEP_CHROOT:
        if (chroot(step->subject) < 0)
            return -errno;
        return or_errno(chdir("/"));
    case STEP_CHDIR:
        return or_errno(chdir(step->subject));
    case STEP_GROUPS:
        return step_groups(child, step);
    case STEP_GID:
        return step_gid(child, step);
    case STEP_KEEP_CAPS:
        return or_errno(prctl(PR_SET_KEEPCAPS, 1));
    case STEP_UID:
        return step_uid(child, step);
    case STEP_CAPS_BOUND:
        return step_caps_bound(step);
    case STEP_CAPS_SET:
        return step_caps_set(step);
    case STEP_CAPS_AMBIENT:
        return step_caps_ambient(step);
    case STEP_SECUREBITS:
        return or_errno(prctl(PR_SET_SECUREBITS, (unsigned long)step->number));
    case STEP_NO_NEW_PRIVS:
        return or_errno(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    case STEP_LANDLOCK:
        return or_errno(syscall(SYS_landlock_restrict_self, (int)step->number, 0));
    case STEP_SECCOMP:
        return step_seccomp(step);
    case STEP_PERSONALITY:
        return or_errno(personality((unsigned long)step->number));
    case STEP_PDEATHSIG:
        return or_errno(prctl(PR_SET_PDEATHSIG, (unsigned long)step->number));
    case STEP_CLOSE_OTHERS:
        return step_close_others(step);
    case STEP_LISTEN_PID:
        return step_listen_pid(step);
    case STEP_EXEC:
        return step_exec(child, step);
    case STEP_KINDS:
        break;
    }
    return -EINVAL;
}
