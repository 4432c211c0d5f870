/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/output.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A terminal says it is writable when this much fits; a pipe, when PIPE_BUF fits. */
#define TERMINAL_CHUNK 256

void output_open(struct output *o, int fd) {
    *o = (struct output){ .kind = OUTPUT_CLOSED, .fd = fd, .own_fd = -1 };
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return;
    if (S_ISSOCK(st.st_mode)) {
        o->kind = OUTPUT_SOCKET;
        return;
    }
    if (!S_ISFIFO(st.st_mode) && !isatty(fd)) {
        o->kind = OUTPUT_FILE;
        return;
    }
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    o->own_fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    o->kind = o->own_fd >= 0 ? OUTPUT_OWN : OUTPUT_SHARED;
}

void output_close(struct output *o) {
    o->own_fd = fd_close(o->own_fd);
    o->kind = OUTPUT_CLOSED;
}

int output_poll_fd(const struct output *o) {
    return o->kind == OUTPUT_OWN ? o->own_fd : o->fd;
}

static ssize_t write_once(struct output *o, const void *data, size_t size) {
    switch (o->kind) {
    case OUTPUT_CLOSED:
        errno = EBADF;
        return -1;
    case OUTPUT_OWN:
        return write(o->own_fd, data, size);
    case OUTPUT_SOCKET:
        return send(o->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    case OUTPUT_FILE:
        return write(o->fd, data, size);
    case OUTPUT_SHARED: {
        struct pollfd p = { .fd = o->fd, .events = POLLOUT };
        if (poll(&p, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
        /* An error or a hang-up shows in the write, which then does not block. */
        return write(o->fd, data, MIN(size, isatty(o->fd) ? (size_t)TERMINAL_CHUNK : (size_t)PIPE_BUF));
    }
    }
    errno = EBADF;
    return -1;
}

ssize_t output_write(struct output *o, const void *data, size_t size) {
    for (;;) {
        ssize_t n = write_once(o, data, size);
        if (n > 0)
            return n;
        if (n == 0)
            return -EAGAIN;
        if (errno != EINTR)
            return -errno;
    }
}
