/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/text.h"
#include "unit/condition.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/test-condition.XXXXXX";
static const struct manager_dirs dirs = { .runtime = "/run", .credentials = directory };
static char *const environment[] = { (char *)"A=1", (char *)"EMPTY=", NULL };
static struct condition_context ctx = { .dirs = &dirs,
                                        .environment = environment,
                                        .virtualization = "docker" };

static int test(enum condition_kind kind, const char *parameter) {
    struct condition c = { .kind = kind, .parameter = (char *)parameter };
    return condition_test(&c, &ctx);
}

static const char *at(const char *name) {
    static char path[4][256];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof(path[next]), "%s/%s", directory, name);
    return path[next];
}

static int make_places(void **state) {
    assert_non_null(mkdtemp(directory));
    assert_int_equal(mkdir(at("empty"), 0755), 0);
    assert_int_equal(mkdir(at("full"), 0755), 0);
    assert_int_equal(file_write(at("full/x.conf"), "x", 0644), 0);
    assert_int_equal(file_write(at("nothing"), "", 0644), 0);
    assert_int_equal(file_write(at("program"), "#!/bin/sh\n", 0755), 0);
    assert_int_equal(symlink("nowhere", at("dangling")), 0);
    assert_int_equal(symlink("full", at("link")), 0);
    return 0;
}

static int remove_places(void **state) {
    static const char *const names[] = { "full/x.conf", "full",     "empty", "nothing",
                                         "program",     "dangling", "link",  "" };
    for (size_t i = 0; i < ELEMENTS(names); i++)
        (void)!remove(at(names[i]));
    return 0;
}

static void paths(void **state) {
    assert_int_equal(test(CONDITION_PATH_EXISTS, at("full")), 1);
    assert_int_equal(test(CONDITION_PATH_EXISTS, at("dangling")), 0);
    assert_int_equal(test(CONDITION_PATH_EXISTS_GLOB, at("full/*.conf")), 1);
    assert_int_equal(test(CONDITION_PATH_EXISTS_GLOB, at("f[a-z]ll/?.conf")), 1);
    assert_int_equal(test(CONDITION_PATH_EXISTS_GLOB, at("empty/*")), 0);
    assert_int_equal(test(CONDITION_PATH_IS_DIRECTORY, at("link")), 1);
    assert_int_equal(test(CONDITION_PATH_IS_DIRECTORY, at("program")), 0);
    assert_int_equal(test(CONDITION_PATH_IS_SYMBOLIC_LINK, at("dangling")), 1);
    assert_int_equal(test(CONDITION_PATH_IS_SYMBOLIC_LINK, at("full")), 0);
    assert_int_equal(test(CONDITION_PATH_IS_MOUNT_POINT, "/proc"), 1);
    assert_int_equal(test(CONDITION_PATH_IS_MOUNT_POINT, "/"), 1);
    assert_int_equal(test(CONDITION_PATH_IS_MOUNT_POINT, at("full")), 0);
    assert_int_equal(test(CONDITION_PATH_IS_READ_WRITE, directory), 1);
    assert_int_equal(test(CONDITION_PATH_IS_READ_WRITE, at("missing")), 0);
    assert_int_equal(test(CONDITION_DIRECTORY_NOT_EMPTY, at("full")), 1);
    assert_int_equal(test(CONDITION_DIRECTORY_NOT_EMPTY, at("empty")), 0);
    assert_int_equal(test(CONDITION_DIRECTORY_NOT_EMPTY, at("missing")), 0);
    assert_int_equal(test(CONDITION_FILE_NOT_EMPTY, at("program")), 1);
    assert_int_equal(test(CONDITION_FILE_NOT_EMPTY, at("nothing")), 0);
    assert_int_equal(test(CONDITION_FILE_IS_EXECUTABLE, at("program")), 1);
    assert_int_equal(test(CONDITION_FILE_IS_EXECUTABLE, at("full")), 0);
}

static void a_mark_negates(void **state) {
    struct condition c = { .kind = CONDITION_PATH_EXISTS,
                           .negate = true,
                           .parameter = (char *)at("missing") };
    assert_int_equal(condition_test(&c, &ctx), 1);
    c.parameter = (char *)at("full");
    assert_int_equal(condition_test(&c, &ctx), 0);
}

