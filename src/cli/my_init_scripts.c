/* SPDX-License-Identifier: Apache-2.0 */
/* Running scripts one after the other as PID 1 must: everybody's orphans are reaped meanwhile, and a SIGTERM is not
 * lost. Used before there is a manager, and by the units that run the shutdown scripts. */
#include "base/clock.h"
#include "base/path.h"
#include "base/strv.h"
#include "cli/my_init.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool my_init_quiet;

static void say(const char *format, va_list args) {
    _cleanup_text_ struct text line = {};
    text_add(&line, "*** ");
    text_addv(&line, format, args);
    fprintf(stderr, "%s\n", text_str(&line));
}

void my_init_info(const char *format, ...) {
    va_list args;
    if (my_init_quiet)
        return;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void my_init_warn(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

static void awaited_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGCHLD);
}

void my_init_catch_signals(void) {
    sigset_t set;
    awaited_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int status_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Reaps all that ended. True: `pid` was among them. */
static bool reap(pid_t pid, int *ret_status) {
    bool found = false;
    int status;
    for (pid_t p; (p = waitpid(-1, &status, WNOHANG)) > 0;)
        if (p == pid) {
            *ret_status = status;
            found = true;
        }
    return found;
}

static pid_t start(char *const *argv) {
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    my_init_warn("%s: %s", argv[0], errno == ENOEXEC ? "no interpreter line" : "cannot be run");
    _exit(127);
}

int my_init_run(char *const *argv, unsigned limit) {
    sigset_t set;
    int status = 0;
    usec_t deadline = USEC_INFINITY;
    bool interrupted = false;
    pid_t pid = start(argv);
    if (pid < 0)
        return -errno;
    awaited_signals(&set);
    while (!reap(pid, &status)) {
        usec_t rest = deadline == USEC_INFINITY ? 3600 * USEC_PER_SEC : usec_sub(deadline, now(CLOCK_MONOTONIC));
        struct timespec ts = { (time_t)(rest / USEC_PER_SEC), (long)(rest % USEC_PER_SEC) * 1000 };
        int signal = sigtimedwait(&set, NULL, &ts);
        if ((signal == SIGTERM || signal == SIGINT) && !interrupted) {
            interrupted = true;
            my_init_info("Shutting down %s (PID %d)...", argv[0], (int)pid);
            kill(pid, SIGTERM);
            deadline = usec_add(now(CLOCK_MONOTONIC), limit * USEC_PER_SEC);
        } else if (interrupted && now(CLOCK_MONOTONIC) >= deadline) {
            my_init_warn("%s (PID %d) did not shut down in time. Forcing it to exit.", argv[0], (int)pid);
            kill(pid, SIGKILL);
            deadline = USEC_INFINITY;
        }
    }
    return interrupted ? -EINTR : status_of(status);
}

int my_init_list(const char *directory, char ***ret) {
    _cleanup_strv_ char **found = NULL;
    DIR *d = opendir(directory);
    int r = 0;
    for (struct dirent *e; d && r >= 0 && (e = readdir(d));) {
        struct stat st;
        if (fstatat(dirfd(d), e->d_name, &st, 0) >= 0 && S_ISREG(st.st_mode) &&
            faccessat(dirfd(d), e->d_name, X_OK, 0) >= 0)
            r = strv_take(&found, path_join(directory, e->d_name));
    }
    if (d)
        closedir(d);
    if (found)
        strv_sort(found);
    if (r >= 0)
        *ret = TAKE(found);
    return r;
}
