/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to all of a start's processes. By pidfd, after the tag was read again, so that a number that went
 * to somebody else in between is never hit. */
#include "base/fd.h"
#include "engine/lineage_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool excepted(pid_t pid, const pid_t *except, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (except[i] == pid)
            return true;
    return false;
}

/* Is it still the process that the scan saw? */
static bool still_the_same(struct lineage *l, const struct process *p) {
    if (p->tagged)
        return lineage_of(l, p->pid) == p->tag;
    struct process now_there;
    int r = lineage_read_process(l, p->pid, &now_there);
    return r >= 0 ? p->start == 0 || now_there.start == p->start : r != -ESRCH || l->blind < 0;
}

/* 0, or negative errno: -ESRCH when it is gone. */
static int signal_process(struct lineage *l, const struct process *p, int signal) {
    _cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (pidfd < 0 && errno == ESRCH)
        return -ESRCH;
    if (!still_the_same(l, p))
        return -ESRCH;
    int r = pidfd >= 0 ? (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) : -1;
    if (r < 0 && (pidfd < 0 || errno == ENOSYS)) /* before Linux 5.3, or a filter in the way */
        r = kill(p->pid, signal);
    return r < 0 ? -errno : 0;
}

/* What is remembered is all there is without /proc. */
static int each_remembered(struct lineage *l, uint64_t tag, int signal, const pid_t *except, size_t n_except,
                           int *refused) {
    int n = 0;
    for (struct remembered *m = l->memory; m; m = m->hh.next) {
        if (m->tag != tag || m->dead || excepted(m->pid, except, n_except))
            continue;
        int r = kill(m->pid, signal) < 0 ? -errno : 0;
        n += r >= 0 || (signal == 0 && r == -EPERM);
        *refused += r == -EPERM;
    }
    return n;
}

int lineage_signal(struct lineage *l, uint64_t tag, int signal, const pid_t *except, size_t n_except,
                   int *ret_refused) {
    int n = 0, refused = 0;
    const struct process *scan;
    int all = tag != 0 ? lineage_scan(l, &scan) : 0;
    if (all < 0)
        n = each_remembered(l, tag, signal, except, n_except, &refused);
    for (int i = 0; i < all; i++) {
        const struct process *p = &scan[i];
        if (p->tag != tag || p->zombie || p->pid <= 1 || excepted(p->pid, except, n_except))
            continue;
        int r = signal_process(l, p, signal);
        n += r >= 0;
        refused += r == -EPERM;
    }
    if (ret_refused)
        *ret_refused = refused;
    return n;
}

bool lineage_alive(struct lineage *l, uint64_t tag) {
    if (tag == 0)
        return false;
    const struct process *scan;
    int all = lineage_scan(l, &scan), ignored = 0;
    if (all < 0)
        return each_remembered(l, tag, 0, NULL, 0, &ignored) > 0;
    for (int i = 0; i < all; i++)
        if (scan[i].tag == tag && !scan[i].zombie)
            return true;
    return false;
}

struct pass { /* the processes of the tag that one pass saw, by pid */
    struct seen {
        pid_t pid;
        uint64_t start;
    } * seen;
    size_t n, room;
};

static bool pass_has(const struct pass *pass, const struct process *p) {
    for (size_t low = 0, high = pass->n; low < high;) {
        size_t middle = (low + high) / 2;
        const struct seen *s = &pass->seen[middle];
        if (s->pid == p->pid)
            return s->start == p->start;
        if (s->pid < p->pid)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool pass_add(struct pass *pass, const struct process *p) {
    if (pass->n == pass->room) {
        size_t room = pass->room ? pass->room * 2 : 64;
        struct seen *seen = realloc(pass->seen, room * sizeof(*seen));
        if (!seen)
            return false;
        pass->seen = seen;
        pass->room = room;
    }
    pass->seen[pass->n++] = (struct seen){ p->pid, p->start };
    return true;
}

int lineage_kill_tree(struct lineage *l, uint64_t tag, const pid_t *except, size_t n_except, int passes) {
    struct pass before = { 0 }, now_seen = { 0 };
    int alive = 0, empty = 0;
    if (tag == 0)
        return 0;
    for (; passes > 0 && empty < 2; passes--) {
        const struct process *scan;
        lineage_scan_stale(l);
        int all = lineage_scan(l, &scan), fresh = 0;
        if (all < 0) {
            int refused = 0;
            alive = each_remembered(l, tag, SIGKILL, except, n_except, &refused);
            break;
        }
        alive = 0;
        now_seen.n = 0;
        for (int i = 0; i < all; i++) {
            const struct process *p = &scan[i];
            if (p->tag != tag || p->zombie || p->pid <= 1 || excepted(p->pid, except, n_except))
                continue;
            alive++;
            if (!pass_has(&before, p)) {
                fresh++;
                (void)signal_process(l, p, SIGSTOP);
            }
            if (!pass_add(&now_seen, p))
                (void)signal_process(l, p, SIGKILL); /* no memory for patience */
        }
        empty = alive == 0 ? empty + 1 : 0;
        /* All of them stand still: whoever forks would have shown up. */
        for (int i = 0; i < all && fresh == 0 && alive > 0; i++)
            if (scan[i].tag == tag && !scan[i].zombie && scan[i].pid > 1 &&
                !excepted(scan[i].pid, except, n_except))
                (void)signal_process(l, &scan[i], SIGKILL);
        struct pass swap = before;
        before = now_seen;
        now_seen = swap;
    }
    free(before.seen);
    free(now_seen.seen);
    lineage_scan_stale(l);
    return alive;
}
