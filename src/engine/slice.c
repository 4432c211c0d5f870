/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: the tree units are sorted into. Without control groups of our own they are names that can be
 * stopped with all that is in them. systemd.slice(5). */
#include "engine/manager_private.h"
#include "engine/serialize.h"
#include "engine/types.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct slice {
    struct unit unit;
    bool active;
};
#define SLICE(u) CONTAINER_OF(u, struct slice, unit)

const char *const perpetual_units[] = { "-.slice", "system.slice", "init.scope", "-.mount", NULL };

static const char root_slice[] = "-.slice";

static bool is_perpetual(const char *name) {
    return strcmp(name, root_slice) == 0 || strcmp(name, "system.slice") == 0;
}

static void slice_init(struct unit *u) {
    unit_needs_no_files(u);
    u->perpetual = SLICE(u)->active = is_perpetual(u->id);
}

/* "a-b-c.slice" lies in "a-b.slice", "a.slice" in "-.slice". */
static int add_parent(struct unit *u) {
    if (strcmp(u->id, root_slice) == 0)
        return 0;
    char parent[UNIT_NAME_MAX];
    snprintf(parent, sizeof(parent), "%s", u->id);
    char *dash = strrchr(parent, '-');
    strcpy(dash && dash != parent ? dash : parent, dash && dash != parent ? ".slice" : root_slice);
    int r = unit_add_dependency_by_name(u, DEP_IN_SLICE, parent);
    return r < 0 ? r : unit_add_two_dependencies_by_name(u, DEP_AFTER, DEP_REQUIRES, parent);
}

static int refuse(struct unit *u, const char *why) {
    free(u->file->error);
    u->file->error = strdup(why);
    return -EINVAL;
}

static int slice_load(struct unit *u) {
    size_t stem = strlen(u->id) - strlen(".slice");
    if (strcmp(u->id, root_slice) != 0 &&
        (u->id[0] == '-' || u->id[stem - 1] == '-' || memmem(u->id, stem, "--", 2)))
        return refuse(u, "The name of a slice has single dashes between the names of its parents.");
    int r = add_parent(u);
    if (r < 0)
        return r;
    if (!unit_bool(u->file, D_DefaultDependencies) || u->perpetual)
        return 0;
    return unit_add_two_dependencies_by_name(u, DEP_BEFORE, DEP_CONFLICTS, "shutdown.target");
}

static enum active_state slice_active_state(const struct unit *u) {
    return SLICE(u)->active ? ACTIVE_ACTIVE : ACTIVE_INACTIVE;
}

static const char *slice_sub_state(const struct unit *u) {
    return SLICE(u)->active ? "active" : "dead";
}

static void slice_enter(struct unit *u, bool active) {
    enum active_state before = slice_active_state(u);
    SLICE(u)->active = active;
    unit_notify(u, before, slice_active_state(u), 0);
}

static int slice_start(struct unit *u) {
    if (SLICE(u)->active)
        return -EALREADY;
    int r = unit_new_invocation(u);
    if (r < 0)
        return r;
    slice_enter(u, true);
    return 0;
}

static int slice_stop(struct unit *u) {
    if (!SLICE(u)->active || u->perpetual)
        return -EALREADY;
    slice_enter(u, false);
    return 0;
}

/* --- ConcurrencyHardMax=, ConcurrencySoftMax= --------------------------------------------------------------------- */
static struct unit *slice_of(const struct unit *u) {
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_IN_SLICE))
        return e->other;
    return NULL;
}

/* How many units in the slice, and below it, are up, other than `but`; those that will be count, too. */
static uint64_t count_active(const struct unit *slice, const struct unit *but, bool or_queued) {
    uint64_t n = 0;
    UNIT_FOREACH_EDGE(e, slice, DEP_BIT(DEP_SLICE_OF)) {
        const struct unit *u = e->other;
        const struct job *j = or_queued ? u->job : NULL;
        bool starts = j && (j->type == JOB_START || j->type == JOB_RESTART);
        n += u != but && (starts || !inactive_or_failed(unit_active_state(u)));
        /* No deeper than names are long. */
        if (u->ops->type == UNIT_SLICE)
            n += count_active(u, but, or_queued);
    }
    return n;
}

static bool is_full(const struct unit *slice, enum directive limit, const struct unit *but, bool or_queued) {
    return unit_setting_written(slice->file, limit) && unit_size(slice->file, limit) != UINT64_MAX &&
           count_active(slice, but, or_queued) >= unit_size(slice->file, limit);
}

uint64_t slice_count_active(const struct unit *slice) {
    return count_active(slice, NULL, false);
}

int slices_have_room(const struct unit *u, bool or_queued) {
    int r = 0;
    for (const struct unit *s = slice_of(u); s; s = slice_of(s)) {
        if (is_full(s, D_ConcurrencyHardMax, u, or_queued))
            return -EDQUOT;
        if (!or_queued && is_full(s, D_ConcurrencySoftMax, u, false))
            r = -EAGAIN;
    }
    return r;
}

void slices_got_room(const struct unit *u) {
    for (const struct unit *s = slice_of(u); s; s = slice_of(s))
        if (unit_setting_written(s->file, D_ConcurrencySoftMax)) {
            for (struct job *j = u->manager->jobs; j; j = j->hh.next)
                if (j->type == JOB_START && j->state == JOB_WAITING)
                    job_queue_run(j);
            return;
        }
}

static int slice_serialize(const struct unit *u, struct text *out) {
    put_bool(out, "active", SLICE(u)->active);
    return 0;
}

static int slice_deserialize(struct unit *u, const char *name, const char *value) {
    if (strcmp(name, "active") != 0)
        return 0;
    SLICE(u)->active = get_bool(value) || is_perpetual(u->id);
    return 1;
}

static const char *message_end(const struct unit *u, int type, int result) {
    if (result != JOB_DONE)
        return NULL;
    return type == JOB_START                         ? "Created slice %s."
           : type == JOB_STOP || type == JOB_RESTART ? "Removed slice %s."
                                                     : NULL;
}

const struct unit_ops slice_ops = {
    .type = UNIT_SLICE,
    .size = sizeof(struct slice),
    .can_start = true,
    .init = slice_init,
    .load = slice_load,
    .start = slice_start,
    .stop = slice_stop,
    .active_state = slice_active_state,
    .sub_state = slice_sub_state,
    .serialize = slice_serialize,
    .deserialize = slice_deserialize,
    .message_end = message_end,
};
