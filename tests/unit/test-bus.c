/* SPDX-License-Identifier: Apache-2.0 */
/* The bus wire against a real client of libdbus, in one process: a manager over a directory of units that
 * never runs a command, its private socket, and what comes back over it. */
#include "engine/manager.h"
#include "wire/bus/internal.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "wire/bus/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define TURNS 20000 /* until a test gives up waiting */

struct world {
    struct manager *manager;
    char runtime[64];
    DBusConnection *client;
};

static const struct {
    const char *name, *content;
} files[] = {
    { "plain.target", "[Unit]\nDescription=Plain\n" },
    { "masked.service", "" },
    { "template@.target", "[Unit]\nDescription=Instance %i\n" },
    { "needs.target", "[Unit]\nRequires=absent.target\n" },
    { "refuses.target", "[Unit]\nRefuseManualStart=yes\n" },
    { "hostile.service",
      "[Unit]\nDescription=\xc3\xa4 \xf0\x9f\x98\x80\nDocumentation=man:x(1) https://example.org/%%20\n"
      "ConditionPathExists=|!/x\nAssertPathExists=/\n"
      "[Service]\nExecStart=-/bin/sh -c \"a b\" '\\xff\\xfe' $X ${Y}\nExecStartPre=+/bin/true ; /bin/false\n"
      "Environment=\"A=\\xff\\xfe\\xc0\\x80\" B= \"C=\\x01\\x7f\"\nEnvironmentFile=-/nowhere\nUser=nobody\n"
      "SystemCallFilter=~@mount "
      "read:EPERM\nRestrictAddressFamilies=AF_UNIX\nLimitNOFILE=1:2\nCPUAffinity=0-3 9\n"
      "BindPaths=-/a\\:b:/c:norbind\nTemporaryFileSystem=/t:ro\nSetCredential=x:\\xff\nLoadCredential=y:/z\n"
      "SuccessExitStatus=3 SIGHUP\nStandardOutput=append:/x\nStandardInputText=hi\nRuntimeDirectory=a b:c\n"
      "IPAddressAllow=127.0.0.0/8 "
      "::1\nLogExtraFields=A=\\xff\nWorkingDirectory=-/nope\nDeviceAllow=/dev/null rw\n"
      "OpenFile=/etc/"
      "passwd:p:read-only\nPersonality=x86\nTTYRows=3\nMountFlags=slave\nSELinuxContext=-x\nDelegate=cpu\n" },
    { "hostile.socket", "[Socket]\nListenStream=/run/\xc3\xa4\nListenDatagram=@abstract\nListenFIFO=/"
                        "f\nListenNetlink=route 5\n" },
    { "hostile.timer", "[Timer]\nOnCalendar=daily\nOnBootSec=5min\nUnit=hostile.service\n" },
    { "hostile.path", "[Path]\nPathExists=/x\nPathChanged=/y\nUnit=hostile.service\n" },
    { "mnt-x.mount", "[Mount]\nWhat=x\nWhere=/mnt/x\n" },
    { "mnt-x.automount", "[Automount]\nWhere=/mnt/x\n" },
    { "dev-x.swap", "[Swap]\nWhat=/dev/x\n" },
    { "hostile.slice", "[Slice]\nMemoryMax=1G\nAllowedCPUs=0\n" },
};

static void quiet(const struct log_record *record, void *userdata) {
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    return remove(path);
}

static void turn(struct world *w) {
    assert_true(loop_turn(w->manager->loop, 0) >= 0);
    if (w->client)
        dbus_connection_read_write(w->client, 0);
}

