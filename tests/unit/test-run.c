/* SPDX-License-Identifier: Apache-2.0 */
/* exec/run.h: walking a plan in the child. Plans are written by hand here; test-plan.c makes them from
 * settings. */
#include "base/fd.h"
#include "exec/run.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A plan that runs `script`, after `steps`. Statuses of the steps are 100, 101, …; exec's is 203. */
struct fixture {
    struct exec_plan plan;
    struct step steps[32];
    char *argv[4], *envp[4];
};

static void fixture_init(struct fixture *f, bool forks, const char *script, const struct step *steps,
                         size_t n) {
    *f = (struct fixture){ .argv = { (char *)"sh", (char *)"-c", (char *)script, NULL },
                           .envp = { (char *)"PATH=/usr/bin:/bin", NULL } };
    f->steps[0] = (struct step){ .kind = STEP_SIGNALS, .exit_status = 99, .number = UINT64_C(1) << SIGPIPE };
    for (size_t i = 0; i < n; i++) {
        f->steps[i + 1] = steps[i];
        f->steps[i + 1].exit_status = 100 + (int)i;
    }
    f->steps[n + 1] = (struct step){ .kind = STEP_EXEC, .exit_status = 203 };
    f->plan = (struct exec_plan){ .path = (char *)"/bin/sh",
                                  .argv = f->argv,
                                  .envp = f->envp,
                                  .steps = f->steps,
                                  .n_steps = n + 2,
                                  .forks = forks };
}

static int wait_for(const struct exec_child *child) {
    int status;
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    return status;
}

/* The failure as its owner learns it, whichever way it comes. */
static bool failure_of(struct exec_child *child, struct exec_failure *ret) {
    if (child->error_fd < 0) {
        *ret = child->failure;
        return child->failed;
    }
    ssize_t n = read(child->error_fd, ret, sizeof(*ret));
    child->error_fd = fd_close(child->error_fd);
    return n == sizeof(*ret);
}

static int run_and_wait(struct fixture *f) {
    struct exec_child child;
    struct exec_failure failure;
    assert_int_equal(exec_plan_run(&f->plan, &child), 0);
    assert_false(failure_of(&child, &failure));
    fd_close(child.pidfd);
    return wait_for(&child);
}

static void a_command_runs_and_exits(void **state) {
    for (int forks = 0; forks < 2; forks++) {
        struct fixture f;
        fixture_init(&f, forks, "exit 7", NULL, 0);
        int status = run_and_wait(&f);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 7);
    }
}

static void the_pidfd_names_the_child(void **state) {
    for (int forks = 0; forks < 2; forks++) {
        struct fixture f;
        struct exec_child child;
        siginfo_t info = {};
        fixture_init(&f, forks, "exit 3", NULL, 0);
        assert_int_equal(exec_plan_run(&f.plan, &child), 0);
        fd_close(child.error_fd);
        assert_true(child.pidfd >= 0);
        assert_int_equal(waitid(P_PIDFD, (id_t)child.pidfd, &info, WEXITED), 0);
        assert_int_equal(info.si_pid, child.pid);
        assert_int_equal(info.si_status, 3);
        fd_close(child.pidfd);
    }
}

static void a_missing_program_is_a_failed_exec(void **state) {
    for (int forks = 0; forks < 2; forks++) {
        struct fixture f;
        struct exec_child child;
        struct exec_failure failure;
        fixture_init(&f, forks, "", NULL, 0);
        f.plan.path = (char *)"/nowhere/at-all";
        assert_int_equal(exec_plan_run(&f.plan, &child), 0);
        assert_true(failure_of(&child, &failure));
        assert_int_equal(failure.step, 1);
        assert_int_equal(failure.error, ENOENT);
        assert_int_equal(failure.status, 203);
        assert_int_equal(WEXITSTATUS(wait_for(&child)), 203);
        fd_close(child.pidfd);

        _cleanup_text_ struct text text = {};
        exec_failure_explain(&f.plan, &failure, &text);
        assert_string_equal(text_str(&text),
                            "Failed at step EXEC spawning /nowhere/at-all: No such file or directory");
    }
}

