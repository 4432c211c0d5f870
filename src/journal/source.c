/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/source.h"
#include "base/fd.h"
#include "journal/fields.h"
#include "journal/log_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

/* An unfinished line of this size is not looked at again and again. */
#define LEFTOVER_MAX (16 * 1024)
/* Memory worth giving back. */
#define CHUNK_MUCH (16 * 1024)

/* Nothing may be reordered over this: a kill may come in between. */
static inline void barrier(void) {
    __asm__ volatile("" ::: "memory");
}

int source_pool_open(struct source_pool *pool, struct sink *sinks) {
    *pool = (struct source_pool){
        .sinks = sinks, .scratch = { -1, -1 }, .held = { -1, -1 }, .null_fd = -1, .line_max = SOURCE_LINE_MAX
    };
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
    fd_close(pool->held[0]);
    fd_close(pool->held[1]);
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
    s->max_level = LOG_DEBUG;
    s->uid = (uid_t)-1;
    s->gid = (gid_t)-1;
    /* The kernel gives smaller pipes to those who have many. */
    s->small = kind == SOURCE_PIPE && fcntl(fd, F_GETPIPE_SZ) < SOURCE_CHUNK;
    return s;
}

void source_free(struct source *s) {
    if (!s)
        return;
    fd_close(s->fd);
    source_set_names(s, NULL, NULL);
    free(s->set);
    log_settings_free(s->settings);
    free(s->fields);
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

void source_renew(struct source *s) {
    free(s->set);
    s->set = NULL;
}

/* The pipe that says what the unit wants. */
static struct source *unit_of(struct source *s) {
    return s->unit_pipe ? s->unit_pipe : s;
}

static void make_set(struct source *s) {
    s->set = entry_set_new(&(struct set_request){ .pid = s->pid,
                                                  .uid = s->uid,
                                                  .gid = s->gid,
                                                  .unit = s->unit,
                                                  .invocation = s->invocation,
                                                  .stream = s->id,
                                                  .identifier = s->identifier,
                                                  .fields = unit_of(s)->fields,
                                                  .started_by_us = s->kind == SOURCE_PIPE });
}

static void give(struct source_pool *pool, const struct entry *e) {
    for (struct sink *sink = pool->sinks; sink; sink = sink->next)
        if (!pool->written || sink != pool->journal)
            sink->write(sink, e);
}

/* The journal's next entry is the line that is noted in the segment. */
static void note_next(struct source_pool *pool) {
    barrier();
    if (pool->segment && !pool->written)
        pool->segment->next_seqnum = *pool->seqnum + 1;
    barrier();
}

/* --- rate limits --- */
bool rate_permits(struct rate *r, uint64_t *ret_suppressed) {
    *ret_suppressed = 0;
    if (r->interval == 0 || r->burst == 0)
        return true;
    usec_t time = now(CLOCK_MONOTONIC);
    if (r->begin == 0 || time - r->begin >= r->interval) {
        *ret_suppressed = r->suppressed;
        r->begin = time;
        r->n = r->suppressed = 0;
    }
    if (r->n >= r->burst) {
        r->suppressed++;
        return false;
    }
    r->n++;
    return true;
}

struct entry rate_entry(uint64_t suppressed, const char *who, char text[static RATE_TEXT_MAX]) {
    int n = snprintf(text, RATE_TEXT_MAX, "Suppressed %llu messages from %s", (unsigned long long)suppressed, who);
    return (struct entry){ .transport = ENTRY_MANAGER,
                           .level = LOG_NOTICE,
                           .facility = LOG_DAEMON,
                           .message_id = "a596d6fe7bfa4994828e72309e95d61e",
                           .message = text,
                           .size = (size_t)MIN(n, RATE_TEXT_MAX - 1),
                           .console = true };
}

/* A new interval says what the last one kept back. */
static bool may_take(struct source_pool *pool, struct source *s) {
    uint64_t suppressed;
    bool permitted = rate_permits(&unit_of(s)->rate, &suppressed);
    if (suppressed > 0) {
        char text[RATE_TEXT_MAX];
        if (pool->segment && !pool->written)
            pool->segment->next_seqnum = UINT64_MAX;
        barrier();
        struct entry e = rate_entry(suppressed, s->unit ? s->unit : "a program", text);
        give(pool, &e);
        note_next(pool);
    }
    return permitted;
}

static void emit(struct source_pool *pool, struct source *s, const char *line, size_t size, const char *line_break) {
    struct bytes text = { line, size };
    int level = s->level, given;
    if (s->level_prefix && parse_priority(&text, &given) >= 0)
        level = LOG_PRI(given) | (given & LOG_FACMASK ? given & LOG_FACMASK : s->level & LOG_FACMASK);
    if (text.n == 0)
        return; /* journald leaves empty lines out, too */
    const struct source *unit = unit_of(s);
    if (LOG_PRI(level) > unit->max_level || !log_settings_keep(unit->settings, text.p, text.n) || !may_take(pool, s))
        return;
    if (!s->set)
        make_set(s);
    struct entry e = { .transport = s->kind == SOURCE_PIPE ? ENTRY_PIPE : ENTRY_STREAM,
                       .level = LOG_PRI(level),
                       .facility = level & LOG_FACMASK,
                       .unit = s->unit,
                       .identifier = s->identifier,
                       .invocation = s->invocation,
                       .pid = s->pid,
                       .message = text.p,
                       .size = text.n,
                       .console = s->console,
                       .uid = s->uid == (uid_t)-1 ? 0 : s->uid,
                       .settings = unit->settings,
                       .set = s->set,
                       .line_break = line_break };
    give(pool, &e);
}

static void finish_partial(struct source_pool *pool, struct source *s, const char *line_break) {
    if (s->partial_size > 0)
        emit(pool, s, s->partial, s->partial_size, line_break);
    free(s->partial);
    s->partial = NULL;
    s->partial_size = s->partial_room = 0;
}

/* Adds to the beginning of a line; one that gets too long, or for which there is no memory, ends here. */
static void keep(struct source_pool *pool, struct source *s, const char *data, size_t size) {
    while (size > 0) {
        size_t n = MIN(size, pool->line_max - s->partial_size);
        if (s->partial_size + n > s->partial_room) {
            size_t room = MIN(MAX(s->partial_size + n, s->partial_room * 2), (size_t)pool->line_max);
            char *more = realloc(s->partial, room);
            if (!more) {
                finish_partial(pool, s, "line-max");
                emit(pool, s, data, size, "line-max");
                return;
            }
            s->partial = more;
            s->partial_room = room;
        }
        memcpy(s->partial + s->partial_size, data, n);
        s->partial_size += n;
        data += n;
        size -= n;
        if (s->partial_size == pool->line_max)
            finish_partial(pool, s, "line-max");
    }
}

/* A line that ends at `end` is at hand; is about to be written; and has been. */
static void at_line(struct source_pool *pool, size_t end) {
    pool->written = pool->segment && end <= pool->written_to;
}

static void about_to_write(struct source_pool *pool, size_t end) {
    struct hold_segment *g = pool->segment;
    at_line(pool, end);
    if (!g || pool->written)
        return;
    g->next_seqnum = UINT64_MAX;
    barrier();
    g->next = (uint32_t)end;
    note_next(pool);
}

static void has_written(struct source_pool *pool, size_t end) {
    barrier();
    if (pool->segment && !pool->written)
        pool->segment->done = (uint32_t)end;
    barrier();
    pool->written = false;
}

/* Of the bytes, those that take_lines() deals with. */
static size_t complete_size(const struct source_pool *pool, const struct source *s, const char *data, size_t size) {
    const char *last = memrchr(data, '\n', size);
    size_t done = last ? (size_t)(last - data) + 1 : 0;
    while ((done > 0 || s->partial_size == 0) && size - done > pool->line_max)
        done += pool->line_max;
    return done;
}

/* Gives complete lines to the sinks, from `done` on. The bytes dealt with. */
static size_t take_lines(struct source_pool *pool, struct source *s, const char *data, size_t size, size_t done) {
    while (done < size) {
        const char *line = data + done;
        const char *newline = memchr(line, '\n', size - done);
        size_t n = newline ? (size_t)(newline - line) : size - done;
        if (s->partial_size > 0) {
            if (!newline)
                return done;
            at_line(pool, done + n + 1);
            keep(pool, s, line, n);
            about_to_write(pool, done + n + 1);
            finish_partial(pool, s, NULL);
            done += n + 1;
        } else if (n > pool->line_max) {
            about_to_write(pool, done + pool->line_max);
            emit(pool, s, line, pool->line_max, "line-max");
            done += pool->line_max;
        } else {
            if (!newline)
                return done;
            const char *nul = memchr(line, 0, n);
            if (nul)
                n = (size_t)(nul - line); /* ends a line, too, as with journald */
            about_to_write(pool, done + n + 1);
            emit(pool, s, line, n, nul ? "nul" : NULL);
            done += n + 1;
        }
        has_written(pool, done);
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

/* --- what is held --- */
/* A buffer of a pipe may hold a page or a single byte. What is looked at at once has as many as a pipe has by default,
 * so the pipe in which it is held is to have so many for each segment: nothing moves there by halves. */
#define BUFFERS 16

bool source_pool_may_use(const struct source_pool *pool) {
    int held = fcntl(pool->held[1], F_GETPIPE_SZ), scratch = fcntl(pool->scratch[1], F_GETPIPE_SZ);
    return held > 0 && scratch > 0 && held >= scratch;
}

/* May so many bytes be held now? A successor looks at all of them at once. */
static bool may_hold(const struct source_pool *pool, size_t size) {
    const struct hold *h = pool->hold;
    for (uint32_t i = 0; i < h->n; i++)
        size += h->segments[i].size;
    return h->n == 0 ||
           (h->n < HOLD_SEGMENTS && (h->n + 1) * (BUFFERS + 1) <= pool->held_places && size <= SOURCE_CHUNK);
}

/* Moves bytes of a stream to where they are held. How many; 0: they stay. */
static size_t hold(struct source_pool *pool, struct source *s, size_t size) {
    struct hold *h = pool->hold;
    if (!h)
        return 0;
    struct hold_segment *g = &h->segments[h->n];
    *g = (struct hold_segment){ .stream = s->id, .kind = s->kind, .size = (uint32_t)size, .next_seqnum = UINT64_MAX };
    barrier();
    h->n++;
    barrier();
    ssize_t n = splice(s->fd, NULL, pool->held[1], NULL, size, SPLICE_F_NONBLOCK);
    if (n <= 0) {
        h->n--;
        return 0;
    }
    g->size = (uint32_t)n;
    pool->segment = g;
    return (size_t)n;
}

bool source_pool_holds(const struct source_pool *pool, const struct source *s) {
    for (uint32_t i = 0; pool->hold && i < pool->hold->n; i++)
        if (pool->hold->segments[i].stream == s->id && pool->hold->segments[i].kind == s->kind)
            return true;
    return false;
}

bool source_pool_is_full(const struct source_pool *pool) {
    return pool->full;
}

static size_t held_bytes(const struct source_pool *pool) {
    int n = 0;
    return ioctl(pool->held[0], FIONREAD, &n) >= 0 && n > 0 ? (size_t)n : 0;
}

void source_release(struct source_pool *pool) {
    struct hold *h = pool->hold;
    pool->full = false;
    if (!h || h->n == 0)
        return;
    h->emptying = 1;
    barrier();
    size_t left = 0;
    for (uint32_t i = 0; i < h->n; i++)
        left += h->segments[i].size;
    while (left > 0) {
        ssize_t n = pool->null_fd >= 0 ? splice(pool->held[0], NULL, pool->null_fd, NULL, left, SPLICE_F_NONBLOCK) : -1;
        if (n <= 0)
            n = read(pool->held[0], pool->chunk, MIN(left, (size_t)SOURCE_CHUNK));
        if (n <= 0)
            break;
        left -= (size_t)n;
    }
    h->n = 0;
    barrier();
    h->emptying = 0;
}

size_t source_pool_inherit(struct source_pool *pool) {
    struct hold *h = pool->hold;
    size_t left = held_bytes(pool);
    if (h->n > HOLD_SEGMENTS || h->emptying) {
        while (left > 0) {
            ssize_t n = read(pool->held[0], pool->chunk, MIN(left, (size_t)SOURCE_CHUNK));
            if (n <= 0)
                break;
            left -= (size_t)n;
        }
        h->n = 0;
        h->emptying = 0;
    }
    uint32_t kept = 0;
    for (; kept < h->n && left > 0; kept++) {
        h->segments[kept].size = (uint32_t)MIN((size_t)h->segments[kept].size, left);
        left -= h->segments[kept].size;
        struct hold_segment *g = &h->segments[kept];
        if (g->next > g->done && g->next <= g->size && g->next_seqnum <= *pool->seqnum)
            g->done = g->next;
        barrier();
        g->next_seqnum = UINT64_MAX; /* other entries get that number now */
        barrier();
    }
    h->n = kept;
    return kept;
}

int source_pool_look(struct source_pool *pool) {
    size_t size = 0, n = 0;
    for (uint32_t i = 0; i < pool->hold->n; i++)
        size += pool->hold->segments[i].size;
    if (size > SOURCE_CHUNK)
        return -E2BIG;
    int before = fcntl(pool->scratch[1], F_GETPIPE_SZ);
    (void)fcntl(pool->scratch[1], F_SETPIPE_SZ, (int)(pool->held_places * 4096));
    ssize_t seen = size > 0 ? tee(pool->held[0], pool->scratch[1], size, SPLICE_F_NONBLOCK) : 0, got = 1;
    while (seen > (ssize_t)n && got > 0) {
        got = read(pool->scratch[0], pool->chunk + n, (size_t)seen - n);
        n += got > 0 ? (size_t)got : 0;
    }
    (void)fcntl(pool->scratch[1], F_SETPIPE_SZ, before);
    /* The predecessor's pipe has more buffers than we are given: without looking first, then. */
    for (n = n < size ? 0 : n, got = 1; n < size && got > 0; n += got > 0 ? (size_t)got : 0)
        got = read(pool->held[0], pool->chunk + n, size - n);
    pool->chunk_used = true;
    return n == size ? 0 : -EIO;
}

void source_pool_replay(struct source_pool *pool, size_t i, struct source *s) {
    struct hold_segment *g = &pool->hold->segments[i];
    size_t before = 0;
    for (size_t k = 0; k < i; k++)
        before += pool->hold->segments[k].size;
    if (before + g->size > SOURCE_CHUNK)
        return;
    struct source nobody = { .kind = g->kind,
                             .fd = -1,
                             .level = LOG_DAEMON | LOG_INFO,
                             .console = true,
                             .max_level = LOG_DEBUG,
                             .uid = (uid_t)-1,
                             .gid = (gid_t)-1 };
    if (!s)
        s = &nobody;
    pool->segment = g;
    pool->written_to = g->done;
    size_t done = take_lines(pool, s, pool->chunk + before, g->size, 0);
    pool->segment = NULL;
    pool->written_to = 0;
    pool->written = false;
    if (done < g->size)
        keep(pool, s, pool->chunk + before + done, g->size - done);
    if (s == &nobody) {
        finish_partial(pool, s, "eof");
        source_renew(s);
    }
}

enum pump_result source_pump(struct source_pool *pool, struct source *s, bool force) {
    s->leftover = false;
    ssize_t n = peek(pool, s);
    if (n == -EAGAIN || n == -EINTR)
        return PUMP_IDLE;
    if (n <= 0) {
        finish_partial(pool, s, "eof");
        return n < 0 || s->dropped || s->kind == SOURCE_CONNECTION ? PUMP_END : PUMP_IDLE;
    }
    size_t size = (size_t)n;
    if (size >= CHUNK_MUCH)
        pool->chunk_used = true;
    if (s->kind == SOURCE_CONNECTION && !s->head_done)
        return take_head(pool, s, size);
    size_t done = complete_size(pool, s, pool->chunk, size), rest = size - done;
    bool all = rest > 0 &&
               (s->plain || force || s->small || rest >= LEFTOVER_MAX || (s->hung_up && size < SOURCE_CHUNK));
    size_t taken = all ? size : done;
    s->leftover = rest > 0 && !all;
    if (taken > 0 && !s->plain && pool->hold && !may_hold(pool, taken)) {
        pool->full = true;
        return PUMP_MORE;
    }
    size_t held = taken > 0 && !s->plain ? hold(pool, s, taken) : 0;
    if (held > 0 && held < taken) {
        all = true;
        size = taken = held;
    }
    done = take_lines(pool, s, pool->chunk, size, 0);
    if (all && taken > done)
        keep(pool, s, pool->chunk + done, taken - done);
    pool->segment = NULL;
    s->taken = s->plain || held > 0 ? 0 : taken;
    return taken > 0 ? PUMP_MORE : PUMP_IDLE;
}

bool source_is_in_the_way(const struct source *s) {
    if (s->kind == SOURCE_CONNECTION)
        return true;
    /* A pipe of many small pieces is full long before its size is reached; only a write end tells. */
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
    _cleanup_close_ int writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    struct pollfd p = { .fd = writer, .events = POLLOUT };
    return writer < 0 || poll(&p, 1, 0) <= 0;
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
    finish_partial(pool, s, "eof");
}
