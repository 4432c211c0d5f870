/* SPDX-License-Identifier: Apache-2.0 */
/* base/chase.h and base/glob.h: paths inside a root directory, and patterns over them. */
#include "base/chase.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/path.h"
#include "base/strv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/test-chase.XXXXXX";

static char *in_root(const char *path) {
    char *full = path_join(root, path);
    assert_non_null(full);
    return full;
}

static void make_link(const char *target, const char *path) {
    _cleanup_free_ char *full = in_root(path);
    assert_int_equal(symlink(target, full), 0);
}

static int make_tree(void **state) {
    assert_non_null(mkdtemp(root));
    static const char *const directories[] = { "/usr/lib/x", "/etc" };
    for (size_t i = 0; i < ELEMENTS(directories); i++) {
        _cleanup_free_ char *full = in_root(directories[i]);
        assert_int_equal(mkdir_p(full, 0755), 0);
    }
    static const char *const files[] = { "/usr/lib/x/a.conf", "/usr/lib/x/b.conf", "/usr/lib/x/.c.conf" };
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        _cleanup_free_ char *full = in_root(files[i]);
        assert_int_equal(file_write(full, "x", 0644), 0);
    }
    make_link("usr/lib", "/lib");
    make_link("/usr/lib/x/a.conf", "/etc/absolute");
    make_link("../lib/x/b.conf", "/etc/relative");
    make_link("../../../../../../usr/lib", "/etc/above");
    make_link("/dev/null", "/etc/masked");
    make_link("loop2", "/etc/loop1");
    make_link("loop1", "/etc/loop2");
    return 0;
}

static int remove_tree(void **state) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

static void leads_to(const char *path, int exists, const char *expected) {
    _cleanup_free_ char *full = in_root(path), *found = NULL;
    int r = chase(full, root, &found);
    if (r != exists || strcmp(found + strlen(root), expected) != 0)
        fail_msg("%s: %d, %s", path, r, r < 0 ? "" : found);
}

static void links_stay_inside(void **state) {
    leads_to("/usr/lib/x/a.conf", 1, "/usr/lib/x/a.conf");
    leads_to("/lib/x//./a.conf", 1, "/usr/lib/x/a.conf");
    leads_to("/etc/absolute", 1, "/usr/lib/x/a.conf");
    leads_to("/etc/relative", 1, "/usr/lib/x/b.conf");
    leads_to("/etc/above/x/a.conf", 1, "/usr/lib/x/a.conf");
    leads_to("/etc/masked", 0, "/dev/null");
    leads_to("/lib/nothing/y", 0, "/usr/lib/nothing/y");
    leads_to("/lib/../../..", 1, "");
    _cleanup_free_ char *loop = in_root("/etc/loop1"), *found = NULL;
    assert_int_equal(chase(loop, root, &found), -ELOOP);
    assert_int_equal(chase("/elsewhere", root, &found), -EXDEV);
}

static void the_last_link_can_be_kept(void **state) {
    _cleanup_free_ char *full = in_root("/lib/../../etc/absolute"), *found = NULL;
    assert_int_equal(chase_parent(full, root, &found), 1);
    assert_string_equal(found + strlen(root), "/etc/absolute");
}

static void without_a_root(void **state) {
    _cleanup_free_ char *found = NULL;
    assert_int_equal(chase("/", "", &found), 1);
    assert_string_equal(found, "/");
}

static size_t matches(const char *pattern) {
    _cleanup_free_ char *full = in_root(pattern);
    _cleanup_strv_ char **found = NULL;
    assert_int_equal(glob_paths(full, &found), 0);
    assert_int_equal(glob_exists(full), strv_length(found) > 0);
    return strv_length(found);
}

static void patterns(void **state) {
    assert_int_equal(matches("/usr/lib/x/*.conf"), 2);
    assert_int_equal(matches("/*/lib/x/[ab].conf"), 2);
    assert_int_equal(matches("/usr/lib/x/.*.conf"), 1);
    assert_int_equal(matches("/etc/mask?d"), 1);
    assert_int_equal(matches("/usr/lib/x/a.conf"), 1);
    assert_int_equal(matches("/usr/lib/x/z*"), 0);
    assert_int_equal(matches("/nothing/*"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_stay_inside),
        cmocka_unit_test(the_last_link_can_be_kept),
        cmocka_unit_test(without_a_root),
        cmocka_unit_test(patterns),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
