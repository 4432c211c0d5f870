/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/parse.h"

#include "base/scan.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#define IDENTIFIER_MAX 128
#define PRIORITY_MAX (LOG_LOCAL7 | LOG_DEBUG)

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static void skip(struct bytes *b, size_t n) {
    b->p += n;
    b->n -= n;
}

/* Decimal digits at the start, at most `digits`: the number, moved behind; -1 if there is none. */
static long take_number(struct bytes *b, int digits) {
    long value = 0;
    int n = 0;
    while (n < digits && b->n > 0 && is_digit(b->p[0])) {
        value = value * 10 + (b->p[0] - '0');
        skip(b, 1);
        n++;
    }
    return n > 0 ? value : -1;
}

int parse_priority(struct bytes *text, int *ret) {
    struct bytes b = *text;
    if (b.n < 3 || b.p[0] != '<')
        return -EINVAL;
    skip(&b, 1);
    long priority = take_number(&b, 3);
    if (priority < 0 || priority > PRIORITY_MAX || b.n == 0 || b.p[0] != '>')
        return -EINVAL;
    skip(&b, 1);
    *text = b;
    *ret = (int)priority;
    return 0;
}

/* "Mmm dd hh:mm:ss " */
static bool skip_time(struct bytes *b) {
    static const char pattern[] = "aaa nn nn:nn:nn ";
    if (b->n < sizeof(pattern) - 1)
        return false;
    for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
        char c = b->p[i];
        bool fits = pattern[i] == 'a'   ? (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
                    : pattern[i] == 'n' ? is_digit(c) || c == ' '
                                        : c == pattern[i];
        if (!fits)
            return false;
    }
    skip(b, sizeof(pattern) - 1);
    return true;
}

/* "ident[pid]: " or "ident: " */
static void take_identifier(struct bytes *b, struct syslog_message *m) {
    struct bytes rest = *b;
    while (rest.n > 0 && rest.p[0] > ' ' && rest.p[0] != ':' && rest.p[0] != '[' && rest.p[0] < 127)
        skip(&rest, 1);
    struct bytes identifier = { b->p, b->n - rest.n };
    if (identifier.n == 0 || identifier.n > IDENTIFIER_MAX || identifier.p[0] == '<' || rest.n == 0)
        return;
    long pid = 0;
    if (rest.p[0] == '[') {
        skip(&rest, 1);
        pid = take_number(&rest, 9);
        if (pid < 0 || rest.n == 0 || rest.p[0] != ']')
            return;
        skip(&rest, 1);
    }
    if (rest.n == 0 || rest.p[0] != ':')
        return;
    skip(&rest, 1);
    if (rest.n > 0 && rest.p[0] == ' ')
        skip(&rest, 1);
    m->identifier = identifier;
    m->pid = (pid_t)pid;
    *b = rest;
}

void parse_syslog(struct bytes datagram, struct syslog_message *ret) {
    struct syslog_message m = { .priority = LOG_USER | LOG_INFO };
    struct bytes b = datagram;
    while (b.n > 0 && (b.p[b.n - 1] == 0 || b.p[b.n - 1] == '\n' || b.p[b.n - 1] == '\r'))
        b.n--;
    if (parse_priority(&b, &m.priority) >= 0 && (m.priority & LOG_FACMASK) == LOG_KERN)
        m.priority = LOG_USER | LOG_PRI(m.priority); /* user space is not the kernel */
    const char *time = b.p;
    if (skip_time(&b))
        m.time = (struct bytes){ time, (size_t)(b.p - time) };
    take_identifier(&b, &m);
    m.text = b;
    *ret = m;
}

int parse_native_field(struct bytes *rest, struct bytes *name, struct bytes *value) {
    struct bytes b = *rest;
    while (b.n > 0) {
        const char *end = memchr(b.p, '\n', b.n);
        size_t line = end ? (size_t)(end - b.p) : b.n;
        if (line == 0 || b.p[0] == '#' || b.p[0] == '.') {
            skip(&b, line + (end != NULL));
            continue;
        }
        const char *equals = memchr(b.p, '=', line);
        if (equals) {
            *name = (struct bytes){ b.p, (size_t)(equals - b.p) };
            *value = (struct bytes){ equals + 1, line - name->n - 1 };
            skip(&b, line + (end != NULL));
            *rest = b;
            return 1;
        }
        *name = (struct bytes){ b.p, line };
        skip(&b, line + (end != NULL));
        if (!end || b.n < 8)
            return -EBADMSG;
        uint64_t size = 0;
        for (int i = 7; i >= 0; i--)
            size = size << 8 | (uint8_t)b.p[i];
        skip(&b, 8);
        if (size > b.n)
            return -EBADMSG;
        *value = (struct bytes){ b.p, (size_t)size };
        skip(&b, (size_t)size);
        if (b.n > 0) {
            if (b.p[0] != '\n')
                return -EBADMSG;
            skip(&b, 1);
        }
        *rest = b;
        return 1;
    }
    *rest = b;
    return 0;
}

static bool is(struct bytes b, const char *s) {
    return b.n == strlen(s) && memcmp(b.p, s, b.n) == 0;
}