static DBusConnection *connect_client(struct world *w) {
    char address[128];
    snprintf(address, sizeof address, "unix:path=%s/systemd/private", w->runtime);
    DBusConnection *c = dbus_connection_open_private(address, NULL);
    assert_non_null(c);
    dbus_connection_set_exit_on_disconnect(c, FALSE);
    for (int i = 0; i < TURNS && !dbus_connection_get_is_authenticated(c); i++) {
        loop_turn(w->manager->loop, 0);
        dbus_connection_read_write(c, 0);
    }
    assert_true(dbus_connection_get_is_authenticated(c));
    return c;
}

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    char path[256];
    log_set_sink(quiet, NULL);
    strcpy(w->runtime, "/tmp/test-bus-XXXXXX");
    assert_non_null(mkdtemp(w->runtime));
    snprintf(path, sizeof path, "%s/systemd/system", w->runtime);
    assert_int_equal(mkdir_p(path, 0755), 0);
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        snprintf(path, sizeof path, "%s/systemd/system/%s", w->runtime, files[i].name);
        assert_int_equal(file_write(path, files[i].content, 0644), 0);
    }
    struct manager_options options = { .system = true };
    options.dirs = (struct manager_dirs){ .runtime = w->runtime,
                                          .state = "/var/lib",
                                          .cache = "/var/cache",
                                          .logs = "/var/log",
                                          .configuration = "/etc",
                                          .system = true };
    assert_int_equal(manager_new(&options, &w->manager), 0);
    assert_int_equal(bus_wire.start(&bus_wire, w->manager), 0);
    w->client = connect_client(w);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    if (w->client) {
        dbus_connection_close(w->client);
        dbus_connection_unref(w->client);
    }
    bus_wire.stop(&bus_wire);
    manager_free(w->manager);
    nftw(w->runtime, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(w);
    log_set_sink(NULL, NULL);
    return 0;
}

/* --- talking ------------------------------------------------------------------------------------------------------ */
static DBusMessage *new_call(const char *path, const char *interface, const char *method) {
    DBusMessage *m = dbus_message_new_method_call(BUS_NAME, path, interface, method);
    assert_non_null(m);
    return m;
}

/* Sends the call and waits for its answer, an error or not. Signals that come before it go to `seen` (may be
 * NULL). */
static DBusMessage *ask(struct world *w, DBusMessage *call, char *seen, size_t room) {
    dbus_uint32_t serial;
    assert_true(dbus_connection_send(w->client, call, &serial));
    dbus_message_unref(call);
    for (int i = 0; i < TURNS; i++) {
        DBusMessage *m = dbus_connection_pop_message(w->client);
        if (!m) {
            turn(w);
            continue;
        }
        if (dbus_message_get_reply_serial(m) == serial)
            return m;
        if (seen && dbus_message_get_member(m)) {
            strncat(seen, dbus_message_get_member(m), room - strlen(seen) - 1);
            strncat(seen, " ", room - strlen(seen) - 1);
        }
        dbus_message_unref(m);
    }
    fail_msg("no answer");
    return NULL;
}

static DBusMessage *ask_manager(struct world *w, const char *method, int first_type, ...) {
    DBusMessage *m = new_call(BUS_PATH, BUS_NAME ".Manager", method);
    va_list args;
    va_start(args, first_type);
    assert_true(dbus_message_append_args_valist(m, first_type, args));
    va_end(args);
    return ask(w, m, NULL, 0);
}

static void assert_error(DBusMessage *reply, const char *name, const char *message) {
    const char *text = "";
    assert_int_equal(dbus_message_get_type(reply), DBUS_MESSAGE_TYPE_ERROR);
    assert_string_equal(dbus_message_get_error_name(reply), name);
    dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    if (message)
        assert_string_equal(text, message);
    dbus_message_unref(reply);
}

static void assert_path(DBusMessage *reply, const char *wanted) {
    const char *path = "";
    assert_int_equal(dbus_message_get_type(reply), DBUS_MESSAGE_TYPE_METHOD_RETURN);
    assert_true(dbus_message_get_args(reply, NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID));
    assert_string_equal(path, wanted);
    dbus_message_unref(reply);
}

