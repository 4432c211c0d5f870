/* SPDX-License-Identifier: Apache-2.0 */
/* PID 1's end of the log process: starts it, tells it about streams and the manager's own lines, and puts
 * another one in its place when it dies. PID 1 holds the read end of every stream and every socket of the log
 * process, and the log process takes from a pipe only what it has written, so killing it costs no line.
 * Nothing here ever blocks but log_client_finish(), which is bounded. Knows no units but their names, and no
 * event loop: see struct log_client_host. */
#pragma once

#include "base/clock.h"
#include "base/id128.h"
#include "base/log.h"
#include "base/text.h"
#include "journal/protocol.h"
#include <sys/types.h>

struct log_client;

/* What the client needs from the owner of the event loop. */
struct log_client_host {
    void *userdata;
    /* From now on watch fd for reading, and for writing too if `write`; call log_client_ready() for any
     * event, level- triggered. fd -1: watch nothing. A descriptor given before is still open when this is
     * called. */
    void (*watch)(void *userdata, int fd, bool write);
    /* Call log_client_retry() at this time (CLOCK_MONOTONIC); USEC_INFINITY: no more. */
    void (*retry_at)(void *userdata, usec_t when);
};

/* `runtime` is the runtime directory ("/run"), below which the log process makes systemd/journal/…; copied.
 * `host` is borrowed. -ENOMEM. Nothing is started yet; manager lines go straight to stdout until then. */
int log_client_new(const struct log_client_host *host, const char *runtime, struct log_client **ret);
/* Closes everything; a log process reads what is there and leaves by itself. */
void log_client_free(struct log_client *c);

/* Starts the log process. If that fails now (-EAGAIN: no process to be had, …), it is tried again later by
 * itself, and the manager's lines go straight to stdout meanwhile. */
int log_client_start(struct log_client *c);
/* The descriptor given to watch() is readable, writable or has hung up. */
void log_client_ready(struct log_client *c);
/* The time given to retry_at() has come. */
void log_client_retry(struct log_client *c);
/* A child was reaped: true if it was the log process, which is then started again. */
bool log_client_child_exited(struct log_client *c, pid_t pid);
pid_t log_client_pid(const struct log_client *c); /* 0: none */

/* --- streams --- */
/* What is to be known of a stream. Strings are copied; NULL counts as "". */
struct log_stream_options {
    const char *unit;        /* shown before each line */
    const char *identifier;  /* SyslogIdentifier= or the program's name */
    const char *settings;    /* log_settings.h */
    const char *fields;      /* further journal fields of each entry, "NAME=value" lines */
    int level;               /* SyslogLevel= | SyslogFacility= */
    int max_level;           /* LogLevelMax= */
    uint32_t flags;          /* enum log_stream_flags */
    uid_t uid;               /* who the processes are, and the pipe's owner; -1: unknown */
    gid_t gid;
    struct id128 invocation;
    uint64_t lineage; /* the tag of the start, by which messages of its processes to the log sockets are told to be the
                       * unit's */
    uint32_t rate_burst;
    uint64_t rate_interval; /* protocol.h */
};
/* Makes the pipe for a unit's stdout and stderr. It is 0666 and, where permitted, belongs to the user, so that the
 * service may open /dev/stdout. Returns 0 with *ret_id and *ret_writer, the write end, close-on-exec and the caller's;
 * *ret_id is never 0. -EMFILE, -ENFILE, -ENOMEM; -E2BIG: too many settings. */
int log_client_open_stream(struct log_client *c, const struct log_stream_options *options, uint64_t *ret_id,
                           int *ret_writer);
/* The process whose lines these are, from now on. */
void log_client_stream_pid(struct log_client *c, uint64_t id, pid_t pid);
/* The same, said by that process itself, before it can write its first line. If it cannot be said now, nothing
 * happens: log_client_stream_pid() follows in any case. No allocation, no lock. */
void log_client_stream_begun(struct log_client *c, uint64_t id);
/* A new write end of a stream whose last one was closed, so that PID 1 needs to hold none while a service
 * runs. The descriptor, close-on-exec; -ENOENT: no such stream; errno of open. */
int log_client_stream_writer(struct log_client *c, uint64_t id);
/* The stream's device and inode for JOURNAL_STREAM. 0 or -ENOENT. */
int log_client_stream_inode(struct log_client *c, uint64_t id, dev_t *ret_device, ino_t *ret_inode);
/* The unit is done with it: what its processes still write is read to the end, then the pipe goes. */
void log_client_drop_stream(struct log_client *c, uint64_t id);

/* --- the manager's own lines --- */
/* log_set_sink(log_client_sink, client). What cannot be sent at once waits, up to 256 kB; what is beyond is
 * counted and said later. */
void log_client_sink(const struct log_record *record, void *client);

/* --- the end, and re-execution --- */
/* Has everything written out and the log process leave; waits for it as long as less and less waits to be read, and
 * then at most `patience`. One that has died, or dies now, gets a successor. Lines after that go straight to stdout.
 * Reaps the log process. */
void log_client_finish(struct log_client *c, usec_t patience);

/* State as NAME=VALUE lines, all names beginning with "log-", and back. Call prepare_exec(true) right before
 * execve(): the descriptors stay open; and (false) if it failed. Deserialize into a new client in place of
 * log_client_start(), then call log_client_resume(): watches again, and starts a log process if none came
 * over. */
int log_client_serialize(const struct log_client *c, struct text *out);
void log_client_prepare_exec(struct log_client *c, bool keep);
/* 1: taken; 0: not one of ours; -EINVAL, -ENOMEM: ours, and ignored. */
int log_client_deserialize(struct log_client *c, const char *name, const char *value);
int log_client_resume(struct log_client *c);
/* Is the descriptor one of its own? */
bool log_client_has_fd(const struct log_client *c, int fd);
