/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: what is ready is handled once, what was removed is not handled at all, timers come in
 * order. */
#include "base/fd.h"
#include "engine/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct loop *loop;
static char order[64];

static int set_up(void **state) {
    memset(order, 0, sizeof(order));
    return loop_new(&loop);
}

static int tear_down(void **state) {
    loop_free(loop);
    return 0;
}

static void note(const char *what) {
    strncat(order, what, sizeof(order) - strlen(order) - 1);
}

static struct io *ios[2];

static void removes_the_other(struct io *io, int fd, uint32_t events, void *userdata) {
    note("x");
    ios[0] = io_remove(ios[0]);
    ios[1] = io_remove(ios[1]);
}

static void test_handler_may_remove_what_is_ready_too(void **state) {
    int pipes[2][2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        assert_int_equal(write(pipes[i][1], "a", 1), 1);
        assert_int_equal(io_add(loop, pipes[i][0], EPOLLIN, removes_the_other, NULL, &ios[i]), 0);
    }
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_string_equal(order, "x");
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_string_equal(order, "x");
    for (int i = 0; i < 4; i++)
        close(pipes[i / 2][i % 2]);
}

static void reads(struct io *io, int fd, uint32_t events, void *userdata) {
    char c[2] = "";
    if (read(fd, c, 1) == 1)
        note(c);
    if (events & EPOLLHUP)
        *(struct io **)userdata = io_remove(io);
}

static void test_descriptor_is_watched_for_what_was_asked(void **state) {
    int p[2];
    struct io *io;
    assert_int_equal(pipe(p), 0);
    assert_int_equal(io_add(loop, p[0], EPOLLIN, reads, &io, &io), 0);
    assert_int_equal(write(p[1], "ab", 2), 2);
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_int_equal(io_set_events(io, 0), 0);
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_string_equal(order, "a");
    assert_int_equal(io_set_events(io, EPOLLIN), 0);
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_string_equal(order, "ab");
    close(p[1]);
    assert_int_equal(loop_turn(loop, USEC_INFINITY), 0);
    assert_null(io);
    close(p[0]);
}

static void test_regular_file_cannot_be_watched(void **state) {
    FILE *f = tmpfile();
    struct io *io = NULL;
    assert_int_equal(io_add(loop, fileno(f), EPOLLIN, reads, NULL, &io), -EPERM);
    assert_null(io);
    fclose(f);
}

static void timer_notes(struct timer *timer, void *userdata) {
    note(userdata);
    assert_true(timer->when == USEC_INFINITY);
}

static void test_timers_expire_in_the_order_of_their_clock(void **state) {
    struct timer t[6];
    static const int delays[] = { 50, 10, 40, 20, 60, 30 };
    static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME,  CLOCK_REALTIME,
                                        CLOCK_REALTIME,  CLOCK_MONOTONIC, CLOCK_MONOTONIC };
    static char *names[] = { "5", "1", "4", "2", "6", "3" };
    for (int i = 0; i < 6; i++) {
        t[i] = (struct timer){ .clock = clocks[i], .handler = timer_notes, .userdata = names[i] };
        timer_set(loop, &t[i], usec_add(now(clocks[i]), delays[i] * USEC_PER_MSEC));
    }
    timer_stop(&t[4]);
    usec_t begin = now(CLOCK_MONOTONIC);
    while (strlen(order) < 5)
        assert_int_equal(loop_turn(loop, USEC_PER_SEC), 0);
    /* Each clock for itself: a turn that comes late finds timers of several clocks due. */
    assert_true(strchr(order, '3') < strchr(order, '5') && strchr(order, '2') < strchr(order, '4'));
    assert_non_null(strchr(order, '1'));
    usec_t took = now(CLOCK_MONOTONIC) - begin;
    assert_true(took >= 45 * USEC_PER_MSEC && took < USEC_PER_SEC);
}

static usec_t latest;

static void timer_is_not_early(struct timer *timer, void *userdata) {
    usec_t due = *(usec_t *)userdata;
    assert_true(due >= latest);
    latest = due;
}

static void test_many_timers_moved_and_stopped_keep_their_order(void **state) {
    enum { N = 500 };
    static struct timer t[N];
    static usec_t due[N];
    memset(t, 0, sizeof(t));
    usec_t base = now(CLOCK_MONOTONIC) - 10 * USEC_PER_SEC;
    latest = 0;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < N; i++) {
            due[i] = base + (i * 7919u + round * 104729u) % 1000;
            t[i].handler = timer_is_not_early;
            t[i].userdata = &due[i];
            timer_set(loop, &t[i], due[i]);
        }
    for (unsigned i = 0; i < N; i += 3)
        timer_stop(&t[i]);
    assert_int_equal(loop_turn(loop, USEC_INFINITY), 0);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(t[i].place, 0);
    assert_true(latest > base);
}

static void rearms(struct timer *timer, void *userdata) {
    note("r");
    timer_set(loop, timer, 1);
}
static void test_timer_that_rearms_for_the_past_does_not_hold_the_turn(void **state) {
    struct timer t = { .handler = rearms, .clock = CLOCK_MONOTONIC };
    timer_set(loop, &t, 1);
    assert_int_equal(loop_turn(loop, USEC_INFINITY), 0);
    assert_string_equal(order, "r");
    assert_int_equal(loop_turn(loop, USEC_INFINITY), 0);
    assert_string_equal(order, "rr");
    timer_stop(&t);
    assert_int_equal(t.place, 0);
}

static void deferred_notes(void *userdata) {
    note(userdata);
}

