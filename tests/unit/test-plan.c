/* SPDX-License-Identifier: Apache-2.0 */
/* exec/plan.h: from settings to steps. Nothing is started here; test-run.c does that. */
#include "base/fd.h"
#include "base/strv.h"
#include "exec/expand.h"
#include "exec/filter.h"
#include "exec/plan.h"
#include "unit/implied.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)
/* `docker run` without options. */
#define DOCKER_CAPABILITIES                                                                                  \
    (CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) | CAP(KILL) | CAP(SETGID) | CAP(SETUID) |    \
     CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(NET_RAW) | CAP(SYS_CHROOT) | CAP(MKNOD) | CAP(AUDIT_WRITE) | \
     CAP(SETFCAP))

static const struct manager_dirs dirs = { .runtime = "/run",
                                          .state = "/var/lib",
                                          .cache = "/var/cache",
                                          .logs = "/var/log",
                                          .configuration = "/etc",
                                          .system = true };

struct fixture {
    struct unit_file *unit;
    struct permits permits;
    struct exec_request request;
    struct exec_plan *plan;
    int exit_status;
    struct text why;
};

/* A service with these lines, in a plain container; the command is the first ExecStart=. */
static void setup(struct fixture *f, const char *const *lines) {
    *f = (struct fixture){};
    assert_int_equal(unit_file_new("test.service", &f->unit), 0);
    for (; *lines; lines++) {
        struct parse_at at = { .unit = "test.service" };
        const char *equals = strchr(*lines, '=');
        _cleanup_free_ char *name = strndup(*lines, (size_t)(equals - *lines));
        const struct directive_row *row = directive_find(SECTION_SERVICE, name);
        assert_non_null(row);
        if (unit_file_assign(f->unit, row, &at, equals + 1) < 0)
            fail_msg("%s: %s", *lines, text_str(&at.why));
        text_free(&at.why);
    }
    assert_int_equal(unit_put_implied(f->unit), 0);
    f->permits = (struct permits){ .root = true,
                                   .capabilities = DOCKER_CAPABILITIES,
                                   .bounding = DOCKER_CAPABILITIES,
                                   .seccomp = true,
                                   .own_pid_namespace = true };
    getrlimit(RLIMIT_NOFILE, &f->permits.nofile);
    const struct exec_command_list *commands = unit_commands(f->unit, D_ExecStart);
    assert_non_null(commands);
    f->request = (struct exec_request){ .unit = f->unit,
                                        .command = commands->commands[0],
                                        .permits = &f->permits,
                                        .dirs = &dirs,
                                        .stdin_fd = -1,
                                        .stdout_fd = -1,
                                        .stderr_fd = -1 };
}

static int make(struct fixture *f) {
    exec_plan_free(f->plan);
    f->plan = NULL;
    text_clear(&f->why);
    return exec_plan_make(&f->request, &f->plan, &f->exit_status, &f->why);
}

static void teardown(struct fixture *f) {
    exec_plan_free(f->plan);
    unit_file_free(f->unit);
    text_free(&f->why);
}
#define _cleanup_fixture_ _cleanup_(teardown)
#define LINES(...) ((const char *const[]){ "ExecStart=/bin/true", __VA_ARGS__, NULL })

static const struct step *step_of(const struct fixture *f, enum step_kind kind) {
    for (size_t i = 0; i < f->plan->n_steps; i++)
        if (f->plan->steps[i].kind == kind)
            return &f->plan->steps[i];
    return NULL;
}

static const char *why_degraded(const struct fixture *f, enum directive id) {
    for (size_t i = 0; i < f->plan->n_degraded; i++)
        if (f->plan->degraded[i].directive == id)
            return f->plan->degraded[i].why;
    return NULL;
}

