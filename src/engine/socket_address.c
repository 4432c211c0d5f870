/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text, without a resolver. */
#include "engine/socket_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A port: 1 … 65535. */
static int parse_port(const char *s, uint16_t *ret) {
    unsigned port = 0;
    size_t n = strspn(s, "0123456789");
    if (n == 0 || n > 5 || s[n])
        return -EINVAL;
    port = (unsigned)strtoul(s, NULL, 10);
    if (port == 0 || port > 65535)
        return -EINVAL;
    *ret = htons((uint16_t)port);
    return 0;
}

static int parse_unix(const char *text, struct socket_address *a) {
    size_t n = strlen(text);
    if (n < 2)
        return -EINVAL;
    if (n >= sizeof(a->un.sun_path))
        return -ENAMETOOLONG;
    a->un.sun_family = AF_UNIX;
    memcpy(a->un.sun_path, text, n);
    if (text[0] == '@') {
        a->un.sun_path[0] = 0;
        a->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    } else
        a->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return 0;
}

static int parse_ipv6(const char *text, struct socket_address *a) {
    char host[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
    const char *close = strchr(text, ']');
    if (!close || close[1] != ':' || (size_t)(close - text - 1) >= sizeof(host))
        return -EINVAL;
    memcpy(host, text + 1, (size_t)(close - text - 1));
    host[close - text - 1] = 0;
    char *scope = strchr(host, '%');
    if (scope)
        *scope++ = 0;
    a->in6.sin6_family = AF_INET6;
    a->size = sizeof(a->in6);
    if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) != 1 || parse_port(close + 2, &a->in6.sin6_port) < 0)
        return -EINVAL;
    if (scope) {
        a->in6.sin6_scope_id = if_nametoindex(scope);
        if (a->in6.sin6_scope_id == 0)
            return -ENODEV;
    }
    return 0;
}

static int parse_ipv4(const char *text, struct socket_address *a) {
    char host[INET_ADDRSTRLEN];
    const char *colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof(host))
        return -EINVAL;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    a->in.sin_family = AF_INET;
    a->size = sizeof(a->in);
    return inet_pton(AF_INET, host, &a->in.sin_addr) == 1 ? parse_port(colon + 1, &a->in.sin_port) : -EINVAL;
}

/* netlink(7). */
static const struct {
    const char *name;
    int protocol;
} netlink_families[] = {
    { "route", NETLINK_ROUTE },
    { "firewall", NETLINK_FIREWALL },
    { "inet-diag", NETLINK_INET_DIAG },
    { "nflog", NETLINK_NFLOG },
    { "xfrm", NETLINK_XFRM },
    { "selinux", NETLINK_SELINUX },
    { "iscsi", NETLINK_ISCSI },
    { "audit", NETLINK_AUDIT },
    { "fib-lookup", NETLINK_FIB_LOOKUP },
    { "connector", NETLINK_CONNECTOR },
    { "netfilter", NETLINK_NETFILTER },
    { "ip6-fw", NETLINK_IP6_FW },
    { "dnrtmsg", NETLINK_DNRTMSG },
    { "kobject-uevent", NETLINK_KOBJECT_UEVENT },
    { "generic", NETLINK_GENERIC },
    { "scsitransport", NETLINK_SCSITRANSPORT },
    { "ecryptfs", NETLINK_ECRYPTFS },
    { "rdma", NETLINK_RDMA },
};

static int parse_netlink(const char *text, struct socket_address *a) {
    size_t n = strcspn(text, " ");
    const char *group = text + n + strspn(text + n, " ");
    a->nl.nl_family = AF_NETLINK;
    a->size = sizeof(a->nl);
    a->type = SOCK_RAW;
    if (*group) {
        char *end;
        unsigned long value = strtoul(group, &end, 10);
        if (group[0] < '0' || group[0] > '9' || *end || value > UINT32_MAX)
            return -EINVAL;
        a->nl.nl_groups = (unsigned)value;
    }
    for (size_t i = 0; i < ELEMENTS(netlink_families); i++)
        if (strlen(netlink_families[i].name) == n && strncmp(netlink_families[i].name, text, n) == 0) {
            a->protocol = netlink_families[i].protocol;
            return 0;
        }
    return -EINVAL;
}

