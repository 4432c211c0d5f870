/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by server.c and server_sources.c only. */
#pragma once

#include "journal/console.h"
#include "journal/forward.h"
#include "journal/intake.h"
#include "journal/protocol.h"
#include "journal/source.h"
#include "base/hash.h"

/* What an epoll event points to. */
enum watch_kind { WATCH_CONTROL, WATCH_INTAKE, WATCH_SOURCE, WATCH_OUTPUT };
struct watch {
    enum watch_kind kind;
};

struct intake_watch {
    struct watch watch;
    enum intake_kind kind;
    int fd; /* -1: none */
};

struct source_watch {
    struct watch watch;
    struct source *source;
    uint64_t key; /* the source's id */
    uint64_t lineage;
    UT_hash_handle hh, hh_lineage;
};

struct server {
    int epoll, control;
    const char *runtime;
    struct watch control_watch, output_watch;
    struct intake_watch intakes[INTAKE_KINDS];
    struct console console;
    struct forward forward;
    struct source_pool pool;
    struct source_watch *pipes, *connections; /* by id */
    struct source_watch *lineages;            /* pipes by the tag of the start */
    struct source *ready, *ready_tail;        /* have something, as far as is known */
    struct source *taken;                     /* given to the sinks, not yet consumed */
    uint64_t next_key;
    usec_t leftover_deadline; /* when unfinished lines are taken out of the kernel; USEC_INFINITY: none */
    usec_t quiet_deadline;    /* somebody waits for all to be written; USEC_INFINITY: nobody */
    bool sync, leaving, watching_output;
    bool accept_paused; /* no descriptors left: until a connection ends */
};

/* Says it to PID 1, with a descriptor or -1. */
int server_tell(struct server *s, uint32_t kind, uint64_t stream, const char *text, int fd);
/* Gives it to all sinks. */
void server_give(struct server *s, const struct entry *e);
/* A warning of our own: "WHAT: error". */
void server_complain(struct server *s, const char *what, int error);

/* By id; NULL: none. */
struct source_watch *server_find(struct source_watch *table, uint64_t id);
/* Takes over the source. Events are edges: a source is pumped until it has no more, and the beginning of a
 * line may stay where it is without waking anybody. 0 or a negative errno: it is freed. */
int server_add_source(struct server *s, struct source *source);
/* Takes it out of its table, and frees the watch, not the source. */
void server_forget(struct server *s, struct source_watch **table, struct source_watch *w);
/* It has something, as far as is known. */
void server_make_ready(struct server *s, struct source *source);
/* origin_finder of intake.h. */
void server_find_origin(void *server, pid_t pid, struct entry *entry);
/* While no descriptor is left, connections wait, and wake nobody. */
void server_pause_accept(struct server *s, bool pause);
/* One chunk of every ready source, or as much as fills a batch. */
void server_pump_ready(struct server *s);
/* What the sinks have for good is taken out of the kernel. */
void server_consume_taken(struct server *s);
/* Unfinished lines that waited long enough. */
void server_take_leftovers(struct server *s);
