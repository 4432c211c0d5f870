/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal: generators and daemon-reload. A reload writes the state down, forgets all units, reads the files anew and
 * takes the state up again. Requests that come meanwhile are served afterwards, one after the other:
 * manager_proceed(). */
#include "base/path.h"
#include "base/strv.h"
#include "engine/manager_private.h"
#include "engine/reload.h"
#include "engine/serialize.h"
#include "engine/shutdown.h"
#include "engine/types.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define GENERATORS_TIMEOUT_USEC (90 * USEC_PER_SEC) /* as systemd gives them; then they are killed */

struct reload_request {
    void (*done)(void *userdata);
    void *userdata;
    bool taken; /* the reload under way is for it; one that came later gets another */
    struct reload_request *next;
};

/* --- generators: one helper process runs them all, and we hear of its end as of any child's ----------------------- */
static void helper_timed_out(struct timer *timer, void *userdata) {
    struct manager *m = userdata;
    log_warning("%s did not finish in time, killing it.", m->p->helper_name);
    if (m->p->helper_pid > 0)
        kill(m->p->helper_pid, SIGKILL);
}

void manager_watch_helper(struct manager *m, pid_t pid, const char *name, usec_t limit,
                          void (*done)(struct manager *m, int status)) {
    m->p->helper_pid = pid;
    m->p->helper_name = name;
    m->p->helper_done = done;
    m->p->helper_timer.clock = CLOCK_MONOTONIC;
    m->p->helper_timer.handler = helper_timed_out;
    m->p->helper_timer.userdata = m;
    timer_set(m->loop, &m->p->helper_timer, usec_add(now(CLOCK_MONOTONIC), limit));
}

void manager_helper_exited(struct manager *m, int status) {
    m->p->helper_pid = 0;
    timer_stop(&m->p->helper_timer);
    m->p->helper_done(m, status);
    manager_proceed(m);
}

static void generators_ended(struct manager *m, int status) {
    m->generators_finish = dual_now();
    if (manager_rebuild_environment(m) < 0)
        log_warning("No memory for what the environment generators set.");
    m->p->generators_done(m, status);
}

/* Anything there to be run? Most images have no generators and no init scripts, and their boot should not pay for
 * them. */
static bool generators_wanted(const struct manager *m) {
    static const char *const places[] = {
        "/run/systemd/system-generators",           "/etc/systemd/system-generators",
        "/usr/local/lib/systemd/system-generators", "/usr/lib/systemd/system-generators",
        "/lib/systemd/system-generators",           "/etc/init.d",
        "/etc/rc.d/init.d",                         "/etc/rc.local",
        "/usr/lib/systemd/system-environment-generators", "/etc/systemd/system-environment-generators",
    };
    for (size_t i = 0; i < ELEMENTS(places) && m->system; i++)
        if (access(places[i], F_OK) == 0)
            return true;
    return env_get(m->own_environment, "REEVE_RUNIT") || env_get(m->own_environment, "REEVE_MY_INIT");
}

int manager_run_generators(struct manager *m, void (*done)(struct manager *m, int status)) {
    m->generators_start = m->generators_finish = dual_now();
    if (!generators_wanted(m)) {
        done(m, 0);
        return 0;
    }
    char *const argv[] = { (char *)"reeve",
                           (char *)"generators",
                           m->search.generator,
                           m->search.generator_early,
                           m->search.generator_late,
                           NULL };
    pid_t pid = fork();
    if (pid < 0) {
        log_warning("Cannot run the unit generators: %s", strerror(errno));
        done(m, 0);
        return 0;
    }
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setsid();
        /* Those built in are told what we were told. */
        STRV_FOREACH(e, m->own_environment)
            if (strncmp(*e, "REEVE_", 6) == 0)
                (void)env_put(&m->environment, *e);
        execve("/proc/self/exe", argv, m->environment);
        _exit(127);
    }
    m->p->generators_done = done;
    manager_watch_helper(m, pid, "A unit generator", GENERATORS_TIMEOUT_USEC, generators_ended);
    return 0;
}

