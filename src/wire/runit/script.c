/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts of control/, which runsv(8) asks before it sends a signal. They run beside us: a helper process waits
 * for the script and writes how it ended into a pipe, so that nothing here waits. */
#include "base/fd.h"
#include "wire/runit/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void ended(struct io *io, int fd, uint32_t events, void *userdata) {
    struct supervised *s = userdata;
    unsigned char failed = 1; /* also when the helper died */
    if (read(fd, &failed, 1) < 0 && errno == EAGAIN)
        return;
    script_abandon(s);
    control_script_ended(s, failed == 0);
}

/* In the child. */
_Noreturn static void run_helper(struct supervised *s, const char *path, int result_fd) {
    char *const argv[] = { (char *)"reeve", (char *)"runit-hook", (char *)"control", (char *)path, NULL };
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setsid();
    if (fchdir(s->dir_fd) < 0)
        _exit(111);
    if (s->entry->pipe_fd >= 0) { /* a descriptor of its own: ours does not wait for room */
        char pipe[32];
        snprintf(pipe, sizeof(pipe), "/proc/self/fd/%d", s->entry->pipe_fd);
        int out = open(pipe, O_WRONLY | O_CLOEXEC);
        if (out >= 0)
            dup2(out, STDOUT_FILENO);
    }
    if (result_fd == 3)
        (void)fd_set_cloexec(3, false);
    else
        dup2(result_fd, 3);
    execve("/proc/self/exe", argv, s->runit->manager->environment);
    _exit(111);
}

int script_start(struct supervised *s, char name) {
    char path[16];
    int fds[2];
    snprintf(path, sizeof(path), "control/%c", name);
    if (s->dir_fd < 0 || faccessat(s->dir_fd, path, X_OK, 0) < 0)
        return 0;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    int r = io_add(s->runit->manager->loop, fds[0], EPOLLIN, ended, s, &s->script.io);
    pid_t pid = r < 0 ? r : fork();
    if (pid == 0)
        run_helper(s, path, fds[1]);
    r = r < 0 ? r : pid < 0 ? -errno : 0;
    fd_close(fds[1]);
    s->script.fd = fds[0];
    s->script.pid = pid;
    if (r < 0)
        script_abandon(s);
    return r < 0 ? r : 1;
}

void script_abandon(struct supervised *s) {
    s->script.io = io_remove(s->script.io);
    s->script.fd = fd_close(s->script.fd);
    s->script.pid = 0;
}
