/* SPDX-License-Identifier: Apache-2.0 */
/* From a message to a handler and back to a reply: object, interface, signature, permission; and the
 * interfaces every object has (Properties, Introspectable, Peer). Knows no method of systemd's. */
#include "wire/bus/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- messages of ours ----------------------------------------------------------------------------------- */
static DBusMessage *with_sender(DBusMessage *m) {
    if (m && !dbus_message_set_sender(m, BUS_NAME)) {
        dbus_message_unref(m);
        return NULL;
    }
    return m;
}

DBusMessage *bus_new_reply(DBusMessage *call) {
    return with_sender(dbus_message_new_method_return(call));
}

DBusMessage *bus_new_error(DBusMessage *call, const char *name, const char *message) {
    DBusMessage *m = with_sender(dbus_message_new_error(call, name, NULL));
    if (!m)
        return NULL;
    struct out o;
    out_init(&o, m);
    out_string(&o, message);
    if (out_finish(&o) < 0) {
        dbus_message_unref(m);
        return NULL;
    }
    return m;
}

static void send_or_close(struct connection *c, DBusMessage *call, DBusMessage *reply) {
    if (dbus_message_get_no_reply(call)) {
        if (reply)
            dbus_message_unref(reply);
    } else if (reply) {
        connection_send(c, reply);
    } else {
        connection_close(c); /* no memory for an answer: better than to let the client wait for it */
    }
}

void bus_reply_empty(struct connection *c, DBusMessage *call) {
    send_or_close(c, call, bus_new_reply(call));
    dbus_message_unref(call);
}

static void refuse(struct connection *c, DBusMessage *call, const char *name, const char *format, ...)
    _printf_(4, 5);
static void refuse(struct connection *c, DBusMessage *call, const char *name, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    send_or_close(c, call, bus_new_error(call, name, text));
}

static void refuse_error(struct connection *c, DBusMessage *call, int r, const struct error *error) {
    char buffer[64];
    if (error->kind != ERROR_NONE)
        refuse(c, call, bus_error_name(error->kind), "%s", error->message);
    else
        refuse(c, call, bus_errno_name(r, buffer), "%s", strerror(abs(r)));
}

int call_refuse(struct call *call, const char *name, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    send_or_close(call->connection, call->message, bus_new_error(call->message, name, text));
    return CALL_LATER;
}

/* --- reading arguments ---------------------------------------------------------------------------------- */
static void arg_basic(struct call *call, void *value) {
    dbus_message_iter_get_basic(&call->args, value);
    dbus_message_iter_next(&call->args);
}

const char *arg_string(struct call *call) {
    const char *s;
    arg_basic(call, &s);
    return s;
}

bool arg_bool(struct call *call) {
    dbus_bool_t b;
    arg_basic(call, &b);
    return b;
}

uint32_t arg_u32(struct call *call) {
    uint32_t v;
    arg_basic(call, &v);
    return v;
}

int32_t arg_i32(struct call *call) {
    int32_t v;
    arg_basic(call, &v);
    return v;
}

uint64_t arg_u64(struct call *call) {
    uint64_t v;
    arg_basic(call, &v);
    return v;
}

uint8_t arg_byte(struct call *call) {
    uint8_t v;
    arg_basic(call, &v);
    return v;
}

int arg_strv(struct call *call, char ***ret) {
    _cleanup_strv_ char **v = NULL;
    DBusMessageIter i;
    size_t n = 0;
    for (dbus_message_iter_recurse(&call->args, &i); dbus_message_iter_get_arg_type(&i) == DBUS_TYPE_STRING;
         dbus_message_iter_next(&i))
        n++;
    v = calloc(n + 1, sizeof *v);
    if (!v)
        return -ENOMEM;
    n = 0;
    for (dbus_message_iter_recurse(&call->args, &i); dbus_message_iter_get_arg_type(&i) == DBUS_TYPE_STRING;
         dbus_message_iter_next(&i)) {
        const char *s;
        dbus_message_iter_get_basic(&i, &s);
        if (!(v[n++] = strdup(s)))
            return -ENOMEM;
    }
    dbus_message_iter_next(&call->args);
    *ret = TAKE(v);
    return 0;
}

