/* SPDX-License-Identifier: Apache-2.0 */
/* Receives notifications and hands them to the unit of the sender. Knows no unit types. */
#include "engine/notify.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MESSAGES_PER_EVENT = 64,   /* then others get their turn */
    MESSAGES_PER_DRAIN = 8192, /* a flood must not hold up the reaping for ever */
    RECEIVE_BUFFER = 8 << 20,
    COMPLAINTS = 10, /* lines about messages that were dropped, in … */
};
#define COMPLAINTS_INTERVAL (30 * USEC_PER_SEC)

struct notify {
    struct manager *manager;
    int fd;
    struct io *io;
    usec_t complaints_since;
    unsigned complaints;
    char *buffer; /* NOTIFY_SIZE_MAX + 2; its pages are touched by long messages only */
};

struct message {
    struct ucred sender;
    bool known_sender, truncated, lost_fds;
    size_t size;
    int fds[NOTIFY_FDS_MAX];
    size_t n_fds;
};

/* Of messages that are dropped, a few are said, not a flood. */
static bool may_complain(struct notify *n) {
    usec_t t = now(CLOCK_MONOTONIC);
    if (t - n->complaints_since > COMPLAINTS_INTERVAL) {
        n->complaints_since = t;
        n->complaints = 0;
    }
    return ++n->complaints <= COMPLAINTS;
}

static void read_control(struct msghdr *header, struct message *message) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        size_t size = c->cmsg_len - CMSG_LEN(0);
        if (c->cmsg_type == SCM_CREDENTIALS && size == sizeof(message->sender)) {
            memcpy(&message->sender, CMSG_DATA(c), size);
            message->known_sender = true;
        } else if (c->cmsg_type == SCM_RIGHTS)
            for (size_t i = 0; i < size / sizeof(int); i++) {
                int fd;
                memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
                if (message->n_fds < NOTIFY_FDS_MAX)
                    message->fds[message->n_fds++] = fd;
                else
                    fd_close(fd);
            }
    }
}

/* One datagram. -EAGAIN: none waits. */
static int receive(struct notify *n, struct message *message) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(NOTIFY_FDS_MAX * sizeof(int))];
    } control;
    struct iovec iov = { n->buffer, NOTIFY_SIZE_MAX + 1 };
    struct msghdr header = { .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes) };
    ssize_t size = recvmsg(n->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0)
        return -errno;
    message->known_sender = false;
    message->n_fds = 0;
    message->size = (size_t)size;
    message->truncated = header.msg_flags & MSG_TRUNC;
    message->lost_fds = header.msg_flags & MSG_CTRUNC;
    read_control(&header, message);
    return 0;
}

static void close_fds(struct message *message) {
    for (size_t i = 0; i < message->n_fds; i++)
        message->fds[i] = fd_close(message->fds[i]);
    message->n_fds = 0;
}

static void handle(struct notify *n, struct message *message) {
    int pid = message->known_sender ? (int)message->sender.pid : 0;
    struct unit *u = pid > 0 ? manager_unit_by_pid(n->manager, pid) : NULL;
    if (!u) {
        if (may_complain(n))
            log_notice("A notification from process %d (uid %u), which belongs to no unit, is dropped.", pid,
                       message->known_sender ? (unsigned)message->sender.uid : (unsigned)-1);
        return;
    }
    _cleanup_strv_ char **tags = NULL;
    int r = message->truncated ? -E2BIG : notify_parse(n->buffer, message->size, &tags);
    if (r < 0) {
        if (may_complain(n))
            unit_log(u, LOG_WARNING, "A notification from process %d is dropped: %s", pid,
                     r == -E2BIG    ? "it is too long."
                     : r == -EINVAL ? "it is empty or has a NUL byte in it."
                                    : strerror(-r));
        return;
    }
    if (message->lost_fds) {
        /* Too many, or no descriptors left: what arrived is no use without the rest. */
        unit_log(u, LOG_WARNING, "A notification from process %d lost descriptors that came with it.", pid);
        close_fds(message);
    }
    /* The sender waits for its descriptor to be closed; all that it sent before has been handled by now. */
    if (strv_contains(tags, "BARRIER=1")) {
        if (tags[1] && may_complain(n))
            unit_log(u, LOG_WARNING, "BARRIER=1 with other notifications: these are ignored.");
        return;
    }
    if (u->ops->notify_message)
        u->ops->notify_message(u, &message->sender, tags, message->fds, message->n_fds);
    else
        unit_log(u, LOG_DEBUG, "A notification from process %d means nothing here.", pid);
}

static void read_messages(struct notify *n, int most) {
    for (; most > 0; most--) {
        struct message message;
        int r = receive(n, &message);
        if (r == -EINTR)
            continue;
        if (r < 0) {
            if (r != -EAGAIN && may_complain(n))
                log_error("Receiving a notification failed: %s", strerror(-r));
            return;
        }
        handle(n, &message);
        close_fds(&message);
    }
}

void notify_drain(struct notify *n) {
    if (n)
        read_messages(n, MESSAGES_PER_DRAIN);
}

static void on_readable(struct io *io, int fd, uint32_t events, void *userdata) {
    read_messages(userdata, MESSAGES_PER_EVENT);
}

static int open_socket(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int r = mkdir_parents(path, 0755);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0777) < 0)
        return -errno;
    return TAKE_FD(fd);
}

/* Makes `fd` ready: senders are known, and many may send while we are busy. */
static int set_options(int fd) {
    int on = 1, size = RECEIVE_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    return 0;
}

int notify_new(struct manager *m, int fd, struct notify **ret) {
    struct notify *n = calloc(1, sizeof(*n));
    char *path = path_join(m->dirs.runtime, "systemd/notify");
    if (n) {
        n->manager = m;
        n->fd = TAKE_FD(fd);
        n->buffer = malloc(NOTIFY_SIZE_MAX + 2);
    }
    int r = n && n->buffer && path ? 0 : -ENOMEM;
    if (r >= 0 && n->fd < 0) {
        r = open_socket(path);
        if (r >= 0) {
            n->fd = r;
            r = set_options(n->fd);
        }
    }
    if (r >= 0)
        r = io_add(m->loop, n->fd, EPOLLIN, on_readable, n, &n->io);
    fd_close(fd);
    if (r < 0) {
        free(path);
        notify_free(n);
        return r;
    }
    free(m->notify_socket_path);
    m->notify_socket_path = path;
    *ret = n;
    return 0;
}

void notify_free(struct notify *n) {
    if (!n)
        return;
    io_remove(n->io);
    fd_close(n->fd);
    free(n->buffer);
    free(n);
}

int notify_fd(const struct notify *n) {
    return n ? n->fd : -1;
}
