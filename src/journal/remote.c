/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/remote.h"
#include "base/fd.h"
#include "base/scan.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DELAY_FIRST (1 * USEC_PER_SEC)
#define DELAY_LAST (60 * USEC_PER_SEC)
/* The rest of a longer message is cut off: no server takes more in one datagram. */
#define DATAGRAM_MAX 8192
/* Kept while there is something to do. */
#define BUFFER_KEPT (64 * 1024)
#define PORT_UDP 514
#define PORT_TCP 601

/* --- where --- */
static int set_host(struct remote *r, const char *s, uint16_t port) {
    const char *end = *s == '[' ? strchr(s, ']') : s + strcspn(s, ":");
    s += *s == '[';
    if (!end || end == s || (size_t)(end - s) >= sizeof(r->host))
        return -EINVAL;
    memcpy(r->host, s, (size_t)(end - s));
    r->host[end - s] = 0;
    end += *end == ']';
    uint64_t n = port;
    if (*end == ':') {
        end++;
        if (!scan_u64(&end, &n) || n > UINT16_MAX)
            return -EINVAL;
    }
    if (*end || n == 0)
        return -EINVAL;
    r->port = (uint16_t)n;
    return 0;
}

int remote_set_server(struct remote *r, const char *where) {
    bool udp = strncmp(where, "udp://", 6) == 0;
    if (!udp && strncmp(where, "tcp://", 6) != 0)
        return -EINVAL;
    int e = set_host(r, where + 6, udp ? PORT_UDP : PORT_TCP);
    if (e >= 0)
        r->kind = udp ? REMOTE_UDP : REMOTE_TCP;
    return e;
}

int remote_set_socket(struct remote *r, const char *where) {
    int e = 0;
    if (*where != '/')
        e = set_host(r, where, 0);
    else if (strlen(where) < sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        strcpy(r->host, where);
        r->port = 0;
    } else
        e = -EINVAL;
    if (e >= 0)
        r->kind = REMOTE_EXPORT;
    return e;
}

/* --- the connection --- */
static void disconnect(struct remote *r) {
    r->fd = fd_close(r->fd);
    if (r->resolver > 0) {
        (void)kill(r->resolver, SIGKILL);
        (void)waitpid(r->resolver, NULL, 0);
        r->resolver = 0;
    }
    r->state = REMOTE_DOWN;
    r->sent = 0; /* a message that went in part goes once more */
}

/* Said once, until it works again. */
static void fail(struct remote *r, int error) {
    disconnect(r);
    if (r->delay == 0) {
        char what[REMOTE_WHERE_MAX + 32];
        snprintf(what, sizeof(what), "cannot send the log to %s", r->host);
        r->complain(r->userdata, what, error);
    }
    r->delay = MIN(MAX(r->delay * 2, (usec_t)DELAY_FIRST), (usec_t)DELAY_LAST);
    r->retry_at = usec_add(now(CLOCK_MONOTONIC), r->delay);
}

static int watch(struct remote *r, uint32_t events) {
    struct epoll_event event = { .events = events | EPOLLET, .data.ptr = r->watch };
    return epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->fd, &event) < 0 ? -errno : 0;
}