/* --- Properties ----------------------------------------------------------------------------------------- */
const struct property *interface_find_property(const struct interface *i, const char *name) {
    for (const struct property *const *table = i->properties; table && *table; table++)
        for (const struct property *p = *table; p->name; p++)
            if (strcmp(p->name, name) == 0)
                return p;
    return NULL;
}

static void out_property(struct out *out, const struct object *object, const struct property *p) {
    out_open(out, DBUS_TYPE_VARIANT, p->signature);
    p->get(object, p, out);
    out_close(out);
}

static const struct property *find_property(const struct object *object, const char *interface,
                                            const char *name) {
    for (const struct interface *const *i = object->interfaces; *i; i++) {
        if (*interface && strcmp(interface, (*i)->name) != 0)
            continue;
        const struct property *p = interface_find_property(*i, name);
        if (p)
            return p;
    }
    return NULL;
}

static bool standard_interface(const char *name) {
    return strcmp(name, DBUS_INTERFACE_PROPERTIES) == 0 || strcmp(name, DBUS_INTERFACE_INTROSPECTABLE) == 0 ||
           strcmp(name, DBUS_INTERFACE_PEER) == 0;
}

static int properties_get(struct call *call, struct out *reply, struct error *error) {
    const char *interface = arg_string(call), *name = arg_string(call);
    const struct property *p = find_property(call->object, interface, name);
    if (!p)
        return call_refuse(call, DBUS_ERROR_UNKNOWN_PROPERTY, "Unknown interface %s or property %s.",
                           interface, name);
    out_property(reply, call->object, p);
    return 0;
}

static int properties_get_all(struct call *call, struct out *reply, struct error *error) {
    const char *interface = arg_string(call);
    bool found = !*interface || standard_interface(interface);
    out_open(reply, DBUS_TYPE_ARRAY, "{sv}");
    for (const struct interface *const *i = call->object->interfaces; *i; i++) {
        if (*interface && strcmp(interface, (*i)->name) != 0)
            continue;
        found = true;
        for (const struct property *const *table = (*i)->properties; table && *table; table++)
            for (const struct property *p = *table; p->name; p++) {
                out_open(reply, DBUS_TYPE_DICT_ENTRY, NULL);
                out_string(reply, p->name);
                out_property(reply, call->object, p);
                out_close(reply);
            }
    }
    out_close(reply);
    if (!found)
        return call_refuse(call, DBUS_ERROR_UNKNOWN_INTERFACE, "Unknown interface %s.", interface);
    return 0;
}

static int properties_set(struct call *call, struct out *reply, struct error *error) {
    const char *interface = arg_string(call), *name = arg_string(call);
    const struct property *p = find_property(call->object, interface, name);
    if (!p)
        return call_refuse(call, DBUS_ERROR_UNKNOWN_PROPERTY, "Unknown interface %s or property %s.",
                           interface, name);
    if (!p->set)
        return call_refuse(call, DBUS_ERROR_PROPERTY_READ_ONLY, "Property '%s' is not writable.", name);
    DBusMessageIter value;
    dbus_message_iter_recurse(&call->args, &value);
    char *signature = dbus_message_iter_get_signature(&value);
    if (!signature)
        return -ENOMEM;
    bool same = strcmp(signature, p->signature) == 0;
    dbus_free(signature);
    if (!same)
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "Incorrect parameters for property '%s', expected '%s'.", name, p->signature);
    return p->set(call, p, &value, error);
}

/* --- Introspectable, Peer ------------------------------------------------------------------------------- */
static int introspectable_introspect(struct call *call, struct out *reply, struct error *error) {
    _cleanup_text_ struct text document = {};
    introspect(call->bus, call->object, dbus_message_get_path(call->message), &document);
    if (document.failed)
        return -ENOMEM;
    out_string(reply, text_str(&document));
    return 0;
}

static int peer_ping(struct call *call, struct out *reply, struct error *error) {
    return 0;
}

static int peer_get_machine_id(struct call *call, struct out *reply, struct error *error) {
    char id[33];
    out_string(reply, id128_to_string(call->bus->manager->machine_id, id));
    return 0;
}

