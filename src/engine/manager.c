/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's making and ending, and the small questions everybody asks it. Its phases are in boot order: init.c
 * starts it, reload.c renews it, shutdown.c ends it. */
#include "base/fd.h"
#include "base/path.h"
#include "engine/lineage.h"
#include "engine/manager_private.h"
#include "engine/oom.h"
#include "engine/reap.h"
#include "engine/reload.h"
#include "engine/types.h"
#include "engine/timer.h"
#include "engine/unit_private.h"
#include "syntax/envfile.h"
#include "syntax/timespan.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* systemd-system.conf(5). */
#define DEFAULT_TIMEOUT_USEC (90 * USEC_PER_SEC)
#define DEFAULT_RESTART_USEC (100 * USEC_PER_MSEC)
#define DEFAULT_START_LIMIT_INTERVAL_USEC (10 * USEC_PER_SEC)
#define DEFAULT_START_LIMIT_BURST 5

#define GENERATED_ENVIRONMENT_MAX ((size_t)1 << 20)

/* One look at /proc serves a turn of the loop, and no other. */
static void forget_the_last_look(void *lineage) {
    lineage_scan_stale(lineage);
}

int manager_new(const struct manager_options *options, struct manager **ret) {
    struct manager *m = calloc(1, sizeof(*m));
    struct manager_private *p = calloc(1, sizeof(*p));
    if (!m || !p) {
        free(m);
        free(p);
        return -ENOMEM;
    }
    m->p = p;
    p->idle_pipe[0] = p->idle_pipe[1] = -1;
    p->signal_fd = p->inherited_notify_fd = p->trial_fd = -1;
    p->argv = options->argv;
    m->system = options->system;
    m->pid1 = getpid() == 1;
    m->dirs = options->dirs;
    m->permits = options->permits;
    m->machine_id = options->machine_id;
    m->boot_id = options->boot_id;
    m->show_status = true;
    m->default_timeout_start = m->default_timeout_stop = DEFAULT_TIMEOUT_USEC;
    m->default_restart_sec = DEFAULT_RESTART_USEC;
    m->default_start_limit_interval = DEFAULT_START_LIMIT_INTERVAL_USEC;
    m->default_start_limit_burst = DEFAULT_START_LIMIT_BURST;
    m->userspace_time = dual_now();
    p->oom_kills = oom_kills(CONTROL_GROUPS);
    int r = loop_new(&m->loop);
    if (r >= 0)
        r = lineage_new(&m->lineage);
    if (r >= 0)
        loop_on_wake(m->loop, forget_the_last_look, m->lineage);
    if (r >= 0)
        loop_on_clock_set(m->loop, timers_clock_set, m);
    if (r >= 0)
        r = queue_init(m);
    if (r >= 0)
        r = search_path_init(&m->search, "", m->dirs.runtime, m->system);
    if (r < 0) {
        manager_free(m);
        return r;
    }
    p->run_jobs = (struct deferred){ .handler = job_run_queue, .userdata = m, .priority = WORK_JOBS };
    p->reap = (struct deferred){ .handler = reap_children, .userdata = m, .priority = WORK_REAP };
    p->objective_work = (struct deferred){ .handler = manager_objective, .userdata = m, .priority = WORK_OBJECTIVE };
    p->helper_timer.when = p->log_timer.when = p->stop_timer.when = USEC_INFINITY;
    *ret = m;
    return 0;
}

void manager_forget_units(struct manager *m) {
    /* The graph at once: edge by edge, those of a target with thousands would be moved each time. */
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        unit_forget_edges(n->unit);
    m->p->n_children = 0;
    while (m->names)
        unit_free(m->names->unit);
}

const int *manager_idle_pipe(struct manager *m) {
    int *fds = m->p->idle_pipe;
    return fds[1] >= 0 || pipe2(fds, O_CLOEXEC) >= 0 ? fds : NULL;
}

static void close_idle_pipe(struct manager *m) {
    for (int i = 0; i < 2; i++) {
        fd_close(m->p->idle_pipe[i]);
        m->p->idle_pipe[i] = -1;
    }
}

