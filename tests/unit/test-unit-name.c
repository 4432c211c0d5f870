/* SPDX-License-Identifier: Apache-2.0 */
/* Unit names: what is one, and how they come apart. */
#include "unit/name.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void check(int r, char *s, int expected_result, const char *expected) {
    assert_int_equal(r, expected_result);
    if (expected)
        assert_string_equal(s, expected);
    free(s);
}
#define CHECK(call, result, expected)                                                                        \
    do {                                                                                                     \
        char *got = NULL;                                                                                    \
        int r_ = call;                                                                                       \
        check(r_, got, result, expected);                                                                    \
    } while (0)

static void names_are_plain_templates_or_instances(void **state) {
    assert_int_equal(unit_name_kind("foo.service"), UNIT_NAME_PLAIN);
    assert_int_equal(unit_name_kind("foo@.service"), UNIT_NAME_TEMPLATE);
    assert_int_equal(unit_name_kind("foo@bar.service"), UNIT_NAME_INSTANCE);
    assert_int_equal(unit_name_kind("foo@a@b.service"), UNIT_NAME_INSTANCE);
    assert_int_equal(unit_name_kind("-.mount"), UNIT_NAME_PLAIN);
    static const char *const bad[] = { "",          "foo",         ".service",    "@x.service",
                                       "foo.bogus", "a b.service", "f/o.service", "foo.service." };
    for (size_t i = 0; i < ELEMENTS(bad); i++)
        assert_int_equal(unit_name_kind(bad[i]), 0);
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    strcpy(longest + 255 - 8, ".service");
    assert_int_equal(unit_name_kind(longest), UNIT_NAME_PLAIN);
    memset(longest, 'a', sizeof(longest));
    strcpy(longest + 256 - 8, ".service");
    assert_int_equal(unit_name_kind(longest), 0);
}

static void names_come_apart(void **state) {
    CHECK(unit_name_prefix("foo-bar@x.service", &got), 0, "foo-bar");
    CHECK(unit_name_prefix("foo.bar.service", &got), 0, "foo.bar");
    CHECK(unit_name_instance("foo@x.y.service", &got), 0, "x.y");
    CHECK(unit_name_instance("foo.service", &got), 0, "");
    CHECK(unit_name_template("foo@x.service", &got), 0, "foo@.service");
    CHECK(unit_name_template("foo.service", &got), -EINVAL, NULL);
    CHECK(unit_name_replace_instance("foo@.service", "a", &got), 0, "foo@a.service");
    CHECK(unit_name_replace_instance("foo@.service", "a b", &got), -EINVAL, NULL);
    CHECK(unit_name_change_suffix("foo@x.service", ".socket", &got), 0, "foo@x.socket");
    assert_int_equal(unit_name_type("x.y.timer"), UNIT_TIMER);
    assert_int_equal(unit_name_type("x"), UNIT_TYPE_INVALID);
}

static void escaping_goes_both_ways(void **state) {
    CHECK(unit_name_escape("a b/c-d", &got), 0, "a\\x20b-c\\x2dd");
    CHECK(unit_name_escape(".x", &got), 0, "\\x2ex");
    CHECK(unit_name_unescape("a\\x20b-c", &got), 0, "a b/c");
    CHECK(unit_name_unescape("a\\x2", &got), -EINVAL, NULL);
    CHECK(unit_name_path_escape("/var//lib/", &got), 0, "var-lib");
    CHECK(unit_name_path_escape("/", &got), 0, "-");
    CHECK(unit_name_path_escape("/a/../b", &got), -EINVAL, NULL);
    CHECK(unit_name_path_unescape("var-lib", &got), 0, "/var/lib");
    CHECK(unit_name_path_unescape("-", &got), 0, "/");
    CHECK(unit_name_path_unescape("a--b", &got), -EINVAL, NULL);
    CHECK(unit_name_from_path("/var/lib", ".mount", &got), 0, "var-lib.mount");
}

static void arguments_become_names(void **state) {
    CHECK(unit_name_mangle("foo", &got), 0, "foo.service");
    CHECK(unit_name_mangle("foo.socket", &got), 0, "foo.socket");
    CHECK(unit_name_mangle("a b", &got), 0, "a\\x20b.service");
    CHECK(unit_name_mangle("/foo/bar", &got), 0, "foo-bar.mount");
    CHECK(unit_name_mangle("/dev/sda", &got), 0, "dev-sda.device");
    CHECK(unit_name_mangle("x.service@", &got), 0, "x.service@.service");
    CHECK(unit_name_mangle("", &got), -EINVAL, NULL);
    CHECK(unit_name_mangle("@x", &got), -EINVAL, NULL);
}

static void bus_paths_have_no_strange_characters(void **state) {
    CHECK(bus_path_escape("foo@bar.service", &got), 0, "foo_40bar_2eservice");
    CHECK(bus_path_escape("9p", &got), 0, "_39p");
    CHECK(bus_path_escape("", &got), 0, "_");
    CHECK(bus_path_unescape("foo_40bar_2eservice", &got), 0, "foo@bar.service");
    CHECK(bus_path_unescape("_", &got), 0, "");
    CHECK(bus_path_unescape("_4", &got), -EINVAL, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_plain_templates_or_instances),
        cmocka_unit_test(names_come_apart),
        cmocka_unit_test(escaping_goes_both_ways),
        cmocka_unit_test(arguments_become_names),
        cmocka_unit_test(bus_paths_have_no_strange_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
