/* SPDX-License-Identifier: Apache-2.0 */
/* What the log process is asked to do with the journal: by journalctl over varlink, and by signals. And the kernel's
 * log, which is taken over from a predecessor in the same way. */
#include "base/fd.h"
#include "journal/fields.h"
#include "journal/kmsg.h"
#include "journal/server_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define RECORDS_A_TURN 64
/* journalctl waits 45 s for an answer. */
#define SYNC_PATIENCE (15 * USEC_PER_SEC)

static void perform(struct server *s, enum varlink_method method, struct varlink_watch *asker) {
    int r = 0;
    switch (method) {
    case VARLINK_SYNCHRONIZE:
        /* Answered when all that was written before is in. */
        if (asker)
            asker->waiting = true;
        server_wait_for_quiet(s, SYNC_PATIENCE);
        s->journal_sync = true;
        return;
    case VARLINK_ROTATE:
        r = store_rotate(&s->store);
        break;
    case VARLINK_FLUSH:
        r = store_flush(&s->store);
        break;
    case VARLINK_RELINQUISH:
        r = store_relinquish(&s->store);
        break;
    case VARLINK_METHODS:
        break;
    }
    if (asker)
        varlink_reply(asker->fd, r);
}

void server_synced(struct server *s) {
    if (!s->journal_sync)
        return;
    s->journal_sync = false;
    int r = store_sync(&s->store);
    for (size_t i = 0; i < VARLINK_CLIENTS; i++)
        if (s->clients[i].fd >= 0 && s->clients[i].waiting) {
            s->clients[i].waiting = false;
            varlink_reply(s->clients[i].fd, r);
        }
}

static void accept_client(struct server *s) {
    int fd = varlink_accept(s->varlink_fd);
    for (size_t i = 0; i < VARLINK_CLIENTS && fd >= 0; i++) {
        struct varlink_watch *w = &s->clients[i];
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = w };
        if (w->fd >= 0)
            continue;
        *w = (struct varlink_watch){ .watch.kind = WATCH_VARLINK, .fd = -1 };
        if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) >= 0)
            w->fd = TAKE_FD(fd);
        break;
    }
    if (fd >= 0)
        fd_close(fd);
}

void server_varlink_ready(struct server *s, struct varlink_watch *w) {
    if (!w) {
        accept_client(s);
        return;
    }
    int r = varlink_read(w->fd, &w->buffer);
    while (r > 0 && !w->waiting) {
        r = varlink_take(&w->buffer);
        if (r == -EAGAIN)
            return;
        if (r >= 0) {
            perform(s, (enum varlink_method)r, w);
            r = 1;
        } else if (r == -EOPNOTSUPP) {
            varlink_reply(w->fd, r);
            r = 1;
        }
    }
    if (r < 0)
        w->fd = fd_close(w->fd);
}

/* systemd-journald.service(8), "Signals". */
void server_signal_ready(struct server *s) {
    struct signalfd_siginfo si;
    while (read(s->signal_fd, &si, sizeof(si)) == sizeof(si)) {
        if (si.ssi_signo == SIGUSR1)
            perform(s, VARLINK_FLUSH, NULL);
        else if (si.ssi_signo == SIGUSR2)
            perform(s, VARLINK_ROTATE, NULL);
        else
            perform(s, VARLINK_SYNCHRONIZE, NULL);
    }
}

static int watch(struct server *s, int fd, struct watch *w, enum watch_kind kind) {
    w->kind = kind;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = w };
    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event);
}

void server_open_requests(struct server *s) {
    for (size_t i = 0; i < VARLINK_CLIENTS; i++)
        s->clients[i].fd = -1;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN + 1);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signal_fd >= 0)
        (void)watch(s, s->signal_fd, &s->signal_watch, WATCH_SIGNAL);
    s->varlink_fd = -1;
}

void server_take_requests(struct server *s, int fd) {
    if (s->varlink_fd >= 0) {
        fd_close(fd);
        return;
    }
    bool made = fd < 0;
    s->varlink_fd = made ? varlink_listen(s->runtime) : fd;
    if (s->varlink_fd < 0)
        return;
    (void)watch(s, s->varlink_fd, &s->varlink_watch, WATCH_VARLINK_SOCKET);
    /* Who asks while there is no log process waits for the next one. */
    if (made)
        (void)server_tell(s, LOG_STORE, s->next_key++, "requests", s->varlink_fd);
}

void server_take_kmsg(struct server *s, int fd) {
    /* A manager that keeps its files elsewhere is not alone here. */
    if (s->kmsg_fd >= 0 || !s->config.read_kmsg || strcmp(s->runtime, "/run") != 0) {
        fd_close(fd);
        return;
    }
    bool made = fd < 0;
    s->kmsg_fd = made ? kmsg_open() : fd;
    if (s->kmsg_fd < 0) {
        s->kmsg_fd = -1; /* as in most containers */
        return;
    }
    s->kmsg_set = entry_set_new(&(struct set_request){ .uid = (uid_t)-1, .gid = (gid_t)-1 });
    (void)watch(s, s->kmsg_fd, &s->kmsg_watch, WATCH_KMSG);
    if (made)
        (void)server_tell(s, LOG_STORE, s->next_key++, "kmsg", s->kmsg_fd);
}

void server_kmsg_ready(struct server *s) {
    int r = kmsg_receive(s->kmsg_fd, s->pool.sinks, s->kmsg_set, RECORDS_A_TURN);
    if (r < 0 && r != -EAGAIN)
        (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->kmsg_fd, NULL);
}
