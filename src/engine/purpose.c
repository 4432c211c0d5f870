/* SPDX-License-Identifier: Apache-2.0 */
/* When the manager ends by itself. docs/fate.md. Decided at the end of a turn, when jobs and restarts have settled, and
 * before what is down is forgotten. */
#include "engine/purpose.h"
#include "engine/manager_private.h"
#include "engine/unit_private.h"
#include "unit/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* On demand: so long nobody need ask for anything after the start. */
#define FIRST_REQUEST_USEC (30 * USEC_PER_SEC)
/* Clients that are told of a job's end may still want to know why it failed. */
#define CLIENTS_LEAVE_USEC (5 * USEC_PER_SEC)
#define CLIENTS_LOOK_USEC (20 * USEC_PER_MSEC)

static bool ends_with_all(const struct manager *m) {
    return strv_contains(m->p->purpose.exit_with, "all");
}

static bool is_essential(struct manager *m, const struct unit *u) {
    if (unit_bool(u->file, D_Essential))
        return true;
    STRV_FOREACH(name, m->p->purpose.exit_with)
        if (manager_get_unit(m, *name) == u)
            return true;
    return false;
}

struct unit *purpose_foreground(struct manager *m) {
    return m->p->purpose.foreground && m->default_target ? manager_get_unit(m, m->default_target) : NULL;
}

bool purpose_is_narrow(const struct manager *m) {
    return m->p->purpose.on_demand || m->p->purpose.foreground;
}

bool purpose_drops_wants(const struct unit *u) {
    static const char *const targets[] = { "sockets.target", "timers.target", "paths.target" };
    for (size_t i = 0; i < ELEMENTS(targets) && purpose_is_narrow(u->manager); i++)
        if (strcmp(u->file->name, targets[i]) == 0)
            return true;
    return false;
}

/* --- has it ended? ------------------------------------------------------------------------------------------------ */
/* For good: no job, no restart. `never`: also if it never began. */
static bool has_ended(const struct unit *u, bool never) {
    return inactive_or_failed(unit_active_state(u)) && !u->job && (never || u->inactive_exit.monotonic > 0);
}

/* As a shell would tell it. */
static int status_of(const struct unit *u) {
    bool failed = unit_active_state(u) == ACTIVE_FAILED;
    int status = u->ops->own_status ? u->ops->own_status(u) : 0;
    return status == 0 && failed ? EXIT_FAILURE : status;
}

static void end(struct manager *m, int status, const char *what) {
    char reason[256];
    snprintf(reason, sizeof(reason), "%s.", what);
    manager_action(m, ACTION_EXIT, status, reason);
}

static bool look_at_essential(struct manager *m) {
    struct unit *foreground = purpose_foreground(m);
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        struct unit *u = n->unit;
        if (n->name != u->id || !is_essential(m, u) || !has_ended(u, u == foreground && m->finished_startup))
            continue;
        char what[256];
        snprintf(what, sizeof(what), "%s has ended, for which this container runs", u->id);
        /* Skipped, or not even tried because of what it requires. */
        end(m, u->inactive_exit.monotonic == 0 ? EXIT_FAILURE : status_of(u), what);
        return true;
    }
    return false;
}

/* Is there something that runs, or is about to? Sockets and timers that wait are not what a container is for. */
static bool service_lives(const struct unit *u) {
    enum active_state state = unit_active_state(u);
    if (u->ops->type != UNIT_SERVICE && u->ops->type != UNIT_SCOPE)
        return false;
    if (active_or_reloading(state))
        return unit_main_pid(u) > 0 || unit_control_pid(u) > 0 || u->maybe_processes;
    return !inactive_or_failed(state);
}

static void look_at_all(struct manager *m) {
    int status = 0;
    if (!m->finished_startup || m->n_installed_jobs > 0)
        return;
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        if (n->name != n->unit->id)
            continue;
        if (service_lives(n->unit))
            return;
        if (status == 0 && n->unit->ops->type == UNIT_SERVICE && unit_active_state(n->unit) == ACTIVE_FAILED)
            status = status_of(n->unit);
    }
    end(m, status, "All services have ended");
}

static void look_at_requests(struct manager *m) {
    if (!m->booted || !m->p->purpose.asked || m->n_installed_jobs > 0)
        return;
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->name == n->unit->id && n->unit->asked && !inactive_or_failed(unit_active_state(n->unit)))
            return;
    end(m, 0, "Nothing is left of what was asked for");
}

