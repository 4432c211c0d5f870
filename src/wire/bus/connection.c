/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: their limits, their queues, their end. Knows no methods. */
#include "engine/purpose.h"
#include "base/log.h"
#include "wire/bus/internal.h"

#include <errno.h>
#include <unistd.h>

static DBusHandlerResult on_message(DBusConnection *dbus, DBusMessage *message, void *data);

/* Past libdbus' own dispatching, which would write answers to pings into the middle of what outgoing.c sends. */
static void dispatch_direct(struct connection *c) {
    DBusMessage *message = dbus_connection_pop_message(c->dbus);
    if (!message)
        return;
    (void)on_message(c->dbus, message, c);
    dbus_message_unref(message);
}

/* A request comes after all that follows at once from the one before, as with systemd, and as it would on a faster
 * machine: it waits until the jobs that are to run have run, for a while. Who only looks does not wait. */
static bool must_wait(struct connection *c) {
    DBusMessage *message = manager_has_fresh_jobs(c->bus->manager) ? dbus_connection_borrow_message(c->dbus) : NULL;
    bool request = message && dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL &&
                   !dbus_message_has_interface(message, DBUS_INTERFACE_PROPERTIES);
    if (message)
        dbus_connection_return_message(c->dbus, message);
    usec_t t = now(CLOCK_MONOTONIC);
    if (request && c->held == 0)
        c->held = t;
    if (request && t < usec_add(c->held, REQUEST_PATIENCE))
        return true;
    c->held = 0;
    return false;
}

static void on_dispatch(void *userdata) {
    struct connection *c = userdata;
    DBusConnection *dbus = dbus_connection_ref(c->dbus);
    int n = 0;
    /* A client that left, or that was thrown out for not reading, gets no more of its queue served. */
    while (!c->dying && n++ < MESSAGES_A_TURN &&
           dbus_connection_get_dispatch_status(dbus) == DBUS_DISPATCH_DATA_REMAINS) {
        if (c->direct && must_wait(c)) {
            deferred_queue_later(c->bus->manager->loop, &c->dispatch);
            break;
        }
        if (c->direct)
            dispatch_direct(c);
        else
            dbus_connection_dispatch(dbus);
    }
    DBusDispatchStatus status = c->dying ? DBUS_DISPATCH_COMPLETE : dbus_connection_get_dispatch_status(dbus);
    if (status == DBUS_DISPATCH_DATA_REMAINS && c->held == 0)
        deferred_queue(c->bus->manager->loop, &c->dispatch);
    else if (status == DBUS_DISPATCH_NEED_MEMORY)
        connection_close(c);
    dbus_connection_unref(dbus);
}

static void on_dispatch_status(DBusConnection *dbus, DBusDispatchStatus status, void *data) {
    struct connection *c = data;
    if (status == DBUS_DISPATCH_DATA_REMAINS && !c->dying)
        deferred_queue(c->bus->manager->loop, &c->dispatch);
}

static DBusHandlerResult on_message(DBusConnection *dbus, DBusMessage *message, void *data) {
    struct connection *c = data;
    if (c->dying)
        return DBUS_HANDLER_RESULT_HANDLED;
    if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
        connection_close(c);
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    if (!c->authenticated) { /* messages are there only after authentication */
        c->authenticated = true;
        timer_stop(&c->authenticate);
    }
    return c->direct ? bus_dispatch(c, message) : system_bus_dispatch(c, message);
}

static void on_authenticate_timeout(struct timer *timer, void *userdata) {
    struct connection *c = userdata;
    if (!dbus_connection_get_is_authenticated(c->dbus))
        connection_close(c);
}

/* --- clients that do not keep up ------------------------------------------------------------------------ */
static void watch_stalled(struct connection *c) {
    c->outgoing = connection_outgoing(c);
    timer_set(c->bus->manager->loop, &c->stalled, usec_add(now(CLOCK_MONOTONIC), STALLED_USEC));
}

static void on_stalled(struct timer *timer, void *userdata) {
    struct connection *c = userdata;
    long outgoing = connection_outgoing(c);
    if (outgoing >= c->outgoing) {
        log_debug("A bus client does not read what it is told: connection closed.");
        connection_close(c);
        manager_tell_more(c->bus->manager);
    } else
        watch_stalled(c);
}

static bool is_crowded(struct connection *c) {
    if (c->dying || connection_outgoing(c) <= OUTGOING_MUCH)
        return false;
    if (c->stalled.when == USEC_INFINITY)
        watch_stalled(c);
    return true;
}

bool bus_is_crowded(struct bus *bus) {
    for (struct connection *c = bus->connections; c; c = c->next)
        if (is_crowded(c))
            return true;
    return false;
}

