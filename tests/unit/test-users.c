/* SPDX-License-Identifier: Apache-2.0 */
/* base/users.h: users and groups from files, without the name service switch. */
#include "base/fd.h"
#include "base/path.h"
#include "base/users.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static int make_root(void **state) {
    char path[128];
    strcpy(root, "/tmp/test-users-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/etc", root);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof(path), "%s/etc/passwd", root);
    assert_int_equal(file_write(path,
                                "root:x:0:0:root:/root:/bin/bash\n"
                                "# a comment\n"
                                "short:x:7\n"
                                "letters:x:seven:7::/:/bin/sh\n"
                                "\n"
                                "www-data:x:33:34:web:/var/www:/usr/sbin/nologin\n"
                                "33:x:4711:4711:a name of digits:/srv:/bin/sh\n"
                                "none:x:4294967295:0::/:/bin/sh\n"
                                "none16:x:65535:0::/:/bin/sh\n"
                                "noneg:x:98:4294967295::/:/bin/sh\n"
                                "last:x:99:99::/home/last:/bin/sh",
                                0644),
                     0);
    snprintf(path, sizeof(path), "%s/etc/group", root);
    assert_int_equal(file_write(path, "root:x:0:\nadm:x:4:syslog,www-data\nweb:x:34:\nnone:x:4294967295:\n", 0644), 0);
    return 0;
}

static int remove_root(void **state) {
    char path[128];
    const char *parts[] = { "/etc/passwd", "/etc/group", "/etc", "" };
    for (size_t i = 0; i < ELEMENTS(parts); i++) {
        snprintf(path, sizeof(path), "%s%s", root, parts[i]);
        assert_int_equal(remove(path), 0);
    }
    return 0;
}

static void a_name_gives_the_whole_entry(void **state) {
    _cleanup_user_ struct user_record user = {};
    assert_int_equal(user_lookup_at(root, "www-data", &user), 0);
    assert_int_equal(user.uid, 33);
    assert_int_equal(user.gid, 34);
    assert_string_equal(user.name, "www-data");
    assert_string_equal(user.home, "/var/www");
    assert_string_equal(user.shell, "/usr/sbin/nologin");
}

static void a_last_line_without_newline_counts(void **state) {
    _cleanup_user_ struct user_record user = {};
    assert_int_equal(user_lookup_at(root, "last", &user), 0);
    assert_string_equal(user.shell, "/bin/sh");
}

static void a_number_finds_its_entry_but_a_name_of_digits_wins(void **state) {
    _cleanup_user_ struct user_record by_number = {}, by_name = {};
    assert_int_equal(user_lookup_at(root, "99", &by_number), 0);
    assert_string_equal(by_number.name, "last");
    assert_int_equal(user_lookup_at(root, "33", &by_name), 0);
    assert_int_equal(by_name.uid, 4711);
}

/* setresuid(-1, …) succeeds and changes nothing. */
static void a_number_that_means_none_is_refused(void **state) {
    struct user_record user = { .uid = 5 };
    gid_t gid = 5;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(user_lookup_at(root, (const char *[]){ "none", "none16", "noneg" }[i], &user), -EBADMSG);
    assert_int_equal(group_lookup_at(root, "none", &gid), -EBADMSG);
    assert_int_equal(user.uid, 5);
    assert_int_equal(gid, 5);
}

static void what_is_not_there_is_esrch(void **state) {
    struct user_record user = { .uid = 5 };
    gid_t gid = 5;
    assert_int_equal(user_lookup_at(root, "nobody-at-all", &user), -ESRCH);
    assert_int_equal(user_lookup_at(root, "1234", &user), -ESRCH);
    assert_int_equal(user_lookup_at(root, "short", &user), -ESRCH);
    assert_int_equal(user_lookup_at(root, "letters", &user), -ESRCH);
    assert_int_equal(user_lookup_at("/nowhere", "root", &user), -ESRCH);
    assert_int_equal(group_lookup_at(root, "users", &gid), -ESRCH);
    assert_int_equal(user.uid, 5);
    assert_int_equal(gid, 5);
}

static void names_that_cannot_be_are_einval(void **state) {
    struct user_record user;
    gid_t gid;
    assert_int_equal(user_lookup_at(root, "", &user), -EINVAL);
    assert_int_equal(user_lookup_at(root, "a:b", &user), -EINVAL);
    assert_int_equal(group_lookup_at(root, "a\nb", &gid), -EINVAL);
}

static void a_group_may_be_a_number_without_an_entry(void **state) {
    gid_t gid;
    assert_int_equal(group_lookup_at(root, "web", &gid), 0);
    assert_int_equal(gid, 34);
    assert_int_equal(group_lookup_at(root, "4242", &gid), 0);
    assert_int_equal(gid, 4242);
    assert_int_equal(group_lookup_at(root, "65535", &gid), -ESRCH);
}

static void the_groups_of_root_begin_with_its_own(void **state) {
    _cleanup_free_ gid_t *groups = NULL;
    size_t n;
    assert_int_equal(user_groups("root", 17, &groups, &n), 0);
    assert_true(n >= 1);
    assert_int_equal(groups[0], 17);
}

static void libc_names_are_ours(void **state) {
    struct passwd entry, *result;
    char buffer[256];
    assert_int_equal(getpwnam_r("root", &entry, buffer, sizeof(buffer), &result), 0);
    assert_ptr_equal(result, &entry);
    assert_int_equal(entry.pw_uid, 0);
    assert_int_equal(getpwnam_r("root", &entry, buffer, 3, &result), ERANGE);
    assert_int_equal(getpwnam_r("0", &entry, buffer, sizeof(buffer), &result), 0);
    assert_null(result);
    assert_int_equal(getpwuid_r(0, &entry, buffer, sizeof(buffer), &result), 0);
    assert_string_equal(entry.pw_name, "root");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_gives_the_whole_entry),
        cmocka_unit_test(a_last_line_without_newline_counts),
        cmocka_unit_test(a_number_finds_its_entry_but_a_name_of_digits_wins),
        cmocka_unit_test(a_number_that_means_none_is_refused),
        cmocka_unit_test(what_is_not_there_is_esrch),
        cmocka_unit_test(names_that_cannot_be_are_einval),
        cmocka_unit_test(a_group_may_be_a_number_without_an_entry),
        cmocka_unit_test(the_groups_of_root_begin_with_its_own),
        cmocka_unit_test(libc_names_are_ours),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