static void virtualization(void **state) {
    assert_int_equal(test(CONDITION_VIRTUALIZATION, "docker"), 1);
    assert_int_equal(test(CONDITION_VIRTUALIZATION, "container"), 1);
    assert_int_equal(test(CONDITION_VIRTUALIZATION, "yes"), 1);
    assert_int_equal(test(CONDITION_VIRTUALIZATION, "no"), 0);
    assert_int_equal(test(CONDITION_VIRTUALIZATION, "vm"), 0);
    assert_int_equal(test(CONDITION_VIRTUALIZATION, "podman"), 0);
    struct condition_context none = ctx;
    none.virtualization = "none";
    struct condition c = { .kind = CONDITION_VIRTUALIZATION, .parameter = (char *)"no" };
    assert_int_equal(condition_test(&c, &none), 1);
    char *const podman[] = { (char *)"container=podman", NULL };
    bool vm = true;
    if (access("/run/host/container-manager", F_OK) < 0) {
        assert_string_equal(virtualization_detect(podman, &vm), "podman");
        assert_false(vm);
    }
}

static void the_manager(void **state) {
    assert_int_equal(test(CONDITION_ENVIRONMENT, "A"), 1);
    assert_int_equal(test(CONDITION_ENVIRONMENT, "A=1"), 1);
    assert_int_equal(test(CONDITION_ENVIRONMENT, "A=2"), 0);
    assert_int_equal(test(CONDITION_ENVIRONMENT, "EMPTY"), 1);
    assert_int_equal(test(CONDITION_ENVIRONMENT, "B"), 0);
    assert_int_equal(test(CONDITION_FIRST_BOOT, "no"), 1);
    assert_int_equal(test(CONDITION_FIRST_BOOT, "yes"), 0);
    assert_int_equal(test(CONDITION_FIRST_BOOT, "perhaps"), -EINVAL);
    assert_int_equal(test(CONDITION_CREDENTIAL, "program"), 1);
    assert_int_equal(test(CONDITION_CREDENTIAL, "missing"), 0);
    assert_int_equal(test(CONDITION_CREDENTIAL, "../x"), 0);
    char uid[16];
    snprintf(uid, sizeof(uid), "%u", (unsigned)getuid());
    assert_int_equal(test(CONDITION_USER, uid), 1);
    assert_int_equal(test(CONDITION_USER, "54321"), 0);
    assert_int_equal(test(CONDITION_USER, "nobody-of-this-name"), 0);
    assert_int_equal(test(CONDITION_CAPABILITY, "CAP_NONSENSE"), -EINVAL);
}

static void versions(void **state) {
    static const char *const ascending[] = { "~rc1",    "",    "0.1",  "1~rc1", "1", "1-1",
                                             "1^post1", "1.2", "1.2a", "1.10",  "2", "10" };
    for (size_t i = 0; i < ELEMENTS(ascending); i++)
        for (size_t j = 0; j < ELEMENTS(ascending); j++) {
            int order = version_compare(ascending[i], ascending[j]);
            if ((order > 0) - (order < 0) != (i > j) - (i < j))
                fail_msg("%s and %s: %d", ascending[i], ascending[j], order);
        }
    assert_int_equal(version_compare("1.01", "1.1"), 0);
    assert_int_equal(test(CONDITION_KERNEL_VERSION, ">=2.6"), 1);
    assert_int_equal(test(CONDITION_KERNEL_VERSION, ">= 2.6 <1000"), 1);
    assert_int_equal(test(CONDITION_KERNEL_VERSION, ">= 2.6 < 1000"), -EINVAL);
    assert_int_equal(test(CONDITION_KERNEL_VERSION, "<2.6"), 0);
    assert_int_equal(test(CONDITION_KERNEL_VERSION, "*"), 1);
    assert_int_equal(test(CONDITION_KERNEL_VERSION, ">="), -EINVAL);
    assert_int_equal(test(CONDITION_VERSION, "systemd >= 250"), 1);
    assert_int_equal(test(CONDITION_VERSION, "glibc >= 2"), 1);
    struct utsname u;
    assert_int_equal(uname(&u), 0);
    assert_int_equal(test(CONDITION_KERNEL_VERSION, u.release), 1);
}

static void numbers(void **state) {
    assert_int_equal(test(CONDITION_CPUS, "1"), 1);
    assert_int_equal(test(CONDITION_CPUS, ">100000"), 0);
    assert_int_equal(test(CONDITION_CPUS, "many"), -EINVAL);
    assert_int_equal(test(CONDITION_MEMORY, ">= 1M"), 1);
    assert_int_equal(test(CONDITION_MEMORY, "<1M"), 0);
    assert_int_equal(test(CONDITION_MEMORY_PRESSURE, "100%"), 1);
    assert_int_equal(test(CONDITION_MEMORY_PRESSURE, "no-such.slice:1%/1min"), 1);
    assert_true(test(CONDITION_MEMORY_PRESSURE, "half") < 0);
}

