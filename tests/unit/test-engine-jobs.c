/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions and jobs: what is pulled in, what contradicts, what waits for what. */
#include "engine-test.h"

#include <sys/resource.h>

static void pulls_in_and_orders(void **state) {
    char a[512], b[512];
    snprintf(a, sizeof(a),
             "Requires=b.service\nWants=missing.service\nAfter=b.service\n[Service]\nType=oneshot\n"
             "RemainAfterExit=yes\n%s%s",
             say("ExecStart", "a+"), say("ExecStop", "a-"));
    snprintf(b, sizeof(b), "[Service]\nType=oneshot\nRemainAfterExit=yes\n%s%s", say("ExecStart", "b+"),
             say("ExecStop", "b-"));
    unit_text("a.service", a);
    unit_text("b.service", b);
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    assert_string_equal(trace(), "b+ a+ ");
    stop("b.service");
    UNTIL_STATE("b.service", ACTIVE_INACTIVE);
    assert_int_equal(state_of("a.service"), ACTIVE_INACTIVE);
    assert_string_equal(trace(), "b+ a+ a- b- ");
}

static void conflicts_stop(void **state) {
    unit_text("a.target", "");
    unit_text("b.target", "Conflicts=a.target\n");
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    start("b.target");
    UNTIL_STATE("b.target", ACTIVE_ACTIVE);
    assert_int_equal(state_of("a.target"), ACTIVE_INACTIVE);
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    assert_int_equal(state_of("b.target"), ACTIVE_INACTIVE);
}

static void contradictions_are_refused(void **state) {
    unit_text("a.target", "Requires=b.target\nConflicts=b.target\n");
    unit_text("b.target", "");
    assert_int_equal(ask(JOB_START, "a.target", JOB_REPLACE), -EDEADLK);
    assert_int_equal(m->n_installed_jobs, 0);
}

static void cycles_are_broken_where_nothing_matters(void **state) {
    unit_text("a.target", "Wants=b.target\nAfter=b.target\n");
    unit_text("b.target", "After=a.target\n");
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    assert_int_equal(state_of("b.target"), ACTIVE_INACTIVE);
    unit_text("c.target", "Requires=d.target\nAfter=d.target\n");
    unit_text("d.target", "After=c.target\n");
    search_cache_fill(&m->search);
    assert_int_equal(ask(JOB_START, "c.target", JOB_REPLACE), -EDEADLK);
}

static void a_cycle_never_costs_the_anchor(void **state) {
    /* b has two jobs in here, one that matters and one that does not. */
    unit_text("a.target", "Requires=b.target c.target\nWants=d.target\nAfter=b.target\n");
    unit_text("b.target", "After=d.target\n");
    unit_text("c.target", "Requisite=b.target\n");
    unit_text("d.target", "Wants=b.target\nAfter=a.target\n");
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    assert_int_equal(state_of("b.target"), ACTIVE_ACTIVE);
}

static void requisite_is_verified_and_follows(void **state) {
    unit_text("a.target", "Requisite=b.target\nAfter=b.target\n");
    unit_text("b.target", "");
    start("a.target");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.target"), ACTIVE_INACTIVE);
    start("b.target");
    UNTIL_STATE("b.target", ACTIVE_ACTIVE);
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    stop("b.target");
    UNTIL_STATE("b.target", ACTIVE_INACTIVE);
    assert_int_equal(state_of("a.target"), ACTIVE_INACTIVE);
}

static void requisite_of_a_skipped_unit_fails(void **state) {
    unit_text("a.target", "Requisite=b.target\nAfter=b.target\n");
    unit_text("b.target", "ConditionPathExists=/nonexistent\n");
    unit_text("c.target", "Wants=a.target b.target\n");
    start("c.target");
    UNTIL_STATE("c.target", ACTIVE_ACTIVE);
    assert_int_equal(state_of("a.target"), ACTIVE_INACTIVE);
}

static void mode_fail_refuses_to_destroy(void **state) {
    unit_text("a.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    start("a.service");
    settle(100 * USEC_PER_MSEC);
    assert_int_equal(ask(JOB_STOP, "a.service", JOB_FAIL), -EDEADLK);
    assert_int_equal(ask(JOB_START, "a.service", JOB_FAIL), 0);
    assert_int_equal(m->n_installed_jobs, 1);
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0 && inactive_or_failed(state_of("a.service")));
}

