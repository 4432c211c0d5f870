/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/source.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

/* An unfinished line of this size is not looked at again and again. */
#define LEFTOVER_MAX 4096
/* Memory worth giving back. */
#define CHUNK_MUCH (16 * 1024)

int source_pool_open(struct source_pool *pool, struct sink *sinks) {
    *pool = (struct source_pool){ .sinks = sinks, .scratch = { -1, -1 }, .null_fd = -1 };
    void *chunk = mmap(NULL, SOURCE_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
        return -errno;
    pool->chunk = chunk;
    /* Without a scratch pipe, or without tee(), lines are simply read. */
    if (pipe2(pool->scratch, O_CLOEXEC | O_NONBLOCK) < 0)
        pool->scratch[0] = pool->scratch[1] = -1;
    pool->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (pool->null_fd >= 0 &&
        (fstat(pool->null_fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)))
        pool->null_fd = fd_close(pool->null_fd);
    return 0;
}

void source_pool_close(struct source_pool *pool) {
    (void)munmap(pool->chunk, SOURCE_CHUNK);
    fd_close(pool->scratch[0]);
    fd_close(pool->scratch[1]);
    fd_close(pool->null_fd);
}

void source_pool_rest(struct source_pool *pool) {
    if (pool->chunk_used)
        (void)madvise(pool->chunk, SOURCE_CHUNK, MADV_DONTNEED);
    pool->chunk_used = false;
}

struct source *source_new(enum source_kind kind, int fd, uint64_t id) {
    struct source *s = calloc(1, sizeof(*s));
    if (!s) {
        fd_close(fd);
        return NULL;
    }
    s->kind = kind;
    s->fd = fd;
    s->id = id;
    s->level = LOG_DAEMON | LOG_INFO;
    s->console = true;
    /* The kernel gives smaller pipes to those who have many. */
    s->small = kind == SOURCE_PIPE && fcntl(fd, F_GETPIPE_SZ) < SOURCE_CHUNK;
    return s;
}

void source_free(struct source *s) {
    if (!s)
        return;
    fd_close(s->fd);
    source_set_names(s, NULL, NULL);
    free(s->partial);
    free(s);
}

void source_set_names(struct source *s, const char *unit, const char *identifier) {
    /* One block for both, the unit's first. */
    void *old = (char *)(s->unit ? s->unit : s->identifier);
    size_t n = unit ? strlen(unit) + 1 : 0, k = identifier ? strlen(identifier) + 1 : 0;
    char *block = n + k > 0 ? malloc(n + k) : NULL;
    s->unit = block && unit ? memcpy(block, unit, n) : NULL;
    s->identifier = block && identifier ? memcpy(block + n, identifier, k) : NULL;
    free(old);
}

static void emit(struct source_pool *pool, const struct source *s, const char *line, size_t size) {
    struct bytes text = { line, size };
    int level = s->level, given;
    if (s->level_prefix && parse_priority(&text, &given) >= 0)
        level = LOG_PRI(given) | (given & LOG_FACMASK ? given & LOG_FACMASK : s->level & LOG_FACMASK);
    if (text.n == 0)
        return; /* journald leaves empty lines out, too */
    struct entry e = { .transport = s->kind == SOURCE_PIPE ? ENTRY_PIPE : ENTRY_STREAM,
                       .level = LOG_PRI(level),
                       .facility = level & LOG_FACMASK,
                       .unit = s->unit,
                       .identifier = s->identifier,
                       .invocation = s->invocation,
                       .pid = s->pid,
                       .message = text.p,
                       .size = text.n,
                       .console = s->console };
    for (struct sink *sink = pool->sinks; sink; sink = sink->next)
        sink->write(sink, &e);
}

static void finish_partial(struct source_pool *pool, struct source *s) {
    if (s->partial_size > 0)
        emit(pool, s, s->partial, s->partial_size);
    free(s->partial);
    s->partial = NULL;
    s->partial_size = s->partial_room = 0;
}

/* Adds to the beginning of a line; one that gets too long, or for which there is no memory, ends here. */
static void keep(struct source_pool *pool, struct source *s, const char *data, size_t size) {
    while (size > 0) {
        size_t n = MIN(size, SOURCE_LINE_MAX - s->partial_size);
        if (s->partial_size + n > s->partial_room) {
            size_t room = MIN(MAX(s->partial_size + n, s->partial_room * 2), (size_t)SOURCE_LINE_MAX);
            char *more = realloc(s->partial, room);
            if (!more) {
                finish_partial(pool, s);
                emit(pool, s, data, size);
                return;
            }
            s->partial = more;
            s->partial_room = room;
        }
        memcpy(s->partial + s->partial_size, data, n);
        s->partial_size += n;
        data += n;
        size -= n;
        if (s->partial_size == SOURCE_LINE_MAX)
            finish_partial(pool, s);
    }
}

/* Gives complete lines to the sinks. The bytes dealt with. */
static size_t take_lines(struct source_pool *pool, struct source *s, const char *data, size_t size) {
    size_t done = 0;
    while (done < size) {
        const char *line = data + done;
        const char *newline = memchr(line, '\n', size - done);
        size_t n = newline ? (size_t)(newline - line) : size - done;
        if (s->partial_size > 0) {
            if (!newline)
                return done;
            keep(pool, s, line, n);
            finish_partial(pool, s);
            done += n + 1;
        } else if (n > SOURCE_LINE_MAX) {
            emit(pool, s, line, SOURCE_LINE_MAX);
            done += SOURCE_LINE_MAX;
        } else {
            if (!newline)
                return done;
            emit(pool, s, line, n);
            done += n + 1;
        }
    }
    return done;
}

/* Looks at what lies in the kernel. Bytes in the chunk; 0: end; -EAGAIN and others. Sets s->plain if they had
 * to be taken out for it. */
static ssize_t peek(struct source_pool *pool, struct source *s) {
    ssize_t n;
    if (s->kind == SOURCE_CONNECTION) {
        n = recv(s->fd, pool->chunk, SOURCE_CHUNK, MSG_PEEK | MSG_DONTWAIT);
        return n < 0 ? -errno : n;
    }
    if (!s->plain && pool->scratch[0] >= 0) {
        n = tee(s->fd, pool->scratch[1], SOURCE_CHUNK, SPLICE_F_NONBLOCK);
        if (n == 0)
            return 0;
        if (n > 0) {
            ssize_t got = read(pool->scratch[0], pool->chunk, (size_t)n);
            if (got == n)
                return n;
            /* Never happens; the scratch pipe must be empty for the next one. */
            while (read(pool->scratch[0], pool->chunk, SOURCE_CHUNK) > 0)
                ;
            return -EIO;
        }
        if (errno == EAGAIN || errno == EINTR)
            return -EAGAIN;
    }
    s->plain = true;
    n = read(s->fd, pool->chunk, SOURCE_CHUNK);
    return n < 0 ? -errno : n;
}

static enum pump_result take_head(struct source_pool *pool, struct source *s, size_t size) {
    struct stream_head head;
    size_t head_size;
    int r = parse_stream_head((struct bytes){ pool->chunk, size }, &head, &head_size);
    if (r == -EAGAIN)
        return s->hung_up ? PUMP_END : PUMP_IDLE;
    if (r < 0)
        return PUMP_END;
    s->head_done = true;
    s->level = (head.level & LOG_FACMASK) ? head.level : LOG_USER | head.level;
    s->level_prefix = head.level_prefix;
    if (head.identifier.n > 0) {
        _cleanup_free_ char *identifier = strndup(head.identifier.p, head.identifier.n);
        for (char *p = identifier; p && *p; p++)
            if ((unsigned char)*p < ' ')
                *p = '_';
        source_set_names(s, s->unit, identifier);
    }
    s->taken = head_size;
    return PUMP_HEAD;
}

enum pump_result source_pump(struct source_pool *pool, struct source *s, bool force) {
    s->leftover = false;
    ssize_t n = peek(pool, s);
    if (n == -EAGAIN || n == -EINTR)
        return PUMP_IDLE;
    if (n <= 0) {
        finish_partial(pool, s);
        return n < 0 || s->dropped || s->kind == SOURCE_CONNECTION ? PUMP_END : PUMP_IDLE;
    }
    size_t size = (size_t)n;
    if (size >= CHUNK_MUCH)
        pool->chunk_used = true;
    if (s->kind == SOURCE_CONNECTION && !s->head_done)
        return take_head(pool, s, size);
    size_t done = take_lines(pool, s, pool->chunk, size), rest = size - done;
    if (rest > 0 &&
        (s->plain || force || s->small || rest >= LEFTOVER_MAX || (s->hung_up && size < SOURCE_CHUNK))) {
        keep(pool, s, pool->chunk + done, rest);
        done = size;
    } else if (rest > 0)
        s->leftover = true;
    s->taken = s->plain ? 0 : done;
    return done > 0 ? PUMP_MORE : PUMP_IDLE;
}

void source_consume(struct source_pool *pool, struct source *s) {
    while (s->taken > 0) {
        ssize_t n = -1;
        if (s->kind == SOURCE_CONNECTION)
            n = recv(s->fd, pool->chunk, MIN(s->taken, (size_t)SOURCE_CHUNK), MSG_DONTWAIT);
        else {
            if (pool->null_fd >= 0)
                n = splice(s->fd, NULL, pool->null_fd, NULL, s->taken, SPLICE_F_NONBLOCK);
            if (n <= 0)
                n = read(s->fd, pool->chunk, MIN(s->taken, (size_t)SOURCE_CHUNK));
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* somebody else reads it: their lines, then */
        s->taken -= (size_t)n;
    }
    s->taken = 0;
}

void source_finish(struct source_pool *pool, struct source *s) {
    finish_partial(pool, s);
}