void manager_free(struct manager *m) {
    if (!m)
        return;
    m->p->reloading = true; /* nobody is told any more */
    manager_forget_units(m);
    spawn_done(m);
    close_idle_pipe(m);
    manager_drop_requests(m);
    queue_done(m);
    purpose_done(m);
    deferred_cancel(&m->p->run_jobs);
    deferred_cancel(&m->p->reap);
    deferred_cancel(&m->p->objective_work);
    timer_stop(&m->p->helper_timer);
    timer_stop(&m->p->log_timer);
    timer_stop(&m->p->stop_timer);
    notify_free(m->p->notify);
    timers_unwatch_zone(m);
    io_remove(m->p->signal_io);
    io_remove(m->p->log_io);
    if (m->p->signal_fd >= 0)
        close(m->p->signal_fd);
    manager_forget_complaints(m);
    search_path_done(&m->search);
    lineage_free(m->lineage);
    if (m->loop)
        loop_free(m->loop);
    strv_free(m->p->base_environment);
    strv_free(m->environment);
    strv_free(m->own_environment);
    strv_free(m->client_environment);
    free(m->notify_socket_path);
    free(m->default_target);
    free(m->program);
    fd_close(m->p->trial_fd);
    free(m->p->children);
    free(m->p);
    free(m);
}

/* --- observers and wires ------------------------------------------------------------------------------------------ */
void manager_add_observer(struct manager *m, struct observer *o) {
    o->next = m->observers;
    m->observers = o;
}

void manager_remove_observer(struct manager *m, struct observer *o) {
    for (struct observer **at = &m->observers; *at; at = &(*at)->next)
        if (*at == o) {
            *at = o->next;
            return;
        }
}

void manager_add_wire(struct manager *m, struct wire *w) {
    w->next = m->wires;
    m->wires = w;
}

/* --- state -------------------------------------------------------------------------------------------------------- */
enum manager_state manager_state(const struct manager *m) {
    if (m->p->shutting_down)
        return MANAGER_STOPPING;
    if (!m->finished_startup) {
        const struct unit *basic = manager_get_unit((struct manager *)m, "basic.target");
        return basic && active_or_reloading(unit_active_state(basic)) ? MANAGER_STARTING : MANAGER_INITIALIZING;
    }
    static const char *const rescue[] = { "rescue.target", "emergency.target" };
    for (size_t i = 0; i < ELEMENTS(rescue); i++) {
        const struct unit *u = manager_get_unit((struct manager *)m, rescue[i]);
        if (u && active_or_activating(unit_active_state(u)))
            return MANAGER_MAINTENANCE;
    }
    return m->n_failed > 0 ? MANAGER_DEGRADED : MANAGER_RUNNING;
}

void manager_check_finished(struct manager *m) {
    if (m->n_installed_jobs == 0)
        close_idle_pipe(m);
    if (m->p->shutting_down && m->n_installed_jobs == 0)
        deferred_queue(m->loop, &m->p->objective_work); /* unless more comes in this turn */
    purpose_look(m, NULL);
    if (m->p->reloading || m->finished_startup || !m->booted || m->n_installed_jobs > 0)
        return;
    m->finished_startup = true;
    m->finish_time = dual_now();
    char span[64];
    log_full(
        LOG_INFO, NULL, "b07a249cd024414a82dd00cd181378ff", "Startup finished in %s.",
        timespan_format(m->finish_time.monotonic - m->userspace_time.monotonic, USEC_PER_MSEC, span, sizeof(span)));
    OBSERVE(m, startup_finished);
    purpose_look(m, NULL);
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->name == n->unit->id)
            unit_fit_edges(n->unit);
    malloc_trim(0); /* a boot's jobs and lists are gone for good */
}

struct unit *manager_unit_by_invocation(struct manager *m, struct id128 id) {
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->name == n->unit->id && id128_equal(n->unit->invocation, id))
            return n->unit;
    return NULL;
}

void manager_reset_failed(struct manager *m) {
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->name == n->unit->id)
            unit_reset_failed(n->unit);
}

void manager_bus_name_changed(struct manager *m, const char *name, const char *owner) {
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        struct unit *u = n->unit;
        const char *wanted =
            n->name == u->id && u->ops->bus_name_owner_changed ? unit_string(u->file, D_BusName) : NULL;
        if (wanted && strcmp(wanted, name) == 0)
            u->ops->bus_name_owner_changed(u, owner);
    }
}

