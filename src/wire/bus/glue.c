/* SPDX-License-Identifier: Apache-2.0 */
/* libdbus' watches and timeouts on the engine's loop. libdbus wants a read and a write watch on one
 * descriptor; epoll knows a descriptor once: they are merged here. */
#include "base/fd.h"
#include "wire/bus/internal.h"

#include <errno.h>

static unsigned events_of_flags(unsigned flags) {
    return (flags & DBUS_WATCH_READABLE ? EPOLLIN : 0) | (flags & DBUS_WATCH_WRITABLE ? EPOLLOUT : 0);
}

static void on_ready(struct io *io, int fd, uint32_t events, void *userdata) {
    struct glue *g = userdata;
    if (g->permit && !g->permit(g))
        return;
    unsigned flags = (events & EPOLLIN ? DBUS_WATCH_READABLE : 0) |
                     (events & EPOLLOUT ? DBUS_WATCH_WRITABLE : 0) |
                     (events & EPOLLHUP ? DBUS_WATCH_HANGUP : 0) | (events & EPOLLERR ? DBUS_WATCH_ERROR : 0);
    /* A watch may vanish while another is served. */
    DBusWatch *now[ELEMENTS(g->watches)];
    for (size_t i = 0; i < ELEMENTS(now); i++)
        now[i] = g->watches[i];
    for (size_t i = 0; i < ELEMENTS(now); i++) {
        if (!now[i] || g->watches[i] != now[i] || !dbus_watch_get_enabled(now[i]))
            continue;
        unsigned wanted = flags & (dbus_watch_get_flags(now[i]) | DBUS_WATCH_HANGUP | DBUS_WATCH_ERROR);
        if (wanted)
            dbus_watch_handle(now[i], wanted); /* FALSE: out of memory; level-triggered, so it comes again */
    }
    if (g->served)
        g->served(g);
}

static bool glue_update(struct glue *g) {
    unsigned events = 0;
    int fd = -1;
    for (size_t i = 0; i < ELEMENTS(g->watches); i++)
        if (g->watches[i] && dbus_watch_get_enabled(g->watches[i])) {
            events |= events_of_flags(dbus_watch_get_flags(g->watches[i]));
            fd = dbus_watch_get_unix_fd(g->watches[i]);
        }
    if (g->want_write) {
        events |= EPOLLOUT;
        fd = g->fd;
    }
    if (events == 0 || (g->io && fd != g->fd)) {
        /* A descriptor nobody wants to read would still report a hang-up, for ever. */
        g->io = io_remove(g->io);
        if (events == 0)
            return true;
    }
    g->fd = fd;
    if (g->io)
        return io_set_events(g->io, events) >= 0;
    return io_add(g->loop, fd, events, on_ready, g, &g->io) >= 0;
}

static dbus_bool_t add_watch(DBusWatch *watch, void *data) {
    struct glue *g = data;
    for (size_t i = 0; i < ELEMENTS(g->watches); i++)
        if (!g->watches[i]) {
            g->watches[i] = watch;
            if (glue_update(g))
                return TRUE;
            g->watches[i] = NULL;
            glue_update(g);
            return FALSE;
        }
    return FALSE;
}

static void remove_watch(DBusWatch *watch, void *data) {
    struct glue *g = data;
    for (size_t i = 0; i < ELEMENTS(g->watches); i++)
        if (g->watches[i] == watch)
            g->watches[i] = NULL;
    glue_update(g);
}

static void toggle_watch(DBusWatch *watch, void *data) {
    glue_update(data);
}

/* --- timeouts ------------------------------------------------------------------------------------------- */
struct glue_timeout {
    struct timer timer;
    DBusTimeout *timeout;
    struct loop *loop;
};

static void timeout_arm(struct glue_timeout *t) {
    if (!dbus_timeout_get_enabled(t->timeout)) {
        timer_stop(&t->timer);
        return;
    }
    usec_t interval = (usec_t)MAX(dbus_timeout_get_interval(t->timeout), 1) * USEC_PER_MSEC;
    timer_set(t->loop, &t->timer, usec_add(now(CLOCK_MONOTONIC), interval));
}

static void on_timeout(struct timer *timer, void *userdata) {
    struct glue_timeout *t = userdata;
    timeout_arm(t);                  /* libdbus' timeouts repeat until they are disabled or removed */
    dbus_timeout_handle(t->timeout); /* may free t */
}

static dbus_bool_t add_timeout(DBusTimeout *timeout, void *data) {
    struct glue *g = data;
    struct glue_timeout *t = calloc(1, sizeof *t);
    if (!t)
        return FALSE;
    *t = (struct glue_timeout){
        .timer = { .when = USEC_INFINITY, .clock = CLOCK_MONOTONIC, .handler = on_timeout, .userdata = t },
        .timeout = timeout,
        .loop = g->loop,
    };
    timeout_arm(t);
    dbus_timeout_set_data(timeout, t, NULL);
    return TRUE;
}

static void remove_timeout(DBusTimeout *timeout, void *data) {
    struct glue_timeout *t = dbus_timeout_get_data(timeout);
    if (!t)
        return;
    dbus_timeout_set_data(timeout, NULL, NULL);
    timer_stop(&t->timer);
    free(t);
}

static void toggle_timeout(DBusTimeout *timeout, void *data) {
    struct glue_timeout *t = dbus_timeout_get_data(timeout);
    if (t)
        timeout_arm(t);
}

/* --- both kinds of owners ------------------------------------------------------------------------------- */
int glue_connection(struct glue *g, struct loop *loop, DBusConnection *connection) {
    *g = (struct glue){ .loop = loop, .fd = -1 };
    if (!dbus_connection_set_watch_functions(connection, add_watch, remove_watch, toggle_watch, g, NULL) ||
        !dbus_connection_set_timeout_functions(connection, add_timeout, remove_timeout, toggle_timeout, g,
                                               NULL))
        return -ENOMEM;
    return 0;
}

int glue_server(struct glue *g, struct loop *loop, DBusServer *server) {
    *g = (struct glue){ .loop = loop, .fd = -1 };
    if (!dbus_server_set_watch_functions(server, add_watch, remove_watch, toggle_watch, g, NULL) ||
        !dbus_server_set_timeout_functions(server, add_timeout, remove_timeout, toggle_timeout, g, NULL))
        return -ENOMEM;
    return 0;
}

bool glue_want_write(struct glue *g, bool want) {
    if (g->want_write == want)
        return true;
    g->want_write = want;
    return glue_update(g);
}

void glue_pause(struct glue *g) {
    g->io = io_remove(g->io);
}

void glue_resume(struct glue *g) {
    if (!g->io)
        glue_update(g);
}

void glue_done(struct glue *g) {
    g->io = io_remove(g->io);
}