static void connect_to(struct remote *r, const struct sockaddr *address, socklen_t size) {
    r->fd = socket(address->sa_family,
                   (r->kind == REMOTE_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int e = r->fd < 0 ? -errno : connect(r->fd, address, size) < 0 ? -errno : 0;
    r->state = e == 0 ? REMOTE_UP : REMOTE_CONNECTING;
    if (e == -EINPROGRESS)
        e = 0;
    if (e == 0)
        e = watch(r, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    if (e < 0)
        fail(r, e);
}

/* An address in digits: true. */
static bool address_of(const struct remote *r, const char *host, struct sockaddr_storage *ret,
                       socklen_t *ret_size) {
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(r->port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(r->port) };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    if (r->port == 0) {
        memcpy(un.sun_path, host, MIN(strlen(host), sizeof(un.sun_path) - 1));
        memcpy(ret, &un, *ret_size = sizeof(un));
    } else if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        memcpy(ret, &v4, *ret_size = sizeof(v4));
    else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        memcpy(ret, &v6, *ret_size = sizeof(v6));
    else
        return false;
    return true;
}

/* Names are the image's to know: its getent is asked, and not waited for. */
static void resolve(struct remote *r) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        fail(r, -errno);
        return;
    }
    posix_spawn_file_actions_t actions;
    char *argv[] = { "getent", "ahosts", r->host, NULL }, *none[] = { NULL };
    int e = posix_spawn_file_actions_init(&actions);
    if (e == 0) {
        e = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        if (e == 0)
            e = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        if (e == 0)
            e = posix_spawn(&r->resolver, "/usr/bin/getent", &actions, NULL, argv, none);
        posix_spawn_file_actions_destroy(&actions);
    }
    fd_close(ends[1]);
    r->fd = ends[0];
    r->state = REMOTE_RESOLVING;
    if (e != 0)
        r->resolver = 0;
    e = e != 0 ? -e : watch(r, EPOLLIN);
    if (e < 0)
        fail(r, e);
}

static void resolved(struct remote *r) {
    char text[512], host[REMOTE_WHERE_MAX];
    ssize_t n = read(r->fd, text, sizeof(text) - 1);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    text[MAX(n, 0)] = 0;
    const char *p = text;
    struct sockaddr_storage address;
    socklen_t size;
    disconnect(r);
    if (scan_word(&p, host, sizeof(host)) && address_of(r, host, &address, &size))
        connect_to(r, (struct sockaddr *)&address, size);
    else
        fail(r, -EHOSTUNREACH);
}

static void start(struct remote *r) {
    struct sockaddr_storage address;
    socklen_t size;
    if (address_of(r, r->host, &address, &size))
        connect_to(r, (struct sockaddr *)&address, size);
    else
        resolve(r);
}

/* --- messages --- */
static size_t waiting(const struct remote *r) {
    return r->tail - r->head;
}

static bool reserve(struct remote *r, size_t n) {
    if (r->head > 0 && r->size - r->tail < n) {
        memmove(r->buffer, r->buffer + r->head, waiting(r));
        r->tail -= r->head;
        r->head = 0;
    }
    size_t size = MAX(r->size, (size_t)4096);
    while (size - r->tail < n)
        size *= 2;
    char *buffer = size > r->size ? realloc(r->buffer, size) : r->buffer;
    if (!buffer)
        return false;
    r->buffer = buffer;
    r->size = size;
    return true;
}

static void keep(struct remote *r, const char *prefix, const struct text *message, size_t size) {
    uint32_t n = (uint32_t)(strlen(prefix) + size);
    if (message->failed || size > REMOTE_KEEP_MAX || waiting(r) + n + sizeof(n) > REMOTE_KEEP_MAX ||
        !reserve(r, n + sizeof(n))) {
        r->n_lost++;
        return;
    }
    char *p = r->buffer + r->tail;
    memcpy(p, &n, sizeof(n));
    memcpy(p + sizeof(n), prefix, strlen(prefix));
    memcpy(p + sizeof(n) + strlen(prefix), message->s, size);
    r->tail += sizeof(n) + n;
}

/* What the socket takes. */
static void send_waiting(struct remote *r) {
    while (r->state == REMOTE_UP && waiting(r) > 0) {
        uint32_t n;
        memcpy(&n, r->buffer + r->head, sizeof(n));
        ssize_t got =
            send(r->fd, r->buffer + r->head + sizeof(n) + r->sent, n - r->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == ENOBUFS))
            return;
        /* Nobody listens there: a datagram before this one came back. */
        bool refused = got < 0 && r->kind == REMOTE_UDP && errno == ECONNREFUSED;
        if (got < 0 && !refused) {
            fail(r, -errno);
            return;
        }
        r->sent += refused ? n : (size_t)got;
        if (r->sent < n && r->kind != REMOTE_UDP)
            continue;
        r->sent = 0;
        r->head += sizeof(n) + n;
        r->delay = 0;
    }
    if (waiting(r) == 0)
        r->head = r->tail = 0;
}

