/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal: generators, daemon-reload, daemon-reexec. A reload writes the state down, forgets all units, reads the files
 * anew and takes the state up again; a re-execution does the same with an exec in between. */
#include "base/fd.h"
#include "base/path.h"
#include "engine/manager_private.h"
#include "engine/reload.h"
#include "engine/serialize.h"
#include "engine/shutdown.h"
#include "engine/types.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GENERATORS_TIMEOUT_USEC (90 * USEC_PER_SEC) /* as systemd gives them; then they are killed */

struct reload_request {
    void (*done)(void *userdata);
    void *userdata;
    struct reload_request *next;
};

/* --- generators: one helper process runs them all, and we hear of its end as of any child's ----------------------- */
static void helper_timed_out(struct timer *timer, void *userdata) {
    struct manager *m = userdata;
    log_warning("Unit generators did not finish in time, killing them.");
    if (m->p->helper_pid > 0)
        kill(m->p->helper_pid, SIGKILL);
}

static void begin_reload(struct manager *m);

void manager_helper_exited(struct manager *m, int status) {
    m->p->helper_pid = 0;
    timer_stop(&m->p->helper_timer);
    m->generators_finish = dual_now();
    if (manager_rebuild_environment(m) < 0)
        log_warning("No memory for what the environment generators set.");
    m->p->helper_done(m, status);
    /* Asked for while the boot's generators ran. */
    if (m->p->reload_requests && m->objective == OBJECTIVE_RUN && m->p->helper_pid == 0)
        begin_reload(m);
}

/* Anything there to be run? Most images have no generators and no init scripts, and their boot should not pay for them. */
static bool generators_wanted(void) {
    static const char *const places[] = {
        "/run/systemd/system-generators",           "/etc/systemd/system-generators",
        "/usr/local/lib/systemd/system-generators", "/usr/lib/systemd/system-generators",
        "/lib/systemd/system-generators",           "/etc/init.d",
        "/etc/rc.d/init.d",                         "/etc/rc.local",
        "/usr/lib/systemd/system-environment-generators", "/etc/systemd/system-environment-generators",
    };
    for (size_t i = 0; i < ELEMENTS(places); i++)
        if (access(places[i], F_OK) == 0)
            return true;
    return false;
}

int manager_run_generators(struct manager *m, void (*done)(struct manager *m, int status)) {
    m->generators_start = m->generators_finish = dual_now();
    m->p->helper_done = done;
    if (!m->system || !generators_wanted()) {
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
        execve("/proc/self/exe", argv, m->environment);
        _exit(127);
    }
    m->p->helper_pid = pid;
    m->p->helper_timer.clock = CLOCK_MONOTONIC;
    m->p->helper_timer.handler = helper_timed_out;
    m->p->helper_timer.userdata = m;
    (void)timer_set(m->loop, &m->p->helper_timer, usec_add(now(CLOCK_MONOTONIC), GENERATORS_TIMEOUT_USEC));
    return 0;
}

int manager_read_units(struct manager *m) {
    m->units_load_start = dual_now();
    int r = search_cache_fill(&m->search);
    if (r < 0)
        return r;
    for (const char *const *name = perpetual_units; *name; name++) {
        struct unit *u;
        struct error error;
        if (manager_load_unit(m, *name, &u, &error) < 0)
            log_warning("Cannot load %s: %s", *name, error.message);
    }
    m->units_load_finish = dual_now();
    return 0;
}

/* --- daemon-reload ---------------------------------------------------------------------------------------------------- */
static void answer_requests(struct manager *m) {
    while (m->p->reload_requests) {
        struct reload_request *r = m->p->reload_requests;
        m->p->reload_requests = r->next;
        if (r->done)
            r->done(r->userdata);
        free(r);
    }
}

void manager_drop_requests(struct manager *m) {
    while (m->p->reload_requests) {
        struct reload_request *r = m->p->reload_requests;
        m->p->reload_requests = r->next;
        free(r);
    }
}

