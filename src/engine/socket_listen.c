/* SPDX-License-Identifier: Apache-2.0 */
/* What a port is opened with, step by step. systemd.socket(5). Knows no states. */
#include "engine/socket_listen.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/users.h"
#include "engine/socket_address.h"
#include "unit/types.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- options ------------------------------------------------------------------------------------------- */

enum when { BEFORE_BIND, AFTER_BIND };
enum families { INET = 1, INET6 = 2, UNIX = 4, NETLINK = 8, TCP = 16, ANY = INET | INET6 | UNIX | NETLINK };

/* Which number a directive gives the option; -1: leave it alone. */
enum source { YES_IS_1, NUMBER, COUNT, SECONDS };

static const struct option {
    enum directive directive;
    const char *name;
    enum when when;
    unsigned families; /* TCP: stream sockets of INET and INET6 */
    enum source source;
    int level, option;
} options[] = {
    { D_ReusePort, "SO_REUSEPORT", BEFORE_BIND, ANY, YES_IS_1, SOL_SOCKET, SO_REUSEPORT },
    { D_FreeBind, "IP_FREEBIND", BEFORE_BIND, INET, YES_IS_1, IPPROTO_IP, IP_FREEBIND },
    { D_FreeBind, "IPV6_FREEBIND", BEFORE_BIND, INET6, YES_IS_1, IPPROTO_IPV6, IPV6_FREEBIND },
    { D_Transparent, "IP_TRANSPARENT", BEFORE_BIND, INET, YES_IS_1, IPPROTO_IP, IP_TRANSPARENT },
    { D_Transparent, "IPV6_TRANSPARENT", BEFORE_BIND, INET6, YES_IS_1, IPPROTO_IPV6, IPV6_TRANSPARENT },
    { D_KeepAlive, "SO_KEEPALIVE", AFTER_BIND, ANY, YES_IS_1, SOL_SOCKET, SO_KEEPALIVE },
    { D_KeepAliveTimeSec, "TCP_KEEPIDLE", AFTER_BIND, TCP, SECONDS, IPPROTO_TCP, TCP_KEEPIDLE },
    { D_KeepAliveIntervalSec, "TCP_KEEPINTVL", AFTER_BIND, TCP, SECONDS, IPPROTO_TCP, TCP_KEEPINTVL },
    { D_KeepAliveProbes, "TCP_KEEPCNT", AFTER_BIND, TCP, COUNT, IPPROTO_TCP, TCP_KEEPCNT },
    { D_DeferAcceptSec, "TCP_DEFER_ACCEPT", AFTER_BIND, TCP, SECONDS, IPPROTO_TCP, TCP_DEFER_ACCEPT },
    { D_NoDelay, "TCP_NODELAY", AFTER_BIND, TCP, YES_IS_1, IPPROTO_TCP, TCP_NODELAY },
    { D_Broadcast, "SO_BROADCAST", AFTER_BIND, ANY, YES_IS_1, SOL_SOCKET, SO_BROADCAST },
    { D_PassCredentials, "SO_PASSCRED", AFTER_BIND, UNIX | NETLINK, YES_IS_1, SOL_SOCKET, SO_PASSCRED },
    { D_PassSecurity, "SO_PASSSEC", AFTER_BIND, UNIX | NETLINK, YES_IS_1, SOL_SOCKET, SO_PASSSEC },
    { D_PassPacketInfo, "IP_PKTINFO", AFTER_BIND, INET, YES_IS_1, IPPROTO_IP, IP_PKTINFO },
    { D_PassPacketInfo, "IPV6_RECVPKTINFO", AFTER_BIND, INET6, YES_IS_1, IPPROTO_IPV6, IPV6_RECVPKTINFO },
    { D_PassPacketInfo, "NETLINK_PKTINFO", AFTER_BIND, NETLINK, YES_IS_1, SOL_NETLINK, NETLINK_PKTINFO },
    { D_SocketPriority, "SO_PRIORITY", AFTER_BIND, ANY, NUMBER, SOL_SOCKET, SO_PRIORITY },
    { D_Mark, "SO_MARK", AFTER_BIND, ANY, NUMBER, SOL_SOCKET, SO_MARK },
    { D_IPTOS, "IP_TOS", AFTER_BIND, INET | INET6, NUMBER, IPPROTO_IP, IP_TOS },
    { D_IPTTL, "IP_TTL", AFTER_BIND, INET, NUMBER, IPPROTO_IP, IP_TTL },
    { D_IPTTL, "IPV6_UNICAST_HOPS", AFTER_BIND, INET6, NUMBER, IPPROTO_IPV6, IPV6_UNICAST_HOPS },
};

