/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of sockets as text: from a Listen*= line, and of a connection for an instance's name. systemd.socket(5).
 * Opens nothing, knows no units, never asks a resolver. */
#pragma once

#include "base/text.h"
#include "unit/value.h"
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct socket_address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_nl nl;
        struct sockaddr_storage storage;
    };
    socklen_t size;
    int type;     /* SOCK_STREAM … */
    int protocol; /* netlink's family; else 0 */
};

/* Is it a name in the file system? FIFOs, special files and queues are not sockets, but the first two have paths,
 * too. */
static inline bool listen_has_path(const struct listen_address *a) {
    return a->kind <= LISTEN_SPECIAL && a->text[0] == '/';
}

/* Of the kinds up to LISTEN_SEQPACKET, and LISTEN_NETLINK: a path, "@abstract", "PORT", "1.2.3.4:PORT", "[v6]:PORT",
 * "[fe80::1%eth0]:PORT", "FAMILY GROUP". A port alone means all addresses, v6 and v4. 0; -EINVAL; -ENAMETOOLONG;
 * -EAFNOSUPPORT for vsock; -ENODEV for an interface that is not there. */
int socket_address_parse(enum listen_kind kind, const char *text, struct socket_address *ret);

/* "NUMBER-LOCAL-REMOTE" of a connection, or "NUMBER-PID-UID" of a local one: the instance of Accept=yes. 0, -ENOTCONN,
 * other errors of getpeername(2) and its kin, -ENOMEM. */
int socket_instance_name(int fd, unsigned number, struct text *out);
/* The peer's port; 0 for one that has none. */
unsigned socket_peer_port(int fd);
/* Whom MaxConnectionsPerSource= counts: the peer's address without its port, "uid N" for a local one. */
int socket_peer_name(int fd, struct text *out);
