/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and whole-file reads and writes. Never blocks on anything but a regular file's disk. */
#pragma once

#include "base/macro.h"
#include <errno.h>
#include <stdio.h>
#include <sys/types.h>

/* close() that keeps errno; returns -1, so that fd = fd_close(fd) reads well. A negative fd is left alone. */
int fd_close(int fd);
void closep(int *fd);
void fclosep(FILE **f);

/* Of open() and its like: nothing is wrong with the path, we lack descriptors or memory. */
static inline bool errno_is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);

/* Reads a regular file whole into *ret (NUL-terminated, caller frees) and its size into *ret_size (may be NULL).
 * The file is opened without blocking: a FIFO, socket, device or directory is -EINVAL (directory: -EISDIR). More than
 * `max` bytes: -E2BIG. Other errors: errno of open or read. Files of /proc and /sys, which have no size, work. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_size);
int file_read_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size);
/* Replaces `path` by a new file with this content (temporary file and rename; mode as given). 0 or negative errno. */
int file_write(const char *path, const char *content, mode_t mode);
/* Writes to an existing file such as one under /proc: no creation, one write(). */
int file_poke(const char *path, const char *content);
/* Writes all of it, retrying EINTR; -errno otherwise. For descriptors that may block only. */
int write_all(int fd, const void *data, size_t n);
