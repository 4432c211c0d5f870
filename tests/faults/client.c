/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <dbus/dbus.h>
#include <stdio.h>
#include <string.h>

#define MANAGER "/org/freedesktop/systemd1"
#define UNIT MANAGER "/unit/"
#define NAME "org.freedesktop.systemd1"
#define PROPERTIES "org.freedesktop.DBus.Properties"
enum { PATIENCE_MSEC = 30000, CONNECTIONS = 8 };

/* Calls with strings alone; NULL ends them. */
static const struct step {
    const char *path, *interface, *method, *arguments[3];
    bool may_fail;
} steps[] = {
    { MANAGER, NAME ".Manager", "Subscribe", {}, true }, /* may be subscribed already, by the connection before */
    { MANAGER, NAME ".Manager", "StartUnit", { "plain.service", "replace" } },
    { MANAGER, NAME ".Manager", "StartUnit", { "missing.service", "replace" }, true },
    { MANAGER, NAME ".Manager", "LoadUnit", { "full.service" } },
    { MANAGER, NAME ".Manager", "GetUnit", { "bystander.service" } },
    { UNIT "full_2eservice", PROPERTIES, "GetAll", { "" } },
    { UNIT "lone_2esocket", PROPERTIES, "GetAll", { NAME ".Socket" } },
    { UNIT "bystander_2eservice", PROPERTIES, "Get", { NAME ".Service", "ExecStart" } },
    { MANAGER, PROPERTIES, "GetAll", { NAME ".Manager" } },
    { UNIT "plain_2eservice", "org.freedesktop.DBus.Introspectable", "Introspect", {} },
    { MANAGER, NAME ".Manager", "ListUnits", {} },
    { MANAGER, NAME ".Manager", "ListJobs", {} },
    { MANAGER, NAME ".Manager", "ListUnitFiles", {} },
    { MANAGER, NAME ".Manager", "GetUnitFileState", { "plain.service" } },
    { MANAGER, NAME ".Manager", "GetUnitProcesses", { "bystander.service" } },
    { MANAGER, NAME ".Manager", "Dump", {} },
    { UNIT "plain_2eservice", NAME ".Unit", "Restart", { "replace" } },
    { MANAGER, NAME ".Manager", "ReloadOrRestartUnit", { "plain.service", "replace" } },
    { MANAGER, NAME ".Manager", "Reload", {} },
    { MANAGER, NAME ".Manager", "ResetFailed", {} },
    { MANAGER, NAME ".Manager", "StopUnit", { "plain.service", "replace" } },
};

static DBusConnection *connect_to(const char *socket) {
    char address[256];
    snprintf(address, sizeof(address), "unix:path=%s", socket);
    DBusConnection *c = dbus_connection_open_private(address, NULL);
    if (c)
        dbus_connection_set_exit_on_disconnect(c, FALSE);
    return c;
}

/* 1: answered; 0: refused; -1: the connection is gone; -2: no answer. */
static int call(DBusConnection *c, const struct step *s, DBusError *error) {
    DBusMessage *m = dbus_message_new_method_call(NAME, s->path, s->interface, s->method);
    for (int i = 0; i < 3 && s->arguments[i]; i++)
        dbus_message_append_args(m, DBUS_TYPE_STRING, &s->arguments[i], DBUS_TYPE_INVALID);
    DBusMessage *reply = dbus_connection_send_with_reply_and_block(c, m, PATIENCE_MSEC, error);
    dbus_message_unref(m);
    while ((m = dbus_connection_pop_message(c)))
        dbus_message_unref(m); /* what it says unasked */
    if (reply) {
        dbus_message_unref(reply);
        return 1;
    }
    if (!dbus_connection_get_is_connected(c) || dbus_error_has_name(error, DBUS_ERROR_DISCONNECTED))
        return -1;
    return dbus_error_has_name(error, DBUS_ERROR_NO_REPLY) ? -2 : 0;
}

int client_run(const char *socket, bool tolerant) {
    DBusConnection *c = NULL;
    unsigned connections = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]);) {
        if (!c && (connections++ == CONNECTIONS || (!(c = connect_to(socket)) && !tolerant))) {
            fprintf(stderr, "client: no connection for %s\n", steps[i].method);
            return 1;
        }
        if (!c)
            continue;
        DBusError error = DBUS_ERROR_INIT;
        int r = call(c, &steps[i], &error);
        if (r == -2 || (r < 1 && !tolerant && !steps[i].may_fail)) {
            fprintf(stderr, "client: %s %s: %s: %s\n", steps[i].method,
                    steps[i].arguments[0] ? steps[i].arguments[0] : "", error.name, error.message);
            return 1;
        }
        dbus_error_free(&error);
        if (r == -1) {
            dbus_connection_close(c);
            dbus_connection_unref(c);
            c = NULL;
        } else
            i++;
    }
    if (c) {
        dbus_connection_close(c);
        dbus_connection_unref(c);
    }
    return 0;
}
