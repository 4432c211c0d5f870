/* SPDX-License-Identifier: Apache-2.0 */
/* Which process belongs to which start: evidence, strongest first. docs/architecture.md "Tracking". Knows processes and
 * tags; knows no units.
 *
 * The tag is RLIMIT_LOCKS, soft and hard, set in the child before exec: the kernel has not enforced it since 2.4.25,
 * fork and exec inherit it, anyone may read it in /proc/PID/limits, of zombies too. A manager that runs inside a
 * start of another manager allocates its tags from the range below its own. Processes that lost their tag (possible
 * only where the container has CAP_SYS_RESOURCE) are recognised by what was remembered of them: parent, session,
 * reparenting. */
#pragma once

#include "base/clock.h"
#include "base/macro.h"
#include <sys/types.h>

struct lineage;

int lineage_new(struct lineage **ret);
void lineage_free(struct lineage *l);

/* A tag no other start of this manager has. 0 when the range is used up, or where tags cannot be set at all: then what
 * is remembered is the only evidence. */
uint64_t lineage_next(struct lineage *l);
/* Where the counter stands, to go on from after a re-execution. */
uint64_t lineage_base(const struct lineage *l);
void lineage_restore(struct lineage *l, uint64_t base, uint64_t counter);
uint64_t lineage_counter(const struct lineage *l);

/* Does a process that carries `seen` belong to the start `tag`? Also true for tags a nested manager gave below it. */
bool lineage_matches(uint64_t tag, uint64_t seen);
/* The tag of ours the process carries or is remembered by; 0: none, or the process is gone. One read of
 * /proc/PID/limits. A tag of a nested manager is reported as the one it lies below. */
uint64_t lineage_of(struct lineage *l, pid_t pid);

/* One look at /proc. Entries are sorted by pid. */
struct process {
    pid_t pid, parent, session;
    uint64_t start; /* clock ticks since boot: with the pid, names the process for ever; 0: hidden from us */
    uint64_t tag;   /* of ours, by whatever evidence; 0: none */
    bool zombie;
    bool tagged;    /* it carries the tag itself */
};
/* The last scan of this loop turn, made if there is none yet. Borrowed until the next scan. The number of processes, or
 * a negative errno: -ENOENT without a /proc of our PID namespace. */
int lineage_scan(struct lineage *l, const struct process **ret);
/* Forgets the scan: called at the start of a loop turn, and by whoever needs a fresh one. */
void lineage_scan_stale(struct lineage *l);
/* 0: /proc has shown us every process so far; -EACCES: it hides some (hidepid=), -ENOENT: there is none. For one
 * line in the log: what is hidden or missing is tracked by what is remembered only. */
int lineage_blind(const struct lineage *l);

/* "We know that pid belongs to tag" (a child just started, PIDFile=, MAINPID=). Forgotten when reaped. */
void lineage_remember(struct lineage *l, pid_t pid, uint64_t tag);
/* May processes drop their tag (CAP_SYS_RESOURCE)? Only then does it pay to remember each of them. */
bool lineage_may_lose(const struct lineage *l);
/* Puts the tag on a process that runs already (a scope's), so that what it starts from now on has it; remembers it in
 * any case. 0, or the negative errno of prlimit(2). */
int lineage_attach(struct lineage *l, pid_t pid, uint64_t tag);
/* To be called when waitid(WNOWAIT) shows a dead child, before it is reaped: its orphans, now children of ours, are
 * attributed to its tag. Returns the tag. */
uint64_t lineage_reaping(struct lineage *l, pid_t pid);

/* Sends `signal` to every process of `tag` except those in `except` (may be NULL), by pidfd after reading the tag
 * again. Returns how many got it; *ret_refused (may be NULL) counts those that EPERM kept alive. */
int lineage_signal(struct lineage *l, uint64_t tag, int signal, const pid_t *except, size_t n_except, int *ret_refused);
/* Ends a tree that may refill itself: SIGSTOP passes until nothing new appears, then SIGKILL; at most `passes` passes a
 * call. Returns the number of processes seen alive in the last pass (0: done), call again later otherwise: what was
 * stopped must not be left so. */
int lineage_kill_tree(struct lineage *l, uint64_t tag, const pid_t *except, size_t n_except, int passes);
/* Is any process of the tag left alive (zombies do not count)? Uses the scan of this turn. */
bool lineage_alive(struct lineage *l, uint64_t tag);
