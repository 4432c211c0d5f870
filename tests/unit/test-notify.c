/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications: told apart by who sends them; garbage, strangers and lost descriptors do no harm. */
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "engine/manager.h"
#include "engine/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- a manager that knows one unit, and what it heard -------------------------------------------------- */

static struct manager manager;
static struct notify *notify;
static char directory[] = "/tmp/test-notify.XXXXXX";
static char heard[256];
static size_t heard_fds;
static int taken_fd;
static pid_t heard_pid, stranger;

static void hear(struct unit *u, const struct ucred *sender, char *const *tags, int *fds, size_t n_fds) {
    _cleanup_free_ char *all = strv_join(tags, "|");
    strncat(heard, all, sizeof(heard) - strlen(heard) - 2);
    strcat(heard, ";");
    heard_pid = sender->pid;
    heard_fds = n_fds;
    if (n_fds > 0)
        taken_fd = TAKE_FD(fds[0]);
}

static const struct unit_ops ops = { .notify_message = hear };
static struct unit unit = { .ops = &ops, .id = "a.service" };

struct unit *manager_unit_by_pid(struct manager *m, pid_t pid) {
    return pid == stranger ? NULL : &unit;
}

static void silent(const struct log_record *record, void *userdata) {
    (*(unsigned *)userdata)++;
}
static unsigned complaints;

static int set_up(void **state) {
    heard[0] = 0;
    heard_fds = 0;
    taken_fd = -1;
    stranger = 0;
    complaints = 0;
    log_set_sink(silent, &complaints);
    strcpy(directory, "/tmp/test-notify.XXXXXX");
    if (!mkdtemp(directory) || loop_new(&manager.loop) < 0)
        return -1;
    manager.dirs.runtime = directory;
    return notify_new(&manager, -1, &notify);
}

static int tear_down(void **state) {
    notify_free(notify);
    loop_free(manager.loop);
    fd_close(taken_fd);
    unlink(manager.notify_socket_path);
    *strrchr(manager.notify_socket_path, '/') = 0;
    rmdir(manager.notify_socket_path);
    rmdir(directory);
    free(TAKE(manager.notify_socket_path));
    return 0;
}

static int send_message(const void *text, size_t size, const int *fds, size_t n_fds) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, manager.notify_socket_path);
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(NOTIFY_FDS_MAX * sizeof(int))];
    } control = { 0 };
    struct iovec iov = { (void *)text, size };
    struct msghdr header = {
        .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &iov, .msg_iovlen = 1
    };
    if (n_fds > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
    }
    return sendmsg(fd, &header, 0) < 0 ? -errno : 0;
}

static int say(const char *text) {
    return send_message(text, strlen(text), NULL, 0);
}

static int open_fds(void) {
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* --- the text ------------------------------------------------------------------------------------------ */

static void test_message_is_its_lines(void **state) {
    char **tags;
    assert_int_equal(notify_parse("READY=1\n\nSTATUS=a b\n", 20, &tags), 0);
    assert_int_equal(strv_length(tags), 2);
    assert_string_equal(tags[0], "READY=1");
    assert_string_equal(tags[1], "STATUS=a b");
    strv_free(tags);
    assert_int_equal(notify_parse("READY=1", 8, &tags), 0); /* with its NUL */
    assert_string_equal(tags[0], "READY=1");
    strv_free(tags);
}

static void test_no_message_is_refused(void **state) {
    char **tags = NULL;
    assert_int_equal(notify_parse("", 0, &tags), -EINVAL);
    assert_int_equal(notify_parse("\n\n", 2, &tags), -EINVAL);
    assert_int_equal(notify_parse("A=1\0B=1", 7, &tags), -EINVAL);
    _cleanup_free_ char *many = malloc(4 * NOTIFY_SIZE_MAX);
    for (size_t i = 0; i < 2 * (NOTIFY_LINES_MAX + 1); i += 2)
        memcpy(many + i, "a\n", 2);
    assert_int_equal(notify_parse(many, 2 * (NOTIFY_LINES_MAX + 1), &tags), -E2BIG);
    memset(many, 'a', 4 * NOTIFY_SIZE_MAX);
    assert_int_equal(notify_parse(many, NOTIFY_SIZE_MAX + 1, &tags), -E2BIG);
    assert_null(tags);
}

/* --- the socket ---------------------------------------------------------------------------------------- */

static void test_everybody_may_send(void **state) {
    struct stat st;
    assert_int_equal(stat(manager.notify_socket_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0777);
}

static void test_messages_reach_the_unit_of_their_sender(void **state) {
    assert_int_equal(say("READY=1\nSTATUS=x"), 0);
    assert_int_equal(say("WATCHDOG=1"), 0);
    loop_turn(manager.loop, 0);
    assert_string_equal(heard, "READY=1|STATUS=x;WATCHDOG=1;");
    assert_int_equal(heard_pid, getpid());
    assert_int_equal(complaints, 0);
}

static void test_stranger_is_not_heard_and_the_log_is_not_flooded(void **state) {
    stranger = getpid();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(say("READY=1"), 0);
        notify_drain(notify);
    }
    assert_string_equal(heard, "");
    assert_true(complaints > 0 && complaints <= 10);
}

static void test_dead_sender_is_known_until_it_is_reaped(void **state) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(say("READY=1") < 0);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    notify_drain(notify);
    assert_int_equal(heard_pid, pid);
    assert_string_equal(heard, "READY=1;");
    waitpid(pid, NULL, 0);
}