static void a_plain_service_takes_few_steps_in_shared_memory(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, (const char *const[]){ "ExecStart=/bin/sleep 1000", NULL });
    f.request.lineage = 77;
    f.request.stdout_fd = f.request.stderr_fd = 1;
    assert_int_equal(make(&f), 0);
    const enum step_kind expected[] = { STEP_SIGNALS,      STEP_SETSID,     STEP_LINEAGE, STEP_FD,
                                        STEP_FD,           STEP_FD,         STEP_UMASK,   STEP_CHDIR,
                                        STEP_CLOSE_OTHERS, STEP_LISTEN_PID, STEP_EXEC };
    assert_int_equal(f.plan->n_steps, ELEMENTS(expected));
    for (size_t i = 0; i < ELEMENTS(expected); i++)
        assert_int_equal(f.plan->steps[i].kind, expected[i]);
    assert_false(f.plan->forks);
    assert_false(f.plan->changes_ids);
    assert_int_equal(f.plan->n_degraded, 0);
    assert_string_equal(f.plan->path, "/bin/sleep");
    assert_string_equal(f.plan->argv[0], "/bin/sleep");
    assert_string_equal(f.plan->argv[1], "1000");
    assert_null(f.plan->argv[2]);
}

static void the_environment_is_in_systemds_order(void **state) {
    _cleanup_fixture_ struct fixture f;
    char path[] = "/tmp/test-plan-XXXXXX", line[64];
    _cleanup_close_ int fd = mkstemp(path);
    assert_int_equal(write_all(fd, "C=file\nD=file\nGONE=file\n", 24), 0);
    snprintf(line, sizeof(line), "EnvironmentFile=%s", path);
    setup(&f,
          (const char *const[]){ "ExecStart=/bin/true", "User=root", "PassEnvironment=PASSED B MISSING",
                                 "Environment=B=unit C=unit USER=me", line, "EnvironmentFile=-/nowhere/file",
                                 "UnsetEnvironment=GONE A=manager D=other", NULL });
    char *manager[] = { (char *)"A=manager", (char *)"LANG=C.UTF-8", NULL };
    char *passable[] = { (char *)"PASSED=yes", (char *)"B=passed", (char *)"SECRET=x", NULL };
    char *extra[] = { (char *)"MAINPID=5", NULL };
    f.request.manager_env = manager;
    f.request.passable_env = passable;
    f.request.extra_env = extra;
    f.request.notify_socket = "/run/systemd/notify";
    f.request.watchdog_usec = 5000000;
    f.request.invocation.bytes[15] = 1;
    assert_int_equal(make(&f), 0);
    unlink(path);
    const struct {
        const char *name, *value;
    } expected[] = {
        { "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        { "LANG", "C.UTF-8" },
        { "MAINPID", "5" },
        { "NOTIFY_SOCKET", "/run/systemd/notify" },
        { "INVOCATION_ID", "00000000000000000000000000000001" },
        { "WATCHDOG_USEC", "5000000" },
        { "HOME", "/root" },
        { "LOGNAME", "root" },
        { "USER", "me" },
        { "PASSED", "yes" },
        { "B", "unit" },
        { "C", "file" },
        { "D", "file" },
    };
    for (size_t i = 0; i < ELEMENTS(expected); i++) {
        const char *value = env_get(f.plan->envp, expected[i].name);
        if (!value || strcmp(value, expected[i].value) != 0)
            fail_msg("%s: %s instead of %s", expected[i].name, value ? value : "nothing", expected[i].value);
    }
    assert_null(env_get(f.plan->envp, "GONE"));
    assert_null(env_get(f.plan->envp, "A"));
    assert_null(env_get(f.plan->envp, "SECRET"));
    assert_null(env_get(f.plan->envp, "MISSING"));
    assert_non_null(env_get(f.plan->envp, "SYSTEMD_EXEC_PID"));
    assert_int_equal(step_of(&f, STEP_LISTEN_PID)->pids.n, 2);
}

static void an_environment_file_that_is_missing_refuses_the_start(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("EnvironmentFile=/nowhere/file"));
    assert_int_equal(make(&f), -ENOENT);
    assert_string_equal(text_str(&f.why),
                        "Failed to load environment files: /nowhere/file: No such file or directory");
}

