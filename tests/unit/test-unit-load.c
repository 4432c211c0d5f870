/* SPDX-License-Identifier: Apache-2.0 */
/* From names to settings, over a directory tree: priorities, aliases, templates, masks, drop-ins, .wants, bad
 * files. */
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "unit/types.h"
#include "unit/unit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ETC "/etc/systemd/system/"
#define RUN "/run/systemd/system/"
#define LIB "/usr/lib/systemd/system/"

static char root[64];
static struct search_path where;
static struct text said;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    return remove(path);
}

static int make_root(void **state) {
    strcpy(root, "/tmp/test-load-XXXXXX");
    return mkdtemp(root) ? search_path_init(&where, root, NULL, true) : -1;
}

static int remove_root(void **state) {
    search_path_done(&where);
    text_free(&said);
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *full(const char *path) {
    char *f = path_join(root, path);
    assert_non_null(f);
    assert_int_equal(mkdir_parents(f, 0755), 0);
    return f;
}

static void put(const char *path, const char *content) {
    _cleanup_free_ char *f = full(path);
    assert_int_equal(file_write(f, content, 0644), 0);
}

static void put_link(const char *path, const char *target) {
    _cleanup_free_ char *f = full(path);
    unlink(f);
    assert_int_equal(symlink(target, f), 0);
}

static void report(void *userdata, const char *unit, const char *file, unsigned line, const char *message) {
    text_addf(&said, "%s:%u: %s\n", file ? path_base(file) : unit, line, message);
}

static struct unit_file *load(const char *name) {
    struct unit_file *u = NULL;
    text_clear(&said);
    assert_int_equal(search_cache_fill(&where), 0);
    assert_int_equal(unit_file_load(&where, NULL, name, report, NULL, &u), 0);
    assert_non_null(u);
    assert_string_equal(load_state_to_string(u->state), load_state_to_string(u->state));
    return u;
}

/* "Description" of the unit, which tells the files apart. */
static void check_description(const char *name, const char *expected) {
    _cleanup_(unit_file_freep) struct unit_file *u = load(name);
    assert_string_equal(unit_string(u, D_Description) ?: "", expected);
}

static void check_strv(char *const *v, const char *expected) {
    _cleanup_free_ char *joined = strv_join(v, " ");
    assert_string_equal(joined, expected);
}

static void check_path(const char *path, const char *expected) {
    const char *below = path ? path_below(path, root) : NULL;
    assert_string_equal(below ?: "", expected + 1);
}

static void the_directory_of_the_highest_priority_wins(void **state) {
    put(LIB "a.service", "[Unit]\nDescription=lib\n");
    check_description("a.service", "lib");
    put("/usr/local/lib/systemd/system/a.service", "[Unit]\nDescription=local\n");
    check_description("a.service", "local");
    put("/run/systemd/generator/a.service", "[Unit]\nDescription=generator\n");
    check_description("a.service", "generator");
    put(RUN "a.service", "[Unit]\nDescription=run\n");
    check_description("a.service", "run");
    put(ETC "a.service", "[Unit]\nDescription=etc\n");
    check_description("a.service", "etc");
    put("/run/systemd/generator.early/a.service", "[Unit]\nDescription=early\n");
    check_description("a.service", "early");
    put("/run/systemd/transient/a.service", "[Unit]\nDescription=transient\n");
    check_description("a.service", "transient");
    _cleanup_(unit_file_freep) struct unit_file *u = load("a.service");
    assert_int_equal(u->state, LOAD_LOADED);
    assert_true(u->transient);
    check_path(u->fragment_path, "/run/systemd/transient/a.service");
}

static void what_is_not_there_is_not_found(void **state) {
    _cleanup_(unit_file_freep) struct unit_file *u = load("nowhere.service"), *s = load("no-such.slice");
    assert_int_equal(u->state, LOAD_NOT_FOUND);
    assert_null(u->fragment_path);
    assert_int_equal(s->state, LOAD_LOADED); /* slices need no file */
    struct unit_file *none = NULL;
    assert_int_equal(unit_file_load(&where, NULL, "bogus", report, NULL, &none), -EINVAL);
    assert_int_equal(unit_file_load(&where, NULL, "x@.service", report, NULL, &none), -EINVAL);
}

static void a_link_to_another_unit_is_a_name_of_it(void **state) {
    put(LIB "real.service", "[Unit]\nDescription=%n\n");
    put_link(ETC "alias.service", "/usr/lib/systemd/system/real.service");
    put_link(ETC "second.service", "alias.service");
    put_link(ETC "wrong.socket", "/usr/lib/systemd/system/real.service");
    _cleanup_(unit_file_freep) struct unit_file *u = load("second.service");
    assert_string_equal(u->name, "real.service");
    check_strv(u->aliases, "alias.service second.service");
    assert_string_equal(unit_string(u, D_Description), "real.service");
    check_path(u->fragment_path, LIB "real.service");
    _cleanup_(unit_file_freep) struct unit_file *wrong = load("wrong.socket");
    assert_int_equal(wrong->state, LOAD_NOT_FOUND);
    /* The file the alias is of may itself be overridden. */
    put(ETC "real.service", "[Unit]\nDescription=mine\n");
    check_description("alias.service", "mine");
}

static void a_link_to_a_file_elsewhere_is_that_file(void **state) {
    put("/opt/app/linked.service", "[Unit]\nDescription=linked\n");
    _cleanup_free_ char *target = full("/opt/app/linked.service");
    put_link(ETC "linked.service", target);
    _cleanup_(unit_file_freep) struct unit_file *u = load("linked.service");
    assert_string_equal(unit_string(u, D_Description), "linked");
    assert_string_equal(u->name, "linked.service");
    check_path(u->fragment_path, ETC "linked.service");
}

static void a_link_to_its_own_name_counts_for_nothing(void **state) {
    put(LIB "own.service", "[Unit]\nDescription=own\n");
    put_link(ETC "own.service", "/usr/lib/systemd/system/own.service");
    check_description("own.service", "own");
}

static void an_instance_is_made_of_its_template(void **state) {
    put(LIB "t@.service", "[Unit]\nDescription=%p %i %I %j\n");
    check_description("t@a-b.service", "t a-b a/b t");
    put(LIB "t@special.service", "[Unit]\nDescription=special\n");
    check_description("t@special.service", "special");
    put_link(ETC "other@.service", "/usr/lib/systemd/system/t@.service");
    _cleanup_(unit_file_freep) struct unit_file *u = load("other@x.service");
    assert_string_equal(u->name, "t@x.service");
    check_strv(u->aliases, "other@x.service");
    put_link(ETC "t@linked.service", "/usr/lib/systemd/system/t@.service");
    check_description("t@linked.service", "t linked linked t");
    put_link(ETC "plain.service", "/usr/lib/systemd/system/t@p.service");
    check_description("plain.service", "t p p t");
}

static void masks(void **state) {
    put(LIB "m.service", "[Unit]\nDescription=m\n");
    put_link(ETC "m.service", "/dev/null");
    _cleanup_(unit_file_freep) struct unit_file *u = load("m.service");
    assert_int_equal(u->state, LOAD_MASKED);
    assert_string_equal(path_base(u->fragment_path), "m.service");
    put(LIB "e.service", "[Unit]\nDescription=e\n");
    put(ETC "e.service", "");
    _cleanup_(unit_file_freep) struct unit_file *e = load("e.service");
    assert_int_equal(e->state, LOAD_MASKED);
    put(LIB "m@.service", "[Unit]\nDescription=m\n");
    put_link(ETC "m@one.service", "/dev/null");
    _cleanup_(unit_file_freep) struct unit_file *one = load("m@one.service"), *two = load("m@two.service");
    assert_int_equal(one->state, LOAD_MASKED);
    assert_int_equal(two->state, LOAD_LOADED);
    put_link(ETC "m-alias.service", "/etc/systemd/system/m.service");
    _cleanup_(unit_file_freep) struct unit_file *alias = load("m-alias.service");
    assert_int_equal(alias->state, LOAD_MASKED);
    assert_string_equal(alias->name, "m.service");
}

static void drop_ins_in_all_forms_are_read_in_the_order_of_their_names(void **state) {
    put(LIB "foo-bar-baz.service", "[Unit]\nDescription=fragment\n[Service]\nEnvironment=F=1\n");
    put(LIB "service.d/50-type.conf", "[Service]\nEnvironment=TYPE=1\n");
    put(LIB "foo-.service.d/40-foo.conf", "[Service]\nEnvironment=FOO=1\n");
    put(LIB "foo-bar-.service.d/30-bar.conf", "[Service]\nEnvironment=BAR=1\n");
    put(LIB "foo-bar-baz.service.d/20-own.conf", "[Service]\nEnvironment=OWN=1\n");
    put(RUN "foo-bar-baz.service.d/60-run.conf", "[Unit]\nDescription=dropped in\n");
    put(RUN "foo-bar-baz.service.d/ignored.txt", "[Unit]\nDescription=no\n");
    _cleanup_(unit_file_freep) struct unit_file *u = load("foo-bar-baz.service");
    check_strv(unit_strv(u, D_Environment), "F=1 OWN=1 BAR=1 FOO=1 TYPE=1");
    assert_string_equal(unit_string(u, D_Description), "dropped in");
    assert_int_equal(strv_length(u->dropin_paths), 5);
    check_path(u->dropin_paths[0], LIB "foo-bar-baz.service.d/20-own.conf");
    check_path(u->dropin_paths[4], RUN "foo-bar-baz.service.d/60-run.conf");
    /* The same file name in a directory of higher priority replaces it; an empty one or /dev/null takes it
     * away. */
    put(ETC "foo-bar-baz.service.d/40-foo.conf", "[Service]\nEnvironment=ETC=1\n");
    put_link(ETC "service.d/30-bar.conf", "/dev/null");
    put_link(ETC "foo-bar-baz.service.d/20-own.conf", "/dev/null");
    _cleanup_(unit_file_freep) struct unit_file *v = load("foo-bar-baz.service");
    check_strv(unit_strv(v, D_Environment), "F=1 BAR=1 ETC=1 TYPE=1");
    remove_root(state);
    make_root(state);
}

static void drop_ins_of_templates_instances_and_aliases(void **state) {
    put(LIB "d@.service", "[Service]\nEnvironment=F=1\n");
    put(LIB "d@.service.d/a.conf", "[Service]\nEnvironment=TEMPLATE=%i\n");
    put(LIB "d@x.service.d/b.conf", "[Service]\nEnvironment=INSTANCE=%i\n");
    _cleanup_(unit_file_freep) struct unit_file *u = load("d@x.service"), *v = load("d@y.service");
    check_strv(unit_strv(u, D_Environment), "F=1 TEMPLATE=x INSTANCE=x");
    check_strv(unit_strv(v, D_Environment), "F=1 TEMPLATE=y");
    put(LIB "named.service", "[Service]\nEnvironment=F=1\n");
    put_link(LIB "nickname.service", "named.service");
    put(ETC "nickname.service.d/x.conf", "[Service]\nEnvironment=NICK=1\n");
    _cleanup_(unit_file_freep) struct unit_file *n = load("named.service");
    check_strv(unit_strv(n, D_Environment), "F=1 NICK=1");
}

static void links_in_wants_directories_are_dependencies(void **state) {
    put(LIB "w.target", "[Unit]\nDescription=w\n");
    put_link(ETC "w.target.wants/a.service", "/usr/lib/systemd/system/a.service");
    put_link(LIB "w.target.wants/b.service", "../b.service");
    put_link(LIB "w.target.wants/c.service", "../c.service");
    put_link(ETC "w.target.wants/c.service", "/dev/null");
    put_link(RUN "w.target.requires/r.service", "/nowhere/r.service");
    put_link(ETC "w.target.upholds/u@1.service", "/usr/lib/systemd/system/u@.service");
    put(ETC "w.target.wants/not a unit", "");
    _cleanup_(unit_file_freep) struct unit_file *u = load("w.target");
    check_strv(u->wants_from_dirs, "a.service b.service");
    check_strv(u->requires_from_dirs, "r.service");
    check_strv(u->upholds_from_dirs, "u@1.service");
    put(LIB "wt@.service", "[Unit]\nDescription=wt\n");
    put_link(LIB "wt@.service.wants/sub@.service", "../sub@.service");
    _cleanup_(unit_file_freep) struct unit_file *t = load("wt@7.service");
    check_strv(t->wants_from_dirs, "sub@7.service");
}

static void what_is_wrong_is_said_once_and_the_unit_loads(void **state) {
    put(LIB "bad.service",
        "X=1\n[Unit]\nDescription=good\nBogus=1\n[Bogus]\na=1\nb=2\n[X-Other]\nc=1\n[X-Reeve]\nStrict=yes\n"
        "Nope=1\n[Service]\nRestart=sometimes\nAfter=x\nX-Mine=1\n[Install]\nWantedBy=multi-user.target\n"
        "What=1\n[Socket]\nListenStream=1\n");
    _cleanup_(unit_file_freep) struct unit_file *u = load("bad.service");
    assert_int_equal(u->state, LOAD_LOADED);
    assert_string_equal(unit_string(u, D_Description), "good");
    assert_true(unit_bool(u, D_Strict));
    assert_false(unit_setting_written(u, D_WantedBy));
    assert_string_equal(
        text_str(&said),
        "bad.service:1: Assignment outside of section. Ignoring.\n"
        "bad.service:4: Unknown key name 'Bogus' in section 'Unit', ignoring.\n"
        "bad.service:6: Unknown section 'Bogus'. Ignoring.\n"
        "bad.service:12: Unknown key name 'Nope' in section 'X-Reeve', ignoring.\n"
        "bad.service:14: Restart=sometimes: not one of no, on-success, on-failure, on-abnormal, on-watchdog, "
        "on-abort, always, ignoring\n"
        "bad.service:15: Unknown key name 'After' in section 'Service', ignoring.\n"
        "bad.service:19: Unknown key name 'What' in section 'Install', ignoring.\n"
        "bad.service:21: Unknown section 'Socket'. Ignoring.\n");
}

static void a_setting_that_must_not_be_ignored_is_a_bad_setting(void **state) {
    put(LIB "fatal.service", "[Service]\nExecStart=a/b\nUser=x\n");
    _cleanup_(unit_file_freep) struct unit_file *u = load("fatal.service");
    assert_int_equal(u->state, LOAD_BAD_SETTING);
    assert_non_null(
        strstr(u->error, "fatal.service:2: ExecStart=a/b: neither an absolute path nor a file name"));
    assert_string_equal(unit_string(u, D_User), "x");
}

static void files_that_cannot_be_read(void **state) {
    _cleanup_free_ char *directory = full(LIB "directory.service"), *elsewhere = full("/opt/dir"),
                        *fifo = full("/opt/fifo");
    assert_int_equal(mkdir(directory, 0755), 0);
    assert_int_equal(mkdir(elsewhere, 0755), 0);
    assert_int_equal(mkfifo(fifo, 0644), 0);
    put_link(ETC "todir.service", elsewhere);
    put_link(ETC "tofifo.service", fifo);
    put_link(ETC "loop1.service", "loop2.service");
    put_link(ETC "loop2.service", "loop1.service");
    put_link(ETC "self.service", "/opt/self.service");
    put_link("/opt/self.service", "self.service");
    put_link(ETC "dangling.service", "/opt/nothing.service");
    static const struct {
        const char *name;
        enum load_state state;
    } cases[] = { { "directory.service", LOAD_NOT_FOUND }, { "todir.service", LOAD_ERROR },
                  { "tofifo.service", LOAD_ERROR },        { "loop1.service", LOAD_ERROR },
                  { "self.service", LOAD_NOT_FOUND },      { "dangling.service", LOAD_NOT_FOUND } };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        _cleanup_(unit_file_freep) struct unit_file *u = load(cases[i].name);
        if (u->state != cases[i].state)
            print_error("%s: %s\n", cases[i].name, load_state_to_string(u->state));
        assert_int_equal(u->state, cases[i].state);
        assert_int_equal(u->state == LOAD_ERROR, u->error != NULL);
    }
    /* It was there when the directories were read, and is gone. */
    put(LIB "vanishing.service", "[Unit]\nDescription=x\n");
    assert_int_equal(search_cache_fill(&where), 0);
    _cleanup_free_ char *file = full(LIB "vanishing.service");
    unlink(file);
    _cleanup_(unit_file_freep) struct unit_file *u = NULL;
    assert_int_equal(unit_file_load(&where, NULL, "vanishing.service", report, NULL, &u), 0);
    assert_int_equal(u->state, LOAD_NOT_FOUND);
}