static void reload_units(struct manager *m) {
    _cleanup_text_ struct text state = {};
    if (manager_serialize(m, &state) < 0) {
        log_error("No memory to reload: the units stay as they are.");
        return;
    }
    /* Environment that clients set is in the state, and comes back with it. */
    strv_free(TAKE(m->client_environment));
    m->p->reloading = true;
    manager_forget_units(m);
    manager_forget_complaints(m);
    (void)manager_read_units(m);
    if (manager_deserialize_manager(m, text_str(&state), state.len) < 0 ||
        manager_deserialize(m, text_str(&state), state.len) < 0)
        log_error("No memory to take up all units again after the reload.");
    queue_dispatch_load(m);
    (void)manager_rebuild_environment(m);
    manager_coldplug(m);
    m->p->reloading = false;
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

static void begin_reload(struct manager *m) {
    OBSERVE(m, reloading, true);
    (void)manager_run_generators(m, generators_done_for_reload);
}

int manager_reload(struct manager *m, void (*done)(void *userdata), void *userdata) {
    struct reload_request *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    request->done = done;
    request->userdata = userdata;
    bool under_way = m->p->reload_requests;
    request->next = m->p->reload_requests;
    m->p->reload_requests = request;
    if (under_way && m->p->helper_pid == 0)
        return 0; /* about to happen in this very turn */
    if (m->p->helper_pid > 0)
        return 0; /* the generators run already; what they do not see, the next reload will */
    begin_reload(m);
    return 0;
}

/* --- daemon-reexec ------------------------------------------------------------------------------------------------------ */
void manager_reexecute(struct manager *m) {
    if (m->objective == OBJECTIVE_EXIT)
        return;
    m->objective = OBJECTIVE_REEXECUTE;
    deferred_queue(m->loop, &m->p->objective_work);
}

/* Where our own program lies, or lay before it was replaced. */
static bool path_of_program(char path[static PATH_MAX]) {
    static const char gone[] = " (deleted)";
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n <= 0)
        return false;
    path[n] = 0;
    size_t suffix = sizeof(gone) - 1;
    if ((size_t)n > suffix && strcmp(path + n - suffix, gone) == 0)
        path[(size_t)n - suffix] = 0;
    return true;
}

static void reexecute(struct manager *m) {
    _cleanup_text_ struct text state = {};
    _cleanup_close_ int fd = -1;
    m->objective = OBJECTIVE_REEXECUTE;
    if (manager_serialize(m, &state) < 0) {
        log_error("No memory to re-execute: going on as before.");
        return;
    }
    fd = memfd_create("reeve-state", MFD_CLOEXEC);
    if (fd < 0 || write_all(fd, state.s, state.len) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        log_error("Cannot write the state down to re-execute: %s. Going on as before.", strerror(errno));
        return;
    }
    for (struct wire *w = m->wires; w; w = w->next)
        if (w->flush)
            w->flush(w);
    char option[64];
    snprintf(option, sizeof(option), "--deserialize=%d", fd);
    _cleanup_free_ char **argv = calloc(strv_length(m->p->argv) + 3, sizeof(char *));
    if (!argv) {
        log_error("No memory to re-execute: going on as before.");
        return;
    }
    size_t n = 0;
    STRV_FOREACH(a, m->p->argv)
        if (strncmp(*a, "--deserialize", 13) != 0)
            argv[n++] = *a;
    argv[n++] = option;
    log_info("Reexecuting.");
    (void)fd_set_cloexec(fd, false);
    serialized_fds_keep(true);
    if (m->p->log)
        log_client_prepare_exec(m->p->log, true);
    /* The file we were started from may have been replaced by a newer one, and that is what is wanted. */
    char path[PATH_MAX];
    if (path_of_program(path))
        execve(path, argv, environ);
    execve("/proc/self/exe", argv, environ);
    log_error("Cannot execute anew: %s. Going on as before.", strerror(errno));
    serialized_fds_keep(false);
    if (m->p->log)
        log_client_prepare_exec(m->p->log, false);
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
        break;
    case OBJECTIVE_REEXECUTE:
        reexecute(m);
        m->objective = OBJECTIVE_RUN;
        break;
    case OBJECTIVE_EXIT:
        loop_stop(m->loop, 0);
        break;
    case OBJECTIVE_RUN:
        manager_check_ended(m);
        break;
    }
}
