/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: systemd.socket(5). Listening descriptors that outlive their services. */
#pragma once

#include "engine/unit.h"

enum socket_state { SOCKET_DEAD, SOCKET_START_PRE, SOCKET_START_CHOWN, SOCKET_START_POST, SOCKET_LISTENING,
    SOCKET_RUNNING, SOCKET_STOP_PRE, SOCKET_STOP_PRE_SIGTERM, SOCKET_STOP_PRE_SIGKILL, SOCKET_STOP_POST,
    SOCKET_FINAL_SIGTERM, SOCKET_FINAL_SIGKILL, SOCKET_FAILED, SOCKET_CLEANING, SOCKET_STATES };
const char *socket_state_to_string(enum socket_state state);

enum socket_result { SOCKET_SUCCESS, SOCKET_FAILURE_RESOURCES, SOCKET_FAILURE_TIMEOUT, SOCKET_FAILURE_EXIT_CODE,
    SOCKET_FAILURE_SIGNAL, SOCKET_FAILURE_CORE_DUMP, SOCKET_FAILURE_START_LIMIT_HIT, SOCKET_FAILURE_TRIGGER_LIMIT_HIT,
    SOCKET_FAILURE_SERVICE_START_LIMIT_HIT, SOCKET_RESULTS };
const char *socket_result_to_string(enum socket_result result);

/* The Exec*= lists. */
enum socket_exec { SOCKET_EXEC_START_PRE, SOCKET_EXEC_START_POST, SOCKET_EXEC_STOP_PRE, SOCKET_EXEC_STOP_POST,
    SOCKET_EXECS };

struct socket_port { /* one Listen*= line */
    const struct listen_address *address; /* borrowed from the settings */
    int fd;                               /* -1: not open */
    struct io *io;
    struct unit *unit;
    struct rate_limit poll_limit;
    struct timer again; /* armed: not watched until then, PollLimitBurst= was exceeded */
};

struct socket_unit {
    struct unit unit;
    enum socket_state state;
    enum socket_result result, clean_result;
    struct socket_port *ports;
    size_t n_ports;
    struct unit *service;     /* what it triggers; NULL with Accept=yes, and until loaded */
    unsigned n_accepted, n_connections, n_refused;
    pid_t control_pid;
    enum socket_exec control_exec; /* the list it runs from */
    size_t control_index;          /* and the command in it */
    struct timer timer;       /* TimeoutSec= of the current state */
    struct rate_limit trigger_limit;
    struct socket_port *deserializing; /* the port whose descriptor comes next */
};
#define SOCKET(u) CONTAINER_OF(u, struct socket_unit, unit)

/* Appends what the unit listens on, with FileDescriptorName= for each, to what a service is given. The descriptors stay
 * the socket's. Nothing for sockets with Accept=yes. 0, or -ENOMEM with the arrays as they were. */
int socket_collect_fds(struct unit *socket, int **fds, char ***names, size_t *n);
/* After a reload: the service has its connection from the socket unit of this name. 0 or negative errno. */
int socket_adopt_instance(struct unit *service, const char *socket);
/* The same for an instance of Accept=yes: its connection, named "connection", and REMOTE_ADDR=, REMOTE_PORT= into
 * `env`. */
int socket_collect_connection(int fd, int **fds, char ***names, size_t *n, char ***env);