static void test_deferred_work_runs_by_priority_then_age(void **state) {
    struct deferred d[4] = {
        { .handler = deferred_notes, .userdata = "c", .priority = 5 },
        { .handler = deferred_notes, .userdata = "a", .priority = -1 },
        { .handler = deferred_notes, .userdata = "d", .priority = 5 },
        { .handler = deferred_notes, .userdata = "b", .priority = 0 },
    };
    for (int i = 0; i < 4; i++)
        deferred_queue(loop, &d[i]);
    deferred_queue(loop, &d[0]); /* queued already: once is enough */
    deferred_cancel(&d[3]);
    deferred_queue(loop, &d[3]);
    loop_turn(loop, 0);
    assert_string_equal(order, "abcd");
}

static struct deferred forever;
static void queues_itself(void *userdata) {
    deferred_queue(loop, &forever);
}
static void test_work_that_queues_itself_does_not_starve_descriptors(void **state) {
    int p[2];
    struct io *io;
    assert_int_equal(pipe(p), 0);
    assert_int_equal(io_add(loop, p[0], EPOLLIN, reads, &io, &io), 0);
    assert_int_equal(write(p[1], "z", 1), 1);
    forever = (struct deferred){ .handler = queues_itself };
    deferred_queue(loop, &forever);
    loop_turn(loop, USEC_INFINITY);
    assert_string_equal(order, "z");
    deferred_cancel(&forever);
    io_remove(io);
    close(p[0]);
    close(p[1]);
}

static void wakes(void *userdata) {
    note("w");
}
static void test_waking_comes_before_all_else_of_the_turn(void **state) {
    struct deferred d = { .handler = deferred_notes, .userdata = "d" };
    int p[2];
    struct io *io;
    assert_int_equal(pipe(p), 0);
    assert_int_equal(io_add(loop, p[0], EPOLLIN, reads, &io, &io), 0);
    assert_int_equal(write(p[1], "z", 1), 1);
    deferred_queue(loop, &d); /* left by the turn before */
    loop_on_wake(loop, wakes, NULL);
    loop_turn(loop, 0);
    loop_turn(loop, 0);
    assert_string_equal(order, "wzdw");
    loop_on_wake(loop, NULL, NULL);
    loop_turn(loop, 0);
    assert_string_equal(order, "wzdw");
    io_remove(io);
    close(p[0]);
    close(p[1]);
}

/* Work that was interrupted goes on in the next turn, after descriptors had theirs; what is queued meanwhile is not
 * queued twice, and what is cancelled does not run. */
static struct deferred interrupted;
static void leaves_the_rest(void *userdata) {
    note("i");
    deferred_queue_later(loop, &interrupted);
    deferred_queue(loop, &interrupted);
}

static void test_interrupted_work_lets_descriptors_have_their_turn(void **state) {
    int p[2];
    struct io *io;
    assert_int_equal(pipe(p), 0);
    assert_int_equal(io_add(loop, p[0], EPOLLIN, reads, &io, &io), 0);
    interrupted = (struct deferred){ .handler = leaves_the_rest };
    deferred_queue(loop, &interrupted);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(write(p[1], "r", 1), 1);
        assert_int_equal(loop_turn(loop, USEC_INFINITY), 0); /* does not sleep: there is work */
    }
    assert_string_equal(order, "riri");
    deferred_cancel(&interrupted);
    loop_turn(loop, 0);
    assert_string_equal(order, "riri");
    io_remove(io);
    close(p[0]);
    close(p[1]);
}

/* As a client that connects and asks in one go is served: it is not told to wait for the work of a turn in between. */
static struct io *guest;
static int guests[2];
static void admits(struct io *io, int fd, uint32_t events, void *userdata) {
    reads(io, fd, events, userdata);
    assert_int_equal(io_add(loop, guests[0], EPOLLIN, reads, &guest, &guest), 0);
}

static void test_a_new_descriptor_is_served_in_the_same_turn(void **state) {
    int p[2];
    struct io *io;
    struct deferred d = { .handler = deferred_notes, .userdata = "d" };
    assert_int_equal(pipe(p), 0);
    assert_int_equal(pipe(guests), 0);
    assert_int_equal(io_add(loop, p[0], EPOLLIN, admits, &io, &io), 0);
    assert_int_equal(write(p[1], "p", 1), 1);
    assert_int_equal(write(guests[1], "g", 1), 1);
    deferred_queue(loop, &d);
    loop_turn(loop, 0);
    assert_string_equal(order, "pgd");
    io_remove(io);
    io_remove(guest);
    for (int i = 0; i < 2; i++) {
        close(p[i]);
        close(guests[i]);
    }
}

static void stops(struct timer *timer, void *userdata) {
    loop_stop(loop, 7);
}
static void test_run_ends_with_what_stop_was_given(void **state) {
    struct timer t = { .handler = stops, .clock = CLOCK_MONOTONIC };
    timer_set(loop, &t, now(CLOCK_MONOTONIC) + 1500);
    assert_int_equal(loop_run(loop), 7);
    timer_set(loop, &t, now(CLOCK_MONOTONIC));
    assert_int_equal(loop_run(loop), 7);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_handler_may_remove_what_is_ready_too),
        TEST(test_descriptor_is_watched_for_what_was_asked),
        TEST(test_regular_file_cannot_be_watched),
        TEST(test_timers_expire_in_the_order_of_their_clock),
        TEST(test_many_timers_moved_and_stopped_keep_their_order),
        TEST(test_timer_that_rearms_for_the_past_does_not_hold_the_turn),
        TEST(test_deferred_work_runs_by_priority_then_age),
        TEST(test_work_that_queues_itself_does_not_starve_descriptors),
        TEST(test_interrupted_work_lets_descriptors_have_their_turn),
        TEST(test_waking_comes_before_all_else_of_the_turn),
        TEST(test_a_new_descriptor_is_served_in_the_same_turn),
        TEST(test_run_ends_with_what_stop_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