static void changes_are_noticed(void **state) {
    put(LIB "change.service", "[Unit]\nDescription=1\n");
    _cleanup_(unit_file_freep) struct unit_file *u = load("change.service"), *none = load("later.service");
    assert_false(unit_file_changed(&where, u));
    assert_false(unit_file_changed(&where, none));
    put(ETC "change.service.d/x.conf", "[Unit]\nDescription=2\n");
    put(ETC "later.service", "[Unit]\nDescription=2\n");
    assert_true(unit_file_changed(&where, u));
    assert_true(unit_file_changed(&where, none));
    _cleanup_(unit_file_freep) struct unit_file *v = load("change.service");
    assert_false(unit_file_changed(&where, v));
    _cleanup_free_ char *file = full(ETC "change.service.d/x.conf");
    struct timespec times[2] = { { 1, 0 }, { 4102444800, 0 } };
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
    assert_true(unit_file_changed(&where, v));
    put_link(ETC "change.service", "/dev/null");
    assert_true(unit_file_changed(&where, v));
}

static void a_file_that_comes_later_is_found_without_a_reload(void **state) {
    _cleanup_(unit_file_freep) struct unit_file *none = load("late.service"), *u = NULL;
    assert_int_equal(none->state, LOAD_NOT_FOUND);
    put(ETC "late.service", "[Unit]\nDescription=late\n");
    usleep(20000); /* what was looked at a moment ago is not looked at again */
    assert_int_equal(unit_file_load(&where, NULL, "late.service", report, NULL, &u), 0);
    assert_int_equal(u->state, LOAD_LOADED);
    assert_false(unit_file_changed(&where, u));
}

