/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what a socket unit listens on: the descriptor with its name, owner, mode and options. systemd.socket(5).
 * Knows settings; knows no states. */
#pragma once

#include "unit/unit_file.h"

/* Opens one port. The file's settings say how. Options that the kernel refuses are warnings in the log (about `id`), as
 * they are under systemd. 0 with *ret_fd owned by the caller; or a negative errno with *ret_doing the step that failed:
 * "create listening socket". */
int socket_listen_open(const char *id, const struct unit_file *file, const struct listen_address *address, int *ret_fd,
                       const char **ret_doing);
/* Symlinks= to the port's path. Failures are warnings. */
void socket_listen_link(const char *id, const struct unit_file *file, const struct listen_address *address);
/* RemoveOnStop=: takes the names out of the file system. */
void socket_listen_remove(const struct unit_file *file, const struct listen_address *address);
/* FlushPending=: throws away what waits. */
void socket_listen_flush(const struct listen_address *address, int fd);
/* Options of a connection that was accepted: those of the listening socket that are not inherited. */
void socket_listen_apply_options(const char *id, const struct unit_file *file, int fd, int family);
