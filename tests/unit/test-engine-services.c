/* SPDX-License-Identifier: Apache-2.0 */
/* The life of services: sequences of commands, results, restarts, limits, time-outs, readiness. */
#include "engine-test.h"

static const char *result_of(const char *name) {
    return service_result_to_string(service(name)->result);
}

static void oneshot_runs_all_in_order(void **state) {
    char text[1024];
    snprintf(text, sizeof(text), "[Service]\nType=oneshot\n%s%s%s%s%s%s", say("ExecCondition", "c"),
             say("ExecStartPre", "p"), say("ExecStart", "1"), say("ExecStart", "2"),
             say("ExecStartPost", "o"), say("ExecStopPost", "z"));
    unit_text("a.service", text);
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_INACTIVE);
    assert_string_equal(trace(), "c p 1 2 o z ");
}

static void a_failed_command_ends_the_sequence(void **state) {
    char text[1024];
    snprintf(text, sizeof(text),
             "[Service]\nType=oneshot\nExecStartPre=-/bin/false\nExecStart=/bin/sh -c 'exit 7'\n%s%s%s",
             say("ExecStart", "never"), say("ExecStop", "never"),
             say("ExecStopPost", "$SERVICE_RESULT:$EXIT_CODE:$EXIT_STATUS"));
    unit_text("a.service", text);
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_FAILED);
    assert_string_equal(trace(), "exit-code:exited:7 ");
    assert_string_equal(result_of("a.service"), "exit-code");
    assert_int_equal(m->n_failed, 1);
    manager_reset_failed(m);
    UNTIL(m->n_failed == 0);
}

static void a_condition_that_says_no_is_no_failure(void **state) {
    unit_text("a.service",
              "[Service]\nRestart=always\nExecCondition=/bin/false\nExecStart=/bin/sleep 1000\n");
    get("a.service")->references++;
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_INACTIVE);
    assert_string_equal(result_of("a.service"), "exec-condition");
}

static void results(void **state) {
    static const struct {
        const char *command, *result;
        enum active_state state;
    } cases[] = {
        { "/bin/true", "success", ACTIVE_INACTIVE },
        { "/bin/false", "exit-code", ACTIVE_FAILED },
        { "/bin/sh -c 'kill -TERM $$$$'", "success", ACTIVE_INACTIVE },
        { "/bin/sh -c 'kill -KILL $$$$'", "signal", ACTIVE_FAILED },
        { "/nonexistent", "exit-code", ACTIVE_FAILED },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char name[32], text[256];
        snprintf(name, sizeof(name), "r%zu.service", i);
        snprintf(text, sizeof(text), "[Service]\nExecStart=%s\n", cases[i].command);
        unit_text(name, text);
    }
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char name[32];
        snprintf(name, sizeof(name), "r%zu.service", i);
        struct unit *u = get(name);
        u->references++;
        start(name);
        UNTIL(m->n_installed_jobs == 0 && inactive_or_failed(state_of(name)));
        assert_int_equal(state_of(name), cases[i].state);
        assert_string_equal(result_of(name), cases[i].result);
    }
}

static void restarts_until_the_limit(void **state) {
    unit_text("a.service",
              "StartLimitBurst=3\nOnFailure=f.target\n[Service]\nRestart=on-failure\nRestartSec=10ms\n"
              "ExecStart=/bin/false\n");
    unit_text("f.target", "");
    start("a.service");
    UNTIL(state_of("a.service") == ACTIVE_FAILED && get("a.service")->start_limit_hit);
    /* The result is that of the last run: systemd keeps the first failure, too. */
    assert_string_equal(result_of("a.service"), "exit-code");
    assert_int_equal(service("a.service")->n_restarts, 3);
    UNTIL(state_of("f.target") == ACTIVE_ACTIVE);
}

