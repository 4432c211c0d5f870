/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/gc.h"
#include "engine/manager_private.h"
#include "engine/purpose.h"
#include "engine/unit_private.h"

/* While what it has started by its success or failure is still about to run, that may ask what it was started for. */
static bool handlers_have_jobs(const struct unit *u) {
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_ON_SUCCESS) | DEP_BIT(DEP_ON_FAILURE))
        if (e->other->job || e->other->nop_job)
            return true;
    return false;
}

/* Is there a reason to keep it that lies in the unit itself? */
static bool gc_root(const struct unit *u) {
    if (u->job || u->nop_job || u->perpetual || u->references > 0 || u == purpose_foreground(u->manager))
        return true;
    enum active_state state = unit_active_state(u);
    if (state == ACTIVE_FAILED) {
        if (unit_number(u->file, D_CollectMode) != COLLECT_INACTIVE_OR_FAILED)
            return true;
    } else if (state != ACTIVE_INACTIVE)
        return true;
    if (u->ops->may_collect && !u->ops->may_collect(u))
        return true;
    return u->maybe_processes || handlers_have_jobs(u);
}

struct closure { /* of a unit along the edges that name it */
    struct unit **units;
    size_t n, room;
};

static bool closure_add(struct closure *c, struct unit *u, uint32_t marker) {
    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 16;
        struct unit **bigger = realloc(c->units, room * sizeof(*bigger));
        if (!bigger)
            return false;
        c->units = bigger;
        c->room = room;
    }
    u->marker = marker;
    c->units[c->n++] = u;
    return true;
}

/* Does something that stays name this unit? If nothing does, those that name it, which are in `c` then, are as
 * needless as it is. Without memory the answer is yes. */
static bool gc_needed(struct unit *u, struct closure *c) {
    if (gc_root(u))
        return true;
    uint32_t marker = ++u->manager->p->marker;
    if (!closure_add(c, u, marker))
        return true;
    for (size_t i = 0; i < c->n; i++)
        UNIT_FOREACH_EDGE(e, c->units[i], DEP_BIT(DEP_REFERENCED_BY)) {
            /* mostly a neighbour is a root: not all that name it need be gone through */
            if (e->other->marker != marker &&
                (gc_root(e->other) || e->other->in_queues & 1u << QUEUE_LOAD || !closure_add(c, e->other, marker)))
                return true;
        }
    return false;
}

void gc_consider(struct unit *u) {
    bool holds = u->ops->may_collect && !u->ops->may_collect(u); /* what is released only when its turn comes */
    if (holds || !gc_root(u))
        queue_add(u, QUEUE_GC);
}

static void release(struct unit *u) {
    if (u->ops->release_resources && !u->job && !u->nop_job && inactive_or_failed(unit_active_state(u)))
        u->ops->release_resources(u);
}

void gc_unit(struct unit *u) {
    release(u);
    if (u->manager->p->shutting_down || u->in_queues & 1u << QUEUE_LOAD)
        return;
    struct closure c = {};
    bool needed = gc_needed(u, &c);
    /* All at once: to look for a reason again at each would take as long each time. */
    for (size_t i = 0; !needed && i < c.n; i++) {
        release(c.units[i]);
        log_debug("Forgetting %s.", c.units[i]->id);
        unit_free(c.units[i]); /* puts the units it named in line: perhaps they may go now */
    }
    free(c.units);
}