/* The walk: whichever step fails, it is that one that is reported, with its errno and status, and nothing
 * after it is done. */
static void every_step_that_fails_is_named(void **state) {
    const struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, 0x7fff0000U) };
    struct step good[] = {
        { .kind = STEP_SETSID },
        { .kind = STEP_RLIMIT, .rlimit = { RLIMIT_CORE, { 0, 0 } } },
        { .kind = STEP_NICE, .number = 1 },
        { .kind = STEP_UMASK, .number = 022 },
        { .kind = STEP_OPEN, .subject = "/dev/null", .open = { O_RDONLY, 0, 0 } },
        { .kind = STEP_FD, .fd = { 1, 1 } },
        { .kind = STEP_CHDIR, .subject = "/" },
        { .kind = STEP_CLOSE_OTHERS, .number = 3 },
        { .kind = STEP_NO_NEW_PRIVS },
        { .kind = STEP_SECCOMP, .program = { allow, 1 } },
    };
    for (int forks = 0; forks < 2; forks++)
        for (size_t bad = 0; bad < ELEMENTS(good); bad++) {
            struct step steps[ELEMENTS(good)];
            struct fixture f;
            struct exec_child child;
            struct exec_failure failure;
            memcpy(steps, good, sizeof(good));
            steps[bad] = (struct step){ .kind = STEP_FAIL, .number = EUCLEAN };
            fixture_init(&f, forks, "exit 0", steps, ELEMENTS(steps));
            assert_int_equal(exec_plan_run(&f.plan, &child), 0);
            assert_true(failure_of(&child, &failure));
            assert_int_equal(failure.step, bad + 1);
            assert_int_equal(failure.error, EUCLEAN);
            assert_int_equal(failure.status, 100 + bad);
            assert_int_equal(WEXITSTATUS(wait_for(&child)), 100 + bad);
            fd_close(child.pidfd);
        }
}

static void real_failures_carry_their_errno(void **state) {
    const struct {
        struct step step;
        int error;
    } bad[] = {
        { { .kind = STEP_CHDIR, .subject = "/nowhere" }, ENOENT },
        { { .kind = STEP_CHDIR, .subject = "/etc/passwd" }, ENOTDIR },
        { { .kind = STEP_OPEN, .subject = "/nowhere/file", .open = { O_RDONLY, 0, 0 } }, ENOENT },
        { { .kind = STEP_FD, .fd = { 4000, 1 } }, EBADF },
        { { .kind = STEP_RLIMIT, .rlimit = { 9999, { 0, 0 } } }, EINVAL },
        { { .kind = STEP_CHROOT, .subject = "/nowhere" }, ENOENT },
        { { .kind = STEP_SCHEDULER, .scheduler = { 99, 0, false } }, EINVAL },
        { { .kind = STEP_TTY, .subject = "/dev/null" }, ENOTTY },
        { { .kind = STEP_KINDS }, EINVAL },
    };
    for (int forks = 0; forks < 2; forks++)
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
            struct fixture f;
            struct exec_child child;
            struct exec_failure failure;
            fixture_init(&f, forks, "exit 0", &bad[i].step, 1);
            assert_int_equal(exec_plan_run(&f.plan, &child), 0);
            assert_true(failure_of(&child, &failure));
            assert_int_equal(failure.error, bad[i].error);
            assert_int_equal(failure.status, 100);
            wait_for(&child);
            fd_close(child.pidfd);
        }
}

static void a_step_without_status_may_fail(void **state) {
    struct step steps[] = { { .kind = STEP_CHDIR, .subject = "/nowhere" } };
    struct fixture f;
    fixture_init(&f, false, "exit 4", steps, 1);
    f.steps[1].exit_status = 0;
    assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 4);
}

