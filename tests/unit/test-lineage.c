/* SPDX-License-Identifier: Apache-2.0 */
/* Tracking: a process stays its start's, whatever it does to hide; and what is not the start's is left alone.
 */
#include "base/fd.h"
#include "engine/lineage_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct lineage *l;

static int set_up(void **state) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return lineage_new(&l);
}

static int tear_down(void **state) {
    lineage_free(l);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    return 0;
}

/* Runs a shell command as a child with the tag. */
static pid_t spawn(uint64_t tag, const char *command) {
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = { tag, tag };
        if (tag && setrlimit(RLIMIT_LOCKS, &limit) < 0)
            _exit(1);
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        setsid();
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    return pid;
}

static int count(uint64_t tag) {
    const struct process *scan;
    lineage_scan_stale(l);
    int n = lineage_scan(l, &scan), found = 0;
    for (int i = 0; i < n; i++)
        found += scan[i].tag == tag && !scan[i].zombie;
    return found;
}

/* Reaps as the manager does, until nothing is left or the time is up. */
static int reap_all(uint64_t tag) {
    for (int tries = 0; tries < 400; tries++) {
        siginfo_t info = { 0 };
        while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
            lineage_reaping(l, info.si_pid);
            waitpid(info.si_pid, NULL, 0);
            info.si_pid = 0;
        }
        if (count(tag) == 0)
            return 0;
        usleep(5000);
    }
    return -ETIMEDOUT;
}

static bool wait_for(uint64_t tag, int wanted) {
    for (int tries = 0; tries < 400; tries++) {
        if (count(tag) == wanted)
            return true;
        usleep(5000);
    }
    return false;
}

static void test_tags_are_all_different_and_name_their_start(void **state) {
    uint64_t a = lineage_next(l), b = lineage_next(l);
    assert_true(a != 0 && b != 0 && a != b);
    assert_true(lineage_matches(a, a));
    assert_false(lineage_matches(a, b));
    assert_false(lineage_matches(a, 0));
    assert_false(lineage_matches(a, RLIM_INFINITY));
    assert_int_equal(lineage_own(l, a), a);
    assert_int_equal(lineage_own(l, 1024), 0);
    assert_int_equal(lineage_own(l, RLIM_INFINITY), 0);
}

static void test_nested_managers_tag_below_their_own(void **state) {
    struct lineage outer = { .base = UINT64_C(2) << 60 | ((UINT64_C(1) << 50) - 1), .proc = -1 };
    uint64_t t0 = lineage_next(&outer), other = lineage_next(&outer);
    struct lineage middle = { .base = t0, .proc = -1 };
    uint64_t t1 = lineage_next(&middle);
    struct lineage inner = { .base = t1, .proc = -1 };
    uint64_t t2 = lineage_next(&inner);
    struct lineage too_deep = { .base = t2, .proc = -1 };
    assert_true(t0 > t1 && t1 > t2);
    assert_true(lineage_matches(t0, t1) && lineage_matches(t0, t2) && lineage_matches(t1, t2));
    assert_false(lineage_matches(other, t1) || lineage_matches(t1, t0) || lineage_matches(t2, t1));
    assert_int_equal(lineage_own(&outer, t2), t0);
    assert_int_equal(lineage_own(&middle, t2), t1);
    assert_int_equal(lineage_own(&middle, t0), 0);
    assert_int_equal(lineage_own(&middle, other), 0);
    assert_int_equal(lineage_next(&too_deep), 0);
}

