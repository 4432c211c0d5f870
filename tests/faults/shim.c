/* SPDX-License-Identifier: Apache-2.0 */
#include "shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern void *__libc_stack_end;
struct faults *faults;

static int take_base(struct dl_phdr_info *info, size_t size, void *userdata) {
    *(uintptr_t *)userdata = info->dlpi_addr;
    return 1; /* the program itself is the first */
}

uintptr_t fault_base(void) {
    static uintptr_t base;
    static bool known;
    if (!known)
        dl_iterate_phdr(take_base, &base);
    known = true;
    return base;
}

void fault_use(struct faults *shared) {
    faults = shared;
}

static const struct {
    const char *name;
    int errors[2];
} kinds[FAULT_KINDS] = {
#define X(name, first, second) [FAULT_##name] = { #name, { first, second } },
    FAULT_KINDS_TABLE(X)
#undef X
};

const char *fault_kind_name(unsigned kind) {
    return kind < FAULT_KINDS ? kinds[kind].name : "?";
}

int fault_error(unsigned kind, unsigned which) {
    return kind < FAULT_KINDS && which < 2 ? kinds[kind].errors[which] : 0;
}

/* Reads the stack as numbers: frames, and as many arguments as a call could have, whether they are there or not. */
#define LOOKS_ANYWHERE __attribute__((no_sanitize("address", "undefined")))

/* The callers, by the frame pointers that this build keeps. Code without them (the C library's) ends the chain early or
 * leaves something out; never is anything read that is not on the stack. */
LOOKS_ANYWHERE static unsigned callers(uint32_t chain[static FAULT_CHAIN], unsigned depth, uintptr_t *frame) {
    unsigned n = 0;
    uintptr_t end = (uintptr_t)__libc_stack_end;
    while (n < depth && (uintptr_t)frame < end && end - (uintptr_t)frame >= 2 * sizeof(*frame)) {
        chain[n++] = (uint32_t)(frame[1] - fault_base());
        uintptr_t *next = (uintptr_t *)frame[0];
        if (next <= frame || (uintptr_t)next % sizeof(*next) != 0)
            break;
        frame = next;
    }
    return n;
}

static bool memory_kind(enum fault_kind kind) {
    return kind <= FAULT_vasprintf;
}

static bool fault_at(enum fault_kind kind, uintptr_t *frame) {
    struct faults *f = faults;
    if (!f || f->pid == 0 || f->pid != getpid())
        return false;
    f->calls[kind]++;
    if (f->by_kind) {
        if (kind != f->kind || f->calls[kind] != f->occurrence)
            return false;
        f->hits++;
        errno = f->error;
        return true;
    }
    if (f->armed && f->hits > 0 && f->hits < f->length && memory_kind(kind)) {
        f->hits++;
        errno = ENOMEM;
        return true;
    }
    uint32_t chain[FAULT_CHAIN] = { 0 };
    unsigned depth = f->depth < FAULT_CHAIN ? f->depth : FAULT_CHAIN;
    unsigned n = callers(chain, depth, frame);
    uint32_t hash = 2166136261u ^ kind;
    for (unsigned i = 0; i < n; i++)
        hash = (hash ^ chain[i]) * 16777619u;
    hash |= 1;
    if (f->armed) {
        if (hash != f->hash || ++f->seen != f->occurrence)
            return false;
        f->hits++;
        errno = f->error;
        return true;
    }
    uint32_t slot = hash % FAULT_PLACES;
    while (f->places[slot].hash && f->places[slot].hash != hash)
        slot = (slot + 1) % FAULT_PLACES;
    struct fault_place *place = &f->places[slot];
    if (!place->hash) {
        if (f->n_places >= FAULT_PLACES / 2) {
            f->lost++;
            return false;
        }
        f->n_places++;
        place->hash = hash;
        place->kind = (uint16_t)kind;
        memcpy(place->chain, chain, sizeof(chain));
    }
    place->calls++;
    return false;
}

#define FAILS(name) __builtin_expect(fault_at(FAULT_##name, __builtin_frame_address(0)), 0)
#define REAL(name) __real_##name

/* A call that only passes its arguments on. */
#define SHIM(type, name, failed, parameters, arguments) \
    type REAL(name) parameters;                         \
    type __wrap_##name parameters;                      \
    type __wrap_##name parameters {                     \
        return FAILS(name) ? failed : REAL(name) arguments; \
    }

