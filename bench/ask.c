/* SPDX-License-Identifier: Apache-2.0
 *
 * ask SOCKET UNIT-PATH SECONDS: asks the manager behind the private socket again and again, 20 times a second and over a
 * new connection each time, for ActiveState, as `systemctl is-active` does. Prints how long each answer took, in
 * microseconds a line.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EVERY 50000 /* microseconds */
#define PATIENCE 10000 /* milliseconds */

struct message {
    unsigned char data[1024];
    size_t n;
};

static void align(struct message *m, size_t to) {
    while (m->n % to)
        m->data[m->n++] = 0;
}

static void put_u32(struct message *m, uint32_t n) {
    align(m, 4);
    memcpy(m->data + m->n, &n, 4);
    m->n += 4;
}

static void put_string(struct message *m, const char *s) {
    put_u32(m, (uint32_t)strlen(s));
    strcpy((char *)m->data + m->n, s);
    m->n += strlen(s) + 1;
}

static void put_field(struct message *m, unsigned char code, char type, const char *value) {
    align(m, 8);
    m->data[m->n++] = code;
    m->data[m->n++] = 1;
    m->data[m->n++] = (unsigned char)type;
    m->data[m->n++] = 0;
    if (type == 'g') {
        m->data[m->n++] = (unsigned char)strlen(value);
        strcpy((char *)m->data + m->n, value);
        m->n += strlen(value) + 1;
    } else
        put_string(m, value);
}

/* org.freedesktop.DBus.Properties.Get(), as the D-Bus Specification lays it out. */
static void compose(struct message *m, const char *path) {
    struct message body = { .n = 0 };
    put_string(&body, "org.freedesktop.systemd1.Unit");
    put_string(&body, "ActiveState");
    m->n = 0;
    m->data[m->n++] = 'l';
    m->data[m->n++] = 1;
    m->data[m->n++] = 0;
    m->data[m->n++] = 1;
    put_u32(m, (uint32_t)body.n);
    put_u32(m, 1);
    put_u32(m, 0); /* length of the fields: below */
    put_field(m, 1, 'o', path);
    put_field(m, 2, 's', "org.freedesktop.DBus.Properties");
    put_field(m, 3, 's', "Get");
    put_field(m, 6, 's', "org.freedesktop.systemd1");
    put_field(m, 8, 'g', "ss");
    uint32_t fields = (uint32_t)m->n - 16;
    memcpy(m->data + 12, &fields, 4);
    align(m, 8);
    memcpy(m->data + m->n, body.data, body.n);
    m->n += body.n;
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int more(int fd, unsigned char *data, size_t *n, size_t room) {
    struct pollfd p = { .fd = fd, .events = POLLIN };
    if (poll(&p, 1, PATIENCE) <= 0)
        return -1;
    ssize_t got = read(fd, data + *n, room - *n);
    if (got <= 0)
        return -1;
    *n += (size_t)got;
    return 0;
}

/* Reads up to the answer, a method return or an error, past signals. */
static int await_answer(int fd) {
    static unsigned char data[1 << 20];
    size_t n = 0, at = 0;
    for (int lines = 0; lines < 3;) { /* DATA, OK …, AGREE_UNIX_FD */
        unsigned char *end = memchr(data + at, '\n', n - at);
        if (end) {
            at = (size_t)(end - data) + 1;
            lines++;
        } else if (more(fd, data, &n, sizeof(data)) < 0)
            return -1;
    }
    for (;;) {
        uint32_t body, fields;
        size_t size;
        while (n - at < 16)
            if (more(fd, data, &n, sizeof(data)) < 0)
                return -1;
        memcpy(&body, data + at + 4, 4);
        memcpy(&fields, data + at + 12, 4);
        size = ((16 + fields + 7) & ~7u) + body;
        while (n - at < size)
            if (more(fd, data, &n, sizeof(data)) < 0)
                return -1;
        if (data[at + 1] == 2 || data[at + 1] == 3)
            return data[at + 1] == 2 ? 0 : -1;
        at += size;
    }
}

static int ask(const struct sockaddr_un *address, const struct message *m) {
    static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
    struct message out = { .n = sizeof(hello) - 1 };
    memcpy(out.data, hello, sizeof(hello) - 1);
    memcpy(out.data + out.n, m->data, m->n);
    out.n += m->n;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r = -1;
    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) >= 0 &&
        send(fd, out.data, out.n, MSG_NOSIGNAL) == (ssize_t)out.n)
        r = await_answer(fd);
    if (fd >= 0)
        close(fd);
    return r;
}

int main(int argc, char **argv) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct message m;
    if (argc != 4 || strlen(argv[1]) >= sizeof(address.sun_path) || strlen(argv[2]) > 500)
        return 2;
    strcpy(address.sun_path, argv[1]);
    compose(&m, argv[2]);
    for (int64_t end = now() + atoi(argv[3]) * 1000000LL; now() < end;) {
        int64_t began = now();
        if (ask(&address, &m) < 0) {
            fprintf(stderr, "ask: no answer: %s\n", strerror(errno));
            return 1;
        }
        int64_t took = now() - began;
        printf("%lld\n", (long long)took);
        if (took < EVERY)
            usleep((useconds_t)(EVERY - took));
    }
    return 0;
}
