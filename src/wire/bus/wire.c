/* SPDX-License-Identifier: Apache-2.0 */
/* The wire's life: start, stop, flush. */
#include "wire/bus/bus.h"

#include "wire/bus/internal.h"

#include <errno.h>
#include <limits.h>

struct bus *bus_instance;

static int start(struct wire *w, struct manager *m) {
    /* libdbus ends the process when it finds itself misused, unless told not to. Services do not see the
     * variable: what they inherit was copied before. */
    if (setenv("DBUS_FATAL_WARNINGS", "0", 1) < 0)
        return -ENOMEM;
    struct bus *bus = w->userdata;
    if (!bus) {
        bus = calloc(1, sizeof *bus);
        if (!bus)
            return -ENOMEM;
        *bus = (struct bus){ .manager = m, .wire = w };
        w->userdata = bus_instance = bus;
        bus_signals_start(bus);
    }
    int r = bus_server_start(bus);
    int q = system_bus_start(bus);
    return r < 0 ? r : q;
}

static void stop(struct wire *w) {
    struct bus *bus = w->userdata;
    if (!bus)
        return;
    bus_server_stop(bus);
    system_bus_stop(bus);
    connections_close_all(bus);
    bus_signals_stop(bus);
    text_free(&bus->signal);
    w->userdata = bus_instance = NULL;
    free(bus);
}

/* As much as the kernel takes without waiting. */
static void flush(struct wire *w) {
    struct bus *bus = w->userdata;
    for (struct connection *c = bus ? bus->connections : NULL; c; c = c->next) {
        for (long left = LONG_MAX; !c->dying && dbus_connection_get_is_connected(c->dbus);) {
            connection_send_waiting(c);
            long before = left;
            left = c->dying ? 0 : connection_outgoing(c);
            if (left == 0 || left == before)
                break;
            dbus_connection_read_write(c->dbus, 0);
        }
    }
}

static bool serving(struct wire *w) {
    struct bus *bus = w->userdata;
    for (struct connection *c = bus ? bus->connections : NULL; c; c = c->next)
        if (c->direct && !c->dying)
            return true;
    return false;
}

static void watch_bus_name(struct wire *w, const char *name, bool watch) {
    system_bus_watch_name(w->userdata, name, watch);
}

struct wire bus_wire = {
    .name = "bus",
    .start = start,
    .stop = stop,
    .watch_bus_name = watch_bus_name,
    .flush = flush,
    .serving = serving,
};
