/* SPDX-License-Identifier: Apache-2.0 */
/* The log client's state over a re-execution of PID 1: everything is descriptors, and a few words about each.
 */
#include "base/fd.h"
#include "base/scan.h"
#include "journal/client_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

/* Stands for the end of a line in a line. */
#define FIELD_END '\x1e'
/* The manager's lines may hold up a re-execution so long. */
#define FLUSH_BEFORE_EXEC (100 * USEC_PER_MSEC)

static void put_lines(struct text *out, const char *lines) {
    for (const char *p = lines; p && *p; p++)
        text_add_char(out, *p == '\n' ? FIELD_END : *p);
    text_add_char(out, '\n');
}

int log_client_serialize(const struct log_client *c, struct text *out) {
    text_addf(out, "log-next-id=%" PRIu64 "\n", c->next_id);
    if (c->socket >= 0)
        text_addf(out, "log-process=%d %d %d\n", (int)c->pid, c->socket, c->restored);
    for (const struct client_stream *s = c->streams; s; s = s->hh.next) {
        char invocation[33];
        text_addf(out, "log-stream=%" PRIu64 " %d %d %" PRIu32 " %d%d%d %s %" PRIu64 " %s %s\n", s->id, s->fd,
                  s->o.level, s->o.flags, s->told, s->dropped, s->drop_told,
                  id128_to_string(s->o.invocation, invocation), s->o.lineage, s->o.unit[0] ? s->o.unit : "-",
                  s->o.identifier[0] ? s->o.identifier : "-");
        text_addf(out, "log-stream-more=%" PRIu64 " %d %" PRIu32 " %" PRIu32 " %d %" PRIu32 " %" PRIu64 " ", s->id,
                  (int)s->pid, s->o.uid, s->o.gid, s->o.max_level, s->o.rate_burst, s->o.rate_interval);
        put_lines(out, s->o.fields);
        if (s->o.settings) {
            text_addf(out, "log-stream-settings=%" PRIu64 " ", s->id);
            put_lines(out, s->o.settings);
        }
    }
    for (const struct client_stored *k = c->stored; k; k = k->hh.next)
        text_addf(out, "log-stored=%" PRIu64 " %d %d %s\n", k->key, k->fd, k->told, k->state);
    return out->failed ? -ENOMEM : 0;
}

void log_client_prepare_exec(struct log_client *c, bool keep) {
    if (keep) {
        client_flush_until(c, usec_add(now(CLOCK_MONOTONIC), FLUSH_BEFORE_EXEC));
        client_queue_direct(c);
    }
    if (c->socket >= 0)
        (void)fd_set_cloexec(c->socket, !keep);
    for (struct client_stream *s = c->streams; s; s = s->hh.next)
        (void)fd_set_cloexec(s->fd, !keep);
    for (struct client_stored *k = c->stored; k; k = k->hh.next)
        (void)fd_set_cloexec(k->fd, !keep);
}

/* An open descriptor, ours again alone. */
static bool take_fd(int fd) {
    return fd > 2 && fd_set_cloexec(fd, true) >= 0;
}

static int take_stream(struct log_client *c, const char *value) {
    uint64_t id, lineage;
    uint32_t flags;
    int fd, level;
    char told[4], invocation[33];
    if (!scan_u64(&value, &id) || !scan_int(&value, &fd) || !scan_int(&value, &level) || !scan_u32(&value, &flags) ||
        !scan_word(&value, told, sizeof(told)) || strlen(told) != 3 ||
        !scan_word(&value, invocation, sizeof(invocation)) || !scan_u64(&value, &lineage) || id == 0)
        return -EINVAL;
    const char *unit = value + strspn(value, " "), *space = strchr(unit, ' ');
    _cleanup_free_ char *unit_copy = space ? strndup(unit, (size_t)(space - unit)) : NULL;
    struct id128 invocation_id;
    struct client_stream *s;
    HASH_FIND(hh, c->streams, &id, sizeof(id), s);
    if (!unit_copy || s || id128_from_string(invocation, &invocation_id) < 0 || !take_fd(fd))
        return -EINVAL;
    s = client_stream_new(c, id,
                          &(struct log_stream_options){ .unit = strcmp(unit_copy, "-") == 0 ? "" : unit_copy,
                                                        .identifier = strcmp(space + 1, "-") == 0 ? "" : space + 1,
                                                        .level = level,
                                                        .max_level = LOG_DEBUG,
                                                        .flags = flags,
                                                        .uid = (uid_t)-1,
                                                        .gid = (gid_t)-1,
                                                        .invocation = invocation_id,
                                                        .lineage = lineage,
                                                        .rate_interval = UINT64_MAX });
    if (!s) {
        fd_close(fd);
        return -ENOMEM;
    }
    s->fd = fd;
    s->told = s->pid_told = told[0] == '1';
    s->dropped = told[1] == '1';
    s->drop_told = told[2] == '1';
    if (!s->told || s->dropped != s->drop_told)
        c->streams_to_tell = true;
    if (id >= c->next_id)
        c->next_id = id + 1;
    return 1;
}

