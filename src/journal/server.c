/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/server.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scan.h"
#include "journal/fields.h"
#include "journal/log_settings.h"
#include "journal/server_private.h"

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

#define EVENTS_A_TURN 64
#define MESSAGES_A_TURN 256
#define DATAGRAMS_A_TURN 64
/* Of the descriptors PID 1 keeps for us, so many are connections. */
#define CONNECTIONS_MAX (LOG_STORE_MAX - 8)
/* Nothing to do for so many milliseconds: memory is given back. */
#define REST_AFTER 1000
/* A request to write everything out, or to leave, is not held up longer by services that go on writing. */
#define QUIET_PATIENCE (1 * USEC_PER_SEC)
#define LEAVE_MOST (30 * USEC_PER_SEC)

/* A service that goes on writing is not read for ever. */
#define LAST_CHUNKS 32

/* --- sockets --- */
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
            server_complain(s, what, fd);
            continue;
        }
        char state[32];
        snprintf(state, sizeof(state), "socket %s", intake_kind_to_string(kind));
        (void)server_tell(s, LOG_STORE, s->next_key++, state, fd);
        watch_intake(s, kind, fd);
    }
    /* A manager that keeps its files elsewhere is not alone here: /dev/log is not its to have. */
    bool ours = strcmp(s->runtime, "/run") == 0 && s->intakes[INTAKE_SYSLOG].fd >= 0;
    int r = ours ? intake_link_dev_log(s->runtime) : 0;
    /* Without the right to write to /dev, or with a socket of somebody else's there: as it is meant to be. */
    if (r < 0 && r != -EACCES && r != -EPERM && r != -EROFS && r != -EEXIST)
        server_complain(s, "/dev/log", r);
}

static void accept_connections(struct server *s) {
    for (int i = 0; i < EVENTS_A_TURN; i++) {
        int fd = accept4(s->intakes[INTAKE_STREAM].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                server_pause_accept(s, true);
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
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &sender, &size) >= 0) {
            source->pid = sender.pid;
            source->uid = sender.uid;
            source->gid = sender.gid;
        } else
            sender = (struct ucred){};
        char name[64];
        const char *known = process_name(source->pid, name, sizeof(name));
        struct entry origin = {};
        if (sender.pid > 0)
            (void)server_find_origin(s, &sender, &origin);
        source->lineage = sender.pid > 0 ? server_lineage_of(s, &sender) : 0;
        source->rate = (struct rate){ .interval = s->config.rate_interval, .burst = s->config.rate_burst };
        source_set_names(source, origin.unit, known);
        source->invocation = origin.invocation;
        /* The sender writes to us only. */
        (void)shutdown(fd, SHUT_WR);
        (void)server_add_source(s, source);
    }
}

static void restore(struct server *s, uint64_t key, const char *state, int fd) {
    int level, prefix, pid;
    if (key >= s->next_key)
        s->next_key = key + 1;
    if (fd < 0)
        return;
    if (strncmp(state, "socket ", 7) == 0 && intake_kind_from_string(state + 7) >= 0) {
        watch_intake(s, (enum intake_kind)intake_kind_from_string(state + 7), fd);
        return;
    }
    if (strncmp(state, "held ", 5) == 0) {
        server_take_hold(s, key, state + 5, fd);
        return;
    }
    if (strcmp(state, "kmsg") == 0) {
        server_take_kmsg(s, fd);
        return;
    }
    if (strcmp(state, "requests") == 0) {
        server_take_requests(s, fd);
        return;
    }
    char kind[16], unit[257];
    if (scan_word(&state, kind, sizeof(kind)) && strcmp(kind, "connection") == 0 && scan_int(&state, &level) &&
        scan_int(&state, &prefix) && scan_int(&state, &pid) && scan_word(&state, unit, sizeof(unit))) {
        state += strspn(state, " ");
        struct source *source = source_new(SOURCE_CONNECTION, fd, key);
        if (!source)
            return;
        source->head_done = true;
        source->level = level;
        source->level_prefix = prefix;
        source->pid = pid;
        source_set_names(source, strcmp(unit, "-") == 0 ? NULL : unit, *state ? state : NULL);
        (void)server_add_source(s, source);
        return;
    }
    fd_close(fd);
}

