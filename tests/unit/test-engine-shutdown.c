/* SPDX-License-Identifier: Apache-2.0 */
/* The end comes, whatever stands in its way. */
#include "engine-test.h"
#include "engine/shutdown.h"

#define STUBBORN                                                                                             \
    "[Service]\nType=notify\nNotifyAccess=all\nTimeoutStartSec=infinity\nTimeoutStopSec=infinity\n"          \
    "ExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'\n"

static void mask(const char *name) {
    char path[128];
    snprintf(path, sizeof(path), "%s/units/%s", directory, name);
    assert_int_equal(symlink("/dev/null", path), 0);
}

#define ENDED (m->objective == OBJECTIVE_EXIT)

static void ends_in_order(void **state) {
    char a[512], b[512];
    snprintf(a, sizeof(a),
             "Conflicts=shutdown.target\nBefore=shutdown.target\nAfter=b.service\n" SLEEPER "%s",
             say("ExecStop", "a"));
    snprintf(b, sizeof(b), "Conflicts=shutdown.target\nBefore=shutdown.target\n" SLEEPER "%s",
             say("ExecStop", "b"));
    unit_text("a.service", a);
    unit_text("b.service", b);
    start("a.service");
    start("b.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVE && state_of("b.service") == ACTIVE_ACTIVE);
    m->exit_code = 3;
    manager_stop_requested(m, "exit.target");
    UNTIL(ENDED);
    assert_string_equal(trace(), "a b ");
    assert_int_equal(m->exit_code, 3);
}

/* One job is enough to wait for: no slice stops with the service. */
static void a_masked_target_ends_it_too(void **state) {
    char a[512];
    snprintf(a, sizeof(a), SLEEPER "Slice=-.slice\nExecStop=/bin/sleep 0.3\n%s", say("ExecStop", "a"));
    unit_text("a.service", a);
    mask("reboot.target");
    start("a.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVE);
    manager_stop_requested(m, "reboot.target");
    UNTIL(ENDED);
    assert_string_equal(trace(), "a ");
    assert_int_equal(m->exit_code, EXIT_CODE_REBOOT);
}

static void nothing_to_stop(void **state) {
    mask("exit.target");
    get("a.target");
    manager_stop_requested(m, "exit.target");
    UNTIL(ENDED);
}

static void cancelled_jobs_do_not_put_it_off(void **state) {
    unit_text("a.service", "Conflicts=shutdown.target\nBefore=shutdown.target\n" STUBBORN);
    start("a.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVATING);
    settle(200 * USEC_PER_MSEC);
    manager_stop_requested(m, "exit.target");
    UNTIL(state_of("a.service") == ACTIVE_DEACTIVATING);
    while (m->jobs)
        job_cancel(m->jobs);
    UNTIL(ENDED);
}

/* Every stage of a stop that hangs is killed by a signal of its own. */
static void told_again_it_does_not_wait(void **state) {
    unit_text("a.service", "Conflicts=shutdown.target\nBefore=shutdown.target\n" STUBBORN
                           "ExecStopPost=/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'\n");
    start("a.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVATING);
    settle(200 * USEC_PER_MSEC);
    manager_stop_requested(m, "exit.target");
    UNTIL(strcmp(sub_state_of("a.service"), "stop-sigterm") == 0);
    settle(200 * USEC_PER_MSEC);
    manager_stop_requested(m, "exit.target");
    UNTIL(strcmp(sub_state_of("a.service"), "stop-post") == 0);
    settle(200 * USEC_PER_MSEC);
    manager_stop_requested(m, "exit.target");
    UNTIL(ENDED);
}

/* Not PID 1: what our units left is taken along, others' processes are not. */
static void only_our_own_are_killed(void **state) {
    pid_t other = fork();
    if (other == 0) {
        pause();
        _exit(0);
    }
    unit_text("a.service",
              "[Service]\nKillMode=process\nExecStart=/bin/sh -c 'sleep 1000 & exec sleep 1000'\n");
    start("a.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVE);
    settle(200 * USEC_PER_MSEC);
    uint64_t tag = get("a.service")->lineage;
    manager_exit(m, 0);
    assert_false(m->pid1);
    manager_finish(m);
    lineage_scan_stale(m->lineage);
    assert_false(lineage_alive(m->lineage, tag));
    assert_int_equal(kill(other, SIGKILL), 0);
}

/* REEVE_STOP_TIMEOUT: the second signal comes by itself. */
static void its_time_is_limited(void **state) {
    assert_int_equal(strv_add(&m->own_environment, "REEVE_STOP_TIMEOUT=500ms"), 0);
    unit_text("a.service", "Conflicts=shutdown.target\nBefore=shutdown.target\n" STUBBORN
                           "ExecStopPost=/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'\n");
    start("a.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVATING);
    settle(200 * USEC_PER_MSEC);
    manager_stop_requested(m, "exit.target");
    UNTIL(ENDED);
}

static void survivors_are_left_alone(void **state) {
    unit_text("a.service", "SurviveFinalKillSignal=yes\n" SLEEPER);
    unit_text("b.service", SLEEPER);
    start("a.service");
    start("b.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVE && state_of("b.service") == ACTIVE_ACTIVE);
    uint64_t a = get("a.service")->lineage, b = get("b.service")->lineage;
    manager_exit(m, 0);
    manager_finish(m);
    lineage_scan_stale(m->lineage);
    assert_true(lineage_alive(m->lineage, a));
    assert_false(lineage_alive(m->lineage, b));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(ends_in_order),
        TEST(a_masked_target_ends_it_too),
        TEST(nothing_to_stop),
        TEST(cancelled_jobs_do_not_put_it_off),
        TEST(told_again_it_does_not_wait),
        TEST(only_our_own_are_killed),
        TEST(its_time_is_limited),
        TEST(survivors_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
