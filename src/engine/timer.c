/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: their states, and when each comes next. systemd.timer(5). What they start knows nothing of them. They fire
 * when their time has come, not within AccuracySec= of it: there is no host whose sleep it would spare. */
#include "engine/timer.h"
#include "base/fd.h"
#include "base/path.h"
#include "engine/manager_private.h"
#include "engine/serialize.h"
#include "engine/types.h"
#include "engine/unit_private.h"
#include "syntax/calendar.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* OnClockChange= without OnCalendar=: something has to be armed for the kernel to tell of the clock. */
#define FAR_AWAY (365 * 24 * 3600 * USEC_PER_SEC)

static const struct {
    const char *name;
    enum active_state active;
} states[TIMER_STATES] = {
    [TIMER_DEAD] = { "dead", ACTIVE_INACTIVE },     [TIMER_WAITING] = { "waiting", ACTIVE_ACTIVE },
    [TIMER_RUNNING] = { "running", ACTIVE_ACTIVE }, [TIMER_ELAPSED] = { "elapsed", ACTIVE_ACTIVE },
    [TIMER_FAILED] = { "failed", ACTIVE_FAILED },
};

static const char *const results[TIMER_RESULTS] = {
    [TIMER_SUCCESS] = "success",
    [TIMER_FAILURE_RESOURCES] = "resources",
    [TIMER_FAILURE_START_LIMIT_HIT] = "start-limit-hit",
};

const char *timer_result_to_string(enum timer_result result) {
    return result >= 0 && result < TIMER_RESULTS ? results[result] : NULL;
}

static enum active_state timer_active_state(const struct unit *u) {
    return states[TIMER(u)->state].active;
}

static const char *timer_sub_state(const struct unit *u) {
    return states[TIMER(u)->state].name;
}

static const struct timer_list *timers_of(const struct timer_unit *t) {
    return unit_object(t->unit.file, D_Timers);
}

/* --- states ------------------------------------------------------------------------------------------------------- */
static void set_state(struct timer_unit *t, enum timer_state state) {
    struct unit *u = &t->unit;
    enum active_state before = timer_active_state(u);
    if (t->state != state)
        unit_log(u, LOG_DEBUG, "Changed %s -> %s", states[t->state].name, states[state].name);
    t->state = state;
    if (state != TIMER_WAITING) {
        timer_stop(&t->monotonic);
        timer_stop(&t->realtime);
        t->next_monotonic = t->next_realtime = USEC_INFINITY;
    }
    unit_notify(u, before, timer_active_state(u), 0);
}

static void enter_dead(struct timer_unit *t, enum timer_result result) {
    if (t->result == TIMER_SUCCESS)
        t->result = result;
    unit_log_end(&t->unit, t->result == TIMER_SUCCESS ? NULL : results[t->result]);
    set_state(t, t->result == TIMER_SUCCESS ? TIMER_DEAD : TIMER_FAILED);
}

