/* SPDX-License-Identifier: Apache-2.0 */
/* What waits to be sent to a client of the private socket. Signals are bytes already, and go many at a time, once a
 * turn of the loop; libdbus' messages wait only behind such as the socket did not take, so that what was said first
 * is heard first. Knows no methods and no signals. */
#include "base/log.h"
#include "wire/bus/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define CHUNK 16384 /* as much is sent at once */

struct outgoing {
    struct outgoing *next;
    DBusMessage *message; /* NULL: the bytes */
    size_t n, sent, room;
    char bytes[];
};

long connection_outgoing(const struct connection *c) {
    return (long)c->waiting + dbus_connection_get_outgoing_size(c->dbus);
}

static struct outgoing *line_up(struct connection *c, size_t room) {
    struct outgoing *o = calloc(1, sizeof(*o) + room), **at = &c->line;
    if (!o)
        return NULL;
    o->room = room;
    while (*at)
        at = &(*at)->next;
    *at = o;
    return o;
}

static void take_first(struct connection *c) {
    struct outgoing *o = c->line;
    c->line = o->next;
    c->waiting -= o->n - o->sent;
    if (o->message)
        dbus_message_unref(o->message);
    free(o);
}

void connection_forget_outgoing(struct connection *c) {
    deferred_cancel(&c->send);
    while (c->line)
        take_first(c);
}

/* False: the socket takes no more. */
static bool send_bytes(struct connection *c, struct outgoing *o) {
    while (o->sent < o->n) {
        ssize_t n = send(c->glue.fd, o->bytes + o->sent, o->n - o->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        o->sent += (size_t)n;
        c->waiting -= (size_t)n;
    }
    return true;
}

void connection_send_waiting(struct connection *c) {
    /* While libdbus has something to write, it may be in the middle of a message. */
    while (c->line && !dbus_connection_has_messages_to_send(c->dbus)) {
        struct outgoing *o = c->line;
        if (o->message ? !dbus_connection_send(c->dbus, o->message, NULL) : !send_bytes(c, o)) {
            if (o->message || (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM)) {
                connection_close(c);
                return;
            }
            break;
        }
        take_first(c);
    }
    if (!glue_want_write(&c->glue, c->line && !dbus_connection_has_messages_to_send(c->dbus)))
        connection_close(c);
}

void connection_send_deferred(void *userdata) {
    struct connection *c = userdata;
    connection_send_waiting(c);
}

/* False: it is on its way out, now at the latest. */
static bool may_wait(struct connection *c) {
    if (c->dying || connection_outgoing(c) <= OUTGOING_MAX)
        return !c->dying;
    log_debug("A bus client does not read what it asked for: connection closed.");
    connection_close(c);
    return false;
}

/* The message's turn is not yet. False: no memory. */
static bool line_up_message(struct connection *c, DBusMessage *message) {
    char *bytes;
    int n;
    if (!dbus_message_marshal(message, &bytes, &n))
        return false;
    dbus_free(bytes); /* asked for its length only */
    struct outgoing *o = line_up(c, 0);
    if (!o)
        return false;
    o->message = dbus_message_ref(message);
    o->n = (size_t)n;
    c->waiting += o->n;
    return true;
}

void connection_send(struct connection *c, DBusMessage *message) {
    if (!message)
        return;
    if (c->line && !c->dying)
        connection_send_waiting(c);
    if (may_wait(c) && !(c->line ? line_up_message(c, message) : dbus_connection_send(c->dbus, message, NULL)))
        connection_close(c); /* no memory: a client that waits for ever is worse off than one that is told */
    dbus_message_unref(message);
}

void connection_send_bytes(struct connection *c, const char *bytes, size_t n) {
    struct outgoing *last = c->line;
    while (last && last->next)
        last = last->next;
    if (!last || last->message || last->room - last->n < n) {
        if (last && !c->dying)
            connection_send_waiting(c);
        if (!may_wait(c))
            return;
        last = line_up(c, MAX(n, (size_t)CHUNK));
        if (!last) {
            connection_close(c);
            return;
        }
    }
    memcpy(last->bytes + last->n, bytes, n);
    last->n += n;
    c->waiting += n;
    deferred_queue(c->bus->manager->loop, &c->send);
}
