/* SPDX-License-Identifier: Apache-2.0 */
/* What journalctl --sync, --rotate, --flush and --relinquish-var ask for: io.systemd.Journal on a varlink socket,
 * `systemd/journal/io.systemd.journal` in the runtime directory. Root only. Knows the protocol, not what is done. */
#pragma once

#include "base/macro.h"

enum varlink_method {
    VARLINK_SYNCHRONIZE,
    VARLINK_ROTATE,
    VARLINK_FLUSH,
    VARLINK_RELINQUISH,
    VARLINK_METHODS,
};

/* A connection's bytes: one request is answered at a time. */
struct varlink_buffer {
    size_t n;
    char data[1024];
};

/* The listening socket, non-blocking, or a negative errno. */
int varlink_listen(const char *runtime);
void varlink_unlink(const char *runtime);
/* The next connection, non-blocking; -EAGAIN and others. Of others than root: -EPERM. */
int varlink_accept(int fd);
/* Reads what is there. 1: a request is whole, take it with varlink_take(); 0: not yet; negative: close it. */
int varlink_read(int fd, struct varlink_buffer *b);
/* The method of the first request, which is taken out; -EAGAIN: there is none; -EOPNOTSUPP: not one of ours; -EBADMSG:
 * close it. */
int varlink_take(struct varlink_buffer *b);
/* Answers the request: `error` 0 or a negative errno. */
void varlink_reply(int fd, int error);
