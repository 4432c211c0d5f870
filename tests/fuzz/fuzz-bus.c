/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of clients: bytes are read as a D-Bus message, which is served over a manager whose units have
 * hostile strings. Jobs are made, but the loop never turns, so that nothing is run. The first byte says who
 * calls. */
#include "wire/bus/internal.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "wire/bus/bus.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLS_A_MANAGER 200 /* then it is made anew, so that what clients leave behind does not pile up */

static struct manager *manager;
static DBusConnection *client;
static char runtime[64];
static unsigned calls;

/* What root may change here: nothing outside of the runtime directory. */
static const char *const as_root[] = { "StartTransientUnit",
                                       "StartUnit",
                                       "EnqueueUnitJob",
                                       "CancelJob",
                                       "ClearJobs",
                                       "SetEnvironment",
                                       "UnsetAndSetEnvironment",
                                       "RefUnit",
                                       "UnrefUnit",
                                       "ResetFailedUnit",
                                       "Start",
                                       "Stop",
                                       "EnqueueJob",
                                       "Ref",
                                       "Unref",
                                       "Cancel",
                                       "Set" };

static void quiet(const struct log_record *record, void *userdata) {
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    return remove(path);
}

static void write_unit(const char *name, const char *content) {
    char path[256];
    snprintf(path, sizeof path, "%s/systemd/system/%s", runtime, name);
    if (file_write(path, content, 0644) < 0)
        abort();
}

static void setup(void) {
    char path[256];
    strcpy(runtime, "/tmp/fuzz-bus-XXXXXX");
    if (!mkdtemp(runtime))
        abort();
    snprintf(path, sizeof path, "%s/systemd/system", runtime);
    if (mkdir_p(path, 0755) < 0)
        abort();
    write_unit("a.service",
               "[Unit]\nDescription=\xc3\xa4%%\nConditionPathExists=|!/x\n[Service]\n"
               "ExecStart=-/bin/sh -c '\\xff\\xfe' ; /bin/true\nEnvironment=\"A=\\xff\\xc0\\x80\"\n"
               "EnvironmentFile=-/x\nSystemCallFilter=~@mount\nSetCredential=x:\\xff\nBindPaths=/a\\:b:/c\n"
               "IPAddressAllow=::1\nCPUAffinity=0-9\nLimitNOFILE=1:2\nSuccessExitStatus=3 SIGHUP\n");
    write_unit("a.socket", "[Socket]\nListenStream=/run/\xc3\xa4\nListenDatagram=@x\n");
    write_unit("a.timer", "[Timer]\nOnCalendar=daily\nOnBootSec=5\n");
    write_unit("b.target", "[Unit]\nRequires=c.target\nAfter=c.target\n");
    write_unit("c.target", "");
    struct manager_options options = { .system = true };
    options.dirs = (struct manager_dirs){ .runtime = runtime,
                                          .state = runtime,
                                          .cache = runtime,
                                          .logs = runtime,
                                          .configuration = runtime,
                                          .system = true };
    if (manager_new(&options, &manager) < 0 || bus_wire.start(&bus_wire, manager) < 0)
        abort();
    snprintf(path, sizeof path, "unix:path=%s/systemd/private", runtime);
    client = dbus_connection_open_private(path, NULL);
    if (!client)
        abort();
    dbus_connection_set_exit_on_disconnect(client, FALSE);
    for (int i = 0; i < 1000 && !dbus_connection_get_is_authenticated(client); i++) {
        loop_turn(manager->loop, 0);
        dbus_connection_read_write(client, 0);
    }
    loop_turn(manager->loop, 0);
    bus_instance->connections->authenticated = true; /* signals go to it */
}

static void teardown(void) {
    dbus_connection_close(client);
    dbus_connection_unref(client);
    bus_wire.stop(&bus_wire);
    manager_free(manager);
    manager = NULL;
    nftw(runtime, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    log_set_sink(quiet, NULL);
    DBusMessage *message = dbus_message_demarshal((const char *)data + 1, (int)size - 1, NULL);
    if (!message)
        return 0;
    const char *member = dbus_message_get_member(message);
    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL && member) {
        uid_t uid = 65534;
        for (size_t i = 0; i < ELEMENTS(as_root); i++)
            if (data[0] & 1 && strcmp(member, as_root[i]) == 0)
                uid = 0;
        if (!manager)
            setup();
        struct connection *c = bus_instance->connections;
        bus_serve(c, message, uid, data[0] & 2 ? getpid() : 0);
        bool closed = c->dying;
        for (DBusMessage *m;
             dbus_connection_read_write(client, 0) && (m = dbus_connection_pop_message(client));)
            dbus_message_unref(m);
        if (closed || ++calls % CALLS_A_MANAGER == 0)
            teardown();
    }
    dbus_message_unref(message);
    return 0;
}
