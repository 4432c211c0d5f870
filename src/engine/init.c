/* SPDX-License-Identifier: Apache-2.0 */
/* From exec to the default target: surroundings, log process, wires, generators, units. */
#include "engine/init.h"
#include "base/fd.h"
#include "engine/boot.h"
#include "engine/init_options.h"
#include "engine/manager_private.h"
#include "engine/reload.h"
#include "engine/serialize.h"
#include "engine/shutdown.h"
#include "engine/signals.h"
#include "engine/unit_private.h"
#include "syntax/names.h"
#include "unit/name.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_MAX (256 << 20) /* bytes of state a re-execution may hand over */

/* --- the log process ---------------------------------------------------------------------------------------------- */
static void log_fd_ready(struct io *io, int fd, uint32_t events, void *userdata) {
    log_client_ready(((struct manager *)userdata)->p->log);
}

static void log_watch(void *userdata, int fd, bool write) {
    struct manager *m = userdata;
    m->p->log_io = io_remove(m->p->log_io);
    if (fd >= 0 && io_add(m->loop, fd, EPOLLIN | (write ? EPOLLOUT : 0), log_fd_ready, m, &m->p->log_io) < 0)
        log_error("Cannot watch the log process.");
}

static void log_retry(struct timer *timer, void *userdata) {
    log_client_retry(((struct manager *)userdata)->p->log);
}

static void log_retry_at(void *userdata, usec_t when) {
    struct manager *m = userdata;
    m->p->log_timer.clock = CLOCK_MONOTONIC;
    m->p->log_timer.handler = log_retry;
    m->p->log_timer.userdata = m;
    timer_set(m->loop, &m->p->log_timer, when);
}

static int start_logging(struct manager *m) {
    m->p->log_host = (struct log_client_host){ m, log_watch, log_retry_at };
    return log_client_new(&m->p->log_host, m->dirs.runtime, &m->p->log);
}

/* --- the boot ----------------------------------------------------------------------------------------------------- */
static void boot_failed(struct manager *m, const char *unit, const char *why) {
    log_full(LOG_CRIT, NULL, NULL,
             "Cannot boot into %s: %s Set another with --unit=, or `systemctl set-default` in the image.", unit, why);
    manager_exit(m, EXIT_FAILURE);
}

static void start_default_target(struct manager *m, int status) {
    if (status != 0)
        log_warning("The unit generators ended with status %d; some generated units may be missing.", status);
    if (manager_read_units(m) < 0) {
        boot_failed(m, "any unit", "there is no memory to read the units.");
        return;
    }
    if (m->p->purpose.on_demand) {
        m->booted = true;
        manager_check_finished(m);
        return;
    }
    const char *name = m->default_target ? m->default_target : "default.target";
    struct unit *u;
    struct error error = {};
    int r = manager_load_unit(m, name, &u, &error);
    m->booted = true;
    if (r >= 0) {
        char version[] = "reeve " REEVE_VERSION;
        log_debug("%s: %u units loaded.", version, m->n_units);
        r = manager_add_job(m, JOB_START, u, unit_bool(u->file, D_AllowIsolate) ? JOB_ISOLATE : JOB_REPLACE, &error,
                            NULL);
    }
    if (r < 0)
        boot_failed(m, name, error.message);
    manager_check_finished(m);
}

static int read_state(struct manager *m, int fd) {
    _cleanup_close_ int owned = fd;
    _cleanup_free_ char *state = NULL;
    struct stat st;
    if (fstat(owned, &st) < 0)
        return -errno;
    if (st.st_size > STATE_MAX)
        return -E2BIG;
    size_t size = 0;
    state = malloc((size_t)st.st_size + 1);
    for (ssize_t n; state && (n = read(owned, state + size, (size_t)st.st_size - size)) > 0;)
        size += (size_t)n;
    if (!state)
        return -ENOMEM;
    m->p->reloading = true;
    int r = search_cache_fill(&m->search);
    if (r >= 0)
        r = manager_take_up(m, state, size);
    if (r == -ENOMEM && m->n_units > 0) {
        log_error("No memory to take over all units.");
        r = 0;
    }
    m->p->reloading = r >= 0; /* a boot is no reload */
    return r;
}

