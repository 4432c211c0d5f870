/* SPDX-License-Identifier: Apache-2.0 */
/* The log process's streams of lines: which there are, which have something, whose processes are whose. */
#include "base/fd.h"
#include "journal/fields.h"
#include "journal/log_settings.h"
#include "journal/origin.h"
#include "journal/server_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* A daemon that logs a lot is looked at once in a while, and a PID is not used again so soon. */
#define SENDER_REMEMBERED (1 * USEC_PER_SEC)

/* --- saying things --- */
int server_tell(struct server *s, uint32_t kind, uint64_t stream, const char *text, int fd) {
    uint8_t packet[LOG_MESSAGE_MAX];
    struct log_message head = { .kind = kind, .stream = stream };
    int size = log_message_pack(packet, &head, &text, text ? 1 : 0);
    if (size < 0)
        return size;
    for (int tries = 0; tries < 10; tries++) {
        int r = log_packet_send(s->control, packet, (size_t)size, fd);
        if (r != -EAGAIN && r != -ETOOMANYREFS)
            return r;
        /* PID 1 never waits for us, so we may wait for it, a little. */
        struct pollfd p = { .fd = s->control, .events = POLLOUT };
        (void)poll(&p, 1, 10);
    }
    return -EAGAIN;
}

void server_give(struct server *s, const struct entry *e) {
    for (struct sink *sink = s->pool.sinks; sink; sink = sink->next)
        sink->write(sink, e);
}

void server_complain(struct server *s, const char *what, int error) {
    char text[512];
    snprintf(text, sizeof(text), error ? "%s: %s" : "%s", what, strerror(-error));
    server_give(s, &(struct entry){ .transport = ENTRY_MANAGER,
                                    .level = LOG_WARNING,
                                    .facility = LOG_DAEMON,
                                    .set = s->own_set,
                                    .message = text,
                                    .size = strlen(text),
                                    .console = true });
}

/* --- sources --- */
void server_make_ready(struct server *s, struct source *source) {
    if (source->ready)
        return;
    source->ready = true;
    source->next_ready = NULL;
    if (s->ready_tail)
        s->ready_tail->next_ready = source;
    else
        s->ready = source;
    s->ready_tail = source;
}

static struct source_watch **table_of(struct server *s, const struct source *source) {
    return source->kind == SOURCE_PIPE ? &s->pipes : &s->connections;
}

/* The pipe of the unit that a process belongs to, by the tag it carries. */
static struct source_watch *find_unit(struct server *s, pid_t pid) {
    uint64_t seen = s->lineages ? origin_tag(pid) : 0, candidates[ORIGIN_DEPTHS];
    if (seen == 0)
        return NULL;
    origin_candidates(seen, candidates);
    struct source_watch *w = NULL;
    for (size_t i = 0; i < ORIGIN_DEPTHS && !w; i++)
        HASH_FIND(hh_lineage, s->lineages, &candidates[i], sizeof(candidates[i]), w);
    return w;
}

static struct sender *find_sender(struct server *s, const struct ucred *who) {
    usec_t time = now(CLOCK_MONOTONIC);
    struct sender *sender = NULL;
    for (size_t i = 0; i < SENDERS && !sender; i++)
        if (s->senders[i].pid == who->pid && s->senders[i].uid == who->uid)
            sender = &s->senders[i];
    if (sender && time < sender->until)
        return sender;
    struct rate rate =
        sender ? sender->rate : (struct rate){ .interval = s->config.rate_interval, .burst = s->config.rate_burst };
    if (!sender)
        sender = &s->senders[s->next_sender++ % SENDERS];
    free(sender->set);
    struct source_watch *w = find_unit(s, who->pid);
    *sender = (struct sender){ .pid = who->pid,
                               .uid = who->uid,
                               .lineage = w ? w->lineage : 0,
                               .rate = rate,
                               .until = usec_add(time, SENDER_REMEMBERED) };
    sender->set = entry_set_new(&(struct set_request){ .pid = who->pid,
                                                       .uid = who->uid,
                                                       .gid = who->gid,
                                                       .unit = w ? w->source->unit : NULL,
                                                       .invocation = w ? w->source->invocation : (struct id128){},
                                                       .fields = w ? w->source->fields : NULL });
    return sender;
}

