/* SPDX-License-Identifier: Apache-2.0 */
/* The introspection documents, written from the tables. */
#include "wire/bus/internal.h"

#include <string.h>

static void arguments(struct text *out, const char *signature, const char *direction) {
    DBusSignatureIter i;
    if (!*signature)
        return;
    dbus_signature_iter_init(&i, signature);
    do {
        char *one = dbus_signature_iter_get_signature(&i);
        if (!one) {
            out->failed = true;
            return;
        }
        text_addf(out, "   <arg type=\"%s\"%s/>\n", one, direction);
        dbus_free(one);
    } while (dbus_signature_iter_next(&i));
}

static void one_interface(const struct interface *i, struct text *out) {
    static const char *const emits[] = {
        [EMITS_CONST] = "const", [EMITS_INVALIDATION] = "invalidates", [EMITS_FALSE] = "false"
    };
    text_addf(out, " <interface name=\"%s\">\n", i->name);
    for (const struct method *m = i->methods; m && m->name; m++) {
        text_addf(out, "  <method name=\"%s\">\n", m->name);
        arguments(out, m->in, " direction=\"in\"");
        arguments(out, m->out, " direction=\"out\"");
        text_add(out, "  </method>\n");
    }
    for (const struct signal_row *s = i->signals; s && s->name; s++) {
        text_addf(out, "  <signal name=\"%s\">\n", s->name);
        arguments(out, s->signature, "");
        text_add(out, "  </signal>\n");
    }
    for (const struct property *const *table = i->properties; table && *table; table++)
        for (const struct property *p = *table; p->name; p++) {
            text_addf(out, "  <property name=\"%s\" type=\"%s\" access=\"%s\"", p->name, p->signature,
                      p->set ? "readwrite" : "read");
            if (p->emits == EMITS_CHANGE)
                text_add(out, "/>\n");
            else
                text_addf(out,
                          ">\n   <annotation name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" "
                          "value=\"%s\"/>\n"
                          "  </property>\n",
                          emits[p->emits]);
        }
    text_add(out, " </interface>\n");
}

static void child(struct text *out, const char *name) {
    text_addf(out, " <node name=\"%s\"/>\n", name);
}

static void children(struct bus *bus, const char *path, struct text *out) {
    static const struct {
        const char *path, *child;
    } rows[] = {
        { "/", "org" },
        { "/", "org/freedesktop" },
        { "/", "org/freedesktop/LogControl1" },
        { "/", "org/freedesktop/systemd1" },
        { "/org", "freedesktop" },
        { "/org/freedesktop", "LogControl1" },
        { "/org/freedesktop", "systemd1" },
        { BUS_PATH, "unit" },
        { BUS_PATH, "job" },
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (strcmp(path, rows[i].path) == 0)
            child(out, rows[i].child);
    bool units = strcmp(path, BUS_PATH "/unit") == 0, jobs = strcmp(path, BUS_PATH "/job") == 0;
    if (units)
        for (struct unit_name *n = bus->manager->names; n; n = n->hh.next) {
            char buffer[OBJECT_PATH_MAX];
            if (n->name == n->unit->id)
                child(out, unit_object_path(n->unit->id, buffer) + strlen(BUS_UNIT_PATH));
        }
    if (jobs)
        for (struct job *j = bus->manager->jobs; j; j = j->hh.next)
            text_addf(out, " <node name=\"%u\"/>\n", j->id);
}

void introspect(struct bus *bus, const struct object *object, const char *path, struct text *out) {
    text_add(out, "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
                  "\"https://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n"
                  "<node>\n"
                  " <interface name=\"org.freedesktop.DBus.Peer\">\n"
                  "  <method name=\"Ping\"/>\n"
                  "  <method name=\"GetMachineId\">\n"
                  "   <arg type=\"s\" direction=\"out\"/>\n"
                  "  </method>\n"
                  " </interface>\n"
                  " <interface name=\"org.freedesktop.DBus.Introspectable\">\n"
                  "  <method name=\"Introspect\">\n"
                  "   <arg type=\"s\" direction=\"out\"/>\n"
                  "  </method>\n"
                  " </interface>\n"
                  " <interface name=\"org.freedesktop.DBus.Properties\">\n"
                  "  <method name=\"Get\">\n"
                  "   <arg type=\"s\" direction=\"in\"/>\n"
                  "   <arg type=\"s\" direction=\"in\"/>\n"
                  "   <arg type=\"v\" direction=\"out\"/>\n"
                  "  </method>\n"
                  "  <method name=\"GetAll\">\n"
                  "   <arg type=\"s\" direction=\"in\"/>\n"
                  "   <arg type=\"a{sv}\" direction=\"out\"/>\n"
                  "  </method>\n"
                  "  <method name=\"Set\">\n"
                  "   <arg type=\"s\" direction=\"in\"/>\n"
                  "   <arg type=\"s\" direction=\"in\"/>\n"
                  "   <arg type=\"v\" direction=\"in\"/>\n"
                  "  </method>\n"
                  "  <signal name=\"PropertiesChanged\">\n"
                  "   <arg type=\"s\"/>\n"
                  "   <arg type=\"a{sv}\"/>\n"
                  "   <arg type=\"as\"/>\n"
                  "  </signal>\n"
                  " </interface>\n");
    for (const struct interface *const *i = object->interfaces; *i; i++)
        one_interface(*i, out);
    children(bus, path, out);
    text_add(out, "</node>\n");
}