/* --- the tests ---------------------------------------------------------------------------------------------------- */
static void get_all_tells_every_property_with_the_signature_of_its_row(void **state) {
    static const char *const units[] = { "hostile.service", "hostile.socket", "hostile.timer",
                                         "hostile.path",    "hostile.slice",  "mnt-x.mount",
                                         "mnt-x.automount", "dev-x.swap",     "plain.target",
                                         "dev-x.device",    "absent.service", "masked.service",
                                         "some.scope" };
    struct world *w = *state;
    for (size_t k = 0; k < ELEMENTS(units); k++) {
        char path[OBJECT_PATH_MAX];
        const char *all = "";
        struct unit *u;
        struct object object;
        DBusMessage *m = new_call(unit_object_path(units[k], path), DBUS_INTERFACE_PROPERTIES, "GetAll");
        assert_true(dbus_message_append_args(m, DBUS_TYPE_STRING, &all, DBUS_TYPE_INVALID));
        DBusMessage *reply = ask(w, m, NULL, 0);
        assert_int_equal(dbus_message_get_type(reply), DBUS_MESSAGE_TYPE_METHOD_RETURN);
        assert_string_equal(dbus_message_get_signature(reply), "a{sv}");
        assert_string_equal(dbus_message_get_sender(reply), BUS_NAME);
        struct error error = {};
        assert_int_equal(manager_load_unit(w->manager, units[k], &u, &error),
                         0); /* it may be forgotten already */
        object_of_unit(u, &object);
        size_t told = 0, rows = 0;
        DBusMessageIter i, entries;
        dbus_message_iter_init(reply, &i);
        for (dbus_message_iter_recurse(&i, &entries);
             dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
             dbus_message_iter_next(&entries)) {
            DBusMessageIter entry, value;
            const char *name;
            const struct property *p = NULL;
            dbus_message_iter_recurse(&entries, &entry);
            dbus_message_iter_get_basic(&entry, &name);
            dbus_message_iter_next(&entry);
            dbus_message_iter_recurse(&entry, &value);
            char *signature = dbus_message_iter_get_signature(&value);
            for (const struct interface *const *f = object.interfaces; *f && !p; f++)
                p = interface_find_property(*f, name);
            assert_non_null(p);
            assert_string_equal(signature, p->signature);
            dbus_free(signature);
            told++;
        }
        for (const struct interface *const *f = object.interfaces; *f; f++)
            for (const struct property *const *table = (*f)->properties; *table; table++)
                for (const struct property *p = *table; p->name; p++)
                    rows++;
        assert_int_equal(told, rows);
        dbus_message_unref(reply);
    }
}

static void every_getter_can_be_asked_alone(void **state) {
    struct world *w = *state;
    const char *interface = BUS_NAME ".Manager";
    for (const struct property *p = manager_properties; p->name; p++) {
        DBusMessage *m = new_call(BUS_PATH, DBUS_INTERFACE_PROPERTIES, "Get");
        assert_true(dbus_message_append_args(m, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &p->name,
                                             DBUS_TYPE_INVALID));
        DBusMessage *reply = ask(w, m, NULL, 0);
        DBusMessageIter i, value;
        assert_int_equal(dbus_message_get_type(reply), DBUS_MESSAGE_TYPE_METHOD_RETURN);
        dbus_message_iter_init(reply, &i);
        dbus_message_iter_recurse(&i, &value);
        char *signature = dbus_message_iter_get_signature(&value);
        assert_string_equal(signature, p->signature);
        dbus_free(signature);
        dbus_message_unref(reply);
    }
}

