/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: from settings to ports and dependencies, and state as text and back. systemd.socket(5). */
#include "base/fd.h"
#include "base/strv.h"
#include "engine/serialize.h"
#include "engine/socket_address.h"
#include "engine/socket_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int refuse(struct unit *u, const char *why) {
    free(u->file->error);
    u->file->error = strdup(why);
    unit_log(u, LOG_ERR, "%s", why);
    return -ENOEXEC;
}

static int make_ports(struct socket_unit *s, const struct listen_list *list) {
    struct socket_port *ports = calloc(list->n, sizeof(*ports));
    if (!ports)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        ports[i] = (struct socket_port){ .address = &list->items[i], .fd = -1, .unit = &s->unit };
    socket_drop_ports(s);
    s->ports = ports;
    s->n_ports = list->n;
    return 0;
}

static int check(struct unit *u) {
    const struct socket_unit *s = SOCKET(u);
    const char *service = unit_string(u->file, D_Service);
    size_t paths = 0;
    for (size_t i = 0; i < s->n_ports; i++) {
        enum listen_kind kind = s->ports[i].address->kind;
        paths += listen_has_path(s->ports[i].address);
        if (unit_bool(u->file, D_Accept) && kind != LISTEN_STREAM && kind != LISTEN_SEQPACKET)
            return refuse(u,
                          "Unit configured for accepting sockets, but sockets are non-accepting. Refusing.");
    }
    if (unit_bool(u->file, D_Accept) && unit_size(u->file, D_MaxConnections) == 0)
        return refuse(u, "MaxConnections= setting too small. Refusing.");
    if (unit_bool(u->file, D_Accept) && service && *service)
        return refuse(u,
                      "Explicit service configuration for accepting socket units not supported. Refusing.");
    if (strv_length(unit_strv(u->file, D_Symlinks)) > 0 && paths != 1)
        return refuse(u,
                      "Unit has symlinks set but none or more than one node in the file system. Refusing.");
    return 0;
}

static int add_dependencies(struct unit *u) {
    struct socket_unit *s = SOCKET(u);
    int r = 0;
    if (!unit_bool(u->file, D_Accept)) {
        r = unit_load_triggered(u, unit_string(u->file, D_Service), &s->service);
        if (r >= 0)
            r = unit_add_two_dependencies(u, DEP_BEFORE, DEP_TRIGGERS, s->service);
    }
    if (r >= 0 && (unit_commands(u->file, D_ExecStartPre) || unit_commands(u->file, D_ExecStartPost) ||
                   unit_commands(u->file, D_ExecStopPre) || unit_commands(u->file, D_ExecStopPost)))
        r = unit_add_exec_dependencies(u);
    if (r < 0 || !unit_bool(u->file, D_DefaultDependencies))
        return r;
    r = unit_add_dependency_by_name(u, DEP_BEFORE, "sockets.target");
    if (r >= 0)
        r = unit_add_two_dependencies_by_name(u, DEP_AFTER, DEP_REQUIRES, "sysinit.target");
    if (r >= 0)
        r = unit_add_two_dependencies_by_name(u, DEP_BEFORE, DEP_CONFLICTS, "shutdown.target");
    return r;
}

int socket_load(struct unit *u) {
    const struct listen_list *list = unit_object(u->file, D_Listen);
    /* The log process has its own sockets: the unit says no more than that they are there. */
    if ((!list || list->n == 0) && u->file->builtin)
        return 0;
    if (!list || list->n == 0)
        return refuse(
            u, "Unit has no Listen setting (ListenStream=, ListenDatagram=, ListenFIFO=, ...). Refusing.");
    int r = make_ports(SOCKET(u), list);
    if (r >= 0)
        r = check(u);
    return r < 0 ? r : add_dependencies(u);
}

void socket_drop_ports(struct socket_unit *s) {
    /* While units are forgotten for a reload, the descriptors wait under their numbers to be claimed again.
     */
    socket_unwatch_ports(s);
    for (size_t i = 0; i < s->n_ports; i++) {
        timer_stop(&s->ports[i].again);
        if (!s->unit.manager->p->reloading)
            fd_close(s->ports[i].fd);
    }
    free(s->ports);
    s->ports = NULL;
    s->n_ports = 0;
}

/* --- what a service is given --------------------------------------------------------------------------- */

