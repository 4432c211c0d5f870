/* SPDX-License-Identifier: Apache-2.0 */
/* daemon-reexec: the state goes into a memory file, its descriptors stay open, and the program is executed anew,
 * which may be another version by now. Nothing is given up before it is clear that the new one runs. */
#include "base/fd.h"
#include "engine/manager_private.h"
#include "engine/reload.h"
#include "engine/serialize.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRIAL_LIMIT (30 * USEC_PER_SEC)
#define TRIAL_ANSWER "reeve "

struct reexec_request {
    void (*failed)(void *userdata, const char *why);
    void *userdata;
    struct reexec_request *next;
};

int manager_reexecute(struct manager *m, void (*failed)(void *userdata, const char *why), void *userdata) {
    if (m->objective == OBJECTIVE_EXIT)
        return -ESHUTDOWN;
    struct reexec_request *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    *request = (struct reexec_request){ failed, userdata, m->p->reexec_requests };
    m->p->reexec_requests = request;
    if (!request->next) /* else it is under way */
        manager_proceed(m);
    return 0;
}

void manager_refuse_reexecution(struct manager *m, const char *why) {
    if (why)
        log_error("Cannot re-execute: %s Going on as before.", why);
    while (m->p->reexec_requests) {
        struct reexec_request *r = m->p->reexec_requests;
        m->p->reexec_requests = r->next;
        if (r->failed && why)
            r->failed(r->userdata, why);
        free(r);
    }
}

static _printf_(2, 3) void refuse(struct manager *m, const char *format, ...) {
    char why[512];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    manager_refuse_reexecution(m, why);
}

/* --- the trial ---------------------------------------------------------------------------------------------------- */
void manager_find_program(struct manager *m) {
    static const char gone[] = " (deleted)";
    char path[PATH_MAX];
    ssize_t n = m->program ? -1 : readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (n <= 0)
        return;
    path[n] = 0;
    size_t suffix = sizeof(gone) - 1;
    if ((size_t)n > suffix && strcmp(path + n - suffix, gone) == 0)
        path[(size_t)n - suffix] = 0;
    m->program = strdup(path);
}

/* In a child: says its version on stdout, or "!" and why it cannot. */
static _Noreturn void try_program(const char *program, int out) {
    char *const argv[] = { (char *)"reeve", (char *)"--version", NULL };
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (dup2(out, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILURE);
    execve(program, argv, environ);
    char why[128];
    int n = snprintf(why, sizeof(why), "!%s", strerror(errno));
    (void)!write(out, why, (size_t)n);
    _exit(EXIT_FAILURE);
}

static void trial_ended(struct manager *m, int status) {
    char answer[128] = "";
    ssize_t n = read(m->p->trial_fd, answer, sizeof(answer) - 1);
    answer[n > 0 ? n : 0] = 0;
    m->p->trial_fd = fd_close(m->p->trial_fd);
    if (m->objective != OBJECTIVE_RUN)
        return; /* the end does not wait */
    if (status == 0 && strncmp(answer, TRIAL_ANSWER, sizeof(TRIAL_ANSWER) - 1) == 0) {
        /* Jobs of this turn settle first: the exec is the last thing in it. */
        m->objective = OBJECTIVE_REEXECUTE;
        deferred_queue(m->loop, &m->p->objective_work);
    } else if (*answer == '!')
        refuse(m, "%s cannot be executed: %s.", m->program, answer + 1);
    else
        refuse(m, "%s does not run as a reeve would (it ended with %d).", m->program, status);
}

static void begin_trial(struct manager *m, int status) {
    int ends[2];
    if (m->objective == OBJECTIVE_EXIT)
        return;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        refuse(m, "%s.", strerror(errno));
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        try_program(m->program, ends[1]);
    int error = errno;
    fd_close(ends[1]);
    if (pid < 0) {
        fd_close(ends[0]);
        refuse(m, "no process can be made to try it in: %s.", strerror(error));
        return;
    }
    m->p->trial_fd = ends[0];
    manager_watch_helper(m, pid, "The program to re-execute", TRIAL_LIMIT, trial_ended);
}

void manager_begin_reexecution(struct manager *m) {
    if (!m->p->reexec_requests)
        return;
    if (m->program)
        (void)manager_run_generators(m, begin_trial);
    else
        refuse(m, "it is not known where our program lies, for there is no /proc.");
}

/* --- the exec ----------------------------------------------------------------------------------------------------- */
static char **make_argv(const struct manager *m, char *option) {
    char **argv = calloc(strv_length(m->p->argv) + 3, sizeof(char *));
    size_t n = 0;
    STRV_FOREACH(a, m->p->argv)
        if (argv && strncmp(*a, "--deserialize", 13) != 0)
            argv[n++] = *a;
    if (argv)
        argv[n++] = option;
    return argv;
}

static int write_state(struct manager *m) {
    _cleanup_text_ struct text state = {};
    int r = manager_serialize(m, &state);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = memfd_create("reeve-state", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = write_all(fd, state.s, state.len);
    return r < 0 ? r : lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}

static void keep_descriptors(struct manager *m, int state, bool keep) {
    (void)fd_set_cloexec(state, !keep);
    serialized_fds_keep(keep);
    if (m->p->log)
        log_client_prepare_exec(m->p->log, keep);
}

void manager_execute_anew(struct manager *m) {
    char option[64];
    _cleanup_free_ char **argv = make_argv(m, option);
    OBSERVE(m, reloading, true);
    _cleanup_close_ int fd = argv ? write_state(m) : -ENOMEM;
    int error = -fd;
    if (fd >= 0) {
        for (struct wire *w = m->wires; w; w = w->next)
            if (w->flush)
                w->flush(w);
        snprintf(option, sizeof(option), "--deserialize=%d", fd);
        log_info("Reexecuting.");
        keep_descriptors(m, fd, true);
        execve(m->program, argv, environ);
        error = errno;
        keep_descriptors(m, fd, false);
    }
    m->objective = OBJECTIVE_RUN;
    OBSERVE(m, reloading, false);
    refuse(m, "%s.", strerror(error));
    manager_proceed(m);
}