static void vendor_units_are_there_without_any_file(void **state) {
    _cleanup_(unit_file_freep) struct unit_file *u = load("multi-user.target");
    assert_int_equal(u->state, LOAD_LOADED);
    assert_null(u->fragment_path);
    assert_non_null(unit_string(u, D_Description));
    put(ETC "multi-user.target", "[Unit]\nDescription=mine\n");
    check_description("multi-user.target", "mine");
}

static int count(void *userdata, const char *name, const char *file) {
    text_addf(userdata, "%s %s\n", name, file ? path_below(file, root) : "-");
    return 0;
}

static void all_unit_files_are_listed_once(void **state) {
    _cleanup_text_ struct text list = {};
    put(LIB "zz.service", "[Unit]\n");
    put(ETC "zz.service", "[Unit]\n");
    assert_int_equal(search_cache_fill(&where), 0);
    assert_int_equal(search_list(&where, count, &list), 0);
    assert_non_null(strstr(list.s, "\nzz.service etc/systemd/system/zz.service\n"));
    assert_null(strstr(list.s, "usr/lib/systemd/system/zz.service"));
    assert_non_null(strstr(list.s, "basic.target -\n"));
}

static void a_trivial_service_is_small(void **state) {
    put(LIB "small.service",
        "[Unit]\nDescription=A small service\n[Service]\nType=simple\nExecStart=/bin/sleep 1000\n"
        "[Install]\nWantedBy=multi-user.target\n");
    struct unit_file *u = load("small.service");
    unit_file_free(u);
    size_t before = mallinfo2().uordblks;
    assert_int_equal(unit_file_load(&where, NULL, "small.service", report, NULL, &u), 0);
    size_t size = mallinfo2().uordblks - before;
    print_message("%zu bytes\n", size);
    assert_true(size < 640);
    unit_file_free(u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_directory_of_the_highest_priority_wins),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_link_to_another_unit_is_a_name_of_it),
        cmocka_unit_test(a_link_to_a_file_elsewhere_is_that_file),
        cmocka_unit_test(a_link_to_its_own_name_counts_for_nothing),
        cmocka_unit_test(an_instance_is_made_of_its_template),
        cmocka_unit_test(masks),
        cmocka_unit_test(drop_ins_in_all_forms_are_read_in_the_order_of_their_names),
        cmocka_unit_test(drop_ins_of_templates_instances_and_aliases),
        cmocka_unit_test(links_in_wants_directories_are_dependencies),
        cmocka_unit_test(what_is_wrong_is_said_once_and_the_unit_loads),
        cmocka_unit_test(a_setting_that_must_not_be_ignored_is_a_bad_setting),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(changes_are_noticed),
        cmocka_unit_test(a_file_that_comes_later_is_found_without_a_reload),
        cmocka_unit_test(vendor_units_are_there_without_any_file),
        cmocka_unit_test(all_unit_files_are_listed_once),
        cmocka_unit_test(a_trivial_service_is_small),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