/* Behind the blank that follows what was read; NULL: nothing there, or no memory. */
static char *take_lines(const char *value) {
    char *lines = *value ? strdup(value + 1) : NULL;
    for (char *p = lines; p && *p; p++)
        if (*p == FIELD_END)
            *p = '\n';
    return lines;
}

static int take_settings(struct log_client *c, const char *value) {
    uint64_t id;
    if (!scan_u64(&value, &id))
        return -EINVAL;
    struct client_stream *s;
    HASH_FIND(hh, c->streams, &id, sizeof(id), s);
    if (!s || s->settings)
        return -EINVAL;
    s->o.settings = s->settings = take_lines(value);
    return 1;
}

static int take_more(struct log_client *c, const char *value) {
    uint64_t id, interval;
    uint32_t uid, gid, burst;
    int pid, max_level;
    if (!scan_u64(&value, &id) || !scan_int(&value, &pid) || !scan_u32(&value, &uid) || !scan_u32(&value, &gid) ||
        !scan_int(&value, &max_level) || !scan_u32(&value, &burst) || !scan_u64(&value, &interval))
        return -EINVAL;
    struct client_stream *s;
    HASH_FIND(hh, c->streams, &id, sizeof(id), s);
    char *fields = take_lines(value);
    if (!s || s->fields || !fields) {
        free(fields);
        return -EINVAL;
    }
    s->pid = pid;
    s->o.uid = uid;
    s->o.gid = gid;
    s->o.max_level = max_level;
    s->o.rate_burst = burst;
    s->o.rate_interval = interval;
    s->o.fields = s->fields = fields;
    return 1;
}

static int take_stored(struct log_client *c, const char *value) {
    uint64_t key;
    int fd, told;
    if (!scan_u64(&value, &key) || !scan_int(&value, &fd) || !scan_int(&value, &told))
        return -EINVAL;
    value += strspn(value, " ");
    struct client_stored *k;
    HASH_FIND(hh, c->stored, &key, sizeof(key), k);
    if (k || !take_fd(fd))
        return -EINVAL;
    k = calloc(1, sizeof(*k));
    char *state = strdup(value);
    if (!k || !state) {
        free(k);
        free(state);
        fd_close(fd);
        return -ENOMEM;
    }
    *k = (struct client_stored){ .key = key, .fd = fd, .state = state, .told = told };
    HASH_ADD(hh, c->stored, key, sizeof(k->key), k);
    if (!hash_holds(&k->hh)) {
        free(k->state);
        free(k);
        fd_close(fd);
        return -ENOMEM;
    }
    return 1;
}

int log_client_deserialize(struct log_client *c, const char *name, const char *value) {
    if (strcmp(name, "log-next-id") == 0) {
        uint64_t id;
        if (!scan_u64(&value, &id) || id == 0)
            return -EINVAL;
        c->next_id = MAX(c->next_id, id);
        return 1;
    }
    if (strcmp(name, "log-process") == 0) {
        int pid, fd, restored;
        if (!scan_int(&value, &pid) || !scan_int(&value, &fd) || !scan_int(&value, &restored) || pid < 0 ||
            c->socket >= 0 || !take_fd(fd))
            return -EINVAL;
        c->pid = pid;
        c->socket = fd;
        c->restored = restored;
        return 1;
    }
    if (strcmp(name, "log-stream") == 0)
        return take_stream(c, value);
    if (strcmp(name, "log-stream-more") == 0)
        return take_more(c, value);
    if (strcmp(name, "log-stream-settings") == 0)
        return take_settings(c, value);
    if (strcmp(name, "log-stored") == 0)
        return take_stored(c, value);
    return 0;
}

int log_client_resume(struct log_client *c) {
    if (c->socket < 0)
        return log_client_start(c);
    c->wanted = true;
    c->started = now(CLOCK_MONOTONIC);
    c->host->watch(c->host->userdata, c->socket, false);
    log_client_ready(c);
    return 0;
}

bool log_client_has_fd(const struct log_client *c, int fd) {
    for (const struct client_stream *s = c->streams; s; s = s->hh.next)
        if (s->fd == fd)
            return true;
    for (const struct client_stored *k = c->stored; k; k = k->hh.next)
        if (k->fd == fd)
            return true;
    return c->socket == fd;
}