static void irreversible_jobs_stay(void **state) {
    unit_text("a.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    assert_int_equal(ask(JOB_START, "a.service", JOB_REPLACE_IRREVERSIBLY), 0);
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(ask(JOB_STOP, "a.service", JOB_REPLACE), -EDEADLK);
}

static void isolates(void **state) {
    unit_text("a.target", "");
    unit_text("keep.target", "IgnoreOnIsolate=yes\n");
    unit_text("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    unit_text("only.target", "AllowIsolate=yes\nWants=in.target\n");
    unit_text("in.target", "");
    start("a.target");
    start("keep.target");
    start("slow.service");
    UNTIL(state_of("a.target") == ACTIVE_ACTIVE && state_of("slow.service") == ACTIVE_ACTIVATING);
    assert_int_equal(ask(JOB_START, "a.target", JOB_ISOLATE), -EPERM);
    assert_int_equal(ask(JOB_START, "only.target", JOB_ISOLATE), 0);
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.target"), ACTIVE_INACTIVE);
    assert_true(inactive_or_failed(state_of("slow.service")));
    assert_int_equal(state_of("keep.target"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("only.target"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("in.target"), ACTIVE_ACTIVE);
}

static void jobs_merge(void **state) {
    unit_text("a.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 0.2\n");
    start("a.service");
    uint32_t id = get("a.service")->job->id;
    start("a.service");
    assert_int_equal(get("a.service")->job->id, id);
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(get("a.service")->job->state, JOB_RUNNING);
    start("a.service");
    assert_int_equal(get("a.service")->job->id, id);
    assert_int_equal(get("a.service")->job->state, JOB_RUNNING);
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
}

/* The first may have read its files already when the second comes. */
static void a_second_reload_is_done_too(void **state) {
    char text[512];
    snprintf(text, sizeof(text), "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/sleep 0.2\n%s",
             say("ExecReload", "r"));
    unit_text("a.service", text);
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    assert_int_equal(ask(JOB_RELOAD, "a.service", JOB_REPLACE), 0);
    UNTIL(state_of("a.service") == ACTIVE_RELOADING);
    assert_int_equal(ask(JOB_RELOAD, "a.service", JOB_REPLACE), 0);
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    assert_string_equal(trace(), "r r ");
}

static void part_of_follows_stop_and_restart(void **state) {
    unit_text("a.service", SLEEPER);
    unit_text("b.service", "PartOf=a.service\n" SLEEPER);
    start("a.service");
    start("b.service");
    UNTIL(state_of("b.service") == ACTIVE_ACTIVE && m->n_installed_jobs == 0);
    pid_t before = unit_main_pid(get("b.service"));
    assert_int_equal(ask(JOB_RESTART, "a.service", JOB_REPLACE), 0);
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("b.service"), ACTIVE_ACTIVE);
    assert_int_not_equal(unit_main_pid(get("b.service")), before);
    stop("a.service");
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("b.service"), ACTIVE_INACTIVE);
}

static void bound_units_go_down_together(void **state) {
    unit_text("a.service", "BindsTo=b.service\nAfter=b.service\n" SLEEPER);
    unit_text("b.service", SLEEPER);
    unit_text("c.service", "StopPropagatedFrom=b.service\n" SLEEPER);
    start("a.service");
    start("c.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVE && state_of("c.service") == ACTIVE_ACTIVE &&
          m->n_installed_jobs == 0);
    kill(unit_main_pid(get("b.service")), SIGKILL);
    UNTIL(state_of("b.service") == ACTIVE_FAILED && m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.service"), ACTIVE_INACTIVE);
    assert_int_equal(state_of("c.service"), ACTIVE_INACTIVE);
}

static void stops_when_unneeded(void **state) {
    unit_text("a.service",
              "Requires=b.target\n[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 0.3\n");
    unit_text("b.target", "StopWhenUnneeded=yes\n");
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    assert_int_equal(state_of("b.target"), ACTIVE_ACTIVE);
    stop("a.service");
    UNTIL(state_of("a.service") == ACTIVE_DEACTIVATING);
    settle(100 * USEC_PER_MSEC);
    assert_int_equal(state_of("b.target"), ACTIVE_ACTIVE);
    UNTIL(state_of("b.target") == ACTIVE_INACTIVE);
    assert_int_equal(state_of("a.service"), ACTIVE_INACTIVE);
}

static void failed_requirements_fail_their_dependants(void **state) {
    unit_text("a.target", "Requires=b.service\nAfter=b.service\nOnFailure=f.target\n");
    unit_text("b.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    unit_text("f.target", "");
    start("a.target");
    UNTIL(state_of("f.target") == ACTIVE_ACTIVE && m->n_installed_jobs == 0);
    assert_int_equal(state_of("a.target"), ACTIVE_INACTIVE);
    assert_int_equal(m->n_failed, 1);
}

static void jobs_time_out(void **state) {
    unit_text("a.target",
              "Wants=slow.service\nAfter=slow.service\nJobTimeoutSec=200ms\nOnFailure=f.target\n");
    unit_text("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    unit_text("f.target", "");
    start("a.target");
    UNTIL(state_of("f.target") == ACTIVE_ACTIVE);
    assert_null(get("a.target")->job);
    assert_int_equal(state_of("a.target"), ACTIVE_INACTIVE);
}

static void units_nobody_needs_are_forgotten(void **state) {
    unit_text("a.target", "Wants=b.target\n");
    unit_text("b.target", "");
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    stop("b.target");
    UNTIL(m->n_installed_jobs == 0);
    settle(50 * USEC_PER_MSEC);
    assert_non_null(manager_get_unit(m, "b.target"));
    stop("a.target");
    UNTIL(!manager_get_unit(m, "a.target"));
    UNTIL(!manager_get_unit(m, "b.target"));
}

/* As deep as the graph is, our stack is not: what fails, starts and stops along the chain goes over all of it. */
static void long_chains_are_no_danger(void **state) {
    enum { LENGTH = 10000 };
    unit_text("c@.target", "");
    unit_text("last.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/false\n");
    struct rlimit limit, shallow;
    getrlimit(RLIMIT_STACK, &limit);
    shallow = (struct rlimit){ 1 << 20, limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_STACK, &shallow), 0);
    struct unit *before = get("c@0.target"), *last = get("last.service");
    for (int i = 1; i <= LENGTH; i++) {
        char name[32];
        snprintf(name, sizeof(name), "c@%d.target", i);
        struct unit *u = i < LENGTH ? get(name) : last;
        assert_int_equal(unit_add_two_dependencies(before, DEP_REQUIRES, DEP_AFTER, u), 0);
        before = u;
    }
    start("c@0.target");
    assert_true(m->n_installed_jobs > LENGTH); /* at once; the slice of last.service is one more */
    UNTIL(m->n_installed_jobs == 0);
    assert_int_equal(state_of("last.service"), ACTIVE_FAILED);
    assert_int_equal(state_of("c@0.target"), ACTIVE_INACTIVE);
    setrlimit(RLIMIT_STACK, &limit);
}

/* The same, where nothing fails. */
static void long_chains_come_up_and_go_down(void **state) {
    enum { LENGTH = 1000 };
    for (int i = 0; i < LENGTH; i++) {
        char name[32], text[128];
        snprintf(name, sizeof(name), "c%d.target", i);
        snprintf(text, sizeof(text), "Requires=c%d.target\nAfter=c%d.target\n", i + 1, i + 1);
        unit_text(name, i == LENGTH - 1 ? "" : text);
    }
    struct rlimit limit, shallow;
    getrlimit(RLIMIT_STACK, &limit);
    shallow = (struct rlimit){ 300 << 10, limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_STACK, &shallow), 0);
    start("c0.target");
    UNTIL_STATE("c0.target", ACTIVE_ACTIVE);
    stop("c999.target");
    UNTIL_STATE("c0.target", ACTIVE_INACTIVE);
    setrlimit(RLIMIT_STACK, &limit);
}

/* Tried again and again while its unit cannot start yet, the job's time runs on. */
static void the_running_timeout_is_that_of_the_first_try(void **state) {
    unit_text("a.service", "StartLimitIntervalSec=0\nJobRunningTimeoutSec=300ms\nOnFailure=f.target\n"
                           "[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 1000\n");
    unit_text("f.target", "");
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    stop("a.service");
    UNTIL(state_of("a.service") == ACTIVE_DEACTIVATING);
    start("a.service");
    usec_t begin = 0;
    UNTIL(!get("a.service")->job || (begin = get("a.service")->job->begin_running) > 0);
    while (get("a.service")->job) {
        assert_true(get("a.service")->job->begin_running == begin);
        job_queue_run(get("a.service")->job);
        assert_int_equal(loop_turn(m->loop, 20 * USEC_PER_MSEC), 0);
    }
    UNTIL(state_of("f.target") == ACTIVE_ACTIVE);
}

/* What others say of a name holds for the unit that gets it. */
static void a_transient_unit_keeps_the_edges_of_its_name(void **state) {
    unit_text("a.target", "Wants=t.service\nAfter=t.service\n");
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    struct unit *a = get("a.target"), *t = NULL;
    struct error error = {};
    assert_int_equal(get("t.service")->file->state, LOAD_NOT_FOUND);
    assert_int_equal(manager_make_transient(m, "t.service", "[Unit]\nDefaultDependencies=no\n" SLEEPER, &t, &error), 0);
    assert_int_equal(t->file->state, LOAD_LOADED);
    assert_true(unit_dependencies_with(a, t) & DEP_BIT(DEP_WANTS));
    assert_true(unit_dependencies_with(t, a) & DEP_BIT(DEP_BEFORE));
    start("t.service");
    UNTIL_STATE("t.service", ACTIVE_ACTIVE);
}

static void upholds(void **state) {
    unit_text("a.target", "Upholds=b.service\n");
    unit_text("b.service", SLEEPER);
    start("a.target");
    UNTIL_STATE("b.service", ACTIVE_ACTIVE);
    pid_t before = unit_main_pid(get("b.service"));
    kill(before, SIGTERM);
    UNTIL(state_of("b.service") == ACTIVE_ACTIVE && unit_main_pid(get("b.service")) != before);
}

/* A start that fails before the start limit is asked. */
static void upholding_does_not_go_round(void **state) {
    unit_text("a.target", "Upholds=b.target\n");
    unit_text("b.target", "Requisite=c.target\nAfter=c.target\n");
    unit_text("c.target", "");
    start("a.target");
    settle(500 * USEC_PER_MSEC);
    assert_int_equal(state_of("a.target"), ACTIVE_ACTIVE);
    assert_true(m->next_job_id < 200);
}

/* What observers cannot take they hear later, once, and as it is then: but that a job is done they hear at once. */
static bool busy;
static unsigned changes, ends;

static bool is_busy(void *userdata) {
    return busy;
}

static void counts_changes(void *userdata, struct unit *u) {
    changes += strcmp(u->id, "a.target") == 0;
}

static void counts_ends(void *userdata, struct job *j, enum job_result result) {
    ends += strcmp(j->unit->id, "a.target") == 0;
}

static void busy_observers_hear_later(void **state) {
    struct observer o = { .unit_changed = counts_changes, .job_removed = counts_ends, .busy = is_busy };
    manager_add_observer(m, &o);
    unit_text("a.target", "");
    busy = true;
    start("a.target");
    settle(50 * USEC_PER_MSEC);
    stop("a.target");
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(ends, 2);
    assert_int_equal(changes, 0);
    start("a.target");
    settle(50 * USEC_PER_MSEC);
    busy = false;
    manager_tell_more(m);
    loop_turn(m->loop, 0);
    assert_int_equal(changes, 1);
    manager_remove_observer(m, &o);
}

static void counts_changes_of_jobs(void *userdata, struct job *j) {
    assert_int_equal(j->state, JOB_RUNNING);
    changes++;
}

/* A job that has run and ended before its news could be told is told of as new and as removed only. */
static void jobs_tell_what_lasts(void **state) {
    struct observer o = { .job_changed = counts_changes_of_jobs };
    changes = 0;
    manager_add_observer(m, &o);
    unit_text("a.target", "");
    start("a.target");
    UNTIL_STATE("a.target", ACTIVE_ACTIVE);
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(changes, 0);
    unit_text("b.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    start("b.service");
    UNTIL(changes == 1);
    job_cancel(get("b.service")->job);
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(changes, 1);
    manager_remove_observer(m, &o);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(pulls_in_and_orders),
        TEST(conflicts_stop),
        TEST(contradictions_are_refused),
        TEST(cycles_are_broken_where_nothing_matters),
        TEST(a_cycle_never_costs_the_anchor),
        TEST(requisite_is_verified_and_follows),
        TEST(requisite_of_a_skipped_unit_fails),
        TEST(mode_fail_refuses_to_destroy),
        TEST(irreversible_jobs_stay),
        TEST(isolates),
        TEST(jobs_merge),
        TEST(a_second_reload_is_done_too),
        TEST(part_of_follows_stop_and_restart),
        TEST(bound_units_go_down_together),
        TEST(stops_when_unneeded),
        TEST(failed_requirements_fail_their_dependants),
        TEST(jobs_time_out),
        TEST(units_nobody_needs_are_forgotten),
        TEST(long_chains_are_no_danger),
        TEST(long_chains_come_up_and_go_down),
        TEST(the_running_timeout_is_that_of_the_first_try),
        TEST(a_transient_unit_keeps_the_edges_of_its_name),
        TEST(upholds),
        TEST(upholding_does_not_go_round),
        TEST(busy_observers_hear_later),
        TEST(jobs_tell_what_lasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
