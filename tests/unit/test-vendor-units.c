/* SPDX-License-Identifier: Apache-2.0 */
/* The units that are compiled in: they load without a word, and what they pull in is there. */
#include "base/strv.h"
#include "unit/name.h"
#include "unit/unit_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];
static struct search_path search;
static const struct manager_dirs dirs = { "/run", "/var/lib", "/var/cache", "/var/log", "/etc", NULL, true };

static int set_up(void **state) {
    strcpy(root, "/tmp/reeve-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_int_equal(search_path_init(&search, root, "/run", true), 0);
    return search_cache_fill(&search);
}

static int tear_down(void **state) {
    search_path_done(&search);
    return rmdir(root);
}

static void complain(void *userdata, const char *unit, const char *file, unsigned line, const char *message) {
    fprintf(stderr, "%s:%u: %s\n", unit, line, message);
    ++*(unsigned *)userdata;
}

static struct unit_file *load(const char *name, unsigned *complaints) {
    struct unit_file *f;
    _cleanup_free_ char *instance = NULL;
    if (unit_name_kind(name) == UNIT_NAME_TEMPLATE)
        assert_int_equal(unit_name_replace_instance(name, "x", &instance), 0);
    assert_int_equal(unit_file_load(&search, &dirs, instance ? instance : name, complain, complaints, &f), 0);
    return f;
}

static void test_the_table_is_sorted(void **state) {
    assert_true(n_vendor_units > 50);
    for (size_t i = 0; i < n_vendor_units; i++) {
        assert_ptr_equal(vendor_unit_find(vendor_units[i].name), &vendor_units[i]);
        assert_true(i == 0 || strcmp(vendor_units[i - 1].name, vendor_units[i].name) < 0);
    }
    assert_null(vendor_units[n_vendor_units].name);
    assert_null(vendor_unit_find("no-such.service"));
}

static void test_every_unit_loads_without_a_word(void **state) {
    unsigned complaints = 0;
    for (size_t i = 0; i < n_vendor_units; i++) {
        struct unit_file *f = load(vendor_units[i].name, &complaints);
        if (f->state != LOAD_LOADED)
            fprintf(stderr, "%s: %s\n", vendor_units[i].name, f->error ? f->error : "not loaded");
        assert_int_equal(f->state, LOAD_LOADED);
        unit_file_free(f);
    }
    assert_int_equal(complaints, 0);
}

static void test_what_is_required_is_there(void **state) {
    static const enum directive kinds[] = { D_Requires, D_Wants };
    unsigned complaints = 0;
    for (size_t i = 0; i < n_vendor_units; i++) {
        struct unit_file *f = load(vendor_units[i].name, &complaints);
        for (size_t k = 0; k < ELEMENTS(kinds); k++)
            STRV_FOREACH(name, unit_strv(f, kinds[k]))
                if (strcmp(*name, "display-manager.service") != 0 && !vendor_unit_find(*name))
                    fail_msg("%s wants %s", f->name, *name);
        unit_file_free(f);
    }
}

static void test_the_default_target_is_an_alias(void **state) {
    unsigned complaints = 0;
    struct unit_file *f = load("default.target", &complaints);
    assert_string_equal(f->name, "multi-user.target");
    unit_file_free(f);
    f = load("runlevel6.target", &complaints);
    assert_string_equal(f->name, "reboot.target");
    unit_file_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_sorted),
        cmocka_unit_test(test_every_unit_loads_without_a_word),
        cmocka_unit_test(test_what_is_required_is_there),
        cmocka_unit_test(test_the_default_target_is_an_alias),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
