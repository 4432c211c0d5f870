/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor store of a service: what it handed over with FDSTORE=1 and gets again at its next start, after its
 * sockets. FileDescriptorStoreMax=, FileDescriptorStorePreserve= of systemd.service(5), sd_notify(3). */
#pragma once

#include "base/text.h"
#include "engine/loop.h"

struct service;

struct stored_fd {
    struct service *service;
    int fd;
    bool poll; /* closed when the other end hangs up */
    struct io *io;
    struct stored_fd *next;
    char name[];
};

/* FDSTORE=1, FDSTOREREMOVE=1 with FDNAME= and FDPOLL=. Descriptors that are kept are set to -1 in `fds`. */
void fd_store_notify(struct service *s, char *const *tags, int *fds, size_t n_fds);
size_t fd_store_count(const struct service *s);
/* Closes all of it. */
void fd_store_release(struct service *s);
/* The unit goes, or is only read anew: then the descriptors stay open, to be claimed by their numbers. */
void fd_store_done(struct service *s);
/* Appends descriptors, which stay the store's, and their names. 0, or -ENOMEM with the arrays as they were. */
int fd_store_collect(struct service *s, int **fds, char ***names, size_t *n);

void fd_store_serialize(const struct service *s, struct text *out);
/* 1: the line was one of these; 0: it was not. */
int fd_store_deserialize(struct service *s, const char *name, const char *value);
