/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/gc.h"
#include "engine/manager_private.h"
#include "engine/unit_private.h"

/* Is there a reason to keep it that lies in the unit itself? */
static bool gc_root(const struct unit *u) {
    if (u->job || u->nop_job || u->perpetual || u->references > 0)
        return true;
    enum active_state state = unit_active_state(u);
    if (state == ACTIVE_FAILED) {
        if (unit_number(u->file, D_CollectMode) != COLLECT_INACTIVE_OR_FAILED)
            return true;
    } else if (state != ACTIVE_INACTIVE)
        return true;
    if (u->ops->may_collect && !u->ops->may_collect(u))
        return true;
    return u->maybe_processes || u->in_queues & (1u << QUEUE_LOAD);
}

/* Does something that stays name this unit? Walks the referencing edges backwards with a stack of its own: chains can be
 * as long as there are units. Without memory the answer is yes. */
static bool gc_needed(struct unit *u) {
    if (gc_root(u))
        return true;
    uint32_t marker = ++u->manager->p->marker;
    size_t n = 0, room = 16;
    _cleanup_free_ struct unit **stack = malloc(room * sizeof(*stack));
    if (!stack)
        return true;
    u->marker = marker;
    stack[n++] = u;
    while (n > 0) {
        struct unit *at = stack[--n];
        UNIT_FOREACH_EDGE(e, at, DEP_BIT(DEP_REFERENCED_BY)) {
            if (e->other->marker == marker)
                continue;
            e->other->marker = marker;
            if (gc_root(e->other)) /* mostly a neighbour is: not all that name it need be gone through */
                return true;
            if (n == room) {
                struct unit **bigger = realloc(stack, 2 * room * sizeof(*stack));
                if (!bigger)
                    return true;
                stack = bigger;
                room *= 2;
            }
            stack[n++] = e->other;
        }
    }
    return false;
}

void gc_unit(struct unit *u) {
    if (u->ops->release_resources && !u->job && !u->nop_job && inactive_or_failed(unit_active_state(u)))
        u->ops->release_resources(u);
    if (u->manager->p->shutting_down || gc_needed(u))
        return;
    log_debug("Forgetting %s.", u->id);
    unit_free(u); /* puts the units it named in line: perhaps they may go now */
}
