/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of sockets: what each text means, and the names that connections give to instances. */
#include "base/fd.h"
#include "engine/socket_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct socket_address a;

static int parse(enum listen_kind kind, const char *text) {
    memset(&a, 0, sizeof(a));
    return socket_address_parse(kind, text, &a);
}

static void test_paths_and_abstract_names(void **state) {
    assert_int_equal(parse(LISTEN_STREAM, "/run/x.sock"), 0);
    assert_int_equal(a.un.sun_family, AF_UNIX);
    assert_string_equal(a.un.sun_path, "/run/x.sock");
    assert_int_equal(a.type, SOCK_STREAM);
    assert_int_equal(a.size, offsetof(struct sockaddr_un, sun_path) + 12);
    assert_int_equal(parse(LISTEN_SEQPACKET, "@name"), 0);
    assert_int_equal(a.un.sun_path[0], 0);
    assert_memory_equal(a.un.sun_path + 1, "name", 4);
    assert_int_equal(a.size, offsetof(struct sockaddr_un, sun_path) + 5);
    assert_int_equal(a.type, SOCK_SEQPACKET);
    char text[200] = "/";
    memset(text + 1, 'x', 107);
    assert_int_equal(parse(LISTEN_STREAM, text), -ENAMETOOLONG);
    text[107] = 0;
    assert_int_equal(parse(LISTEN_STREAM, text), 0);
    assert_int_equal(parse(LISTEN_STREAM, "@"), -EINVAL);
}

static void test_internet_addresses(void **state) {
    assert_int_equal(parse(LISTEN_DATAGRAM, "80"), 0);
    assert_int_equal(a.in6.sin6_family, AF_INET6);
    assert_int_equal(ntohs(a.in6.sin6_port), 80);
    assert_int_equal(a.type, SOCK_DGRAM);
    assert_int_equal(parse(LISTEN_STREAM, "127.0.0.1:8080"), 0);
    assert_int_equal(a.in.sin_family, AF_INET);
    assert_int_equal(ntohl(a.in.sin_addr.s_addr), 0x7f000001);
    assert_int_equal(ntohs(a.in.sin_port), 8080);
    assert_int_equal(parse(LISTEN_STREAM, "[::1]:443"), 0);
    assert_true(IN6_IS_ADDR_LOOPBACK(&a.in6.sin6_addr));
    assert_int_equal(ntohs(a.in6.sin6_port), 443);
    assert_int_equal(parse(LISTEN_STREAM, "[fe80::1%lo]:1"), 0);
    assert_int_equal(a.in6.sin6_scope_id, 1);
    assert_int_equal(parse(LISTEN_STREAM, "[fe80::1%nosuch]:1"), -ENODEV);
}

static void test_what_is_no_address(void **state) {
    static const char *const wrong[] = { "",          "0",         "65536",   "1.2.3:80", "1.2.3.4",
                                         "1.2.3.4:",  "[::1]",     "[::1:80", "[::1]80",  "[x]:80",
                                         "name:80",   "80 ",       "+80",     "-1",       "1.2.3.4:80x",
                                         "999999999", "1.2.3.4:0", "[::]:" };
    for (size_t i = 0; i < ELEMENTS(wrong); i++)
        assert_int_equal(parse(LISTEN_STREAM, wrong[i]), -EINVAL);
    assert_int_equal(parse(LISTEN_STREAM, "vsock:2:1234"), -EAFNOSUPPORT);
}

static void test_netlink(void **state) {
    assert_int_equal(parse(LISTEN_NETLINK, "kobject-uevent 1"), 0);
    assert_int_equal(a.nl.nl_family, AF_NETLINK);
    assert_int_equal(a.protocol, NETLINK_KOBJECT_UEVENT);
    assert_int_equal(a.nl.nl_groups, 1);
    assert_int_equal(a.type, SOCK_RAW);
    assert_int_equal(parse(LISTEN_NETLINK, "route"), 0);
    assert_int_equal(a.nl.nl_groups, 0);
    assert_int_equal(parse(LISTEN_NETLINK, "route x"), -EINVAL);
    assert_int_equal(parse(LISTEN_NETLINK, "nosuch 1"), -EINVAL);
}

static void test_instances_are_named_after_their_connection(void **state) {
    int pair[2];
    _cleanup_text_ struct text t = {};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    char expected[64];
    snprintf(expected, sizeof(expected), "7-%d-%u", (int)getpid(), (unsigned)getuid());
    assert_int_equal(socket_instance_name(pair[0], 7, &t), 0);
    assert_string_equal(text_str(&t), expected);
    text_clear(&t);
    snprintf(expected, sizeof(expected), "uid %u", (unsigned)getuid());
    assert_int_equal(socket_peer_name(pair[0], &t), 0);
    assert_string_equal(text_str(&t), expected);
    close(pair[0]);
    close(pair[1]);

    _cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_close_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, from;
    socklen_t size = sizeof(in);
    assert_int_equal(bind(listener, (struct sockaddr *)&in, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&in, &size);
    assert_int_equal(connect(client, (struct sockaddr *)&in, size), 0);
    getsockname(client, (struct sockaddr *)&from, &size);
    _cleanup_close_ int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    text_clear(&t);
    assert_int_equal(socket_instance_name(connection, 0, &t), 0);
    snprintf(expected, sizeof(expected), "0-127.0.0.1:%u-127.0.0.1:%u", ntohs(in.sin_port),
             ntohs(from.sin_port));
    assert_string_equal(text_str(&t), expected);
    assert_int_equal(socket_instance_name(listener, 0, &t), -ENOTCONN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_and_abstract_names),
        cmocka_unit_test(test_internet_addresses),
        cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_netlink),
        cmocka_unit_test(test_instances_are_named_after_their_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
