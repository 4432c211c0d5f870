/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of tracking: tags (lineage.c), reading /proc and remembering (lineage_scan.c), signals
 * (lineage_kill.c). */
#pragma once

#include "engine/lineage.h"
#include "base/hash.h"

/* What is known of one process beside its tag. A leader that is dead stays as the witness of its session, whose number
 * the kernel does not give away while a member lives. */
struct remembered {
    pid_t pid;
    uint64_t start; /* 0: could not be read */
    uint64_t tag;
    bool dead;
    UT_hash_handle hh;
};

struct lineage {
    uint64_t base, counter; /* see lineage.c; base 0: no tags */
    bool wrapped;           /* the counter went round: a tag may still be carried */
    bool may_lose;          /* processes can drop their tag: the weaker evidence is looked at, too */
    int proc;               /* /proc; -1 */
    int blind;
    bool fresh;             /* the scan is of this turn */
    struct process *scan;
    size_t n, room;
    struct remembered *memory; /* uthash by pid */
    pid_t *strangers;          /* children of ours, seen and known to be nobody's; sorted */
    size_t n_strangers;
};

/* The tag of ours that `seen`, the value of a hard limit, stands for; 0: none. */
uint64_t lineage_own(const struct lineage *l, uint64_t seen);

/* One process as /proc shows it. 0 or negative errno (-ESRCH: gone; -EACCES: hidden). */
int lineage_read_process(struct lineage *l, pid_t pid, struct process *ret);
struct remembered *lineage_recall(struct lineage *l, pid_t pid);
void lineage_forget_all(struct lineage *l);