static void refusals_have_the_names_that_systemctl_decides_by(void **state) {
    struct world *w = *state;
    const char *nope = "nope.service", *masked = "masked.service", *refuses = "refuses.target",
               *mode = "replace", *plain = "plain.target", *isolate = "isolate", *bad = "sometimes",
               *needs = "needs.target", *dir = "a/b.service";
    assert_error(ask_manager(w, "GetUnit", DBUS_TYPE_STRING, &nope, DBUS_TYPE_INVALID),
                 BUS_NAME ".NoSuchUnit", "Unit nope.service not loaded.");
    assert_error(
        ask_manager(w, "StartUnit", DBUS_TYPE_STRING, &nope, DBUS_TYPE_STRING, &mode, DBUS_TYPE_INVALID),
        BUS_NAME ".NoSuchUnit", "Unit nope.service not found.");
    assert_error(
        ask_manager(w, "StopUnit", DBUS_TYPE_STRING, &nope, DBUS_TYPE_STRING, &mode, DBUS_TYPE_INVALID),
        BUS_NAME ".NoSuchUnit", "Unit nope.service not loaded.");
    assert_error(
        ask_manager(w, "StartUnit", DBUS_TYPE_STRING, &needs, DBUS_TYPE_STRING, &mode, DBUS_TYPE_INVALID),
        BUS_NAME ".NoSuchUnit", "Unit absent.target not found.");
    assert_error(
        ask_manager(w, "StartUnit", DBUS_TYPE_STRING, &masked, DBUS_TYPE_STRING, &mode, DBUS_TYPE_INVALID),
        BUS_NAME ".UnitMasked", "Unit masked.service is masked.");
    assert_error(
        ask_manager(w, "StartUnit", DBUS_TYPE_STRING, &refuses, DBUS_TYPE_STRING, &mode, DBUS_TYPE_INVALID),
        BUS_NAME ".OnlyByDependency", NULL);
    assert_error(
        ask_manager(w, "StartUnit", DBUS_TYPE_STRING, &plain, DBUS_TYPE_STRING, &isolate, DBUS_TYPE_INVALID),
        BUS_NAME ".NoIsolation", "Operation refused, unit may not be isolated.");
    assert_error(
        ask_manager(w, "ReloadUnit", DBUS_TYPE_STRING, &plain, DBUS_TYPE_STRING, &mode, DBUS_TYPE_INVALID),
        BUS_NAME ".JobTypeNotApplicable", NULL);
    assert_error(
        ask_manager(w, "StartUnit", DBUS_TYPE_STRING, &plain, DBUS_TYPE_STRING, &bad, DBUS_TYPE_INVALID),
        DBUS_ERROR_INVALID_ARGS, "Job mode sometimes invalid");
    assert_error(ask_manager(w, "LoadUnit", DBUS_TYPE_STRING, &dir, DBUS_TYPE_INVALID),
                 DBUS_ERROR_INVALID_ARGS, NULL);
    dbus_uint32_t job = 77;
    assert_error(ask_manager(w, "CancelJob", DBUS_TYPE_UINT32, &job, DBUS_TYPE_INVALID),
                 BUS_NAME ".NoSuchJob", "Job 77 does not exist.");
}

static void what_is_not_there_is_said_so(void **state) {
    struct world *w = *state;
    const char *x = "x";
    assert_error(ask_manager(w, "Nope", DBUS_TYPE_INVALID), DBUS_ERROR_UNKNOWN_METHOD, NULL);
    assert_error(ask_manager(w, "GetUnit", DBUS_TYPE_INVALID), DBUS_ERROR_INVALID_ARGS, NULL);
    assert_error(ask(w, new_call("/nope", NULL, "Ping2"), NULL, 0), DBUS_ERROR_UNKNOWN_OBJECT, NULL);
    assert_error(ask(w, new_call(BUS_JOB_PATH "99999999999", NULL, "Cancel"), NULL, 0),
                 DBUS_ERROR_UNKNOWN_OBJECT, NULL);
    DBusMessage *m = new_call(BUS_PATH, DBUS_INTERFACE_PROPERTIES, "Get");
    assert_true(dbus_message_append_args(m, DBUS_TYPE_STRING, &x, DBUS_TYPE_STRING, &x, DBUS_TYPE_INVALID));
    assert_error(ask(w, m, NULL, 0), DBUS_ERROR_UNKNOWN_PROPERTY, NULL);
    m = new_call(BUS_PATH, DBUS_INTERFACE_PROPERTIES, "GetAll");
    assert_true(dbus_message_append_args(m, DBUS_TYPE_STRING, &x, DBUS_TYPE_INVALID));
    assert_error(ask(w, m, NULL, 0), DBUS_ERROR_UNKNOWN_INTERFACE, NULL);
    dbus_message_unref(ask(w, new_call("/anywhere", DBUS_INTERFACE_PEER, "Ping"), NULL, 0));
}

