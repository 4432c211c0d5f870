/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: what arrives on them, and the services they start. systemd.socket(5). */
#include "base/fd.h"
#include "base/strv.h"
#include "engine/job.h"
#include "engine/service.h"
#include "engine/socket_address.h"
#include "engine/socket_listen.h"
#include "engine/socket_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define POLL_BURST_ACCEPT 150 /* PollLimitBurst= with Accept=yes */

/* --- watching ------------------------------------------------------------------------------------------ */

static bool is_to_be_started(const struct unit *u) {
    return active_or_activating(unit_active_state(u)) ||
           (u->job && (u->job->type == JOB_START || u->job->type == JOB_RESTART));
}

static bool is_to_be_stopped(const struct unit *u) {
    return u->job && u->job->type == JOB_STOP;
}

/* Accept=no: the service does the accepting. */
static void trigger_service(struct socket_unit *s) {
    struct unit *u = &s->unit;
    if (!s->service || !is_to_be_started(s->service)) {
        struct error error = { 0 };
        int r = s->service ? manager_add_job(u->manager, JOB_START, s->service, JOB_REPLACE, &error, NULL)
                           : error_set(&error, ERROR_NO_SUCH_UNIT,
                                       "Service to activate vanished, refusing activation.");
        if (r < 0) {
            unit_log(u, LOG_WARNING, "Failed to queue service startup job: %s", error.message);
            socket_enter_stop_pre(s, SOCKET_FAILURE_RESOURCES);
            return;
        }
    }
    /* Queuing the job may have led anywhere, even to the end of this socket. */
    if (s->state == SOCKET_LISTENING)
        socket_set_state(s, SOCKET_RUNNING);
}

/* --- Accept=yes: one instance of the service for each connection --------------------------------------- */

void socket_count_connections(struct socket_unit *s) {
    s->n_connections = 0;
    UNIT_FOREACH_EDGE(e, &s->unit, DEP_BIT(DEP_TRIGGERS)) {
        struct unit *other = e->other;
        if (other->ops->type == UNIT_SERVICE && SERVICE(other)->accept_socket == &s->unit)
            s->n_connections += other->job || !inactive_or_failed(unit_active_state(other));
    }
}

static unsigned connections_from(struct socket_unit *s, const char *peer) {
    unsigned n = 0;
    UNIT_FOREACH_EDGE(e, &s->unit, DEP_BIT(DEP_TRIGGERS)) {
        struct unit *other = e->other;
        if (other->ops->type != UNIT_SERVICE || SERVICE(other)->accept_socket != &s->unit ||
            SERVICE(other)->socket_fd < 0)
            continue;
        _cleanup_text_ struct text name = {};
        n += socket_peer_name(SERVICE(other)->socket_fd, &name) >= 0 && strcmp(text_str(&name), peer) == 0;
    }
    return n;
}

static bool is_one_too_many(struct socket_unit *s, int fd) {
    struct unit *u = &s->unit;
    socket_count_connections(s);
    if (s->n_connections >= unit_size(u->file, D_MaxConnections)) {
        unit_log(u, LOG_WARNING, "Too many incoming connections (%u), dropping connection.",
                 s->n_connections);
        return true;
    }
    uint64_t most = unit_size(u->file, D_MaxConnectionsPerSource);
    if (most == 0)
        return false;
    _cleanup_text_ struct text peer = {};
    if (socket_peer_name(fd, &peer) < 0 || connections_from(s, text_str(&peer)) < most)
        return false;
    unit_log(u, LOG_WARNING, "Too many incoming connections from source %s, dropping connection.",
             text_str(&peer));
    return true;
}

/* "foo.socket" starts "foo@INSTANCE.service". */
static int load_instance(struct socket_unit *s, int fd, struct unit **ret) {
    _cleanup_text_ struct text instance = {}, name = {};
    _cleanup_free_ char *prefix = NULL;
    int r = socket_instance_name(fd, s->n_accepted, &instance);
    if (r >= 0)
        r = unit_name_prefix(s->unit.id, &prefix);
    if (r < 0)
        return r;
    text_addf(&name, "%s@%s.service", prefix, text_str(&instance));
    if (name.failed)
        return -ENOMEM;
    struct error error = { 0 };
    r = manager_load_unit(s->unit.manager, text_str(&name), ret, &error);
    if (r >= 0 && (*ret)->file->state != LOAD_LOADED) {
        unit_log(&s->unit, LOG_WARNING, "Service %s cannot be loaded.", text_str(&name));
        return -ENOENT;
    }
    return r;
}

