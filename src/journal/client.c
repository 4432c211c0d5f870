/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/client.h"
#include "base/fd.h"
#include "journal/client_private.h"
#include "journal/log_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the manager may have to say while the log process is busy or between two of them. */
#define QUEUE_MAX (256 * 1024)
/* A log process that lived this long has not failed at its start. */
#define LIVED_WELL (1 * USEC_PER_SEC)
#define RETRY_FIRST (50 * USEC_PER_MSEC)
#define RETRY_LAST (2 * USEC_PER_SEC)
/* So many deaths in a row may be bad luck. */
#define DEATHS_FORGIVEN 3
/* A log process that closed its socket has this long to die by itself. */
#define DEATH_GRACE (500 * USEC_PER_MSEC)
/* After so many failed starts the manager's lines stop waiting for the next. */
#define FAILURES_TO_GO_DIRECT 3
#define LOG_ENVIRONMENT_MAX 8
#define READS_A_TURN 64
/* The log process's end of the socket. */
#define CHILD_FD 3
/* At the end: at most so long, and so many successors of one that dies; looked at every so often. */
#define FINISH_MOST (30 * USEC_PER_SEC)
#define FINISH_STARTS 3
#define FINISH_LOOK (100 * USEC_PER_MSEC)

int log_client_new(const struct log_client_host *host, const char *runtime, struct log_client **ret) {
    struct log_client *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->runtime = strdup(runtime);
    if (!c->runtime) {
        free(c);
        return -ENOMEM;
    }
    c->host = host;
    c->socket = -1;
    c->next_id = 1;
    output_open(&c->direct, STDOUT_FILENO);
    *ret = c;
    return 0;
}

static void stream_free(struct log_client *c, struct client_stream *s) {
    HASH_DEL(c->streams, s);
    fd_close(s->fd);
    free(s->fields);
    free(s->settings);
    free(s);
}

static void stored_free(struct log_client *c, struct client_stored *s) {
    HASH_DEL(c->stored, s);
    fd_close(s->fd);
    free(s->state);
    free(s);
}

static void disconnect(struct log_client *c) {
    if (c->socket < 0)
        return;
    c->host->watch(c->host->userdata, -1, false);
    c->socket = fd_close(c->socket);
    c->watching_write = false;
}

void log_client_free(struct log_client *c) {
    if (!c)
        return;
    disconnect(c);
    struct client_stream *s, *next_stream;
    HASH_ITER(hh, c->streams, s, next_stream)
        stream_free(c, s);
    struct client_stored *k, *next_stored;
    HASH_ITER(hh, c->stored, k, next_stored)
        stored_free(c, k);
    client_queue_clear(c);
    output_close(&c->direct);
    free(c->runtime);
    free(c);
}

pid_t log_client_pid(const struct log_client *c) {
    return c->pid;
}

/* --- starting --- */
/* Of our environment, what the log process goes by. */
static void own_environment(char *ret[static LOG_ENVIRONMENT_MAX + 1]) {
    static const char *const names[] = { "REEVE_LOG_", "NO_COLOR=", "SYSTEMD_JOURNAL_COMPACT=" };
    size_t n = 0;
    for (char **e = environ; e && *e && n < LOG_ENVIRONMENT_MAX; e++)
        for (size_t i = 0; i < ELEMENTS(names); i++)
            if (n < LOG_ENVIRONMENT_MAX && strncmp(*e, names[i], strlen(names[i])) == 0)
                ret[n++] = *e;
    ret[n] = NULL;
}