SHIM(void *, malloc, NULL, (size_t n), (n))
SHIM(void *, calloc, NULL, (size_t n, size_t size), (n, size))
SHIM(void *, realloc, NULL, (void *p, size_t n), (p, n))
SHIM(void *, reallocarray, NULL, (void *p, size_t n, size_t size), (p, n, size))
SHIM(char *, strdup, NULL, (const char *s), (s))
SHIM(char *, strndup, NULL, (const char *s, size_t n), (s, n))
SHIM(int, vasprintf, -1, (char **ret, const char *format, va_list args), (ret, format, args))
SHIM(FILE *, fopen64, NULL, (const char *path, const char *mode), (path, mode))
SHIM(DIR *, opendir, NULL, (const char *path), (path))
SHIM(DIR *, fdopendir, NULL, (int fd), (fd))
SHIM(struct dirent64 *, readdir64, NULL, (DIR *d), (d))
SHIM(char *, realpath, NULL, (const char *path, char *resolved), (path, resolved))
SHIM(ssize_t, read, -1, (int fd, void *to, size_t n), (fd, to, n))
SHIM(ssize_t, write, -1, (int fd, const void *from, size_t n), (fd, from, n))
SHIM(int, pipe2, -1, (int *fds, int flags), (fds, flags))
SHIM(int, dup2, -1, (int from, int to), (from, to))
SHIM(off64_t, lseek64, -1, (int fd, off64_t to, int whence), (fd, to, whence))
SHIM(int, ftruncate64, -1, (int fd, off64_t size), (fd, size))
SHIM(int, memfd_create, -1, (const char *name, unsigned flags), (name, flags))
SHIM(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
SHIM(int, socketpair, -1, (int domain, int type, int protocol, int *fds), (domain, type, protocol, fds))
SHIM(int, bind, -1, (int fd, const void *to, socklen_t n), (fd, to, n))
SHIM(int, listen, -1, (int fd, int n), (fd, n))
SHIM(int, accept4, -1, (int fd, void *from, socklen_t *n, int flags), (fd, from, n, flags))
SHIM(int, connect, -1, (int fd, const void *to, socklen_t n), (fd, to, n))
SHIM(int, getsockopt, -1, (int fd, int level, int name, void *to, socklen_t *n), (fd, level, name, to, n))
SHIM(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t n), (fd, level, name, value, n))
SHIM(int, getsockname, -1, (int fd, void *to, socklen_t *n), (fd, to, n))
SHIM(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
SHIM(ssize_t, recvmsg, -1, (int fd, struct msghdr *message, int flags), (fd, message, flags))
SHIM(ssize_t, recv, -1, (int fd, void *to, size_t n, int flags), (fd, to, n, flags))
SHIM(int, shutdown, -1, (int fd, int how), (fd, how))
SHIM(int, epoll_create1, -1, (int flags), (flags))
SHIM(int, epoll_wait, -1, (int fd, struct epoll_event *events, int n, int timeout), (fd, events, n, timeout))
SHIM(int, epoll_pwait2, -1,
     (int fd, struct epoll_event *events, int n, const struct timespec *timeout, const sigset_t *mask),
     (fd, events, n, timeout, mask))
SHIM(int, timerfd_create, -1, (clockid_t clock, int flags), (clock, flags))
SHIM(int, timerfd_settime, -1, (int fd, int flags, const struct itimerspec *to, struct itimerspec *old),
     (fd, flags, to, old))
SHIM(int, signalfd, -1, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
SHIM(int, inotify_init1, -1, (int flags), (flags))
SHIM(int, inotify_add_watch, -1, (int fd, const char *path, uint32_t mask), (fd, path, mask))
SHIM(pid_t, fork, -1, (void), ())
SHIM(int, kill, -1, (pid_t pid, int signal), (pid, signal))
SHIM(int, waitid, -1, (idtype_t type, id_t id, siginfo_t *info, int options), (type, id, info, options))
SHIM(pid_t, waitpid, -1, (pid_t pid, int *status, int options), (pid, status, options))
SHIM(int, prlimit64, -1, (pid_t pid, int what, const struct rlimit64 *set, struct rlimit64 *old), (pid, what, set, old))
SHIM(int, getrlimit64, -1, (int what, struct rlimit64 *to), (what, to))
SHIM(int, setrlimit64, -1, (int what, const struct rlimit64 *to), (what, to))
SHIM(void *, mmap64, MAP_FAILED, (void *at, size_t n, int protection, int flags, int fd, off64_t offset),
     (at, n, protection, flags, fd, offset))
SHIM(int, mprotect, -1, (void *at, size_t n, int protection), (at, n, protection))
SHIM(ssize_t, getrandom, -1, (void *to, size_t n, unsigned flags), (to, n, flags))
SHIM(int, sigprocmask, -1, (int how, const sigset_t *set, sigset_t *old), (how, set, old))
SHIM(int, sigaction, -1, (int signal, const struct sigaction *set, struct sigaction *old), (signal, set, old))
SHIM(int, fstat64, -1, (int fd, struct stat64 *to), (fd, to))
SHIM(int, stat64, -1, (const char *path, struct stat64 *to), (path, to))
SHIM(int, lstat64, -1, (const char *path, struct stat64 *to), (path, to))
SHIM(int, fstatat64, -1, (int dir, const char *path, struct stat64 *to, int flags), (dir, path, to, flags))
SHIM(int, access, -1, (const char *path, int how), (path, how))
SHIM(int, faccessat, -1, (int dir, const char *path, int how, int flags), (dir, path, how, flags))
SHIM(ssize_t, readlink, -1, (const char *path, char *to, size_t n), (path, to, n))
SHIM(ssize_t, readlinkat, -1, (int dir, const char *path, char *to, size_t n), (dir, path, to, n))
SHIM(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
SHIM(int, mkdirat, -1, (int dir, const char *path, mode_t mode), (dir, path, mode))
SHIM(int, rmdir, -1, (const char *path), (path))
SHIM(int, unlink, -1, (const char *path), (path))
SHIM(int, unlinkat, -1, (int dir, const char *path, int flags), (dir, path, flags))
SHIM(int, rename, -1, (const char *from, const char *to), (from, to))
SHIM(int, renameat, -1, (int from_dir, const char *from, int to_dir, const char *to), (from_dir, from, to_dir, to))
SHIM(int, symlink, -1, (const char *to, const char *path), (to, path))
SHIM(int, symlinkat, -1, (const char *to, int dir, const char *path), (to, dir, path))
SHIM(int, chmod, -1, (const char *path, mode_t mode), (path, mode))
SHIM(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
SHIM(int, fchown, -1, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
SHIM(int, fchownat, -1, (int dir, const char *path, uid_t uid, gid_t gid, int flags), (dir, path, uid, gid, flags))
SHIM(int, mkfifo, -1, (const char *path, mode_t mode), (path, mode))
SHIM(int, mkostemp64, -1, (char *pattern, int flags), (pattern, flags))
SHIM(int, sysinfo, -1, (struct sysinfo *to), (to))

/* The descriptor is gone whatever close() says. */
int REAL(close)(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    bool fails = FAILS(close);
    int error = errno, r = REAL(close)(fd);
    if (!fails)
        return r;
    errno = error;
    return -1;
}

/* Taking a descriptor out of an epoll set does not fail for lack of anything. */
int REAL(epoll_ctl)(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event) {
    return what != EPOLL_CTL_DEL && FAILS(epoll_ctl) ? -1 : REAL(epoll_ctl)(epoll, what, fd, event);
}

/* --- with arguments that vary ------------------------------------------------------------------------------------- */
int __wrap_asprintf(char **ret, const char *format, ...);
int __wrap_asprintf(char **ret, const char *format, ...) {
    if (FAILS(asprintf))
        return -1;
    va_list args;
    va_start(args, format);
    int n = REAL(vasprintf)(ret, format, args);
    va_end(args);
    return n;
}

#define LONGS(n, last)               \
    long a[n];                       \
    va_list args;                    \
    va_start(args, last);            \
    for (int i = 0; i < (n); i++)    \
        a[i] = va_arg(args, long);   \
    va_end(args)

int REAL(open64)(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
LOOKS_ANYWHERE int __wrap_open64(const char *path, int flags, ...) {
    LONGS(1, flags);
    return FAILS(open64) ? -1 : REAL(open64)(path, flags, a[0]);
}

int REAL(openat64)(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
LOOKS_ANYWHERE int __wrap_openat64(int dir, const char *path, int flags, ...) {
    LONGS(1, flags);
    return FAILS(openat64) ? -1 : REAL(openat64)(dir, path, flags, a[0]);
}

int REAL(fcntl64)(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
LOOKS_ANYWHERE int __wrap_fcntl64(int fd, int command, ...) {
    LONGS(1, command);
    return FAILS(fcntl64) ? -1 : REAL(fcntl64)(fd, command, a[0]);
}

int REAL(ioctl)(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
LOOKS_ANYWHERE int __wrap_ioctl(int fd, unsigned long request, ...) {
    LONGS(1, request);
    return FAILS(ioctl) ? -1 : REAL(ioctl)(fd, request, a[0]);
}

int REAL(prctl)(int what, ...);
int __wrap_prctl(int what, ...);
LOOKS_ANYWHERE int __wrap_prctl(int what, ...) {
    LONGS(4, what);
    return FAILS(prctl) ? -1 : REAL(prctl)(what, a[0], a[1], a[2], a[3]);
}

long REAL(syscall)(long number, ...);
long __wrap_syscall(long number, ...);
LOOKS_ANYWHERE long __wrap_syscall(long number, ...) {
    LONGS(6, number);
    return number != SYS_exit_group && FAILS(syscall) ? -1
                                                      : REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int REAL(clone)(int (*function)(void *), void *stack, int flags, void *argument, ...);
int __wrap_clone(int (*function)(void *), void *stack, int flags, void *argument, ...);
LOOKS_ANYWHERE int __wrap_clone(int (*function)(void *), void *stack, int flags, void *argument, ...) {
    LONGS(3, argument);
    return FAILS(clone) ? -1 : REAL(clone)(function, stack, flags, argument, a[0], a[1], a[2]);
}
