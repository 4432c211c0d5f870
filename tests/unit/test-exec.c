/* SPDX-License-Identifier: Apache-2.0 */
/* Settings to process: each line of the table is a service, run as planned; its script says whether it found
 * what it was promised. Needs root, as PID 1 has it; what the machine does not permit is skipped by the
 * degraded list. */
#include "base/fd.h"
#include "base/strv.h"
#include "exec/run.h"
#include "unit/types.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[64];
static struct manager_dirs dirs;
static struct permits permits;

static int make_base(void **state) {
    static char paths[5][80];
    static const char *const names[5] = { "run", "state", "cache", "logs", "etc" };
    strcpy(base, "/tmp/test-exec-XXXXXX");
    assert_non_null(mkdtemp(base));
    assert_int_equal(chmod(base, 0755), 0);
    for (size_t i = 0; i < 5; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", base, names[i]);
        assert_int_equal(mkdir(paths[i], 0755), 0);
    }
    dirs = (struct manager_dirs){ .runtime = paths[0],
                                  .state = paths[1],
                                  .cache = paths[2],
                                  .logs = paths[3],
                                  .configuration = paths[4],
                                  .system = true };
    permits_probe(&permits);
    return 0;
}

static int remove_base(void **state) {
    char *all[] = { base, NULL };
    exec_remove_directories(all);
    return 0;
}

/* Runs ExecStart= of these lines; the wait status. */
static int run_service(const char *const *lines) {
    _cleanup_(unit_file_freep) struct unit_file *unit = NULL;
    _cleanup_(exec_plan_freep) struct exec_plan *plan = NULL;
    _cleanup_text_ struct text why = {}, printed = {};
    assert_int_equal(unit_file_new("test.service", &unit), 0);
    for (; *lines; lines++) {
        struct parse_at at = { .unit = "test.service" };
        const char *equals = strchr(*lines, '=');
        _cleanup_free_ char *name = strndup(*lines, (size_t)(equals - *lines));
        const struct directive_row *row = directive_find(SECTION_SERVICE, name);
        assert_non_null(row);
        if (unit_file_assign(unit, row, &at, equals + 1) < 0)
            fail_msg("%s: %s", *lines, text_str(&at.why));
        text_free(&at.why);
    }
    int exit_status, status;
    struct exec_child child;
    struct exec_request request = { .unit = unit,
                                    .command = unit_commands(unit, D_ExecStart)->commands[0],
                                    .permits = &permits,
                                    .dirs = &dirs,
                                    .stdin_fd = -1,
                                    .stdout_fd = STDOUT_FILENO,
                                    .stderr_fd = STDERR_FILENO };
    assert_int_equal(exec_plan_make(&request, &plan, &exit_status, &why), 0);
    assert_int_equal(exec_plan_run(plan, &child), 0);
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    fd_close(child.pidfd);
    fd_close(child.error_fd);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1) { /* the script says no */
        exec_plan_print(plan, &printed);
        print_message("%s", text_str(&printed));
    }
    return status;
}

#define CHECK(script) "ExecStart=:/bin/sh -ec '" script "'"
#define RUN(...) run_service((const char *const[]){ __VA_ARGS__, NULL })
#define NEEDS_ROOT()                                                                                         \
    do                                                                                                       \
        if (geteuid() != 0 || !(permits.capabilities >> CAP_SETUID & 1))                                     \
            skip();                                                                                          \
    while (0)

static void user_group_and_supplementary_groups(void **state) {
    NEEDS_ROOT();
    assert_int_equal(RUN("User=daemon", "Group=sys", "SupplementaryGroups=adm games",
                         CHECK("test \"$(id -un) $(id -gn)\" = \"daemon sys\"; id -Gn | grep -q adm; id -Gn "
                               "| grep -q games")),
                     0);
    assert_int_equal(RUN("User=4710", CHECK("test \"$(id -u) $(id -g) $USER\" = \"4710 4710 4710\"")), 0);
}

static void directory_umask_and_limits(void **state) {
    NEEDS_ROOT();
    assert_int_equal(
        RUN("WorkingDirectory=/usr/lib", "UMask=0027", "LimitNOFILE=100:200", "LimitCORE=0", "Nice=5",
            "OOMScoreAdjust=300", "CPUSchedulingPolicy=batch", "IOSchedulingClass=idle",
            CHECK("test $(pwd) = /usr/lib; test $(umask) = 0027; test $(ulimit -Sn) = 100; "
                  "test $(ulimit -Hn) = 200; test $(nice) = 5; test $(cat /proc/self/oom_score_adj) = 300; "
                  "chrt -p $$ | grep -q SCHED_BATCH; test $(ionice -p $$) = idle")),
        0);
    assert_int_equal(RUN("WorkingDirectory=-/nowhere", CHECK("test $(pwd) = /")), 0);
    assert_int_equal(RUN("User=daemon", "WorkingDirectory=~", CHECK("test $(pwd) = $HOME")), 0);
}