static const struct method properties_methods[] = {
    { "Get", "ss", "v", properties_get, METHOD_ANYBODY },
    { "GetAll", "s", "a{sv}", properties_get_all, METHOD_ANYBODY },
    { "Set", "ssv", "", properties_set },
    {},
};
static const struct method introspectable_methods[] = {
    { "Introspect", "", "s", introspectable_introspect, METHOD_ANYBODY },
    {},
};
static const struct method peer_methods[] = {
    { "Ping", "", "", peer_ping, METHOD_ANYBODY },
    { "GetMachineId", "", "s", peer_get_machine_id, METHOD_ANYBODY },
    {},
};
static const struct interface standard_interfaces[] = {
    { DBUS_INTERFACE_PROPERTIES, properties_methods },
    { DBUS_INTERFACE_INTROSPECTABLE, introspectable_methods },
    { DBUS_INTERFACE_PEER, peer_methods },
};

/* --- calls ---------------------------------------------------------------------------------------------- */
static const struct method *find_method(const struct interface *i, const char *interface, const char *name) {
    if (interface && strcmp(interface, i->name) != 0)
        return NULL;
    for (const struct method *m = i->methods; m && m->name; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

static const struct method *object_find_method(const struct object *object, const char *interface,
                                               const char *name) {
    const struct method *m = NULL;
    for (const struct interface *const *i = object->interfaces; *i && !m; i++)
        m = find_method(*i, interface, name);
    for (size_t i = 0; i < ELEMENTS(standard_interfaces) && !m; i++)
        m = find_method(&standard_interfaces[i], interface, name);
    return m;
}

void bus_serve(struct connection *c, DBusMessage *message, uid_t uid, pid_t pid) {
    const char *path = dbus_message_get_path(message), *interface = dbus_message_get_interface(message),
               *member = dbus_message_get_member(message);
    struct error error = {};
    struct object object;
    if (!path || !member)
        return;
    const struct method *method = find_method(&standard_interfaces[2], interface ?: "", member);
    if (method) { /* Peer is everywhere */
        object = (struct object){ .kind = OBJECT_NONE, .manager = c->bus->manager };
    } else {
        int r = object_find(c->bus, path, pid, &object, &error);
        if (r == -ENOENT && error.kind == ERROR_NONE) {
            refuse(c, message, DBUS_ERROR_UNKNOWN_OBJECT, "Unknown object '%s'.", path);
            return;
        }
        if (r < 0) {
            refuse_error(c, message, r, &error);
            return;
        }
        method = object_find_method(&object, interface, member);
    }
    if (!method) {
        refuse(c, message, DBUS_ERROR_UNKNOWN_METHOD, "Unknown method %s or interface %s.", member,
               interface ?: "");
        return;
    }
    if (!(method->flags & METHOD_ANYBODY) && uid != 0 && uid != geteuid()) {
        refuse(c, message, DBUS_ERROR_ACCESS_DENIED, "Access to %s.%s() not permitted.", interface ?: "",
               member);
        return;
    }
    if (!dbus_message_has_signature(message, method->in)) {
        refuse(c, message, DBUS_ERROR_INVALID_ARGS, "Invalid arguments '%s' to call %s.%s(), expecting '%s'.",
               dbus_message_get_signature(message), interface ?: "", member, method->in);
        return;
    }

    DBusMessage *reply = bus_new_reply(message);
    if (!reply) {
        connection_close(c);
        return;
    }
    struct out out;
    struct call call = { .bus = c->bus,
                         .connection = c,
                         .message = message,
                         .object = &object,
                         .method = method,
                         .uid = uid,
                         .pid = pid };
    out_init(&out, reply);
    dbus_message_iter_init(message, &call.args);
    int r = method->handler(&call, &out, &error);
    int finished = out_finish(&out);
    if (r == 0 && finished >= 0) {
        send_or_close(c, message, reply);
        return;
    }
    dbus_message_unref(reply);
    if (r <= 0)
        refuse_error(c, message, r < 0 ? r : finished, &error);
}

DBusHandlerResult bus_dispatch(struct connection *c, DBusMessage *message) {
    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL)
        bus_serve(c, message, c->uid, c->pid);
    return DBUS_HANDLER_RESULT_HANDLED; /* signals and stray replies are nobody's */
}
