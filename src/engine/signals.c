/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to the manager, as a table. docs/architecture.md "Signals". */
#include "engine/signals.h"
#include "engine/manager_private.h"
#include "engine/shutdown.h"
#include "syntax/names.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void stop(struct manager *m, const char *target) {
    manager_stop_requested(m, target);
}

static void reload(struct manager *m, const char *unused) {
    /* A container that is one service reloads that. */
    struct unit *u = purpose_foreground(m);
    if (u && unit_can_reload(u)) {
        struct error error;
        if (manager_add_job(m, JOB_RELOAD, u, JOB_REPLACE, &error, NULL) < 0)
            log_warning("Cannot reload %s: %s", u->id, error.message);
        return;
    }
    if (manager_reload(m, NULL, NULL) < 0)
        log_error("No memory to reload.");
}

static void reopen(struct manager *m, const char *unused) {
    for (struct wire *w = m->wires; w; w = w->next)
        if (w->start && w->start(w, m) < 0)
            log_warning("Cannot reopen %s.", w->name);
}

static void dump(struct manager *m, const char *unused) {
    _cleanup_text_ struct text t = {};
    if (manager_dump(m, &t) < 0)
        return;
    for (char *line = t.s, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        log_info("%s", line);
    }
}

static void status_lines(struct manager *m, const char *on) {
    m->show_status = on;
    log_info("Status lines are %s.", on ? "on" : "off");
}

static void log_level(struct manager *m, const char *level) {
    log_set_max_level(log_level_from_string(level));
    log_notice("Log level is %s.", level);
}

static void child(struct manager *m, const char *unused) {
    deferred_queue(m->loop, &m->p->reap);
}

/* `realtime`: the number counts from SIGRTMIN, which is no constant. */
static const struct {
    int signal;
    bool realtime;
    void (*act)(struct manager *m, const char *argument);
    const char *argument;
} table[] = {
    { SIGCHLD, false, child, NULL },
    { SIGTERM, false, stop, "poweroff.target" },
    { SIGINT, false, stop, "poweroff.target" },
    { SIGPWR, false, stop, "poweroff.target" },
    { 3, true, stop, "poweroff.target" },
    { 4, true, stop, "poweroff.target" },
    { 5, true, stop, "reboot.target" },
    { 6, true, stop, "reboot.target" },
    { SIGHUP, false, reload, NULL },
    { SIGUSR1, false, reopen, NULL },
    { SIGUSR2, false, dump, NULL },
    { 20, true, status_lines, "on" },
    { 21, true, status_lines, NULL },
    { 22, true, log_level, "debug" },
    { 23, true, log_level, "info" },
};

static int number(size_t i) {
    return table[i].realtime ? SIGRTMIN + table[i].signal : table[i].signal;
}

static void signal_ready(struct io *io, int fd, uint32_t events, void *userdata) {
    struct manager *m = userdata;
    struct signalfd_siginfo si;
    while (read(fd, &si, sizeof(si)) == sizeof(si)) {
        for (size_t i = 0; i < ELEMENTS(table); i++)
            if (number(i) == (int)si.ssi_signo) {
                if (table[i].act != child)
                    log_info("Received SIG%s.", signal_to_string((int)si.ssi_signo));
                table[i].act(m, table[i].argument);
            }
    }
}

static void all_signals(sigset_t *mask) {
    sigemptyset(mask);
    for (size_t i = 0; i < ELEMENTS(table); i++)
        sigaddset(mask, number(i));
}

void signals_block(void) {
    sigset_t mask;
    all_signals(&mask);
    (void)sigprocmask(SIG_BLOCK, &mask, NULL);
}

int manager_watch_signals(struct manager *m) {
    sigset_t mask;
    all_signals(&mask);
    if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
        return -errno;
    m->p->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    if (m->p->signal_fd < 0)
        return -errno;
    /* What died before we looked. */
    deferred_queue(m->loop, &m->p->reap);
    return io_add(m->loop, m->p->signal_fd, EPOLLIN, signal_ready, m, &m->p->signal_io);
}
