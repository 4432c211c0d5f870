/* SPDX-License-Identifier: Apache-2.0 */
/* The end: emergency actions, the orderly stop, and what is done when all units are down. systemd.unit(5)
 * FailureAction=, systemd.special(7), docs/architecture.md "Signals". */
#include "engine/shutdown.h"
#include "engine/manager_private.h"
#include "engine/unit_private.h"
#include "syntax/timespan.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_TERM_USEC (2 * USEC_PER_SEC) /* what no unit owns has so long after SIGTERM */
#define LAST_KILL_USEC (2 * USEC_PER_SEC) /* and so long to be reaped after SIGKILL */
/* So long the log process may do nothing: longer than it has patience with a stdout that nobody reads. */
#define LOG_FINISH_USEC (2 * USEC_PER_SEC)

/* --- how a container ends ----------------------------------------------------------------------------------------- */
static const struct ending {
    const char *target;
    int exit_code; /* -1: what `systemctl exit` or the unit behind an action set */
} endings[] = {
    { "exit.target", -1 },
    { "poweroff.target", -1 },
    { "halt.target", -1 },
    { "reboot.target", EXIT_CODE_REBOOT },
    { "kexec.target", EXIT_CODE_REBOOT },
    { "soft-reboot.target", EXIT_CODE_REBOOT },
};

static const struct {
    const char *target;
    bool force;
} actions[ACTIONS] = {
    [ACTION_EXIT] = { "exit.target", false },
    [ACTION_EXIT_FORCE] = { "exit.target", true },
    [ACTION_REBOOT] = { "reboot.target", false },
    [ACTION_REBOOT_FORCE] = { "reboot.target", true },
    [ACTION_REBOOT_IMMEDIATE] = { "reboot.target", true },
    [ACTION_POWEROFF] = { "poweroff.target", false },
    [ACTION_POWEROFF_FORCE] = { "poweroff.target", true },
    [ACTION_POWEROFF_IMMEDIATE] = { "poweroff.target", true },
    [ACTION_SOFT_REBOOT] = { "soft-reboot.target", false },
    [ACTION_SOFT_REBOOT_FORCE] = { "soft-reboot.target", true },
    [ACTION_KEXEC] = { "kexec.target", false },
    [ACTION_KEXEC_FORCE] = { "kexec.target", true },
    [ACTION_HALT] = { "halt.target", false },
    [ACTION_HALT_FORCE] = { "halt.target", true },
    [ACTION_HALT_IMMEDIATE] = { "halt.target", true },
};

static const struct ending *ending_of(const char *target) {
    for (size_t i = 0; i < ELEMENTS(endings); i++)
        if (strcmp(endings[i].target, target) == 0)
            return &endings[i];
    return NULL;
}

bool shutdown_is_ending(const char *unit_name) {
    return ending_of(unit_name);
}

void manager_exit(struct manager *m, int code) {
    m->exit_code = code;
    m->p->shutting_down = true;
    m->objective = OBJECTIVE_EXIT;
    deferred_queue(m->loop, &m->p->objective_work);
}

int manager_start_shutdown(struct manager *m, const char *target, struct error *error) {
    struct unit *u;
    int r = manager_load_unit(m, target, &u, error);
    if (r >= 0)
        r = manager_add_job(m, JOB_START, u, JOB_REPLACE_IRREVERSIBLY, error, NULL);
    return r;
}

/* Every time again: what runs now may not have been there at the last one. */
static void stop_waiting(struct manager *m) {
    m->p->kill_now = true;
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        struct unit *u = n->unit;
        if (n->name == u->id && u->maybe_processes)
            (void)unit_kill_context(u, KILL_KILL, unit_main_pid(u), unit_control_pid(u), false);
    }
}

/* --- the deadline ------------------------------------------------------------------------------------------------- */
static void stop_took_too_long(struct timer *timer, void *userdata) {
    struct manager *m = userdata;
    if (!m->p->kill_now)
        log_warning("The stop takes longer than REEVE_STOP_TIMEOUT=%s.",
                    env_get(m->own_environment, "REEVE_STOP_TIMEOUT"));
    stop_waiting(m);
    /* What a stop runs next may hang as well. */
    timer_set(m->loop, timer, usec_add(now(CLOCK_MONOTONIC), USEC_PER_SEC));
}

static void begin_end(struct manager *m) {
    if (m->p->shutting_down)
        return;
    m->p->shutting_down = true;
    m->p->stop_begin = now(CLOCK_MONOTONIC);
    manager_arm_stop_deadline(m);
    OBSERVE(m, manager_changed);
}

void manager_arm_stop_deadline(struct manager *m) {
    const char *limit = env_get(m->own_environment, "REEVE_STOP_TIMEOUT");
    usec_t span;
    if (!m->p->shutting_down || !limit)
        return;
    if (timespan_parse(limit, USEC_PER_SEC, &span) < 0) {
        log_warning("REEVE_STOP_TIMEOUT=%s is no time span, ignored.", limit);
        return;
    }
    m->p->stop_timer.clock = CLOCK_MONOTONIC;
    m->p->stop_timer.handler = stop_took_too_long;
    m->p->stop_timer.userdata = m;
    timer_set(m->loop, &m->p->stop_timer, usec_add(m->p->stop_begin, span));
}

void manager_note_shutdown_job(struct manager *m, const struct job *j) {
    if (j->type == JOB_START && strcmp(j->unit->id, "shutdown.target") == 0)
        begin_end(m);
}

