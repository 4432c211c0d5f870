/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/server.h"
#include "base/fd.h"
#include "journal/console.h"
#include "journal/intake.h"
#include "journal/origin.h"
#include "journal/protocol.h"
#include "journal/source.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define EVENTS_A_TURN 64
#define MESSAGES_A_TURN 256
#define DATAGRAMS_A_TURN 64
/* Of the descriptors PID 1 keeps for us, so many are connections. */
#define CONNECTIONS_MAX (LOG_STORE_MAX - 8)
/* A request to write everything out, or to leave, is not held up longer by services that go on writing. */
#define QUIET_PATIENCE (1 * USEC_PER_SEC)

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

/* --- saying things
 * ------------------------------------------------------------------------------------------------ */
static int tell(struct server *s, uint32_t kind, uint64_t stream, const char *text, int fd) {
    uint8_t packet[LOG_MESSAGE_MAX];
    struct log_message head = { .kind = kind, .stream = stream };
    int size = log_message_pack(packet, &head, &text, text ? 1 : 0);
    if (size < 0)
        return size;
    struct iovec iov = { .iov_base = packet, .iov_len = (size_t)size };
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {};
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (fd >= 0) {
        m.msg_control = &control;
        m.msg_controllen = sizeof(control.space);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    }
    for (int tries = 0; tries < 10; tries++) {
        if (sendmsg(s->control, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != EAGAIN && errno != ETOOMANYREFS)
            return -errno;
        /* PID 1 never waits for us, so we may wait for it, a little. */
        struct pollfd p = { .fd = s->control, .events = POLLOUT };
        (void)poll(&p, 1, 10);
    }
    return -EAGAIN;
}

static void give(struct server *s, const struct entry *e) {
    for (struct sink *sink = s->pool.sinks; sink; sink = sink->next)
        sink->write(sink, e);
}

static void complain(struct server *s, const char *what, int error) {
    char text[512];
    snprintf(text, sizeof(text), "%s: %s", what, strerror(-error));
    give(s, &(struct entry){ .transport = ENTRY_MANAGER,
                             .level = LOG_WARNING,
                             .facility = LOG_DAEMON,
                             .message = text,
                             .size = strlen(text),
                             .console = true });
}

/* --- sources
 * ------------------------------------------------------------------------------------------------------ */
static void make_ready(struct server *s, struct source *source) {
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

/* The unit of a process, by the tag it carries. */
static void find_origin(void *server, pid_t pid, struct entry *entry) {
    struct server *s = server;
    uint64_t seen = s->lineages ? origin_tag(pid) : 0, candidates[ORIGIN_DEPTHS];
    if (seen == 0)
        return;
    origin_candidates(seen, candidates);
    for (size_t i = 0; i < ORIGIN_DEPTHS; i++) {
        struct source_watch *w;
        HASH_FIND(hh_lineage, s->lineages, &candidates[i], sizeof(candidates[i]), w);
        if (w) {
            entry->unit = w->source->unit;
            entry->invocation = w->source->invocation;
            return;
        }
    }
}

static void index_lineage(struct server *s, struct source_watch *w) {
    struct source_watch *before;
    w->lineage = w->source->lineage;
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

static void forget(struct server *s, struct source_watch **table, struct source_watch *w) {
    if (w->lineage != 0)
        HASH_DELETE(hh_lineage, s->lineages, w);
    HASH_DEL(*table, w);
    free(w);
}

static struct source_watch *find(struct source_watch *table, uint64_t id) {
    struct source_watch *w;
    HASH_FIND(hh, table, &id, sizeof(id), w);
    return w;
}

/* Takes over the source. Events are edges: a source is pumped until it has no more, and the beginning of a
 * line may stay where it is without waking anybody. */
static int add_source(struct server *s, struct source *source) {
    struct source_watch *w = calloc(1, sizeof(*w)), **table = table_of(s, source);
    if (!w) {
        source_free(source);
        return -ENOMEM;
    }
    *w = (struct source_watch){ .watch.kind = WATCH_SOURCE, .source = source, .key = source->id };
    HASH_ADD(hh, *table, key, sizeof(w->key), w);
    struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = w };
    if (!w->hh.tbl || epoll_ctl(s->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0) {
        int r = w->hh.tbl ? -errno : -ENOMEM;
        if (w->hh.tbl)
            HASH_DEL(*table, w);
        free(w);
        source_free(source);
        return r;
    }
    index_lineage(s, w);
    make_ready(s, source);
    return 0;
}

/* While no descriptor is left, connections wait, and wake nobody. */
static void pause_accept(struct server *s, bool pause) {
    struct intake_watch *w = &s->intakes[INTAKE_STREAM];
    struct epoll_event event = { .events = pause ? 0 : EPOLLIN, .data.ptr = w };
    if (s->accept_paused != pause && w->fd >= 0 && epoll_ctl(s->epoll, EPOLL_CTL_MOD, w->fd, &event) >= 0)
        s->accept_paused = pause;
}

static void end_source(struct server *s, struct source *source) {
    struct source_watch **table = table_of(s, source), *w = find(*table, source->id);
    (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    if (source->kind == SOURCE_PIPE)
        (void)tell(s, LOG_STREAM_GONE, source->id, NULL, -1);
    else if (source->head_done)
        (void)tell(s, LOG_UNSTORE, source->id, NULL, -1);
    if (w)
        forget(s, table, w);
    source_free(source);
    pause_accept(s, false);
}

/* "LEVEL PREFIX PID UNIT IDENTIFIER": what a successor needs to know about a connection. */
static void store_connection(struct server *s, const struct source *source) {
    char state[STREAM_HEAD_MAX + 512];
    snprintf(state, sizeof(state), "connection %d %d %d %s %s", source->level, source->level_prefix,
             (int)source->pid, source->unit ? source->unit : "-",
             source->identifier ? source->identifier : "");
    (void)tell(s, LOG_STORE, source->id, state, source->fd);
}

static void pump(struct server *s, struct source *source, bool force) {
    enum pump_result r = source_pump(&s->pool, source, force);
    if (r == PUMP_END) {
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
    make_ready(s, source);
}

/* What the sinks have for good is taken out of the kernel. */
static void consume_taken(struct server *s) {
    while (s->taken) {
        struct source *source = s->taken;
        s->taken = source->next_taken;
        source->listed_taken = false;
        source_consume(&s->pool, source);
    }
}

/* One chunk of every ready source, or as much as fills a batch. A source that is in the list of what is taken
 * waits until it was consumed. */
static void pump_ready(struct server *s) {
    struct source *last = s->ready_tail;
    bool stuck = console_state(&s->console) == CONSOLE_STUCK;
    while (s->ready && (stuck || console_waiting(&s->console) < CONSOLE_BATCH)) {
        struct source *source = s->ready;
        if (source->listed_taken)
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
static void take_leftovers(struct server *s) {
    s->leftover_deadline = USEC_INFINITY;
    struct source_watch *tables[] = { s->pipes, s->connections };
    for (size_t i = 0; i < ELEMENTS(tables); i++) {
        struct source_watch *w, *next;
        HASH_ITER(hh, tables[i], w, next)
            if (w->source->leftover && !w->source->ready)
                pump(s, w->source, true);
    }
}

/* --- sockets
 * ------------------------------------------------------------------------------------------------------ */
static void watch_intake(struct server *s, enum intake_kind kind, int fd) {
    struct intake_watch *w = &s->intakes[kind];
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = w };
    if (w->fd >= 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        fd_close(fd);
    else
        w->fd = fd;
}

static void open_intakes(struct server *s) {
    for (int kind = 0; kind < INTAKE_KINDS; kind++) {
        if (s->intakes[kind].fd >= 0)
            continue;
        int fd = intake_listen(kind, s->runtime);
        if (fd < 0) {
            char what[64];
            snprintf(what, sizeof(what), "cannot listen on the log socket %s", intake_kind_to_string(kind));
            complain(s, what, fd);
            continue;
        }
        char state[32];
        snprintf(state, sizeof(state), "socket %s", intake_kind_to_string(kind));
        (void)tell(s, LOG_STORE, s->next_key++, state, fd);
        watch_intake(s, kind, fd);
    }
    /* A manager that keeps its files elsewhere is not alone here: /dev/log is not its to have. */
    bool ours = strcmp(s->runtime, "/run") == 0 && s->intakes[INTAKE_SYSLOG].fd >= 0;
    int r = ours ? intake_link_dev_log(s->runtime) : 0;
    /* Without the right to write to /dev, or with a socket of somebody else's there: as it is meant to be. */
    if (r < 0 && r != -EACCES && r != -EPERM && r != -EROFS && r != -EEXIST)
        complain(s, "/dev/log", r);
}

static void accept_connections(struct server *s) {
    for (int i = 0; i < EVENTS_A_TURN; i++) {
        int fd = accept4(s->intakes[INTAKE_STREAM].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                pause_accept(s, true);
            return;
        }
        struct source *source = HASH_COUNT(s->connections) < CONNECTIONS_MAX
                                    ? source_new(SOURCE_CONNECTION, fd, s->next_key++)
                                    : NULL;
        if (!source) {
            fd_close(fd);
            continue;
        }
        struct ucred sender;
        socklen_t size = sizeof(sender);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &sender, &size) >= 0)
            source->pid = sender.pid;
        char name[64];
        const char *known = process_name(source->pid, name, sizeof(name));
        source->identifier = known ? strdup(known) : NULL;
        struct entry origin = {};
        find_origin(s, source->pid, &origin);
        source->unit = origin.unit ? strdup(origin.unit) : NULL;
        source->invocation = origin.invocation;
        /* The sender writes to us only. */
        (void)shutdown(fd, SHUT_WR);
        (void)add_source(s, source);
    }
}

static void restore(struct server *s, uint64_t key, const char *state, int fd) {
    int level, prefix, pid, at = 0;
    if (key >= s->next_key)
        s->next_key = key + 1;
    if (fd < 0)
        return;
    if (strncmp(state, "socket ", 7) == 0 && intake_kind_from_string(state + 7) >= 0) {
        watch_intake(s, (enum intake_kind)intake_kind_from_string(state + 7), fd);
        return;
    }
    char unit[257];
    if (sscanf(state, "connection %d %d %d %256s %n", &level, &prefix, &pid, unit, &at) == 4 && at > 0) {
        struct source *source = source_new(SOURCE_CONNECTION, fd, key);
        if (!source)
            return;
        source->head_done = true;
        source->level = level;
        source->level_prefix = prefix;
        source->pid = pid;
        source->unit = strcmp(unit, "-") == 0 ? NULL : strdup(unit);
        source->identifier = state[at] ? strdup(state + at) : NULL;
        (void)add_source(s, source);
        return;
    }
    fd_close(fd);
}

/* --- PID 1
 * ----------------------------------------------------------------------------------------------------------
 */
static void add_pipe(struct server *s, const struct log_message *m, const char *unit, const char *identifier,
                     int fd) {
    if (fd < 0)
        return;
    if (find(s->pipes, m->stream)) {
        fd_close(fd);
        return;
    }
    (void)fd_set_nonblock(fd, true);
    struct source *source = source_new(SOURCE_PIPE, fd, m->stream);
    if (!source)
        return;
    source->unit = unit[0] ? strdup(unit) : NULL;
    source->identifier = identifier[0] ? strdup(identifier) : NULL;
    source->level = (int)(m->level & (LOG_FACMASK | LOG_PRIMASK));
    source->level_prefix = m->flags & LOG_STREAM_LEVEL_PREFIX;
    source->console = m->flags & LOG_STREAM_CONSOLE;
    source->lineage = m->lineage;
    memcpy(source->invocation.bytes, m->invocation, sizeof(m->invocation));
    int r = add_source(s, source);
    if (r < 0)
        complain(s, unit, r);
}

static void drop_pipe(struct server *s, uint64_t id) {
    struct source_watch *w = find(s->pipes, id);
    if (!w) {
        (void)tell(s, LOG_STREAM_GONE, id, NULL, -1);
        return;
    }
    w->source->dropped = true;
    struct pollfd p = { .fd = w->source->fd, .events = POLLIN };
    if (poll(&p, 1, 0) >= 0)
        w->source->hung_up = p.revents & POLLHUP;
    make_ready(s, w->source);
}

static void wait_for_quiet(struct server *s) {
    if (s->quiet_deadline == USEC_INFINITY)
        s->quiet_deadline = usec_add(now(CLOCK_MONOTONIC), QUIET_PATIENCE);
}

static void handle(struct server *s, const uint8_t *packet, size_t size, int fd) {
    const char *strings[LOG_MESSAGE_STRINGS];
    struct log_message m;
    if (log_message_strings(packet, size, strings) < 0) {
        fd_close(fd);
        return;
    }
    memcpy(&m, packet, sizeof(m));
    switch (m.kind) {
    case LOG_STREAM_ADD:
        add_pipe(s, &m, strings[0], strings[1], TAKE_FD(fd));
        break;
    case LOG_STREAM_DROP:
        drop_pipe(s, m.stream);
        break;
    case LOG_MANAGER:
        give(s, &(struct entry){ .transport = ENTRY_MANAGER,
                                 .level = (int)(m.level & LOG_PRIMASK),
                                 .facility = LOG_DAEMON,
                                 .unit = strings[0][0] ? strings[0] : NULL,
                                 .message_id = strings[1][0] ? strings[1] : NULL,
                                 .pid = 1,
                                 .message = strings[2],
                                 .size = strlen(strings[2]),
                                 .console = true });
        break;
    case LOG_LEVEL:
        s->console.max_manager_level = (int)MIN(m.level, (uint32_t)LOG_DEBUG);
        break;
    case LOG_SYNC:
        s->sync = true;
        wait_for_quiet(s);
        break;
    case LOG_EXIT:
        s->leaving = true;
        wait_for_quiet(s);
        break;
    case LOG_RESTORE:
        restore(s, m.stream, strings[0], TAKE_FD(fd));
        break;
    case LOG_START:
        open_intakes(s);
        break;
    default:
        break;
    }
    fd_close(fd);
}

static void receive(struct server *s) {
    for (int i = 0; i < MESSAGES_A_TURN && s->control >= 0; i++) {
        uint8_t packet[LOG_MESSAGE_MAX];
        struct iovec iov = { .iov_base = packet, .iov_len = sizeof(packet) };
        union {
            struct cmsghdr head;
            char space[CMSG_SPACE(sizeof(int))];
        } control;
        struct msghdr m = {
            .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.space)
        };
        ssize_t n = recvmsg(s->control, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        int fd = -1;
        if (n >= 0)
            for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
                if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
                    h->cmsg_len == CMSG_LEN(sizeof(int)))
                    memcpy(&fd, CMSG_DATA(h), sizeof(fd));
        if (n <= 0) {
            /* PID 1 is gone: read what is there, and leave. */
            fd_close(fd);
            s->control = fd_close(s->control);
            s->leaving = true;
            wait_for_quiet(s);
            return;
        }
        handle(s, packet, (size_t)n, fd);
    }
}

/* --- the loop
 * ------------------------------------------------------------------------------------------------------- */
/* stdout is slow: the senders wait with us, PID 1 does not. */
static void wait_for_output(struct server *s) {
    struct pollfd p[] = { { .fd = output_poll_fd(&s->console.output), .events = POLLOUT },
                          { .fd = s->control, .events = POLLIN } };
    usec_t left = usec_sub(MIN(console_deadline(&s->console), s->quiet_deadline), now(CLOCK_MONOTONIC));
    if (poll(p, ELEMENTS(p), (int)(left / USEC_PER_MSEC + 1)) > 0 && p[1].revents)
        receive(s);
    console_flush(&s->console);
}

/* A stdout that has stopped is watched like everything else. */
static void watch_output(struct server *s, bool on) {
    if (on == s->watching_output)
        return;
    struct epoll_event event = { .events = EPOLLOUT, .data.ptr = &s->output_watch };
    if (epoll_ctl(s->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, output_poll_fd(&s->console.output), &event) >=
            0 ||
        !on)
        s->watching_output = on;
}

static void handle_event(struct server *s, const struct epoll_event *event) {
    struct watch *w = event->data.ptr;
    switch (w->kind) {
    case WATCH_CONTROL:
        receive(s);
        break;
    case WATCH_INTAKE: {
        struct intake_watch *intake = (struct intake_watch *)w;
        if (intake->kind == INTAKE_STREAM)
            accept_connections(s);
        else
            intake_receive(intake->kind, intake->fd, s->pool.sinks, find_origin, s, DATAGRAMS_A_TURN);
        break;
    }
    case WATCH_SOURCE: {
        struct source *source = ((struct source_watch *)w)->source;
        source->hung_up = event->events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP);
        make_ready(s, source);
        break;
    }
    case WATCH_OUTPUT:
        break;
    }
}

/* How long to sleep: -1 for ever. */
static int sleep_time(const struct server *s) {
    if (s->ready)
        return 0;
    usec_t until = MIN(s->leftover_deadline, s->quiet_deadline);
    if (until == USEC_INFINITY)
        return -1;
    return (int)((usec_sub(until, now(CLOCK_MONOTONIC)) + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

/* Nothing was to be read, and all is written: answers who waited for that. True: leave. */
static bool quiet(struct server *s) {
    if (s->sync) {
        s->sync = false;
        (void)tell(s, LOG_SYNCED, 0, NULL, -1);
    }
    s->quiet_deadline = USEC_INFINITY;
    return s->leaving;
}

static void run(struct server *s) {
    for (;;) {
        struct epoll_event events[EVENTS_A_TURN];
        bool awaited = s->quiet_deadline != USEC_INFINITY;
        int time = awaited ? 0 : sleep_time(s);
        if (time < 0) {
            source_pool_rest(&s->pool);
            console_rest(&s->console);
        }
        int n = epoll_wait(s->epoll, events, EVENTS_A_TURN, time);
        for (int i = 0; i < n; i++)
            handle_event(s, &events[i]);
        if (s->leftover_deadline != USEC_INFINITY && now(CLOCK_MONOTONIC) >= s->leftover_deadline)
            take_leftovers(s);
        bool idle = n <= 0 && !s->ready;
        pump_ready(s);
        console_flush(&s->console);
        while (console_state(&s->console) == CONSOLE_PENDING && now(CLOCK_MONOTONIC) < s->quiet_deadline)
            wait_for_output(s);
        watch_output(s, console_state(&s->console) == CONSOLE_STUCK);
        consume_taken(s);
        if (awaited && (idle || now(CLOCK_MONOTONIC) >= s->quiet_deadline) && quiet(s))
            return;
    }
}

/* The unfinished lines, last of all. */
static void finish(struct server *s) {
    struct source_watch **tables[] = { &s->pipes, &s->connections };
    for (size_t i = 0; i < ELEMENTS(tables); i++) {
        struct source_watch *w, *next;
        HASH_ITER(hh, *tables[i], w, next) {
            if (w->source->kind == SOURCE_PIPE || w->source->head_done)
                (void)source_pump(&s->pool, w->source, true);
            source_finish(&s->pool, w->source);
            source_consume(&s->pool, w->source);
            source_free(w->source);
            forget(s, tables[i], w);
        }
    }
    console_flush(&s->console);
    if (s->control >= 0)
        intake_unlink(s->runtime);
    console_close(&s->console);
    source_pool_close(&s->pool);
}

static void settle_down(void) {
    static const int ignored[] = { SIGTERM, SIGINT,  SIGHUP,  SIGPIPE, SIGUSR1,
                                   SIGUSR2, SIGTSTP, SIGTTOU, SIGTTIN };
    for (size_t i = 0; i < ELEMENTS(ignored); i++)
        (void)signal(ignored[i], SIG_IGN);
    (void)prctl(PR_SET_NAME, "reeve-journal");
    (void)chdir("/");
    umask(0022);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0) {
        (void)dup2(fd, STDIN_FILENO);
        fd_close(fd);
    }
}

int journal_main(int argc, char **argv) {
    struct stat st;
    if (argc != 3 || argv[2][0] != '/' || argv[1][0] < '0' || argv[1][0] > '9' ||
        fstat(atoi(argv[1]), &st) < 0 || !S_ISSOCK(st.st_mode)) {
        fprintf(stderr, "reeve journal is started by the manager.\n");
        return 2;
    }
    settle_down();
    /* Big buffers go back to the system as soon as they are freed. */
    (void)mallopt(M_MMAP_THRESHOLD, 32 * 1024);
    struct server s = { .control = atoi(argv[1]),
                        .runtime = argv[2],
                        .control_watch.kind = WATCH_CONTROL,
                        .output_watch.kind = WATCH_OUTPUT,
                        .next_key = 1,
                        .leftover_deadline = USEC_INFINITY,
                        .quiet_deadline = USEC_INFINITY };
    for (int i = 0; i < INTAKE_KINDS; i++)
        s.intakes[i] = (struct intake_watch){ { WATCH_INTAKE }, i, -1 };
    (void)fd_set_cloexec(s.control, true);
    console_open(&s.console, STDOUT_FILENO);
    s.epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &s.control_watch };
    if (s.epoll < 0 || epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.control, &event) < 0 ||
        source_pool_open(&s.pool, &s.console.sink) < 0) {
        complain(&s, "the log process cannot start", -errno);
        return 1;
    }
    run(&s);
    finish(&s);
    return 0;
}
