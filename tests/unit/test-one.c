/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the one-command init, under each of its names. What it does with them: scenario/test_run.py. */
#include "cli/one.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ARGS(...) ((char *[]){ "init", __VA_ARGS__, NULL })
#define PARSE(style, ...) parse(style, ARGS(__VA_ARGS__), NULL)

static struct one_options o;
static char complaint[256];

static enum one_answer parse(enum one_style style, char **argv, char *const *environment) {
    int argc = 0;
    while (argv[argc])
        argc++;
    return one_options_parse(style, argc, argv, environment, &o, complaint);
}

static void options_end_at_the_command(void **state) {
    for (enum one_style style = 0; style < ONE_STYLES; style++) {
        assert_int_equal(PARSE(style, "make", "-g", "-v"), ONE_RUN);
        assert_string_equal(o.command[0], "make");
        assert_string_equal(o.command[1], "-g");
        assert_int_equal(PARSE(style, "--", "-x"), ONE_RUN);
        assert_string_equal(o.command[0], "-x");
        assert_int_equal(PARSE(style, "--help"), ONE_HELP);
        assert_int_equal(PARSE(style, "--version"), ONE_VERSION);
        assert_int_equal(PARSE(style, "--"), ONE_WRONG);
        assert_int_equal(PARSE(style, "--nothing", "true"), ONE_WRONG);
    }
}

static void each_name_has_its_own(void **state) {
    assert_int_equal(PARSE(ONE_TINI, "-sgwv", "-p", "SIGTERM", "-e", "143", "true"), ONE_RUN);
    assert_true(o.subreaper && o.group && o.warn_reaped && !o.session);
    assert_int_equal(o.parent_death, SIGTERM);
    assert_int_equal(o.verbosity, 2);
    assert_int_equal(o.statuses[143], 0);
    assert_int_equal(o.statuses[1], 1);
    assert_int_equal(PARSE(ONE_TINI, "-l"), ONE_LICENSE);
    assert_int_equal(PARSE(ONE_TINI, "-c", "true"), ONE_WRONG);
    assert_int_equal(PARSE(ONE_TINI, "true"), ONE_RUN);
    assert_false(o.subreaper || o.group);

    assert_int_equal(PARSE(ONE_DUMB_INIT, "true"), ONE_RUN);
    assert_true(o.session && o.group && o.end_group);
    assert_int_equal(o.signals[SIGTSTP], SIGSTOP);
    assert_int_equal(PARSE(ONE_DUMB_INIT, "-c", "true"), ONE_RUN);
    assert_false(o.session || o.group);
    assert_int_equal(o.signals[SIGTSTP], SIGTSTP);

    assert_int_equal(PARSE(ONE_CATATONIT, "-gP"), ONE_RUN);
    assert_true(o.pause && o.group && !o.command);
    assert_int_equal(PARSE(ONE_CATATONIT, "-L"), ONE_LICENSE);
    assert_int_equal(PARSE(ONE_REEVE, "-a", "true"), ONE_RUN);
    assert_true(o.wait_all && o.subreaper);
}

static void rewriting(void **state) {
    static const struct {
        char *value;
        int from, to; /* from 0: wrong */
    } cases[] = {
        { "15:3", 15, 3 },      { "TERM:QUIT", 15, 3 },
        { "SIGTERM:0", 15, 0 }, { "RTMIN+3:TERM", 37, 15 },
        { "1:64", 1, 64 },      { "0:3", 0, 0 },
        { "15:", 0, 0 },        { ":3", 0, 0 },
        { "15", 0, 0 },         { "15:65", 0, 0 },
        { "15:3:4", 0, 0 },     { "", 0, 0 },
        { "-1:3", 0, 0 },       { "15:TERMINATE-THIS-VERY-LONG-NAME-OF-NOTHING", 0, 0 },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(PARSE(ONE_REEVE, "-r", cases[i].value, "true"), cases[i].from ? ONE_RUN : ONE_WRONG);
        if (cases[i].from)
            assert_int_equal(o.signals[cases[i].from], cases[i].to);
    }
    /* What was asked for stays: only what was not is stopped for good. */
    assert_int_equal(PARSE(ONE_DUMB_INIT, "-r", "20:15", "true"), ONE_RUN);
    assert_int_equal(o.signals[SIGTSTP], SIGTERM);
}

static void the_environment(void **state) {
    char *tini[] = { "TINI_SUBREAPER=", "TINI_KILL_PROCESS_GROUP=1", "TINI_VERBOSITY=0", NULL };
    assert_int_equal(parse(ONE_TINI, ARGS("true"), tini), ONE_RUN);
    assert_true(o.subreaper && o.group);
    assert_int_equal(o.verbosity, 0);
    char *dumb[] = { "DUMB_INIT_SETSID=0", "DUMB_INIT_DEBUG=1", NULL };
    assert_int_equal(parse(ONE_DUMB_INIT, ARGS("true"), dumb), ONE_RUN);
    assert_false(o.session || o.group);
    assert_int_equal(o.verbosity, 3);
    assert_int_equal(parse(ONE_REEVE, ARGS("true"), tini), ONE_RUN);
    assert_false(o.group);
}

static void what_is_wrong_is_named(void **state) {
    assert_int_equal(PARSE(ONE_TINI, "-p", "NOTHING", "true"), ONE_WRONG);
    assert_non_null(strstr(complaint, "NOTHING"));
    assert_int_equal(PARSE(ONE_REEVE, "-e", "300", "true"), ONE_WRONG);
    assert_non_null(strstr(complaint, "300"));
    assert_int_equal(PARSE(ONE_TINI, "-e"), ONE_WRONG);
    assert_non_null(strstr(complaint, "-e"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_end_at_the_command),
        cmocka_unit_test(each_name_has_its_own),
        cmocka_unit_test(rewriting),
        cmocka_unit_test(the_environment),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
