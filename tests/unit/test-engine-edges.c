/* SPDX-License-Identifier: Apache-2.0 */
/* Where one condition decides: limits met exactly, edges of one kind, the exception to a rule. */
#include "engine-test.h"
#include "engine/socket_private.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

static enum job_result last_result;

static void note_result(void *userdata, struct job *j, enum job_result result) {
    last_result = result;
}

static const char *result_of(const char *name) {
    return service_result_to_string(service(name)->result);
}

static bool exists(const char *name) {
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */
static void a_start_and_a_restart_are_a_restart(void **state) {
    unit_text("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    unit_text("a.service", "Wants=slow.service\nAfter=slow.service\n" SLEEPER);
    start("a.service");
    assert_int_equal(ask(JOB_RESTART, "a.service", JOB_REPLACE), 0);
    assert_int_equal(get("a.service")->job->type, JOB_RESTART);
}

static void what_comes_up_is_waited_for(void **state) {
    unit_text("a.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    unit_text("t.target", "Requires=a.service\nAfter=a.service\n");
    start("a.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVATING);
    job_cancel(get("a.service")->job);
    assert_int_equal(state_of("a.service"), ACTIVE_ACTIVATING);
    start("t.target");
    assert_non_null(get("a.service")->job);
}

static void a_cancelled_stop_fails_what_conflicts(void **state) {
    unit_text("a.service", SLEEPER "ExecStop=/bin/sleep 1000\n");
    unit_text("b.target", "Conflicts=a.service\nAfter=a.service\n");
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    start("b.target");
    UNTIL(state_of("a.service") == ACTIVE_DEACTIVATING);
    job_cancel(get("a.service")->job);
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("b.target"), ACTIVE_INACTIVE);
}

/* The service behind a socket goes after those that are ordered after the socket. */
static void users_of_a_socket_stop_first(void **state) {
    char socket[256], used[512], user[512];
    snprintf(socket, sizeof(socket), "PartOf=p.target\n[Socket]\nListenFIFO=%s/fifo\n", directory);
    snprintf(used, sizeof(used), "PartOf=p.target\n" SLEEPER "%s", say("ExecStop", "used"));
    snprintf(user, sizeof(user), "PartOf=p.target\nAfter=s.socket\n" SLEEPER "ExecStop=/bin/sleep 0.3\n%s",
             say("ExecStop", "user"));
    unit_text("p.target", "Wants=s.socket u.service\n");
    unit_text("s.socket", socket);
    unit_text("s.service", used);
    unit_text("u.service", user);
    start("p.target");
    UNTIL(state_of("u.service") == ACTIVE_ACTIVE && m->n_installed_jobs == 0);
    start("s.service");
    UNTIL_STATE("s.service", ACTIVE_ACTIVE);
    stop("p.target");
    UNTIL(m->n_installed_jobs == 0);
    assert_string_equal(trace(), "user used ");
}

static void upheld_units_are_in_the_transaction(void **state) {
    unit_text("a.target", "Upholds=b.target\n");
    unit_text("b.target", "");
    start("a.target");
    assert_non_null(get("b.target")->job);
}

static void propagation(void **state) {
    char b[256];
    snprintf(b, sizeof(b), SLEEPER "%s", say("ExecReload", "b"));
    unit_text("a.service", "PropagatesStopTo=b.service\nPropagatesReloadTo=b.service\n" SLEEPER
                           "ExecReload=/bin/true\n");
    unit_text("b.service", b);
    unit_text("c.service", "Requires=a.service\n" SLEEPER);
    start("a.service");
    start("b.service");
    get("c.service")->references++;
    UNTIL(state_of("b.service") == ACTIVE_ACTIVE && m->n_installed_jobs == 0);
    assert_int_equal(ask(JOB_RELOAD, "a.service", JOB_REPLACE), 0);
    UNTIL(m->n_installed_jobs == 0);
    assert_string_equal(trace(), "b ");
    assert_int_equal(ask(JOB_RESTART, "a.service", JOB_REPLACE), 0);
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("c.service"), ACTIVE_INACTIVE); /* was down, stays down */
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("b.service"), ACTIVE_INACTIVE);
}

static void refused_by_hand(void **state) {
    struct error error;
    unit_text("a.target", "RefuseManualStop=yes\n");
    unit_text("b.target", "RefuseManualStart=yes\n");
    assert_true(manager_request_job(m, JOB_START, get("b.target"), false, JOB_REPLACE, &error, NULL) < 0);
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    assert_true(manager_request_job(m, JOB_STOP, get("a.target"), false, JOB_REPLACE, &error, NULL) < 0);
}

static void isolate_leaves_jobs_of_what_it_ignores(void **state) {
    unit_text("keep.target", "IgnoreOnIsolate=yes\n");
    unit_text("only.target", "AllowIsolate=yes\n");
    assert_int_equal(ask(JOB_START, "keep.target", JOB_REPLACE_IRREVERSIBLY), 0);
    assert_int_equal(ask(JOB_START, "only.target", JOB_ISOLATE), 0);
    assert_non_null(get("keep.target")->job);
}

static void mode_fail_does_what_is_needed(void **state) {
    unit_text("a.target", "");
    unit_text("b.target", "Conflicts=a.target\n");
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    assert_int_equal(ask(JOB_START, "b.target", JOB_FAIL), 0);
    UNTIL_STATE("b.target", ACTIVE_ACTIVE);
    assert_int_equal(state_of("a.target"), ACTIVE_INACTIVE);
}

static void of_two_that_conflict_one_is_given_up(void **state) {
    unit_text("x.target", "");
    unit_text("y.target", "Conflicts=x.target\n");
    unit_text("both.target", "Wants=x.target y.target\n");
    unit_text("need.target", "Requires=x.target\nWants=y.target\n");
    start("both.target");
    UNTIL_STATE("both.target", ACTIVE_ACTIVE);
    assert_int_equal(state_of("y.target"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("x.target"), ACTIVE_INACTIVE);
    stop("y.target");
    UNTIL(m->n_installed_jobs == 0);
    start("need.target");
    UNTIL_STATE("need.target", ACTIVE_ACTIVE);
    assert_int_equal(state_of("x.target"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("y.target"), ACTIVE_INACTIVE);
}

/* The one that is needed joins the transaction last. */
static void of_two_that_conflict_the_needed_one_stays(void **state) {
    unit_text("y.target", "Conflicts=x.target\n");
    unit_text("x.target", "");
    unit_text("z.target", "Wants=y.target\n");
    unit_text("late.target", "Requires=x.target\n");
    unit_text("need-a.target", "Requires=z.target late.target\n");
    unit_text("need-b.target", "Requires=late.target z.target\n");
    (void)get("z.target"); /* what is known first is asked first */
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "need-b.target" : "need-a.target";
        start(name);
        UNTIL(m->n_installed_jobs == 0);
        assert_int_equal(state_of(name), ACTIVE_ACTIVE);
        assert_int_equal(state_of("x.target"), ACTIVE_ACTIVE);
        assert_int_equal(state_of("y.target"), ACTIVE_INACTIVE);
        stop("x.target");
        UNTIL(m->n_installed_jobs == 0);
    }
}

/* A stop that is needed, joining after the start that somebody would like. */
static void of_two_that_conflict_the_needed_stop_stays(void **state) {
    unit_text("x.target", "");
    unit_text("y.target", "Wants=x.target\n");
    unit_text("need.target", "Wants=y.target\nConflicts=x.target\n");
    start("x.target");
    UNTIL_STATE("x.target", ACTIVE_ACTIVE);
    start("need.target");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("need.target"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("y.target"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("x.target"), ACTIVE_INACTIVE);
}

/* --- units -------------------------------------------------------------------------------------------------------- */
static void the_start_limit_is_exact(void **state) {
    unit_text("a.service", "StartLimitBurst=2\nStartLimitIntervalSec=1000s\n" SLEEPER);
    get("a.service")->references++;
    for (int i = 0; i < 2; i++) {
        start("a.service");
        UNTIL_STATE("a.service", ACTIVE_ACTIVE);
        if (i == 0)
            reload(); /* it counts on */
        get("a.service")->references = 1;
        stop("a.service");
        UNTIL_STATE("a.service", ACTIVE_INACTIVE);
    }
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_FAILED);
    manager_reset_failed(m);
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
}

static void bound_to_what_was_skipped(void **state) {
    unit_text("b.target", "ConditionPathExists=/nonexistent\n");
    unit_text("after.service", "BindsTo=b.target\nAfter=b.target\n" SLEEPER);
    struct observer o = { .job_removed = note_result };
    manager_add_observer(m, &o);
    start("after.service");
    UNTIL(m->n_installed_jobs == 0);
    manager_remove_observer(m, &o);
    assert_true(inactive_or_failed(state_of("after.service")));
    assert_int_equal(last_result, JOB_DEPENDENCY); /* and not the stop of what had been started */
}

static void on_success_has_a_mode_of_its_own(void **state) {
    unit_text("busy.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    unit_text("h.target", "Conflicts=busy.service\n");
    unit_text("a.service", "OnSuccess=h.target\nOnSuccessJobMode=fail\n[Service]\nType=oneshot\nExecStart=/bin/true\n");
    get("a.service")->references++;
    start("busy.service");
    UNTIL(state_of("busy.service") == ACTIVE_ACTIVATING);
    start("a.service");
    UNTIL(!get("a.service")->job && state_of("a.service") == ACTIVE_INACTIVE);
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(state_of("h.target"), ACTIVE_INACTIVE);
    assert_non_null(get("busy.service")->job);
}

static void wanted_units_are_needed(void **state) {
    unit_text("a.target", "Wants=b.target\n");
    unit_text("b.target", "StopWhenUnneeded=yes\n");
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(state_of("b.target"), ACTIVE_ACTIVE);
}

static void upholding_ends_at_the_start_limit(void **state) {
    unit_text("a.target", "Upholds=b.service\n");
    unit_text("b.service", "StartLimitBurst=2\nStartLimitIntervalSec=1000s\n[Service]\nExecStart=/bin/false\n");
    start("a.target");
    UNTIL(state_of("b.service") == ACTIVE_FAILED && get("b.service")->start_limit_hit);
    settle(200 * USEC_PER_MSEC);
    assert_true(get("b.service")->auto_jobs <= 4);
}

/* --- services ----------------------------------------------------------------------------------------------------- */
static void ends_that_count(void **state) {
    unit_text("hup.service", "[Service]\nExecStart=/bin/sh -c 'kill -HUP $$$$'\n");
    unit_text("cond.service", "[Service]\nExecCondition=/bin/sh -c 'exit 255'\nExecStart=/bin/sleep 1000\n");
    unit_text("quiet.service", "[Service]\nType=notify\nExecStart=/bin/true\n");
    static const char *const names[] = { "hup.service", "cond.service", "quiet.service" },
                             *const results[] = { "success", "exit-code", "protocol" };
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        get(names[i])->references++;
        start(names[i]);
        UNTIL(m->n_installed_jobs == 0 && inactive_or_failed(state_of(names[i])));
        assert_string_equal(result_of(names[i]), results[i]);
    }
}

static void restart_delays_grow(void **state) {
    unit_text("a.service", "StartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=1ms\nRestartSteps=2\n"
                           "RestartMaxDelaySec=1000000s\nExecStart=/bin/false\n");
    start("a.service");
    UNTIL(service("a.service")->n_restarts == 1 && strcmp(sub_state_of("a.service"), "auto-restart") == 0);
    /* The square root of 10^9 times a millisecond. */
    usec_t left = usec_sub(service("a.service")->timer.when, now(CLOCK_MONOTONIC));
    assert_true(left > 1 * USEC_PER_SEC && left < 40 * USEC_PER_SEC);
    reload();
    assert_int_equal(service("a.service")->n_restarts, 1);
}

static void a_cancelled_stop_is_still_a_stop(void **state) {
    unit_text("a.service",
              "[Service]\nRestart=always\nRestartSec=1ms\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 0.3\n");
    get("a.service")->references++;
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    stop("a.service");
    UNTIL(state_of("a.service") == ACTIVE_DEACTIVATING);
    job_cancel(get("a.service")->job);
    UNTIL(state_of("a.service") != ACTIVE_DEACTIVATING);
    assert_string_equal(sub_state_of("a.service"), "dead");
}

static void a_stop_that_hangs_may_abort(void **state) {
    char text[512];
    snprintf(
        text, sizeof(text),
        "[Service]\nTimeoutStopSec=200ms\nTimeoutAbortSec=100s\nTimeoutStopFailureMode=abort\nExecStart=/bin/sh -c "
        "'trap \"\" TERM; touch %s/ready; while :; do sleep 0.05; done'\n",
        directory);
    unit_text("a.service", text);
    start("a.service");
    UNTIL(exists("ready"));
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(service("a.service")->main_status.status, SIGABRT);
}

/* Signalled commands are the last of their list, however they end. */
static void a_stop_that_timed_out_goes_no_further(void **state) {
    char text[512];
    snprintf(text, sizeof(text),
             "[Service]\nTimeoutStopSec=500ms\nExecStart=/bin/sleep 1000\n"
             "ExecStop=/bin/sh -c 'trap \"exit 0\" TERM; while :; do sleep 0.05; done'\n%s", say("ExecStop", "more"));
    unit_text("a.service", text);
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_string_equal(trace(), "");
}

static void a_failed_reload_is_told(void **state) {
    struct observer o = { .job_removed = note_result };
    unit_text("a.service", SLEEPER "ExecReload=/bin/false\n");
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    manager_add_observer(m, &o);
    assert_int_equal(ask(JOB_RELOAD, "a.service", JOB_REPLACE), 0);
    UNTIL(m->n_installed_jobs == 0);
    manager_remove_observer(m, &o);
    assert_int_equal(last_result, JOB_FAILED);
    assert_int_equal(state_of("a.service"), ACTIVE_ACTIVE);
}

/* KillMode=mixed: the main process is asked, the others are not, and nobody is left. */
static void mixed_kills_the_others(void **state) {
    char text[512];
    snprintf(text, sizeof(text),
             "[Service]\nKillMode=mixed\nExecStart=/bin/sh -c '(trap \"echo asked >> %s/trace\" TERM; touch %s/ready; "
             "while :; do sleep 0.05; done) & exec sleep 1000'\n", directory, directory);
    unit_text("a.service", text);
    unit_text("b.service", SLEEPER);
    start("a.service");
    start("b.service");
    UNTIL(exists("ready") && state_of("b.service") == ACTIVE_ACTIVE);
    uint64_t tag = get("a.service")->lineage;
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    lineage_scan_stale(m->lineage);
    assert_false(lineage_alive(m->lineage, tag));
    assert_string_equal(trace(), "");
    assert_int_equal(state_of("b.service"), ACTIVE_ACTIVE);
}

static void a_stopped_process_hears_its_signal(void **state) {
    unit_text("a.service", "[Service]\nTimeoutStopSec=5s\nExecStart=/bin/sleep 1000\n");
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    pid_t pid = unit_main_pid(get("a.service"));
    siginfo_t info;
    kill(pid, SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT),
                     0); /* before that SIGTERM would still end it */
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.service"), ACTIVE_INACTIVE);
}

static void more_time_is_more(void **state) {
    unit_text("a.service", "[Service]\nType=notify\nTimeoutStartSec=100s\nExecStart=/bin/sleep 1000\n");
    start("a.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVATING);
    struct unit *u = get("a.service");
    usec_t before = service("a.service")->timer.when;
    char *tags[] = { (char *)"EXTEND_TIMEOUT_USEC=500000000", NULL };
    struct ucred sender = { .pid = unit_main_pid(u) };
    u->ops->notify_message(u, &sender, tags, NULL, 0);
    assert_true(service("a.service")->timer.when > before);
}

/* What a waiting job waits for may be gone from the files. */
static void a_reload_may_end_a_wait(void **state) {
    unit_text("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    unit_text("a.service", "After=slow.service\n" SLEEPER);
    start("slow.service");
    start("a.service");
    UNTIL(state_of("slow.service") == ACTIVE_ACTIVATING);
    assert_int_equal(state_of("a.service"), ACTIVE_INACTIVE);
    unit_text("a.service", SLEEPER);
    reload();
    UNTIL(state_of("a.service") == ACTIVE_ACTIVE);
    assert_int_equal(state_of("slow.service"), ACTIVE_ACTIVATING);
}

static void irreversible_over_a_reload(void **state) {
    unit_text("a.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    assert_int_equal(ask(JOB_START, "a.service", JOB_REPLACE_IRREVERSIBLY), 0);
    UNTIL(state_of("a.service") == ACTIVE_ACTIVATING);
    reload();
    assert_int_equal(ask(JOB_STOP, "a.service", JOB_REPLACE), -EDEADLK);
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */
static void fifo_unit(const char *name, const char *more) {
    char text[512];
    snprintf(text, sizeof(text), "[Socket]\nListenFIFO=%s/fifo\n%s", directory, more);
    unit_text(name, text);
}

static void knock(void) {
    char path[128];
    snprintf(path, sizeof(path), "%s/fifo", directory);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, "x", 1) == 1);
    close(fd);
}

static void triggers_are_limited_exactly(void **state) {
    char text[256];
    fifo_unit("s.socket", "TriggerLimitIntervalSec=1000s\nTriggerLimitBurst=2\n");
    snprintf(text, sizeof(text), "StartLimitIntervalSec=0\n[Service]\nType=oneshot\n%s", say("ExecStart", "x"));
    unit_text("s.service", text);
    start("s.socket");
    UNTIL_STATE("s.socket", ACTIVE_ACTIVE);
    knock();
    UNTIL(state_of("s.socket") == ACTIVE_FAILED);
    assert_int_equal(SOCKET(get("s.socket"))->result, SOCKET_FAILURE_TRIGGER_LIMIT_HIT);
    assert_string_equal(trace(), "x x ");
    assert_int_equal(SOCKET(get("s.socket"))->ports[0].fd, -1);
}

static void a_service_at_its_limit_closes_its_socket(void **state) {
    fifo_unit("s.socket", "");
    unit_text("s.service", "StartLimitBurst=2\nStartLimitIntervalSec=1000s\n[Service]\nExecStart=/bin/false\n");
    start("s.socket");
    UNTIL_STATE("s.socket", ACTIVE_ACTIVE);
    knock();
    UNTIL(state_of("s.socket") == ACTIVE_FAILED);
    assert_int_equal(SOCKET(get("s.socket"))->result, SOCKET_FAILURE_SERVICE_START_LIMIT_HIT);
}

static void a_stopped_socket_is_closed(void **state) {
    fifo_unit("s.socket", "");
    unit_text("s.service", SLEEPER);
    get("s.socket")->references++;
    start("s.socket");
    UNTIL_STATE("s.socket", ACTIVE_ACTIVE);
    assert_true(SOCKET(get("s.socket"))->ports[0].fd >= 0);
    stop("s.socket");
    UNTIL_STATE("s.socket", ACTIVE_INACTIVE);
    assert_int_equal(SOCKET(get("s.socket"))->ports[0].fd, -1);
}

static int call(void) {
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", directory);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static bool is_hung_up(int fd) {
    char c;
    return read(fd, &c, 1) == 0;
}

static void connections_are_limited_exactly(void **state) {
    char text[256];
    snprintf(text, sizeof(text), "[Socket]\nListenStream=%s/socket\nAccept=yes\nMaxConnections=2\n", directory);
    unit_text("s.socket", text);
    unit_text("s@.service", "[Service]\nStandardInput=socket\nExecStart=/bin/sleep 1000\n");
    start("s.socket");
    UNTIL_STATE("s.socket", ACTIVE_ACTIVE);
    int calls[] = { call(), call(), call() };
    UNTIL(SOCKET(get("s.socket"))->n_accepted == 2 && is_hung_up(calls[2]));
    for (size_t i = 0; i < ELEMENTS(calls); i++) {
        assert_int_equal(is_hung_up(calls[i]), i == 2);
        close(calls[i]);
    }
    stop("s.socket");
    UNTIL_STATE("s.socket", ACTIVE_INACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_start_and_a_restart_are_a_restart),
        TEST(what_comes_up_is_waited_for),
        TEST(a_cancelled_stop_fails_what_conflicts),
        TEST(users_of_a_socket_stop_first),
        TEST(upheld_units_are_in_the_transaction),
        TEST(propagation),
        TEST(refused_by_hand),
        TEST(isolate_leaves_jobs_of_what_it_ignores),
        TEST(mode_fail_does_what_is_needed),
        TEST(of_two_that_conflict_one_is_given_up),
        TEST(of_two_that_conflict_the_needed_one_stays),
        TEST(of_two_that_conflict_the_needed_stop_stays),
        TEST(the_start_limit_is_exact),
        TEST(bound_to_what_was_skipped),
        TEST(on_success_has_a_mode_of_its_own),
        TEST(wanted_units_are_needed),
        TEST(upholding_ends_at_the_start_limit),
        TEST(ends_that_count),
        TEST(restart_delays_grow),
        TEST(a_cancelled_stop_is_still_a_stop),
        TEST(a_stop_that_hangs_may_abort),
        TEST(a_stop_that_timed_out_goes_no_further),
        TEST(a_failed_reload_is_told),
        TEST(mixed_kills_the_others),
        TEST(a_stopped_process_hears_its_signal),
        TEST(more_time_is_more),
        TEST(a_reload_may_end_a_wait),
        TEST(irreversible_over_a_reload),
        TEST(triggers_are_limited_exactly),
        TEST(a_service_at_its_limit_closes_its_socket),
        TEST(a_stopped_socket_is_closed),
        TEST(connections_are_limited_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