/* --- Persistent= -------------------------------------------------------------------------------------------------- */
static int stamp_setup(struct timer_unit *t) {
    struct unit *u = &t->unit;
    if (!unit_bool(u->file, D_Persistent))
        return 0;
    if (!t->stamp && asprintf(&t->stamp, "%s/systemd/timers/stamp-%s", u->manager->dirs.state, u->id) < 0) {
        t->stamp = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* Now, or `when` of CLOCK_REALTIME, is when it last ran. */
static void stamp_write(struct timer_unit *t, usec_t when) {
    int r = mkdir_parents(t->stamp, 0755);
    _cleanup_close_ int fd =
        r < 0 ? -1 : open(t->stamp, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    struct timespec at = { .tv_sec = (time_t)(when / USEC_PER_SEC), .tv_nsec = (long)(when % USEC_PER_SEC * 1000) };
    if (r >= 0 && (fd < 0 || futimens(fd, (struct timespec[]){ at, at }) < 0))
        r = -errno;
    if (r < 0)
        unit_log(&t->unit, LOG_WARNING, "Cannot keep the time of the last run in %s: %s", t->stamp, strerror(-r));
}

static void stamp_read(struct timer_unit *t) {
    struct stat st;
    if (lstat(t->stamp, &st) < 0) {
        if (errno == ENOENT) /* never ran: what comes is reckoned from now, also after the next boot */
            stamp_write(t, now(CLOCK_REALTIME));
        return;
    }
    usec_t at = (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st.st_mtim.tv_nsec / 1000;
    if (at < now(CLOCK_REALTIME))
        t->last_trigger.realtime = at;
    else
        unit_log(&t->unit, LOG_WARNING, "Not using the time of the last run in %s, which is still to come.", t->stamp);
}

int timer_clean(struct unit *u) {
    struct timer_unit *t = TIMER(u);
    if (!t->stamp)
        return -EOPNOTSUPP;
    return unlink(t->stamp) < 0 && errno != ENOENT ? -errno : 0;
}

/* --- when --------------------------------------------------------------------------------------------------------- */
/* RandomizedDelaySec=: some part of it, with FixedRandomDelay= always the same for this unit on this machine. */
static usec_t random_delay(const struct timer_unit *t) {
    const struct unit *u = &t->unit;
    usec_t most = unit_usec(u->file, D_RandomizedDelaySec);
    uint64_t number = 0;
    if (most == 0 || most == USEC_INFINITY)
        return 0;
    if (unit_bool(u->file, D_FixedRandomDelay)) {
        number = 0xcbf29ce484222325; /* FNV-1a */
        for (size_t i = 0; i < sizeof(u->manager->machine_id.bytes); i++)
            number = (number ^ u->manager->machine_id.bytes[i]) * 0x100000001b3;
        for (const char *p = u->id; *p; p++)
            number = (number ^ (unsigned char)*p) * 0x100000001b3;
    } else if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
        return 0;
    return number % most;
}

/* OnCalendar=: the first time after it last ran, or else after it was activated. */
static int next_of_calendar(const struct timer_unit *t, const char *expression, const struct dual_time *present,
                            usec_t *ret) {
    const struct unit *u = &t->unit;
    usec_t after = present->realtime;
    if (unit_bool(u->file, D_DeferReactivation)) {
        UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_TRIGGERS))
            after = MAX(e->other->inactive_enter.realtime, t->last_trigger.realtime);
        after = after ?: present->realtime;
    } else if (t->last_trigger.realtime > 0)
        after = t->last_trigger.realtime;
    else if (timer_active_state(u) == ACTIVE_ACTIVE)
        after = u->inactive_exit.realtime;
    _cleanup_calendar_ struct calendar c = {};
    int r = calendar_parse(expression, &c);
    if (r >= 0)
        r = calendar_next(&c, after, ret);
    if (r < 0)
        return r;
    /* What was missed comes when the manager comes up, with RandomizedDelaySec= counted from then. */
    usec_t up_since = present->realtime - usec_sub(present->monotonic, u->manager->userspace_time.monotonic);
    *ret = MAX(*ret, up_since);
    return 0;
}

/* From when on a point other than OnCalendar= counts, monotonic; 0: from a moment that has not come yet. */
static usec_t base_of(const struct timer_unit *t, enum timer_base base, const struct unit *target, usec_t present) {
    switch (base) {
    case TIMER_ACTIVE:
        return timer_active_state(&t->unit) == ACTIVE_ACTIVE ? t->unit.inactive_exit.monotonic : present;
    case TIMER_UNIT_ACTIVE:
        return MAX(target->inactive_exit.monotonic, t->last_trigger.monotonic);
    case TIMER_UNIT_INACTIVE:
        return MAX(target->inactive_enter.monotonic, t->last_trigger.monotonic);
    default: /* in a container the machine's boot does not count: OnBootSec= is OnStartupSec= */
        return t->unit.manager->userspace_time.monotonic;
    }
}

static bool counts_from_target(enum timer_base base) {
    return base == TIMER_UNIT_ACTIVE || base == TIMER_UNIT_INACTIVE;
}

static void on_elapse(struct timer *timer, void *userdata);

/* Reckons all points anew and waits for the first. `clock_set`: nothing happened but that. */
static void enter_waiting(struct timer_unit *t, bool clock_set) {
    struct unit *u = &t->unit, *target = unit_triggered(&t->unit);
    const struct timer_list *list = timers_of(t);
    struct dual_time present = dual_now();
    usec_t monotonic = USEC_INFINITY, realtime = USEC_INFINITY;
    bool comes_again = false, on_clock = unit_bool(u->file, D_OnClockChange),
         on_zone = unit_bool(u->file, D_OnTimezoneChange);
    if (!target) {
        unit_log(u, LOG_ERR, "Unit to trigger vanished.");
        enter_dead(t, TIMER_FAILURE_RESOURCES);
        return;
    }
    for (size_t i = 0; list && i < list->n; i++) {
        const struct timer_spec *spec = &list->items[i];
        struct timer_point *point = &t->points[i];
        if (point->disabled)
            continue;
        if (spec->base == TIMER_CALENDAR) {
            if (next_of_calendar(t, spec->calendar, &present, &point->next) >= 0)
                realtime = MIN(realtime, point->next);
            continue;
        }
        comes_again |= counts_from_target(spec->base);
        usec_t base = base_of(t, spec->base, target, present.monotonic);
        if (base == 0)
            continue;
        point->next = usec_add(base, spec->usec);
        if (t->last_trigger.monotonic > 0 && !clock_set && point->next < present.monotonic &&
            !counts_from_target(spec->base))
            point->disabled = true;
        else
            monotonic = MIN(monotonic, point->next);
    }
    if (monotonic == USEC_INFINITY && realtime == USEC_INFINITY && !on_clock && !on_zone) {
        unit_log(u, LOG_DEBUG, "Timer is elapsed.");
        if (unit_bool(u->file, D_RemainAfterElapse) || comes_again)
            set_state(t, TIMER_ELAPSED);
        else
            enter_dead(t, TIMER_SUCCESS);
        return;
    }
    t->next_monotonic = monotonic == USEC_INFINITY ? 0 : usec_add(monotonic, random_delay(t));
    t->next_realtime = realtime == USEC_INFINITY ? 0 : usec_add(realtime, random_delay(t));
    struct loop *loop = u->manager->loop;
    timer_set(loop, &t->monotonic, t->next_monotonic ?: USEC_INFINITY);
    timer_set(loop, &t->realtime, t->next_realtime ?: on_clock ? usec_add(present.realtime, FAR_AWAY) : USEC_INFINITY);
    if (t->next_realtime > 0 || on_zone) {
        int r = timers_watch_zone(u->manager);
        if (r < 0 && !u->manager->p->zone_unseen)
            unit_log(u, LOG_WARNING, "A change of the local time zone will not be noticed: %s", strerror(-r));
        u->manager->p->zone_unseen = r < 0; /* said once, tried at each */
    }
    set_state(t, TIMER_WAITING);
}

/* What the service finds in its environment. Without memory it does without. */
static void tell_target(const struct timer_unit *t, struct job *job) {
    char **details = NULL;
    int r = strv_addf(&details, "TRIGGER_UNIT=%s", t->unit.id);
    if (r >= 0)
        r = strv_addf(&details, "TRIGGER_TIMER_REALTIME_USEC=%" PRIu64, t->last_trigger.realtime);
    if (r >= 0)
        r = strv_addf(&details, "TRIGGER_TIMER_MONOTONIC_USEC=%" PRIu64, t->last_trigger.monotonic);
    job_set_activation(job, details);
}

static void enter_running(struct timer_unit *t) {
    struct unit *u = &t->unit, *target = unit_triggered(&t->unit);
    if (u->job && u->job->type == JOB_STOP)
        return;
    if (!target) {
        unit_log(u, LOG_ERR, "Unit to trigger vanished.");
        enter_dead(t, TIMER_FAILURE_RESOURCES);
        return;
    }
    struct error error = { 0 };
    struct job *job;
    int r = manager_add_job(u->manager, JOB_START, target, JOB_REPLACE, &error, &job);
    if (r < 0) {
        unit_log(u, LOG_WARNING, "Failed to queue unit startup job: %s", error.message);
        enter_dead(t, TIMER_FAILURE_RESOURCES);
        return;
    }
    t->last_trigger = dual_now();
    tell_target(t, job);
    if (t->stamp)
        stamp_write(t, t->last_trigger.realtime);
    set_state(t, TIMER_RUNNING);
}

static void on_elapse(struct timer *timer, void *userdata) {
    struct timer_unit *t = userdata;
    if (t->state != TIMER_WAITING)
        return;
    if (t->next_monotonic == 0 && t->next_realtime == 0) /* armed for the sake of the clock only */
        enter_waiting(t, false);
    else
        enter_running(t);
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */
static int timer_start(struct unit *u) {
    struct timer_unit *t = TIMER(u);
    const struct timer_list *list = timers_of(t);
    int r = unit_check_triggered(u);
    if (r >= 0)
        r = unit_new_invocation(u);
    if (r < 0)
        return r;
    t->last_trigger = (struct dual_time){};
    for (size_t i = 0; list && i < list->n; i++)
        if (list->items[i].base == TIMER_ACTIVE)
            t->points[i].disabled = false;
    if (t->stamp)
        stamp_read(t);
    t->result = TIMER_SUCCESS;
    enter_waiting(t, false);
    return 0;
}

static int timer_stop_unit(struct unit *u) {
    enter_dead(TIMER(u), TIMER_SUCCESS);
    return 0;
}

static void start_limit_reached(struct unit *u) {
    enter_dead(TIMER(u), TIMER_FAILURE_START_LIMIT_HIT);
}

static void reset_failed(struct unit *u) {
    struct timer_unit *t = TIMER(u);
    t->result = TIMER_SUCCESS;
    if (t->state == TIMER_FAILED)
        set_state(t, TIMER_DEAD);
}

/* --- events ------------------------------------------------------------------------------------------------------- */
static void trigger_notify(struct unit *u, struct unit *other) {
    struct timer_unit *t = TIMER(u);
    const struct timer_list *list = timers_of(t);
    for (size_t i = 0; list && i < list->n; i++)
        if (counts_from_target(list->items[i].base))
            t->points[i].disabled = false;
    bool over = t->state == TIMER_RUNNING && inactive_or_failed(unit_active_state(other));
    if (over || t->state == TIMER_WAITING || t->state == TIMER_ELAPSED)
        enter_waiting(t, false);
}

static void each_waiting(struct manager *m, enum directive wanted, bool clock_set) {
    usec_t present = now(CLOCK_REALTIME);
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        struct timer_unit *t = n->unit->ops->type == UNIT_TIMER && n->name == n->unit->id ? TIMER(n->unit) : NULL;
        if (!t || t->state != TIMER_WAITING)
            continue;
        /* The clock went back: what would have come since may come again. */
        if (clock_set)
            t->last_trigger.realtime = MIN(t->last_trigger.realtime, present);
        unit_log(&t->unit, LOG_DEBUG, "%s change, recalculating next elapse.", clock_set ? "Time" : "Timezone");
        if (unit_bool(t->unit.file, wanted))
            enter_running(t);
        else
            enter_waiting(t, clock_set);
    }
}

void timers_clock_set(void *manager) {
    each_waiting(manager, D_OnClockChange, true);
}

/* --- the time zone ------------------------------------------------------------------------------------------------ */
static void on_etc(struct io *io, int fd, uint32_t events, void *userdata) {
    struct manager *m = userdata;
    _Alignas(struct inotify_event) char buffer[4096];
    bool changed = false;
    ssize_t n;
    while ((n = read(fd, buffer, sizeof(buffer))) > 0)
        for (char *p = buffer; p < buffer + n;) {
            const struct inotify_event *e = (const struct inotify_event *)p;
            changed |= (e->mask & IN_Q_OVERFLOW) || (e->len > 0 && strcmp(e->name, "localtime") == 0);
            p += sizeof(*e) + e->len;
        }
    if (!changed)
        return;
    tzset();
    each_waiting(m, D_OnTimezoneChange, false);
}

int timers_watch_zone(struct manager *m) {
    if (m->p->zone_io)
        return 0;
    _cleanup_close_ int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0 || inotify_add_watch(fd, "/etc", IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR) < 0)
        return -errno;
    int r = io_add(m->loop, fd, EPOLLIN, on_etc, m, &m->p->zone_io);
    if (r >= 0)
        m->p->zone_fd = TAKE_FD(fd);
    return r;
}

void timers_unwatch_zone(struct manager *m) {
    if (!m->p->zone_io)
        return;
    m->p->zone_io = io_remove(m->p->zone_io);
    m->p->zone_fd = fd_close(m->p->zone_fd);
}

/* --- the type ----------------------------------------------------------------------------------------------------- */
static void timer_init(struct unit *u) {
    struct timer_unit *t = TIMER(u);
    t->monotonic =
        (struct timer){ .when = USEC_INFINITY, .clock = CLOCK_MONOTONIC, .handler = on_elapse, .userdata = t };
    t->realtime = (struct timer){ .when = USEC_INFINITY, .clock = CLOCK_REALTIME, .handler = on_elapse, .userdata = t };
    t->next_monotonic = t->next_realtime = USEC_INFINITY;
}

static void timer_done(struct unit *u) {
    struct timer_unit *t = TIMER(u);
    timer_stop(&t->monotonic);
    timer_stop(&t->realtime);
    free(t->points);
    free(t->stamp);
}

static int add_default_dependencies(struct unit *u, const struct timer_list *list) {
    if (!unit_bool(u->file, D_DefaultDependencies))
        return 0;
    int r = unit_add_dependency_by_name(u, DEP_BEFORE, "timers.target");
    if (r >= 0 && u->manager->system)
        r = unit_add_two_dependencies_by_name(u, DEP_AFTER, DEP_REQUIRES, "sysinit.target");
    for (size_t i = 0; r >= 0 && i < list->n; i++)
        if (list->items[i].base == TIMER_CALENDAR) {
            r = unit_add_dependency_by_name(u, DEP_AFTER, "time-sync.target");
            if (r >= 0)
                r = unit_add_dependency_by_name(u, DEP_AFTER, "time-set.target");
            break;
        }
    return r < 0 ? r : unit_add_two_dependencies_by_name(u, DEP_BEFORE, DEP_CONFLICTS, "shutdown.target");
}

static int timer_load(struct unit *u) {
    struct timer_unit *t = TIMER(u);
    const struct timer_list *list = timers_of(t);
    if ((!list || list->n == 0) && !unit_bool(u->file, D_OnClockChange) && !unit_bool(u->file, D_OnTimezoneChange)) {
        unit_log(u, LOG_ERR, "Timer unit lacks value setting. Refusing.");
        return -ENOEXEC;
    }
    static const struct timer_list none;
    list = list ?: &none;
    free(t->points);
    t->points = calloc(list->n + 1, sizeof(*t->points));
    if (!t->points)
        return -ENOMEM;
    struct unit *target;
    int r = unit_load_triggered(u, unit_string(u->file, D_TimerUnit), &target);
    if (r >= 0)
        r = unit_add_two_dependencies(u, DEP_BEFORE, DEP_TRIGGERS, target);
    if (r >= 0)
        r = stamp_setup(t);
    return r < 0 ? r : add_default_dependencies(u, list);
}

static int timer_coldplug(struct unit *u) {
    struct timer_unit *t = TIMER(u);
    if (t->state == TIMER_WAITING)
        enter_waiting(t, false);
    return 0;
}

static int timer_serialize(const struct unit *u, struct text *out) {
    const struct timer_unit *t = TIMER(u);
    put_string(out, "state", states[t->state].name);
    put_string(out, "result", results[t->result]);
    if (t->last_trigger.realtime > 0)
        put_time(out, "last-trigger", t->last_trigger);
    return 0;
}

static int timer_deserialize(struct unit *u, const char *name, const char *value) {
    struct timer_unit *t = TIMER(u);
    if (strcmp(name, "state") == 0) {
        for (enum timer_state s = 0; s < TIMER_STATES; s++)
            if (strcmp(states[s].name, value) == 0)
                t->state = s;
    } else if (strcmp(name, "result") == 0) {
        for (enum timer_result r = 0; r < TIMER_RESULTS; r++)
            if (strcmp(results[r], value) == 0)
                t->result = r;
    } else if (strcmp(name, "last-trigger") == 0)
        t->last_trigger = get_time(value);
    else
        return 0;
    return 1;
}

const struct unit_ops timer_ops = {
    .type = UNIT_TIMER,
    .size = sizeof(struct timer_unit),
    .can_start = true,
    .init = timer_init,
    .done = timer_done,
    .load = timer_load,
    .coldplug = timer_coldplug,
    .start = timer_start,
    .start_limit_reached = start_limit_reached,
    .stop = timer_stop_unit,
    .active_state = timer_active_state,
    .sub_state = timer_sub_state,
    .reset_failed = reset_failed,
    .trigger_notify = trigger_notify,
    .serialize = timer_serialize,
    .deserialize = timer_deserialize,
};