static void look(void *userdata) {
    struct manager *m = userdata;
    if (m->p->reloading || m->p->shutting_down || m->objective != OBJECTIVE_RUN)
        return;
    if (m->p->purpose.any_essential && look_at_essential(m))
        return;
    if (m->p->purpose.on_demand)
        look_at_requests(m);
    else if (ends_with_all(m))
        look_at_all(m);
}

void purpose_look(struct manager *m, const struct unit *u) {
    struct purpose *p = &m->p->purpose;
    if (u && !p->any_essential)
        p->any_essential = unit_bool(u->file, D_Essential);
    /* Told to stop: the exit status is the unit's all the same. */
    if (u && m->p->shutting_down && u == purpose_foreground(m) && inactive_or_failed(unit_active_state(u)))
        m->exit_code = status_of(u);
    if (p->work.handler && (p->any_essential || p->on_demand || p->exit_with))
        deferred_queue(m->loop, &p->work);
}

/* --- on demand ---------------------------------------------------------------------------------------------------- */
static void nobody_asked(struct timer *timer, void *userdata) {
    struct manager *m = userdata;
    m->p->purpose.asked = true;
    purpose_look(m, NULL);
}

void purpose_asked(struct unit *u) {
    u->asked = true;
    u->manager->p->purpose.asked = true;
    timer_stop(&u->manager->p->purpose.timer);
}

static bool is_served(const struct manager *m) {
    for (struct wire *w = m->wires; w; w = w->next)
        if (w->serving && w->serving(w))
            return true;
    return false;
}

void purpose_client_left(struct manager *m) {
    /* One that is still there may be about to ask for the first thing. */
    if (m->p->purpose.asked || !is_served(m))
        nobody_asked(NULL, m);
}

static void look_again(struct timer *timer, void *userdata) {
    struct manager *m = userdata;
    deferred_queue(m->loop, &m->p->objective_work);
}

bool purpose_holds_end(struct manager *m) {
    struct purpose *p = &m->p->purpose;
    usec_t t = now(CLOCK_MONOTONIC);
    if (p->end_begin == 0)
        p->end_begin = t;
    if (!p->on_demand || !is_served(m) || t >= usec_add(p->end_begin, CLIENTS_LEAVE_USEC))
        return false;
    p->timer.handler = look_again;
    timer_set(m->loop, &p->timer, usec_add(t, CLIENTS_LOOK_USEC));
    return true;
}

/* --- all together ------------------------------------------------------------------------------------------------- */
/* "apache2" → "apache2.service". */
static int add_names(struct purpose *p, char *const *names) {
    STRV_FOREACH(name, names) {
        _cleanup_free_ char *full = NULL;
        if (strcmp(*name, "all") != 0 && unit_name_mangle(*name, &full) < 0) {
            log_warning("%s, whose end is to be the container's, is no name of a unit; ignored.", *name);
            continue;
        }
        if (strv_add(&p->exit_with, full ? full : *name) < 0)
            return -ENOMEM;
        p->any_essential = p->any_essential || full;
    }
    return 0;
}

int purpose_init(struct manager *m, char *const *exit_with, bool on_demand, bool foreground) {
    struct purpose *p = &m->p->purpose;
    p->on_demand = on_demand;
    p->foreground = foreground;
    p->work = (struct deferred){ .handler = look, .userdata = m, .priority = WORK_PURPOSE };
    p->timer =
        (struct timer){ .when = USEC_INFINITY, .clock = CLOCK_MONOTONIC, .handler = nobody_asked, .userdata = m };
    const char *given = on_demand ? NULL : env_get(m->own_environment, "REEVE_EXIT_WITH");
    _cleanup_strv_ char **from_environment = given ? strv_split(given, " ,") : NULL;
    if ((given && !from_environment) || add_names(p, exit_with) < 0 || add_names(p, from_environment) < 0)
        return -ENOMEM;
    struct stat st;
    /* Services of other users open /dev/stdout. */
    for (int fd = STDOUT_FILENO; foreground && fd <= STDERR_FILENO; fd++)
        if (fstat(fd, &st) >= 0 && S_ISFIFO(st.st_mode))
            (void)fchmod(fd, 0666);
    if (on_demand)
        timer_set(m->loop, &p->timer, usec_add(now(CLOCK_MONOTONIC), FIRST_REQUEST_USEC));
    return 0;
}

void purpose_done(struct manager *m) {
    deferred_cancel(&m->p->purpose.work);
    timer_stop(&m->p->purpose.timer);
    strv_free(m->p->purpose.exit_with);
}