static int option_value(const struct unit_file *file, const struct option *o) {
    switch (o->source) {
    case YES_IS_1:
        return unit_bool(file, o->directive) ? 1 : -1;
    case NUMBER:
        return unit_number(file, o->directive) >= 0 ? (int)MIN(unit_number(file, o->directive), INT_MAX) : -1;
    case COUNT:
        return unit_size(file, o->directive) > 0 ? (int)MIN(unit_size(file, o->directive), (uint64_t)INT_MAX)
                                                 : -1;
    case SECONDS: {
        usec_t usec = unit_usec(file, o->directive);
        return usec > 0 && usec != USEC_INFINITY ? (int)MIN(usec / USEC_PER_SEC, (usec_t)INT_MAX) : -1;
    }
    }
    return -1;
}

static void warn(const char *id, const char *option, int error) {
    log_full(LOG_WARNING, id, NULL, "%s: Setting %s failed, ignoring: %s", id, option, strerror(error));
}

static void apply_table(const char *id, const struct unit_file *file, int fd, int family, int type,
                        enum when when) {
    unsigned is = family == AF_INET ? INET : family == AF_INET6 ? INET6 : family == AF_UNIX ? UNIX : NETLINK;
    if ((is & (INET | INET6)) && type == SOCK_STREAM)
        is |= TCP;
    for (size_t i = 0; i < ELEMENTS(options); i++) {
        const struct option *o = &options[i];
        int value = o->when == when && (o->families & is) ? option_value(file, o) : -1;
        if (value >= 0 && setsockopt(fd, o->level, o->option, &value, sizeof(value)) < 0)
            warn(id, o->name, errno);
    }
}

/* The FORCE forms get past the system's limit, with CAP_NET_ADMIN. */
static void set_buffer(const char *id, const struct unit_file *file, int fd, enum directive directive,
                       const char *name, int forced, int plain) {
    int size = (int)MIN(unit_size(file, directive), (uint64_t)INT_MAX);
    if (size > 0 && setsockopt(fd, SOL_SOCKET, forced, &size, sizeof(size)) < 0 &&
        setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size)) < 0)
        warn(id, name, errno);
}

void socket_listen_apply_options(const char *id, const struct unit_file *file, int fd, int family) {
    int type = SOCK_STREAM, on = 1;
    socklen_t size = sizeof(type);
    (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    apply_table(id, file, fd, family, type, AFTER_BIND);
    set_buffer(id, file, fd, D_ReceiveBuffer, "SO_RCVBUF", SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(id, file, fd, D_SendBuffer, "SO_SNDBUF", SO_SNDBUFFORCE, SO_SNDBUF);
    int64_t stamps = unit_number(file, D_Timestamping);
    if (stamps != TIMESTAMPING_OFF &&
        setsockopt(fd, SOL_SOCKET, stamps == TIMESTAMPING_US ? SO_TIMESTAMP : SO_TIMESTAMPNS, &on,
                   sizeof(on)) < 0)
        warn(id, "SO_TIMESTAMP", errno);
    const char *congestion = unit_string(file, D_TCPCongestion);
    if (congestion && type == SOCK_STREAM && (family == AF_INET || family == AF_INET6) &&
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion) + 1) < 0)
        warn(id, "TCP_CONGESTION", errno);
}

/* --- names in the file system -------------------------------------------------------------------------- */

static mode_t mode_of(const struct unit_file *file) {
    return (mode_t)unit_number(file, D_SocketMode) & 07777;
}

/* SocketUser=, SocketGroup= for a path. */
static int give_to_owner(const char *id, const struct unit_file *file, const char *path) {
    const char *user = unit_string(file, D_SocketUser), *group = unit_string(file, D_SocketGroup);
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    if (user && *user) {
        _cleanup_user_ struct user_record record = { 0 };
        int r = user_lookup(user, &record);
        if (r >= 0) {
            uid = record.uid;
            gid = record.gid;
        } else if (r != -ESRCH || uid_parse(user, &uid) < 0) /* a number needs no entry */
            return r;
    }
    if (group && *group) {
        int r = group_lookup(group, &gid);
        if (r < 0 && (r != -ESRCH || uid_parse(group, &gid) < 0))
            return r;
    }
    if ((uid == (uid_t)-1 && gid == (gid_t)-1) ||
        fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW) >= 0)
        return 0;
    if (errno != EPERM)
        return -errno;
    log_full(LOG_WARNING, id, NULL, "%s: %s stays ours: this container may not give files to others.", id,
             path);
    return 0;
}

