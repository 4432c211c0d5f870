/* SPDX-License-Identifier: Apache-2.0 */
/* Where no manager runs (a RUN line, a CI shell, bash as PID 1), one is started in the background, and waited for when
 * it ends. docs/nomanager.md. Knows the file RUNTIME/systemd/reeve that a manager leaves, and the bus. */
#include "base/fd.h"
#include "base/process.h"
#include "base/runtime.h"
#include "base/scan.h"
#include "cli/systemctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_USEC (10 * USEC_PER_MSEC)
#define START_LIMIT_USEC (60 * USEC_PER_SEC)
#define END_LIMIT_USEC (120 * USEC_PER_SEC)

/* --- which manager ---------------------------------------------------------------------------------------- */
/* Ended, if not yet waited for: then it has no program any more. */
static bool is_gone(const struct running *running) {
    char link[32], program[16];
    snprintf(link, sizeof link, "/proc/%d/exe", running->pid);
    return process_start_time(running->pid) != running->start ||
           (readlink(link, program, sizeof program) < 0 && errno == ENOENT);
}

bool ctl_find_manager(struct running *ret) {
    *ret = (struct running){};
    for (enum runtime_place place = 0; place < RUNTIME_PLACES; place++) {
        _cleanup_free_ char *path = runtime_path(place, "systemd/reeve"), *text = NULL;
        if (!path || file_read(path, 256, &text, NULL) < 0)
            continue;
        const char *at = text;
        struct running found = {};
        if (scan_int(&at, &found.pid) && scan_u64(&at, &found.start)) {
            found.on_demand = strstr(at, "on-demand");
            found.alive = !is_gone(&found);
            *ret = found;
            if (found.alive)
                return true;
        }
    }
    return false;
}

static bool wait_until_gone(const struct running *running) {
    for (usec_t waited = 0; !is_gone(running); waited += POLL_USEC) {
        if (waited > END_LIMIT_USEC)
            return false;
        usleep(POLL_USEC);
    }
    return true;
}

static bool has_state(const char *wanted, const char *other, bool unknown) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_free_ char *state = ctl.bus ? prop_string(BUS_PATH, "Manager", "SystemState", &error) : NULL;
    return state ? strcmp(state, wanted) == 0 || strcmp(state, other) == 0 : unknown;
}

static bool is_stopping(void) {
    return has_state("stopping", "stopping", ctl.bus != NULL);
}

/* Its generators have run: before that it does not know all units. */
static bool is_up(void) {
    return ctl.bus && !has_state("initializing", "starting", false);
}

void ctl_settle(void) {
    struct running running;
    if (!ctl.bus || !ctl_find_manager(&running) || !running.on_demand || !is_stopping())
        return;
    ctl_disconnect();
    if (!wait_until_gone(&running))
        fail("The service manager, process %d, takes long to end.", running.pid);
}

/* --- starting one ------------------------------------------------------------------------------------------ */
/* What services print goes where the container's first process prints to, if that is a pipe or a file: there it is
 * seen (`docker build`, `docker logs`), and holds up nobody who reads what systemctl prints. */
static int open_output(void) {
    struct stat st;
    int fd = open("/proc/1/fd/1", O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &st) >= 0 && (S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode)) &&
        fd_set_nonblock(fd, false) >= 0)
        return fd;
    fd_close(fd);
    return open("/dev/null", O_WRONLY | O_NOCTTY);
}

static _Noreturn void become_manager(void) {
    char *const argv[] = { (char *)"reeve", (char *)"init", (char *)"--on-demand", (char *)"--log-level=notice", NULL };
    int in = open("/dev/null", O_RDONLY | O_NOCTTY), out = open_output();
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    if (in < 0 || out < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    (void)syscall(SYS_close_range, 3U, ~0U, 0U);
    execv("/proc/self/exe", argv);
    _exit(EXIT_FAILURE);
}

static int start_manager(void) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        become_manager();
    for (usec_t waited = 0; waited < START_LIMIT_USEC; waited += POLL_USEC) {
        if (!ctl.bus)
            ctl_try_connect();
        if (is_up())
            return 0;
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return -ESRCH;
        usleep(POLL_USEC);
    }
    return -ETIMEDOUT;
}

int ctl_connect_or_start(void) {
    if (ctl.bus)
        return 0;
    /* Without /proc nothing could be managed; it is a bare chroot then. */
    if (process_start_time(getpid()) == 0)
        return ctl_connect();
    struct running running;
    /* Who comes second finds what the first one started. The lock leaves no file. */
    _cleanup_close_ int lock = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0)
        (void)flock(lock, LOCK_EX);
    if (ctl_find_manager(&running)) {
        ctl_try_connect();
        if (!running.on_demand || (ctl.bus && !is_stopping()))
            return ctl_connect();
        /* It is about to end: what is wanted now needs another. */
        ctl_disconnect();
        (void)wait_until_gone(&running);
    } else {
        ctl_try_connect();
        if (ctl.bus)
            return 0;
        /* systemd itself, or another's manager: not ours to replace. */
        if (running.pid == 0 && access("/run/systemd/private", F_OK) >= 0 && ctl_first_is_systemd())
            return ctl_connect();
    }
    int r = start_manager();
    if (r < 0)
        fail("No service manager runs, and none can be started here: %s.", strerror(-r));
    return r;
}

bool ctl_first_is_systemd(void) {
    _cleanup_free_ char *comm = NULL;
    return file_read("/proc/1/comm", 64, &comm, NULL) >= 0 && strcmp(comm, "systemd\n") == 0;
}
