/* SPDX-License-Identifier: Apache-2.0 */
/* The one-command init: starts a command, waits for signals, passes them on, reaps. It sleeps in one system
 * call, and keeps next to no memory while it does. Knows no units. */
#include "cli/one.h"
#include "base/log.h"
#include "cli/applets.h"
#include "syntax/names.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct one {
    const struct one_options *o;
    pid_t pid;       /* of the command; 0: there is none, or it has ended */
    pid_t group;     /* its process group, which may outlive it */
    bool first;      /* we are PID 1 */
    bool foreground; /* the command's group got the terminal from us */
    bool ended;
    int status;
};

/* Straight to stderr: without buffers, and in one piece. */
static void say(const struct one *one, const char *format, ...) _printf_(2, 3);
static void say(const struct one *one, const char *format, ...) {
    char line[512];
    int n = snprintf(line, sizeof line, "%s: ", one->o->name);
    va_list args;
    va_start(args, format);
    n += vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
    va_end(args);
    n = MIN(n, (int)sizeof line - 2);
    line[n++] = '\n';
    (void)!write(STDERR_FILENO, line, (size_t)n);
}

static const char *name_of(int signal) {
    const char *name = signal_to_string(signal);
    return name ? name : "?";
}

/* --- signals: all 64, also those that libc keeps for itself ------------------------------------------------------- */
#define BIT(signal) ((uint64_t)1 << ((signal)-1))
/* What a fault of our own raises. Blocked, the kernel would not deliver it to a handler, but end us all the
 * same. */
#define FAULTS                                                                                               \
    (BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGABRT) | BIT(SIGTRAP) | BIT(SIGSYS))
static const uint64_t waited_for = ~FAULTS;

static void set_mask(const uint64_t *mask, uint64_t *before) {
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, before, sizeof *mask);
}

static struct one *the_one; /* for the handler of faults alone */

static int send(const struct one *one, int signal, const siginfo_t *info) {
    if (one->o->group)
        return kill(-one->group, signal);
    if (one->pid <= 0)
        return one->first ? kill(-1, signal) : kill(-one->group, signal);
    /* What sigqueue(3) carries arrives. */
    if (info && info->si_code == SI_QUEUE)
        return (int)syscall(SYS_rt_sigqueueinfo, one->pid, signal, info);
    return kill(one->pid, signal);
}

static void pass_on(struct one *one, int signal, const siginfo_t *info) {
    int to = one->o->signals[signal];
    if (one->o->verbosity > 2)
        say(one, "SIG%s: %s%s", name_of(signal), to ? "passing on SIG" : "not passed on",
            to ? name_of(to) : "");
    if (to > 0 && one->group > 0 && send(one, to, info) < 0 && errno != ESRCH)
        say(one, "SIG%s cannot be passed on: %s", name_of(to), strerror(errno));
}

/* A fault's signal that somebody sends us is for the command like any other. */
static void pass_fault_on(int signal, siginfo_t *info, void *context) {
    if (info->si_code <= 0 && the_one->group > 0) {
        (void)send(the_one, the_one->o->signals[signal], info);
        return;
    }
    struct sigaction fatal = { .sa_handler = SIG_DFL };
    (void)sigaction(signal, &fatal, NULL); /* and the instruction is tried again */
}

static void catch_faults(struct one *one) {
    the_one = one;
    struct sigaction catch = { .sa_sigaction = pass_fault_on, .sa_flags = SA_SIGINFO | SA_RESTART };
    for (int signal = 1; signal < 32; signal++)
        if (FAULTS & BIT(signal))
            (void)sigaction(signal, &catch, NULL);
}

/* --- the command -------------------------------------------------------------------------------------------------- */
/* In the child, which shares our memory until it executes: system calls only. */
static _Noreturn void become_command(const struct one *one, const uint64_t *mask, volatile int *error) {
    const struct one_options *o = one->o;
    if (o->session) {
        (void)setsid();
        (void)ioctl(STDIN_FILENO, TIOCSCTTY, 0);
    } else {
        pid_t pid = getpid();
        (void)setpgid(pid, pid);
        /* SIGTTOU is blocked still, so that this works from the background. No terminal: no harm. */
        (void)tcsetpgrp(STDIN_FILENO, pid);
    }
    set_mask(mask, NULL);
    execvp(o->command[0], o->command);
    *error = errno;
    _exit(127);
}

static int start(struct one *one, const uint64_t *mask) {
    volatile int error = 0;
    pid_t pid = vfork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        become_command(one, mask, &error);
    if (error) {
        (void)waitpid(pid, NULL, 0);
        return -error;
    }
    one->pid = one->group = pid;
    one->foreground = !one->o->session && tcgetpgrp(STDIN_FILENO) == pid;
    return 0;
}

/* The command gets the terminal as its own, which we therefore let go of. As the session's leader that sends
 * SIGHUP and SIGCONT to us, at once; they are not for the command. To ignore a signal throws away a pending
 * one. */
static void release_terminal(void) {
    static const int costs[] = { SIGHUP, SIGCONT };
    if (ioctl(STDIN_FILENO, TIOCNOTTY) < 0)
        return;
    for (size_t i = 0; i < ELEMENTS(costs); i++) {
        struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
        if (sigaction(costs[i], &ignore, &before) >= 0)
            (void)sigaction(costs[i], &before, NULL);
    }
}

