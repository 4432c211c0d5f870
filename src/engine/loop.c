/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop over epoll(7). One turn: sleep, descriptors, timers, deferred work. Descriptors come before
 * timers, so that after a pause of the whole container a keep-alive that waits in a socket counts before its
 * watchdog expires. Knows nothing of units. */
#include "engine/loop.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    EVENTS_PER_TURN = 64,
    LOOKS_PER_TURN = 4,
    DEFERRED_PER_TURN = 1024, /* then descriptors get their turn, should work queue itself for ever */
    FIRST_TIMERS = 16,
};
/* After so long, work of many items is interrupted: this and a few items more are between two looks at the
 * descriptors. */
#define TURN_TIME (2 * USEC_PER_MSEC)
/* Longest sleep asked of the kernel, so that no conversion overflows. */
#define SLEEP_MAX (24 * 3600 * USEC_PER_SEC)

struct io {
    struct loop *loop;
    int fd;
    io_handler handler; /* NULL: removed while events were being handed out */
    void *userdata;
    struct io *next_removed;
};

/* The timers of one clock: a binary heap, the next to expire on top. */
struct timer_queue {
    struct loop *loop;
    clockid_t clock;
    struct timer **heap;
    size_t n, room;
    int timerfd; /* for clocks that can jump while we sleep; -1: none (yet) */
    struct io *io;
    usec_t set_to; /* what the timerfd is armed for; USEC_INFINITY: disarmed */
};

enum { QUEUE_MONOTONIC, QUEUE_REALTIME, QUEUE_BOOTTIME, QUEUES };

struct loop {
    int epoll;
    bool dispatching, stopped, no_pwait2;
    bool grown; /* there are descriptors that nobody has looked at */
    int result;
    struct io *removed; /* freed when the events at hand are done */
    struct timer_queue queues[QUEUES];
    struct timer *outside; /* armed while their heap could not grow; looked at one by one until it can */
    struct deferred *deferred, *later; /* of this turn, by priority; of the next, in any order */
    usec_t turn_began;
    void (*woke)(void *userdata);
    void *woke_userdata;
    void (*clock_set)(void *userdata);
    void *clock_set_userdata;
};

int loop_new(struct loop **ret) {
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return -ENOMEM;
    static const clockid_t clocks[QUEUES] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };
    for (int i = 0; i < QUEUES; i++)
        loop->queues[i] =
            (struct timer_queue){ .loop = loop, .clock = clocks[i], .timerfd = -1, .set_to = USEC_INFINITY };
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        int r = -errno;
        free(loop);
        return r;
    }
    *ret = loop;
    return 0;
}

static void free_removed(struct loop *loop) {
    while (loop->removed) {
        struct io *io = loop->removed;
        loop->removed = io->next_removed;
        free(io);
    }
}

void loop_free(struct loop *loop) {
    if (!loop)
        return;
    for (int i = 0; i < QUEUES; i++) {
        struct timer_queue *q = &loop->queues[i];
        for (size_t k = 0; k < q->n; k++) {
            q->heap[k]->place = 0;
            q->heap[k]->loop = NULL;
        }
        io_remove(q->io);
        fd_close(q->timerfd);
        free(q->heap);
    }
    while (loop->outside)
        timer_stop(loop->outside);
    while (loop->deferred)
        deferred_cancel(loop->deferred);
    while (loop->later)
        deferred_cancel(loop->later);
    free_removed(loop);
    fd_close(loop->epoll);
    free(loop);
}

/* --- descriptors --------------------------------------------------------------------------------------- */

int io_add(struct loop *loop, int fd, uint32_t events, io_handler handler, void *userdata, struct io **ret) {
    struct io *io = malloc(sizeof(*io));
    if (!io)
        return -ENOMEM;
    *io = (struct io){ .loop = loop, .fd = fd, .handler = handler, .userdata = userdata };
    struct epoll_event event = { .events = events, .data.ptr = io };
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        int r = -errno;
        free(io);
        return r;
    }
    loop->grown = true;
    *ret = io;
    return 0;
}