static void an_environment_file_that_is_a_fifo_does_not_block(void **state) {
    _cleanup_fixture_ struct fixture f;
    char path[64], line[96];
    snprintf(path, sizeof(path), "/tmp/test-plan-fifo-%d", (int)getpid());
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(line, sizeof(line), "EnvironmentFile=%s", path);
    setup(&f, LINES(line));
    assert_int_equal(make(&f), -EINVAL);
    unlink(path);
}

static void login_variables_are_set_only_with_a_user(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("Nice=1"));
    assert_int_equal(make(&f), 0);
    assert_null(env_get(f.plan->envp, "HOME"));
    assert_null(env_get(f.plan->envp, "USER"));
}

static void check_words(const char *const *words, char *const *env, const char *const *expected) {
    struct arena *a = arena_new();
    char **result = expand_words(a, (char *const *)words, env);
    for (size_t i = 0;; i++) {
        if (!expected[i] || !result[i]) {
            assert_ptr_equal(expected[i], result[i]);
            break;
        }
        assert_string_equal(result[i], expected[i]);
    }
    arena_free(a);
}

static void variables_in_command_lines(void **state) {
    char *env[] = { (char *)"ONE=uno",
                    (char *)"TWO=two words",
                    (char *)"QUOTED='a b' c",
                    (char *)"EMPTY=",
                    (char *)"OPEN=it's",
                    (char *)"SELF=$ONE",
                    NULL };
    check_words(
        (const char *const[]){ "x", "$ONE", "${ONE}", "$TWO", "${TWO}", "pre${TWO}post", NULL }, env,
        (const char *const[]){ "x", "uno", "uno", "two", "words", "two words", "pretwo wordspost", NULL });
    check_words((const char *const[]){ "$EMPTY", "${EMPTY}", "$UNSET", "${UNSET}", NULL }, env,
                (const char *const[]){ "", "", NULL });
    check_words((const char *const[]){ "$$ONE", "a$$b", "$", "$$", "100$", "${$$", "${ONE:-x}${ONE}", NULL }, env,
                (const char *const[]){ "$ONE", "a$b", "$", "100$", "${$$", "${ONE:-x}uno", NULL });
    check_words((const char *const[]){ "pre$ONE", "${ONE", "${SELF}", "$QUOTED", "$OPEN", NULL }, env,
                (const char *const[]){ "pre$ONE", "${ONE", "$ONE", "a b", "c", "its", NULL });
    check_words((const char *const[]){ "$UNSET", NULL }, env, (const char *const[]){ NULL });
}

static void a_colon_keeps_the_dollar(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, (const char *const[]){ "ExecStart=:/bin/echo $HOME ${HOME}", NULL });
    assert_int_equal(make(&f), 0);
    assert_string_equal(f.plan->argv[1], "$HOME");
    assert_string_equal(f.plan->argv[2], "${HOME}");
}

static void bare_names_are_searched(void **state) {
    _cleanup_fixture_ struct fixture f, g, h;
    setup(&f, (const char *const[]){ "ExecStart=sh -c true", NULL });
    assert_int_equal(make(&f), 0);
    assert_true(strcmp(f.plan->path, "/usr/bin/sh") == 0 || strcmp(f.plan->path, "/bin/sh") == 0);
    assert_string_equal(f.plan->argv[0], "sh");
    setup(&g, (const char *const[]){ "ExecStart=no-such-command", NULL });
    assert_int_equal(make(&g), 0);
    const struct step *s = step_of(&g, STEP_FAIL);
    assert_int_equal(s->exit_status, 203);
    assert_int_equal(s->number, ENOENT);
    assert_null(step_of(&g, STEP_EXEC));
    setup(&h, (const char *const[]){ "ExecStart=sh", "ExecSearchPath=/nowhere:/bin", NULL });
    assert_int_equal(make(&h), 0);
    assert_string_equal(h.plan->path, "/bin/sh");
    assert_string_equal(env_get(h.plan->envp, "PATH"), "/nowhere:/bin");
}