static void test_garbage_is_dropped(void **state) {
    static char big[NOTIFY_SIZE_MAX + 1];
    memset(big, 'x', sizeof(big));
    assert_int_equal(send_message(big, sizeof(big), NULL, 0), 0);
    assert_int_equal(send_message("A\0B", 3, NULL, 0), 0);
    assert_int_equal(send_message("", 0, NULL, 0), 0);
    assert_int_equal(say("READY=1"), 0);
    notify_drain(notify);
    assert_string_equal(heard, "READY=1;");
    assert_int_equal(complaints, 3);
}

static void test_longest_message_is_heard(void **state) {
    static char big[NOTIFY_SIZE_MAX];
    memset(big, 'x', sizeof(big));
    assert_int_equal(send_message(big, sizeof(big), NULL, 0), 0);
    notify_drain(notify);
    assert_int_equal(complaints, 0);
    assert_true(strlen(heard) > 100);
}

static void test_descriptors_are_handed_over_or_closed(void **state) {
    int before = open_fds(), null = open("/dev/null", O_RDONLY | O_CLOEXEC), three[] = { null, null, null };
    assert_int_equal(send_message("FDSTORE=1", 9, three, 3), 0);
    notify_drain(notify);
    assert_int_equal(heard_fds, 3);
    assert_true(taken_fd >= 0 && fcntl(taken_fd, F_GETFD) == FD_CLOEXEC);
    close(null);
    assert_int_equal(open_fds(), before + 1); /* the one that was taken */
    stranger = getpid();
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(send_message("FDSTORE=1", 9, &null, 1), 0);
    close(null);
    notify_drain(notify);
    assert_int_equal(open_fds(), before + 1);
}

static void test_descriptors_that_find_no_room_are_said_and_the_text_is_heard(void **state) {
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), many[100];
    for (size_t i = 0; i < ELEMENTS(many); i++)
        many[i] = null;
    assert_int_equal(send_message("FDSTORE=1", 9, many, ELEMENTS(many)), 0);
    int before = open_fds();
    struct rlimit old, limit;
    getrlimit(RLIMIT_NOFILE, &old);
    limit = old;
    limit.rlim_cur = (rlim_t)before + 20;
    setrlimit(RLIMIT_NOFILE, &limit);
    notify_drain(notify);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_string_equal(heard, "FDSTORE=1;");
    assert_int_equal(heard_fds, 0);
    assert_int_equal(complaints, 1);
    assert_int_equal(open_fds(), before);
    close(null);
}

static void test_barrier_closes_after_what_came_before(void **state) {
    int p[2];
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    assert_int_equal(say("READY=1"), 0);
    assert_int_equal(send_message("BARRIER=1", 9, &p[1], 1), 0);
    close(p[1]);
    notify_drain(notify);
    char c;
    assert_int_equal(read(p[0], &c, 1), 0); /* end of file: nobody holds the other end */
    assert_string_equal(heard, "READY=1;");
    close(p[0]);
}

static void test_socket_lives_through_a_re_execution(void **state) {
    assert_int_equal(say("READY=1"), 0);
    int fd = dup(notify_fd(notify));
    notify_free(notify);
    assert_int_equal(notify_new(&manager, fd, &notify), 0);
    loop_turn(manager.loop, 0);
    assert_string_equal(heard, "READY=1;");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_is_its_lines),
        cmocka_unit_test(test_no_message_is_refused),
        TEST(test_everybody_may_send),
        TEST(test_messages_reach_the_unit_of_their_sender),
        TEST(test_stranger_is_not_heard_and_the_log_is_not_flooded),
        TEST(test_dead_sender_is_known_until_it_is_reaped),
        TEST(test_garbage_is_dropped),
        TEST(test_longest_message_is_heard),
        TEST(test_descriptors_are_handed_over_or_closed),
        TEST(test_descriptors_that_find_no_room_are_said_and_the_text_is_heard),
        TEST(test_barrier_closes_after_what_came_before),
        TEST(test_socket_lives_through_a_re_execution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