/* The socket must not keep the instances of connections that are over in memory. */
static void unreference(struct unit *a, struct unit *b) {
    for (size_t i = 0; i < a->n_edges; i++)
        if (a->edges[i].other == b)
            a->edges[i].kinds &= ~(DEP_BIT(DEP_REFERENCES) | DEP_BIT(DEP_REFERENCED_BY));
}

/* The edge of Accept=yes, by which the socket hears of the instance. */
static int bind_instance(struct unit *socket, struct unit *service) {
    int r = unit_add_two_dependencies(socket, DEP_BEFORE, DEP_TRIGGERS, service);
    if (r < 0)
        return r;
    unreference(socket, service);
    unreference(service, socket);
    return 0;
}

int socket_adopt_instance(struct unit *service, const char *socket) {
    struct unit *u;
    int r = manager_load_unit(service->manager, socket, &u, NULL);
    if (r >= 0 && u->ops->type != UNIT_SOCKET)
        r = -EINVAL;
    if (r >= 0)
        r = bind_instance(u, service);
    if (r >= 0)
        SERVICE(service)->accept_socket = u;
    return r;
}

static int start_instance(struct socket_unit *s, int fd) {
    struct unit *u = &s->unit, *service = NULL;
    int r = load_instance(s, fd, &service);
    if (r >= 0)
        r = bind_instance(u, service);
    if (r < 0)
        return r;
    struct service *instance = SERVICE(service);
    if (instance->socket_fd >= 0)
        return -EBUSY;
    instance->socket_fd = fd;
    instance->accept_socket = u;
    struct error error = { 0 };
    r = manager_add_job(u->manager, JOB_START, service, JOB_REPLACE, &error, NULL);
    if (r < 0) {
        instance->socket_fd = -1;
        instance->accept_socket = NULL;
        unit_log(u, LOG_WARNING, "Failed to queue service startup job: %s", error.message);
        return r;
    }
    s->n_accepted++;
    socket_count_connections(s);
    unit_changed(u);
    return 0;
}

static void accept_connection(struct socket_unit *s, struct socket_port *port) {
    struct unit *u = &s->unit;
    _cleanup_close_ int fd = accept4(port->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        /* Gone again, or the network's business: accept(2) says to go on. */
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            unit_log(u, LOG_WARNING, "Failed to accept socket: %s", strerror(errno));
        return;
    }
    if (!unit_trigger_limit_allows(u, &s->trigger_limit)) {
        unit_log(u, LOG_NOTICE, "Trigger limit hit, refusing further activation.");
        socket_enter_stop_pre(s, SOCKET_FAILURE_TRIGGER_LIMIT_HIT);
        return;
    }
    if (is_one_too_many(s, fd)) {
        s->n_refused++;
        unit_changed(u);
        return;
    }
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) >= 0)
        socket_listen_apply_options(u->id, u->file, fd, address.ss_family);
    int r = start_instance(s, fd);
    if (r >= 0)
        fd = -1; /* the service has it now */
    else if (r == -ENOTCONN || r == -ECONNRESET)
        unit_log(u, LOG_DEBUG, "A connection was gone before its service could start.");
    else {
        s->n_refused++;
        unit_log(u, LOG_WARNING, "A connection was dropped: %s", strerror(-r));
    }
}

/* --- events -------------------------------------------------------------------------------------------- */

static void on_poll_again(struct timer *timer, void *userdata) {
    struct socket_port *port = userdata;
    struct socket_unit *s = SOCKET(port->unit);
    if (s->state == SOCKET_LISTENING && socket_watch_ports(s) < 0)
        socket_enter_stop_pre(s, SOCKET_FAILURE_RESOURCES);
}

/* PollLimitIntervalSec=, PollLimitBurst=: then the port is left alone for the rest of the interval. Only where one
 * of them is written: systemd 252, which has neither, reaches the trigger limit instead. */
static bool is_polled_too_often(struct socket_port *port) {
    const struct unit_file *file = port->unit->file;
    bool burst_written = unit_setting_written(file, D_PollLimitBurst);
    if (!burst_written && !unit_setting_written(file, D_PollLimitIntervalSec))
        return false;
    usec_t interval = unit_usec(file, D_PollLimitIntervalSec);
    uint64_t burst =
        burst_written || !unit_bool(file, D_Accept) ? unit_number(file, D_PollLimitBurst) : POLL_BURST_ACCEPT;
    if (rate_limit_allows(&port->poll_limit, interval, burst))
        return false;
    unit_log(port->unit, LOG_DEBUG, "Poll limit hit on %s.", port->address->text);
    port->io = io_remove(port->io);
    port->again.handler = on_poll_again;
    port->again.userdata = port;
    port->again.clock = CLOCK_MONOTONIC;
    timer_set(port->unit->manager->loop, &port->again, usec_add(port->poll_limit.begin, interval));
    return true;
}