int socket_address_parse(enum listen_kind kind, const char *text, struct socket_address *ret) {
    struct socket_address a = { .type = kind == LISTEN_DATAGRAM    ? SOCK_DGRAM
                                        : kind == LISTEN_SEQPACKET ? SOCK_SEQPACKET
                                                                   : SOCK_STREAM };
    int r;
    if (kind == LISTEN_NETLINK)
        r = parse_netlink(text, &a);
    else if (text[0] == '/' || text[0] == '@')
        r = parse_unix(text, &a);
    else if (strncmp(text, "vsock", 5) == 0)
        r = -EAFNOSUPPORT;
    else if (text[0] == '[')
        r = parse_ipv6(text, &a);
    else if (strchr(text, ':'))
        r = parse_ipv4(text, &a);
    else {
        a.in6.sin6_family = AF_INET6;
        a.size = sizeof(a.in6);
        r = parse_port(text, &a.in6.sin6_port);
    }
    if (r < 0)
        return r;
    *ret = a;
    return 0;
}

/* --- connections --------------------------------------------------------------------------------------- */

static int get_peer(int fd, struct socket_address *ret) {
    ret->size = sizeof(ret->storage);
    return getpeername(fd, &ret->any, &ret->size) < 0 ? -errno : 0;
}

static bool is_mapped(const struct socket_address *a) {
    return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr);
}

static void print_host(const struct socket_address *a, struct text *out) {
    char host[INET6_ADDRSTRLEN] = "";
    if (a->any.sa_family == AF_INET)
        inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
    else if (is_mapped(a))
        inet_ntop(AF_INET, a->in6.sin6_addr.s6_addr + 12, host, sizeof(host));
    else
        inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
    text_add(out, host);
}

static unsigned port_of(const struct socket_address *a) {
    return ntohs(a->any.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

static int peer_credentials(int fd, struct ucred *ret) {
    socklen_t size = sizeof(*ret);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0 ? -errno : 0;
}

int socket_instance_name(int fd, unsigned number, struct text *out) {
    struct socket_address local = { .size = sizeof(local.storage) }, peer;
    if (getsockname(fd, &local.any, &local.size) < 0)
        return -errno;
    if (local.any.sa_family == AF_UNIX) {
        struct ucred who;
        int r = peer_credentials(fd, &who);
        if (r < 0)
            return r;
        text_addf(out, "%u-%d-%u", number, (int)who.pid, (unsigned)who.uid);
        return out->failed ? -ENOMEM : 0;
    }
    int r = get_peer(fd, &peer);
    if (r < 0)
        return r;
    if (local.any.sa_family != AF_INET && local.any.sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    text_addf(out, "%u-", number);
    print_host(&local, out);
    text_addf(out, ":%u-", port_of(&local));
    print_host(&peer, out);
    text_addf(out, ":%u", port_of(&peer));
    return out->failed ? -ENOMEM : 0;
}

int socket_peer_name(int fd, struct text *out) {
    struct socket_address peer;
    int r = get_peer(fd, &peer);
    if (r < 0)
        return r;
    if (peer.any.sa_family == AF_INET || peer.any.sa_family == AF_INET6)
        print_host(&peer, out);
    else {
        struct ucred who;
        r = peer_credentials(fd, &who);
        if (r < 0)
            return r;
        text_addf(out, "uid %u", (unsigned)who.uid);
    }
    return out->failed ? -ENOMEM : 0;
}

unsigned socket_peer_port(int fd) {
    struct socket_address peer;
    if (get_peer(fd, &peer) < 0 || (peer.any.sa_family != AF_INET && peer.any.sa_family != AF_INET6))
        return 0;
    return port_of(&peer);
}
