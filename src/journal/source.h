/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of lines: a service's pipe, or a connection of sd_journal_stream_fd(3). Lines are looked at where they lie,
 * in the kernel, and taken out of it only when they were written: source_pump(), then write, then source_consume().
 * Whoever kills this process between the two may see lines twice, but loses none.
 *
 * The beginning of a line stays in the kernel, where nothing happens to it, unless there is too much of it: a socket
 * is in the way of its writer soon, so its is taken out after SOURCE_PATIENCE; a pipe's, if the pipe is full. Knows
 * no sockets but its own and no loop. */
#pragma once

#include "journal/entry.h"
#include "journal/parse.h"

/* A longer line is several, at most. journald.conf(5), LineMax=. */
#define SOURCE_LINE_MAX (48 * 1024)
/* Looked at at once; what a pipe holds by default. */
#define SOURCE_CHUNK (64 * 1024)
#define SOURCE_PATIENCE (1 * USEC_PER_SEC)

/* LogRateLimitIntervalSec=, LogRateLimitBurst=: so many entries in each interval. */
struct rate {
    usec_t interval, begin;
    uint64_t burst, n, suppressed; /* interval or burst 0: no limit */
};

/* May one more be taken now? *ret_suppressed: how many the last interval kept back, to be said first. */
bool rate_permits(struct rate *rate, uint64_t *ret_suppressed);
/* "Suppressed N messages from WHO", as an entry. `text` has RATE_TEXT_MAX bytes and is borrowed by it. */
#define RATE_TEXT_MAX 400
struct entry rate_entry(uint64_t suppressed, const char *who, char text[static RATE_TEXT_MAX]);

enum source_kind { SOURCE_PIPE, SOURCE_CONNECTION };

struct source {
    uint64_t id;      /* of the stream; key of the connection */
    uint64_t lineage; /* the tag of the start; 0: none */
    struct id128 invocation;
    int fd;           /* non-blocking */
    int max_level;    /* what is beyond is dropped */
    struct rate rate;
    int level;        /* level + facility of lines that say nothing else */
    pid_t pid;
    uid_t uid;        /* -1: unknown */
    gid_t gid;
    uint32_t taken;   /* bytes at the start that were given to the sinks */
    const char *unit, *identifier; /* NULL: unknown. Set by source_set_names() */
    char *partial;    /* beginning of a line, of which the kernel no longer knows */
    uint32_t partial_size, partial_room;
    struct entry_set *set; /* made for the first line; source_renew() has it made anew */
    struct log_settings *settings; /* of its unit; NULL: none. Owned */
    struct source
        *unit_pipe;        /* of a connection: whose max_level, rate, settings and fields hold; NULL: its own. To be set
                               * before each source_pump() */
    char *fields;          /* further fields of all its entries, in lines; NULL: none. Owned */
    struct source *next_ready, *next_taken;
    bool ready : 1, listed_taken : 1; /* the server's lists */
    enum source_kind kind : 1;
    bool level_prefix : 1, console : 1;
    bool head_done : 1; /* connections: the head was read */
    bool hung_up : 1;   /* no writers, as far as is known */
    bool dropped : 1;   /* none will come */
    bool plain : 1;     /* cannot be looked at without taking */
    bool small : 1;     /* a pipe that the beginning of a line would fill */
    bool leftover : 1;  /* the beginning of a line lies in the kernel */
};

/* Bytes that were moved out of a stream, with how far they are written: in memory that outlives this process, as the
 * pipe does in which they are held. What is true after a kill at any instruction: the lines before `done` are
 * written; so is the one that ends at `next` if the journal's last number is `next_seqnum` or more. */
#define HOLD_SEGMENTS 8
struct hold_segment {
    uint64_t stream; /* source->id */
    uint64_t next_seqnum;
    uint32_t kind; /* source->kind */
    uint32_t size, done, next;
};
struct hold {
    uint32_t n;
    uint32_t emptying; /* all of it is written, and shown */
    struct hold_segment segments[HOLD_SEGMENTS];
};

/* What all sources share. */
struct source_pool {
    struct sink *sinks;
    int scratch[2];  /* a pipe */
    int held[2];     /* a pipe with what hold says; -1: none */
    bool full;         /* somebody has to wait for source_release() */
    size_t held_places; /* buffers of that pipe */
    struct hold *hold; /* NULL: none, and a kill may double lines */
    struct hold_segment *segment; /* being given to the sinks */
    const uint64_t *seqnum;       /* the journal's last */
    struct sink *journal;         /* gets each line once, also from a predecessor; the others at least once */
    uint32_t written_to;          /* of `segment`, in the journal already */
    bool written;                 /* the line at hand is */
    size_t line_max; /* at most SOURCE_LINE_MAX */
    int null_fd;     /* /dev/null, -1: what is there is not it */
    char *chunk;     /* SOURCE_CHUNK bytes, mapped */
    bool chunk_used; /* much of it */
};
int source_pool_open(struct source_pool *pool, struct sink *sinks);
/* Before a long sleep: gives memory back. */
void source_pool_rest(struct source_pool *pool);
void source_pool_close(struct source_pool *pool);

/* Takes over fd. NULL: no memory, and fd is closed. */
struct source *source_new(enum source_kind kind, int fd, uint64_t id);
void source_free(struct source *s);
/* Copies both; NULL: unknown, and so they are without memory. */
void source_set_names(struct source *s, const char *unit, const char *identifier);

/* Something that its entries say has changed. */
void source_renew(struct source *s);

enum pump_result {
    PUMP_IDLE, /* nothing more until the kernel says so */
    PUMP_MORE, /* source_consume(), then again */
    PUMP_END,  /* read to its end: free it */
    PUMP_HEAD, /* as PUMP_MORE, and a connection has just told its head */
};
/* Gives the lines of one chunk to the sinks. `force`: an unfinished line is to be taken out of the kernel
 * too. */
enum pump_result source_pump(struct source_pool *pool, struct source *s, bool force);
/* Does the beginning of a line that it holds keep its writer from going on? */
bool source_is_in_the_way(const struct source *s);
/* May this pipe hold what scratch lets us look at? */
bool source_pool_may_use(const struct source_pool *pool);
/* Is anything held of this one? */
bool source_pool_holds(const struct source_pool *pool, const struct source *s);
/* Is there no room to hold more? Then source_release() first. */
bool source_pool_is_full(const struct source_pool *pool);
/* The sinks have all that is held: it goes. */
void source_release(struct source_pool *pool);
/* Of a predecessor: cuts the segments to what was moved in fact. The number of them that are not written out. */
size_t source_pool_inherit(struct source_pool *pool);
/* Looks at all of them; then source_pool_replay() for each. 0 or a negative errno. */
int source_pool_look(struct source_pool *pool);
/* Gives the i-th of them to the sinks: to the journal from where the predecessor was, to the others once more, for what
 * it had not shown yet died with it. `s` NULL: its stream is gone. */
void source_pool_replay(struct source_pool *pool, size_t i, struct source *s);
/* Takes out of the kernel what the sinks got. */
void source_consume(struct source_pool *pool, struct source *s);
/* Ends an unfinished line, for good. */
void source_finish(struct source_pool *pool, struct source *s);