static void on_port(struct io *io, int fd, uint32_t events, void *userdata) {
    struct socket_port *port = userdata;
    struct unit *u = port->unit;
    struct socket_unit *s = SOCKET(u);
    if (s->state != SOCKET_LISTENING)
        return;
    if (!(events & EPOLLIN)) {
        if (events & EPOLLHUP)
            unit_log(u, LOG_ERR,
                     "Socket %s was shut down, probably by the service, which should not do that.",
                     port->address->text);
        else
            unit_log(u, LOG_ERR, "Unexpected event 0x%x on socket %s.", events, port->address->text);
        socket_enter_stop_pre(s, SOCKET_FAILURE_RESOURCES);
        return;
    }
    if (is_to_be_stopped(u)) {
        /* Nobody will serve it any more: better that the caller learns of it at once than that it waits. */
        unit_log(u, LOG_DEBUG, "Suppressing connection request since unit stop is scheduled.");
        socket_listen_flush(port->address, fd);
        return;
    }
    if (is_polled_too_often(port))
        return;
    if (unit_bool(u->file, D_Accept)) {
        accept_connection(s, port);
        return;
    }
    if (!unit_trigger_limit_allows(u, &s->trigger_limit)) {
        unit_log(u, LOG_NOTICE, "Trigger limit hit, refusing further activation.");
        socket_enter_stop_pre(s, SOCKET_FAILURE_TRIGGER_LIMIT_HIT);
        return;
    }
    trigger_service(s);
}

int socket_watch_ports(struct socket_unit *s) {
    for (size_t i = 0; i < s->n_ports; i++) {
        struct socket_port *p = &s->ports[i];
        if (p->fd < 0 || p->io || p->again.place)
            continue;
        int r = io_add(s->unit.manager->loop, p->fd, EPOLLIN, on_port, p, &p->io);
        if (r < 0) {
            unit_log(&s->unit, LOG_WARNING, "Failed to watch listening fds (%s): %s", p->address->text,
                     strerror(-r));
            socket_unwatch_ports(s);
            return r;
        }
    }
    return 0;
}

void socket_unwatch_ports(struct socket_unit *s) {
    for (size_t i = 0; i < s->n_ports; i++)
        s->ports[i].io = io_remove(s->ports[i].io);
}

/* An instance of Accept=yes is over: its connection is closed, and there is room for another. */
static void instance_changed(struct socket_unit *s, struct unit *other) {
    struct service *instance = SERVICE(other);
    if (instance->accept_socket == &s->unit && !other->job && inactive_or_failed(unit_active_state(other))) {
        instance->socket_fd = fd_close(instance->socket_fd);
        instance->accept_socket = NULL;
    }
    unsigned before = s->n_connections;
    socket_count_connections(s);
    if (s->n_connections != before)
        unit_changed(&s->unit);
}

/* May the next connection start it again? */
static bool is_down(const struct unit *service) {
    switch (SERVICE(service)->state) {
    case SERVICE_DEAD:
    case SERVICE_DEAD_BEFORE_AUTO_RESTART:
    case SERVICE_FAILED:
    case SERVICE_FAILED_BEFORE_AUTO_RESTART:
    case SERVICE_FINAL_SIGTERM:
    case SERVICE_FINAL_SIGKILL:
    case SERVICE_AUTO_RESTART:
    case SERVICE_AUTO_RESTART_QUEUED:
        return true;
    default:
        return false;
    }
}

void socket_trigger_notify(struct unit *u, struct unit *other) {
    struct socket_unit *s = SOCKET(u);
    if (other->ops->type != UNIT_SERVICE)
        return;
    if (unit_bool(u->file, D_Accept)) {
        instance_changed(s, other);
        return;
    }
    if ((s->state != SOCKET_RUNNING && s->state != SOCKET_LISTENING) || other != s->service)
        return;
    if (other->start_limit_hit) {
        socket_enter_stop_pre(s, SOCKET_FAILURE_SERVICE_START_LIMIT_HIT);
        return;
    }
    if (other->job)
        return; /* not over yet: its end is told, too */
    if (is_down(other))
        socket_enter_listening(s);
    else if (SERVICE(other)->state == SERVICE_RUNNING)
        socket_set_state(s, SOCKET_RUNNING);
}
