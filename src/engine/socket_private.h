/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of sockets: states (socket.c), what arrives (socket_trigger.c), files and state (socket_load.c). */
#pragma once

#include "engine/socket.h"
#include "engine/manager_private.h"
#include "engine/unit_private.h"

/* --- socket.c */
/* Where a socket goes from here when this happened to it. */
void socket_enter_listening(struct socket_unit *s);
void socket_enter_stop_pre(struct socket_unit *s, enum socket_result result);
void socket_set_state(struct socket_unit *s, enum socket_state state);
void socket_on_timer(struct timer *timer, void *userdata);
int socket_coldplug(struct unit *u);
/* Opens the ports that are not open. 0, or negative errno after the log said which and why. */
int socket_open_ports(struct socket_unit *s);
static inline bool socket_is_open_in(enum socket_state state) {
    return state >= SOCKET_START_CHOWN && state <= SOCKET_STOP_PRE_SIGKILL;
}

/* --- socket_trigger.c */
/* Begins to watch the ports. 0 or negative errno; nothing is watched then. */
int socket_watch_ports(struct socket_unit *s);
void socket_unwatch_ports(struct socket_unit *s);
void socket_trigger_notify(struct unit *u, struct unit *other);
/* Makes no more of the connections of Accept=yes count that have ended. */
void socket_count_connections(struct socket_unit *s);

/* --- socket_load.c */
int socket_load(struct unit *u);
int socket_serialize(const struct unit *u, struct text *out);
int socket_deserialize(struct unit *u, const char *name, const char *value);
void socket_drop_ports(struct socket_unit *s);