/* Where the target that should end us is masked, broken or contradicted: its part is done by hand. */
static void stop_all(struct manager *m) {
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        struct unit *u = n->unit;
        if (n->name == u->id && unit_can_stop(u) && (u->job || !inactive_or_failed(unit_active_state(u))))
            (void)manager_add_job(m, JOB_STOP, u, JOB_REPLACE_IRREVERSIBLY, NULL, NULL);
    }
}

static void start_ending(struct manager *m, const struct ending *end) {
    struct error error;
    if (manager_start_shutdown(m, end->target, &error) >= 0)
        return;
    log_error("Cannot start %s: %s Stopping all units without it.", end->target, error.message);
    if (end->exit_code >= 0)
        m->exit_code = end->exit_code;
    begin_end(m);
    stop_all(m);
    manager_check_ended(m);
}

void manager_action(struct manager *m, enum action action, int exit_status, const char *reason) {
    if (action == ACTION_NONE || action >= ACTIONS || !actions[action].target)
        return;
    const struct ending *end = ending_of(actions[action].target);
    if (exit_status >= 0 && end->exit_code < 0)
        m->exit_code = exit_status;
    if (actions[action].force) {
        log_full(m->p->shutting_down ? LOG_DEBUG : LOG_NOTICE, NULL, NULL,
                 "Ending without stopping services: %s", reason);
        manager_exit(m, end->exit_code >= 0 ? end->exit_code : m->exit_code);
        return;
    }
    log_notice("Stopping everything: %s", reason);
    start_ending(m, end);
}

void manager_stop_requested(struct manager *m, const char *target) {
    if (m->p->shutting_down) {
        log_full(m->p->kill_now ? LOG_DEBUG : LOG_NOTICE, NULL, NULL,
                 "Told to stop once more: not waiting any longer.");
        stop_waiting(m);
        return;
    }
    start_ending(m, ending_of(target));
    begin_end(m);
}

void manager_check_ended(struct manager *m) {
    if (!m->p->shutting_down || m->objective != OBJECTIVE_RUN || m->n_installed_jobs > 0)
        return;
    log_notice("Everything is stopped that could be.");
    manager_exit(m, m->exit_code);
}

/* --- when all units are down -------------------------------------------------------------------------------------- */
/* SurviveFinalKillSignal=: left alone to the very end, which the kernel makes. */
static bool survives(struct manager *m, pid_t pid) {
    struct unit *u = m->p->any_survivor ? manager_unit_by_pid(m, pid) : NULL;
    return u && unit_bool(u->file, D_SurviveFinalKillSignal);
}

/* Not PID 1: only what our units started gets it. */
static int signal_own(struct manager *m, int signal) {
    const struct process *all;
    lineage_scan_stale(m->lineage);
    int n = lineage_scan(m->lineage, &all), sent = 0;
    for (int i = 0; i < n; i++)
        sent += all[i].tag && !all[i].zombie && all[i].pid != getpid() && !survives(m, all[i].pid) &&
                kill(all[i].pid, signal) >= 0;
    return sent;
}

/* Everybody else in a PID namespace of our own, but for the log process, gets the signal. */
static int signal_everyone(struct manager *m, int signal) {
    if (!m->pid1)
        return signal_own(m, signal);
    pid_t log_pid = m->p->log ? log_client_pid(m->p->log) : 0;
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    int n = 0;
    for (struct dirent *e; (e = readdir(proc));) {
        pid_t pid = (pid_t)atoi(e->d_name);
        if (pid > 1 && pid != getpid() && pid != log_pid && !survives(m, pid) && kill(pid, signal) >= 0)
            n++;
    }
    closedir(proc);
    return n;
}

/* Reaps until nobody is left or the time is up. */
static void await_everyone(struct manager *m, usec_t limit) {
    usec_t deadline = usec_add(now(CLOCK_MONOTONIC), limit);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    for (;;) {
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            if (m->p->log)
                (void)log_client_child_exited(m->p->log, pid);
        usec_t t = now(CLOCK_MONOTONIC);
        if (signal_everyone(m, 0) == 0 || t >= deadline)
            return;
        usec_t rest =
            MIN(deadline - t, 100 * USEC_PER_MSEC); /* others' children do not tell us of their end */
        struct timespec ts = { (time_t)(rest / USEC_PER_SEC), (long)(rest % USEC_PER_SEC) * 1000 };
        (void)sigtimedwait(&child, NULL, &ts);
    }
}

static usec_t last_term(const struct manager *m) {
    const char *limit = env_get(m->own_environment, "REEVE_KILL_ALL_TIMEOUT");
    usec_t span;
    return limit && timespan_parse(limit, USEC_PER_SEC, &span) >= 0 ? span : LAST_TERM_USEC;
}

void manager_finish(struct manager *m) {
    for (struct wire *w = m->wires; w; w = w->next)
        if (w->flush)
            w->flush(w);
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        m->p->any_survivor = m->p->any_survivor || unit_bool(n->unit->file, D_SurviveFinalKillSignal);
    if (signal_everyone(m, SIGTERM) > 0) {
        signal_everyone(m, SIGCONT);
        await_everyone(m, m->p->kill_now ? 0 : last_term(m));
        if (signal_everyone(m, SIGKILL) > 0)
            await_everyone(m, LAST_KILL_USEC);
    }
    for (struct wire *w = m->wires; w; w = w->next)
        if (w->stop)
            w->stop(w);
    if (m->p->log)
        log_client_finish(m->p->log, LOG_FINISH_USEC);
    /* No sync(2): it would wait for the disks of the whole machine, and the end of a container loses no page.
     */
}
