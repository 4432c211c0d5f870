/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/serialize.h"
#include "base/fd.h"
#include "engine/gc.h"
#include "engine/manager_private.h"
#include "engine/reload.h"
#include "engine/unit_private.h"
#include "syntax/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TAKE_UP_TRIES 5
#define TAKE_UP_PAUSE_NSEC 20000000

/* --- values ------------------------------------------------------------------------------------------------------- */
void put_string(struct text *out, const char *name, const char *value) {
    if (!value)
        return;
    text_add(out, name);
    text_add_char(out, '=');
    for (; *value; value++)
        if (*value == '\n')
            text_add(out, "\\n");
        else if (*value == '\\')
            text_add(out, "\\\\");
        else
            text_add_char(out, *value);
    text_add_char(out, '\n');
}

void put_number(struct text *out, const char *name, int64_t value) {
    text_addf(out, "%s=%lld\n", name, (long long)value);
}

void put_bool(struct text *out, const char *name, bool value) {
    text_addf(out, "%s=%s\n", name, value ? "yes" : "no");
}

void put_time(struct text *out, const char *name, struct dual_time time) {
    text_addf(out, "%s=%llu %llu\n", name, (unsigned long long)time.realtime, (unsigned long long)time.monotonic);
}

void put_id(struct text *out, const char *name, struct id128 id) {
    char buffer[33];
    text_addf(out, "%s=%s\n", name, id128_to_string(id, buffer));
}

static struct kept_fd {
    int fd;
    bool claimed;
} *kept_fds;
static size_t n_kept_fds;

static bool keep_fd(int fd) {
    struct kept_fd *more = realloc(kept_fds, (n_kept_fds + 1) * sizeof(*more));
    if (!more)
        return false;
    kept_fds = more;
    kept_fds[n_kept_fds++] = (struct kept_fd){ .fd = fd };
    return true;
}

void put_fd(struct text *out, const char *name, int fd) {
    if (keep_fd(fd))
        text_addf(out, "%s=%d\n", name, fd);
    else
        out->failed = true;
}

void serialized_fds_keep(bool keep) {
    for (size_t i = 0; i < n_kept_fds; i++)
        (void)fd_set_cloexec(kept_fds[i].fd, !keep);
}

void serialized_fds_inherit(int state) {
    DIR *fds = opendir("/proc/self/fd");
    for (struct dirent *e; fds && (e = readdir(fds));) {
        int fd = atoi(e->d_name);
        if (fd > 2 && fd != state && fd != dirfd(fds))
            (void)keep_fd(fd);
    }
    if (fds)
        closedir(fds);
    serialized_fds_keep(false);
}

static void claim_fd(int fd) {
    for (size_t i = 0; i < n_kept_fds; i++)
        if (kept_fds[i].fd == fd)
            kept_fds[i].claimed = true;
}

void serialized_fds_settle(const struct log_client *log) {
    unsigned n = 0;
    for (size_t i = 0; i < n_kept_fds; i++)
        if (!kept_fds[i].claimed && !(log && log_client_has_fd(log, kept_fds[i].fd))) {
            fd_close(kept_fds[i].fd);
            n++;
        }
    if (n > 0)
        log_notice("%u descriptors of the saved state belong to nothing any more: closed.", n);
    free(TAKE(kept_fds));
    n_kept_fds = 0;
}

bool get_numbers(const char *value, unsigned long long *ret, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char *end;
        if (*value < '0' || *value > '9')
            return false;
        ret[i] = strtoull(value, &end, 10);
        value = *end ? end + 1 : end;
    }
    return true;
}

static bool lost;
static unsigned tries_left;

void state_lost(void) {
    lost = true;
}

char *get_string(const char *value) {
    char *s = strdup(value), *to = s;
    if (!s) {
        state_lost();
        return NULL;
    }
    for (const char *from = value; *from; from++) {
        if (*from == '\\' && from[1]) {
            from++;
            *to++ = *from == 'n' ? '\n' : *from;
        } else
            *to++ = *from;
    }
    *to = 0;
    return s;
}

int64_t get_number(const char *value) {
    int64_t n = 0;
    (void)int64_parse(value, &n);
    return n;
}

bool get_bool(const char *value) {
    return bool_parse(value) > 0;
}