int manager_read_units(struct manager *m) {
    m->units_load_start = dual_now();
    int r = search_cache_fill(&m->search);
    if (r >= 0)
        manager_load_perpetual(m);
    return r;
}

void manager_load_perpetual(struct manager *m) {
    for (const char *const *name = perpetual_units; *name; name++) {
        struct unit *u;
        struct error error;
        if (manager_load_unit(m, *name, &u, &error) < 0)
            log_warning("Cannot load %s: %s", *name, error.message);
    }
    m->units_load_finish = dual_now();
}

/* --- daemon-reload ------------------------------------------------------------------------------------------------ */
static void answer_requests(struct manager *m) {
    for (struct reload_request **at = &m->p->reload_requests; *at;) {
        struct reload_request *r = *at;
        if (!r->taken) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        if (r->done)
            r->done(r->userdata);
        free(r);
    }
}

void manager_drop_requests(struct manager *m) {
    manager_refuse_reexecution(m, NULL);
    while (m->p->reload_requests) {
        struct reload_request *r = m->p->reload_requests;
        m->p->reload_requests = r->next;
        free(r);
    }
}

static void reload_units(struct manager *m) {
    _cleanup_text_ struct text state = {};
    m->units_load_start = dual_now();
    if (manager_serialize(m, &state) < 0 || search_cache_fill(&m->search) < 0) {
        log_error(
            "No memory, or a directory of units that cannot be read: there was no reload, the units stay as they are.");
        return;
    }
    m->p->reloading = true;
    manager_forget_units(m);
    manager_forget_complaints(m);
    int r = manager_take_up(m, text_str(&state), state.len);
    if (r < 0)
        log_error("Cannot take up all units again after the reload: %s", strerror(-r));
    (void)manager_rebuild_environment(m);
    manager_coldplug(m);
    serialized_fds_settle(NULL);
    m->p->reloading = false;
    manager_catch_up(m);
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->name == n->unit->id)
            unit_changed(n->unit);
    log_info("Reloaded the unit files.");
}

static void generators_done_for_reload(struct manager *m, int status) {
    if (m->objective == OBJECTIVE_EXIT)
        return; /* the end does not wait */
    /* Jobs of this turn settle first: the reload is the last thing in it. */
    m->objective = OBJECTIVE_RELOAD;
    deferred_queue(m->loop, &m->p->objective_work);
}

/* Reload and re-execution wait for the boot's generators, and for each other. */
void manager_proceed(struct manager *m) {
    if (m->p->helper_pid > 0 || m->objective != OBJECTIVE_RUN)
        return;
    if (m->p->reload_requests) {
        for (struct reload_request *r = m->p->reload_requests; r; r = r->next)
            r->taken = true;
        OBSERVE(m, reloading, true);
        (void)manager_run_generators(m, generators_done_for_reload);
    } else
        manager_begin_reexecution(m);
}

int manager_reload(struct manager *m, void (*done)(void *userdata), void *userdata) {
    struct reload_request *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    *request = (struct reload_request){ .done = done, .userdata = userdata, .next = m->p->reload_requests };
    /* The files have not been looked at yet: the reload that is about to happen in this very turn will do. */
    request->taken = m->objective == OBJECTIVE_RELOAD && !generators_wanted(m);
    m->p->reload_requests = request;
    manager_proceed(m);
    return 0;
}

void manager_objective(void *manager) {
    struct manager *m = manager;
    switch (m->objective) {
    case OBJECTIVE_RELOAD:
        m->objective = OBJECTIVE_RUN;
        reload_units(m);
        OBSERVE(m, reloading, false);
        answer_requests(m);
        manager_check_finished(m);
        manager_proceed(m);
        break;
    case OBJECTIVE_REEXECUTE:
        manager_execute_anew(m);
        break;
    case OBJECTIVE_EXIT:
        if (!purpose_holds_end(m))
            loop_stop(m->loop, 0);
        break;
    case OBJECTIVE_RUN:
        manager_check_ended(m);
        break;
    }
}