static void a_user_is_changed_after_groups(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("User=daemon"));
    assert_int_equal(make(&f), 0);
    assert_true(step_of(&f, STEP_GROUPS) < step_of(&f, STEP_GID));
    assert_true(step_of(&f, STEP_GID) < step_of(&f, STEP_UID));
    assert_int_equal(step_of(&f, STEP_UID)->number, 1);
    assert_int_equal(step_of(&f, STEP_UID)->exit_status, 217);
    assert_int_equal(f.plan->uid, 1);
    assert_true(f.plan->changes_ids);
    assert_false(f.plan->forks);
}

static void a_number_needs_no_entry(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("User=1234567"));
    assert_int_equal(make(&f), 0);
    assert_int_equal(step_of(&f, STEP_UID)->number, 1234567);
    assert_string_equal(env_get(f.plan->envp, "USER"), "1234567");
}

static void an_unknown_user_is_asked_in_the_child(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("User=nobody-at-all", "Environment=HOME=/mine", "WorkingDirectory=~"));
    assert_int_equal(make(&f), 0);
    const struct step *s = step_of(&f, STEP_RESOLVE_USER);
    assert_int_equal(s->exit_status, 217);
    assert_true(f.plan->forks);
    assert_string_equal(env_get(f.plan->envp, "HOME"), "/mine");
    /* What the child writes does not go into the unit's own value. */
    assert_ptr_not_equal(s->resolve.home, env_get(f.plan->envp, "HOME"));
    assert_int_equal(f.plan->uid, UID_RESOLVED);
}

static void an_unknown_group_is_216(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("Group=nobody-at-all"));
    assert_int_equal(make(&f), 0);
    assert_int_equal(step_of(&f, STEP_FAIL)->exit_status, 216);
    assert_true(step_of(&f, STEP_FAIL) > step_of(&f, STEP_SIGNALS));
}

static void without_privileges_a_user_is_degraded(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("User=daemon", "StateDirectory=x", "CapabilityBoundingSet=CAP_CHOWN",
                    "AmbientCapabilities=CAP_CHOWN", "LimitCORE=infinity"));
    f.permits = (struct permits){ .uid = 4710, .gid = 0, .seccomp = true, .nofile = f.permits.nofile };
    assert_int_equal(make(&f), 0);
    assert_null(step_of(&f, STEP_UID));
    assert_null(step_of(&f, STEP_GROUPS));
    assert_non_null(why_degraded(&f, D_User));
    assert_non_null(why_degraded(&f, D_AmbientCapabilities));
    assert_int_equal(step_of(&f, STEP_DIRECTORY)->directory.uid, 4710);
}

static void prefixes_exempt(void **state) {
    _cleanup_fixture_ struct fixture plus, bang;
    setup(&plus, (const char *const[]){ "ExecStart=+/bin/true", "User=daemon", "NoNewPrivileges=yes",
                                        "LimitCORE=0", "CapabilityBoundingSet=", NULL });
    assert_int_equal(make(&plus), 0);
    assert_null(step_of(&plus, STEP_UID));
    assert_null(step_of(&plus, STEP_NO_NEW_PRIVS));
    assert_null(step_of(&plus, STEP_RLIMIT));
    assert_null(step_of(&plus, STEP_CAPS_BOUND));
    assert_string_equal(env_get(plus.plan->envp, "USER"), "daemon");
    setup(&bang, (const char *const[]){ "ExecStart=!/bin/true", "User=daemon", "NoNewPrivileges=yes", NULL });
    assert_int_equal(make(&bang), 0);
    assert_null(step_of(&bang, STEP_UID));
    assert_non_null(step_of(&bang, STEP_NO_NEW_PRIVS));
}

