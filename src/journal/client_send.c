/* SPDX-License-Identifier: Apache-2.0 */
/* What PID 1 has to say to the log process, sent as the socket takes it; and to stdout while there is no log
 * process. */
#include "journal/client_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Too many descriptors are on their way to the log process. */
#define IN_FLIGHT_DELAY (5 * USEC_PER_MSEC)

void client_queue_clear(struct log_client *c) {
    while (c->queue) {
        struct client_packet *p = c->queue;
        c->queue = p->next;
        free(p);
    }
    c->queue_tail = NULL;
    c->queued = 0;
}
/* --- lines that cannot go through the log process --- */
void client_write_direct(struct log_client *c, const char *text) {
    while (*text) {
        size_t n = strcspn(text, "\n");
        char line[4096];
        int size = snprintf(line, sizeof(line), "reeve: %.*s\n", (int)n, text);
        if (size >= (int)sizeof(line)) {
            size = sizeof(line);
            line[sizeof(line) - 1] = '\n';
        }
        if (size > 0)
            (void)output_write(&c->direct, line, (size_t)size);
        text += n + (text[n] == '\n');
    }
}

void client_queue_direct(struct log_client *c) {
    for (struct client_packet *p = c->queue; p; p = p->next) {
        const char *strings[LOG_MESSAGE_STRINGS];
        struct log_message head;
        memcpy(&head, p->data, sizeof(head));
        if (head.kind == LOG_MANAGER && log_message_strings(p->data, p->size, strings) == LOG_MESSAGE_STRINGS)
            client_write_direct(c, strings[3]);
    }
    client_queue_clear(c);
}

/* --- sending --- */
int client_send_message(struct log_client *c, const struct log_message *head, const char *const *strings,
                        size_t n, int fd) {
    uint8_t packet[LOG_MESSAGE_MAX];
    int size = log_message_pack(packet, head, strings, n);
    return size < 0 ? size : log_packet_send(c->socket, packet, (size_t)size, fd);
}

static int tell_stored(struct log_client *c) {
    if (c->restored)
        return 0;
    struct client_stored *k, *next;
    HASH_ITER(hh, c->stored, k, next) {
        if (k->told)
            continue;
        struct log_message head = { .kind = LOG_RESTORE, .stream = k->key };
        int r = client_send_message(c, &head, (const char *[]){ k->state }, 1, k->fd);
        if (r < 0)
            return r;
        k->told = true;
    }
    return 0;
}

int client_tell_pid(struct log_client *c, const struct client_stream *s, pid_t pid) {
    struct log_message head = { .kind = LOG_STREAM_PID, .stream = s->id, .pid = (uint32_t)pid };
    return client_send_message(c, &head, NULL, 0, -1);
}

int client_tell_stream(struct log_client *c, struct client_stream *s) {
    if (!s->told) {
        struct log_message head = { .kind = LOG_STREAM_ADD,
                                    .stream = s->id,
                                    .level = (uint32_t)s->o.level,
                                    .flags = s->o.flags,
                                    .pid = (uint32_t)s->pid,
                                    .uid = s->o.uid,
                                    .gid = s->o.gid,
                                    .max_level = (uint32_t)s->o.max_level,
                                    .rate_burst = s->o.rate_burst,
                                    .rate_interval = s->o.rate_interval,
                                    .lineage = s->o.lineage };
        memcpy(head.invocation, s->o.invocation.bytes, sizeof(head.invocation));
        int r = client_send_message(
            c, &head, (const char *[]){ s->o.unit, s->o.identifier, s->o.settings, s->o.fields }, 4, s->fd);
        if (r < 0)
            return r;
        s->told = s->pid_told = true;
    }
    if (!s->pid_told) {
        int r = client_tell_pid(c, s, s->pid);
        if (r < 0)
            return r;
        s->pid_told = true;
    }
    if (s->dropped && !s->drop_told) {
        int r = client_send_message(c, &(struct log_message){ .kind = LOG_STREAM_DROP, .stream = s->id },
                                    NULL, 0, -1);
        if (r < 0)
            return r;
        s->drop_told = true;
    }
    return 0;
}

static int tell_all(struct log_client *c) {
    int r = tell_stored(c);
    if (r < 0)
        return r;
    if (c->streams_to_tell) {
        struct client_stream *s, *next;
        HASH_ITER(hh, c->streams, s, next) {
            r = client_tell_stream(c, s);
            if (r < 0)
                return r;
        }
        c->streams_to_tell = false;
    }
    if (!c->restored) {
        r = client_send_message(c, &(struct log_message){ .kind = LOG_START }, NULL, 0, -1);
        if (r < 0)
            return r;
        c->restored = true;
    }
    while (c->queue) {
        struct client_packet *p = c->queue;
        r = log_packet_send(c->socket, p->data, p->size, -1);
        if (r < 0)
            return r;
        c->queue = p->next;
        if (!c->queue)
            c->queue_tail = NULL;
        c->queued -= p->size;
        free(p);
    }
    if (c->n_lost > 0) {
        char text[64];
        snprintf(text, sizeof(text), "%lu messages of the manager were lost", c->n_lost);
        struct log_message head = { .kind = LOG_MANAGER, .level = LOG_WARNING, .pid = 1 };
        r = client_send_message(c, &head, (const char *[]){ "", "", "", text }, 4, -1);
        if (r < 0)
            return r;
        c->n_lost = 0;
    }
    return 0;
}

bool client_pending(const struct log_client *c) {
    return !c->restored || c->streams_to_tell || c->queue || c->n_lost > 0;
}

/* Sends what waits, and sees to it that the rest is sent when the socket has room. */
void client_flush(struct log_client *c) {
    if (c->socket < 0)
        return;
    int r = client_pending(c) ? tell_all(c) : 0;
    bool write = false;
    if (r == -EAGAIN || r == -EINTR || r == -ENOBUFS || r == -ENOMEM)
        write = true;
    else if (r == -ETOOMANYREFS)
        c->host->retry_at(c->host->userdata, usec_add(now(CLOCK_MONOTONIC), IN_FLIGHT_DELAY));
    /* Anything else means that the other end is gone; its hang-up is read, or its death told, next. */
    if (write != c->watching_write) {
        c->watching_write = write;
        c->host->watch(c->host->userdata, c->socket, write);
    }
}