/* OnFailure= and FailureAction= are for the end, not for every restart. */
static void consequences_wait_for_the_last_restart(void **state) {
    char text[512];
    snprintf(text, sizeof(text),
             "OnFailure=f.service\nOnSuccess=f.service\nFailureAction=exit-force\nSuccessAction=exit-force\n"
             "[Service]\nRestart=on-failure\nRestartSec=100ms\n"
             "ExecStart=/bin/sh -c 'test -e %s/second || { touch %s/second; exit 1; }; exec sleep 1000'\n",
             directory, directory);
    unit_text("a.service", text);
    snprintf(text, sizeof(text), "[Service]\nType=oneshot\n%s", say("ExecStart", "f"));
    unit_text("f.service", text);
    start("a.service");
    UNTIL(service("a.service")->n_restarts == 1 && state_of("a.service") == ACTIVE_ACTIVE);
    settle(100 * USEC_PER_MSEC);
    assert_string_equal(trace(), "");
    assert_int_equal(m->objective, OBJECTIVE_RUN);
}

static void a_stop_ends_the_wait_for_a_restart(void **state) {
    unit_text("a.service", "[Service]\nRestart=always\nRestartSec=100s\nExecStart=/bin/false\n");
    get("a.service")->references++;
    start("a.service");
    UNTIL(strcmp(sub_state_of("a.service"), "auto-restart") == 0);
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.service"), ACTIVE_INACTIVE);
    assert_string_equal(sub_state_of("a.service"), "dead");
}

static void restart_tables(void **state) {
    static const struct {
        const char *restart, *command;
        bool again;
    } cases[] = {
        { "no", "/bin/false", false },
        { "on-success", "/bin/true", true },
        { "on-success", "/bin/false", false },
        { "on-failure", "/bin/true", false },
        { "on-failure", "/bin/false", true },
        { "on-abnormal", "/bin/false", false },
        { "on-abnormal", "/bin/sh -c 'kill -9 $$$$'", true },
        { "on-abort", "/bin/sh -c 'kill -9 $$$$'", true },
        { "on-abort", "/bin/false", false },
        { "always", "/bin/true", true },
        { "on-failure\nRestartPreventExitStatus=1", "/bin/false", false },
        { "no\nRestartForceExitStatus=1", "/bin/false", true },
        { "on-failure\nSuccessExitStatus=1", "/bin/false", false },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char name[32], text[256];
        snprintf(name, sizeof(name), "t%zu.service", i);
        snprintf(text, sizeof(text), "[Service]\nRestartSec=100s\nRestart=%s\nExecStart=%s\n",
                 cases[i].restart, cases[i].command);
        unit_text(name, text);
    }
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char name[32];
        snprintf(name, sizeof(name), "t%zu.service", i);
        get(name)->references++;
        start(name);
        UNTIL(m->n_installed_jobs == 0 && state_of(name) != ACTIVE_ACTIVE);
        if ((strcmp(sub_state_of(name), "auto-restart") == 0) != cases[i].again)
            fail_msg("Restart=%s after %s: %s", cases[i].restart, cases[i].command, sub_state_of(name));
    }
}

static void stop_sequence(void **state) {
    char text[1024];
    snprintf(text, sizeof(text),
             "[Service]\nExecStart=/bin/sh -c 'trap \"echo term >> %s/trace; exit 0\" TERM; "
             "touch %s/ready; while :; do sleep 0.05; done'\n%s%s%s",
             directory, directory, say("ExecStop", "s1"), say("ExecStop", "s2"), say("ExecStopPost", "z"));
    unit_text("a.service", text);
    start("a.service");
    char ready[128];
    snprintf(ready, sizeof(ready), "%s/ready", directory);
    UNTIL(access(ready, F_OK) == 0);
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.service"), ACTIVE_INACTIVE);
    assert_string_equal(trace(), "s1 s2 term z ");
}

/* Killed on the way up: the rest of the list is not begun. */
static void stopping_during_start_pre_runs_no_more_of_it(void **state) {
    char text[1024];
    snprintf(text, sizeof(text), "[Service]\nExecStartPre=/bin/sleep 1000\n%s%sExecStart=/bin/sleep 1000\n%s",
             say("ExecStartPre", "never"), say("ExecStop", "never"), say("ExecStopPost", "z"));
    unit_text("a.service", text);
    start("a.service");
    UNTIL(strcmp(sub_state_of("a.service"), "start-pre") == 0);
    settle(50 * USEC_PER_MSEC);
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_string_equal(trace(), "z ");
    /* A command, other than a daemon, has not done what it is for when SIGTERM ends it. */
    assert_int_equal(state_of("a.service"), ACTIVE_FAILED);
    assert_string_equal(result_of("a.service"), "signal");
}

