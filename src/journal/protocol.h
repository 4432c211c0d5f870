/* SPDX-License-Identifier: Apache-2.0 */
/* What PID 1 and the log process (`reeve journal`) say to one another, over a SOCK_SEQPACKET pair: one
 * message a packet, a fixed head, then strings, and at most one descriptor.
 *
 * PID 1 never blocks on it: a full socket is tried again when it is writable. Descriptors are told again, all
 * of them, to a log process that replaces a dead one. Both ends check what they get: a message that is
 * malformed, or of a kind they do not know, is ignored. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum log_message_kind {
    /* from PID 1 */
    LOG_STREAM_ADD = 1, /* + descriptor (read end of a pipe). stream id; then: unit name, identifier, settings
          * (log_settings.h), fields in lines */
    LOG_STREAM_DROP,    /* no more writers are expected: read to the end, then close. stream id */
    LOG_MANAGER, /* a line of the manager itself. level; then: unit name or "", message id or "", fields in lines, text */
    LOG_SYNC,    /* answered with LOG_SYNCED once everything received so far was written */
    LOG_LEVEL,   /* level: maximum level of manager lines shown */
    LOG_EXIT,    /* read what is there, write it out and leave */
    LOG_RESTORE,    /* + descriptor. What an earlier log process had stored: key in stream; then: its state */
    LOG_STREAM_PID, /* the stream's lines are those of process `pid` from now on */
    LOG_START,      /* everything was restored, and all streams there are were told: sockets that are missing are to be
                  * made now */
    /* from the log process */
    LOG_SYNCED,
    LOG_STREAM_GONE, /* a dropped stream was read to its end. stream id */
    LOG_STORE,       /* + descriptor. To be kept for a successor, at most LOG_STORE_MAX: key in stream; then: state
                */
    LOG_UNSTORE,     /* key in stream */
    LOG_MESSAGE_KINDS,
};

enum log_stream_flags {
    LOG_STREAM_LEVEL_PREFIX = 1 << 0, /* SyslogLevelPrefix=: a leading <N> is a level */
    LOG_STREAM_CONSOLE = 1 << 1,      /* shown on the container's stdout */
};

struct log_message {
    uint32_t kind;
    uint32_t level;  /* LOG_STREAM_ADD: default level and facility (SyslogLevel=, SyslogFacility=) */
    uint64_t stream; /* names the stream between the two */
    uint32_t flags;
    uint32_t pid; /* LOG_STREAM_ADD, LOG_STREAM_PID: the main process, or 0; LOG_MANAGER: 1 */
    /* LOG_STREAM_ADD */
    uint32_t uid, gid;  /* of the processes; UINT32_MAX: unknown */
    uint32_t max_level; /* LogLevelMax=: what is beyond is dropped */
    uint32_t rate_burst; /* LogRateLimitBurst= in … */
    uint64_t rate_interval; /* … LogRateLimitIntervalSec=; either 0: no limit; UINT64_MAX: journald.conf's */
    uint8_t invocation[16];
    uint64_t lineage; /* LOG_STREAM_ADD: the tag of the start, engine/lineage.h; 0: none */
    /* strings follow, each with its NUL */
};

#define LOG_MESSAGE_MAX 8192
#define LOG_MESSAGE_STRINGS 4
#define LOG_STORE_MAX 512

/* The strings of a packet: a valid head, each string with its NUL and nothing behind the last. Missing
 * strings are "". The number of strings found, or -EBADMSG. The strings point into the packet. */
int log_message_strings(const void *packet, size_t size, const char *strings[static LOG_MESSAGE_STRINGS]);
/* Puts head and strings (NULL counts as "") into `packet`; a last string that does not fit is cut. The size;
 * -E2BIG if an earlier one does not fit. */
int log_message_pack(uint8_t packet[static LOG_MESSAGE_MAX], const struct log_message *head,
                     const char *const *strings, size_t n);

/* Sends one packet, with a descriptor unless it is -1, without blocking. 0 or a negative errno; -EAGAIN: no
 * room. */
int log_packet_send(int socket, const void *packet, size_t size, int fd);
/* Receives one without blocking. Its size, and in *ret_fd the descriptor that came along (the caller closes it)
 * or -1; -EAGAIN: nothing there; -EPIPE: the other end is gone. */
int log_packet_receive(int socket, uint8_t packet[static LOG_MESSAGE_MAX], int *ret_fd);