static void permissions_start_only_exempts_control_commands(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("User=daemon", "PermissionsStartOnly=yes"));
    f.request.role = EXEC_CONTROL;
    assert_int_equal(make(&f), 0);
    assert_null(step_of(&f, STEP_UID));
    f.request.role = EXEC_MAIN;
    assert_int_equal(make(&f), 0);
    assert_non_null(step_of(&f, STEP_UID));
}

static void the_sandbox_degrades_and_says_so(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("ProtectSystem=full", "ProtectHome=yes", "PrivateTmp=yes", "PrivateNetwork=yes",
                    "Nice=-5", "AmbientCapabilities=CAP_IPC_LOCK", "ReadOnlyPaths=/etc", "PrivateUsers=yes",
                    "CPUSchedulingPolicy=fifo", "OOMScoreAdjust=-900", "BindReadOnlyPaths=/dev/log:/var/x"));
    assert_int_equal(make(&f), 0);
    const enum directive expected[] = {
        D_ProtectSystem,       D_ProtectHome,   D_PrivateTmp,   D_PrivateNetwork,      D_Nice,
        D_AmbientCapabilities, D_ReadOnlyPaths, D_PrivateUsers, D_CPUSchedulingPolicy, D_OOMScoreAdjust,
        D_BindReadOnlyPaths
    };
    for (size_t i = 0; i < ELEMENTS(expected); i++)
        if (!why_degraded(&f, expected[i]))
            fail_msg("%s= is not recorded", directive_row(expected[i])->name);
    assert_int_equal(f.plan->n_degraded, ELEMENTS(expected));
    assert_string_equal(why_degraded(&f, D_AmbientCapabilities), "this container lacks CAP_IPC_LOCK");
    _cleanup_text_ struct text text = {};
    exec_plan_print(f.plan, &text);
    assert_non_null(strstr(text_str(&text), "ProtectSystem=: needs a mount namespace"));
}

static void filters_imply_no_new_privileges_only_where_needed(void **state) {
    _cleanup_fixture_ struct fixture f, g, h;
    /* Nothing a filter would forbid is possible here without these capabilities anyway. */
    setup(&f, LINES("ProtectClock=yes", "ProtectKernelModules=yes", "ProtectHostname=yes",
                    "PrivateDevices=yes", "RestrictRealtime=yes"));
    assert_int_equal(make(&f), 0);
    assert_null(step_of(&f, STEP_NO_NEW_PRIVS));
    assert_null(step_of(&f, STEP_SECCOMP));
    assert_int_equal(step_of(&f, STEP_RLIMIT)->rlimit.resource, RLIMIT_RTPRIO);
    setup(&g, LINES("SystemCallFilter=@system-service"));
    assert_int_equal(make(&g), 0);
    assert_true(step_of(&g, STEP_NO_NEW_PRIVS) < step_of(&g, STEP_SECCOMP));
    setup(&h, LINES("SystemCallFilter=@system-service", "User=daemon"));
    h.permits.capabilities |= CAP(SYS_ADMIN);
    assert_int_equal(make(&h), 0);
    assert_null(step_of(&h, STEP_NO_NEW_PRIVS));
    assert_non_null(step_of(&h, STEP_KEEP_CAPS));
    assert_true(step_of(&h, STEP_SECCOMP) > step_of(&h, STEP_CAPS_SET));
    assert_true(step_of(&h, STEP_SECCOMP) > step_of(&h, STEP_CLOSE_OTHERS));
}