static void signals_are_as_a_program_expects_them(void **state) {
    /* We block and ignore; the child must not. */
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &before);
    void (*old)(int) = signal(SIGUSR1, SIG_IGN);
    for (int forks = 0; forks < 2; forks++) {
        struct fixture f;
        fixture_init(&f, forks,
                     "grep -q '^SigBlk:\t0000000000000000' /proc/self/status &&"
                     "grep -q '^SigIgn:\t0000000000001000' /proc/self/status",
                     NULL, 0);
        assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
    }
    signal(SIGUSR1, old);
    sigset_t now;
    sigprocmask(SIG_SETMASK, &before, &now);
    assert_true(sigismember(&now, SIGTERM));
    assert_false(sigismember(&now, SIGINT));
}

static int memory_file(const char *content) {
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void descriptors_change_places_through_the_spare_one(void **state) {
    /* Two descriptors that each are to be where the other is. */
    int a = memory_file("a"), b = memory_file("b");
    char script[128];
    snprintf(script, sizeof(script), "test \"$(cat <&%d)\" = b && test \"$(cat <&%d)\" = a", a, b);
    struct step steps[] = {
        { .kind = STEP_FD_SPARE, .fd = { a, 50 } },
        { .kind = STEP_FD, .fd = { b, a } },
        { .kind = STEP_FD, .fd = { FD_SPARE, b } },
    };
    for (int forks = 0; forks < 2; forks++) {
        struct fixture f;
        lseek(a, 0, SEEK_SET);
        lseek(b, 0, SEEK_SET);
        fixture_init(&f, forks, script, steps, ELEMENTS(steps));
        assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
    }
    fd_close(a);
    fd_close(b);
}

static void no_other_descriptor_is_inherited(void **state) {
    int leak = open("/etc/passwd", O_RDONLY);
    int kept = fcntl(leak, F_DUPFD, 200);
    struct step steps[] = { { .kind = STEP_CLOSE_OTHERS, .number = 3 } };
    for (int forks = 0; forks < 2; forks++) {
        struct fixture f;
        /* The shell opens /proc/self/fd itself: what ls lists beyond 0, 1 and 2 is that one. */
        fixture_init(&f, forks, "test $(ls /proc/self/fd | wc -l) = 4", steps, 1);
        assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
    }
    fd_close(leak);
    fd_close(kept);
}

static void the_childs_pid_is_written_into_its_environment(void **state) {
    for (int forks = 0; forks < 2; forks++) {
        char variable[] = "LISTEN_PID=          ", *slots[] = { variable + strlen("LISTEN_PID=") };
        struct step steps[] = { { .kind = STEP_LISTEN_PID, .pids = { slots, 1 } } };
        struct fixture f;
        fixture_init(&f, forks, "test $LISTEN_PID = $$", steps, 1);
        f.envp[1] = variable;
        assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
    }
}

static void standard_input_may_be_data(void **state) {
    struct step steps[] = { { .kind = STEP_DATA, .blob = { "two\nlines\n", 10, 0, 0, 0 } } };
    for (int forks = 0; forks < 2; forks++) {
        struct fixture f;
        fixture_init(&f, forks, "test \"$(cat)\" = \"$(printf 'two\\nlines')\"", steps, 1);
        assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
    }
}

static void a_change_of_user_leaves_us_dumpable(void **state) {
    if (geteuid() != 0)
        skip();
    gid_t groups[] = { 4711, 4712 };
    struct step steps[] = {
        { .kind = STEP_GROUPS, .groups = { groups, 2, false } },
        { .kind = STEP_GID, .number = 4711 },
        { .kind = STEP_UID, .number = 4710 },
    };
    for (int forks = 0; forks < 2; forks++) {
        struct fixture f;
        fixture_init(&f, forks, "test \"$(id -u) $(id -g) $(id -G)\" = '4710 4711 4711 4712'", steps,
                     ELEMENTS(steps));
        f.plan.changes_ids = true;
        assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
        assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
        assert_int_equal(geteuid(), 0);
    }
}

static char *scratch(char buffer[static 64]) {
    strcpy(buffer, "/tmp/test-run-XXXXXX");
    assert_non_null(mkdtemp(buffer));
    assert_int_equal(chmod(buffer, 0755), 0);
    return buffer;
}

static void directories_are_made_with_owner_and_mode(void **state) {
    if (geteuid() != 0)
        skip();
    char base[64], path[128], link[128];
    struct stat st;
    scratch(base);
    snprintf(path, sizeof(path), "%s/one/two", base);
    snprintf(link, sizeof(link), "%s/link", base);
    struct step steps[] = {
        { .kind = STEP_DIRECTORY, .subject = path, .directory = { 0750, 4710, 4711, DIRECTORY_RECURSIVE } },
        { .kind = STEP_SYMLINK, .subject = link, .link = { "one/two" } },
    };
    for (int times = 0; times < 2; times++) {
        struct fixture f;
        fixture_init(&f, true, "exit 0", steps, ELEMENTS(steps));
        assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0750);
        assert_int_equal(st.st_uid, 4710);
        assert_int_equal(st.st_gid, 4711);
        assert_int_equal(stat(link, &st), 0);
    }
    snprintf(path, sizeof(path), "%s/one", base);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 0);
    char *all[] = { base, NULL };
    exec_remove_directories(all);
    assert_int_equal(stat(base, &st), -1);
}