/* --- children ----------------------------------------------------------------------------------------------------- */
static void stopped(struct one *one, int signal) {
    if (one->o->verbosity > 1)
        say(one, "%d has stopped with SIG%s", (int)one->pid, name_of(signal));
    /* A shell that we are a job of is to see it. PID 1 cannot be stopped. */
    bool by_terminal = signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU || one->o->session;
    if (!one->first && by_terminal)
        (void)kill(getpid(), SIGSTOP);
}

/* False: no child is left at all. */
static bool reap(struct one *one) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (WIFSTOPPED(status)) {
            if (pid == one->pid)
                stopped(one, WSTOPSIG(status));
            continue;
        }
        if (pid != one->pid) {
            if (one->o->warn_reaped || one->o->verbosity > 2)
                say(one, "reaped the orphan %d", (int)pid);
            continue;
        }
        one->ended = true;
        one->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        one->pid = 0;
        if (one->o->verbosity > 1)
            say(one, "%d has ended with %s%d", (int)pid, WIFSIGNALED(status) ? "signal " : "",
                WIFSIGNALED(status) ? WTERMSIG(status) : one->status);
        if (one->o->end_group)
            (void)kill(-one->group, SIGTERM);
    }
    return pid == 0;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */
/* From here on a few pages of the program are needed: the others that starting has mapped are given back.
 * What is needed again comes from the page cache. */
static void give_back_program(void) {
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t n = getauxval(AT_PHNUM);
    uintptr_t page = (uintptr_t)getpagesize(), here = (uintptr_t)give_back_program;
    for (size_t i = 0; header && i < n; i++) {
        uintptr_t begin = header[i].p_vaddr, end = begin + header[i].p_memsz;
        /* Not so where the program was moved while loading: then it is not the static binary. */
        if (header[i].p_type == PT_LOAD && !(header[i].p_flags & PF_W) && begin <= here && here < end)
            (void)madvise((void *)(begin & ~(page - 1)), (end & ~(page - 1)) - (begin & ~(page - 1)),
                          MADV_DONTNEED);
    }
}

/* --- all together ------------------------------------------------------------------------------------------------- */
static void act_on(struct one *one, int signal, const siginfo_t *info) {
    if (one->o->pause && (signal == SIGTERM || signal == SIGINT)) {
        one->ended = true;
        return;
    }
    /* Back in the foreground of a shell, and so is the command. */
    if (signal == SIGCONT && one->foreground && one->pid > 0 && tcgetpgrp(STDIN_FILENO) == getpgrp())
        (void)tcsetpgrp(STDIN_FILENO, one->pid);
    pass_on(one, signal, info);
}

int one_run(const struct one_options *o) {
    struct one one = { .o = o, .first = getpid() == 1 };
    pid_t parent = getppid();
    uint64_t mask;
    set_mask(&waited_for, &mask);
    if (!one.first && o->subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 && o->verbosity > 0)
        say(&one, "orphans cannot be adopted: %s", strerror(errno));
    if (!one.first && !o->subreaper && o->verbosity > 0)
        say(&one, "this is not PID 1, and without -s orphans are not adopted");
    if (o->parent_death > 0) {
        if (prctl(PR_SET_PDEATHSIG, o->parent_death, 0, 0, 0) < 0)
            say(&one, "the parent's death is not told: %s", strerror(errno));
        else if (getppid() != parent) /* it has died meanwhile */
            (void)raise(o->parent_death);
    }
    if (o->session && o->command)
        release_terminal();
    int r = o->command ? start(&one, &mask) : 0;
    if (r < 0) {
        say(&one, "cannot run %s: %s", o->command[0], strerror(-r));
        return r == -ENOENT ? o->not_found : o->not_executable;
    }
    if (o->verbosity > 1 && o->command)
        say(&one, "runs %s as %d", o->command[0], (int)one.pid);
    catch_faults(&one);
    give_back_program();
    for (;;) {
        siginfo_t info;
        int signal = (int)syscall(SYS_rt_sigtimedwait, &waited_for, &info, NULL, sizeof waited_for);
        bool children = true;
        if (signal == SIGCHLD)
            children = reap(&one);
        else if (signal > 0)
            act_on(&one, signal, &info);
        if (one.ended && (!o->wait_all || !children))
            return o->statuses[one.status & 255];
    }
}

static int run_as(enum one_style style, int argc, char **argv) {
    struct one_options o;
    char complaint[256];
    switch (one_options_parse(style, argc, argv, environ, &o, complaint)) {
    case ONE_HELP:
        one_print_help(style);
        return 0;
    case ONE_VERSION:
        one_print_version(style);
        return 0;
    case ONE_LICENSE:
        printf("reeve is under the Apache License, version 2.0.\n");
        return 0;
    case ONE_WRONG:
        fprintf(stderr, "%s: %s\n", one_style_name(style), complaint);
        return EXIT_FAILURE;
    case ONE_RUN:
        break;
    }
    return one_run(&o);
}

int run_main(int argc, char **argv) {
    return run_as(ONE_REEVE, argc, argv);
}

int tini_main(int argc, char **argv) {
    return run_as(ONE_TINI, argc, argv);
}

int dumb_init_main(int argc, char **argv) {
    return run_as(ONE_DUMB_INIT, argc, argv);
}

int catatonit_main(int argc, char **argv) {
    return run_as(ONE_CATATONIT, argc, argv);
}
