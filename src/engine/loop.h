/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: descriptors, timers, and work to do once before sleeping again. epoll underneath; nothing polls. */
#pragma once

#include "base/clock.h"
#include "base/macro.h"
#include <sys/epoll.h>

struct loop;

int loop_new(struct loop **ret);
void loop_free(struct loop *loop);

/* --- descriptors ------------------------------------------------------------------------------------------------ */
struct io; /* one watched descriptor; owned by whoever added it */
typedef void (*io_handler)(struct io *io, int fd, uint32_t events, void *userdata);
/* Watches fd (which stays the caller's, who closes it only after io_remove) for EPOLLIN, EPOLLOUT, …. Level-triggered.
 * 0, -ENOMEM, or errno of epoll_ctl (-EPERM: a regular file, which is always ready). */
int io_add(struct loop *loop, int fd, uint32_t events, io_handler handler, void *userdata, struct io **ret);
int io_set_events(struct io *io, uint32_t events);
/* Stops watching; safe inside any handler; NULL is fine. Returns NULL. */
struct io *io_remove(struct io *io);

/* --- timers: embedded in their owner, so arming one never fails; without memory it takes longer ------------------- */
struct timer {
    usec_t when;  /* of `clock`; USEC_INFINITY: not armed */
    clockid_t clock; /* CLOCK_MONOTONIC, CLOCK_REALTIME or CLOCK_BOOTTIME */
    void (*handler)(struct timer *timer, void *userdata);
    void *userdata;
    size_t place; /* the loop's: place in its heap + 1; 0: not armed; TIMER_OUTSIDE: armed, but there was no room */
    struct timer *next_outside;
    struct loop *loop;
};
#define TIMER_OUTSIDE SIZE_MAX
/* Arms (or moves) the timer; USEC_INFINITY disarms. Once it expires it is disarmed, then the handler is called. One
 * that was all zeros so far is not armed. */
void timer_set(struct loop *loop, struct timer *timer, usec_t when);
void timer_stop(struct timer *timer);

/* --- work to do once: run in order of priority before the loop sleeps. Work that queues itself again does so for
 * the same turn, but descriptors and timers get theirs after a while. Work of DEFERRED_AFTER_TIMERS and more begins
 * only when timers that are due have had their turn. */
enum { DEFERRED_AFTER_TIMERS = 20 };
struct deferred {
    void (*handler)(void *userdata);
    void *userdata;
    int priority; /* lower runs first */
    bool queued;
    struct deferred *next;
    struct loop *loop;
};
void deferred_queue(struct loop *loop, struct deferred *deferred);
void deferred_cancel(struct deferred *deferred);
/* Has the turn taken so long that descriptors should have theirs? Work of many items asks after each, and leaves the
 * rest for the next turn: what a client asks is answered soon, whatever is going on. */
bool loop_overdue(const struct loop *loop);
/* As deferred_queue(), but for the next turn. */
void deferred_queue_later(struct loop *loop, struct deferred *deferred);

/* Calls `handler` (NULL: nobody) after each sleep, before anything else of the turn: what was looked up once for a
 * whole turn is out of date then. */
void loop_on_wake(struct loop *loop, void (*handler)(void *userdata), void *userdata);

/* Calls `handler` when somebody set the clock of CLOCK_REALTIME, as long as a timer of that clock is armed. */
void loop_on_clock_set(struct loop *loop, void (*handler)(void *userdata), void *userdata);

/* Runs until loop_stop(). Returns what loop_stop() was given. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int result);
/* One turn; waits at most `timeout` (USEC_INFINITY: for ever). For tests. 0 or negative errno. */
int loop_turn(struct loop *loop, usec_t timeout);
