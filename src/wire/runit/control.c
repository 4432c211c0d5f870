/* SPDX-License-Identifier: Apache-2.0 */
/* What sv(8) writes to a control pipe, turned into jobs and signals. Signals go to the main process alone, as
 * runsv(8) has it: a unit's whole lineage is for stop jobs. */
#include "wire/runit/internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* So many bytes a turn: who writes without end must not hold up the others. */
#define BYTES_MAX 64

static const struct {
    char command;
    int signal;
} signals[] = {
    { 't', SIGTERM }, { 'k', SIGKILL }, { 'p', SIGSTOP }, { 'c', SIGCONT }, { 'h', SIGHUP },
    { 'a', SIGALRM }, { 'i', SIGINT },  { 'q', SIGQUIT }, { '1', SIGUSR1 }, { '2', SIGUSR2 },
};

size_t control_actions(char c, bool running, bool log, struct runit_action to[static RUNIT_ACTIONS_MAX]) {
    if (!running)
        return 0;
    if (c == 'd' || (c == 'x' && !log)) {
        to[0] = (struct runit_action){ .script = 't', .signal = SIGTERM, .term = true };
        to[1] = (struct runit_action){ .signal = SIGCONT };
        to[2] = (struct runit_action){ .script = c };
        return 3;
    }
    for (size_t i = 0; i < ELEMENTS(signals); i++)
        if (signals[i].command == c) {
            to[0] = (struct runit_action){ .script = c, .signal = signals[i].signal, .term = c == 't' };
            return 1;
        }
    return 0;
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */
static void request(struct supervised *s, enum job_type type) {
    struct unit *u = supervised_unit(s);
    struct error error;
    if (u && manager_request_job(s->runit->manager, type, u, false, JOB_REPLACE, &error, NULL) < 0)
        log_full(LOG_WARNING, s->unit, NULL, "%s", error.message);
}

static bool job_is(const struct unit *u, enum job_type type) {
    return u && u->job && u->job->type == type;
}

/* It runs, or ./finish does, and nobody has told it to stop: then what happens at its end is all there is to say. */
static bool lives(const struct supervised *s, const struct unit *u) {
    struct runit_status status;
    supervised_status(s, u, &status);
    return u && status.state != RUNIT_STATE_DOWN && !job_is(u, JOB_STOP);
}

static void up(struct supervised *s) {
    struct unit *u = supervised_unit_known(s);
    s->once = false;
    if (lives(s, u))
        service_keep_down(u, false);
    else
        request(s, JOB_START);
}

static void down(struct supervised *s) {
    struct unit *u = supervised_unit_known(s);
    s->once = false;
    if (lives(s, u))
        service_keep_down(u, true);
    else if (u && !job_is(u, JOB_STOP) && (u->job || !inactive_or_failed(unit_active_state(u))))
        request(s, JOB_STOP); /* it waits for its next start */
}

static void once(struct supervised *s) {
    struct unit *u = supervised_unit_known(s);
    if (lives(s, u))
        service_keep_down(u, true);
    else {
        s->once = true;
        request(s, JOB_START);
    }
}

void control_byte(struct supervised *s, char c) {
    struct runit_status status;
    supervised_status(s, supervised_unit_known(s), &status);
    /* Of the directory's going we hear at any time: what was to be done first has lost its point. */
    script_abandon(s);
    s->n_actions = 0;
    switch (c) {
    case 'u':
        up(s);
        return;
    case 'o':
        once(s);
        return;
    case 'x':
        if (s->log)
            return;
        s->exiting = true;
        down(s);
        break;
    case 'd':
        down(s);
        break;
    }
    s->n_actions = control_actions(c, status.state == RUNIT_STATE_RUN, s->log, s->actions);
    control_proceed(s);
}

/* --- actions ------------------------------------------------------------------------------------------------------ */
static void drop_first(struct supervised *s) {
    s->n_actions--;
    memmove(s->actions, s->actions + 1, s->n_actions * sizeof(*s->actions));
}

static void send(struct supervised *s, const struct runit_action *action) {
    struct unit *u = supervised_unit_known(s);
    struct error error;
    if (action->signal == 0 || !u || unit_main_pid(u) <= 0)
        return;
    if (unit_kill(u, "main", action->signal, &error) < 0)
        log_full(LOG_WARNING, s->unit, NULL, "%s", error.message);
    else if (action->term)
        s->got_term = true;
}

void control_proceed(struct supervised *s) {
    while (s->n_actions > 0) {
        const struct runit_action *action = s->actions;
        if (action->signal == SIGSTOP || action->signal == SIGCONT)
            s->paused = action->signal == SIGSTOP;
        int r = action->script && !s->log ? script_start(s, action->script) : 0;
        if (r > 0)
            return; /* control_script_ended() goes on */
        if (r < 0)
            log_full(LOG_WARNING, s->unit, NULL, "control/%c: %s", action->script, strerror(-r));
        send(s, action);
        drop_first(s);
    }
    if (s->control_io)
        (void)io_set_events(s->control_io, EPOLLIN);
    (void)supervised_changed(s); /* and may be gone now */
}

void control_script_ended(struct supervised *s, bool success) {
    if (s->n_actions == 0)
        return;
    if (!success)
        send(s, s->actions);
    drop_first(s);
    control_proceed(s);
}

/* --- the pipe ----------------------------------------------------------------------------------------------------- */
static void readable(struct io *io, int fd, uint32_t events, void *userdata) {
    struct supervised *s = userdata;
    for (int n = 0; n < BYTES_MAX; n++) {
        char c;
        if (s->n_actions > 0) {
            (void)io_set_events(io, 0);
            return;
        }
        if (read(fd, &c, 1) != 1)
            return;
        /* After an `x` each may be the last. */
        bool last = c == 'x' || s->entry->service.exiting;
        log_full(LOG_DEBUG, s->unit, NULL, "Told '%c' by its control pipe.", c >= ' ' && c < 0x7f ? c : '?');
        control_byte(s, c);
        if (last) /* s may be gone; if not, there is another turn */
            return;
    }
}

int control_watch(struct supervised *s) {
    return io_add(s->runit->manager->loop, s->control_fd, EPOLLIN, readable, s, &s->control_io);
}
