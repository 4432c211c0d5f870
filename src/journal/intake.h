/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that programs log to: /dev/log (syslog(3)), the journal's native socket (sd_journal_send(3))
 * and its stream socket (sd_journal_stream_fd(3), systemd-cat(1)). Turns datagrams into entries. */
#pragma once

#include "journal/entry.h"
#include "journal/parse.h"
#include <sys/socket.h>

enum intake_kind { INTAKE_SYSLOG, INTAKE_NATIVE, INTAKE_STREAM, INTAKE_KINDS };

/* "dev-log", "socket", "stdout": the name of the socket's file; -EINVAL. */
const char *intake_kind_to_string(enum intake_kind kind);
int intake_kind_from_string(const char *s);

/* Makes the socket below RUNTIME/systemd/journal, in the place of one that was left there. The descriptor,
 * non-blocking; or a negative errno. */
int intake_listen(enum intake_kind kind, const char *runtime);
/* Lets /dev/log point to the socket, unless something that is mounted or answers is there. 0 or negative
 * errno. */
int intake_link_dev_log(const char *runtime);
/* Removes what the two above made. */
void intake_unlink(const char *runtime);

/* Whose process is it? Fills in uid, set, unit and invocation, borrowed until the next call, or leaves them. False: the
 * entry is not wanted. */
typedef bool (*origin_finder)(void *userdata, const struct ucred *sender, struct entry *entry);

/* Reads datagrams until there are none, at most `limit`, and gives them to the sinks. */
void intake_receive(enum intake_kind kind, int fd, struct sink *sinks, origin_finder find, void *userdata,
                    unsigned limit);
/* The name in /proc/PID/comm, into `buffer`; NULL: none. */
const char *process_name(pid_t pid, char *buffer, size_t size);