static void what_lies_below_changes_hands_with_the_top(void **state) {
    if (geteuid() != 0)
        skip();
    char base[64], path[128], file[160];
    struct stat st;
    scratch(base);
    snprintf(path, sizeof(path), "%s/state", base);
    snprintf(file, sizeof(file), "%s/file", path);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(file_write(file, "x", 0600), 0);
    struct step steps[] = {
        { .kind = STEP_DIRECTORY, .subject = path, .directory = { 0755, 4710, 4711, DIRECTORY_RECURSIVE } },
    };
    struct fixture f;
    fixture_init(&f, true, "exit 0", steps, 1);
    assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_uid, 4710);

    /* Kept: ConfigurationDirectory=. */
    steps[0].directory.uid = 1;
    steps[0].directory.flags = DIRECTORY_KEEP;
    fixture_init(&f, true, "exit 0", steps, 1);
    assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 4710);
    char *all[] = { base, NULL };
    exec_remove_directories(all);
}

static void a_link_that_a_service_planted_is_not_followed(void **state) {
    if (geteuid() != 0)
        skip();
    char base[64], trap[128], victim[128], path[160];
    struct stat st;
    scratch(base);
    snprintf(victim, sizeof(victim), "%s/victim", base);
    snprintf(trap, sizeof(trap), "%s/trap", base);
    assert_int_equal(mkdir(victim, 0700), 0);
    assert_int_equal(symlink(victim, trap), 0);
    assert_int_equal(lchown(trap, 4710, 4711), 0);
    for (int below = 0; below < 2; below++) {
        snprintf(path, sizeof(path), "%s%s", trap, below ? "/sub" : "");
        struct step steps[] = {
            { .kind = STEP_DIRECTORY,
              .subject = path,
              .directory = { 0755, 4710, 4711, DIRECTORY_RECURSIVE } },
        };
        struct fixture f;
        struct exec_child child;
        struct exec_failure failure;
        fixture_init(&f, true, "exit 0", steps, 1);
        assert_int_equal(exec_plan_run(&f.plan, &child), 0);
        assert_true(failure_of(&child, &failure));
        wait_for(&child);
        fd_close(child.pidfd);
        assert_int_equal(stat(victim, &st), 0);
        assert_int_equal(st.st_uid, 0);
    }
    char *all[] = { base, NULL };
    exec_remove_directories(all);
}

