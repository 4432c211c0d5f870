/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: names for a set of units and a point in the order. systemd.target(5). */
#include "base/strv.h"
#include "engine/serialize.h"
#include "engine/types.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>

struct target {
    struct unit unit;
    bool active;
};
#define TARGET(u) CONTAINER_OF(u, struct target, unit)

/* How one unit pulls in another. */
#define PULLS                                                                                                \
    (DEP_BIT(DEP_REQUIRES) | DEP_BIT(DEP_REQUISITE) | DEP_BIT(DEP_WANTS) | DEP_BIT(DEP_BINDS_TO) |           \
     DEP_BIT(DEP_UPHOLDS))
#define PULLED_BY                                                                                            \
    (DEP_BIT(DEP_REQUIRED_BY) | DEP_BIT(DEP_REQUISITE_OF) | DEP_BIT(DEP_WANTED_BY) | DEP_BIT(DEP_BOUND_BY) |  \
     DEP_BIT(DEP_UPHELD_BY))

/* Orders a target after what it pulls in, unless one of the two does without default dependencies or the
 * order is already the other way round. systemd.target(5) "Default Dependencies". */
static int order_after(struct unit *target, struct unit *other) {
    if (target->file->state != LOAD_LOADED || other->file->state != LOAD_LOADED ||
        !unit_bool(target->file, D_DefaultDependencies) || !unit_bool(other->file, D_DefaultDependencies) ||
        unit_dependencies_with(target, other) & DEP_BIT(DEP_BEFORE))
        return 0;
    return unit_add_dependency(target, DEP_AFTER, other);
}

int target_order(struct unit *u) {
    /* What is added here goes to edges that are there, so their places do not change. */
    for (size_t i = 0; i < u->n_edges; i++) {
        struct unit *other = u->edges[i].other;
        int r = 0;
        uint32_t kinds = u->edges[i].kinds;
        /* As with systemd: what it is part of goes before it only if that was known first. */
        if (u->ops->type == UNIT_TARGET &&
            (kinds & PULLS || (kinds & DEP_BIT(DEP_PART_OF) && other->serial < u->serial)))
            r = order_after(u, other);
        if (r >= 0 && other->ops->type == UNIT_TARGET && kinds & PULLED_BY)
            r = order_after(other, u);
        if (r < 0)
            return r;
    }
    return 0;
}

static int target_load(struct unit *u) {
    if (!unit_bool(u->file, D_DefaultDependencies))
        return 0;
    return unit_add_two_dependencies_by_name(u, DEP_BEFORE, DEP_CONFLICTS, "shutdown.target");
}

static enum active_state target_active_state(const struct unit *u) {
    return TARGET(u)->active ? ACTIVE_ACTIVE : ACTIVE_INACTIVE;
}

static const char *target_sub_state(const struct unit *u) {
    return TARGET(u)->active ? "active" : "dead";
}

static void target_enter(struct unit *u, bool active) {
    enum active_state before = target_active_state(u);
    TARGET(u)->active = active;
    unit_notify(u, before, target_active_state(u), 0);
}

static int target_start(struct unit *u) {
    if (TARGET(u)->active)
        return -EALREADY;
    int r = unit_new_invocation(u);
    if (r < 0)
        return r;
    target_enter(u, true);
    return 0;
}

static int target_stop(struct unit *u) {
    if (!TARGET(u)->active)
        return -EALREADY;
    target_enter(u, false);
    return 0;
}

static int target_serialize(const struct unit *u, struct text *out) {
    put_bool(out, "active", TARGET(u)->active);
    return 0;
}

static int target_deserialize(struct unit *u, const char *name, const char *value) {
    if (strcmp(name, "active") != 0)
        return 0;
    TARGET(u)->active = get_bool(value);
    return 1;
}

static const char *message_end(const struct unit *u, int type, int result) {
    if (result != JOB_DONE)
        return NULL;
    return type == JOB_START                         ? "Reached target %s."
           : type == JOB_STOP || type == JOB_RESTART ? "Stopped target %s."
                                                     : NULL;
}

const struct unit_ops target_ops = {
    .type = UNIT_TARGET,
    .size = sizeof(struct target),
    .can_start = true,
    .load = target_load,
    .start = target_start,
    .stop = target_stop,
    .active_state = target_active_state,
    .sub_state = target_sub_state,
    .serialize = target_serialize,
    .deserialize = target_deserialize,
    .message_end = message_end,
};
