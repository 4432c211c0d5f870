/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving end of sd_notify(3): the datagram socket RUNTIME/systemd/notify. Who sent a message is what the
 * kernel says of the sender; which unit that is, the evidence of tracking. What a message means is the unit type's
 * business: it gets unit_ops.notify_message(), and keeps a descriptor by setting its entry to -1; the others are
 * closed after the call. */
#pragma once

#include "base/macro.h"
#include "base/text.h"

struct manager;
struct notify;

enum {
    NOTIFY_SIZE_MAX = 64 * 1024, /* bytes of one message */
    NOTIFY_LINES_MAX = 1024,
    NOTIFY_FDS_MAX = 253,        /* what the kernel passes at once */
};

/* Opens the socket, mode 0777, and sets m->notify_socket_path. `fd`: the socket of before a re-execution, owned from
 * now on; -1: none. 0 with *ret; or negative errno of creating the socket or its directory. */
int notify_new(struct manager *m, int fd, struct notify **ret);
/* Closes it. The path stays: the next manager replaces it. */
void notify_free(struct notify *n);
/* For put_fd(). */
int notify_fd(const struct notify *n);

/* Handles all messages that wait. To be called before children are reaped: a message sent by a child before it died is
 * in the queue before its SIGCHLD is, and a zombie can still be attributed to its unit. */
void notify_drain(struct notify *n);

/* Splits a message into its lines, without empty ones; the caller frees the array. -EINVAL: empty, an embedded NUL byte
 * (one at the end is forgiven); -E2BIG: too long or too many lines; -ENOMEM. */
int notify_parse(const char *message, size_t size, char ***ret);
