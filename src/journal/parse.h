/* SPDX-License-Identifier: Apache-2.0 */
/* The text formats that log senders use, taken apart: bytes in, values out. Input is hostile. Nothing is
 * copied: what is found points into what was given. */
#pragma once

#include "base/macro.h"
#include <sys/types.h>

struct bytes {
    const char *p;
    size_t n;
};

/* "<N>" with N = level + facility at the start: 0, *ret set, and *text moved behind it; else -EINVAL and
 * nothing moved. sd-daemon(3), syslog(3). */
int parse_priority(struct bytes *text, int *ret);

struct syslog_message {
    int priority;            /* level + facility; LOG_USER | LOG_INFO if none was given */
    struct bytes identifier; /* n == 0: none */
    pid_t pid;               /* 0: none */
    struct bytes time;       /* the time stamp and the blank behind it; n == 0: none */
    struct bytes text;       /* without trailing line breaks and NULs */
};
/* A datagram of syslog(3), RFC 3164 as libc and logger(1) write it: "<PRI>Mmm dd hh:mm:ss ident[pid]: text",
 * each part optional. Anything is a message: what does not parse is text. */
void parse_syslog(struct bytes datagram, struct syslog_message *ret);

/* The native protocol: "NAME=value\n", or "NAME\n", the value's size in 8 little-endian bytes, value, "\n".
 * Takes the next field from *rest. 1; 0 at the end; -EBADMSG: malformed, stop. Comment lines and empty lines
 * are skipped.
 */
int parse_native_field(struct bytes *rest, struct bytes *name, struct bytes *value);

struct native_message {
    struct bytes message;    /* p == NULL: none */
    struct bytes identifier; /* n == 0: none */
    struct bytes message_id;
    int level, facility; /* -1: not given */
    pid_t pid;           /* SYSLOG_PID=; 0: none */
};
/* The fields that matter here. Returns 0, or -EBADMSG if the datagram ended malformed: what came before
 * counts. */
int parse_native(struct bytes datagram, struct native_message *ret);

/* A record of /dev/kmsg: "PRIORITY,NUMBER,MICROSECONDS,FLAGS;text\n KEY=value\n…". 0 or -EBADMSG. */
struct kmsg_message {
    int priority;       /* level + facility */
    uint64_t time;      /* monotonic, of the machine */
    struct bytes text;  /* with \xNN for what is not printable */
    struct bytes fields; /* for parse_kmsg_field() */
};
int parse_kmsg(struct bytes record, struct kmsg_message *ret);
/* Takes the next from *rest: 1, or 0 at the end. What is none, or has a name that is no field's, is skipped. */
int parse_kmsg_field(struct bytes *rest, struct bytes *name, struct bytes *value);
/* Writes the text to `to`, which has room for text.n bytes; returns how many it takes. */
size_t unescape_kmsg(struct bytes text, char *to);

/* The head of a stream of sd_journal_stream_fd(3), seven lines: identifier, unit, level, level prefix, and
 * three flags for forwarding that nobody uses. */
#define STREAM_HEAD_MAX 2048
struct stream_head {
    struct bytes identifier, unit; /* n == 0: none */
    int level;
    bool level_prefix;
};
/* 0 and *ret_size, the bytes the head takes; -EAGAIN: more is needed; -EBADMSG. */
int parse_stream_head(struct bytes data, struct stream_head *ret, size_t *ret_size);