static void a_job_is_announced_before_the_reply_and_removed_after_it(void **state) {
    struct world *w = *state;
    const char *plain = "plain.target", *mode = "replace";
    char before[256] = "";
    DBusMessage *m = new_call(BUS_PATH, BUS_NAME ".Manager", "StartUnit");
    assert_true(
        dbus_message_append_args(m, DBUS_TYPE_STRING, &plain, DBUS_TYPE_STRING, &mode, DBUS_TYPE_INVALID));
    DBusMessage *reply = ask(w, m, before, sizeof before);
    assert_int_equal(dbus_message_get_type(reply), DBUS_MESSAGE_TYPE_METHOD_RETURN);
    assert_non_null(strstr(before, "JobNew "));
    assert_null(strstr(before, "JobRemoved "));
    dbus_message_unref(reply);
    bool removed = false, changed = false;
    for (int i = 0; i < TURNS && !removed; i++) {
        m = dbus_connection_pop_message(w->client);
        if (!m) {
            turn(w);
            continue;
        }
        changed |= dbus_message_is_signal(m, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged");
        if (dbus_message_is_signal(m, BUS_NAME ".Manager", "JobRemoved")) {
            const char *path, *unit, *result;
            dbus_uint32_t id;
            assert_true(dbus_message_get_args(m, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_OBJECT_PATH, &path,
                                              DBUS_TYPE_STRING, &unit, DBUS_TYPE_STRING, &result,
                                              DBUS_TYPE_INVALID));
            assert_string_equal(unit, "plain.target");
            assert_string_equal(result, "done");
            removed = true;
        }
        dbus_message_unref(m);
    }
    assert_true(removed);
    assert_true(changed);
    assert_int_equal(unit_active_state(manager_get_unit(w->manager, "plain.target")), ACTIVE_ACTIVE);
}

static void paths_name_units_by_escaped_names(void **state) {
    struct world *w = *state;
    const char *instance = "template@a-b\\x2dc.target";
    assert_path(ask_manager(w, "LoadUnit", DBUS_TYPE_STRING, &instance, DBUS_TYPE_INVALID),
                BUS_UNIT_PATH "template_40a_2db_5cx2dc_2etarget");
    struct object object;
    struct error error = {};
    assert_int_equal(
        object_find(bus_instance, BUS_UNIT_PATH "template_40a_2db_5cx2dc_2etarget", 0, &object, &error), 0);
    assert_string_equal(object.unit->id, instance);
}

static void a_reference_lasts_as_long_as_its_client(void **state) {
    struct world *w = *state;
    const char *plain = "plain.target";
    dbus_message_unref(ask_manager(w, "RefUnit", DBUS_TYPE_STRING, &plain, DBUS_TYPE_INVALID));
    dbus_message_unref(ask_manager(w, "RefUnit", DBUS_TYPE_STRING, &plain, DBUS_TYPE_INVALID));
    assert_int_equal(manager_get_unit(w->manager, plain)->references, 2);
    /* The units are new ones, the client is the same. (No generators: the helper would be this program.) */
    w->manager->system = false;
    dbus_message_unref(ask_manager(w, "Reload", DBUS_TYPE_INVALID));
    assert_int_equal(manager_get_unit(w->manager, plain)->references, 2);
    dbus_message_unref(ask_manager(w, "UnrefUnit", DBUS_TYPE_STRING, &plain, DBUS_TYPE_INVALID));
    assert_int_equal(manager_get_unit(w->manager, plain)->references, 1);
    dbus_connection_close(w->client);
    dbus_connection_unref(w->client);
    w->client = NULL;
    for (int i = 0; i < 20; i++)
        turn(w);
    assert_null(bus_instance->references);
    struct unit *u = manager_get_unit(w->manager, plain);
    assert_true(!u || u->references == 0);
    assert_int_equal(bus_instance->n_connections, 0);
}

static void a_client_that_does_not_read_is_thrown_out(void **state) {
    struct world *w = *state;
    const char *path = BUS_UNIT_PATH "hostile_2eservice", *all = "";
    for (int i = 0; i < 1000 && bus_instance->n_connections > 0; i++) {
        DBusMessage *m = new_call(path, DBUS_INTERFACE_PROPERTIES, "GetAll");
        assert_true(dbus_message_append_args(m, DBUS_TYPE_STRING, &all, DBUS_TYPE_INVALID));
        dbus_connection_send(w->client, m, NULL); /* written at once, and nothing is ever read */
        dbus_message_unref(m);
        loop_turn(w->manager->loop, 0);
    }
    assert_int_equal(bus_instance->n_connections, 0);
}

static void a_request_comes_after_what_follows_from_the_one_before(void **state) {
    struct world *w = *state;
    const char *plain = "plain.target", *mode = "replace", *verbs[] = { "StartUnit", "StopUnit", "StartUnit" };
    for (size_t i = 0; i < ELEMENTS(verbs); i++) {
        DBusMessage *m = new_call(BUS_PATH, BUS_NAME ".Manager", verbs[i]);
        assert_true(dbus_message_append_args(m, DBUS_TYPE_STRING, &plain, DBUS_TYPE_STRING, &mode, DBUS_TYPE_INVALID) &&
                    dbus_connection_send(w->client, m, NULL));
        dbus_message_unref(m);
    }
    int removed = 0;
    for (int i = 0; i < TURNS && removed < 3; i++) {
        DBusMessage *m = dbus_connection_pop_message(w->client);
        const char *path, *unit, *result;
        dbus_uint32_t id;
        if (!m) {
            turn(w);
            continue;
        }
        if (dbus_message_is_signal(m, BUS_NAME ".Manager", "JobRemoved")) {
            assert_true(dbus_message_get_args(m, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_OBJECT_PATH, &path,
                                              DBUS_TYPE_STRING, &unit, DBUS_TYPE_STRING, &result, DBUS_TYPE_INVALID));
            assert_string_equal(result, "done"); /* not "canceled", by the next one */
            removed++;
        }
        dbus_message_unref(m);
    }
    assert_int_equal(removed, 3);
}

/* More than the socket takes: the rest waits, in the middle of a message at that, and what is asked meanwhile, of
 * the bus itself (an answer that libdbus would write on its own) or of the manager, is answered behind it. */
static void what_waits_for_a_slow_reader_stays_in_order(void **state) {
    enum { SIGNALS = 4000 };
    struct world *w = *state;
    const char *path = "/anything";
    DBusMessage *ping = dbus_message_new_method_call(NULL, path, DBUS_INTERFACE_PEER, "Ping");
    dbus_uint32_t pinged, listed;
    dbus_message_unref(ask_manager(w, "ListJobs", DBUS_TYPE_INVALID));
    for (int i = 0; i < SIGNALS / 2; i++)
        bus_tell_unit_files_changed(bus_instance);
    assert_true(connection_outgoing(bus_instance->connections) > OUTGOING_MUCH / 2);
    DBusMessage *list = new_call(BUS_PATH, BUS_NAME ".Manager", "ListUnits");
    assert_true(dbus_connection_send(w->client, ping, &pinged) && dbus_connection_send(w->client, list, &listed));
    dbus_message_unref(ping);
    dbus_message_unref(list);
    for (int i = 0; i < 10; i++)
        loop_turn(w->manager->loop, 0);
    for (int i = 0; i < SIGNALS / 2; i++)
        bus_tell_unit_files_changed(bus_instance);
    char order[16] = "";
    int signals = 0;
    for (int i = 0; i < TURNS && signals < SIGNALS; i++) {
        DBusMessage *m = dbus_connection_pop_message(w->client);
        if (!m) {
            turn(w);
            continue;
        }
        if (dbus_message_is_signal(m, BUS_NAME ".Manager", "UnitFilesChanged")) {
            assert_string_equal(dbus_message_get_path(m), BUS_PATH);
            assert_string_equal(dbus_message_get_sender(m), BUS_NAME);
            assert_string_equal(dbus_message_get_signature(m), "");
            if (++signals == SIGNALS / 2 + 1)
                strcat(order, "|");
        } else if (dbus_message_get_reply_serial(m) == pinged) {
            assert_int_equal(signals, SIGNALS / 2);
            strcat(order, "p");
        } else if (dbus_message_get_reply_serial(m) == listed) {
            strcat(order, "l");
        }
        dbus_message_unref(m);
    }
    assert_string_equal(order, "pl|");
    assert_int_equal(signals, SIGNALS);
    assert_int_equal(connection_outgoing(bus_instance->connections), 0);
}

static void rubbish_is_disconnected_and_others_go_on(void **state) {
    struct world *w = *state;
#define BYTES(literal)                                                                                       \
    { literal, sizeof literal - 1 }
    static const struct {
        const char *bytes;
        size_t n;
    } rubbish[] = {
        BYTES("GET / HTTP/1.0\r\n\r\n"),
        BYTES(""),
        BYTES("\1\1\1\1"),
        BYTES("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\nl\1\2\3"),
        BYTES("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\nl\1\0\1\xff\xff\xff\x7f\1\0\0\0\xff\xff\xff\x7f"),
    };
    for (size_t k = 0; k < ELEMENTS(rubbish); k++) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        snprintf(address.sun_path, sizeof address.sun_path, "%s/systemd/private", w->runtime);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(send(fd, rubbish[k].bytes, rubbish[k].n, MSG_NOSIGNAL), (ssize_t)rubbish[k].n);
        for (int i = 0; i < 10; i++)
            turn(w);
        close(fd);
    }
    for (int i = 0; i < 10; i++)
        turn(w);
    assert_int_equal(bus_instance->n_connections, 1);
    dbus_message_unref(ask_manager(w, "ListUnits", DBUS_TYPE_INVALID));
}

