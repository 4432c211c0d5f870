/* SPDX-License-Identifier: Apache-2.0 */
/* journal/parse.h: what log senders write, taken apart. */
#include "journal/parse.h"
#include "journal/protocol.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>

#include <cmocka.h>

static struct bytes b(const char *s) {
    return (struct bytes){ s, strlen(s) };
}

static void assert_bytes(struct bytes have, const char *want) {
    assert_int_equal(have.n, strlen(want));
    assert_memory_equal(have.p, want, have.n);
}

static void test_syslog_lines(void **state) {
    static const struct {
        const char *line;
        int priority;
        const char *identifier;
        int pid;
        const char *text;
    } cases[] = {
        { "<86>Nov 22 06:00:00 sshd[123]: Accepted", LOG_AUTHPRIV | LOG_INFO, "sshd", 123, "Accepted" },
        { "<13>Nov  2 06:00:00 root: hello: there\n", LOG_USER | LOG_NOTICE, "root", 0, "hello: there" },
        { "<78>CRON[9]: (root) CMD (true)", LOG_CRON | LOG_INFO, "CRON", 9, "(root) CMD (true)" },
        { "haproxy[7]:no space", LOG_USER | LOG_INFO, "haproxy", 7, "no space" },
        { "no tag at all", LOG_USER | LOG_INFO, "", 0, "no tag at all" },
        { "<3>kernel says", LOG_USER | LOG_ERR, "", 0, "kernel says" },
        { "<999>x: y", LOG_USER | LOG_INFO, "", 0, "<999>x: y" },
        { "<13", LOG_USER | LOG_INFO, "", 0, "<13" },
        { "a[b]: c", LOG_USER | LOG_INFO, "", 0, "a[b]: c" },
        { "a[1: c", LOG_USER | LOG_INFO, "", 0, "a[1: c" },
        { "<13>Nov 22 06:00:0", LOG_USER | LOG_NOTICE, "", 0, "Nov 22 06:00:0" },
        { "", LOG_USER | LOG_INFO, "", 0, "" },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct syslog_message m;
        parse_syslog(b(cases[i].line), &m);
        assert_int_equal(m.priority, cases[i].priority);
        assert_bytes(m.identifier, cases[i].identifier);
        assert_int_equal(m.pid, cases[i].pid);
        assert_bytes(m.text, cases[i].text);
    }
}

static void test_native_fields(void **state) {
    static const char datagram[] =
        "PRIORITY=4\n# comment\n\nMESSAGE\n\x07\0\0\0\0\0\0\0one\ntwo\nSYSLOG_IDENTIFIER=x\n"
        "SYSLOG_FACILITY=3\nSYSLOG_PID=12";
    struct native_message m;
    assert_int_equal(parse_native((struct bytes){ datagram, sizeof(datagram) - 1 }, &m), 0);
    assert_bytes(m.message, "one\ntwo");
    assert_bytes(m.identifier, "x");
    assert_int_equal(m.level, LOG_WARNING);
    assert_int_equal(m.facility, LOG_DAEMON);
    assert_int_equal(m.pid, 12);
}

static void test_native_garbage_keeps_what_came_before(void **state) {
    static const char short_value[] = "MESSAGE=x\nLONG\n\xff\xff\xff\xff\xff\xff\xff\xff"
                                      "abc";
    struct native_message m;
    assert_int_equal(parse_native((struct bytes){ short_value, sizeof(short_value) - 1 }, &m), -EBADMSG);
    assert_bytes(m.message, "x");
    assert_int_equal(parse_native(b("PRIORITY=9\nSYSLOG_PID=-1\nLONG"), &m), -EBADMSG);
    assert_int_equal(m.level, -1);
    assert_int_equal(m.pid, 0);
    assert_null(m.message.p);
}