static void capability_sets(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("User=daemon", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_CHOWN",
                    "AmbientCapabilities=CAP_NET_BIND_SERVICE"));
    assert_int_equal(make(&f), 0);
    assert_int_equal(step_of(&f, STEP_CAPS_BOUND)->number, CAP(NET_BIND_SERVICE) | CAP(CHOWN));
    assert_int_equal(step_of(&f, STEP_CAPS_SET)->caps.permitted, CAP(NET_BIND_SERVICE));
    assert_int_equal(step_of(&f, STEP_CAPS_SET)->caps.inheritable, CAP(NET_BIND_SERVICE));
    assert_int_equal(step_of(&f, STEP_CAPS_AMBIENT)->number, CAP(NET_BIND_SERVICE));
    assert_true(step_of(&f, STEP_CAPS_BOUND) < step_of(&f, STEP_KEEP_CAPS));
    assert_true(step_of(&f, STEP_KEEP_CAPS) < step_of(&f, STEP_UID));
    assert_true(step_of(&f, STEP_UID) < step_of(&f, STEP_CAPS_SET));
    assert_true(step_of(&f, STEP_CAPS_SET) < step_of(&f, STEP_CAPS_AMBIENT));
}

static void directories_and_their_variables(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("User=daemon", "RuntimeDirectory=one two/three", "RuntimeDirectoryMode=0750",
                    "StateDirectory=a:b/c"));
    assert_int_equal(make(&f), 0);
    assert_string_equal(env_get(f.plan->envp, "RUNTIME_DIRECTORY"), "/run/one:/run/two/three");
    assert_string_equal(env_get(f.plan->envp, "STATE_DIRECTORY"), "/var/lib/a");
    const struct step *s = step_of(&f, STEP_DIRECTORY);
    assert_string_equal(s->subject, "/run/one");
    assert_int_equal(s->directory.mode, 0750);
    assert_int_equal(s->directory.uid, 1);
    assert_int_equal(s->exit_status, 233);
    s = step_of(&f, STEP_SYMLINK);
    assert_string_equal(s->subject, "/var/lib/b/c");
    assert_string_equal(s->link.target, "../a");
    assert_true(f.plan->forks);
    assert_string_equal(f.plan->runtime_directories[1], "/run/two/three");
    assert_null(f.plan->runtime_directories[2]);
}

static void streams_to_files_share_one_opening(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("StandardOutput=append:/tmp/x", "StandardError=append:/tmp/x"));
    assert_int_equal(make(&f), 0);
    const struct step *s = step_of(&f, STEP_OPEN);
    assert_int_equal(s->open.to, 1);
    assert_true(s->open.flags & O_APPEND);
    assert_int_equal(s[1].kind, STEP_FD);
    assert_int_equal(s[1].fd.from, 1);
    assert_int_equal(s[1].fd.to, 2);
    assert_null(env_get(f.plan->envp, "JOURNAL_STREAM"));
    assert_true(f.plan->forks);
}

static void the_log_pipe_is_named(void **state) {
    _cleanup_fixture_ struct fixture f;
    int fds[2];
    struct stat st;
    char expected[64];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(fstat(fds[1], &st), 0);
    snprintf(expected, sizeof(expected), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setup(&f, LINES("StandardOutput=null", "StandardError=journal"));
    f.request.stdout_fd = f.request.stderr_fd = fds[1];
    assert_int_equal(make(&f), 0);
    assert_string_equal(env_get(f.plan->envp, "JOURNAL_STREAM"), expected);
    fd_close(fds[0]);
    fd_close(fds[1]);
}

/* Walks the descriptor steps as the kernel would: which descriptor is where at the end. */
static void simulate(const struct exec_plan *plan, int *table, size_t n) {
    int spare = -1;
    for (size_t i = 0; i < n; i++)
        table[i] = (int)i;
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        if (s->kind == STEP_FD_SPARE)
            spare = table[s->fd.from];
        else if (s->kind == STEP_FD)
            table[s->fd.to] = s->fd.from == FD_SPARE ? spare : table[s->fd.from];
    }
}

