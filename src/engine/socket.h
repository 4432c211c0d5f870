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

struct socket_port { /* one Listen*= line */
    const struct listen_address *address; /* borrowed from the settings */
    int fd;                               /* -1: not open */
    struct io *io;
    bool from_previous;                   /* passed over a re-execution: not yet claimed */
};

struct socket_unit {
    struct unit unit;
    enum socket_state state;
    enum socket_result result, clean_result;
    struct socket_port *ports;
    size_t n_ports;
    struct unit *service;     /* what it triggers; NULL until loaded */
    unsigned n_accepted, n_connections, n_refused;
    pid_t control_pid;
    int control_exec;         /* which Exec*= list; see socket.c */
    size_t control_index;
    struct timer timer;
    usec_t trigger_limit_begin;
    unsigned trigger_limit_count;
};
#define SOCKET(u) CONTAINER_OF(u, struct socket_unit, unit)