static void test_counter_that_goes_round_skips_tags_in_use(void **state) {
    uint64_t first = lineage_next(l), base = lineage_base(l);
    pid_t pid = spawn(first, "exec sleep 60");
    assert_true(wait_for(first, 1));
    uint64_t counter = lineage_counter(l);
    lineage_restore(l, base, UINT64_MAX);
    uint64_t zero = lineage_next(l);
    assert_true(zero != 0);
    assert_true(l->wrapped);
    l->counter = counter - 1;
    assert_true(lineage_next(l) != first);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_tag_survives_double_fork_setsid_and_an_empty_environment(void **state) {
    uint64_t tag = lineage_next(l);
    pid_t pid = spawn(tag, "(env -i setsid /bin/sh -c '/bin/sleep 60 & /bin/sleep 60 &') & wait; exit 3");
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(lineage_reaping(l, pid), tag);
    waitpid(pid, NULL, 0);
    assert_true(wait_for(tag, 2));
    assert_int_equal(lineage_signal(l, tag, SIGTERM, NULL, 0, NULL), 2);
    assert_int_equal(reap_all(tag), 0);
    assert_false(lineage_alive(l, tag));
}

static void test_other_starts_and_strangers_are_left_alone(void **state) {
    uint64_t a = lineage_next(l), b = lineage_next(l);
    pid_t pa = spawn(a, "sleep 60 & sleep 60"), pb = spawn(b, "exec sleep 60"),
          stranger = spawn(0, "exec sleep 60");
    assert_true(wait_for(a, 3) && wait_for(b, 1));
    assert_int_equal(lineage_of(l, pb), b);
    assert_int_equal(lineage_of(l, stranger), 0);
    pid_t except[] = { pa };
    assert_int_equal(lineage_signal(l, a, SIGKILL, except, 1, NULL), 2);
    assert_int_equal(lineage_kill_tree(l, a, NULL, 0, 20), 0);
    assert_int_equal(kill(pb, 0), 0);
    assert_int_equal(kill(stranger, 0), 0);
    assert_int_equal(lineage_of(l, pb), b);
    kill(pb, SIGKILL);
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
    assert_int_equal(reap_all(b), 0);
}

static void test_zombie_still_shows_its_tag(void **state) {
    uint64_t tag = lineage_next(l);
    pid_t pid = spawn(tag, "exit 0");
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(lineage_of(l, pid), tag);
    assert_false(lineage_alive(l, tag));
    assert_int_equal(lineage_reaping(l, pid), tag);
    waitpid(pid, NULL, 0);
    assert_int_equal(lineage_of(l, pid), 0);
}

static void test_change_of_user_does_not_lose_the_process(void **state) {
    static const char *const ways[] = {
        "exec runuser -u nobody -- sleep 60",
        "exec su -s /bin/sh nobody -c 'exec sleep 60'",
        "exec su -s /bin/sh - nobody -c 'exec sleep 60'",
        "exec setpriv --reuid=65534 --clear-groups sleep 60",
    };
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < ELEMENTS(ways); i++) {
        uint64_t tag = lineage_next(l);
        spawn(tag, ways[i]);
        bool asleep = false;
        for (int tries = 0; tries < 400 && !asleep; tries++) {
            const struct process *scan;
            lineage_scan_stale(l);
            int n = lineage_scan(l, &scan);
            for (int k = 0; k < n; k++) {
                char path[64], *name = NULL;
                snprintf(path, sizeof(path), "/proc/%d/comm", (int)scan[k].pid);
                if (scan[k].tag == tag && file_read(path, 100, &name, NULL) >= 0 &&
                    strcmp(name, "sleep\n") == 0)
                    asleep = true;
                free(name);
            }
            usleep(5000);
        }
        assert_true(asleep);
        assert_true(lineage_signal(l, tag, SIGKILL, NULL, 0, NULL) > 0);
        assert_int_equal(reap_all(tag), 0);
    }
}

/* Where CAP_SYS_RESOURCE is there, PAM resets all limits. Children from before their parent had its tag look
 * the same, and need no privilege. */
static void test_process_that_dropped_its_tag_is_known_by_its_parents(void **state) {
    uint64_t tag = lineage_next(l);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            setsid();
            if (fork() == 0)
                (void)!write(ready[1], "r", 1);
            for (;;)
                pause();
        }
        struct rlimit limit = { tag, tag };
        setrlimit(RLIMIT_LOCKS, &limit);
        (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    char c;
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    l->may_lose = true;
    assert_int_equal(count(tag), 3);
    kill(pid, SIGKILL); /* the link between them is gone, but it was seen */
    waitpid(pid, NULL, 0);
    assert_int_equal(count(tag), 2);
    assert_int_equal(lineage_signal(l, tag, SIGKILL, NULL, 0, NULL), 2);
    assert_int_equal(reap_all(tag), 0);
}