static void exit_statuses_of_what_cannot_be(void **state) {
    NEEDS_ROOT();
    assert_int_equal(WEXITSTATUS(RUN("WorkingDirectory=/nowhere", "ExecStart=/bin/true")), 200);
    assert_int_equal(WEXITSTATUS(RUN("ExecStart=/nowhere/at-all")), 203);
    assert_int_equal(WEXITSTATUS(RUN("User=nobody-at-all", "ExecStart=/bin/true")), 217);
    assert_int_equal(WEXITSTATUS(RUN("Group=nobody-at-all", "ExecStart=/bin/true")), 216);
    assert_int_equal(WEXITSTATUS(RUN("StandardOutput=file:/nowhere/x", "ExecStart=/bin/true")), 209);
    assert_int_equal(WEXITSTATUS(RUN("RootDirectory=/nowhere", "ExecStart=/bin/true")), 210);
}

static void no_new_privileges_and_capabilities(void **state) {
    NEEDS_ROOT();
    assert_int_equal(RUN("NoNewPrivileges=yes", "CapabilityBoundingSet=CAP_CHOWN CAP_NET_BIND_SERVICE",
                         CHECK("grep -q \"NoNewPrivs:.1\" /proc/self/status; "
                               "grep -q \"CapBnd:.0000000000000401\" /proc/self/status; "
                               "grep -q \"CapEff:.0000000000000401\" /proc/self/status")),
                     0);
    assert_int_equal(RUN("User=daemon", "AmbientCapabilities=CAP_NET_BIND_SERVICE",
                         CHECK("grep -q \"CapAmb:.0000000000000400\" /proc/self/status; "
                               "grep -q \"CapEff:.0000000000000400\" /proc/self/status")),
                     0);
    assert_int_equal(RUN("User=daemon", CHECK("grep -q \"CapPrm:.0000000000000000\" /proc/self/status")), 0);
    assert_int_equal(RUN("User=daemon", "SystemCallFilter=@system-service",
                         CHECK("grep -q \"CapPrm:.0000000000000000\" /proc/self/status; "
                               "grep -q \"Seccomp:.2\" /proc/self/status")),
                     0);
}

static void filters_take_effect(void **state) {
    NEEDS_ROOT();
    if (!permits.seccomp)
        skip();
    assert_int_equal(RUN("SystemCallFilter=~@mount", "SystemCallErrorNumber=EPERM",
                         CHECK("! mount -t tmpfs x /mnt 2> /dev/null")),
                     0);
    assert_int_equal(RUN("SystemCallFilter=@system-service", "SystemCallErrorNumber=EPERM",
                         CHECK("ls / > /dev/null; ! chroot / true 2> /dev/null")),
                     0);
    assert_int_equal(WTERMSIG(RUN("SystemCallFilter=~chroot", "ExecStart=/usr/sbin/chroot / /bin/true")),
                     SIGSYS);
    assert_int_equal(
        RUN("SystemCallFilter=~chroot:EUCLEAN", CHECK("chroot / true 2>&1 | grep -q \"needs cleaning\"")), 0);
    assert_int_equal(RUN("RestrictNamespaces=yes", CHECK("! unshare -m true 2> /dev/null")), 0);
    assert_int_equal(
        RUN("RestrictSUIDSGID=yes", CHECK("f=$(mktemp); ! chmod u+s $f 2> /dev/null; chmod 700 $f; rm $f")),
        0);
    assert_int_equal(RUN("RestrictRealtime=yes", CHECK("! chrt -f 1 true 2> /dev/null; chrt -b 0 true")), 0);
    assert_int_equal(RUN("LockPersonality=yes", CHECK("! setarch -R true 2> /dev/null")), 0);
    assert_int_equal(RUN("ProtectHostname=yes", CHECK("! hostname x 2> /dev/null")), 0);
    assert_int_equal(RUN("SystemCallArchitectures=native", CHECK("true")), 0);
}