static void the_system(void **state) {
    assert_int_equal(test(CONDITION_ARCHITECTURE, "native"), 1);
    assert_int_equal(test(CONDITION_ARCHITECTURE, "pdp-11"), 0);
    assert_int_equal(test(CONDITION_OS_RELEASE, "NO_SUCH_FIELD=1"), 0);
    assert_true(test(CONDITION_OS_RELEASE, "nonsense") <= 0);
    struct utsname u;
    assert_int_equal(uname(&u), 0);
    assert_int_equal(test(CONDITION_HOST, u.nodename), 1);
    assert_int_equal(test(CONDITION_HOST, "*"), 1);
    assert_int_equal(test(CONDITION_HOST, "not-this-one"), 0);
    assert_int_equal(test(CONDITION_SECURITY, "magic"), 0);
    assert_true(test(CONDITION_AC_POWER, "true") != test(CONDITION_AC_POWER, "false"));
    /* Every kind has a test, and survives nonsense. */
    for (int kind = 0; kind < CONDITION_KINDS; kind++) {
        assert_true(test(kind, "") != -EOPNOTSUPP);
        (void)test(kind, "%s%n(((/../\xff");
    }
    assert_int_equal(test(CONDITION_KINDS, "x"), -EOPNOTSUPP);
}

static const struct condition *told;
static int times;

static void tell(void *userdata, const struct condition *condition) {
    told = condition;
    times++;
}

static bool pass(size_t n, const struct condition *items, int *results) {
    struct condition_list *list = calloc(1, sizeof(*list) + n * sizeof(*items));
    assert_non_null(list);
    list->n = n;
    if (n)
        memcpy(list->items, items, n * sizeof(*items));
    times = 0;
    bool r = conditions_pass(list, &ctx, tell, NULL, results);
    free(list);
    return r;
}

#define HOLDS                                                                                                \
    { .kind = CONDITION_PATH_EXISTS, .parameter = (char *)"/" }
#define FAILS                                                                                                \
    { .kind = CONDITION_PATH_EXISTS, .parameter = (char *)"/does/not/exist" }
#define OR_HOLDS                                                                                             \
    { .kind = CONDITION_PATH_EXISTS, .parameter = (char *)"/", .trigger = true }
#define OR_FAILS                                                                                             \
    { .kind = CONDITION_PATH_EXISTS, .parameter = (char *)"/does/not/exist", .trigger = true }
#define BROKEN                                                                                               \
    { .kind = CONDITION_FIRST_BOOT, .parameter = (char *)"perhaps" }

static void the_rule(void **state) {
    int results[3];
    assert_true(conditions_pass(NULL, &ctx, tell, NULL, NULL));
    assert_true(pass(0, NULL, NULL));
    assert_true(pass(2, (struct condition[]){ HOLDS, HOLDS }, results));
    assert_int_equal(results[1], 1);
    assert_false(pass(3, (struct condition[]){ HOLDS, FAILS, HOLDS }, results));
    assert_int_equal(results[0], 1);
    assert_int_equal(results[1], -1);
    assert_int_equal(results[2], 0);
    assert_int_equal(times, 1);
    assert_non_null(told);
    assert_true(pass(2, (struct condition[]){ OR_FAILS, OR_HOLDS }, NULL));
    assert_false(pass(2, (struct condition[]){ OR_FAILS, OR_FAILS }, NULL));
    assert_null(told);
    assert_int_equal(times, 1);
    assert_true(pass(3, (struct condition[]){ HOLDS, OR_FAILS, OR_HOLDS }, NULL));
    assert_false(pass(2, (struct condition[]){ HOLDS, OR_FAILS }, NULL));
    assert_false(pass(2, (struct condition[]){ FAILS, OR_HOLDS }, NULL));
    assert_false(pass(1, (struct condition[]){ BROKEN }, NULL));
}

static void description(void **state) {
    _cleanup_text_ struct text out = {};
    struct condition c = {
        .kind = CONDITION_PATH_EXISTS, .trigger = true, .negate = true, .parameter = (char *)"/x"
    };
    condition_describe(&c, &out);
    assert_string_equal(text_str(&out), "ConditionPathExists=|!/x");
    text_clear(&out);
    c = (struct condition){ .kind = CONDITION_USER, .assert = true, .parameter = (char *)"root" };
    condition_describe(&c, &out);
    assert_string_equal(text_str(&out), "AssertUser=root");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),       cmocka_unit_test(a_mark_negates), cmocka_unit_test(virtualization),
        cmocka_unit_test(the_manager), cmocka_unit_test(versions),       cmocka_unit_test(numbers),
        cmocka_unit_test(the_system),  cmocka_unit_test(the_rule),       cmocka_unit_test(description),
    };
    return cmocka_run_group_tests(tests, make_places, remove_places);
}