struct dual_time get_time(const char *value) {
    unsigned long long t[2] = {};
    (void)get_numbers(value, t, 2);
    return (struct dual_time){ t[0], t[1] };
}

struct id128 get_id(const char *value) {
    struct id128 id = {};
    (void)id128_from_string(value, &id);
    return id;
}

int get_fd(const char *value) {
    int64_t fd = -1;
    if (lost && tries_left > 0)
        return -1; /* not yet */
    if (int64_parse(value, &fd) < 0 || fd < 0 || fcntl((int)fd, F_GETFD) < 0)
        return -1;
    (void)fd_set_cloexec((int)fd, true);
    claim_fd((int)fd);
    return (int)fd;
}

/* --- units and jobs ----------------------------------------------------------------------------------------------- */
static void put_job(struct text *out, const struct job *j, const char *prefix) {
    if (!j)
        return;
    char name[32];
#define NAME(what) (snprintf(name, sizeof(name), "%s-%s", prefix, what), name)
    put_number(out, NAME("id"), j->id);
    put_string(out, NAME("type"), job_type_to_string(j->type));
    put_string(out, NAME("state"), job_state_to_string(j->state));
    put_bool(out, NAME("irreversible"), j->irreversible);
    put_bool(out, NAME("ignore-order"), j->ignore_order);
    put_number(out, NAME("begin"), (int64_t)j->begin);
    put_number(out, NAME("begin-running"), (int64_t)j->begin_running);
    STRV_FOREACH(detail, j->activation)
        put_string(out, NAME("activation"), *detail);
#undef NAME
}

static const struct {
    const char *name;
    size_t offset;
} unit_times[] = {
    { "state-change", offsetof(struct unit, state_change) },
    { "inactive-exit", offsetof(struct unit, inactive_exit) },
    { "active-enter", offsetof(struct unit, active_enter) },
    { "active-exit", offsetof(struct unit, active_exit) },
    { "inactive-enter", offsetof(struct unit, inactive_enter) },
    { "condition-time", offsetof(struct unit, condition_time) },
    { "assert-time", offsetof(struct unit, assert_time) },
};

static struct dual_time *unit_time(const struct unit *u, size_t i) {
    return (struct dual_time *)((char *)u + unit_times[i].offset);
}

static void put_unit(struct text *out, const struct unit *u) {
    put_string(out, "unit", u->id);
    for (size_t i = 0; i < ELEMENTS(unit_times); i++)
        if (unit_time(u, i)->realtime)
            put_time(out, unit_times[i].name, *unit_time(u, i));
    put_bool(out, "condition-result", u->condition_result);
    put_bool(out, "assert-result", u->assert_result);
    if (!id128_is_null(u->invocation))
        put_id(out, "invocation", u->invocation);
    if (u->lineage)
        put_number(out, "lineage", (int64_t)u->lineage);
    if (u->log_stream)
        put_number(out, "log-stream", (int64_t)u->log_stream);
    if (u->error_stream)
        put_number(out, "error-stream", (int64_t)u->error_stream);
    if (u->marks)
        put_number(out, "marks", u->marks);
    put_bool(out, "maybe-processes", u->maybe_processes);
    put_bool(out, "told-new", u->told_new);
    if (u->asked)
        put_bool(out, "asked", true);
    put_number(out, "start-limit-begin", (int64_t)u->start_limit.begin);
    put_number(out, "start-limit-count", u->start_limit.count);
    put_bool(out, "start-limit-hit", u->start_limit_hit);
    STRV_FOREACH(detail, u->activation)
        put_string(out, "activation", *detail);
    put_job(out, u->job, "job");
    put_job(out, u->nop_job, "nop");
    if (u->manager->objective == OBJECTIVE_REEXECUTE)
        spawn_serialize(u, out);
    if (u->ops->serialize && u->ops->serialize(u, out) < 0)
        out->failed = true; /* half of it would be lost */
    text_add_char(out, '\n');
}

/* A job that is being read back. */
static struct job *job_of(struct unit *u, bool nop) {
    struct job **slot = nop ? &u->nop_job : &u->job;
    if (!*slot) {
        *slot = calloc(1, sizeof(**slot));
        if (!*slot)
            state_lost();
        else {
            (*slot)->manager = u->manager;
            (*slot)->unit = u;
            (*slot)->timer.when = USEC_INFINITY;
            (*slot)->type = nop ? JOB_NOP : JOB_START;
        }
    }
    return *slot;
}

