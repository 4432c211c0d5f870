/* SPDX-License-Identifier: Apache-2.0 */
/* The applet's end of the bus: the private socket, calls, replies. Knows no verbs. */
#include "cli/systemctl/ctl.h"

#include "base/runtime.h"
#include "wire/bus/out.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ms */
#define CALL_TIMEOUT 90000
#define BACK_TIMEOUT 5000
#define BACK_POLL 20

void message_unrefp(DBusMessage **m) {
    if (*m)
        dbus_message_unref(*m);
}

/* --- connecting ----------------------------------------------------------------------------------------- */
bool ctl_in_chroot(void) {
    struct stat ours, first;
    const char *ignore = getenv("SYSTEMD_IGNORE_CHROOT");
    if (ignore && strcmp(ignore, "1") == 0)
        return false;
    return stat("/", &ours) >= 0 && stat("/proc/1/root/", &first) >= 0 &&
           (ours.st_dev != first.st_dev || ours.st_ino != first.st_ino);
}

static DBusConnection *open_private(DBusError *error) {
    for (enum runtime_place place = 0; place < RUNTIME_PLACES; place++) {
        _cleanup_text_ struct text address = {};
        _cleanup_free_ char *path = runtime_path(place, "systemd/private");
        /* Another manager's socket is none of ours, and this user may not be let in. */
        if (!path || access(path, W_OK) < 0)
            continue;
        char *escaped = dbus_address_escape_value(path);
        text_addf(&address, "unix:path=%s", escaped ? escaped : "");
        dbus_free(escaped);
        dbus_error_free(error);
        DBusConnection *c = address.failed ? NULL : dbus_connection_open_private(address.s, error);
        if (c)
            return c;
    }
    return NULL;
}

/* Has a manager booted that may be re-executing itself? What an ended one left does not count. */
static bool may_come_back(void) {
    struct running running;
    if (geteuid() != 0 || access("/run/systemd/system", F_OK) < 0)
        return false;
    return ctl_find_manager(&running) || running.pid == 0;
}

static DBusConnection *open_bus(void) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    DBusConnection *c = open_private(&error);
    /* Where a manager has booted, nobody answers for a moment while it re-executes itself. */
    for (int waited = 0; !c && waited < BACK_TIMEOUT && may_come_back();
         waited += BACK_POLL) {
        usleep(BACK_POLL * 1000);
        c = open_private(&error);
    }
    if (!c && geteuid() != 0 && access("/run/dbus/system_bus_socket", W_OK) >= 0) {
        dbus_error_free(&error);
        c = dbus_bus_get_private(DBUS_BUS_SYSTEM, &error);
    }
    if (c)
        dbus_connection_set_exit_on_disconnect(c, FALSE);
    return c;
}

void ctl_try_connect(void) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    if (!ctl.bus)
        ctl.bus = open_private(&error);
    if (ctl.bus)
        dbus_connection_set_exit_on_disconnect(ctl.bus, FALSE);
}

void ctl_disconnect(void) {
    if (!ctl.bus)
        return;
    dbus_connection_close(ctl.bus);
    dbus_connection_unref(TAKE(ctl.bus));
}

int ctl_connect(void) {
    if (ctl.bus)
        return 0;
    ctl.bus = open_bus();
    if (ctl.bus)
        return 0;
    bool there = access("/run/systemd/private", F_OK) >= 0;
    if (there && geteuid() != 0)
        fail("Only root may ask the service manager of this container: its socket is /run/systemd/private.");
    else
        fail("No service manager answers at /run/systemd/private%s.\n"
             "Make it the container's first process, with the command /sbin/init or `reeve init`. Units are enabled "
             "and\ndisabled without it.",
             there ? ": it has ended, or does not respond" : "");
    return -EHOSTDOWN;
}

bool ctl_offline(void) {
    const char *offline = getenv("SYSTEMD_OFFLINE");
    if (ctl.root || ctl.scope != SEARCH_SYSTEM || (offline && strcmp(offline, "1") == 0) || ctl_in_chroot())
        return true;
    if (!ctl.bus)
        ctl.bus = open_bus();
    return !ctl.bus;
}

/* --- calling -------------------------------------------------------------------------------------------- */
static void append(struct out *out, const char *types, va_list args) {
    for (; *types; types++)
        switch (*types) {
        case 's':
            out_string(out, va_arg(args, const char *));
            break;
        case 'b':
            out_bool(out, va_arg(args, int));
            break;
        case 'u':
            out_u32(out, va_arg(args, unsigned));
            break;
        case 'i':
            out_i32(out, va_arg(args, int));
            break;
        case 't':
            out_u64(out, va_arg(args, uint64_t));
            break;
        case 'y':
            out_byte(out, (uint8_t)va_arg(args, int));
            break;
        case 'A':
            out_strv(out, va_arg(args, char **));
            break;
        case 'F': {
            void (*appender)(struct out *, void *) = va_arg(args, void (*)(struct out *, void *));
            appender(out, va_arg(args, void *));
            break;
        }
        }
}

