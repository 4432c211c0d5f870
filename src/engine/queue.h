/* SPDX-License-Identifier: Apache-2.0 */
/* Units that wait for something to be looked at once the current event is dealt with. Each queue has its row in
 * queue.c: in which order, and what is done. A unit is in each queue at most once. */
#pragma once

#include "engine/unit.h"

enum unit_queue {
    QUEUE_LOAD,          /* files are read; dependencies are not yet edges */
    QUEUE_ORDER,         /* loaded; targets' default order waits until all of a batch are */
    QUEUE_EMPTY,         /* a process of it ended: is anything left? */
    QUEUE_STOP_UNNEEDED, /* StopWhenUnneeded= */
    QUEUE_UPHELD,        /* somebody Upholds= it */
    QUEUE_BOUND,         /* BindsTo= something that went away */
    QUEUE_CHANGED,       /* observers hear of it */
    QUEUE_GC,            /* perhaps nobody needs it any more */
    UNIT_QUEUES,
};

/* Priorities of the loop's deferred work, lower first: states settle, jobs run, then the world hears of it, and last
 * goes what nobody needs. */
enum work_priority {
    WORK_REAP = 0,
    WORK_QUEUES = 10,
    WORK_JOBS = DEFERRED_AFTER_TIMERS,
    WORK_TELL = 30,
    WORK_PURPOSE = 35,
    WORK_GC = 40,
    WORK_OBJECTIVE = 50
};

int queue_init(struct manager *m);
void queue_done(struct manager *m);
/* Does a unit wait that may be started or stopped when it is looked at? */
bool queue_may_bring_jobs(const struct manager *m);
/* Puts the unit in line. Without memory for a longer line the unit keeps the mark of it, and is served after the
 * others: nobody is ever left out. */
void queue_add(struct unit *u, enum unit_queue queue);
/* What observers have not yet heard of the unit they hear now, unless they are busy. */
void queue_tell_now(struct unit *u);
/* Takes it out of all queues. */
void queue_forget(struct unit *u);
/* Works off QUEUE_LOAD now. */
void queue_dispatch_load(struct manager *m);
