/* SPDX-License-Identifier: Apache-2.0 */
/* A signal is composed once, as the bytes that go over the wire, and given to everyone who listens: there are
 * thousands of them when much happens, and libdbus takes ten times as long over one. D-Bus Specification "Message
 * Format". Knows no signal of systemd's. */
#include "wire/bus/body.h"
#include "wire/bus/internal.h"

#include <endian.h>
#include <string.h>

#define BODY_LENGTH_AT 4 /* in a message */

static bool listens(const struct connection *c, bool concerned) {
    if (c->dying)
        return false;
    return c->direct ? c->authenticated : concerned || system_bus_subscribed(c->bus);
}

bool bus_anybody_listens(const struct bus *bus, bool concerned) {
    for (const struct connection *c = bus->connections; c; c = c->next)
        if (listens(c, concerned))
            return true;
    return false;
}

static void add_field(struct text *t, char code, int type, const char *signature, const char *value) {
    body_align(t, 8);
    text_add_char(t, code);
    body_open(t, DBUS_TYPE_VARIANT, signature);
    body_basic(t, type, &value);
}

bool signal_begin(struct bus *bus, struct signal *s, const char *path, const char *interface, const char *name,
                  const char *signature, bool concerned) {
    static const char flags[] = { __BYTE_ORDER == __LITTLE_ENDIAN ? DBUS_LITTLE_ENDIAN : DBUS_BIG_ENDIAN,
                                  DBUS_MESSAGE_TYPE_SIGNAL, DBUS_HEADER_FLAG_NO_REPLY_EXPECTED,
                                  DBUS_MAJOR_PROTOCOL_VERSION };
    if (!bus_anybody_listens(bus, concerned))
        return false;
    struct text *t = &bus->signal;
    text_clear(t);
    text_add_n(t, flags, sizeof(flags));
    body_u32(t, 0); /* the length of the body: below */
    if (++bus->signal_serial == 0)
        bus->signal_serial++;
    body_u32(t, bus->signal_serial);
    struct body_array fields = body_open(t, DBUS_TYPE_ARRAY, "(yv)");
    add_field(t, DBUS_HEADER_FIELD_PATH, DBUS_TYPE_OBJECT_PATH, "o", path);
    add_field(t, DBUS_HEADER_FIELD_INTERFACE, DBUS_TYPE_STRING, "s", interface);
    add_field(t, DBUS_HEADER_FIELD_MEMBER, DBUS_TYPE_STRING, "s", name);
    add_field(t, DBUS_HEADER_FIELD_SENDER, DBUS_TYPE_STRING, "s", BUS_NAME);
    if (*signature)
        add_field(t, DBUS_HEADER_FIELD_SIGNATURE, DBUS_TYPE_SIGNATURE, "g", signature);
    body_close(t, &fields);
    body_align(t, 8);
    *s = (struct signal){ .bus = bus, .body = t->len, .concerned = concerned };
    out_init_body(&s->out, t);
    return true;
}

/* The message bus names the sender itself, and libdbus gives the serial. */
static void send_by_libdbus(struct connection *c, const struct text *t) {
    DBusMessage *m = dbus_message_demarshal(t->s, (int)t->len, NULL), *copy = m ? dbus_message_copy(m) : NULL;
    if (m)
        dbus_message_unref(m);
    if (copy && dbus_message_set_sender(copy, NULL))
        connection_send(c, copy);
    else if (copy)
        dbus_message_unref(copy);
}

void signal_send(struct signal *s) {
    struct text *t = &s->bus->signal;
    bool failed = out_finish(&s->out) < 0;
    uint32_t length = (uint32_t)(t->len - s->body);
    if (!failed)
        memcpy(t->s + BODY_LENGTH_AT, &length, sizeof(length));
    for (struct connection *c = s->bus->connections; c; c = c->next) {
        if (!listens(c, s->concerned))
            continue;
        if (failed && c->direct)
            connection_close(c); /* who waits for it for ever is worse off */
        else if (failed)
            continue;
        else if (c->direct)
            connection_send_bytes(c, t->s, t->len);
        else
            send_by_libdbus(c, t);
    }
}