/* A new interval says what the last one kept back. */
static bool may_take(struct server *s, struct rate *rate, const struct entry *entry) {
    uint64_t suppressed;
    bool permitted = rate_permits(rate, &suppressed);
    if (suppressed > 0) {
        char text[RATE_TEXT_MAX];
        struct entry e = rate_entry(suppressed,
                                    entry->unit         ? entry->unit
                                    : entry->identifier ? entry->identifier
                                                        : "a program",
                                    text);
        server_give(s, &e);
    }
    return permitted;
}

bool server_find_origin(void *server, const struct ucred *who, struct entry *entry) {
    struct server *s = server;
    struct sender *sender = find_sender(s, who);
    struct source_watch *w = NULL;
    entry->uid = who->uid;
    entry->set = sender->set;
    if (sender->lineage)
        HASH_FIND(hh_lineage, s->lineages, &sender->lineage, sizeof(sender->lineage), w);
    if (w) {
        entry->unit = w->source->unit;
        entry->invocation = w->source->invocation;
        entry->settings = w->source->settings;
    }
    if (!entry->message && !entry->fields)
        return true; /* a connection, not an entry yet */
    if (w && (entry->level > w->source->max_level || !log_settings_keep(entry->settings, entry->message, entry->size)))
        return false;
    return may_take(s, w ? &w->source->rate : &sender->rate, entry);
}

/* What a unit says of its entries holds for connections of its processes, too. Its pipe may have gone since the last
 * time, and of a connection that a predecessor left only the process is known. */
void server_find_pipe(struct server *s, struct source *source) {
    struct source_watch *w = NULL;
    if (source->kind != SOURCE_CONNECTION)
        return;
    if (source->lineage != 0)
        HASH_FIND(hh_lineage, s->lineages, &source->lineage, sizeof(source->lineage), w);
    else if (source->unit && source->pid > 0) {
        w = find_unit(s, source->pid);
        source->lineage = w ? w->lineage : 0;
    }
    source->unit_pipe = w ? w->source : NULL;
}

uint64_t server_lineage_of(struct server *s, const struct ucred *who) {
    return find_sender(s, who)->lineage;
}

static void index_lineage(struct server *s, struct source_watch *w) {
    struct source_watch *before;
    w->lineage = w->source->kind == SOURCE_PIPE ? w->source->lineage : 0;
    if (w->lineage == 0)
        return;
    HASH_FIND(hh_lineage, s->lineages, &w->lineage, sizeof(w->lineage), before);
    if (before)
        HASH_DELETE(hh_lineage, s->lineages, before);
    if (before)
        before->lineage = 0;
    HASH_ADD(hh_lineage, s->lineages, lineage, sizeof(w->lineage), w);
    if (!w->hh_lineage.tbl)
        w->lineage = 0;
}

void server_forget(struct server *s, struct source_watch **table, struct source_watch *w) {
    if (w->lineage != 0)
        HASH_DELETE(hh_lineage, s->lineages, w);
    HASH_DEL(*table, w);
    free(w);
}

struct source_watch *server_find(struct source_watch *table, uint64_t id) {
    struct source_watch *w;
    HASH_FIND(hh, table, &id, sizeof(id), w);
    return w;
}

/* Takes over the source. Events are edges: a source is pumped until it has no more, and the beginning of a
 * line may stay where it is without waking anybody. */
int server_add_source(struct server *s, struct source *source) {
    struct source_watch *w = calloc(1, sizeof(*w)), **table = table_of(s, source);
    if (!w) {
        source_free(source);
        return -ENOMEM;
    }
    *w = (struct source_watch){ .watch.kind = WATCH_SOURCE, .source = source, .key = source->id };
    HASH_ADD(hh, *table, key, sizeof(w->key), w);
    struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = w };
    if (!hash_holds(&w->hh) || epoll_ctl(s->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0) {
        int r = hash_holds(&w->hh) ? -errno : -ENOMEM;
        if (hash_holds(&w->hh))
            HASH_DEL(*table, w);
        free(w);
        source_free(source);
        return r;
    }
    index_lineage(s, w);
    server_make_ready(s, source);
    return 0;
}