/* --- PID 1 --- */
static void add_pipe(struct server *s, const struct log_message *m,
                     const char *const strings[static LOG_MESSAGE_STRINGS], int fd) {
    const char *unit = strings[0], *identifier = strings[1], *settings = strings[2], *fields = strings[3];
    if (fd < 0)
        return;
    if (server_find(s->pipes, m->stream)) {
        fd_close(fd);
        return;
    }
    (void)fd_set_nonblock(fd, true);
    struct source *source = source_new(SOURCE_PIPE, fd, m->stream);
    if (!source)
        return;
    source_set_names(source, unit[0] ? unit : NULL, identifier[0] ? identifier : NULL);
    source->level = (int)(m->level & (LOG_FACMASK | LOG_PRIMASK));
    source->level_prefix = m->flags & LOG_STREAM_LEVEL_PREFIX;
    source->console = m->flags & LOG_STREAM_CONSOLE;
    source->lineage = m->lineage;
    memcpy(source->invocation.bytes, m->invocation, sizeof(m->invocation));
    source->pid = (pid_t)m->pid;
    source->uid = m->uid;
    source->gid = m->gid;
    source->max_level = (int)MIN(m->max_level, (uint32_t)LOG_DEBUG);
    source->settings = log_settings_new(settings);
    source->fields = fields[0] ? strdup(fields) : NULL;
    source->rate.interval = m->rate_interval == UINT64_MAX ? s->config.rate_interval : m->rate_interval;
    source->rate.burst = m->rate_interval == UINT64_MAX ? s->config.rate_burst : m->rate_burst;
    int r = server_add_source(s, source);
    if (r < 0)
        server_complain(s, unit, r);
    else
        server_follow(s, source);
}

static void drop_pipe(struct server *s, uint64_t id) {
    struct source_watch *w = server_find(s->pipes, id);
    if (!w) {
        (void)server_tell(s, LOG_STREAM_GONE, id, NULL, -1);
        return;
    }
    w->source->dropped = true;
    struct pollfd p = { .fd = w->source->fd, .events = POLLIN };
    if (poll(&p, 1, 0) >= 0)
        w->source->hung_up = p.revents & POLLHUP;
    server_make_ready(s, w->source);
}

void server_wait_for_quiet(struct server *s, usec_t patience) {
    s->quiet_deadline = MIN(s->quiet_deadline, usec_add(now(CLOCK_MONOTONIC), patience));
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
        add_pipe(s, &m, strings, TAKE_FD(fd));
        break;
    case LOG_STREAM_PID: {
        struct source_watch *w = server_find(s->pipes, m.stream);
        if (w) {
            w->source->pid = (pid_t)m.pid;
            source_renew(w->source);
        }
        break;
    }
    case LOG_STREAM_DROP:
        drop_pipe(s, m.stream);
        break;
    case LOG_MANAGER:
        server_give(s, &(struct entry){ .transport = ENTRY_MANAGER,
                                        .level = (int)(m.level & LOG_PRIMASK),
                                        .facility = LOG_DAEMON,
                                        .unit = strings[0][0] ? strings[0] : NULL,
                                        .message_id = strings[1][0] ? strings[1] : NULL,
                                        .pid = 1,
                                        .identifier = "systemd",
                                        .set = s->manager_set,
                                        .fields = strings[2],
                                        .fields_size = strlen(strings[2]),
                                        .message = strings[3],
                                        .size = strlen(strings[3]),
                                        .console = true });
        break;
    case LOG_LEVEL:
        s->rules.max_manager_level = (int)MIN(m.level, (uint32_t)LOG_DEBUG);
        break;
    case LOG_SYNC:
        s->sync = true;
        server_wait_for_quiet(s, QUIET_PATIENCE);
        break;
    case LOG_EXIT:
        s->leaving = true;
        s->leave_deadline = usec_add(now(CLOCK_MONOTONIC), LEAVE_MOST);
        server_wait_for_quiet(s, QUIET_PATIENCE);
        break;
    case LOG_RESTORE:
        restore(s, m.stream, strings[0], TAKE_FD(fd));
        break;
    case LOG_START:
        s->started = true;
        server_make_hold(s);
        open_intakes(s);
        server_take_requests(s, -1);
        server_take_kmsg(s, -1);
        break;
    default:
        break;
    }
    fd_close(fd);
}

static void receive(struct server *s) {
    for (int i = 0; i < MESSAGES_A_TURN && s->control >= 0; i++) {
        uint8_t packet[LOG_MESSAGE_MAX];
        int fd, n = log_packet_receive(s->control, packet, &fd);
        if (n == -EAGAIN)
            return;
        if (n < 0) {
            /* PID 1 is gone: read what is there, and leave. */
            s->control = fd_close(s->control);
            s->leaving = s->started = true;
            server_wait_for_quiet(s, QUIET_PATIENCE);
            return;
        }
        handle(s, packet, (size_t)n, fd);
    }
}