static int spawn(struct log_client *c, int fd, pid_t *ret) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = posix_spawnattr_init(&attributes);
    if (r != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -r;
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    r = posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
    char *argv[] = { (char *)"reeve", (char *)"journal", (char *)"3", c->runtime, NULL };
    char *envp[LOG_ENVIRONMENT_MAX + 1];
    own_environment(envp);
    if (r == 0) {
        r = posix_spawn(ret, "/proc/self/exe", &actions, &attributes, argv, envp);
        const char *path = (const char *)getauxval(AT_EXECFN);
        if (r == ENOENT && path && path[0] == '/') /* no /proc */
            r = posix_spawn(ret, path, &actions, &attributes, argv, envp);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static void start_later(struct log_client *c) {
    usec_t delay = RETRY_FIRST << MIN(c->failures, 7u);
    if (c->failures < 32)
        c->failures++;
    c->host->retry_at(c->host->userdata, usec_add(now(CLOCK_MONOTONIC), MIN(delay, RETRY_LAST)));
    if (c->failures >= FAILURES_TO_GO_DIRECT)
        client_queue_direct(c);
}

int log_client_start(struct log_client *c) {
    if (c->socket >= 0 || c->pid > 0)
        return 0;
    c->wanted = true;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
        int r = -errno;
        start_later(c);
        return r;
    }
    int size = 1024 * 1024; /* cut to what the system permits */
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    pid_t pid;
    int r = spawn(c, pair[1], &pid);
    fd_close(pair[1]);
    if (r < 0) {
        fd_close(pair[0]);
        start_later(c);
        return r;
    }
    c->pid = pid;
    c->started = now(CLOCK_MONOTONIC);
    c->socket = pair[0];
    c->watching_write = false;
    c->restored = false;
    c->streams_to_tell = c->streams;
    struct client_stream *s, *next_stream;
    HASH_ITER(hh, c->streams, s, next_stream)
        s->told = s->drop_told = false;
    struct client_stored *k, *next_stored;
    HASH_ITER(hh, c->stored, k, next_stored)
        k->told = false;
    c->host->watch(c->host->userdata, c->socket, false);
    client_flush(c);
    return 0;
}

void log_client_retry(struct log_client *c) {
    c->host->retry_at(c->host->userdata, USEC_INFINITY);
    if (c->socket >= 0) {
        client_flush(c);
        return;
    }
    if (c->pid > 0) { /* closed its socket and lives on: of no use to anybody */
        (void)kill(c->pid, SIGKILL);
        return;
    }
    if (c->wanted)
        (void)log_client_start(c);
}

/* --- receiving --- */
static void store(struct log_client *c, uint64_t key, const char *state, int fd) {
    struct client_stored *k;
    HASH_FIND(hh, c->stored, &key, sizeof(key), k);
    if (k || fd < 0 || HASH_COUNT(c->stored) >= LOG_STORE_MAX || strpbrk(state, "\n")) {
        fd_close(fd);
        return;
    }
    k = calloc(1, sizeof(*k));
    char *copy = strdup(state);
    if (!k || !copy) {
        free(k);
        free(copy);
        fd_close(fd);
        return;
    }
    *k = (struct client_stored){ .key = key, .fd = fd, .state = copy, .told = true };
    HASH_ADD(hh, c->stored, key, sizeof(k->key), k);
    if (!hash_holds(&k->hh)) {
        free(k->state);
        free(k);
        fd_close(fd);
    }
}

static void handle(struct log_client *c, const uint8_t *packet, size_t size, int fd) {
    const char *strings[LOG_MESSAGE_STRINGS];
    struct log_message head;
    if (log_message_strings(packet, size, strings) < 0) {
        fd_close(fd);
        return;
    }
    memcpy(&head, packet, sizeof(head));
    switch (head.kind) {
    case LOG_STREAM_GONE: {
        struct client_stream *s;
        HASH_FIND(hh, c->streams, &head.stream, sizeof(head.stream), s);
        if (s && s->dropped)
            stream_free(c, s);
        break;
    }
    case LOG_STORE:
        store(c, head.stream, strings[0], TAKE_FD(fd));
        break;
    case LOG_UNSTORE: {
        struct client_stored *k;
        HASH_FIND(hh, c->stored, &head.stream, sizeof(head.stream), k);
        if (k)
            stored_free(c, k);
        break;
    }
    default:
        break;
    }
    fd_close(fd);
}

/* 1: something was read; 0: nothing there; -EPIPE: hung up. */
static int receive(struct log_client *c) {
    uint8_t packet[LOG_MESSAGE_MAX];
    int fd, n = log_packet_receive(c->socket, packet, &fd);
    if (n < 0)
        return n == -EAGAIN ? 0 : n;
    handle(c, packet, (size_t)n, fd);
    return 1;
}

bool log_client_child_exited(struct log_client *c, pid_t pid) {
    if (pid <= 0 || pid != c->pid)
        return false;
    c->pid = 0;
    /* What it said before it died: what it stored is needed by the next one. */
    while (c->socket >= 0 && receive(c) > 0)
        ;
    disconnect(c);
    if (!c->wanted)
        return true;
    if (now(CLOCK_MONOTONIC) - c->started >= LIVED_WELL)
        c->deaths = c->failures = 0;
    log_warning("The log process died and is started again.");
    if (c->deaths++ < DEATHS_FORGIVEN)
        (void)log_client_start(c);
    else
        start_later(c);
    return true;
}

void log_client_ready(struct log_client *c) {
    for (int i = 0; i < READS_A_TURN && c->socket >= 0; i++) {
        int r = receive(c);
        if (r == 0)
            break;
        if (r < 0) {
            disconnect(c);
            if (c->pid > 0)
                c->host->retry_at(c->host->userdata, usec_add(now(CLOCK_MONOTONIC), DEATH_GRACE));
            else if (c->wanted)
                start_later(c);
            return;
        }
    }
    client_flush(c);
}

/* --- streams --- */
/* Keeps the state lines of log_client_serialize() one line each. Returns what is behind the copy's end. */
static char *copy_plain(char *to, const char *s) {
    for (; *s; s++)
        *to++ = (unsigned char)*s < ' ' ? '_' : *s;
    *to = 0;
    return to + 1;
}

struct client_stream *client_stream_new(struct log_client *c, uint64_t id, const struct log_stream_options *options) {
    const char *unit = options->unit ?: "", *identifier = options->identifier ?: "";
    struct client_stream *s = calloc(1, sizeof(*s) + strlen(unit) + strlen(identifier) + 2);
    if (!s)
        return NULL;
    s->id = id;
    s->fd = -1;
    s->o = *options;
    char *behind = copy_plain(s->text, unit);
    s->o.unit = s->text;
    s->o.identifier = behind;
    (void)copy_plain(behind, identifier);
    s->o.fields = s->fields = options->fields ? strdup(options->fields) : NULL;
    s->o.settings = s->settings = options->settings && *options->settings ? strdup(options->settings) : NULL;
    HASH_ADD(hh, c->streams, id, sizeof(s->id), s);
    if (hash_holds(&s->hh))
        return s;
    free(s->fields);
    free(s->settings);
    free(s);
    return NULL;
}

static struct client_stream *stream_find(struct log_client *c, uint64_t id) {
    struct client_stream *s;
    HASH_FIND(hh, c->streams, &id, sizeof(id), s);
    return s;
}

static void tell_soon(struct log_client *c, struct client_stream *s) {
    if (client_pending(c) || c->socket < 0)
        c->streams_to_tell = true;
    else if (client_tell_stream(c, s) < 0) {
        c->streams_to_tell = true;
        client_flush(c);
    }
}

int log_client_open_stream(struct log_client *c, const struct log_stream_options *options, uint64_t *ret_id,
                           int *ret_writer) {
    int ends[2];
    if (options->settings && strlen(options->settings) > LOG_SETTINGS_MAX)
        return -E2BIG;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    struct client_stream *s = client_stream_new(c, c->next_id, options);
    if (!s) {
        fd_close(ends[0]);
        fd_close(ends[1]);
        return -ENOMEM;
    }
    c->next_id++;
    /* The mode first: afterwards it may not be ours any more. Where the owner cannot be changed, the mode
     * will do. */
    (void)fchmod(ends[1], 0666);
    if (options->uid != (uid_t)-1)
        (void)!fchown(ends[1], options->uid, (gid_t)-1);
    /* The read end's own flag: the writers' is another open file. */
    (void)fd_set_nonblock(ends[0], true);
    s->fd = ends[0];
    tell_soon(c, s);
    *ret_id = s->id;
    *ret_writer = ends[1];
    return 0;
}

int log_client_stream_writer(struct log_client *c, uint64_t id) {
    struct client_stream *s = stream_find(c, id);
    if (!s)
        return -ENOENT;
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void log_client_stream_pid(struct log_client *c, uint64_t id, pid_t pid) {
    struct client_stream *s = stream_find(c, id);
    if (!s || (s->pid == pid && s->pid_told))
        return;
    s->pid = pid;
    s->pid_told = false;
    tell_soon(c, s);
}

void log_client_stream_begun(struct log_client *c, uint64_t id) {
    struct client_stream *s = stream_find(c, id);
    pid_t pid = getpid();
    if (s && s->told && c->socket >= 0 && !client_pending(c) && client_tell_pid(c, s, pid) >= 0) {
        s->pid = pid;
        s->pid_told = true;
    }
}

int log_client_stream_inode(struct log_client *c, uint64_t id, dev_t *ret_device, ino_t *ret_inode) {
    struct client_stream *s = stream_find(c, id);
    struct stat st;
    if (!s || fstat(s->fd, &st) < 0)
        return -ENOENT;
    *ret_device = st.st_dev;
    *ret_inode = st.st_ino;
    return 0;
}

void log_client_drop_stream(struct log_client *c, uint64_t id) {
    struct client_stream *s = stream_find(c, id);
    if (!s || s->dropped)
        return;
    s->dropped = true;
    tell_soon(c, s);
}

/* --- the manager's lines --- */
void log_client_sink(const struct log_record *record, void *client) {
    struct log_client *c = client;
    const char *unit = record->unit ? record->unit : "";
    if (c->socket < 0 && (!c->wanted || c->failures >= FAILURES_TO_GO_DIRECT)) {
        client_write_direct(c, record->text);
        return;
    }
    uint8_t packet[LOG_MESSAGE_MAX];
    struct log_message head = { .kind = LOG_MANAGER, .level = (uint32_t)record->level, .pid = 1 };
    int size = log_message_pack(
        packet, &head, (const char *[]){ unit, record->message_id, record->fields, record->text }, 4);
    if (size < 0)
        return;
    if (c->socket >= 0 && !client_pending(c) && log_packet_send(c->socket, packet, (size_t)size, -1) >= 0)
        return;
    struct client_packet *p =
        c->queued + (size_t)size <= QUEUE_MAX ? malloc(sizeof(*p) + (size_t)size) : NULL;
    if (!p) {
        c->n_lost++;
        return;
    }
    p->next = NULL;
    p->size = (size_t)size;
    memcpy(p->data, packet, (size_t)size);
    if (c->queue_tail)
        c->queue_tail->next = p;
    else
        c->queue = p;
    c->queue_tail = p;
    c->queued += p->size;
    client_flush(c);
}

/* --- the end --- */
static int wait_socket(struct log_client *c, short events, usec_t deadline) {
    usec_t left = usec_sub(deadline, now(CLOCK_MONOTONIC));
    if (left == 0)
        return -ETIMEDOUT;
    struct pollfd p = { .fd = c->socket, .events = events };
    (void)poll(&p, 1, (int)MIN((left + 999) / 1000, (usec_t)1000));
    return 0;
}

void client_flush_until(struct log_client *c, usec_t deadline) {
    while (c->socket >= 0 && client_pending(c)) {
        client_flush(c);
        if (c->socket < 0 || !client_pending(c) || wait_socket(c, POLLOUT, deadline) < 0)
            return;
    }
}

/* Bytes that wait to be read, of streams and of what the log process has stored with us. */
static size_t unread(const struct log_client *c) {
    size_t sum = 0;
    int n;
    for (const struct client_stream *s = c->streams; s; s = s->hh.next)
        if (s->fd >= 0 && ioctl(s->fd, FIONREAD, &n) >= 0 && n > 0)
            sum += (size_t)n;
    for (const struct client_stored *k = c->stored; k; k = k->hh.next)
        if (ioctl(k->fd, FIONREAD, &n) >= 0 && n > 0)
            sum += (size_t)n;
    return sum;
}

/* The log process has gone. True: it has done all, or there is nothing to be done, or nobody to do it. */
static bool finished(struct log_client *c, unsigned *starts) {
    int status = 0;
    pid_t r = c->pid > 0 ? waitpid(c->pid, &status, WNOHANG) : -1;
    if (c->pid > 0 && r == 0) {
        (void)poll(NULL, 0, 1);
        return false;
    }
    bool clean = c->pid > 0 && r == c->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    c->pid = 0;
    if (clean || unread(c) == 0 || (*starts)++ == FINISH_STARTS)
        return true;
    r = log_client_start(c);
    c->wanted = false;
    return r < 0;
}

void log_client_finish(struct log_client *c, usec_t patience) {
    usec_t deadline = usec_add(now(CLOCK_MONOTONIC), patience), end = usec_add(now(CLOCK_MONOTONIC), FINISH_MOST);
    size_t left = unread(c);
    unsigned starts = 0;
    bool told = false;
    c->wanted = false;
    while (now(CLOCK_MONOTONIC) < deadline) {
        if (c->socket < 0) {
            told = false;
            if (finished(c, &starts))
                break;
            continue;
        }
        client_flush(c);
        if (!told && !client_pending(c))
            told = client_send_message(c, &(struct log_message){ .kind = LOG_EXIT }, NULL, 0, -1) >= 0;
        usec_t look = MIN(deadline, usec_add(now(CLOCK_MONOTONIC), FINISH_LOOK));
        if (c->socket >= 0 && wait_socket(c, told ? POLLIN : POLLIN | POLLOUT, look) >= 0)
            log_client_ready(c);
        size_t n = unread(c);
        if (n < left)
            deadline = MIN(usec_add(now(CLOCK_MONOTONIC), patience), end);
        left = n;
    }
    disconnect(c);
    while (c->pid > 0) {
        pid_t r = waitpid(c->pid, NULL, WNOHANG);
        if (r == c->pid || (r < 0 && errno == ECHILD))
            c->pid = 0;
        else if (now(CLOCK_MONOTONIC) >= deadline) {
            (void)kill(c->pid, SIGKILL);
            (void)waitpid(c->pid, NULL, 0);
            c->pid = 0;
        } else
            (void)poll(NULL, 0, 1);
    }
    client_queue_direct(c);
}