static bool get_job(struct unit *u, bool nop, const char *name, const char *value) {
    struct job *j = job_of(u, nop);
    if (!j)
        return true;
    if (strcmp(name, "id") == 0)
        j->id = (uint32_t)get_number(value);
    else if (strcmp(name, "type") == 0) {
        for (enum job_type t = 0; t < JOB_INSTALLED_TYPES; t++)
            if (strcmp(job_type_to_string(t), value) == 0)
                j->type = t;
    } else if (strcmp(name, "state") == 0)
        j->state = strcmp(value, "running") == 0 ? JOB_RUNNING : JOB_WAITING;
    else if (strcmp(name, "irreversible") == 0)
        j->irreversible = get_bool(value);
    else if (strcmp(name, "ignore-order") == 0)
        j->ignore_order = get_bool(value);
    else if (strcmp(name, "begin") == 0)
        j->begin = (usec_t)get_number(value);
    else if (strcmp(name, "begin-running") == 0)
        j->begin_running = (usec_t)get_number(value);
    else if (strcmp(name, "activation") == 0) {
        if (strv_take(&j->activation, get_string(value)) < 0)
            state_lost();
    } else
        return false;
    return true;
}

/* False: such a line is not known here. */
static bool get_unit_line(struct unit *u, const char *name, const char *value) {
    for (size_t i = 0; i < ELEMENTS(unit_times); i++)
        if (strcmp(name, unit_times[i].name) == 0) {
            *unit_time(u, i) = get_time(value);
            return true;
        }
#define IS(n) (strcmp(name, n) == 0)
    if (IS("condition-result"))
        u->condition_result = get_bool(value);
    else if (IS("assert-result"))
        u->assert_result = get_bool(value);
    else if (IS("invocation"))
        u->invocation = get_id(value);
    else if (IS("lineage")) {
        if (unit_set_lineage(u, (uint64_t)get_number(value)) < 0)
            state_lost();
    } else if (IS("log-stream"))
        u->log_stream = (uint64_t)get_number(value);
    else if (IS("error-stream"))
        u->error_stream = (uint64_t)get_number(value);
    else if (IS("marks"))
        u->marks = (uint8_t)get_number(value);
    else if (IS("maybe-processes"))
        u->maybe_processes = get_bool(value);
    else if (IS("asked"))
        u->asked = get_bool(value);
    else if (IS("told-new"))
        u->told_new = get_bool(value);
    else if (IS("start-limit-begin"))
        u->start_limit.begin = (usec_t)get_number(value);
    else if (IS("start-limit-count"))
        u->start_limit.count = (unsigned)get_number(value);
    else if (IS("start-limit-hit"))
        u->start_limit_hit = get_bool(value);
    else if (IS("activation")) {
        if (strv_take(&u->activation, get_string(value)) < 0)
            state_lost();
    } else if (strncmp(name, "job-", 4) == 0)
        return get_job(u, false, name + 4, value);
    else if (strncmp(name, "nop-", 4) == 0)
        return get_job(u, true, name + 4, value);
    else
        return spawn_deserialize(u, name, value) || (u->ops->deserialize && u->ops->deserialize(u, name, value) != 0);
#undef IS
    return true;
}

/* --- the manager -------------------------------------------------------------------------------------------------- */
static const struct {
    const char *name;
    size_t offset;
} manager_times[] = {
    { "userspace-time", offsetof(struct manager, userspace_time) },
    { "generators-start", offsetof(struct manager, generators_start) },
    { "generators-finish", offsetof(struct manager, generators_finish) },
    { "units-load-start", offsetof(struct manager, units_load_start) },
    { "units-load-finish", offsetof(struct manager, units_load_finish) },
    { "finish-time", offsetof(struct manager, finish_time) },
};

static struct dual_time *manager_time(struct manager *m, size_t i) {
    return (struct dual_time *)((char *)m + manager_times[i].offset);
}

