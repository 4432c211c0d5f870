/* SPDX-License-Identifier: Apache-2.0 */
/* What PID 1 and the log process (`reeve journal`) say to one another, over a SOCK_SEQPACKET pair: one message a packet,
 * a fixed head, then strings, and at most one descriptor.
 *
 * PID 1 never blocks on it: a full socket is tried again when it is writable. Descriptors are told again, all of them,
 * to a log process that replaces a dead one. */
#pragma once

#include <stdint.h>

enum log_message_kind {
    LOG_STREAM_ADD = 1, /* + descriptor (read end of a pipe). stream id; then NUL-terminated: unit name, identifier */
    LOG_STREAM_DROP,    /* no more writers are expected: read to the end, then close. stream id */
    LOG_MANAGER,        /* a line of the manager itself. level; then: unit name or "", message id or "", text */
    LOG_SYNC,           /* answered with LOG_SYNCED once everything received so far was written */
    LOG_SYNCED,
    LOG_LEVEL,          /* level: maximum level of manager lines shown */
    LOG_EXIT,           /* flush and leave */
};

enum log_stream_flags {
    LOG_STREAM_LEVEL_PREFIX = 1 << 0, /* SyslogLevelPrefix=: a leading <N> is a level */
    LOG_STREAM_CONSOLE = 1 << 1,      /* shown on the container's stdout */
};

struct log_message {
    uint32_t kind;
    uint32_t level;     /* LOG_STREAM_ADD: default level and facility (SyslogLevel=, SyslogFacility=) */
    uint64_t stream;    /* names the stream between the two */
    uint32_t flags;
    uint32_t pid;       /* LOG_STREAM_ADD: 0 or the main process; LOG_MANAGER: 1 */
    uint8_t invocation[16];
    /* strings follow, each with its NUL */
};

#define LOG_MESSAGE_MAX 8192