static void credentials_belong_to_the_user_alone(void **state) {
    if (geteuid() != 0)
        skip();
    char base[64], path[128];
    struct stat st;
    scratch(base);
    snprintf(path, sizeof(path), "%s/secret", base);
    struct step steps[] = {
        { .kind = STEP_CREDENTIAL, .subject = path, .blob = { "se\0cret", 7, 4710, 4711, 0 } }
    };
    for (int times = 0; times < 2; times++) {
        _cleanup_free_ char *content = NULL;
        size_t size;
        struct fixture f;
        fixture_init(&f, true, "exit 0", steps, 1);
        assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_uid, 4710);
        assert_int_equal(st.st_mode & 07777, 0400);
        assert_int_equal(file_read(path, 100, &content, &size), 0);
        assert_int_equal(size, 7);
        assert_memory_equal(content, "se\0cret", 7);
    }
    char *all[] = { base, NULL };
    exec_remove_directories(all);
}

static void a_user_from_elsewhere_is_asked_of_getent(void **state) {
    if (geteuid() != 0 || access("/usr/bin/getent", X_OK) < 0)
        skip();
    char home[5 + RESOLVED_VALUE_MAX] = "HOME=", shell[6 + RESOLVED_VALUE_MAX] = "SHELL=";
    struct step steps[] = {
        { .kind = STEP_RESOLVE_USER, .subject = "daemon", .resolve = { home + 5, shell + 6 } },
        { .kind = STEP_GROUPS, .groups = { NULL, 0, true } },
        { .kind = STEP_GID, .number = GID_RESOLVED },
        { .kind = STEP_UID, .number = UID_RESOLVED },
    };
    struct fixture f;
    fixture_init(&f, true, "test \"$(id -un)\" = daemon && test -n \"$HOME\"", steps, ELEMENTS(steps));
    f.envp[1] = home;
    f.envp[2] = shell;
    assert_int_equal(WEXITSTATUS(run_and_wait(&f)), 0);

    struct exec_child child;
    struct exec_failure failure;
    steps[0].subject = "nobody-at-all";
    fixture_init(&f, true, "exit 0", steps, ELEMENTS(steps));
    assert_int_equal(exec_plan_run(&f.plan, &child), 0);
    assert_true(failure_of(&child, &failure));
    assert_int_equal(failure.error, ESRCH);
    wait_for(&child);
    fd_close(child.pidfd);
}

static void no_process_leaves_no_trace(void **state) {
    struct fixture f;
    struct exec_child child = { .pid = 12345 };
    struct rlimit old, none;
    if (geteuid() == 0)
        skip(); /* RLIMIT_NPROC does not bind root */
    assert_int_equal(getrlimit(RLIMIT_NPROC, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NPROC, &none), 0);
    for (int forks = 0; forks < 2; forks++) {
        fixture_init(&f, forks, "exit 0", NULL, 0);
        assert_int_equal(exec_plan_run(&f.plan, &child), -EAGAIN);
        assert_int_equal(child.pid, 12345);
    }
    setrlimit(RLIMIT_NPROC, &old);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_runs_and_exits),
        cmocka_unit_test(the_pidfd_names_the_child),
        cmocka_unit_test(a_missing_program_is_a_failed_exec),
        cmocka_unit_test(every_step_that_fails_is_named),
        cmocka_unit_test(real_failures_carry_their_errno),
        cmocka_unit_test(a_step_without_status_may_fail),
        cmocka_unit_test(signals_are_as_a_program_expects_them),
        cmocka_unit_test(descriptors_change_places_through_the_spare_one),
        cmocka_unit_test(no_other_descriptor_is_inherited),
        cmocka_unit_test(the_childs_pid_is_written_into_its_environment),
        cmocka_unit_test(standard_input_may_be_data),
        cmocka_unit_test(a_change_of_user_leaves_us_dumpable),
        cmocka_unit_test(directories_are_made_with_owner_and_mode),
        cmocka_unit_test(what_lies_below_changes_hands_with_the_top),
        cmocka_unit_test(a_link_that_a_service_planted_is_not_followed),
        cmocka_unit_test(credentials_belong_to_the_user_alone),
        cmocka_unit_test(a_user_from_elsewhere_is_asked_of_getent),
        cmocka_unit_test(no_process_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
