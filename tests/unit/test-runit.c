/* SPDX-License-Identifier: Apache-2.0 */
/* runit's formats and my_init's files: the status in bytes, names of units, control characters, the environment. */
#include "base/fd.h"
#include "base/strv.h"
#include "cli/my_init.h"
#include "unit/runit.h"
#include "wire/runit/internal.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* As a runsv(8) wrote it, and sv(8) understood it. */
static void a_status_is_runits_twenty_bytes(void **state) {
    static const unsigned char bytes[] = { 0x40, 0,    0,    0,    0x6b, 0x02, 0xe1, 0xb3, 0x2f, 0x65,
                                           0xd7, 0xac, 0x29, 0x44, 0,    0,    1,    'u',  0,    1 };
    unsigned char again[RUNIT_STATUS_SIZE];
    struct runit_status status;
    runit_status_unpack(bytes, &status);
    assert_int_equal(status.since, 0x6b02e1b3 - 10);
    assert_int_equal(status.pid, 17449);
    assert_true(status.paused && !status.got_term && status.want == 'u' && status.state == RUNIT_STATE_RUN);
    runit_status_pack(&status, again);
    assert_memory_equal(bytes, again, sizeof(bytes));
    _cleanup_text_ struct text text = {};
    status.want = 'd';
    status.got_term = true;
    runit_status_text(&status, false, &text);
    assert_string_equal(text_str(&text), "run, paused, got TERM, want down\n");
}

static void assert_stem(const char *name, const char *expected) {
    _cleanup_free_ char *stem = NULL;
    assert_int_equal(runit_stem(name, &stem), expected ? 0 : -EINVAL);
    if (expected)
        assert_string_equal(stem, expected);
}

static void names_become_unit_names(void **state) {
    assert_stem("apache2", "apache2");
    assert_stem("a-b.c:d@e", "a-b.c:d@e");
    assert_stem("with space", "with\\x20space");
    assert_stem("gr\xc3\xbc\xc3\x9f", "gr\\xc3\\xbc\\xc3\\x9f");
    assert_stem("template@", "template\\x40");
    assert_stem("line\nbreak", NULL);
    assert_stem("joins\\", NULL);
    char longest[300];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    assert_stem(longest, NULL);
    _cleanup_free_ char *unit = runit_unit_name("apache2", false), *log = runit_unit_name("apache2", true);
    assert_string_equal(unit, "apache2.service");
    assert_string_equal(log, "apache2:log.service");
}

static void commands_are_those_of_runsv(void **state) {
    struct runit_action a[RUNIT_ACTIONS_MAX];
    assert_int_equal(control_actions('d', true, false, a), 3);
    assert_true(a[0].script == 't' && a[0].signal == SIGTERM && a[1].signal == SIGCONT && !a[1].script &&
                a[2].script == 'd');
    assert_int_equal(control_actions('x', true, true, a), 0);
    assert_int_equal(control_actions('1', true, false, a), 1);
    assert_true(a[0].signal == SIGUSR1 && a[0].script == '1');
    assert_int_equal(control_actions('t', false, false, a), 0);
    assert_int_equal(control_actions('?', true, false, a), 0);
}

static void write_file(const char *root, const char *path, const char *content) {
    char full[256];
    snprintf(full, sizeof(full), "%s%s", root, path);
    assert_int_equal(file_write(full, content, 0644), 0);
}

static void the_environment_lives_in_files(void **state) {
    char root[] = "/tmp/test-runit-XXXXXX", path[256], command[300];
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/etc", root);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof(path), "%s/etc/container_environment", root);
    assert_int_equal(mkdir(path, 0755), 0);
    write_file(root, "/etc/container_environment/LINES", "one\ntwo\n");
    write_file(root, "/etc/container_environment/GIVEN", "by the image");
    _cleanup_strv_ char **env = NULL;
    assert_int_equal(strv_add(&env, "GIVEN=it's"), 0);
    assert_int_equal(strv_add(&env, "HOME=/root"), 0);
    assert_int_equal(my_init_import(root, false, &env), 0);
    assert_string_equal(env_get(env, "GIVEN"), "it's");
    assert_string_equal(env_get(env, "LINES"), "one\ntwo");
    assert_int_equal(my_init_export(root, true, env), 0);
    _cleanup_free_ char *shell = NULL, *json = NULL, *given = NULL;
    snprintf(path, sizeof(path), "%s/etc/container_environment.sh", root);
    assert_int_equal(file_read(path, 4096, &shell, NULL), 0);
    assert_string_equal(shell, "export GIVEN='it'\"'\"'s'\nexport LINES='one\ntwo'\n");
    snprintf(path, sizeof(path), "%s/etc/container_environment.json", root);
    assert_int_equal(file_read(path, 4096, &json, NULL), 0);
    assert_string_equal(json, "{\"GIVEN\": \"it's\", \"HOME\": \"/root\", \"LINES\": \"one\\ntwo\"}");
    snprintf(path, sizeof(path), "%s/etc/container_environment/GIVEN", root);
    assert_int_equal(file_read(path, 4096, &given, NULL), 0);
    assert_string_equal(given, "it's");
    snprintf(path, sizeof(path), "%s/etc/container_environment/HOME", root);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(command, sizeof(command), "rm -rf %s", root);
    assert_int_equal(system(command), 0);
}

static void a_command_is_quoted_for_a_unit_file(void **state) {
    _cleanup_text_ struct text text = {};
    char *const argv[] = { (char *)"sh", (char *)"-c", (char *)"echo \"$A\" 5%\n", NULL };
    my_init_quote_command(&text, "/bin/sh", argv);
    assert_string_equal(text_str(&text), "\"@/bin/sh\" \"sh\" \"-c\" \"echo \\\"$$A\\\" 5%%\\x0a\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_is_runits_twenty_bytes),
        cmocka_unit_test(names_become_unit_names),
        cmocka_unit_test(commands_are_those_of_runsv),
        cmocka_unit_test(the_environment_lives_in_files),
        cmocka_unit_test(a_command_is_quoted_for_a_unit_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
