/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives on the log sockets and from PID 1: everything found lies inside what was given. The first byte
 * says which format it is. */
#include "journal/parse.h"
#include "journal/protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct bytes whole, struct bytes part) {
    if (part.n > 0 && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        abort();
}

static void fuzz_syslog(struct bytes in) {
    struct syslog_message m;
    parse_syslog(in, &m);
    inside(in, m.identifier);
    inside(in, m.text);
    if (m.pid < 0 || m.priority < 0 || memchr(m.identifier.n ? m.identifier.p : "", ' ', m.identifier.n))
        abort();
}

static void fuzz_native(struct bytes in) {
    struct bytes rest = in, name, value;
    while (parse_native_field(&rest, &name, &value) > 0) {
        inside(in, name);
        inside(in, value);
        inside(in, rest);
    }
    struct native_message m;
    (void)parse_native(in, &m);
    inside(in, m.message);
    inside(in, m.identifier);
    if (m.level > 7 || m.pid < 0)
        abort();
}

static void fuzz_stream(struct bytes in) {
    struct stream_head head;
    size_t used;
    if (parse_stream_head(in, &head, &used) < 0)
        return;
    inside(in, head.identifier);
    inside(in, head.unit);
    if (used > in.n || used < 12)
        abort();
}

static void fuzz_kmsg(struct bytes in) {
    struct kmsg_message m;
    if (parse_kmsg(in, &m) < 0)
        return;
    inside(in, m.text);
    inside(in, m.fields);
    struct bytes rest = m.fields, name, value;
    while (parse_kmsg_field(&rest, &name, &value) > 0) {
        inside(in, name);
        inside(in, value);
        inside(in, rest);
    }
    char *text = malloc(m.text.n + 1);
    if (!text || unescape_kmsg(m.text, text) > m.text.n)
        abort();
    free(text);
}

static void fuzz_packet(struct bytes in) {
    const char *strings[LOG_MESSAGE_STRINGS];
    int n = log_message_strings(in.p, in.n, strings);
    if (n < 0)
        return;
    size_t total = 0;
    for (int i = 0; i < LOG_MESSAGE_STRINGS; i++)
        total += strlen(strings[i]) + (i < n);
    if (n > LOG_MESSAGE_STRINGS || total + sizeof(struct log_message) != in.n)
        abort();
    uint8_t packet[LOG_MESSAGE_MAX];
    if (log_message_pack(packet, (const void *)in.p, strings, (size_t)n) !=
            (int)MIN(in.n, (size_t)LOG_MESSAGE_MAX) &&
        in.n <= LOG_MESSAGE_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct bytes in = { (const char *)data + 1, size - 1 };
    switch (data[0]) {
    case 's':
        fuzz_syslog(in);
        break;
    case 'n':
        fuzz_native(in);
        break;
    case 'c':
        fuzz_stream(in);
        break;
    case 'k':
        fuzz_kmsg(in);
        break;
    case 'p':
        fuzz_packet(in);
        break;
    default:
        break;
    }
    return 0;
}