/* --- environment -------------------------------------------------------------------------------------------------- */
/* What environment generators set, as their helper process (src/cli/generators.c) wrote it down. */
static int add_generated_environment(const struct manager *m, char ***env) {
    _cleanup_free_ char *path = path_join(m->dirs.runtime, "systemd/environment.generated"), *data = NULL;
    _cleanup_strv_ char **generated = NULL;
    size_t size;
    if (!path)
        return -ENOMEM;
    if (!m->system || file_read(path, GENERATED_ENVIRONMENT_MAX, &data, &size) < 0)
        return 0;
    int r = envfile_parse(data, size, &generated, NULL, NULL);
    STRV_FOREACH(e, generated)
        if (r >= 0 && env_assignment_valid(*e))
            r = env_put(env, *e);
    return r;
}

/* What services inherit: the base, what generators set, then what the clients set. */
int manager_rebuild_environment(struct manager *m) {
    _cleanup_strv_ char **env = strv_copy(m->p->base_environment);
    if (!env || add_generated_environment(m, &env) < 0)
        return -ENOMEM;
    STRV_FOREACH(e, m->client_environment)
        if (env_put(&env, *e) < 0)
            return -ENOMEM;
    strv_free(m->environment);
    m->environment = TAKE(env);
    return 0;
}

int manager_set_environment(struct manager *m, char *const *unset, char *const *set, struct error *error) {
    STRV_FOREACH(e, set)
        if (!env_assignment_valid(*e))
            return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid environment assignments");
    _cleanup_strv_ char **env = strv_copy(m->client_environment), **base = strv_copy(m->p->base_environment);
    if (!env || !base)
        return error_set(error, ERROR_NO_MEMORY, "No memory for the environment.");
    STRV_FOREACH(e, unset) {
        env_remove(env, *e);
        env_remove(base, *e);
    }
    STRV_FOREACH(e, set)
        if (env_put(&env, *e) < 0)
            return error_set(error, ERROR_NO_MEMORY, "No memory for the environment.");
    strv_free(m->client_environment);
    m->client_environment = TAKE(env);
    strv_free(m->p->base_environment);
    m->p->base_environment = TAKE(base);
    int r = manager_rebuild_environment(m);
    OBSERVE(m, manager_changed);
    return r < 0 ? error_set(error, ERROR_NO_MEMORY, "No memory for the environment.") : 0;
}

/* --- dump --------------------------------------------------------------------------------------------------------- */
static void dump_unit(const struct unit *u, struct text *out) {
    text_addf(out, "-> Unit %s:\n\tDescription: %s\n\tUnit Load State: %s\n\tUnit Active State: %s\n\tSub State: %s\n",
              u->id, unit_description(u), load_state_to_string(u->file->state),
              active_state_to_string(unit_active_state(u)), unit_sub_state(u));
    for (struct unit_name *n = u->names->next; n; n = n->next)
        text_addf(out, "\tName: %s\n", n->name);
    if (u->file->fragment_path)
        text_addf(out, "\tFragment Path: %s\n", u->file->fragment_path);
    if (u->lineage)
        text_addf(out, "\tLineage: %#llx\n", (unsigned long long)u->lineage);
    if (unit_main_pid(u) > 0)
        text_addf(out, "\tMain PID: %d\n", unit_main_pid(u));
    if (unit_control_pid(u) > 0)
        text_addf(out, "\tControl PID: %d\n", unit_control_pid(u));
    for (enum dependency_kind k = 0; k < DEPENDENCY_KINDS; k++)
        UNIT_FOREACH_EDGE(e, u, DEP_BIT(k))
            if (k != DEP_REFERENCES && k != DEP_REFERENCED_BY)
                text_addf(out, "\t%s: %s\n", dependency_kind_to_string(k), e->other->id);
    if (u->job)
        text_addf(out, "\tJob: %u %s %s\n", u->job->id, job_type_to_string(u->job->type),
                  job_state_to_string(u->job->state));
}

int manager_dump(struct manager *m, struct text *out) {
    text_addf(out, "Manager: reeve %s\nState: %s\nUnits: %u\nJobs: %u\nFailed: %u\n", REEVE_VERSION,
              manager_state_to_string(manager_state(m)), m->n_units, m->n_installed_jobs, m->n_failed);
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->name == n->unit->id)
            dump_unit(n->unit, out);
    return out->failed ? -ENOMEM : 0;
}
