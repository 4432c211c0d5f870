/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by client.c and client_state.c only. */
#pragma once

#include "journal/client.h"
#include "journal/output.h"
#include "base/hash.h"

struct client_stream {
    uint64_t id;
    int fd; /* read end; never read here, kept for the next log process */
    pid_t pid;
    struct log_stream_options o; /* unit and identifier are in `text`, without control characters */
    char *fields, *settings;
    UT_hash_handle hh;
    bool told : 1, pid_told : 1, dropped : 1, drop_told : 1;
    char text[];
};

struct client_stored {
    uint64_t key;
    int fd;
    char *state;
    bool told;
    UT_hash_handle hh;
};

struct client_packet {
    struct client_packet *next;
    size_t size;
    uint8_t data[];
};

struct log_client {
    const struct log_client_host *host;
    char *runtime;
    struct output direct; /* stdout, while there is no log process */
    int socket;           /* -1: not connected */
    pid_t pid;            /* 0: none */
    usec_t started;
    unsigned failures; /* starts in a row that came to nothing */
    unsigned deaths;   /* in a row, each soon after its start */
    bool wanted;       /* log_client_start() was called, log_client_finish() not */
    bool watching_write;
    bool restored; /* the log process got everything stored, all streams, and LOG_START */
    bool streams_to_tell;
    uint64_t next_id;
    struct client_stream *streams; /* by id */
    struct client_stored *stored;  /* by key */
    struct client_packet *queue, *queue_tail;
    size_t queued;
    unsigned long n_lost;
};

/* NULL: no memory. In the hash, without descriptor. */
struct client_stream *client_stream_new(struct log_client *c, uint64_t id, const struct log_stream_options *options);
/* Sends what waits, blocking at most until `deadline` (CLOCK_MONOTONIC). */
void client_flush_until(struct log_client *c, usec_t deadline);

/* --- client_send.c */
void client_write_direct(struct log_client *c, const char *text);
/* Empties the queue to stdout; without a word. */
void client_queue_direct(struct log_client *c);
void client_queue_clear(struct log_client *c);
/* One message, now. 0 or a negative errno; -EAGAIN: no room. */
int client_send_message(struct log_client *c, const struct log_message *head, const char *const *strings,
                        size_t n, int fd);
int client_tell_stream(struct log_client *c, struct client_stream *s);
int client_tell_pid(struct log_client *c, const struct client_stream *s, pid_t pid);
/* Is there anything to be sent before what is new? */
bool client_pending(const struct log_client *c);
/* Sends what waits, and sees to it that the rest is sent when the socket has room. */
void client_flush(struct log_client *c);
