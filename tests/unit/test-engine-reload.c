/* SPDX-License-Identifier: Apache-2.0 */
/* daemon-reload: all units are made anew, and nothing that runs notices. */
#include "engine-test.h"
#include "engine/serialize.h"

static void running_services_stay(void **state) {
    unit_text("a.service", SLEEPER);
    unit_text("a\\x2db.service", SLEEPER);
    unit_text("t.target", "Wants=a.service a\\x2db.service\n");
    unit_text("failed.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    start("t.target");
    start("failed.service");
    UNTIL(m->n_installed_jobs == 0 && state_of("failed.service") == ACTIVE_FAILED);
    pid_t a = unit_main_pid(get("a.service")), b = unit_main_pid(get("a\\x2db.service"));
    struct id128 invocation = get("a.service")->invocation;
    reload();
    reload();
    assert_int_equal(state_of("a.service"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("a\\x2db.service"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("t.target"), ACTIVE_ACTIVE);
    assert_int_equal(unit_main_pid(get("a.service")), a);
    assert_int_equal(unit_main_pid(get("a\\x2db.service")), b);
    assert_true(id128_equal(get("a.service")->invocation, invocation));
    assert_int_equal(m->n_failed, 1);
    assert_ptr_equal(manager_unit_by_pid(m, a), get("a.service"));
    /* Their end is heard, and they can be stopped. */
    kill(a, SIGKILL);
    stop("a\\x2db.service");
    UNTIL(state_of("a.service") == ACTIVE_FAILED && state_of("a\\x2db.service") == ACTIVE_INACTIVE);
    assert_int_equal(m->n_failed, 2);
}

static void new_settings_hold(void **state) {
    unit_text("a.service", "Description=old\n" SLEEPER);
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    unit_text("a.service", "Description=new\nWants=late.target\n" SLEEPER);
    unit_text("late.target", "");
    reload();
    assert_string_equal(unit_description(get("a.service")), "new");
    assert_true(unit_dependencies_with(get("a.service"), get("late.target")) & DEP_BIT(DEP_WANTS));
}

/* The file of a running service goes: it runs on, and can be stopped. */
static void a_vanished_file_leaves_the_process(void **state) {
    unit_text("a.service", SLEEPER);
    start("a.service");
    UNTIL_STATE("a.service", ACTIVE_ACTIVE);
    char path[128];
    snprintf(path, sizeof(path), "%s/units/a.service", directory);
    unlink(path);
    reload();
    assert_int_equal(state_of("a.service"), ACTIVE_ACTIVE);
    stop("a.service");
    UNTIL(state_of("a.service") == ACTIVE_INACTIVE);
}

static void jobs_go_on(void **state) {
    unit_text(
        "slow.service",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 0.5\nExecStart=/bin/true\n");
    unit_text("t.target", "Requires=slow.service\nAfter=slow.service\n");
    start("t.target");
    UNTIL(state_of("slow.service") == ACTIVE_ACTIVATING);
    uint32_t waiting = get("t.target")->job->id, running = get("slow.service")->job->id;
    reload();
    assert_int_equal(get("t.target")->job->id, waiting);
    assert_int_equal(get("slow.service")->job->id, running);
    assert_int_equal(m->n_installed_jobs, 2);
    assert_int_equal(m->n_running_jobs, 1);
    UNTIL_STATE("t.target", ACTIVE_ACTIVE);
    assert_int_equal(state_of("slow.service"), ACTIVE_ACTIVE);
}

/* Opening a FIFO holds the child up before its exec: the reload comes in between. */
static void children_before_their_exec(void **state) {
    char text[256], fifo[128];
    snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    snprintf(text, sizeof(text), "[Service]\nType=exec\nStandardInput=file:%s\nExecStart=/bin/sleep 1000\n",
             fifo);
    unit_text("a.service", text);
    snprintf(text, sizeof(text), "[Service]\nType=exec\nStandardInput=file:%s\nExecStart=/nonexistent\n",
             fifo);
    unit_text("b.service", text);
    start("a.service");
    start("b.service");
    UNTIL(state_of("a.service") == ACTIVE_ACTIVATING && state_of("b.service") == ACTIVE_ACTIVATING);
    if (!m->p->spawning)
        skip();
    reload();
    assert_int_equal(state_of("a.service"), ACTIVE_ACTIVATING);
    FILE *f = fopen(fifo, "r+e");
    assert_non_null(f);
    UNTIL(m->n_installed_jobs == 0);
    fclose(f);
    assert_int_equal(state_of("a.service"), ACTIVE_ACTIVE);
    assert_int_equal(state_of("b.service"), ACTIVE_FAILED);
}

static void restarts_and_timeouts_survive(void **state) {
    unit_text("a.service", "[Service]\nRestart=always\nRestartSec=500ms\nExecStart=/bin/false\n");
    unit_text("b.service", "[Service]\nType=notify\nTimeoutStartSec=500ms\nExecStart=/bin/sleep 1000\n");
    start("a.service");
    start("b.service");
    UNTIL(strcmp(sub_state_of("a.service"), "auto-restart") == 0 &&
          state_of("b.service") == ACTIVE_ACTIVATING);
    reload();
    assert_string_equal(sub_state_of("a.service"), "auto-restart");
    UNTIL(service("a.service")->n_restarts > 0 && state_of("b.service") == ACTIVE_FAILED);
}

static void told(void *userdata) {
    (*(int *)userdata)++;
}

static void every_request_is_answered(void **state) {
    unit_text("a.target", "");
    get("a.target");
    int n = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(manager_reload(m, told, &n), 0);
    UNTIL(n == 3);
    assert_int_equal(manager_reload(m, told, &n), 0);
    UNTIL(n == 4);
}

static void boot_done(struct manager *manager, int status) {
    manager->booted = true;
}

/* A reload that is asked for while the boot's generators run. */
static void requests_during_the_boot_are_answered(void **state) {
    unit_text("a.target", "");
    get("a.target");
    pid_t helper = fork();
    if (helper == 0) {
        usleep(100000);
        _exit(0);
    }
    m->p->helper_pid = helper;
    m->p->helper_done = boot_done;
    int n = 0;
    assert_int_equal(manager_reload(m, told, &n), 0);
    UNTIL(m->booted);
    UNTIL(n == 1);
    assert_int_equal(manager_reload(m, told, &n), 0);
    UNTIL(n == 2);
}

/* The last word is said, whatever else was asked for in the same turn. */
static void an_exit_is_not_forgotten(void **state) {
    unit_text("a.target", "");
    get("a.target");
    manager_exit(m, 3);
    assert_int_equal(manager_reload(m, NULL, NULL), 0);
    assert_int_equal(manager_reexecute(m, NULL, NULL), -ESHUTDOWN);
    assert_int_equal(m->objective, OBJECTIVE_EXIT);
    assert_int_equal(m->exit_code, 3);
}

static void serialized_twice_is_the_same(void **state) {
    unit_text("a.service", SLEEPER);
    unit_text("f.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    start("a.service");
    start("f.service");
    UNTIL(m->n_installed_jobs == 0);
    settle(50 * USEC_PER_MSEC);
    reload();
    settle(50 * USEC_PER_MSEC);
    _cleanup_text_ struct text before = {}, after = {};
    assert_int_equal(manager_serialize(m, &before), 0);
    const char *a = strstr(text_str(&before), "unit=a.service"),
               *f = strstr(text_str(&before), "unit=f.service");
    assert_non_null(a);
    assert_non_null(f);
    _cleanup_free_ char *first = strndup(a, (size_t)(strstr(a, "\n\n") - a));
    reload();
    settle(50 * USEC_PER_MSEC);
    assert_int_equal(manager_serialize(m, &after), 0);
    assert_non_null(strstr(text_str(&after), first));
}

/* Made at run time: it stays what it is over a reload, and its file goes with it. */
static void transient_units_stay_transient(void **state) {
    struct unit *u;
    char file[256];
    get("a.target");
    assert_int_equal(manager_make_transient(m, "../x.service", "[Service]\nExecStart=/bin/true\n", &u, NULL),
                     -EINVAL);
    assert_int_equal(
        manager_make_transient(m, "run.service", "[Unit]\nDefaultDependencies=no\n" SLEEPER, &u, NULL), 0);
    assert_int_equal(unit_load_state(u), LOAD_LOADED);
    start("run.service");
    UNTIL_STATE("run.service", ACTIVE_ACTIVE);
    reload();
    assert_true(get("run.service")->file->transient);
    snprintf(file, sizeof(file), "%s/run.service", m->search.transient);
    assert_int_equal(access(file, F_OK), 0);
    stop("run.service");
    UNTIL(!manager_get_unit(m, "run.service"));
    assert_int_equal(access(file, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(running_services_stay),
        TEST(new_settings_hold),
        TEST(a_vanished_file_leaves_the_process),
        TEST(jobs_go_on),
        TEST(children_before_their_exec),
        TEST(restarts_and_timeouts_survive),
        TEST(every_request_is_answered),
        TEST(requests_during_the_boot_are_answered),
        TEST(an_exit_is_not_forgotten),
        TEST(serialized_twice_is_the_same),
        TEST(transient_units_stay_transient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