int manager_serialize(struct manager *m, struct text *out) {
    n_kept_fds = 0;
    put_string(out, "version", REEVE_VERSION);
    put_string(out, "program", m->program);
    put_bool(out, "show-status", m->show_status);
    put_bool(out, "reload-wanted", m->p->reload_requests && m->objective == OBJECTIVE_REEXECUTE);
    for (size_t i = 0; i < ELEMENTS(manager_times); i++)
        put_time(out, manager_times[i].name, *manager_time(m, i));
    put_bool(out, "finished-startup", m->finished_startup);
    put_bool(out, "shutting-down", m->p->shutting_down);
    put_bool(out, "kill-now", m->p->kill_now);
    put_number(out, "stop-begin", (int64_t)m->p->stop_begin);
    put_number(out, "exit-code", m->exit_code);
    put_number(out, "next-job-id", m->next_job_id);
    put_number(out, "log-level", log_max_level());
    put_number(out, "lineage-base", (int64_t)lineage_base(m->lineage));
    put_number(out, "lineage-counter", (int64_t)lineage_counter(m->lineage));
    put_string(out, "default-target", m->default_target);
    STRV_FOREACH(e, m->client_environment)
        put_string(out, "client-environment", *e);
    if (m->p->notify)
        put_fd(out, "notify-fd", notify_fd(m->p->notify));
    text_addf(out, "nofile=%llu %llu\n", (unsigned long long)m->permits.nofile.rlim_cur,
              (unsigned long long)m->permits.nofile.rlim_max);
    if (m->p->log && m->objective == OBJECTIVE_REEXECUTE)
        log_client_serialize(m->p->log, out);
    for (struct wire *w = m->wires; w; w = w->next)
        if (w->serialize)
            w->serialize(w, out);
    text_add_char(out, '\n');
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->name == n->unit->id)
            put_unit(out, n->unit);
    return out->failed ? -ENOMEM : 0;
}

static bool get_manager_line(struct manager *m, const char *name, const char *value) {
    for (size_t i = 0; i < ELEMENTS(manager_times); i++)
        if (strcmp(name, manager_times[i].name) == 0) {
            *manager_time(m, i) = get_time(value);
            return true;
        }
#define IS(n) (strcmp(name, n) == 0)
    if (IS("finished-startup"))
        m->finished_startup = get_bool(value);
    else if (IS("shutting-down"))
        m->p->shutting_down = get_bool(value);
    else if (IS("kill-now"))
        m->p->kill_now = get_bool(value);
    else if (IS("stop-begin"))
        m->p->stop_begin = (usec_t)get_number(value);
    else if (IS("exit-code"))
        m->exit_code = (int)get_number(value);
    else if (IS("next-job-id"))
        m->next_job_id = (uint32_t)get_number(value);
    else if (IS("log-level"))
        log_set_max_level((int)get_number(value));
    else if (IS("lineage-base"))
        m->p->lineage_base = (uint64_t)get_number(value);
    else if (IS("lineage-counter"))
        lineage_restore(m->lineage, m->p->lineage_base, (uint64_t)get_number(value));
    else if (IS("default-target")) {
        free(m->default_target);
        m->default_target = get_string(value);
    } else if (IS("client-environment")) {
        if (strv_take(&m->client_environment, get_string(value)) < 0)
            state_lost();
    } else if (IS("notify-fd"))
        m->p->inherited_notify_fd = get_fd(value);
    else if (IS("nofile")) {
        unsigned long long limit[2];
        if (get_numbers(value, limit, 2))
            m->permits.nofile = (struct rlimit){ limit[0], limit[1] };
    } else if (IS("program")) {
        free(m->program);
        m->program = get_string(value);
    } else if (IS("show-status"))
        m->show_status = get_bool(value);
    else if (IS("reload-wanted"))
        m->p->reload_wanted = get_bool(value);
    else if (IS("version")) {
        if (strcmp(value, REEVE_VERSION) != 0)
            log_notice("Taking over from version %s, this is version %s.", value, REEVE_VERSION);
    } else if (m->p->log && log_client_deserialize(m->p->log, name, value) != 0)
        return true;
    else {
        for (struct wire *w = m->wires; w; w = w->next)
            if (w->deserialize && w->deserialize(w, name, value) != 0)
                return true;
        return false;
    }
#undef IS
    return true;
}

