/* SPDX-License-Identifier: Apache-2.0 */
/* Timers and paths: what they reckon and remember, where a container shows only what follows. */
#include "engine-test.h"
#include "engine/path.h"
#include "engine/timer.h"

#include <fcntl.h>

#define HOUR (3600 * USEC_PER_SEC)

static struct timer_unit *timer(const char *name) {
    return TIMER(get(name));
}

static void touch(const char *name) {
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    close(fd);
}

static void path_text(const char *name, const char *kind, const char *file, const char *more) {
    char text[512];
    snprintf(text, sizeof(text), "[Path]\n%s=%s/%s\n%s", kind, directory, file, more);
    unit_text(name, text);
}

/* --- timers ------------------------------------------------------------------------------------------------------- */
static void every_base_counts_from_its_own_moment(void **state) {
    unit_text("work.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
    unit_text("t.timer",
              "[Timer]\nUnit=work.service\nOnActiveSec=1h\nOnBootSec=2h\nOnStartupSec=3h\nOnUnitActiveSec=30min\n"
              "OnUnitInactiveSec=40min\n");
    m->userspace_time = dual_now();
    start("t.timer");
    UNTIL_STATE("t.timer", ACTIVE_ACTIVE);
    const struct timer_point *points = timer("t.timer")->points;
    assert_int_equal(points[1].next, m->userspace_time.monotonic + 2 * HOUR);
    assert_int_equal(points[2].next, m->userspace_time.monotonic + 3 * HOUR);
    assert_int_equal(points[3].next, 0); /* it never was active */
    assert_int_equal(points[4].next, 0);
    assert_int_equal(timer("t.timer")->next_monotonic, points[0].next);
    start("work.service");
    UNTIL(timer("t.timer")->points[4].next > 0 && m->n_installed_jobs == 0);
    assert_int_equal(timer("t.timer")->points[3].next, get("work.service")->inactive_exit.monotonic + HOUR / 2);
    assert_int_equal(timer("t.timer")->points[4].next, get("work.service")->inactive_enter.monotonic + HOUR * 2 / 3);
    assert_int_equal(timer("t.timer")->next_monotonic, timer("t.timer")->points[3].next);
}

static void a_random_delay_may_be_always_the_same(void **state) {
    unit_text("work.service", SLEEPER);
    unit_text("a.timer",
              "[Timer]\nUnit=work.service\nOnCalendar=yearly\nRandomizedDelaySec=30d\nFixedRandomDelay=yes\n");
    unit_text("b.timer",
              "[Timer]\nUnit=work.service\nOnCalendar=yearly\nRandomizedDelaySec=30d\nFixedRandomDelay=yes\n");
    start("a.timer");
    start("b.timer");
    UNTIL(state_of("a.timer") == ACTIVE_ACTIVE && state_of("b.timer") == ACTIVE_ACTIVE);
    usec_t first = timer("a.timer")->next_realtime, planned = timer("a.timer")->points[0].next;
    assert_true(first >= planned && first < planned + 30 * 24 * HOUR);
    assert_int_not_equal(first, timer("b.timer")->next_realtime);
    stop("a.timer");
    UNTIL_STATE("a.timer", ACTIVE_INACTIVE);
    start("a.timer");
    UNTIL_STATE("a.timer", ACTIVE_ACTIVE);
    assert_int_equal(timer("a.timer")->next_realtime, first);
}

/* It ran "tomorrow": without care it would not run again until the clock is there once more. */
static void a_clock_set_back_does_not_hold_a_timer_up(void **state) {
    unit_text("work.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
    unit_text("t.timer", "[Timer]\nUnit=work.service\nOnCalendar=*-*-* *:00:00\n");
    unit_text("c.timer", "[Timer]\nUnit=c.service\nOnClockChange=yes\n");
    unit_text("c.service", SLEEPER);
    start("t.timer");
    start("c.timer");
    UNTIL(state_of("t.timer") == ACTIVE_ACTIVE && state_of("c.timer") == ACTIVE_ACTIVE);
    usec_t right = timer("t.timer")->next_realtime;
    assert_true(right > now(CLOCK_REALTIME) && right <= now(CLOCK_REALTIME) + HOUR);
    timer("t.timer")->last_trigger = (struct dual_time){ now(CLOCK_REALTIME) + 24 * HOUR, now(CLOCK_MONOTONIC) };
    timers_clock_set(m);
    assert_true(timer("t.timer")->next_realtime <= now(CLOCK_REALTIME) + HOUR);
    UNTIL_STATE("c.service", ACTIVE_ACTIVE);
}

static void what_was_missed_is_made_up_for(void **state) {
    char stamp[256];
    unit_text("work.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n");
    unit_text("t.timer", "[Timer]\nUnit=work.service\nOnCalendar=yearly\nPersistent=yes\n");
    start("t.timer");
    UNTIL_STATE("t.timer", ACTIVE_ACTIVE);
    assert_string_equal(sub_state_of("t.timer"), "waiting"); /* never ran: nothing was missed */
    assert_int_equal(timer_clean(get("t.timer")), 0);
    stop("t.timer");
    UNTIL_STATE("t.timer", ACTIVE_INACTIVE);
    snprintf(stamp, sizeof(stamp), "%s/systemd/timers/stamp-t.timer", directory);
    write_text("systemd/timers/stamp-t.timer", "");
    struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
    assert_int_equal(utimensat(AT_FDCWD, stamp, old, 0), 0);
    start("t.timer");
    UNTIL_STATE("work.service", ACTIVE_ACTIVE);
    struct stat st;
    assert_int_equal(stat(stamp, &st), 0);
    assert_true(st.st_mtim.tv_sec > 1000000000);
    /* A time still to come is nobody's last run. */
    struct timespec later[2] = { { .tv_sec = 4000000000 }, { .tv_sec = 4000000000 } };
    assert_int_equal(utimensat(AT_FDCWD, stamp, later, 0), 0);
    stop("t.timer");
    UNTIL_STATE("t.timer", ACTIVE_INACTIVE);
    start("t.timer");
    UNTIL_STATE("t.timer", ACTIVE_ACTIVE);
    assert_int_equal(timer("t.timer")->last_trigger.realtime, 0);
}

static void a_reload_leaves_timers_as_they_were(void **state) {
    unit_text("work.service", SLEEPER);
    unit_text("waiting.timer", "[Timer]\nUnit=work.service\nOnActiveSec=1h\n");
    unit_text("running.timer", "[Timer]\nUnit=work.service\nOnActiveSec=1ms\n");
    start("waiting.timer");
    start("running.timer");
    UNTIL(strcmp(sub_state_of("running.timer"), "running") == 0 && m->n_installed_jobs == 0);
    usec_t next = timer("waiting.timer")->next_monotonic;
    struct dual_time last = timer("running.timer")->last_trigger;
    char *const *told = get("work.service")->activation;
    assert_string_equal(told[0], "TRIGGER_UNIT=running.timer");
    reload();
    assert_string_equal(sub_state_of("waiting.timer"), "waiting");
    assert_int_equal(timer("waiting.timer")->next_monotonic, next);
    assert_string_equal(sub_state_of("running.timer"), "running");
    assert_int_equal(timer("running.timer")->last_trigger.monotonic, last.monotonic);
    assert_string_equal(get("work.service")->activation[0], "TRIGGER_UNIT=running.timer");
    stop("work.service");
    UNTIL(strcmp(sub_state_of("running.timer"), "elapsed") == 0);
}

/* --- paths -------------------------------------------------------------------------------------------------------- */
static void a_change_during_a_reload_is_seen(void **state) {
    unit_text("work.service", SLEEPER);
    path_text("p.path", "PathChanged", "file", "Unit=work.service\n");
    touch("file");
    start("p.path");
    UNTIL_STATE("p.path", ACTIVE_ACTIVE);
    assert_string_equal(sub_state_of("p.path"), "waiting");
    reload();
    assert_string_equal(sub_state_of("p.path"), "waiting"); /* it was there before */
    assert_int_equal(manager_reload(m, NULL, NULL), 0);
    char path[128];
    snprintf(path, sizeof(path), "%s/file", directory);
    unlink(path);
    UNTIL_STATE("work.service", ACTIVE_ACTIVE);
}

static void directories_come_and_go(void **state) {
    char a[128], b[128];
    unit_text("work.service", SLEEPER);
    path_text("p.path", "PathExists", "a/b/c", "Unit=work.service\n");
    start("p.path");
    UNTIL_STATE("p.path", ACTIVE_ACTIVE);
    touch("other");
    write_text("a/x", "");
    write_text("a/b/x", "");
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(state_of("work.service"), ACTIVE_INACTIVE);
    snprintf(a, sizeof(a), "%s/a/b", directory);
    snprintf(b, sizeof(b), "%s/a/d", directory);
    assert_int_equal(rename(a, b), 0);
    write_text("a/d/c", "");
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(state_of("work.service"), ACTIVE_INACTIVE);
    assert_int_equal(rename(b, a), 0);
    UNTIL_STATE("work.service", ACTIVE_ACTIVE);
    assert_string_equal(sub_state_of("p.path"), "running");
    assert_int_equal(PATH(get("p.path"))->watches[0].fd, -1);
}

static void a_path_that_always_holds_meets_its_limit(void **state) {
    unit_text("work.service", "StartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=/bin/true\n");
    path_text("p.path", "PathExists", "", "Unit=work.service\nTriggerLimitBurst=3\nTriggerLimitIntervalSec=1h\n");
    start("p.path");
    UNTIL(state_of("p.path") == ACTIVE_FAILED);
    assert_int_equal(PATH(get("p.path"))->result, PATH_FAILURE_TRIGGER_LIMIT_HIT);
    unit_reset_failed(get("p.path"));
    assert_int_equal(state_of("p.path"), ACTIVE_INACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_base_counts_from_its_own_moment),
        TEST(a_random_delay_may_be_always_the_same),
        TEST(a_clock_set_back_does_not_hold_a_timer_up),
        TEST(what_was_missed_is_made_up_for),
        TEST(a_reload_leaves_timers_as_they_were),
        TEST(a_change_during_a_reload_is_seen),
        TEST(directories_come_and_go),
        TEST(a_path_that_always_holds_meets_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