static void test_stream_heads(void **state) {
    struct stream_head h;
    size_t size;
    static const char good[] = "ident\nx.service\n6\n1\n0\n0\n0\ntext";
    assert_int_equal(parse_stream_head(b(good), &h, &size), 0);
    assert_bytes(h.identifier, "ident");
    assert_bytes(h.unit, "x.service");
    assert_int_equal(h.level, LOG_INFO);
    assert_true(h.level_prefix);
    assert_string_equal(good + size, "text");
    for (size_t n = 0; n < size; n++)
        assert_int_equal(parse_stream_head((struct bytes){ good, n }, &h, &size), -EAGAIN);
    assert_int_equal(parse_stream_head(b("a\nb\nx\n1\n0\n0\n0\n"), &h, &size), -EBADMSG);
    assert_int_equal(parse_stream_head(b("a\nb\n6\n2\n0\n0\n0\n"), &h, &size), -EBADMSG);
    char big[STREAM_HEAD_MAX + 1];
    memset(big, 'x', sizeof(big));
    assert_int_equal(parse_stream_head((struct bytes){ big, sizeof(big) }, &h, &size), -EBADMSG);
}

static void test_packets_come_out_as_they_went_in(void **state) {
    uint8_t packet[LOG_MESSAGE_MAX];
    const char *strings[LOG_MESSAGE_STRINGS];
    struct log_message head = { .kind = LOG_MANAGER, .level = 3 };
    int size = log_message_pack(packet, &head, (const char *[]){ "a.service", NULL, "text" }, 3);
    assert_int_equal(log_message_strings(packet, (size_t)size, strings), 3);
    assert_string_equal(strings[0], "a.service");
    assert_string_equal(strings[1], "");
    assert_string_equal(strings[2], "text");
    assert_int_equal(log_message_strings(packet, (size_t)size - 1, strings), -EBADMSG);
    assert_int_equal(log_message_strings(packet, sizeof(head) - 1, strings), -EBADMSG);
    assert_int_equal(log_message_strings(packet, sizeof(head), strings), 0);
    assert_string_equal(strings[2], "");
    /* A long text is cut, a long name refused. */
    char big[2 * LOG_MESSAGE_MAX];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    assert_int_equal(log_message_pack(packet, &head, (const char *[]){ "a", "", big }, 3), LOG_MESSAGE_MAX);
    assert_int_equal(log_message_strings(packet, LOG_MESSAGE_MAX, strings), 3);
    assert_int_equal(log_message_pack(packet, &head, (const char *[]){ big, "", "x" }, 3), -E2BIG);
}

static void test_kernel_records(void **state) {
    struct kmsg_message m;
    struct bytes name, value;
    assert_int_equal(
        parse_kmsg(b("30,7,123456,-,caller=T1;eth0: \\x09up\\\n SUBSYSTEM=net\n lower=x\nnone\n DEVICE=+e:0\n"), &m),
        0);
    assert_int_equal(m.priority, LOG_DAEMON | LOG_INFO);
    assert_int_equal(m.time, 123456);
    char text[64];
    size_t n = unescape_kmsg(m.text, text);
    assert_bytes((struct bytes){ text, n }, "eth0: \tup\\");
    assert_int_equal(parse_kmsg_field(&m.fields, &name, &value), 1);
    assert_bytes(name, "SUBSYSTEM");
    assert_bytes(value, "net");
    assert_int_equal(parse_kmsg_field(&m.fields, &name, &value), 1);
    assert_bytes(value, "+e:0");
    assert_int_equal(parse_kmsg_field(&m.fields, &name, &value), 0);
    static const char *const wrong[] = {
        "", "6", "6,1,2", "6,1,2,-", ",1,2,-;x", "9999,1,2,-;x", "6,1,99999999999999999999,-;x"
    };
    for (size_t i = 0; i < ELEMENTS(wrong); i++)
        assert_int_equal(parse_kmsg(b(wrong[i]), &m), -EBADMSG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syslog_lines),
        cmocka_unit_test(test_native_fields),
        cmocka_unit_test(test_native_garbage_keeps_what_came_before),
        cmocka_unit_test(test_stream_heads),
        cmocka_unit_test(test_kernel_records),
        cmocka_unit_test(test_packets_come_out_as_they_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
