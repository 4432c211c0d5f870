/* SPDX-License-Identifier: Apache-2.0 */
/* journal/remote.h: servers that listen, go away, come back and do not read. */
#include "base/fd.h"
#include "journal/remote.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

struct bed {
    struct remote remote;
    struct store store;
    int epoll, server;
    char where[128], said[1024], got[16384];
};

static void complain(void *userdata, const char *what, int error) {
    struct bed *b = userdata;
    size_t n = strlen(b->said);
    snprintf(b->said + n, sizeof(b->said) - n, "%s|", what);
}

static int set_up(void **state) {
    struct bed *b = calloc(1, sizeof(*b));
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    strcpy(b->store.host, "_HOSTNAME=box");
    b->remote.max_level = LOG_INFO;
    remote_open(&b->remote, b->epoll, b, &b->store, complain, b);
    *state = b;
    return 0;
}

static int tear_down(void **state) {
    struct bed *b = *state;
    remote_close(&b->remote, 0);
    fd_close(b->server);
    close(b->epoll);
    free(b);
    return 0;
}

/* A server on the loopback; the same port again if there was one. */
static void listen_on(struct bed *b, int type) {
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(b->remote.port) };
    socklen_t size = sizeof(a);
    int on = 1;
    b->server = socket(AF_INET, type, 0);
    (void)setsockopt(b->server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(b->server, (struct sockaddr *)&a, sizeof(a)), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(b->server, 5), 0);
    assert_int_equal(getsockname(b->server, (struct sockaddr *)&a, &size), 0);
    snprintf(b->where, sizeof(b->where), "%s://127.0.0.1:%u", type == SOCK_STREAM ? "tcp" : "udp",
             ntohs(a.sin_port));
    assert_int_equal(remote_set_server(&b->remote, b->where), 0);
}

static void say(struct bed *b, const char *text) {
    b->remote.sink.write(&b->remote.sink, &(struct entry){ .transport = ENTRY_SYSLOG,
                                                           .level = LOG_WARNING,
                                                           .facility = LOG_AUTH,
                                                           .identifier = "s h",
                                                           .pid = 7,
                                                           .message = text,
                                                           .size = strlen(text),
                                                           .source_time = 1700000000123456 });
}

/* What the loop does. */
static void turns(struct bed *b, int n) {
    for (int i = 0; i < n; i++) {
        struct epoll_event event;
        remote_turn(&b->remote);
        if (epoll_wait(b->epoll, &event, 1, 20) > 0)
            remote_ready(&b->remote);
    }
    remote_turn(&b->remote);
}

static void expect(struct bed *b, int fd, const char *want) {
    size_t n = 0;
    b->got[0] = 0;
    struct pollfd p = { .fd = fd, .events = POLLIN };
    while (n < strlen(want) && poll(&p, 1, 5000) > 0) {
        ssize_t k = read(fd, b->got + n, sizeof(b->got) - 1 - n);
        if (k <= 0)
            break;
        b->got[n += (size_t)k] = 0;
    }
    assert_string_equal(b->got, want);
}

static void where_is_said_in_few_forms(void **state) {
    struct remote r = {};
    assert_int_equal(remote_set_server(&r, "udp://loghost"), 0);
    assert_int_equal(r.port, 514);
    assert_int_equal(remote_set_server(&r, "tcp://[::1]:99"), 0);
    assert_string_equal(r.host, "::1");
    assert_int_equal(r.port, 99);
    assert_int_equal(remote_set_socket(&r, "/run/x"), 0);
    assert_int_equal(r.port, 0);
    static const char *const wrong[] = { "",          "loghost",       "udp://",     "udp://x:",
                                         "udp://x:0", "udp://x:99999", "tcp://[::1", "tcp://x:1y" };
    for (size_t i = 0; i < ELEMENTS(wrong); i++)
        assert_int_equal(remote_set_server(&r, wrong[i]), -EINVAL);
    assert_int_equal(remote_set_socket(&r, "host"), -EINVAL);
}

#define HEAD "<36>1 2023-11-14T22:13:20.123456Z box s_h 7 - - "

static void datagrams(void **state) {
    struct bed *b = *state;
    listen_on(b, SOCK_DGRAM);
    say(b, "one\ntwo");
    turns(b, 1);
    expect(b, b->server, HEAD "one\ntwo");
    /* Who goes away loses what comes meanwhile, and nothing else happens. */
    fd_close(b->server);
    for (int i = 0; i < 3; i++) {
        say(b, "lost");
        turns(b, 1);
    }
    listen_on(b, SOCK_DGRAM);
    turns(b, 1);
    say(b, "back");
    turns(b, 1);
    char got[256] = "";
    while (!strstr(got, "back"))
        assert_true(recv(b->server, got, sizeof(got) - 1, 0) > 0);
    assert_string_equal(b->said, "");
}

static void a_stream_and_its_end(void **state) {
    struct bed *b = *state;
    listen_on(b, SOCK_STREAM);
    say(b, "one");
    turns(b, 3);
    int c = accept(b->server, NULL, NULL);
    expect(b, c, "51 " HEAD "one");
    close(c);
    turns(b, 1);
    assert_int_equal(b->remote.state, REMOTE_DOWN);
    assert_int_equal(remote_deadline(&b->remote), USEC_INFINITY);
    assert_non_null(strstr(b->said, "cannot send the log to 127.0.0.1|"));
    say(b, "two");
    assert_int_not_equal(remote_deadline(&b->remote), USEC_INFINITY);
    b->remote.retry_at = 0;
    turns(b, 3);
    c = accept(b->server, NULL, NULL);
    expect(b, c, "51 " HEAD "two");
    close(c);
}

static void who_does_not_read_is_not_waited_for(void **state) {
    struct bed *b = *state;
    listen_on(b, SOCK_STREAM);
    static char line[10001];
    memset(line, 'x', sizeof(line) - 1);
    for (int i = 0; i < 2000; i++) {
        say(b, line);
        if (i < 3)
            turns(b, 1);
        remote_turn(&b->remote);
    }
    assert_true(b->remote.size <= 2 * REMOTE_KEEP_MAX);
    assert_true(b->remote.n_lost > 0);
    int c = accept(b->server, NULL, NULL);
    for (int i = 0; i < 10000 && b->remote.head < b->remote.tail; i++) {
        char sink[65536];
        assert_true(read(c, sink, sizeof(sink)) > 0);
        turns(b, 1);
    }
    assert_non_null(strstr(b->said, "entries were not sent to 127.0.0.1, which took none for a while|"));
    close(c);
}

static void the_export_format(void **state) {
    struct bed *b = *state;
    char path[64];
    snprintf(path, sizeof(path), "/tmp/reeve-test-%d", (int)getpid());
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    strcpy(a.sun_path, path);
    b->server = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(b->server, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(b->server, 1), 0);
    assert_int_equal(remote_set_socket(&b->remote, path), 0);
    say(b, "two\nlines");
    turns(b, 3);
    int c = accept(b->server, NULL, NULL);
    ssize_t n = read(c, b->got, sizeof(b->got) - 1);
    assert_true(n > 0);
    assert_memory_equal(b->got, "__REALTIME_TIMESTAMP=", 21);
    assert_non_null(memmem(b->got, (size_t)n, "\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n", 27));
    assert_non_null(memmem(b->got, (size_t)n, "\nPRIORITY=4\n", 12));
    assert_non_null(memmem(b->got, (size_t)n, "\n_HOSTNAME=box\n\n", 16));
    close(c);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_is_said_in_few_forms),
        cmocka_unit_test_setup_teardown(datagrams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_and_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_read_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_export_format, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