static void sigusr1_brings_back_a_socket_that_vanished(void **state) {
    struct world *w = *state;
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/systemd/private", w->runtime);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bus_wire.start(&bus_wire, w->manager), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    dbus_message_unref(ask_manager(w, "ListUnits", DBUS_TYPE_INVALID)); /* who was connected still is */
    DBusConnection *other = connect_client(w);
    dbus_connection_close(other);
    dbus_connection_unref(other);
}

static void introspection_lists_the_tables(void **state) {
    struct world *w = *state;
    const char *xml;
    DBusMessage *reply = ask(
        w, new_call(BUS_UNIT_PATH "hostile_2eservice", DBUS_INTERFACE_INTROSPECTABLE, "Introspect"), NULL, 0);
    assert_true(dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &xml, DBUS_TYPE_INVALID));
    assert_non_null(strstr(xml, "<interface name=\"" BUS_NAME ".Service\">"));
    assert_non_null(strstr(xml, "<property name=\"ExecStart\" type=\"a(sasbttttuii)\""));
    dbus_message_unref(reply);
}

static void strings_become_valid_utf8(void **state) {
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "plain", "plain" },
        { "\xc3\xa4", "\xc3\xa4" },
        { "a\xff"
          "b",
          "a\xEF\xBF\xBD"
          "b" },
        { "\xc0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xe2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xed\xa0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xf4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
    };
    for (size_t k = 0; k < ELEMENTS(rows); k++) {
        DBusMessage *m = dbus_message_new_signal("/", "a.b", "C");
        struct out o;
        const char *s;
        out_init(&o, m);
        out_string(&o, rows[k].in);
        assert_int_equal(out_finish(&o), 0);
        assert_true(dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &s, DBUS_TYPE_INVALID));
        assert_string_equal(s, rows[k].out);
        dbus_message_unref(m);
    }
}