/* Jobs are indexed only once their ids are known. */
static void install_job(struct job *j) {
    struct manager *m = j->manager;
    if (j->id == 0 || manager_get_job(m, j->id)) {
        unit_log(j->unit, LOG_WARNING, "A job without a number in the saved state is dropped.");
        *(j->type == JOB_NOP ? &j->unit->nop_job : &j->unit->job) = NULL;
        free(j);
        return;
    }
    j->installed = true;
    HASH_ADD(hh, m->jobs, id, sizeof(j->id), j);
    m->n_installed_jobs++;
    if (j->state == JOB_RUNNING)
        m->n_running_jobs++;
}

static int deserialize(struct manager *m, const char *state, size_t size, bool units) {
    _cleanup_free_ char *copy = strndup(state, size);
    if (!copy)
        return -ENOMEM;
    struct unit *u = NULL;
    bool in_units = false, known = true;
    _cleanup_text_ struct text first = {};
    unsigned unknown = 0;
    for (char *line = copy, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        if (!*line) { /* the end of a block */
            in_units = true;
            u = NULL;
            continue;
        }
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = 0;
        known = true;
        if (in_units && !units)
            break;
        if (!in_units && !units)
            known = get_manager_line(m, line, value);
        else if (!in_units)
            continue;
        else if (strcmp(line, "unit") == 0) {
            u = NULL;
            struct error error;
            _cleanup_free_ char *name = get_string(value); /* its backslashes are escaped */
            if (!name)
                return -ENOMEM;
            int r = manager_load_unit(m, name, &u, &error);
            if (r == -ENOMEM && tries_left > 0)
                return r;
            if (r < 0)
                log_warning("Cannot take %s over: %s", name, error.message);
        } else if (u)
            known = get_unit_line(u, line, value);
        if (known || unknown++ > 0)
            continue;
        text_addf(&first, "%s%s%s", line, u ? " of " : "", u ? u->id : "");
    }
    if (unknown > 0)
        log_notice("The saved state has %u fields that are not known here, ignored. The first: %s.", unknown,
                   text_str(&first));
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        if (n->name != n->unit->id || !units)
            continue;
        if (n->unit->job)
            install_job(n->unit->job);
        if (n->unit->nop_job)
            install_job(n->unit->nop_job);
    }
    return 0;
}

static int take_up(struct manager *m, const char *state, size_t size) {
    strv_free(TAKE(m->client_environment)); /* it is in the state */
    int r = deserialize(m, state, size, false);
    /* Units take their state up as they are loaded, so their files come first. */
    if (r >= 0) {
        manager_load_perpetual(m);
        r = deserialize(m, state, size, true);
    }
    queue_dispatch_load(m);
    return r;
}

int manager_take_up(struct manager *m, const char *state, size_t size) {
    for (tries_left = TAKE_UP_TRIES;;) {
        tries_left--;
        lost = false;
        int r = take_up(m, state, size);
        if (r >= 0 && !lost)
            return 0;
        if (tries_left == 0 || (r < 0 && r != -ENOMEM))
            return r < 0 ? r : -ENOMEM;
        log_warning("No memory to take up all units: once more.");
        manager_forget_units(m);
        nanosleep(&(struct timespec){ .tv_nsec = TAKE_UP_PAUSE_NSEC }, NULL);
    }
}

void manager_catch_up(struct manager *m) {
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        struct unit *u = n->unit;
        if (n->name != u->id)
            continue;
        if (u->ops->catch_up)
            u->ops->catch_up(u);
        /* The files may say something new of who needs whom. */
        queue_add(u, QUEUE_STOP_UNNEEDED);
        queue_add(u, QUEUE_UPHELD);
        queue_add(u, QUEUE_BOUND);
    }
    if (m->p->reload_wanted) {
        m->p->reload_wanted = false;
        (void)manager_reload(m, NULL, NULL);
    }
}

void manager_coldplug(struct manager *m) {
    m->n_failed = 0;
    spawn_find_units(m);
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        struct unit *u = n->unit;
        if (n->name != u->id)
            continue;
        if (u->ops->coldplug)
            u->ops->coldplug(u);
        if (unit_active_state(u) == ACTIVE_FAILED)
            m->n_failed++;
        if (u->maybe_processes)
            queue_add(u, QUEUE_EMPTY);
        gc_consider(u);
    }
    for (struct job *j = m->jobs; j; j = j->hh.next) {
        job_arm_timeout(j);
        if (j->state == JOB_WAITING)
            job_queue_run(j);
    }
}