static void address_families_and_executable_memory(void **state) {
    NEEDS_ROOT();
    if (!permits.seccomp || access("/usr/bin/python3", X_OK) < 0)
        skip();
    assert_int_equal(
        RUN("RestrictAddressFamilies=AF_UNIX AF_INET",
            CHECK("python3 -c \"import socket; socket.socket(socket.AF_INET)\"; "
                  "! python3 -c \"import socket; socket.socket(socket.AF_NETLINK)\" 2> /dev/null")),
        0);
    assert_int_equal(
        RUN("RestrictAddressFamilies=~AF_NETLINK",
            CHECK("python3 -c \"import socket; socket.socket(socket.AF_INET6)\"; "
                  "! python3 -c \"import socket; socket.socket(socket.AF_NETLINK)\" 2> /dev/null")),
        0);
    assert_int_equal(RUN("RestrictAddressFamilies=none",
                         CHECK("! python3 -c \"import socket; socket.socket(socket.AF_UNIX)\" 2> /dev/null")),
                     0);
    assert_int_equal(RUN("MemoryDenyWriteExecute=yes",
                         CHECK("! python3 -c \"import mmap; mmap.mmap(-1, 4096, prot=7)\" 2> /dev/null; "
                               "python3 -c \"import mmap; mmap.mmap(-1, 4096, prot=3)\"")),
                     0);
}

static void directories_and_credentials(void **state) {
    NEEDS_ROOT();
    assert_int_equal(
        RUN("User=daemon", "RuntimeDirectory=one", "StateDirectory=two", "ConfigurationDirectory=three",
            CHECK("test $(stat -c %U $RUNTIME_DIRECTORY) = daemon; touch $RUNTIME_DIRECTORY/a; "
                  "touch $STATE_DIRECTORY/b; test $(stat -c %U $CONFIGURATION_DIRECTORY) = daemon")),
        0);
    /* Another user next time: the whole tree is his, configuration stays. */
    assert_int_equal(RUN("User=games", "StateDirectory=two", "ConfigurationDirectory=three",
                         CHECK("test $(stat -c %U $STATE_DIRECTORY/b) = games; "
                               "test $(stat -c %U $CONFIGURATION_DIRECTORY) = daemon")),
                     0);
    for (int times = 0; times < 2; times++)
        assert_int_equal(RUN("User=daemon", "SetCredential=word:from the unit",
                             "LoadCredential=file:/etc/hostname",
                             CHECK("cd $CREDENTIALS_DIRECTORY; test \"$(cat word)\" = \"from the unit\"; "
                                   "cmp file /etc/hostname; ! test -w word; test $(stat -c %a .) = 500")),
                         0);
}

static void standard_streams(void **state) {
    NEEDS_ROOT();
    char out[128], both[160], line[160], cmd[512];
    snprintf(out, sizeof(out), "%s/out", base);
    snprintf(both, sizeof(both), "StandardOutput=truncate:%s", out);
    assert_int_equal(RUN(both, "StandardInputText=one", "StandardInputText=two", "ExecStart=/bin/cat"), 0);
    snprintf(cmd, sizeof(cmd),
             "ExecStart=:/bin/sh -ec 'test \"$(cat %s)\" = \"one\ntwo\"; test $(readlink /proc/self/fd/0) = "
             "/dev/null'",
             out);
    assert_int_equal(RUN(cmd), 0);
    assert_int_equal(RUN(both, CHECK("echo new; echo both >&2")), 0);
    snprintf(line, sizeof(line), "StandardInput=file:%s", out);
    assert_int_equal(RUN(line, CHECK("test \"$(cat | xargs)\" = \"new both\"")), 0);
    assert_int_equal(
        RUN("StandardOutput=null", CHECK("test $(readlink /proc/$$/fd/1) = /dev/null; echo x > /dev/stdout")),
        0);
}

static void private_network(void **state) {
    NEEDS_ROOT();
    if (!permits.network_namespace)
        skip();
    assert_int_equal(
        RUN("PrivateNetwork=yes", CHECK("test $(ls /sys/class/net /proc/self/net/dev_snmp6 | wc -l) -ge 0; "
                                        "test $(grep -c : /proc/self/net/dev) = 1")),
        0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_group_and_supplementary_groups),
        cmocka_unit_test(directory_umask_and_limits),
        cmocka_unit_test(exit_statuses_of_what_cannot_be),
        cmocka_unit_test(no_new_privileges_and_capabilities),
        cmocka_unit_test(filters_take_effect),
        cmocka_unit_test(address_families_and_executable_memory),
        cmocka_unit_test(directories_and_credentials),
        cmocka_unit_test(standard_streams),
        cmocka_unit_test(private_network),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