static void passed_descriptors_never_overwrite_one_another(void **state) {
    /* All orders of 3, 4, 5, 6 as sources of 3, 4, 5, 6, with the log pipe at one of them, or at 0. */
    for (int order = 0; order < 4 * 4 * 4 * 4; order++)
        for (int log_fd = 0; log_fd < 8; log_fd++) {
            _cleanup_fixture_ struct fixture f;
            int fds[4] = { 3 + order % 4, 3 + order / 4 % 4, 3 + order / 16 % 4, 3 + order / 64 }, table[64];
            setup(&f, LINES("StandardInput=socket", "StandardOutput=journal"));
            unit_setting_drop(f.unit, D_StandardInput);
            f.request.listen_fds = fds;
            f.request.n_listen_fds = 4;
            f.request.stdout_fd = f.request.stderr_fd = log_fd;
            assert_int_equal(make(&f), 0);
            simulate(f.plan, table, ELEMENTS(table));
            assert_int_equal(table[1], log_fd);
            assert_int_equal(table[2], log_fd);
            for (int i = 0; i < 4; i++)
                assert_int_equal(table[3 + i], fds[i]);
        }
}

static void sockets_are_named(void **state) {
    _cleanup_fixture_ struct fixture f;
    int fds[] = { 10, 11 };
    char *names[] = { (char *)"http", (char *)"https" };
    setup(&f, LINES("NonBlocking=yes"));
    f.request.listen_fds = fds;
    f.request.listen_names = names;
    f.request.n_listen_fds = f.request.n_sockets = 2;
    assert_int_equal(make(&f), 0);
    assert_string_equal(env_get(f.plan->envp, "LISTEN_FDS"), "2");
    assert_string_equal(env_get(f.plan->envp, "LISTEN_FDNAMES"), "http:https");
    assert_int_equal(step_of(&f, STEP_CLOSE_OTHERS)->number, 5);
    assert_non_null(step_of(&f, STEP_FD_BLOCKING));
}

static void an_inetd_service_gets_the_socket_everywhere(void **state) {
    _cleanup_fixture_ struct fixture f;
    int fds[] = { 10 }, table[64];
    setup(&f, LINES("StandardInput=socket", "StandardError=journal"));
    f.request.listen_fds = fds;
    f.request.n_listen_fds = 1;
    f.request.stdin_fd = 10;
    f.request.stdout_fd = f.request.stderr_fd = 20;
    assert_int_equal(make(&f), 0);
    simulate(f.plan, table, ELEMENTS(table));
    assert_int_equal(table[0], 10);
    assert_int_equal(table[1], 10);
    assert_int_equal(table[2], 20);
    assert_null(env_get(f.plan->envp, "LISTEN_FDS"));
}

static void credentials_come_by_value_and_by_file(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("SetCredential=word:from the unit", "LoadCredential=file:/etc/passwd",
                    "SetCredential=spare:default", "LoadCredential=spare:/nowhere/absent",
                    "LoadCredential=left-out"));
    assert_int_equal(make(&f), 0);
    assert_string_equal(env_get(f.plan->envp, "CREDENTIALS_DIRECTORY"), "/run/credentials/test.service");
    assert_string_equal(f.plan->credentials_directory, "/run/credentials/test.service");
    size_t n = 0;
    for (size_t i = 0; i < f.plan->n_steps; i++)
        n += f.plan->steps[i].kind == STEP_CREDENTIAL;
    assert_int_equal(n, 3);
    assert_null(step_of(&f, STEP_FAIL));

    _cleanup_fixture_ struct fixture g;
    setup(&g, LINES("LoadCredential=gone:/nowhere/absent"));
    assert_int_equal(make(&g), 0);
    assert_int_equal(step_of(&g, STEP_FAIL)->exit_status, 243);
}

static void limits_above_the_containers_are_as_high_as_allowed(void **state) {
    _cleanup_fixture_ struct fixture f;
    struct rlimit own;
    getrlimit(RLIMIT_NOFILE, &own);
    if (own.rlim_max >= 1u << 30)
        skip();
    setup(&f, LINES("LimitNOFILE=1073741816", "LimitCORE=0", "LimitLOCKS=5"));
    assert_int_equal(make(&f), 0);
    const struct step *s = step_of(&f, STEP_RLIMIT);
    assert_int_equal(s->rlimit.resource, RLIMIT_CORE);
    assert_int_equal(s[1].rlimit.resource, RLIMIT_NOFILE);
    assert_int_equal(s[1].rlimit.limit.rlim_max, own.rlim_max);
    assert_non_null(why_degraded(&f, D_LimitNOFILE));
    assert_int_not_equal(s[2].kind, STEP_RLIMIT);
}

