/* SPDX-License-Identifier: Apache-2.0 */
/* The run queue: jobs that perhaps can run now, in the order in which systemd takes them. Where one job's outcome
 * decides over another without an order between them, who is first can be seen. A pairing heap of the jobs
 * themselves: queueing one needs no memory. Knows nothing of how a job runs. */
#include "engine/manager_private.h"
#include "engine/queue.h"
#include "engine/unit_private.h"

#include <string.h>

/* By type, least first. */
static const unsigned char ranks[UNIT_TYPES] = {
    [UNIT_SCOPE] = 0,  [UNIT_SLICE] = 1,  [UNIT_PATH] = 2, [UNIT_TIMER] = 3, [UNIT_AUTOMOUNT] = 4, [UNIT_DEVICE] = 5,
    [UNIT_TARGET] = 6, [UNIT_SOCKET] = 7, [UNIT_SWAP] = 8, [UNIT_MOUNT] = 9, [UNIT_SERVICE] = 10,
};
#define WEIGHT_UNSET 100

static uint64_t cpu_weight(const struct unit *u) {
    uint64_t weight = unit_size(u->file, D_CPUWeight);
    return weight == UINT64_MAX ? WEIGHT_UNSET : weight;
}

/* Then who is to have more of the processor, and last by name. */
static bool goes_first(const struct job *a, const struct job *b) {
    const struct unit *u = a->unit, *v = b->unit;
    if (u->ops->type != v->ops->type)
        return ranks[u->ops->type] < ranks[v->ops->type];
    uint64_t weight = cpu_weight(u), other_weight = cpu_weight(v);
    if (weight != other_weight)
        return weight > other_weight;
    int64_t nice = unit_number(u->file, D_Nice), other_nice = unit_number(v->file, D_Nice);
    if (nice != other_nice)
        return nice < other_nice;
    return strcmp(u->id, v->id) < 0;
}

/* Two heaps become one. */
static struct job *meld(struct job *a, struct job *b) {
    if (!a || !b)
        return a ? a : b;
    if (goes_first(b, a)) {
        struct job *first = b;
        b = a;
        a = first;
    }
    b->run_next = a->run_below;
    b->run_at = &a->run_below;
    if (b->run_next)
        b->run_next->run_at = &b->run_next;
    a->run_below = b;
    a->run_next = NULL;
    return a;
}

/* The heaps in a list become one: in pairs first, which keeps it flat. */
static struct job *meld_list(struct job *list) {
    struct job *pairs = NULL, *heap = NULL;
    while (list) {
        struct job *a = list, *b = list->run_next;
        list = b ? b->run_next : NULL;
        a = meld(a, b);
        a->run_next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct job *next = pairs->run_next;
        pairs->run_next = NULL;
        heap = meld(heap, pairs);
        pairs = next;
    }
    return heap;
}

static void set_root(struct manager_private *p, struct job *root) {
    p->run_queue = root;
    if (!root)
        return;
    root->run_at = &p->run_queue;
    root->run_next = NULL;
}

void job_queue_run(struct job *j) {
    struct manager_private *p = j->manager->p;
    if (j->in_run_queue)
        return;
    j->in_run_queue = true;
    j->run_below = j->run_next = NULL;
    set_root(p, meld(p->run_queue, j));
    deferred_queue(j->manager->loop, &p->run_jobs);
}

void job_unqueue_run(struct job *j) {
    struct manager_private *p = j->manager->p;
    if (!j->in_run_queue)
        return;
    j->in_run_queue = false;
    *j->run_at = j->run_next;
    if (j->run_next)
        j->run_next->run_at = j->run_at;
    set_root(p, meld(p->run_queue, meld_list(j->run_below)));
    j->run_below = j->run_next = NULL;
}

bool manager_has_fresh_jobs(const struct manager *m) {
    return m->p->run_queue || queue_may_bring_jobs(m);
}