static int make_directories(const struct unit_file *file, const char *path) {
    mode_t old = umask(0);
    int r = mkdir_parents(path, (mode_t)unit_number(file, D_DirectoryMode));
    umask(old);
    return r;
}

static int bind_path(const struct unit_file *file, int fd, const struct socket_address *a) {
    const char *path = a->un.sun_path;
    int r = make_directories(file, path);
    if (r < 0)
        return r;
    mode_t old = umask(~mode_of(file) & 0777);
    r = bind(fd, &a->any, a->size) < 0 ? -errno : 0;
    struct stat st;
    /* Left by an earlier run. Anything but a socket is somebody's file and stays. */
    if (r == -EADDRINUSE && lstat(path, &st) >= 0 && S_ISSOCK(st.st_mode) && unlink(path) >= 0)
        r = bind(fd, &a->any, a->size) < 0 ? -errno : 0;
    umask(old);
    return r;
}

void socket_listen_link(const char *id, const struct unit_file *file, const struct listen_address *address) {
    if (!listen_has_path(address))
        return;
    STRV_FOREACH(link, unit_strv(file, D_Symlinks)) {
        int r = make_directories(file, *link);
        if (r >= 0 && symlink(address->text, *link) < 0)
            r = -errno;
        if (r == -EEXIST) {
            char target[PATH_MAX];
            ssize_t n = readlink(*link, target, sizeof(target));
            if (n == (ssize_t)strlen(address->text) && strncmp(target, address->text, (size_t)n) == 0)
                continue;
        }
        if (r < 0)
            log_full(LOG_WARNING, id, NULL, "%s: Failed to create symlink %s → %s, ignoring: %s", id,
                     address->text, *link, strerror(-r));
    }
}

void socket_listen_remove(const struct unit_file *file, const struct listen_address *address) {
    if (!unit_bool(file, D_RemoveOnStop))
        return;
    if (address->kind == LISTEN_MQUEUE)
        (void)mq_unlink(address->text);
    else if (listen_has_path(address) && address->kind != LISTEN_SPECIAL)
        (void)unlink(address->text);
    STRV_FOREACH(link, unit_strv(file, D_Symlinks))
    (void)unlink(*link);
}

/* --- opening ------------------------------------------------------------------------------------------- */

/* A port alone, "[::]:PORT", on a kernel without IPv6: all of IPv4. */
static bool to_ipv4(struct socket_address *a) {
    if (a->any.sa_family != AF_INET6 || !IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr))
        return false;
    in_port_t port = a->in6.sin6_port;
    a->storage = (struct sockaddr_storage){ 0 };
    a->in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
    a->size = sizeof(a->in);
    return true;
}

static int bind_and_listen(const char *id, const struct unit_file *file, int fd,
                           const struct socket_address *a) {
    int on = 1, family = a->any.sa_family;
    int64_t v6 = unit_number(file, D_BindIPv6Only);
    if (family == AF_INET6 && v6 != BIND_IPV6_DEFAULT) {
        int only = v6 == BIND_IPV6_ONLY;
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)
            return -errno;
    }
    const char *device = unit_string(file, D_BindToDevice);
    if ((family == AF_INET || family == AF_INET6) && device && *device &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) < 0)
        return -errno;
    apply_table(id, file, fd, family, a->type, BEFORE_BIND);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    bool has_path = family == AF_UNIX && a->un.sun_path[0];
    int r = has_path ? bind_path(file, fd, a) : bind(fd, &a->any, a->size) < 0 ? -errno : 0;
    if (r >= 0 && has_path)
        r = give_to_owner(id, file, a->un.sun_path);
    if (r < 0 || (a->type != SOCK_STREAM && a->type != SOCK_SEQPACKET))
        return r;
    return listen(fd, (int)MIN(unit_size(file, D_Backlog), (uint64_t)INT_MAX)) < 0 ? -errno : 0;
}

/* What PID 1 reads itself must not block; what it hands over is the service's affair (NonBlocking=). */
static int open_flags(const struct unit_file *file) {
    return O_CLOEXEC | (unit_bool(file, D_Accept) ? O_NONBLOCK : 0);
}