/* --- the loop --- */
/* stdout is slow: the senders wait with us, PID 1 does not. */
static void wait_for_output(struct server *s) {
    struct pollfd p[CONSOLES + 1] = { { .fd = s->control, .events = POLLIN } };
    usec_t until = s->quiet_deadline;
    for (int i = 0; i < CONSOLES; i++) {
        struct console *c = &s->consoles[i].console;
        p[i + 1] = (struct pollfd){ .fd = console_state(c) == CONSOLE_PENDING ? output_poll_fd(&c->output) : -1,
                                    .events = POLLOUT };
        until = MIN(until, console_deadline(c));
    }
    usec_t left = usec_sub(until, now(CLOCK_MONOTONIC));
    if (poll(p, ELEMENTS(p), (int)(left / USEC_PER_MSEC + 1)) > 0 && p[0].revents)
        receive(s);
    server_flush_consoles(s);
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
            intake_receive(intake->kind, intake->fd, s->pool.sinks, server_find_origin, s, DATAGRAMS_A_TURN);
        break;
    }
    case WATCH_SOURCE: {
        struct source *source = ((struct source_watch *)w)->source;
        source->hung_up = event->events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP);
        server_make_ready(s, source);
        break;
    }
    case WATCH_OUTPUT:
        break;
    case WATCH_SIGNAL:
        server_signal_ready(s);
        break;
    case WATCH_VARLINK_SOCKET:
        server_varlink_ready(s, NULL);
        break;
    case WATCH_REMOTE:
        for (int i = 0; i < REMOTES; i++)
            if (w == &s->remotes[i].watch)
                remote_ready(&s->remotes[i].remote);
        break;
    case WATCH_KMSG:
        server_kmsg_ready(s);
        break;
    case WATCH_FOLLOW:
        follow_ready(&s->follow);
        break;
    case WATCH_VARLINK:
        server_varlink_ready(s, (struct varlink_watch *)w);
        break;
    }
}