static void call_lists(void **state) {
    _cleanup_text_ struct text text = {};
    char *allow[] = { (char *)"@basic-io", (char *)"~write", (char *)"ptrace:EPERM", NULL };
    assert_int_equal(filter_list_calls(allow, &text), 0);
    assert_int_equal(strncmp(text_str(&text), "allow\n", 6), 0);
    assert_non_null(strstr(text_str(&text), "\nread\n"));
    assert_non_null(strstr(text_str(&text), "\nexecve\n"));
    assert_non_null(strstr(text_str(&text), "\nptrace:1\n"));
    assert_null(strstr(text_str(&text), "\nwrite\n"));
    text_clear(&text);
    char *deny[] = { (char *)"~@mount", (char *)"umount2", (char *)"~no_such_call", NULL };
    assert_int_equal(filter_list_calls(deny, &text), 0);
    assert_int_equal(strncmp(text_str(&text), "deny\n", 5), 0);
    assert_non_null(strstr(text_str(&text), "\nmount\n"));
    assert_null(strstr(text_str(&text), "umount2"));
}

static void a_dynamic_user_keeps_its_number(void **state) {
    _cleanup_fixture_ struct fixture f;
    setup(&f, LINES("DynamicUser=yes"));
    assert_int_equal(make(&f), 0);
    uid_t first = f.plan->uid;
    assert_true(first >= 61184 && first <= 65519);
    assert_string_equal(env_get(f.plan->envp, "USER"), "test");
    assert_non_null(step_of(&f, STEP_NO_NEW_PRIVS));
    assert_int_equal(make(&f), 0);
    assert_int_equal(f.plan->uid, first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_service_takes_few_steps_in_shared_memory),
        cmocka_unit_test(the_environment_is_in_systemds_order),
        cmocka_unit_test(an_environment_file_that_is_missing_refuses_the_start),
        cmocka_unit_test(an_environment_file_that_is_a_fifo_does_not_block),
        cmocka_unit_test(login_variables_are_set_only_with_a_user),
        cmocka_unit_test(variables_in_command_lines),
        cmocka_unit_test(a_colon_keeps_the_dollar),
        cmocka_unit_test(bare_names_are_searched),
        cmocka_unit_test(a_user_is_changed_after_groups),
        cmocka_unit_test(a_number_needs_no_entry),
        cmocka_unit_test(an_unknown_user_is_asked_in_the_child),
        cmocka_unit_test(an_unknown_group_is_216),
        cmocka_unit_test(without_privileges_a_user_is_degraded),
        cmocka_unit_test(prefixes_exempt),
        cmocka_unit_test(permissions_start_only_exempts_control_commands),
        cmocka_unit_test(the_sandbox_degrades_and_says_so),
        cmocka_unit_test(filters_imply_no_new_privileges_only_where_needed),
        cmocka_unit_test(capability_sets),
        cmocka_unit_test(directories_and_their_variables),
        cmocka_unit_test(streams_to_files_share_one_opening),
        cmocka_unit_test(the_log_pipe_is_named),
        cmocka_unit_test(passed_descriptors_never_overwrite_one_another),
        cmocka_unit_test(sockets_are_named),
        cmocka_unit_test(an_inetd_service_gets_the_socket_everywhere),
        cmocka_unit_test(credentials_come_by_value_and_by_file),
        cmocka_unit_test(limits_above_the_containers_are_as_high_as_allowed),
        cmocka_unit_test(call_lists),
        cmocka_unit_test(a_dynamic_user_keeps_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