static void finish_taking_over(struct manager *m) {
    queue_dispatch_load(m);
    manager_coldplug(m);
    serialized_fds_settle(m->p->log);
    m->p->reloading = false;
    m->booted = true;
    log_info("Reexecuted: %u units taken over.", m->n_units);
    OBSERVE(m, reloading, false);
    manager_catch_up(m);
    manager_arm_stop_deadline(m);
    manager_check_finished(m);
}

static int boot(struct manager *m, struct boot *b, const struct init_options *o, struct wire *const *wires) {
    int r = start_logging(m);
    if (r < 0)
        return r;
    log_set_sink(log_client_sink, m->p->log);
    for (; *wires; wires++)
        manager_add_wire(m, *wires);
    bool reexecuted = false;
    if (o->state_fd >= 0) {
        r = read_state(m, o->state_fd);
        reexecuted = r >= 0;
        if (r < 0)
            log_error("Cannot read the state of the earlier manager: %s. Booting anew.", strerror(-r));
    }
    manager_find_program(m);
    r = reexecuted ? log_client_resume(m->p->log) : log_client_start(m->p->log);
    if (r < 0)
        log_warning("Cannot start the log process yet: %s", strerror(-r));
    r = notify_new(m, m->p->inherited_notify_fd, &m->p->notify);
    if (r < 0)
        log_error("Cannot open the notify socket: %s. Services of Type=notify will not start.", strerror(-r));
    r = manager_watch_signals(m);
    if (r < 0)
        return r;
    condition_context_init(&m->conditions, &m->dirs, m->own_environment);
    for (struct wire *w = m->wires; w; w = w->next)
        if (w->start && w->start(w, m) < 0)
            log_error("Cannot open %s.", w->name);
    if (reexecuted) {
        (void)manager_rebuild_environment(m);
        finish_taking_over(m);
        return 0;
    }
    return manager_run_generators(m, start_default_target);
}

int init_main(int argc, char **argv, struct wire *const *wires) {
    struct init_options o;
    struct boot b;
    /* What is freed while units load becomes room for larger things at once. It stays split otherwise, for good. */
    (void)mallopt(M_MXFAST, 0);
    signals_block();
    if (init_options_parse(argc, argv, &o) < 0) {
        log_error("No memory to boot.");
        return EXIT_FAILURE;
    }
    if (o.state_fd >= 0)
        serialized_fds_inherit(o.state_fd);
    /* Beside a service's own output only what is wrong. */
    if (o.log_level >= 0 || o.foreground)
        log_set_max_level(o.log_level >= 0 ? o.log_level : LOG_WARNING);
    struct manager_options options = { .system = !o.user, .argv = argv };
    /* Before anything changes our limits: services get back what we were given. */
    permits_probe(&options.permits);
    if (boot_prepare(&b, (o.user ? BOOT_USER : 0) | (o.state_fd >= 0 ? BOOT_REEXEC : 0) |
                             (o.on_demand ? BOOT_ON_DEMAND : 0)) < 0) {
        log_error("No memory to boot.");
        return EXIT_FAILURE;
    }
    options.permits.nofile = b.nofile;
    options.machine_id = b.machine_id;
    options.dirs = (struct manager_dirs){ .runtime = b.runtime, .state = "/var/lib", .cache = "/var/cache",
                                          .logs = "/var/log", .configuration = "/etc", .system = !o.user };
    struct manager *m;
    int r = manager_new(&options, &m);
    if (r < 0) {
        log_error("Cannot start the manager: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    if (o.show_status >= 0)
        m->show_status = o.show_status;
    if (o.unit && unit_name_mangle(o.unit, &m->default_target) < 0) {
        log_error("--unit=%s is no name of a unit.", o.unit);
        return EXIT_FAILURE;
    }
    m->own_environment = TAKE(b.own_environment);
    m->p->base_environment = TAKE(b.environment);
    r = purpose_init(m, o.exit_with, o.on_demand, o.foreground);
    if (r >= 0)
        r = manager_rebuild_environment(m);
    if (r >= 0)
        r = boot(m, &b, &o, wires);
    if (r < 0) {
        log_error("Cannot boot: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    loop_run(m->loop);
    manager_finish(m);
    int code = m->exit_code;
    log_set_sink(NULL, NULL);
    log_client_free(TAKE(m->p->log));
    manager_free(m);
    strv_free(o.exit_with);
    if (o.on_demand)
        boot_remove_runtime(b.runtime);
    boot_done(&b);
    return code;
}