static void test_orphan_without_a_tag_belongs_to_whom_it_was_orphaned_by(void **state) {
    uint64_t tag = lineage_next(l);
    l->may_lose = true;
    pid_t stranger = spawn(0, "exec sleep 60");
    lineage_reaping(l, 0x3fffffff); /* a look at our children: the stranger is one from now on */
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        if (fork() == 0) {
            setsid();
            for (;;)
                pause();
        }
        _exit(0);
    }
    lineage_remember(l, pid, tag);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(lineage_reaping(l, pid), tag);
    waitpid(pid, NULL, 0);
    assert_int_equal(count(tag), 1);
    assert_int_equal(lineage_of(l, stranger), 0);
    assert_int_equal(lineage_kill_tree(l, tag, NULL, 0, 20), 0);
    kill(stranger, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

static void test_attached_process_hands_the_tag_to_its_children(void **state) {
    uint64_t tag = lineage_next(l);
    pid_t pid = spawn(0, "read x < /dev/null; sleep 1; sleep 60 & sleep 60");
    int r = lineage_attach(l, pid, tag);
    assert_true(r == 0 || r == -EPERM);
    assert_int_equal(lineage_of(l, pid), tag);
    assert_true(wait_for(tag, 3));
    assert_int_equal(lineage_kill_tree(l, tag, NULL, 0, 20), 0);
    assert_int_equal(reap_all(tag), 0);
    assert_int_equal(lineage_attach(l, getpid(), tag), -EINVAL);
}

static void test_without_proc_what_is_remembered_is_signalled(void **state) {
    uint64_t tag = lineage_next(l);
    pid_t pid = spawn(0, "exec sleep 60");
    lineage_remember(l, pid, tag);
    l->proc = fd_close(l->proc);
    l->proc = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* nothing of processes in there */
    assert_int_equal(count(tag), 1);
    assert_int_equal(lineage_blind(l), -EACCES);
    assert_int_equal(lineage_signal(l, tag, SIGKILL, NULL, 0, NULL), 1);
    waitpid(pid, NULL, 0);
    assert_int_equal(count(tag), 0);
}

/* --- a fork bomb, in a PID namespace that takes everything with it when it ends ------------------------ */

enum { BOMB_UID = 50000, BOMB_UIDS = 10000, BOMB_SIZE = 60, BOMB_LIMIT = 90 /* s */ };

/* The kernel counts a user's processes over all namespaces: two runs at a time must not share one. */
static uid_t bomb_uid;

static void bomb(uint64_t tag) {
    struct rlimit limit = { tag, tag }, processes = { BOMB_SIZE, BOMB_SIZE };
    if (setrlimit(RLIMIT_LOCKS, &limit) < 0 || setrlimit(RLIMIT_NPROC, &processes) < 0 ||
        setresuid(bomb_uid, bomb_uid, bomb_uid) < 0)
        _exit(1);
    signal(SIGCHLD, SIG_IGN);
    for (;;) /* each generation keeps forking and leaves: nothing stays where it was seen */
        if (fork() == 0 && fork() == 0)
            setsid();
        else
            usleep(200);
}

static int bomb_in_namespace(void) {
    if (mount("proc", "/proc", "proc", 0, NULL) < 0)
        return 77;
    l->proc = fd_close(l->proc);
    uint64_t tag = lineage_next(l);
    pid_t witness = fork();
    if (witness == 0)
        for (;;)
            pause();
    if (fork() == 0)
        bomb(tag);
    signal(SIGCHLD, SIG_IGN);
    for (int tries = 0; tries < 200 && count(tag) < BOMB_SIZE / 2; tries++)
        usleep(10000);
    if (count(tag) < BOMB_SIZE / 2)
        return 2;
    int left = 1;
    /* What is killed needs the processor once more to be gone, and on a busy machine that takes its time. */
    for (int tries = 0; tries < 1000 && left > 0; tries++) {
        left = lineage_kill_tree(l, tag, NULL, 0, 8);
        if (left > 0)
            usleep(10000);
    }
    usleep(50000);
    return left > 0 ? 3 : count(tag) > 0 ? 4 : kill(witness, 0) < 0 ? 5 : 0;
}

static void test_self_refilling_fork_bomb_ends(void **state) {
    bomb_uid = BOMB_UID + (uid_t)getpid() % BOMB_UIDS;
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWPID) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(77);
        pid_t init = fork();
        if (init == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            alarm(BOMB_LIMIT);
            signal(SIGALRM, SIG_DFL);
            _exit(bomb_in_namespace());
        }
        int status = 0;
        for (int tries = 0; tries < 100 * BOMB_LIMIT && waitpid(init, &status, WNOHANG) == 0; tries++)
            usleep(10000);
        kill(init, SIGKILL); /* and all of the namespace with it */
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_tags_are_all_different_and_name_their_start),
        TEST(test_nested_managers_tag_below_their_own),
        TEST(test_counter_that_goes_round_skips_tags_in_use),
        TEST(test_tag_survives_double_fork_setsid_and_an_empty_environment),
        TEST(test_other_starts_and_strangers_are_left_alone),
        TEST(test_zombie_still_shows_its_tag),
        TEST(test_change_of_user_does_not_lose_the_process),
        TEST(test_process_that_dropped_its_tag_is_known_by_its_parents),
        TEST(test_orphan_without_a_tag_belongs_to_whom_it_was_orphaned_by),
        TEST(test_attached_process_hands_the_tag_to_its_children),
        TEST(test_without_proc_what_is_remembered_is_signalled),
        TEST(test_self_refilling_fork_bomb_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