int io_set_events(struct io *io, uint32_t events) {
    struct epoll_event event = { .events = events, .data.ptr = io };
    return epoll_ctl(io->loop->epoll, EPOLL_CTL_MOD, io->fd, &event) < 0 ? -errno : 0;
}

struct io *io_remove(struct io *io) {
    if (!io)
        return NULL;
    epoll_ctl(io->loop->epoll, EPOLL_CTL_DEL, io->fd, NULL);
    if (io->loop->dispatching) {
        /* An event for it may wait further down in the batch at hand. */
        io->handler = NULL;
        io->next_removed = io->loop->removed;
        io->loop->removed = io;
    } else
        free(io);
    return NULL;
}

/* --- timers -------------------------------------------------------------------------------------------- */

static struct timer_queue *queue_of_clock(struct loop *loop, clockid_t clock) {
    return &loop->queues[clock == CLOCK_REALTIME   ? QUEUE_REALTIME
                         : clock == CLOCK_BOOTTIME ? QUEUE_BOOTTIME
                                                   : QUEUE_MONOTONIC];
}

static void put(struct timer_queue *q, size_t i, struct timer *timer) {
    q->heap[i] = timer;
    timer->place = i + 1;
}

/* Moves the timer at place i up or down until the heap is in order again. */
static void settle(struct timer_queue *q, size_t i) {
    struct timer *timer = q->heap[i];
    while (i > 0 && q->heap[(i - 1) / 2]->when > timer->when) {
        put(q, i, q->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (size_t child; (child = 2 * i + 1) < q->n; i = child) {
        if (child + 1 < q->n && q->heap[child + 1]->when < q->heap[child]->when)
            child++;
        if (q->heap[child]->when >= timer->when)
            break;
        put(q, i, q->heap[child]);
    }
    put(q, i, timer);
}

static int queue_reserve(struct timer_queue *q, size_t room) {
    if (room <= q->room)
        return 0;
    room = MAX(room, MAX((size_t)FIRST_TIMERS, q->room * 2));
    struct timer **heap = realloc(q->heap, room * sizeof(*heap));
    if (!heap)
        return -ENOMEM;
    q->heap = heap;
    q->room = room;
    return 0;
}

static void take_out(struct timer *timer) {
    for (struct timer **at = &timer->loop->outside; *at; at = &(*at)->next_outside)
        if (*at == timer) {
            *at = timer->next_outside;
            return;
        }
}

void timer_stop(struct timer *timer) {
    if (timer->place == TIMER_OUTSIDE)
        take_out(timer);
    else if (timer->place > 0) {
        struct timer_queue *q = queue_of_clock(timer->loop, timer->clock);
        size_t i = timer->place - 1;
        if (i >= q->n || q->heap[i] != timer) /* its owner changed the clock while it was armed */
            for (q = timer->loop->queues; i >= q->n || q->heap[i] != timer; q++)
                ;
        q->n--;
        if (i < q->n) {
            put(q, i, q->heap[q->n]);
            settle(q, i);
        }
    }
    timer->place = 0;
    timer->when = USEC_INFINITY;
}

void timer_set(struct loop *loop, struct timer *timer, usec_t when) {
    timer_stop(timer);
    if (when == USEC_INFINITY)
        return;
    struct timer_queue *q = queue_of_clock(loop, timer->clock);
    timer->loop = loop;
    timer->when = when;
    if (queue_reserve(q, q->n + 1) < 0) {
        timer->place = TIMER_OUTSIDE;
        timer->next_outside = loop->outside;
        loop->outside = timer;
        return;
    }
    q->heap[q->n] = timer;
    settle(q, q->n++);
}

static void on_timerfd(struct io *io, int fd, uint32_t events, void *userdata) {
    struct timer_queue *q = userdata;
    uint64_t expirations;
    /* ECANCELED: the clock was set. Either way it is armed anew before the loop sleeps. */
    bool set = read(fd, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED;
    q->set_to = USEC_INFINITY;
    if (set && q->loop->clock_set)
        q->loop->clock_set(q->loop->clock_set_userdata);
}

/* Arms the timerfd for the queue's first timer. False where that is not possible: then the sleep is bounded
 * instead. */
static bool arm_timerfd(struct loop *loop, struct timer_queue *q) {
    usec_t first = q->n > 0 ? q->heap[0]->when : USEC_INFINITY;
    if (first == q->set_to)
        return true;
    if (q->timerfd < 0) {
        q->timerfd = timerfd_create(q->clock, TFD_CLOEXEC | TFD_NONBLOCK);
        if (q->timerfd < 0)
            return false;
        if (io_add(loop, q->timerfd, EPOLLIN, on_timerfd, q, &q->io) < 0) {
            q->timerfd = fd_close(q->timerfd);
            return false;
        }
    }
    struct itimerspec spec = { 0 };
    if (first != USEC_INFINITY) {
        spec.it_value.tv_sec = (time_t)(first / USEC_PER_SEC);
        spec.it_value.tv_nsec = (long)(first % USEC_PER_SEC * 1000) + (first == 0);
    }
    int flags = TFD_TIMER_ABSTIME | (q->clock == CLOCK_REALTIME ? TFD_TIMER_CANCEL_ON_SET : 0);
    if (timerfd_settime(q->timerfd, flags, &spec, NULL) < 0 && errno != ECANCELED)
        return false;
    q->set_to = first;
    return true;
}

/* How long the loop may sleep for the sake of its timers. */
static usec_t time_to_sleep(struct loop *loop) {
    usec_t sleep = USEC_INFINITY;
    for (struct timer *timer = loop->outside, *next; timer; timer = next) {
        next = timer->next_outside;
        sleep = MIN(sleep, usec_sub(timer->when, now(timer->clock)));
        timer_set(loop, timer, timer->when); /* perhaps there is room by now */
    }
    for (int i = 0; i < QUEUES; i++) {
        struct timer_queue *q = &loop->queues[i];
        if (q->clock != CLOCK_MONOTONIC && arm_timerfd(loop, q))
            continue;
        if (q->n > 0)
            sleep = MIN(sleep, usec_sub(q->heap[0]->when, now(q->clock)));
    }
    return sleep;
}

static void expire(struct timer *timer) {
    timer_stop(timer);
    timer->handler(timer, timer->userdata);
}

static void run_timers(struct loop *loop, struct timer_queue *q) {
    if (q->n == 0)
        return;
    usec_t t = now(q->clock);
    /* One that arms itself for the past waits for the next turn. */
    for (size_t left = q->n; left > 0 && q->n > 0 && q->heap[0]->when <= t; left--) {
        struct timer *timer = q->heap[0];
        expire(timer);
        if (loop_overdue(loop))
            break;
    }
}

static void run_outside(struct loop *loop) {
    for (struct timer *timer = loop->outside; timer;)
        if (timer->when <= now(timer->clock)) {
            expire(timer);
            timer = loop->outside; /* the handler may have changed the list */
        } else
            timer = timer->next_outside;
}

/* --- deferred work ------------------------------------------------------------------------------------- */

void deferred_queue(struct loop *loop, struct deferred *deferred) {
    if (deferred->queued)
        return;
    struct deferred **place = &loop->deferred;
    while (*place && (*place)->priority <= deferred->priority)
        place = &(*place)->next;
    deferred->next = *place;
    deferred->loop = loop;
    deferred->queued = true;
    *place = deferred;
}

static bool unlink_deferred(struct deferred **place, const struct deferred *deferred) {
    while (*place && *place != deferred)
        place = &(*place)->next;
    if (!*place)
        return false;
    *place = deferred->next;
    return true;
}

void deferred_cancel(struct deferred *deferred) {
    if (!deferred->queued)
        return;
    if (!unlink_deferred(&deferred->loop->deferred, deferred))
        (void)unlink_deferred(&deferred->loop->later, deferred);
    deferred->next = NULL;
    deferred->queued = false;
}

void deferred_queue_later(struct loop *loop, struct deferred *deferred) {
    if (deferred->queued)
        return;
    deferred->next = loop->later;
    deferred->loop = loop;
    deferred->queued = true;
    loop->later = deferred;
}

bool loop_overdue(const struct loop *loop) {
    return now(CLOCK_MONOTONIC) - loop->turn_began > TURN_TIME;
}

static void run_deferred(struct loop *loop) {
    bool timers_served = false;
    for (int left = DEFERRED_PER_TURN; left > 0 && loop->deferred && !loop->stopped; left--) {
        struct deferred *d = loop->deferred;
        if (d->priority >= DEFERRED_AFTER_TIMERS && !timers_served) {
            /* RestartSec=0: whoever waits for that unit waits for its restart as well. */
            timers_served = true;
            for (int i = 0; i < QUEUES; i++)
                run_timers(loop, &loop->queues[i]);
            continue;
        }
        deferred_cancel(d);
        d->handler(d->userdata);
    }
}

/* --- running ------------------------------------------------------------------------------------------- */

static int wait_events(struct loop *loop, struct epoll_event *events, usec_t sleep) {
    if (sleep != USEC_INFINITY)
        sleep = MIN(sleep, SLEEP_MAX);
    if (!loop->no_pwait2 && sleep != USEC_INFINITY && sleep != 0) {
        struct timespec ts = { .tv_sec = (time_t)(sleep / USEC_PER_SEC),
                               .tv_nsec = (long)(sleep % USEC_PER_SEC * 1000) };
        int n = epoll_pwait2(loop->epoll, events, EVENTS_PER_TURN, &ts, NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n;
        loop->no_pwait2 = true; /* before Linux 5.11, or a filter that does not know it */
    }
    return epoll_wait(loop->epoll, events, EVENTS_PER_TURN,
                      sleep == USEC_INFINITY ? -1 : (int)((sleep + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
}

/* Sleeps, and hands out what there is then. 0 or negative errno. */
static int serve_descriptors(struct loop *loop, usec_t sleep, bool first) {
    struct epoll_event events[EVENTS_PER_TURN];
    loop->grown = false;
    int n = wait_events(loop, events, sleep);
    if (n < 0 && errno != EINTR)
        return -errno;
    if (first)
        loop->turn_began = now(CLOCK_MONOTONIC);
    if (first && loop->woke)
        loop->woke(loop->woke_userdata);
    loop->dispatching = true;
    for (int i = 0; i < n && !loop->stopped; i++) {
        struct io *io = events[i].data.ptr;
        if (io->handler)
            io->handler(io, io->fd, events[i].events, io->userdata);
    }
    loop->dispatching = false;
    free_removed(loop);
    return 0;
}

int loop_turn(struct loop *loop, usec_t timeout) {
    while (loop->later) {
        struct deferred *d = loop->later;
        deferred_cancel(d);
        deferred_queue(loop, d);
    }
    int r = serve_descriptors(loop, loop->deferred ? 0 : MIN(timeout, time_to_sleep(loop)), true);
    /* A new client has asked already, and does not wait for another turn to be heard. */
    for (int looks = 1; r >= 0 && loop->grown && !loop->stopped && looks < LOOKS_PER_TURN; looks++)
        r = serve_descriptors(loop, 0, false);
    if (r < 0)
        return r;
    for (int i = 0; i < QUEUES && !loop->stopped; i++)
        run_timers(loop, &loop->queues[i]);
    if (!loop->stopped)
        run_outside(loop);
    if (!loop->stopped)
        run_deferred(loop);
    return 0;
}

void loop_on_clock_set(struct loop *loop, void (*handler)(void *userdata), void *userdata) {
    loop->clock_set = handler;
    loop->clock_set_userdata = userdata;
}

void loop_on_wake(struct loop *loop, void (*handler)(void *userdata), void *userdata) {
    loop->woke = handler;
    loop->woke_userdata = userdata;
}

int loop_run(struct loop *loop) {
    loop->stopped = false;
    while (!loop->stopped) {
        int r = loop_turn(loop, USEC_INFINITY);
        if (r < 0) {
            /* Nothing in our power; but PID 1 neither ends nor spins. */
            log_error("Waiting for events failed: %s", strerror(-r));
            nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
        }
    }
    return loop->result;
}

void loop_stop(struct loop *loop, int result) {
    loop->stopped = true;
    loop->result = result;
}
