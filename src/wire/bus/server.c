/* SPDX-License-Identifier: Apache-2.0 */
/* The private socket, RUNTIME/systemd/private: who may connect. Knows no methods. */
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "wire/bus/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVER_PAUSE_USEC USEC_PER_SEC /* how long nobody is accepted when there are no descriptors */

/* libdbus supports listening on systemd's sockets, and for that wants two functions of a library we do not
 * link. */
int sd_listen_fds(int unset_environment);
int sd_is_socket(int fd, int family, int type, int listening);

int sd_listen_fds(int unset_environment) {
    return 0;
}

int sd_is_socket(int fd, int family, int type, int listening) {
    return -ENOTSUP;
}

static bool uid_allowed(uid_t uid) {
    return uid == 0 || uid == geteuid();
}

static dbus_bool_t allow_user(DBusConnection *connection, unsigned long uid, void *data) {
    return uid_allowed((uid_t)uid);
}

static void on_new_connection(DBusServer *server, DBusConnection *dbus, void *data) {
    struct bus *bus = data;
    int fd;
    struct ucred peer;
    socklen_t size = sizeof peer;
    /* What is not taken over here is closed by libdbus. Whoever may not come in does not even start to
     * authenticate. */
    if (!dbus_connection_get_socket(dbus, &fd) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
        !uid_allowed(peer.uid))
        return;
    unsigned same = 0;
    struct connection *silent = NULL; /* the oldest that has not said who it is */
    for (struct connection *c = bus->connections; c; c = c->next) {
        if (c->dying)
            continue;
        same += c->uid == peer.uid;
        if (c->direct && !dbus_connection_get_is_authenticated(c->dbus))
            silent = c;
    }
    /* When there are too many, who only connected has to make room for who may have something to say. */
    if (bus->n_connections >= CONNECTIONS_MAX || same >= CONNECTIONS_PER_UID_MAX) {
        if (!silent) {
            log_warning("Too many connections on %s: one more is refused.", bus->socket_path);
            return;
        }
        connection_close(silent);
    }
    dbus_connection_set_unix_user_function(dbus, allow_user, NULL, NULL);
    struct connection *c;
    if (connection_new(bus, dbus, true, &c) < 0)
        return;
    c->uid = peer.uid;
    c->pid = peer.pid;
}

/* Without a descriptor to spare accept() fails, and the socket stays readable: look away for a while. */
static bool may_accept(struct glue *g) {
    struct bus *bus = CONTAINER_OF(g, struct bus, server_glue);
    int fd = fcntl(g->fd, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0) {
        close(fd);
        return true;
    }
    glue_pause(g);
    timer_set(g->loop, &bus->server_pause, usec_add(now(CLOCK_MONOTONIC), SERVER_PAUSE_USEC));
    return false;
}

static void on_pause_over(struct timer *timer, void *userdata) {
    struct bus *bus = userdata;
    if (bus->server)
        glue_resume(&bus->server_glue);
}

static bool socket_is_there(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

void bus_server_stop(struct bus *bus) {
    timer_stop(&bus->server_pause);
    if (bus->server) {
        dbus_server_disconnect(bus->server);
        dbus_server_set_watch_functions(bus->server, NULL, NULL, NULL, NULL, NULL);
        dbus_server_set_timeout_functions(bus->server, NULL, NULL, NULL, NULL, NULL);
        dbus_server_unref(bus->server);
        bus->server = NULL;
    }
    glue_done(&bus->server_glue);
    free(TAKE(bus->socket_path));
}

int bus_server_start(struct bus *bus) {
    if (bus->server && dbus_server_get_is_connected(bus->server) && socket_is_there(bus->socket_path))
        return 0;
    bus_server_stop(bus);
    bus->server_pause = (struct timer){
        .when = USEC_INFINITY, .clock = CLOCK_MONOTONIC, .handler = on_pause_over, .userdata = bus
    };

    bus->socket_path = path_join(bus->manager->dirs.runtime, "systemd/private");
    if (!bus->socket_path)
        return -ENOMEM;
    int r = mkdir_parents(bus->socket_path, 0755);
    if (r < 0)
        return r;
    /* A stale socket of an earlier boot. */
    if (unlink(bus->socket_path) < 0 && errno != ENOENT)
        return -errno;

    _cleanup_free_ char *escaped = dbus_address_escape_value(bus->socket_path);
    _cleanup_text_ struct text address = {};
    text_addf(&address, "unix:path=%s", escaped ? escaped : "");
    if (!escaped || address.failed)
        return -ENOMEM;
    DBusError error = DBUS_ERROR_INIT;
    mode_t mask = umask(0177);
    bus->server = dbus_server_listen(text_str(&address), &error);
    umask(mask);
    if (!bus->server) {
        log_error("Cannot listen on %s: %s", bus->socket_path, error.message);
        dbus_error_free(&error);
        return -EIO;
    }
    /* libdbus opens the socket to everyone; who may come in is decided by uid all the same. */
    if (chmod(bus->socket_path, 0600) < 0)
        log_warning("Cannot restrict %s: %s", bus->socket_path, strerror(errno));
    static const char *mechanisms[] = { "EXTERNAL", NULL };
    if (!dbus_server_set_auth_mechanisms(bus->server, mechanisms) ||
        glue_server(&bus->server_glue, bus->manager->loop, bus->server) < 0) {
        bus_server_stop(bus);
        return -ENOMEM;
    }
    bus->server_glue.permit = may_accept;
    dbus_server_set_new_connection_function(bus->server, on_new_connection, bus, NULL);
    return 0;
}
