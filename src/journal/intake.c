/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/intake.h"
#include "base/fd.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define DIRECTORY "systemd/journal"
/* No sender's socket buffer lets more through by default; the rest of a longer datagram is cut off. */
#define DATAGRAM_MAX (256 * 1024)
/* An entry too big for a datagram comes as a file. */
#define FILE_MAX (64 * 1024 * 1024)
#define RECEIVE_BUFFER (8 * 1024 * 1024)
#define BACKLOG 128
#define NAME_SIZE 128

static const char *const names[INTAKE_KINDS] = { "dev-log", "socket", "stdout" };

const char *intake_kind_to_string(enum intake_kind kind) {
    return names[kind];
}

int intake_kind_from_string(const char *s) {
    for (int i = 0; i < INTAKE_KINDS; i++)
        if (strcmp(names[i], s) == 0)
            return i;
    return -EINVAL;
}

static int socket_address(const char *runtime, enum intake_kind kind, struct sockaddr_un *ret) {
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/" DIRECTORY "/%s", runtime, names[kind]);
    if (n < 0 || n >= (int)sizeof(a.sun_path))
        return -ENAMETOOLONG;
    *ret = a;
    return 0;
}

int intake_listen(enum intake_kind kind, const char *runtime) {
    struct sockaddr_un address;
    int r = socket_address(runtime, kind, &address);
    if (r < 0)
        return r;
    r = mkdir_parents(address.sun_path, 0755);
    if (r < 0)
        return r;
    int type = kind == INTAKE_STREAM ? SOCK_STREAM : SOCK_DGRAM, on = 1, size = RECEIVE_BUFFER;
    _cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void)unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    /* Anybody may log. */
    if (chmod(address.sun_path, 0666) < 0)
        return -errno;
    if (kind == INTAKE_STREAM) {
        if (listen(fd, BACKLOG) < 0)
            return -errno;
    } else {
        (void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
        (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    return TAKE_FD(fd);
}

/* Is somebody behind this socket? */
static bool answers(const char *path) {
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) >= 0;
}

int intake_link_dev_log(const char *runtime) {
    struct sockaddr_un address;
    int r = socket_address(runtime, INTAKE_SYSLOG, &address);
    if (r < 0)
        return r;
    if (symlink(address.sun_path, "/dev/log") >= 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    struct stat st;
    if (lstat("/dev/log", &st) < 0)
        return -errno;
    if (!S_ISLNK(st.st_mode) && (!S_ISSOCK(st.st_mode) || answers("/dev/log")))
        return -EEXIST;
    if (unlink("/dev/log") < 0 || symlink(address.sun_path, "/dev/log") < 0)
        return -errno;
    return 0;
}

void intake_unlink(const char *runtime) {
    struct sockaddr_un address;
    char target[sizeof(address.sun_path) + 1];
    ssize_t n = readlink("/dev/log", target, sizeof(target) - 1);
    if (socket_address(runtime, INTAKE_SYSLOG, &address) >= 0 && n > 0) {
        target[n] = 0;
        if (strcmp(target, address.sun_path) == 0)
            (void)unlink("/dev/log");
    }
    for (int i = 0; i < INTAKE_KINDS; i++)
        if (socket_address(runtime, i, &address) >= 0)
            (void)unlink(address.sun_path);
}

const char *process_name(pid_t pid, char *buffer, size_t size) {
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    _cleanup_close_ int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, buffer, size - 1) : -1;
    if (n <= 1)
        return NULL;
    buffer[n] = 0;
    for (char *p = buffer; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = p[1] ? '_' : 0;
    return buffer;
}

/* A NUL-terminated copy without control characters; NULL if there is nothing. */
static const char *plain(struct bytes b, char *buffer, size_t size) {
    size_t n = MIN(b.n, size - 1);
    if (n == 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        buffer[i] = (unsigned char)b.p[i] < ' ' ? '_' : b.p[i];
    buffer[n] = 0;
    return buffer;
}

struct receiver {
    struct sink *sinks;
    origin_finder find;
    void *userdata;
    struct ucred sender; /* of the datagram at hand; pid 0: unknown */
    usec_t time;         /* when it was sent; 0: unknown */
};

static void give(const struct receiver *to, struct entry *e) {
    if (to->sender.pid > 0 && !to->find(to->userdata, &to->sender, e))
        return;
    for (struct sink *s = to->sinks; s; s = s->next)
        s->write(s, e);
}

static void take_syslog(struct bytes datagram, const struct receiver *to) {
    struct syslog_message m;
    parse_syslog(datagram, &m);
    char name[NAME_SIZE];
    struct entry e = { .transport = ENTRY_SYSLOG,
                       .level = LOG_PRI(m.priority),
                       .facility = m.priority & LOG_FACMASK,
                       .pid = m.pid,
                       .identifier = plain(m.identifier, name, sizeof(name)),
                       .message = m.text.p,
                       .size = m.text.n,
                       .console = true,
                       .source_time = to->time,
                       .named = true,
                       .raw_time = m.time.n > 0 ? m.time.p : NULL,
                       .raw_time_size = m.time.n };
    if (!e.identifier) {
        e.identifier = process_name(to->sender.pid, name, sizeof(name));
        e.pid = to->sender.pid;
        e.named = false;
    }
    if (e.size > 0)
        give(to, &e);
}

static void take_native(struct bytes datagram, const struct receiver *to) {
    struct native_message m;
    (void)parse_native(datagram, &m);
    while (m.message.n > 0 && (m.message.p[m.message.n - 1] == '\n' || m.message.p[m.message.n - 1] == 0))
        m.message.n--;
    char name[NAME_SIZE], id[NAME_SIZE];
    struct entry e = { .transport = ENTRY_NATIVE,
                       .level = m.level >= 0 ? m.level : LOG_INFO,
                       .facility = m.facility,
                       .identifier = plain(m.identifier, name, sizeof(name)),
                       .message_id = plain(m.message_id, id, sizeof(id)),
                       .pid = to->sender.pid > 0 ? to->sender.pid : m.pid,
                       .message = m.message.p,
                       .size = m.message.n,
                       .console = m.message.n > 0,
                       .fields = datagram.p,
                       .fields_size = datagram.n };
    if (!e.identifier)
        e.identifier = process_name(to->sender.pid, name, sizeof(name));
    give(to, &e);
}

/* An entry in a file: read, never mapped, so that its owner can pull nothing from under us. */
static void take_native_file(int fd, const struct receiver *to) {
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
        return;
    size_t size = MIN((size_t)st.st_size, (size_t)FILE_MAX), n = 0;
    _cleanup_free_ char *data = malloc(size);
    while (data && n < size) {
        ssize_t got = pread(fd, data + n, size - n, (off_t)n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    if (n > 0)
        take_native((struct bytes){ data, n }, to);
}

void intake_receive(enum intake_kind kind, int fd, struct sink *sinks, origin_finder find, void *userdata,
                    unsigned limit) {
    static char buffer[DATAGRAM_MAX];
    struct receiver to = { sinks, find, userdata, {}, 0 };
    while (limit-- > 0) {
        union {
            struct cmsghdr head;
            char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct timeval))];
        } control;
        struct iovec iov = { .iov_base = buffer, .iov_len = sizeof(buffer) };
        struct msghdr m = {
            .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        struct ucred sender = {};
        int file = -1;
        to.time = 0;
        for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
            if (h->cmsg_level != SOL_SOCKET)
                continue;
            if (h->cmsg_type == SCM_CREDENTIALS && h->cmsg_len == CMSG_LEN(sizeof(sender)))
                memcpy(&sender, CMSG_DATA(h), sizeof(sender));
            else if (h->cmsg_type == SCM_TIMESTAMP && h->cmsg_len == CMSG_LEN(sizeof(struct timeval))) {
                struct timeval at;
                memcpy(&at, CMSG_DATA(h), sizeof(at));
                to.time = (usec_t)at.tv_sec * USEC_PER_SEC + (usec_t)at.tv_usec;
            } else if (h->cmsg_type == SCM_RIGHTS) {
                /* One descriptor is an entry; any more are nobody's. */
                size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < count; i++) {
                    int got;
                    memcpy(&got, CMSG_DATA(h) + i * sizeof(int), sizeof(got));
                    if (file < 0)
                        file = got;
                    else
                        fd_close(got);
                }
            }
        }
        struct bytes datagram = { buffer, (size_t)n };
        to.sender = sender;
        if (kind == INTAKE_SYSLOG)
            take_syslog(datagram, &to);
        else if (n > 0)
            take_native(datagram, &to);
        else if (file >= 0)
            take_native_file(file, &to);
        fd_close(file);
    }
}