/* How long to sleep: -1 for ever. */
static int sleep_time(const struct server *s) {
    bool held_up = s->n_inherited > 0 && !s->started;
    if ((s->ready || (s->started && (s->follow_more || s->follow.rescan))) && !held_up)
        return 0;
    usec_t until = MIN(s->leftover_deadline, store_deadline(&s->store));
    for (int i = 0; i < REMOTES; i++)
        until = MIN(until, remote_deadline(&s->remotes[i].remote));
    if (s->started)
        until = MIN(until, s->quiet_deadline);
    if (until == USEC_INFINITY)
        return -1;
    return (int)((usec_sub(until, now(CLOCK_MONOTONIC)) + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

/* Nothing was to be read, and all is written: answers who waited for that. True: leave. */
static bool quiet(struct server *s) {
    if (s->sync) {
        s->sync = false;
        (void)server_tell(s, LOG_SYNCED, 0, NULL, -1);
    }
    server_synced(s);
    s->quiet_deadline = USEC_INFINITY;
    return s->leaving;
}

static void rest(struct server *s) {
    source_pool_rest(&s->pool);
    for (int i = 0; i < CONSOLES; i++)
        console_rest(&s->consoles[i].console);
    store_rest(&s->store);
    for (int i = 0; i < REMOTES; i++)
        remote_rest(&s->remotes[i].remote);
    s->rested = true;
}

static void run(struct server *s) {
    for (;;) {
        struct epoll_event events[EVENTS_A_TURN];
        bool awaited = s->quiet_deadline != USEC_INFINITY;
        forward_turn(&s->forward);
        /* Before it is known what there is to be written, nobody is told that it was. */
        int time = awaited && s->started ? 0 : sleep_time(s);
        /* Whatever is to be done later, a file to be synced for example. */
        bool rests = !s->rested && (time < 0 || time > REST_AFTER);
        if (rests)
            time = REST_AFTER;
        int n = epoll_wait(s->epoll, events, EVENTS_A_TURN, time);
        if (n > 0)
            s->rested = false;
        else if (rests)
            rest(s);
        for (int i = 0; i < n; i++) {
            store_time_passes(&s->store);
            handle_event(s, &events[i]);
        }
        if (s->leftover_deadline != USEC_INFINITY && now(CLOCK_MONOTONIC) >= s->leftover_deadline)
            server_take_leftovers(s);
        bool idle = n <= 0 && !s->ready && !s->follow_more, all = s->started && s->n_inherited == 0;
        /* There is an end to it: nobody writes any more. */
        if (s->leaving && !idle && s->leave_deadline != 0)
            s->quiet_deadline = MIN(usec_add(now(CLOCK_MONOTONIC), QUIET_PATIENCE), s->leave_deadline);
        /* Whose lines they are was said before they were written. */
        if (s->ready)
            receive(s);
        server_pump_ready(s);
        server_turn_remotes(s);
        server_flush_consoles(s);
        while (server_has_console(s, CONSOLE_PENDING) && now(CLOCK_MONOTONIC) < s->quiet_deadline)
            wait_for_output(s);
        server_watch_consoles(s);
        store_turn(&s->store);
        server_consume_taken(s);
        follow_shown(&s->follow);
        if (awaited && all && (idle || now(CLOCK_MONOTONIC) >= s->quiet_deadline) && quiet(s))
            return;
    }
}

/* The unfinished lines, last of all. */
static void finish(struct server *s) {
    server_replay_inherited(s);
    follow_close(&s->follow);
    server_flush_consoles(s);
    struct source_watch **tables[] = { &s->pipes, &s->connections };
    for (size_t i = 0; i < ELEMENTS(tables); i++) {
        struct source_watch *w, *next;
        HASH_ITER(hh, *tables[i], w, next) {
            bool more = w->source->kind == SOURCE_PIPE || w->source->head_done;
            for (int chunks = 0; more && chunks < LAST_CHUNKS; chunks++) {
                source_release(&s->pool);
                server_find_pipe(s, w->source);
                more = source_pump(&s->pool, w->source, true) == PUMP_MORE;
                source_consume(&s->pool, w->source);
            }
            source_finish(&s->pool, w->source);
            source_free(w->source);
            server_forget(s, tables[i], w);
        }
    }
    server_flush_consoles(s);
    source_release(&s->pool);
    server_close_remotes(s);
    store_close(&s->store);
    if (s->control >= 0) {
        intake_unlink(s->runtime);
        varlink_unlink(s->runtime);
    }
    server_close_consoles(s);
    forward_close(&s->forward);
    source_pool_close(&s->pool);
    struct entry_set *sets[] = { s->own_set, s->manager_set, s->kmsg_set };
    for (size_t i = 0; i < ELEMENTS(sets); i++)
        free(sets[i]);
    for (size_t i = 0; i < SENDERS; i++)
        free(s->senders[i].set);
}

static void complain_of_store(void *server, const char *what, int error) {
    server_complain(server, what, error);
}

static void settle_down(void) {
    static const int ignored[] = { SIGTERM, SIGINT,  SIGHUP,  SIGPIPE, SIGUSR1, SIGUSR2,
                                   SIGTSTP, SIGTTOU, SIGTTIN };
    for (size_t i = 0; i < ELEMENTS(ignored); i++)
        (void)signal(ignored[i], SIG_IGN);
    /* Until they are waited for: server_requests.c. */
    (void)signal(SIGRTMIN + 1, SIG_IGN);
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
                        .next_key = 1,
                        .hold_fd = -1,
                        .kmsg_fd = -1,
                        .leftover_deadline = USEC_INFINITY,
                        .quiet_deadline = USEC_INFINITY };
    for (int i = 0; i < INTAKE_KINDS; i++)
        s.intakes[i] = (struct intake_watch){ { WATCH_INTAKE }, i, -1 };
    (void)fd_set_cloexec(s.control, true);
    server_open_consoles(&s);
    s.consoles[CONSOLES - 1].console.sink.next = &s.forward.sink;
    forward_open(&s.forward, s.runtime);
    s.own_set = entry_set_new(
        &(struct set_request){ .pid = getpid(), .uid = (uid_t)-1, .gid = (gid_t)-1, .identifier = "reeve-journal" });
    server_read_config(&s);
    s.manager_set = entry_set_new(&(struct set_request){ .pid = 1,
                                                         .uid = (uid_t)-1,
                                                         .gid = (gid_t)-1,
                                                         .unit = "init.scope",
                                                         .identifier = "systemd",
                                                         .fields = "_SYSTEMD_CGROUP=/init.scope\n" });
    follow_init(&s.follow, s.runtime, &s.pool, complain_of_store, &s);
    store_open(&s.store, &s.config, s.runtime, complain_of_store, &s);
    s.epoll = epoll_create1(EPOLL_CLOEXEC);
    server_open_remotes(&s);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &s.control_watch };
    if (s.epoll < 0 || epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.control, &event) < 0 ||
        source_pool_open(&s.pool, &s.consoles[0].console.sink) < 0) {
        server_complain(&s, "the log process cannot start", -errno);
        return 1;
    }
    s.pool.seqnum = &s.store.seqnum;
    s.pool.journal = &s.store.sink;
    s.pool.line_max = MIN(s.config.line_max, (uint64_t)SOURCE_LINE_MAX);
    server_open_requests(&s);
    run(&s);
    finish(&s);
    return 0;
}
