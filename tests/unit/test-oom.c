/* SPDX-License-Identifier: Apache-2.0 */
/* engine/oom.h: the files of both versions of control groups. The kernel's own are asked by a scenario. */
#include "base/fd.h"
#include "engine/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/test-oom-XXXXXX";

static int set_up(void **state) {
    return mkdtemp(root) ? chdir(root) : -1;
}

static int tear_down(void **state) {
    unlink("memory.events");
    unlink("memory/memory.oom_control");
    rmdir("memory");
    return rmdir(root);
}

static void no_control_groups(void **state) {
    assert_true(oom_kills(root) == UINT64_MAX);
}

static void version_1(void **state) {
    assert_int_equal(mkdir("memory", 0755), 0);
    assert_int_equal(file_write("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n", 0644), 0);
    assert_int_equal(oom_kills(root), 7);
}

static void version_2(void **state) {
    assert_int_equal(file_write("memory.events", "low 0\nhigh 5\nmax 12\noom 4\noom_kill 3\noom_group_kill 9\n", 0644), 0);
    assert_int_equal(oom_kills(root), 3);
}

static void what_says_nothing(void **state) {
    static const char *const texts[] = { "", "\n", "oom_kill", "oom_kill\n", "oom_kill x\n", "xoom_kill 1\n",
                                         "oom_kill 99999999999999999999999\n" };
    unlink("memory/memory.oom_control");
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        assert_int_equal(file_write("memory.events", texts[i], 0644), 0);
        assert_true(oom_kills(root) == UINT64_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_control_groups),
        cmocka_unit_test(version_1),
        cmocka_unit_test(version_2),
        cmocka_unit_test(what_says_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
