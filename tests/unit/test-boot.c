/* SPDX-License-Identifier: Apache-2.0 */
/* What PID 1 does to its surroundings, in a directory of the test's own. */
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/strv.h"
#include "engine/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static int set_up(void **state) {
    strcpy(root, "/tmp/reeve-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_int_equal(chdir(root), 0);
    return 0;
}

static int tear_down(void **state) {
    char command[128];
    assert_int_equal(chdir("/"), 0);
    snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

static void make(const char *path, const char *content) {
    bool directory = path[strlen(path) - 1] == '/';
    assert_true((directory ? mkdir_p(path, 0755) : mkdir_parents(path, 0755)) >= 0);
    if (!directory)
        assert_int_equal(file_write(path, content, 0644), 0);
}

static bool there(const char *path) {
    struct stat st;
    return lstat(path, &st) >= 0;
}

/* A socket file; with somebody behind it if the descriptor is kept. */
static int make_socket(const char *path) {
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void test_files_of_an_earlier_run_go_directories_stay(void **state) {
    make("run/apache2.pid", "123\n");
    make("run/mysqld/mysqld.pid", "124\n");
    make("run/systemd/system/x.service", "");
    make("run/systemd/generator/a.wants/x", "");
    make("run/.containerenv", "");
    make("run/secrets/token", "s");
    make("run/host/os-release", "s");
    close(make_socket("run/mysqld/mysqld.sock"));
    assert_int_equal(mkfifo("run/fifo", 0600), 0);
    assert_int_equal(symlink("/dev/shm", "run/shm"), 0);
    assert_int_equal(symlink("../mysqld", "run/systemd/link"), 0);
    assert_true(boot_clean_runtime("run") > 5);
    assert_false(there("run/apache2.pid"));
    assert_false(there("run/mysqld/mysqld.pid"));
    assert_false(there("run/mysqld/mysqld.sock"));
    assert_false(there("run/fifo"));
    assert_false(there("run/systemd"));
    assert_true(there("run/mysqld"));
    assert_true(there("run/shm"));
    assert_true(there("run/.containerenv"));
    assert_true(there("run/secrets/token"));
    assert_true(there("run/host/os-release"));
}

static void test_nothing_goes_while_somebody_answers(void **state) {
    make("run/a.pid", "1\n");
    make("run/deep/x/", "");
    int fd = make_socket("run/deep/x/socket");
    assert_int_equal(boot_clean_runtime("run"), 0);
    assert_true(there("run/a.pid"));
    assert_true(there("run/deep/x/socket"));
    close(fd);
    assert_true(boot_clean_runtime("run") > 0);
    assert_false(there("run/a.pid"));
}

static void test_symlinks_are_not_followed(void **state) {
    make("elsewhere/keep", "x");
    make("run/systemd/x", "");
    assert_int_equal(symlink("../elsewhere", "run/dir"), 0);
    assert_int_equal(symlink("../../elsewhere", "run/systemd/dir"), 0);
    boot_clean_runtime("run");
    assert_true(there("elsewhere/keep"));
    /* but /run itself may be one */
    make("var/run/x.pid", "1");
    assert_int_equal(symlink("var/run", "run2"), 0);
    assert_int_equal(boot_clean_runtime("run2"), 1);
    assert_false(there("var/run/x.pid"));
}

/* In a mount namespace of its own; skipped where that is forbidden. */
static void in_mounts(void (*body)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(77);
        body();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define MUST(condition)                                                                                      \
    if (!(condition))                                                                                        \
    _exit(__COUNTER__ + 1)

static void mounts_below(void) {
    MUST(mount("volume", "run/a volume", NULL, MS_BIND, NULL) >=
         0); /* the same file system: st_dev tells nothing */
    MUST(mount("volume/file", "run/one-file", NULL, MS_BIND, NULL) >= 0);
    MUST(mount("tmpfs", "run/systemd/memory", "tmpfs", 0, NULL) >= 0);
    MUST(file_write("run/systemd/memory/file", "", 0644) >= 0);
    MUST(boot_clean_runtime("run") == 1);
    MUST(!there("run/x.pid"));
    MUST(there("volume/file") && there("volume/dir/file") && there("run/systemd/memory/file"));
}

static void test_mounts_are_never_crossed(void **state) {
    make("volume/file", "precious");
    make("volume/dir/file", "precious");
    make("run/a volume/", "");
    make("run/one-file", "");
    make("run/systemd/memory/", "");
    make("run/x.pid", "");
    in_mounts(mounts_below);
}

static void mounted_run(void) {
    MUST(mount("volume", "run", NULL, MS_BIND, NULL) >= 0);
    MUST(boot_clean_runtime("run") == 2);
    MUST(there("volume/x.pid") && there("volume/systemd") && !there("volume/systemd/units"));
}

static void test_a_volume_on_run_is_not_emptied(void **state) {
    make("volume/x.pid", "precious");
    make("volume/systemd/units/x", "ours");
    make("run/", "");
    in_mounts(mounted_run);
}

static void test_containers_are_known_by_what_they_leave(void **state) {
    char *docker[] = { "container=docker", NULL }, *oci[] = { "container=oci", NULL },
         *odd[] = { "container=x", NULL };
    char *none[] = { NULL };
    assert_string_equal(boot_detect_container(root, docker), "docker");
    assert_string_equal(boot_detect_container(root, odd), "container-other");
    assert_string_equal(boot_detect_container(root, oci), "container-other");
    assert_null(boot_detect_container(root, none));
    make(".dockerenv", "");
    assert_string_equal(boot_detect_container(root, none), "docker");
    make("run/.containerenv", "");
    assert_string_equal(boot_detect_container(root, oci), "podman");
    make("run/host/container-manager", "systemd-nspawn\n");
    assert_string_equal(boot_detect_container(root, none), "systemd-nspawn");
}

static void test_the_machine_id_is_kept_or_made(void **state) {
    char *none[] = { NULL }, *uuid[] = { "container_uuid=0123456789abcdef0123456789abcdef", NULL };
    struct id128 a, b;
    bool transient;
    char text[33];
    assert_int_equal(boot_machine_id(root, "run", none, &a, &transient), 0);
    assert_true(transient); /* no /etc */
    make("run/", "");
    assert_int_equal(boot_machine_id(root, "run", none, &a, &transient), 0);
    assert_int_equal(boot_machine_id(root, "run", none, &b, &transient), 0);
    assert_true(transient && id128_equal(a, b)); /* the same after a re-execution */
    assert_int_equal(unlink("run/machine-id"), 0);
    make("etc/machine-id", "uninitialized\n");
    assert_int_equal(boot_machine_id(root, "run", none, &a, &transient), 0);
    assert_false(transient);
    assert_int_equal(boot_machine_id(root, "run", uuid, &b, &transient), 0);
    assert_true(id128_equal(a, b));
    make("etc/machine-id", "");
    assert_int_equal(boot_machine_id(root, "run", uuid, &b, &transient), 0);
    assert_string_equal(id128_to_string(b, text), "0123456789abcdef0123456789abcdef");
    make("etc/machine-id", "00000000000000000000000000000000\n");
    make("var/lib/dbus/machine-id", "fedcba9876543210fedcba9876543210\n");
    assert_int_equal(boot_machine_id(root, "run", none, &b, &transient), 0);
    assert_string_equal(id128_to_string(b, text), "fedcba9876543210fedcba9876543210");
    /* a directory, or nothing sensible, in its place */
    assert_int_equal(unlink("etc/machine-id"), 0);
    make("etc/machine-id/", "");
    assert_int_equal(boot_machine_id(root, "run", none, &b, &transient), 0);
    assert_true(transient);
}

static void test_services_get_of_the_environment_what_is_asked_for(void **state) {
    char *quiet[] = { "SECRET=x", "PATH=/odd", NULL };
    char *some[] = { "SECRET=x", "A=1", "B=2", "REEVE_PASS_ENVIRONMENT=A B", "HOME=/", NULL };
    char *all[] = { "SECRET=x",   "PATH=/odd", "REEVE_PASS_ENVIRONMENT=1", "HOME=/", "TERM=xterm",
                    "bad name=x", NULL };
    _cleanup_strv_ char **env = NULL;
    make("etc/default/locale", "# comment\nLANG=C.UTF-8\nEVIL=x\n");
    assert_int_equal(boot_service_environment(root, quiet, &env), 0);
    assert_string_equal(env_get(env, "PATH"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    assert_string_equal(env_get(env, "LANG"), "C.UTF-8");
    assert_int_equal(strv_length(env), 2);
    strv_free(TAKE(env));
    assert_int_equal(boot_service_environment(root, some, &env), 0);
    assert_string_equal(env_get(env, "A"), "1");
    assert_string_equal(env_get(env, "B"), "2");
    assert_int_equal(strv_length(env), 4);
    strv_free(TAKE(env));
    assert_int_equal(boot_service_environment(root, all, &env), 0);
    assert_string_equal(env_get(env, "SECRET"), "x");
    assert_string_equal(env_get(env, "PATH"), "/odd");
    assert_int_equal(strv_length(env), 3);
}

static void test_a_runtime_directory_is_found(void **state) {
    char given[96];
    make("xdg/", "");
    snprintf(given, sizeof(given), "XDG_RUNTIME_DIR=%s/xdg", root);
    char *env[] = { given, NULL };
    _cleanup_free_ char *found = boot_find_runtime(env, BOOT_USER);
    assert_string_equal(found, given + strlen("XDG_RUNTIME_DIR="));
    assert_true(there("xdg/systemd"));
}

static void test_what_is_younger_than_the_first_process_stays(void **state) {
    make("run/own.pid", "1");
    assert_int_equal(boot_clean_earlier("run"), 0);
    assert_true(there("run/own.pid"));
}

static void test_all_of_an_ended_manager_goes(void **state) {
    make("run/systemd/system/", NULL);
    make("run/systemd/reeve", "1 2 on-demand");
    make("run/log/journal/id/system.journal", "");
    make("run/machine-id", "");
    make("run/other/file", "");
    boot_remove_runtime("run");
    assert_false(there("run/systemd") || there("run/log/journal") || there("run/machine-id"));
}

static void test_a_process_is_known_by_its_start(void **state) {
    assert_true(process_start_time(getpid()) > 0);
    assert_true(process_start_time(getpid()) >= process_start_time(getppid()));
    assert_int_equal(process_start_time(0), 0);
    assert_true(process_began(getpid()) <= now(CLOCK_REALTIME));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_of_an_earlier_run_go_directories_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_goes_while_somebody_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_symlinks_are_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mounts_are_never_crossed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_volume_on_run_is_not_emptied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_containers_are_known_by_what_they_leave, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_machine_id_is_kept_or_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_services_get_of_the_environment_what_is_asked_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_younger_than_the_first_process_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_of_an_ended_manager_goes, set_up, tear_down),
        cmocka_unit_test(test_a_process_is_known_by_its_start),
        cmocka_unit_test_setup_teardown(test_a_runtime_directory_is_found, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