static void start_times_out(void **state) {
    unit_text("a.service", "[Service]\nType=notify\nTimeoutStartSec=100ms\nExecStart=/bin/sleep 1000\n");
    start("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.service"), ACTIVE_FAILED);
    assert_string_equal(result_of("a.service"), "timeout");
}

static void a_stop_that_hangs_is_killed(void **state) {
    char text[512], ready[128];
    snprintf(text, sizeof(text),
             "[Service]\nTimeoutStopSec=200ms\nExecStart=/bin/sh -c 'trap \"\" TERM; touch %s/ready; "
             "while :; do sleep 0.05; done'\n",
             directory);
    unit_text("a.service", text);
    start("a.service");
    snprintf(ready, sizeof(ready), "%s/ready", directory);
    UNTIL(access(ready, F_OK) == 0);
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.service"), ACTIVE_FAILED);
    assert_string_equal(result_of("a.service"), "timeout");
}

static void forking_finds_its_main_process(void **state) {
    char text[512];
    snprintf(text, sizeof(text),
             "[Service]\nType=forking\nPIDFile=%s/pid\nExecStart=/bin/sh -c "
             "'(sleep 1000 & echo $! > %s/pid) &'\n",
             directory, directory);
    unit_text("a.service", text);
    unit_text("b.service", "[Service]\nType=forking\nExecStart=/bin/sh -c 'sleep 1000 &'\n");
    start("a.service");
    start("b.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVE && state_of("b.service") == ACTIVE_ACTIVE);
    assert_true(unit_main_pid(get("a.service")) > 0);
    assert_true(unit_main_pid(get("b.service")) > 0);
    kill(unit_main_pid(get("a.service")), SIGKILL);
    kill(unit_main_pid(get("b.service")), SIGTERM);
    UNTIL(state_of("a.service") == ACTIVE_FAILED && state_of("b.service") == ACTIVE_INACTIVE);
}

static void exec_type_knows_success(void **state) {
    unit_text("a.service", "[Service]\nType=exec\nExecStart=/bin/sleep 1000\n");
    unit_text("b.service", "[Service]\nType=exec\nExecStart=/nonexistent\n");
    start("a.service");
    start("b.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.service"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("b.service"), ACTIVE_FAILED);
    assert_string_equal(result_of("b.service"), "exit-code");
}

static void remains_after_exit(void **state) {
    unit_text("a.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n");
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    assert_string_equal(sub_state_of("a.service"), "exited");
    start("a.service");
    UNTIL(m->n_installed_jobs == 0);
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0 && state_of("a.service") == ACTIVE_INACTIVE);
}

static void runtime_max(void **state) {
    unit_text("a.service", "[Service]\nRuntimeMaxSec=100ms\nExecStart=/bin/sleep 1000\n");
    start("a.service");
    UNTIL(state_of("a.service") == ACTIVE_FAILED);
    assert_string_equal(result_of("a.service"), "timeout");
}

static void exit_codes_reach_the_container(void **state) {
    unit_text(
        "a.service",
        "SuccessAction=exit-force\nFailureAction=exit-force\n[Service]\nExecStart=/bin/sh -c 'exit 5'\n");
    start("a.service");
    UNTIL(m->objective == OBJECTIVE_EXIT);
    assert_int_equal(m->exit_code, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(oneshot_runs_all_in_order),
        TEST(a_failed_command_ends_the_sequence),
        TEST(a_condition_that_says_no_is_no_failure),
        TEST(results),
        TEST(restarts_until_the_limit),
        TEST(consequences_wait_for_the_last_restart),
        TEST(a_stop_ends_the_wait_for_a_restart),
        TEST(restart_tables),
        TEST(stop_sequence),
        TEST(stopping_during_start_pre_runs_no_more_of_it),
        TEST(start_times_out),
        TEST(a_stop_that_hangs_is_killed),
        TEST(forking_finds_its_main_process),
        TEST(exec_type_knows_success),
        TEST(remains_after_exit),
        TEST(runtime_max),
        TEST(exit_codes_reach_the_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