int socket_collect_fds(struct unit *socket, int **fds, char ***names, size_t *n) {
    const struct socket_unit *s = SOCKET(socket);
    const char *name = unit_string(socket->file, D_FileDescriptorName);
    if (unit_bool(socket->file, D_Accept) || s->n_ports == 0)
        return 0;
    int *all = realloc(*fds, (*n + s->n_ports) * sizeof(*all));
    if (!all)
        return -ENOMEM;
    *fds = all;
    size_t had = *n;
    for (size_t i = 0; i < s->n_ports; i++) {
        if (s->ports[i].fd < 0)
            continue;
        if (strv_add(names, name && *name ? name : socket->id) < 0) {
            for (; *n > had; (*n)--)
                free(TAKE((*names)[*n - 1]));
            return -ENOMEM;
        }
        all[(*n)++] = s->ports[i].fd;
    }
    return 0;
}

int socket_collect_connection(int fd, int **fds, char ***names, size_t *n, char ***env) {
    _cleanup_text_ struct text peer = {};
    unsigned port = socket_peer_port(fd);
    int r = 0;
    if (port > 0 && socket_peer_name(fd, &peer) >= 0) {
        r = strv_addf(env, "REMOTE_ADDR=%s", text_str(&peer));
        if (r >= 0)
            r = strv_addf(env, "REMOTE_PORT=%u", port);
    }
    int *all = r >= 0 ? realloc(*fds, (*n + 1) * sizeof(*all)) : NULL;
    if (!all)
        return -ENOMEM;
    *fds = all;
    r = strv_add(names, "connection");
    if (r < 0)
        return r;
    all[(*n)++] = fd;
    return 0;
}

/* --- state as text ------------------------------------------------------------------------------------- */

static const char *const exec_names[SOCKET_EXECS] = { "start-pre", "start-post", "stop-pre", "stop-post" };

static void port_name(const struct listen_address *a, struct text *out) {
    text_addf(out, "%d %s", (int)a->kind, a->text);
}

int socket_serialize(const struct unit *u, struct text *out) {
    const struct socket_unit *s = SOCKET(u);
    put_string(out, "state", socket_state_to_string(s->state));
    put_string(out, "result", socket_result_to_string(s->result));
    put_number(out, "n-accepted", s->n_accepted);
    put_number(out, "n-refused", s->n_refused);
    if (s->control_pid > 0) {
        put_number(out, "control-pid", s->control_pid);
        put_string(out, "control-exec", exec_names[s->control_exec]);
        put_number(out, "control-index", (int64_t)s->control_index);
    }
    for (size_t i = 0; i < s->n_ports; i++) {
        if (s->ports[i].fd < 0)
            continue;
        _cleanup_text_ struct text name = {};
        port_name(s->ports[i].address, &name);
        if (name.failed)
            return -ENOMEM;
        put_string(out, "port", text_str(&name));
        put_fd(out, "port-fd", s->ports[i].fd);
    }
    return 0;
}

static struct socket_port *port_by_name(struct socket_unit *s, const char *name) {
    for (size_t i = 0; i < s->n_ports; i++) {
        _cleanup_text_ struct text own = {};
        port_name(s->ports[i].address, &own);
        if (s->ports[i].fd < 0 && strcmp(text_str(&own), name) == 0)
            return &s->ports[i];
    }
    return NULL;
}

int socket_deserialize(struct unit *u, const char *name, const char *value) {
    struct socket_unit *s = SOCKET(u);
    if (strcmp(name, "state") == 0) {
        for (enum socket_state i = 0; i < SOCKET_STATES; i++)
            if (strcmp(value, socket_state_to_string(i)) == 0)
                s->state = i;
    } else if (strcmp(name, "result") == 0) {
        for (enum socket_result i = 0; i < SOCKET_RESULTS; i++)
            if (strcmp(value, socket_result_to_string(i)) == 0)
                s->result = i;
    } else if (strcmp(name, "n-accepted") == 0)
        s->n_accepted = (unsigned)get_number(value);
    else if (strcmp(name, "n-refused") == 0)
        s->n_refused = (unsigned)get_number(value);
    else if (strcmp(name, "control-pid") == 0)
        s->control_pid = (pid_t)get_number(value);
    else if (strcmp(name, "control-exec") == 0) {
        for (enum socket_exec i = 0; i < SOCKET_EXECS; i++)
            if (strcmp(value, exec_names[i]) == 0)
                s->control_exec = i;
    } else if (strcmp(name, "control-index") == 0)
        s->control_index = (size_t)get_number(value);
    else if (strcmp(name, "port") == 0) {
        _cleanup_free_ char *port = get_string(value);
        s->deserializing = port ? port_by_name(s, port) : NULL;
    } else if (strcmp(name, "port-fd") == 0) {
        int fd = get_fd(value);
        if (s->deserializing)
            s->deserializing->fd = fd;
        else
            fd_close(fd); /* the files no longer list it */
        s->deserializing = NULL;
    } else
        return 0;
    return 1;
}
