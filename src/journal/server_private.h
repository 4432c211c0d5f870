/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by server.c and server_sources.c only. */
#pragma once

#include "journal/console.h"
#include "journal/follow.h"
#include "journal/forward.h"
#include "journal/intake.h"
#include "journal/protocol.h"
#include "journal/remote.h"
#include "journal/source.h"
#include "journal/store.h"
#include "journal/varlink.h"
#include "base/hash.h"

/* What an epoll event points to. */
enum watch_kind {
    WATCH_CONTROL,
    WATCH_INTAKE,
    WATCH_SOURCE,
    WATCH_OUTPUT,
    WATCH_SIGNAL,
    WATCH_VARLINK_SOCKET,
    WATCH_VARLINK,
    WATCH_FOLLOW,
    WATCH_REMOTE,
    WATCH_KMSG,
};
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

#define VARLINK_CLIENTS 4
struct varlink_watch {
    struct watch watch;
    int fd;       /* -1: free */
    bool waiting; /* for an answer to Synchronize */
    struct varlink_buffer buffer;
};

/* Two ends of a pipe and a memory. */
#define HOLD_PIECES 3

/* What is known of the processes that sent something lately. */
#define SENDERS 16
struct sender {
    pid_t pid; /* 0: free */
    uid_t uid;
    uint64_t lineage; /* of a pipe; 0: none */
    struct entry_set *set;
    struct rate rate; /* of a sender that belongs to no unit */
    usec_t until;
};

/* stdout and stderr. */
#define CONSOLES 2
/* A syslog server, and ForwardToSocket=. */
#define REMOTES 2

struct server {
    int epoll, control;
    const char *runtime;
    struct watch control_watch;
    struct intake_watch intakes[INTAKE_KINDS];
    struct console_rules rules;
    struct {
        struct watch watch;
        bool watched;
        struct console console;
    } consoles[CONSOLES];
    struct forward forward;
    struct {
        struct watch watch;
        struct remote remote;
    } remotes[REMOTES];
    struct log_config config;
    struct store store;
    struct entry_set *manager_set, *own_set; /* PID 1's and ours */
    struct sender senders[SENDERS];
    unsigned next_sender;
    int signal_fd, varlink_fd; /* -1: none */
    struct watch signal_watch, varlink_watch;
    struct varlink_watch clients[VARLINK_CLIENTS];
    int kmsg_fd; /* -1: none */
    struct watch kmsg_watch;
    struct entry_set *kmsg_set;
    struct follow follow; /* log files of units */
    struct watch follow_watch;
    bool following, follow_more; /* watched; files have more to be read */
    bool journal_sync; /* asked for: once all is quiet */
    bool rested; /* memory was given back */
    struct source_pool pool;
    struct source_watch *pipes, *connections; /* by id */
    struct source_watch *lineages;            /* pipes by the tag of the start */
    struct source *ready, *ready_tail;        /* have something, as far as is known */
    int hold_fd;            /* the memory of pool.hold; -1: none */
    uint64_t hold_keys[HOLD_PIECES]; /* under which PID 1 keeps the pieces */
    size_t n_hold_keys;
    size_t n_inherited;     /* pieces of streams that a predecessor had not written out */
    struct source *taken;                     /* given to the sinks, not yet consumed */
    uint64_t next_key;
    usec_t leftover_deadline; /* when unfinished lines are taken out of the kernel; USEC_INFINITY: none */
    usec_t leave_deadline;    /* when told to leave, however much there is to be read; 0: not told */
    usec_t quiet_deadline;    /* somebody waits for all to be written; USEC_INFINITY: nobody */
    bool sync, leaving;
    bool started;       /* all streams there are were told */
    bool accept_paused; /* no descriptors left: until a connection ends */
};

/* Says it to PID 1, with a descriptor or -1. */
int server_tell(struct server *s, uint32_t kind, uint64_t stream, const char *text, int fd);
/* Gives it to all sinks. */
void server_give(struct server *s, const struct entry *e);
/* A warning of our own: "WHAT: error". */
void server_complain(struct server *s, const char *what, int error);

/* Follows the files that a unit names. */
void server_follow(struct server *s, struct source *source);

/* --- server_config.c: what is set, and where it is shown */
void server_read_config(struct server *s);
void server_open_consoles(struct server *s);
void server_close_consoles(struct server *s);
void server_flush_consoles(struct server *s);
/* Is any of them in that state? */
bool server_has_console(const struct server *s, enum console_state state);
/* As the settings say: between the forwarder and the store. */
void server_open_remotes(struct server *s);
void server_turn_remotes(struct server *s);
void server_close_remotes(struct server *s);
/* Does either have as much as is worth a write, and is not stuck? */
bool server_consoles_are_full(const struct server *s);
/* Those that have stopped are watched like everything else. */
void server_watch_consoles(struct server *s);

/* The requests of server_requests.c: server_open_requests() once, the others when the loop says so. `w` NULL: somebody
 * connects. */
void server_open_requests(struct server *s);
/* The kernel's log: opened anew (fd -1), or kept by PID 1; and when it is readable. */
void server_take_kmsg(struct server *s, int fd);
void server_kmsg_ready(struct server *s);
/* The socket for them: made anew (fd -1), or kept by PID 1. */
void server_take_requests(struct server *s, int fd);
void server_varlink_ready(struct server *s, struct varlink_watch *w);
void server_signal_ready(struct server *s);
/* All is quiet: who waits for that is answered. */
void server_synced(struct server *s);
/* Everything there is to be written now is, before anybody who waits is answered; or as much as can be in that time, if
 * services go on writing. */
void server_wait_for_quiet(struct server *s, usec_t patience);

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
/* Before source_pump(): sets source->unit_pipe. */
void server_find_pipe(struct server *s, struct source *source);
/* The tag of the start that a sender belongs to; 0: none that has a pipe. */
uint64_t server_lineage_of(struct server *s, const struct ucred *who);
bool server_find_origin(void *server, const struct ucred *sender, struct entry *entry);
/* While no descriptor is left, connections wait, and wake nobody. */
void server_pause_accept(struct server *s, bool pause);
/* Where streams' bytes are while they are written: made anew and kept by PID 1, or taken over from there. */
void server_make_hold(struct server *s);
void server_take_hold(struct server *s, uint64_t key, const char *what, int fd);
/* What a predecessor had not written out goes to the sinks. */
void server_replay_inherited(struct server *s);
/* One chunk of every ready source, or as much as fills a batch. */
void server_pump_ready(struct server *s);
/* What the sinks have for good is taken out of the kernel. */
void server_consume_taken(struct server *s);
/* Unfinished lines that waited long enough. */
void server_take_leftovers(struct server *s);