static long whole_number(struct bytes b) {
    long value = take_number(&b, 9);
    return b.n == 0 ? value : -1;
}

int parse_native(struct bytes datagram, struct native_message *ret) {
    struct native_message m = { .level = -1, .facility = -1 };
    struct bytes name, value;
    int r;
    while ((r = parse_native_field(&datagram, &name, &value)) > 0) {
        long number;
        if (is(name, "MESSAGE"))
            m.message = value;
        else if (is(name, "SYSLOG_IDENTIFIER"))
            m.identifier = value;
        else if (is(name, "MESSAGE_ID"))
            m.message_id = value;
        else if (is(name, "PRIORITY") && (number = whole_number(value)) >= 0 && number <= LOG_DEBUG)
            m.level = (int)number;
        else if (is(name, "SYSLOG_FACILITY") && (number = whole_number(value)) >= 0 &&
                 number <= LOG_FAC(LOG_LOCAL7))
            m.facility = (int)number << 3;
        else if (is(name, "SYSLOG_PID") && (number = whole_number(value)) > 0)
            m.pid = (pid_t)number;
    }
    *ret = m;
    return r;
}

int parse_stream_head(struct bytes data, struct stream_head *ret, size_t *ret_size) {
    struct bytes lines[7], b = data;
    for (size_t i = 0; i < ELEMENTS(lines); i++) {
        const char *end = memchr(b.p, '\n', MIN(b.n, (size_t)STREAM_HEAD_MAX));
        if (!end)
            return data.n >= STREAM_HEAD_MAX ? -EBADMSG : -EAGAIN;
        lines[i] = (struct bytes){ b.p, (size_t)(end - b.p) };
        skip(&b, lines[i].n + 1);
    }
    long level = whole_number(lines[2]);
    if (level < 0 || level > PRIORITY_MAX)
        return -EBADMSG;
    for (size_t i = 3; i < ELEMENTS(lines); i++)
        if (lines[i].n != 1 || (lines[i].p[0] != '0' && lines[i].p[0] != '1'))
            return -EBADMSG;
    *ret = (struct stream_head){
        .identifier = lines[0], .unit = lines[1], .level = (int)level, .level_prefix = lines[3].p[0] == '1'
    };
    *ret_size = data.n - b.n;
    return 0;
}

/* --- the kernel's log --- */
/* Digits, and the comma behind them. */
static bool take_count(struct bytes *b, uint64_t *ret) {
    uint64_t n = 0;
    size_t i = 0;
    for (; i < b->n && b->p[i] >= '0' && b->p[i] <= '9' && i < 19; i++)
        n = 10 * n + (uint64_t)(b->p[i] - '0');
    if (i == 0 || i == b->n || b->p[i] != ',')
        return false;
    b->p += i + 1;
    b->n -= i + 1;
    *ret = n;
    return true;
}

int parse_kmsg(struct bytes record, struct kmsg_message *ret) {
    uint64_t priority, number, time;
    if (!take_count(&record, &priority) || priority > (LOG_FACMASK | LOG_PRIMASK) || !take_count(&record, &number) ||
        !take_count(&record, &time))
        return -EBADMSG;
    const char *text = memchr(record.p, ';', record.n), *end = record.p + record.n;
    if (!text)
        return -EBADMSG;
    text++;
    const char *newline = memchr(text, '\n', (size_t)(end - text));
    *ret =
        (struct kmsg_message){ .priority = (int)priority,
                               .time = time,
                               .text = { text, (size_t)((newline ? newline : end) - text) },
                               .fields = { newline ? newline + 1 : end, newline ? (size_t)(end - newline - 1) : 0 } };
    return 0;
}

int parse_kmsg_field(struct bytes *rest, struct bytes *name, struct bytes *value) {
    while (rest->n > 0) {
        const char *line = rest->p, *newline = memchr(line, '\n', rest->n);
        size_t n = newline ? (size_t)(newline - line) : rest->n, used = n + (newline ? 1 : 0);
        rest->p += used;
        rest->n -= used;
        const char *equals = n > 1 && line[0] == ' ' ? memchr(line + 1, '=', n - 1) : NULL;
        size_t length = equals ? (size_t)(equals - line - 1) : 0, upper = 0;
        while (upper < length && ((line[1 + upper] >= 'A' && line[1 + upper] <= 'Z') || line[1 + upper] == '_'))
            upper++;
        if (length == 0 || length > 32 || upper < length)
            continue;
        *name = (struct bytes){ line + 1, length };
        *value = (struct bytes){ equals + 1, (size_t)(line + n - equals - 1) };
        return 1;
    }
    return 0;
}

size_t unescape_kmsg(struct bytes text, char *to) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\\' && i + 3 < text.n && text.p[i + 1] == 'x' && hex_digit(text.p[i + 2]) >= 0 &&
            hex_digit(text.p[i + 3]) >= 0) {
            to[n++] = (char)(16 * hex_digit(text.p[i + 2]) + hex_digit(text.p[i + 3]));
            i += 3;
        } else
            to[n++] = text.p[i];
    return n;
}
