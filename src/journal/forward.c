/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that is not there costs one system call a turn; one that is slow loses lines, which stdout has anyway:
 * nobody waits for it. */
#include "journal/forward.h"
#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <syslog.h>

#define HEAD_MAX 512

int entry_facility(const struct entry *e) {
    bool service = e->transport == ENTRY_PIPE || e->transport == ENTRY_FILE;
    return e->facility >= 0 ? e->facility : service ? LOG_DAEMON : LOG_USER;
}

/* "<PRI>ident[pid]: ", without the time that syslog(3) would add: the daemon's own clock says the same. */
static size_t make_head(const struct entry *e, char head[static HEAD_MAX]) {
    const char *identifier = e->transport == ENTRY_MANAGER ? "reeve" : e->identifier ? e->identifier : e->unit;
    int n = snprintf(head, HEAD_MAX, "<%d>%.256s", entry_facility(e) | e->level, identifier ? identifier : "unknown");
    if (n > 0 && e->pid > 0)
        n += snprintf(head + n, HEAD_MAX - (size_t)n, "[%d]", (int)e->pid);
    if (n > 0)
        n += snprintf(head + n, HEAD_MAX - (size_t)n, ": ");
    return n > 0 ? (size_t)n : 0;
}

static void forward_write(struct sink *sink, const struct entry *e) {
    struct forward *f = (struct forward *)sink;
    /* A syslog daemon reads the kernel's log itself. */
    if (e->transport == ENTRY_KERNEL || f->nobody || f->fd < 0 || !f->on || !e->message || e->level > f->max_level)
        return;
    char head[HEAD_MAX];
    struct iovec parts[] = { { head, make_head(e, head) }, { (void *)e->message, e->size } };
    struct msghdr m = { .msg_name = &f->address, .msg_namelen = sizeof(f->address), .msg_iov = parts, .msg_iovlen = 2 };
    if (sendmsg(f->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        f->nobody = errno == ENOENT || errno == ECONNREFUSED || errno == EACCES || errno == ENOTDIR;
}

void forward_turn(struct forward *f) {
    f->nobody = false;
}

void forward_open(struct forward *f, const char *runtime) {
    *f = (struct forward){ .sink = { .write = forward_write }, .fd = -1, .address = { .sun_family = AF_UNIX } };
    int n = snprintf(f->address.sun_path, sizeof(f->address.sun_path), "%s/systemd/journal/syslog", runtime);
    if (n > 0 && n < (int)sizeof(f->address.sun_path))
        f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void forward_close(struct forward *f) {
    f->fd = fd_close(f->fd);
}
