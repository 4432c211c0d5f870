/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: units that start another one at a time. systemd.timer(5). */
#pragma once

#include "engine/unit.h"

enum timer_state { TIMER_DEAD, TIMER_WAITING, TIMER_RUNNING, TIMER_ELAPSED, TIMER_FAILED, TIMER_STATES };
enum timer_result { TIMER_SUCCESS, TIMER_FAILURE_RESOURCES, TIMER_FAILURE_START_LIMIT_HIT, TIMER_RESULTS };
const char *timer_result_to_string(enum timer_result result);

/* What becomes of one line of the file: OnBootSec=, OnCalendar=, … */
struct timer_point {
    usec_t next;   /* monotonic, or CLOCK_REALTIME for OnCalendar=; 0: not known */
    bool disabled; /* comes once only, and did */
};

struct timer_unit {
    struct unit unit;
    enum timer_state state;
    enum timer_result result;
    struct timer_point *points; /* as many as the setting Timers has items, in their order */
    struct timer monotonic, realtime;
    usec_t next_monotonic, next_realtime; /* 0: of no use; USEC_INFINITY: not waiting yet */
    struct dual_time last_trigger;
    char *stamp; /* Persistent=: the file whose time is that of the last trigger; else NULL */
};
#define TIMER(u) CONTAINER_OF(u, struct timer_unit, unit)

/* systemctl clean --what=state: forgets when a persistent timer last ran. 0, -EOPNOTSUPP, or errno of unlink(2). */
int timer_clean(struct unit *u);

/* The clock was set, or the local time zone changed: every waiting timer reckons anew. Called by the loop's hook and
 * the watch that timers put on /etc/localtime. */
void timers_clock_set(void *manager);
/* For as long as the manager lives; begun by the first timer that wants it. 0 or negative errno. */
int timers_watch_zone(struct manager *m);
void timers_unwatch_zone(struct manager *m);