static void on_served(struct glue *glue) {
    struct connection *c = CONTAINER_OF(glue, struct connection, glue);
    if (c->line && !c->dying)
        connection_send_waiting(c);
    if (c->stalled.when == USEC_INFINITY || (!c->dying && connection_outgoing(c) > OUTGOING_MUCH / 2))
        return;
    timer_stop(&c->stalled);
    manager_tell_more(c->bus->manager);
}

static void bury(void *userdata) {
    struct bus *bus = userdata;
    for (struct connection **p = &bus->connections; *p;) {
        struct connection *c = *p;
        if (!c->dying) {
            p = &c->next;
            continue;
        }
        *p = c->next;
        bus->n_connections--;
        references_drop(bus, c, NULL);
        dbus_connection_set_dispatch_status_function(c->dbus, NULL, NULL, NULL);
        dbus_connection_remove_filter(c->dbus, on_message, c);
        dbus_connection_set_watch_functions(c->dbus, NULL, NULL, NULL, NULL, NULL);
        dbus_connection_set_timeout_functions(c->dbus, NULL, NULL, NULL, NULL, NULL);
        glue_done(&c->glue);
        dbus_connection_unref(c->dbus);
        if (c->direct)
            purpose_client_left(bus->manager);
        free(c);
        p = &bus->connections; /* whatever the above called may have added some */
    }
}

int connection_new(struct bus *bus, DBusConnection *dbus, bool direct, struct connection **ret) {
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    *c = (struct connection){
        .bus = bus,
        .dbus = dbus_connection_ref(dbus),
        .direct = direct,
        .uid = (uid_t)-1,
        .authenticate = { .when = USEC_INFINITY,
                          .clock = CLOCK_MONOTONIC,
                          .handler = on_authenticate_timeout,
                          .userdata = c },
        .stalled = { .when = USEC_INFINITY, .clock = CLOCK_MONOTONIC, .handler = on_stalled, .userdata = c },
        .dispatch = { .handler = on_dispatch, .userdata = c, .priority = 5 },
        .send = { .handler = connection_send_deferred, .userdata = c, .priority = SEND_PRIORITY },
    };
    if (!bus->bury.handler)
        bus->bury = (struct deferred){ .handler = bury, .userdata = bus, .priority = 100 };
    dbus_connection_set_exit_on_disconnect(dbus, FALSE);
    dbus_connection_set_route_peer_messages(dbus, TRUE);
    dbus_connection_set_max_message_size(dbus, MESSAGE_MAX);
    dbus_connection_set_max_received_size(dbus, RECEIVED_MAX);
    dbus_connection_set_max_message_unix_fds(dbus, FDS_MAX);
    dbus_connection_set_max_received_unix_fds(dbus, 4 * FDS_MAX);
    if (!dbus_connection_add_filter(dbus, on_message, c, NULL)) {
        dbus_connection_unref(dbus);
        free(c);
        return -ENOMEM;
    }
    if (glue_connection(&c->glue, bus->manager->loop, dbus) < 0) {
        dbus_connection_remove_filter(dbus, on_message, c);
        dbus_connection_set_watch_functions(dbus, NULL, NULL, NULL, NULL, NULL);
        dbus_connection_set_timeout_functions(dbus, NULL, NULL, NULL, NULL, NULL);
        glue_done(&c->glue);
        dbus_connection_unref(dbus);
        free(c);
        return -ENOMEM;
    }
    c->glue.served = on_served;
    if (direct)
        timer_set(bus->manager->loop, &c->authenticate, usec_add(now(CLOCK_MONOTONIC), AUTHENTICATE_USEC));
    dbus_connection_set_dispatch_status_function(dbus, on_dispatch_status, c, NULL);
    if (dbus_connection_get_dispatch_status(dbus) == DBUS_DISPATCH_DATA_REMAINS)
        deferred_queue(bus->manager->loop, &c->dispatch);
    c->next = bus->connections;
    bus->connections = c;
    bus->n_connections++;
    if (ret)
        *ret = c;
    return 0;
}

struct connection *connection_find(struct bus *bus, DBusConnection *dbus) {
    for (struct connection *c = bus->connections; c; c = c->next)
        if (c->dbus == dbus && !c->dying)
            return c;
    return NULL;
}

void connection_close(struct connection *c) {
    if (c->dying)
        return;
    c->dying = true;
    timer_stop(&c->authenticate);
    if (c->stalled.when != USEC_INFINITY)
        manager_tell_more(c->bus->manager);
    timer_stop(&c->stalled);
    deferred_cancel(&c->dispatch);
    connection_forget_outgoing(c);
    if (!c->direct)
        system_bus_lost(c);
    dbus_connection_close(c->dbus);
    deferred_queue(c->bus->manager->loop, &c->bus->bury);
}

void connections_close_all(struct bus *bus) {
    for (struct connection *c = bus->connections; c; c = c->next)
        connection_close(c);
    deferred_cancel(&bus->bury);
    bury(bus);
}
