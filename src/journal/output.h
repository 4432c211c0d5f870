/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to a descriptor that was inherited and is shared with others (the container's stdout) without ever
 * blocking and without changing it for the others: its O_NONBLOCK belongs to everybody who has it. */
#pragma once

#include "base/macro.h"
#include <sys/types.h>

enum output_kind {
    OUTPUT_CLOSED, /* not open */
    OUTPUT_OWN,    /* a pipe or terminal opened a second time, for us alone, non-blocking */
    OUTPUT_SOCKET,
    OUTPUT_FILE,   /* a regular file or something else that does not block */
    OUTPUT_SHARED, /* could not be opened again: asked before each small write */
};

struct output {
    enum output_kind kind;
    int fd;     /* as inherited */
    int own_fd; /* -1, or what OUTPUT_OWN writes to */
};

/* Looks at fd, which stays the caller's and may be closed or anything else. Never fails. */
void output_open(struct output *o, int fd);
void output_close(struct output *o);
/* Bytes written, at least 1; -EAGAIN: try again when output_poll_fd() is writable; otherwise a negative errno
 * (EPIPE, EBADF, ENOSPC, …), and nothing was written. SIGPIPE must be ignored. */
ssize_t output_write(struct output *o, const void *data, size_t size);
/* What to poll for POLLOUT. */
int output_poll_fd(const struct output *o);