/* While no descriptor is left, connections wait, and wake nobody. */
void server_pause_accept(struct server *s, bool pause) {
    struct intake_watch *w = &s->intakes[INTAKE_STREAM];
    struct epoll_event event = { .events = pause ? 0 : EPOLLIN, .data.ptr = w };
    if (s->accept_paused != pause && w->fd >= 0 && epoll_ctl(s->epoll, EPOLL_CTL_MOD, w->fd, &event) >= 0)
        s->accept_paused = pause;
}

void server_follow(struct server *s, struct source *source) {
    int r = follow_add(&s->follow, source);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &s->follow_watch };
    if (r >= 0 && s->follow.inotify >= 0 && !s->following) {
        s->follow_watch.kind = WATCH_FOLLOW;
        s->following = epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->follow.inotify, &event) >= 0;
    }
    if (r < 0)
        server_complain(s, "log files cannot be followed", r);
}

/* Closing the descriptor ends its watch. */
static void server_unfollow(struct server *s, struct source *source) {
    follow_remove(&s->follow, source);
    s->following = s->following && s->follow.inotify >= 0;
}

static void end_source(struct server *s, struct source *source) {
    struct source_watch **table = table_of(s, source), *w = server_find(*table, source->id);
    (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    if (source->kind == SOURCE_PIPE)
        (void)server_tell(s, LOG_STREAM_GONE, source->id, NULL, -1);
    else if (source->head_done)
        (void)server_tell(s, LOG_UNSTORE, source->id, NULL, -1);
    if (w)
        server_forget(s, table, w);
    server_unfollow(s, source);
    source_free(source);
    server_pause_accept(s, false);
}

/* "LEVEL PREFIX PID UNIT IDENTIFIER": what a successor needs to know about a connection. */
static void store_connection(struct server *s, const struct source *source) {
    char state[STREAM_HEAD_MAX + 512];
    snprintf(state, sizeof(state), "connection %d %d %d %s %s", source->level, source->level_prefix,
             (int)source->pid, source->unit ? source->unit : "-",
             source->identifier ? source->identifier : "");
    (void)server_tell(s, LOG_STORE, source->id, state, source->fd);
}

static void pump(struct server *s, struct source *source, bool force) {
    store_time_passes(&s->store);
    server_find_pipe(s, source);
    enum pump_result r = source_pump(&s->pool, source, force);
    if (r == PUMP_END) {
        /* A successor has to know whose lines it finds held. */
        if (source_pool_holds(&s->pool, source))
            server_make_ready(s, source);
        else
            end_source(s, source);
        return;
    }
    if (r == PUMP_HEAD)
        store_connection(s, source);
    if (source->leftover && s->leftover_deadline == USEC_INFINITY)
        s->leftover_deadline = usec_add(now(CLOCK_MONOTONIC), SOURCE_PATIENCE);
    if (r == PUMP_IDLE)
        return;
    if (source->taken > 0 && !source->listed_taken) {
        source->listed_taken = true;
        source->next_taken = s->taken;
        s->taken = source;
    }
    server_make_ready(s, source);
}

/* What the sinks have for good is taken out of the kernel. */
void server_consume_taken(struct server *s) {
    if (s->n_inherited == 0)
        source_release(&s->pool);
    while (s->taken) {
        struct source *source = s->taken;
        s->taken = source->next_taken;
        source->listed_taken = false;
        source_consume(&s->pool, source);
    }
}

/* --- what is held --- */
/* More than is held at once: buffers are counted, not bytes. What everybody may have. */
#define HOLD_PIPE_SIZE (1024 * 1024)

void server_make_hold(struct server *s) {
    if (s->pool.hold || s->pool.scratch[0] < 0)
        return;
    /* A predecessor that died over it may have left pieces. */
    while (s->n_hold_keys > 0)
        (void)server_tell(s, LOG_UNSTORE, s->hold_keys[--s->n_hold_keys], NULL, -1);
    s->pool.held[0] = fd_close(s->pool.held[0]);
    s->pool.held[1] = fd_close(s->pool.held[1]);
    s->hold_fd = fd_close(s->hold_fd);
    _cleanup_close_ int memory = memfd_create("reeve-journal", MFD_CLOEXEC);
    int ends[2];
    if (memory < 0 || ftruncate(memory, sizeof(struct hold)) < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return;
    (void)fcntl(ends[1], F_SETPIPE_SZ, HOLD_PIPE_SIZE);
    uint64_t key = s->next_key;
    s->next_key += HOLD_PIECES;
    if (server_tell(s, LOG_STORE, key, "held read", ends[0]) < 0 ||
        server_tell(s, LOG_STORE, key + 1, "held write", ends[1]) < 0 ||
        server_tell(s, LOG_STORE, key + 2, "held memory", memory) < 0) {
        fd_close(ends[0]);
        fd_close(ends[1]);
        for (uint64_t i = 0; i < HOLD_PIECES; i++)
            (void)server_tell(s, LOG_UNSTORE, key + i, NULL, -1);
        return;
    }
    server_take_hold(s, key, "read", ends[0]);
    server_take_hold(s, key + 1, "write", ends[1]);
    server_take_hold(s, key + 2, "memory", TAKE_FD(memory));
}

void server_take_hold(struct server *s, uint64_t key, const char *what, int fd) {
    struct stat st;
    if (s->n_hold_keys < HOLD_PIECES)
        s->hold_keys[s->n_hold_keys++] = key;
    int *end = strcmp(what, "read") == 0 ? &s->pool.held[0] : strcmp(what, "write") == 0 ? &s->pool.held[1] : NULL;
    if (end && *end < 0)
        *end = TAKE_FD(fd);
    else if (!end && s->hold_fd < 0 && fstat(fd, &st) >= 0 && st.st_size >= (off_t)sizeof(struct hold))
        s->hold_fd = TAKE_FD(fd);
    if (fd >= 0)
        fd_close(fd);
    if (s->pool.hold || s->hold_fd < 0 || s->pool.held[0] < 0 || s->pool.held[1] < 0 ||
        s->pool.scratch[0] < 0 || !source_pool_may_use(&s->pool))
        return;
    void *map = mmap(NULL, sizeof(struct hold), PROT_READ | PROT_WRITE, MAP_SHARED, s->hold_fd, 0);
    if (map == MAP_FAILED)
        return;
    s->pool.held_places = (size_t)fcntl(s->pool.held[1], F_GETPIPE_SZ) / 4096;
    s->pool.hold = map;
    s->n_inherited = source_pool_inherit(&s->pool);
}

static struct source *source_of(struct server *s, const struct hold_segment *g) {
    struct source_watch *w = server_find(g->kind == SOURCE_PIPE ? s->pipes : s->connections, g->stream);
    if (w)
        server_find_pipe(s, w->source);
    return w ? w->source : NULL;
}

void server_replay_inherited(struct server *s) {
    int r = s->n_inherited > 0 ? source_pool_look(&s->pool) : 0;
    if (r < 0)
        server_complain(s, "lines of a log process that died cannot be read", r);
    for (size_t i = 0; r >= 0 && i < s->n_inherited; i++)
        source_pool_replay(&s->pool, i, source_of(s, &s->pool.hold->segments[i]));
    s->n_inherited = 0;
}

/* One chunk of every ready source, or as much as fills a batch. A source that is in the list of what is taken
 * waits until it was consumed. */
void server_pump_ready(struct server *s) {
    /* What a predecessor had not written out comes before all else, once it is known whose it is. */
    if (s->n_inherited > 0 && !s->started)
        return;
    server_replay_inherited(s);
    s->follow_more = s->started && (server_consoles_are_full(s) || follow_pump(&s->follow));
    struct source *last = s->ready_tail;
    while (s->ready && !server_consoles_are_full(s)) {
        struct source *source = s->ready;
        if (source->listed_taken || source_pool_is_full(&s->pool))
            break;
        s->ready = source->next_ready;
        if (!s->ready)
            s->ready_tail = NULL;
        source->ready = false;
        bool done = source == last;
        pump(s, source, false);
        if (done)
            break;
    }
}

/* Unfinished lines that waited long enough. */
void server_take_leftovers(struct server *s) {
    s->leftover_deadline = USEC_INFINITY;
    struct source_watch *tables[] = { s->pipes, s->connections };
    for (size_t i = 0; i < ELEMENTS(tables); i++) {
        struct source_watch *w, *next;
        HASH_ITER(hh, tables[i], w, next)
            if (w->source->leftover && !w->source->ready && source_is_in_the_way(w->source))
                pump(s, w->source, true);
    }
}