static int open_socket(const char *id, const struct unit_file *file, const struct listen_address *address) {
    struct socket_address a;
    int r = socket_address_parse(address->kind, address->text, &a);
    if (r < 0)
        return r;
    int protocol = a.any.sa_family == AF_NETLINK ? a.protocol
                   : a.any.sa_family != AF_UNIX  ? (int)unit_number(file, D_SocketProtocol)
                                                 : 0;
    int type = a.type | SOCK_CLOEXEC | (open_flags(file) & O_NONBLOCK ? SOCK_NONBLOCK : 0);
    _cleanup_close_ int fd = socket(a.any.sa_family, type, protocol);
    if (fd < 0 && errno == EAFNOSUPPORT && to_ipv4(&a))
        fd = socket(a.any.sa_family, type, protocol);
    if (fd < 0)
        return -errno;
    r = bind_and_listen(id, file, fd, &a);
    if (r < 0)
        return r;
    socket_listen_apply_options(id, file, fd, a.any.sa_family);
    return TAKE_FD(fd);
}

static int open_fifo(const char *id, const struct unit_file *file, const char *path) {
    int r = make_directories(file, path);
    if (r < 0)
        return r;
    mode_t old = umask(0);
    r = mkfifo(path, mode_of(file)) < 0 && errno != EEXIST ? -errno : 0;
    umask(old);
    if (r < 0)
        return r;
    /* Open for writing, too: then it never ends because a writer left. */
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISFIFO(st.st_mode))
        return -EEXIST;
    if ((st.st_mode & 07777) != mode_of(file) && fchmod(fd, mode_of(file)) < 0)
        return -errno;
    r = give_to_owner(id, file, path);
    if (r < 0)
        return r;
    int size = (int)MIN(unit_size(file, D_PipeSize), (uint64_t)INT_MAX);
    if (size > 0 && fcntl(fd, F_SETPIPE_SZ, size) < 0)
        warn(id, "F_SETPIPE_SZ", errno);
    fd_set_nonblock(fd, open_flags(file) & O_NONBLOCK);
    return TAKE_FD(fd);
}

static int open_special(const struct unit_file *file, const char *path) {
    int access = unit_bool(file, D_Writable) ? O_RDWR : O_RDONLY;
    _cleanup_close_ int fd = open(path, access | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
        return -EEXIST;
    fd_set_nonblock(fd, open_flags(file) & O_NONBLOCK);
    return TAKE_FD(fd);
}

static int open_queue(const struct unit_file *file, const char *name) {
    int64_t messages = unit_number(file, D_MessageQueueMaxMessages),
            size = unit_number(file, D_MessageQueueMessageSize);
    struct mq_attr attributes = { .mq_maxmsg = messages, .mq_msgsize = size };
    bool given = messages > 0 && size > 0;
    mode_t old = umask(~mode_of(file) & 0777);
    int fd =
        mq_open(name, O_RDONLY | O_CLOEXEC | O_CREAT | O_NONBLOCK, mode_of(file), given ? &attributes : NULL);
    int r = fd < 0 ? -errno : fd;
    umask(old);
    return r;
}

int socket_listen_open(const char *id, const struct unit_file *file, const struct listen_address *address,
                       int *ret_fd, const char **ret_doing) {
    int r;
    switch (address->kind) {
    case LISTEN_STREAM:
    case LISTEN_DATAGRAM:
    case LISTEN_SEQPACKET:
    case LISTEN_NETLINK:
        *ret_doing = "create listening socket";
        r = open_socket(id, file, address);
        break;
    case LISTEN_FIFO:
        *ret_doing = "open FIFO";
        r = open_fifo(id, file, address->text);
        break;
    case LISTEN_SPECIAL:
        *ret_doing = "open special file";
        r = open_special(file, address->text);
        break;
    case LISTEN_MQUEUE:
        *ret_doing = "create message queue";
        r = open_queue(file, address->text);
        break;
    default:
        *ret_doing = "set up USB gadget";
        r = -EOPNOTSUPP;
    }
    if (r < 0)
        return r;
    *ret_fd = r;
    return 0;
}

/* --- flushing ------------------------------------------------------------------------------------------ */

void socket_listen_flush(const struct listen_address *address, int fd) {
    /* Bounded: somebody may fill it as fast as we empty it. */
    enum { FLUSH_MOST = 1024 };
    char waste[4096];
    if (address->kind > LISTEN_FIFO && address->kind != LISTEN_NETLINK)
        return;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fd_set_nonblock(fd, true) < 0)
        return;
    for (int i = 0; i < FLUSH_MOST; i++) {
        if (address->kind == LISTEN_STREAM || address->kind == LISTEN_SEQPACKET) {
            int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (connection < 0)
                break;
            close(connection);
        } else if (read(fd, waste, sizeof(waste)) < 0)
            break;
    }
    (void)fcntl(fd, F_SETFL, flags);
}