static void remote_write(struct sink *sink, const struct entry *e) {
    struct remote *r = (struct remote *)sink;
    if (r->kind == REMOTE_NONE || e->level > r->max_level || (r->kind != REMOTE_EXPORT && !e->message))
        return;
    _cleanup_text_ struct text message = {};
    struct dual_time time = dual_now();
    char prefix[24] = "";
    if (r->kind == REMOTE_EXPORT)
        remote_format_export(&message, r->store, e, time);
    else {
        const char *host = strchr(r->store->host, '=');
        remote_format_syslog(&message, e, e->source_time ? e->source_time : time.realtime,
                             host ? host + 1 : NULL);
    }
    if (r->kind == REMOTE_TCP)
        snprintf(prefix, sizeof(prefix), "%zu ", message.len);
    keep(r, prefix, &message, r->kind == REMOTE_UDP ? MIN(message.len, (size_t)DATAGRAM_MAX) : message.len);
}

/* --- the interface --- */
void remote_open(struct remote *r, int epoll, void *data, struct store *store,
                 void (*complain)(void *userdata, const char *what, int error), void *userdata) {
    r->sink.write = remote_write;
    r->epoll = epoll;
    r->watch = data;
    r->store = store;
    r->complain = complain;
    r->userdata = userdata;
    r->fd = -1;
}

void remote_ready(struct remote *r) {
    int error = 0;
    socklen_t size = sizeof(error);
    char ignored[256];
    if (r->state == REMOTE_RESOLVING) {
        resolved(r);
        return;
    }
    if (r->state == REMOTE_DOWN)
        return;
    if (r->kind != REMOTE_UDP && getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &size) >= 0 && error != 0) {
        fail(r, -error);
        return;
    }
    if (r->state == REMOTE_CONNECTING) {
        struct pollfd p = { .fd = r->fd, .events = POLLOUT };
        if (poll(&p, 1, 0) <= 0)
            return;
        r->state = REMOTE_UP;
    }
    ssize_t n;
    while ((n = recv(r->fd, ignored, sizeof(ignored), MSG_DONTWAIT)) > 0)
        ;
    if (n == 0 && r->kind != REMOTE_UDP)
        fail(r, -ECONNRESET);
}

void remote_turn(struct remote *r) {
    if (r->kind == REMOTE_NONE)
        return;
    if (r->state == REMOTE_DOWN && waiting(r) > 0 && now(CLOCK_MONOTONIC) >= r->retry_at)
        start(r);
    send_waiting(r);
    if (r->n_lost > 0 && r->state == REMOTE_UP && waiting(r) < REMOTE_KEEP_MAX / 2) {
        char what[REMOTE_WHERE_MAX + 64];
        snprintf(what, sizeof(what), "%lu entries were not sent to %s, which took none for a while",
                 r->n_lost, r->host);
        r->n_lost = 0;
        r->complain(r->userdata, what, 0);
    }
}

usec_t remote_deadline(const struct remote *r) {
    return r->state == REMOTE_DOWN && waiting(r) > 0 ? r->retry_at : USEC_INFINITY;
}

void remote_rest(struct remote *r) {
    if (waiting(r) > 0)
        return;
    free(r->buffer);
    r->buffer = NULL;
    r->size = r->head = r->tail = 0;
}

void remote_close(struct remote *r, usec_t patience) {
    usec_t deadline = usec_add(now(CLOCK_MONOTONIC), patience);
    r->retry_at = r->delay ? r->retry_at : 0;
    for (;;) {
        remote_turn(r);
        usec_t time = now(CLOCK_MONOTONIC);
        if (waiting(r) == 0 || r->state == REMOTE_DOWN || time >= deadline)
            break;
        struct pollfd p = { .fd = r->fd, .events = r->state == REMOTE_RESOLVING ? POLLIN : POLLOUT };
        if (poll(&p, 1, (int)((deadline - time) / USEC_PER_MSEC + 1)) > 0)
            remote_ready(r);
    }
    disconnect(r);
    free(r->buffer);
    r->buffer = NULL;
    r->size = r->head = r->tail = 0;
    r->kind = REMOTE_NONE;
}
