/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that is another machine, or a program that listens: a syslog server (RFC 5424, by UDP as in RFC 5426
 * or by TCP as in RFC 6587 with counted messages), or a reader of the journal's export format. Nobody ever
 * waits for it: what it does not take is kept up to REMOTE_KEEP_MAX, what is beyond is counted and said. It
 * is connected when there is something to be sent, and after a failure again, each time later. Knows no
 * settings and no loop but an epoll descriptor. */
#pragma once

#include "journal/entry.h"
#include "journal/store.h"

#include <sys/socket.h>

#define REMOTE_KEEP_MAX (1024 * 1024)
#define REMOTE_WHERE_MAX 256

enum remote_kind { REMOTE_NONE, REMOTE_UDP, REMOTE_TCP, REMOTE_EXPORT };
enum remote_state { REMOTE_DOWN, REMOTE_RESOLVING, REMOTE_CONNECTING, REMOTE_UP };

struct remote {
    struct sink sink; /* first */
    enum remote_kind kind;
    enum remote_state state;
    int max_level;
    char host[REMOTE_WHERE_MAX]; /* an address, a name, or the path of a socket */
    uint16_t port;               /* 0: it is a path */
    int epoll, fd;
    void *watch; /* epoll's data for fd */
    pid_t resolver;
    struct store *store;           /* that knows an entry's fields */
    char *buffer;                  /* messages, each with its size before it */
    size_t head, tail, size, sent; /* buffer[head..tail) waits; of the first message, `sent` bytes went */
    unsigned long n_lost;
    usec_t retry_at, delay;
    void (*complain)(void *userdata, const char *what, int error);
    void *userdata;
};

/* "udp://HOST[:514]", "tcp://HOST[:601]": a syslog server. -EINVAL. */
int remote_set_server(struct remote *r, const char *where);
/* "HOST:PORT", "[ADDRESS]:PORT", "/PATH": journald.conf(5), ForwardToSocket=. -EINVAL. */
int remote_set_socket(struct remote *r, const char *where);
/* Before one of the two above; without them it is a sink that takes nothing. `watch` is given to `epoll` as
 * data. */
void remote_open(struct remote *r, int epoll, void *watch, struct store *store,
                 void (*complain)(void *userdata, const char *what, int error), void *userdata);
/* Sends what can be sent within the time. */
void remote_close(struct remote *r, usec_t patience);
/* The descriptor is ready. */
void remote_ready(struct remote *r);
/* Connects when it is time, sends, says what was lost. */
void remote_turn(struct remote *r);
/* When remote_turn() is to be called next, though nothing happened; USEC_INFINITY: never. */
usec_t remote_deadline(const struct remote *r);
/* Before a long sleep: gives memory back. */
void remote_rest(struct remote *r);

/* --- remote_format.c */
struct text;
/* One message of RFC 5424. */
void remote_format_syslog(struct text *out, const struct entry *e, usec_t time, const char *host);
/* One record of the export format. */
void remote_format_export(struct text *out, struct store *store, const struct entry *e,
                          struct dual_time time);