static void the_nothing_of_a_signature(void **state) {
    static const char *const signatures[] = { "s",     "as",   "a(sst)", "(bas)",     "(aiai)",
                                              "a{sv}", "(uo)", "ayqnd",  "a(sba(ss))" };
    for (size_t k = 0; k < ELEMENTS(signatures); k++) {
        DBusMessage *m = dbus_message_new_signal("/", "a.b", "C");
        struct out o;
        out_init(&o, m);
        out_zero(&o, signatures[k]);
        assert_int_equal(out_finish(&o), 0);
        assert_string_equal(dbus_message_get_signature(m), signatures[k]);
        dbus_message_unref(m);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_become_valid_utf8),
        cmocka_unit_test(the_nothing_of_a_signature),
        TEST(get_all_tells_every_property_with_the_signature_of_its_row),
        TEST(every_getter_can_be_asked_alone),
        TEST(refusals_have_the_names_that_systemctl_decides_by),
        TEST(what_is_not_there_is_said_so),
        TEST(a_job_is_announced_before_the_reply_and_removed_after_it),
        TEST(paths_name_units_by_escaped_names),
        TEST(a_reference_lasts_as_long_as_its_client),
        TEST(a_client_that_does_not_read_is_thrown_out),
        TEST(a_request_comes_after_what_follows_from_the_one_before),
        TEST(what_waits_for_a_slow_reader_stays_in_order),
        TEST(rubbish_is_disconnected_and_others_go_on),
        TEST(sigusr1_brings_back_a_socket_that_vanished),
        TEST(introspection_lists_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
