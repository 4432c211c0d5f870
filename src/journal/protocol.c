/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/protocol.h"
#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Room for one descriptor, aligned as its head wants it. */
union control {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(int))];
};

int log_message_strings(const void *packet, size_t size, const char *strings[static LOG_MESSAGE_STRINGS]) {
    if (size < sizeof(struct log_message))
        return -EBADMSG;
    const char *p = (const char *)packet + sizeof(struct log_message), *end = (const char *)packet + size;
    const char *found[LOG_MESSAGE_STRINGS] = { "", "", "", "" };
    int n = 0;
    while (p < end) {
        const char *nul = memchr(p, 0, (size_t)(end - p));
        if (!nul || n == LOG_MESSAGE_STRINGS)
            return -EBADMSG;
        found[n++] = p;
        p = nul + 1;
    }
    memcpy(strings, found, sizeof(found));
    return n;
}

int log_message_pack(uint8_t packet[static LOG_MESSAGE_MAX], const struct log_message *head,
                     const char *const *strings, size_t n) {
    memcpy(packet, head, sizeof(*head));
    size_t at = sizeof(*head);
    for (size_t i = 0; i < n; i++) {
        const char *s = strings[i] ? strings[i] : "";
        size_t length = strlen(s), room = LOG_MESSAGE_MAX - at;
        if (length >= room) {
            if (i + 1 < n || room == 0)
                return -E2BIG;
            length = room - 1;
        }
        memcpy(packet + at, s, length);
        packet[at + length] = 0;
        at += length + 1;
    }
    return (int)at;
}

int log_packet_send(int socket, const void *packet, size_t size, int fd) {
    struct iovec iov = { .iov_base = (void *)packet, .iov_len = size };
    union control control = {};
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (fd >= 0) {
        m.msg_control = &control;
        m.msg_controllen = sizeof(control.space);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    }
    return sendmsg(socket, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int log_packet_receive(int socket, uint8_t packet[static LOG_MESSAGE_MAX], int *ret_fd) {
    struct iovec iov = { .iov_base = packet, .iov_len = LOG_MESSAGE_MAX };
    union control control;
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.space)
    };
    ssize_t n = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
    int fd = -1;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
        if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(&fd, CMSG_DATA(h), sizeof(fd));
    if (n == 0) {
        fd_close(fd);
        return -EPIPE;
    }
    *ret_fd = fd;
    return (int)n;
}
