/* SPDX-License-Identifier: Apache-2.0 */
/* Dead children: every one is reaped, ours or adopted, and its unit hears of it. A zombie is looked at (WNOWAIT)
 * before it goes, because its /proc entry is the last evidence of what it belonged to. */
#include "engine/reap.h"
#include "base/fd.h"
#include "engine/manager_private.h"
#include "engine/notify.h"
#include "engine/oom.h"
#include "engine/reload.h"
#include "engine/unit_private.h"
#include "syntax/names.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* So many a turn, then other events get their turn: a fork bomb must not starve the bus. */
#define REAP_BATCH 256

/* Was it the kernel, for want of memory? Only the number of such deaths is told, and only those of our children are
 * seen here: one that another process reaped is taken for the next that SIGKILL ends. systemd.service(5) OOMPolicy=. */
static bool died_of_want(struct manager *m, const siginfo_t *si) {
    if (si->si_code != CLD_KILLED || si->si_status != SIGKILL)
        return false;
    uint64_t before = m->p->oom_kills, count = oom_kills(CONTROL_GROUPS);
    if (count == UINT64_MAX)
        return false;
    m->p->oom_kills = count;
    return count > before;
}

static void tell_unit(struct manager *m, struct unit *u, const siginfo_t *si, bool watched) {
    log_full(LOG_DEBUG, u->id, NULL, "Process %d ended: %s %d.", si->si_pid,
             si->si_code == CLD_EXITED ? "status" : "signal", si->si_status);
    if (died_of_want(m, si)) {
        unit_log_out_of_memory(u);
        if (u->ops->oom_killed)
            u->ops->oom_killed(u, si->si_pid);
    }
    if (watched) {
        unit_unwatch_pid(u, si->si_pid);
        if (u->ops->child_exited)
            u->ops->child_exited(u, si->si_pid, si->si_code, si->si_status);
    }
    queue_add(u, QUEUE_EMPTY);
}

/* Reaps the next one. False: nobody waits. */
static bool reap_one(struct manager *m) {
    siginfo_t si = {};
    while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
        if (errno != EINTR)
            return false; /* ECHILD */
    if (si.si_pid == 0)
        return false;
    /* What it said before it died is heard before its death is. */
    if (m->p->notify)
        notify_drain(m->p->notify);
    spawn_settle(m, si.si_pid);
    uint64_t tag = lineage_reaping(m->lineage, si.si_pid);
    struct unit *u = unit_of_child(m, si.si_pid);
    bool watched = u;
    if (!u && tag)
        HASH_FIND(hh_lineage, m->p->by_lineage, &tag, sizeof(tag), u);
    siginfo_t reaped = {};
    if (waitid(P_PID, (id_t)si.si_pid, &reaped, WEXITED | WNOHANG) < 0 && errno != ECHILD)
        log_warning("Cannot reap process %d: %s", si.si_pid, strerror(errno));
    if (si.si_pid == m->p->helper_pid)
        manager_helper_exited(m, si.si_code == CLD_EXITED ? si.si_status : -si.si_status);
    else if (!(m->p->log && log_client_child_exited(m->p->log, si.si_pid)) && u)
        tell_unit(m, u, &si, watched);
    return true;
}

void reap_children(void *userdata) {
    struct manager *m = userdata;
    int n = 0;
    lineage_scan_stale(m->lineage);
    bool more = true;
    while (n < REAP_BATCH && !(n > 0 && loop_overdue(m->loop)) && (more = reap_one(m)))
        n++;
    /* A look at /proc taken on the way shows as alive who was reaped after it: QUEUE_EMPTY wants a new one. */
    lineage_scan_stale(m->lineage);
    if (more)
        deferred_queue_later(m->loop, &m->p->reap);
}

/* --- strangers ---------------------------------------------------------------------------------------------------- */
struct stranger {
    int pidfd;
    struct io *io;
    struct unit *unit;
    void (*ended)(void *userdata);
    void *userdata;
};

static void on_exit_of_stranger(struct io *io, int fd, uint32_t events, void *userdata) {
    struct stranger *s = userdata;
    s->io = io_remove(s->io);
    lineage_scan_stale(s->unit->manager->lineage);
    s->unit->maybe_processes = true;
    queue_add(s->unit, QUEUE_EMPTY);
    if (s->ended)
        s->ended(s->userdata);
}

int stranger_watch(struct unit *u, pid_t pid, void (*ended)(void *userdata), void *userdata, struct stranger **ret) {
    *ret = NULL;
    struct stranger *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct stranger){ .unit = u, .ended = ended, .userdata = userdata };
    s->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int r = s->pidfd < 0 ? -errno : io_add(u->manager->loop, s->pidfd, EPOLLIN, on_exit_of_stranger, s, &s->io);
    if (r < 0) {
        stranger_forget(s);
        return r;
    }
    *ret = s;
    return 0;
}

struct stranger *stranger_forget(struct stranger *s) {
    if (s) {
        io_remove(s->io);
        fd_close(s->pidfd);
        free(s);
    }
    return NULL;
}
