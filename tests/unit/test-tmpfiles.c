/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of tmpfiles.d as items. What is then done with them: tests/conformance/test_tmpfiles.py. */
#include "cli/tmpfiles/tmpfiles.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct tmpfiles plain = { .root = "" };
static const char *why;

static int parse(const char *text, struct item *item) {
    char *line = strdup(text);
    assert_non_null(line);
    int r = tmpfiles_parse_line(&plain, line, item, &why);
    free(line);
    return r;
}

static void every_field(void **state) {
    struct item i;
    assert_int_equal(parse("d /run/x/ 1755 0 12 ~aM:10d", &i), 1);
    assert_int_equal(i.type, 'd');
    assert_string_equal(i.path, "/run/x");
    assert_int_equal(i.mode, 01755);
    assert_int_equal(i.uid, 0);
    assert_int_equal(i.gid, 12);
    assert_true(i.age == 10ULL * 24 * 3600 * USEC_PER_SEC);
    assert_int_equal(i.age_file, AGE_ATIME);
    assert_int_equal(i.age_directory, AGE_MTIME);
    assert_int_equal(i.flags, ITEM_MODE_SET | ITEM_UID_SET | ITEM_GID_SET | ITEM_AGE_SET | ITEM_KEEP_FIRST);
    assert_null(i.argument);
    item_done(&i);
}

static void what_is_left_out_is_not_set(void **state) {
    static const char *const lines[] = { "d /x", "d /x - - - - -", "  d   /x  -", "d\t/x\t-\t-  " };
    for (size_t n = 0; n < ELEMENTS(lines); n++) {
        struct item i;
        assert_int_equal(parse(lines[n], &i), 1);
        assert_int_equal(i.flags, 0);
        assert_null(i.argument);
        item_done(&i);
    }
}

static void modifiers(void **state) {
    struct item i;
    assert_int_equal(parse("L+! /x - - - - ../y z", &i), 1);
    assert_int_equal(i.flags, ITEM_FORCE | ITEM_BOOT);
    assert_string_equal(i.argument, "../y z");
    item_done(&i);
    assert_int_equal(parse("F /x", &i), 1);
    assert_int_equal(i.type, 'f');
    assert_int_equal(i.flags, ITEM_FORCE);
    item_done(&i);
    assert_int_equal(parse("Z /x ~2755 :0 :0", &i), 1);
    assert_int_equal(i.flags, ITEM_MODE_SET | ITEM_MODE_MASKED | ITEM_UID_SET | ITEM_UID_NEW | ITEM_GID_SET |
                                  ITEM_GID_NEW);
    item_done(&i);
    assert_int_equal(parse("f~ /x - - - - aGk=", &i), 1);
    assert_int_equal(i.argument_size, 2);
    assert_memory_equal(i.argument, "hi", 3);
    item_done(&i);
}

static void arguments(void **state) {
    struct item i;
    assert_int_equal(parse("f /x - - - - a\\tb\\x41%%", &i), 1);
    assert_string_equal(i.argument, "a\tbA%");
    item_done(&i);
    assert_int_equal(parse("d '/a b' -", &i), 1);
    assert_string_equal(i.path, "/a b");
    item_done(&i);
    assert_int_equal(parse("c /x - - - - 1:3", &i), 1);
    item_done(&i);
}

static void lines_that_say_nothing(void **state) {
    struct item i;
    assert_int_equal(parse("", &i), 0);
    assert_int_equal(parse("   # d /x", &i), 0);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(parse("f^ /x - - - - name", &i), 0);
}

static void bad_lines(void **state) {
    static const char *const lines[] = {
        "d",
        "y /x",
        "dd /x",
        "d!! /x",
        "d x",
        "d /x/../y",
        "d /x 9",
        "d /x 77777",
        "d /x - - - x",
        "d /x - - - y:1d",
        "d /x - - - :1d",
        "c /x",
        "d '/x",
        "d? /x",
        "w /x",
        "f~ /x - - - - !!",
        "f^ /x - - - - a/b",
        "d /%Z",
        "f /x - - - - \\z",
        "f /x - - - - %Z",
    };
    for (size_t n = 0; n < ELEMENTS(lines); n++) {
        struct item i;
        why = NULL;
        if (parse(lines[n], &i) != -EINVAL)
            fail_msg("taken: %s", lines[n]);
        assert_non_null(why);
    }
    struct item i;
    assert_int_equal(parse("d /x - nobody-of-this-name", &i), -ESRCH);
    assert_string_equal(why, "unknown user");
    assert_int_equal(parse("d /x - - nobody-of-this-name", &i), -ESRCH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),
        cmocka_unit_test(what_is_left_out_is_not_set),
        cmocka_unit_test(modifiers),
        cmocka_unit_test(arguments),
        cmocka_unit_test(lines_that_say_nothing),
        cmocka_unit_test(bad_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