static DBusMessage *call(const char *path, const char *interface, const char *method, DBusError *error,
                         const char *types, va_list args) {
    _cleanup_message_ DBusMessage *m = dbus_message_new_method_call(BUS_NAME, path, interface, method);
    struct out out;
    if (m)
        out_init(&out, m);
    if (m && types)
        append(&out, types, args);
    if (!m || out_finish(&out) < 0) {
        dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    return dbus_connection_send_with_reply_and_block(ctl.bus, m, ctl.timeout > 0 ? ctl.timeout : CALL_TIMEOUT, error);
}

DBusMessage *ctl_call_at(const char *path, const char *interface, const char *method, DBusError *error,
                         const char *types, ...) {
    va_list args;
    va_start(args, types);
    DBusMessage *reply = call(path, interface, method, error, types, args);
    va_end(args);
    return reply;
}

DBusMessage *ctl_call(const char *method, DBusError *error, const char *types, ...) {
    va_list args;
    va_start(args, types);
    DBusMessage *reply = call(BUS_PATH, BUS_NAME ".Manager", method, error, types, args);
    va_end(args);
    return reply;
}

int ctl_do(const char *method, DBusError *error, const char *types, ...) {
    va_list args;
    va_start(args, types);
    _cleanup_message_ DBusMessage *reply = call(BUS_PATH, BUS_NAME ".Manager", method, error, types, args);
    va_end(args);
    return reply ? 0 : -EREMOTEIO;
}

DBusMessage *ctl_next_signal(void) {
    for (;;) {
        DBusMessage *m = dbus_connection_pop_message(ctl.bus);
        if (m && dbus_message_is_signal(m, DBUS_INTERFACE_LOCAL, "Disconnected")) {
            dbus_message_unref(m);
            return NULL;
        }
        if (m)
            return m;
        if (!dbus_connection_read_write(ctl.bus, -1))
            return NULL;
    }
}

bool error_is(const DBusError *error, const char *name) {
    const char *own = BUS_NAME ".";
    return error->name && strncmp(error->name, own, strlen(own)) == 0 && strcmp(error->name + strlen(own), name) == 0;
}

int error_exit_status(const DBusError *error) {
    static const struct {
        const char *name;
        int status;
    } statuses[] = {
        { "NoSuchUnit", EXIT_NOT_INSTALLED },
        { "LoadFailed", EXIT_NOT_CONFIGURED },
        { "JobTypeNotApplicable", EXIT_NOT_RUNNING },
        { "OnlyByDependency", EXIT_NO_PERMISSION },
        { "NoIsolation", EXIT_NO_PERMISSION },
        { "TransactionIsDestructive", EXIT_NO_PERMISSION },
    };
    for (size_t i = 0; i < ELEMENTS(statuses); i++)
        if (error_is(error, statuses[i].name))
            return statuses[i].status;
    return error->name && strcmp(error->name, DBUS_ERROR_ACCESS_DENIED) == 0 ? EXIT_NO_PERMISSION : EXIT_FAILURE;
}

/* --- reading -------------------------------------------------------------------------------------------- */
const char *take_string(DBusMessageIter *i) {
    const char *s = "";
    int type = dbus_message_iter_get_arg_type(i);
    if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH)
        dbus_message_iter_get_basic(i, &s);
    dbus_message_iter_next(i);
    return s;
}

uint64_t take_number(DBusMessageIter *i) {
    DBusBasicValue v = {};
    int type = dbus_message_iter_get_arg_type(i);
    if (dbus_type_is_basic(type) && !strchr("sogh", type))
        dbus_message_iter_get_basic(i, &v);
    dbus_message_iter_next(i);
    switch (type) {
    case DBUS_TYPE_BYTE:
        return v.byt;
    case DBUS_TYPE_INT16:
        return (uint64_t)(int64_t)v.i16;
    case DBUS_TYPE_UINT16:
        return v.u16;
    case DBUS_TYPE_INT32:
        return (uint64_t)(int64_t)v.i32;
    case DBUS_TYPE_BOOLEAN:
    case DBUS_TYPE_UINT32:
        return v.u32;
    case DBUS_TYPE_INT64:
    case DBUS_TYPE_UINT64:
        return v.u64;
    }
    return 0;
}

bool take_open(DBusMessageIter *i, DBusMessageIter *inner) {
    int type = dbus_message_iter_get_arg_type(i);
    if (!dbus_type_is_container(type))
        return false;
    dbus_message_iter_recurse(i, inner);
    dbus_message_iter_next(i);
    return true;
}

DBusMessage *props_get(const char *path, DBusError *error) {
    return ctl_call_at(path, DBUS_INTERFACE_PROPERTIES, "GetAll", error, "s", "");
}

bool props_find(DBusMessage *props, const char *name, DBusMessageIter *ret) {
    DBusMessageIter i, dict, entry;
    if (!props || !dbus_message_iter_init(props, &i) || !take_open(&i, &dict))
        return false;
    while (take_open(&dict, &entry))
        if (strcmp(take_string(&entry), name) == 0)
            return take_open(&entry, ret);
    return false;
}

const char *props_string(DBusMessage *props, const char *name) {
    DBusMessageIter i;
    return props_find(props, name, &i) ? take_string(&i) : "";
}

uint64_t props_number(DBusMessage *props, const char *name) {
    DBusMessageIter i;
    return props_find(props, name, &i) ? take_number(&i) : UINT64_MAX;
}

char **props_strings(DBusMessage *props, const char *name) {
    char **list = NULL;
    DBusMessageIter i, array;
    if (props_find(props, name, &i) && take_open(&i, &array))
        while (dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_STRING)
            if (strv_add(&list, take_string(&array)) < 0)
                break;
    return list;
}

char *prop_string(const char *path, const char *interface, const char *name, DBusError *error) {
    char full[64];
    snprintf(full, sizeof full, BUS_NAME ".%s", interface);
    _cleanup_message_ DBusMessage *reply = ctl_call_at(path, DBUS_INTERFACE_PROPERTIES, "Get", error, "ss", full, name);
    DBusMessageIter i, value;
    if (!reply)
        return NULL;
    const char *s = dbus_message_iter_init(reply, &i) && take_open(&i, &value) ? take_string(&value) : "";
    char *copy = strdup(s);
    if (!copy)
        dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "Out of memory.");
    return copy;
}
