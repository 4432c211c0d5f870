/* SPDX-License-Identifier: Apache-2.0 */
/* Unit types that are loaded and shown but not acted on: mounts, automounts, swaps, devices.
 * Starting one counts as satisfied at once, which is said once a type, so that a boot that asks for them goes
 * on. What the kernel already mounted and which devices exist is read, not watched. */
#include "base/fd.h"
#include "base/path.h"
#include "engine/serialize.h"
#include "engine/types.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct inert {
    struct unit unit;
    bool active;
};
#define INERT(u) CONTAINER_OF(u, struct inert, unit)

static const struct kind {
    const char *active, *inactive; /* sub states */
    const char *plural;            /* for the notice; NULL: nothing is left undone */
    const char *started, *stopped; /* how a job's end is worded; NULL: as for services */
} kinds[UNIT_TYPES] = {
    [UNIT_MOUNT] = { "mounted", "dead", "Mounts", "Mounted %s.", "Unmounted %s." },
    [UNIT_AUTOMOUNT] = { "waiting", "dead", "Automounts", "Set up automount %s.", "Unset automount %s." },
    [UNIT_SWAP] = { "active", "dead", "Swaps", "Activated swap %s.", "Deactivated swap %s." },
    [UNIT_DEVICE] = { "plugged", "dead", NULL, "Found device %s.", NULL },
};

/* --- what is already there ----------------------------------------------------------------------------- */

/* The path a unit is named after: "dev-sda.device" → /dev/sda. NULL: no memory, or not such a name. */
static char *path_of_name(const struct unit *u) {
    const char *dot = strrchr(u->id, '.');
    if (!dot)
        return NULL;
    _cleanup_free_ char *stem = strndup(u->id, (size_t)(dot - u->id));
    char *path;
    return stem && unit_name_path_unescape(stem, &path) >= 0 ? path : NULL;
}

static bool octal(const char *s) {
    return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7';
}

/* Undoes the kernel's \040 escapes in place. */
static void unescape_octal(char *s) {
    char *to = s;
    for (; *s; s++)
        if (*s == '\\' && octal(s + 1)) {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 3;
        } else
            *to++ = *s;
    *to = 0;
}

/* Is `path` a mount point now? proc_pid_mountinfo(5). */
static bool is_mount_point(const char *path) {
    _cleanup_free_ char *info = NULL;
    if (file_read("/proc/self/mountinfo", 4 << 20, &info, NULL) < 0)
        return false;
    char *rest = info;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *field = NULL;
        for (int i = 0; i < 5 && (field = strsep(&line, " ")); i++)
            ;
        if (!field)
            continue;
        unescape_octal(field);
        if (strcmp(field, path) == 0)
            return true;
    }
    return false;
}

/* Is what the unit stands for there already, whoever made it? */
static bool is_there(const struct unit *u) {
    if (u->ops->type != UNIT_MOUNT && u->ops->type != UNIT_DEVICE)
        return false;
    _cleanup_free_ char *path = path_of_name(u);
    if (!path)
        return false;
    if (u->ops->type == UNIT_MOUNT)
        return is_mount_point(path);
    return access(path, F_OK) == 0;
}

/* --- loading ------------------------------------------------------------------------------------------- */

/* What the kernel or the container has put there before anybody could order it. */
static bool is_extrinsic(const struct unit *u) {
    static const char *const above[] = { "/proc", "/sys", "/dev" };
    _cleanup_free_ char *path = path_of_name(u);
    for (size_t i = 0; path && i < ELEMENTS(above); i++)
        if (path_below(path, above[i]))
            return true;
    return false;
}

static int add_default_dependencies(struct unit *u) {
    if (!unit_bool(u->file, D_DefaultDependencies))
        return 0;
    int r = 0;
    switch (u->ops->type) {
    case UNIT_MOUNT:
    case UNIT_AUTOMOUNT:
        if (!u->file->fragment_path || is_extrinsic(u))
            break;
        r = unit_add_dependency_by_name(u, DEP_BEFORE, "local-fs.target");
        if (r >= 0)
            r = unit_add_dependency_by_name(u, DEP_AFTER, "local-fs-pre.target");
        if (r >= 0)
            r = unit_add_two_dependencies_by_name(u, DEP_BEFORE, DEP_CONFLICTS, "umount.target");
        break;
    default:
        break;
    }
    return r;
}

/* The mount an automount is for. */
static int add_trigger(struct unit *u) {
    if (u->ops->type != UNIT_AUTOMOUNT)
        return 0;
    _cleanup_free_ char *mount = NULL;
    int r = unit_name_change_suffix(u->id, ".mount", &mount);
    return r < 0 ? r : unit_add_two_dependencies_by_name(u, DEP_BEFORE, DEP_TRIGGERS, mount);
}

static void inert_init(struct unit *u) {
    u->perpetual = strcmp(u->id, "-.mount") == 0;
    INERT(u)->active = u->perpetual || is_there(u);
    if (INERT(u)->active || u->ops->type == UNIT_DEVICE)
        unit_needs_no_files(u);
}

static int inert_load(struct unit *u) {
    int r = add_trigger(u);
    if (r >= 0 && !u->perpetual && u->file->fragment_path)
        r = unit_add_exec_dependencies(u);
    if (r < 0 || u->perpetual)
        return r;
    return add_default_dependencies(u);
}

/* --- life ---------------------------------------------------------------------------------------------- */

static enum active_state inert_active_state(const struct unit *u) {
    return INERT(u)->active ? ACTIVE_ACTIVE : ACTIVE_INACTIVE;
}

static const char *inert_sub_state(const struct unit *u) {
    const struct kind *k = &kinds[u->ops->type];
    return INERT(u)->active ? k->active : k->inactive;
}

static void inert_enter(struct unit *u, bool active) {
    enum active_state before = inert_active_state(u);
    INERT(u)->active = active;
    unit_notify(u, before, inert_active_state(u), 0);
}

static int inert_start(struct unit *u) {
    if (INERT(u)->active)
        return -EALREADY;
    /* Nobody announces devices here: one that is missing now would be waited for in vain. */
    if (u->ops->type == UNIT_DEVICE && !is_there(u))
        return -EOPNOTSUPP;
    int r = unit_new_invocation(u);
    if (r < 0)
        return r;
    static unsigned told; /* bit: enum unit_type */
    const char *plural = kinds[u->ops->type].plural;
    if (plural && !(told & 1u << u->ops->type) && !is_there(u)) {
        told |= 1u << u->ops->type;
        unit_log(u, LOG_NOTICE, "%s are not run yet: the unit only counts as active.", plural);
    }
    inert_enter(u, true);
    return 0;
}

static int inert_stop(struct unit *u) {
    if (!INERT(u)->active || u->perpetual)
        return -EALREADY;
    inert_enter(u, false);
    return 0;
}

static const char *message_end(const struct unit *u, int type, int result) {
    const struct kind *k = &kinds[u->ops->type];
    if (result != JOB_DONE)
        return NULL;
    return type == JOB_START ? k->started : type == JOB_STOP || type == JOB_RESTART ? k->stopped : NULL;
}

static int inert_serialize(const struct unit *u, struct text *out) {
    put_bool(out, "active", INERT(u)->active);
    return 0;
}

static int inert_deserialize(struct unit *u, const char *name, const char *value) {
    if (strcmp(name, "active") != 0)
        return 0;
    INERT(u)->active = get_bool(value) || strcmp(u->id, "-.mount") == 0;
    return 1;
}

#define INERT_OPS(name, kind, startable)                                                                     \
    const struct unit_ops name = {                                                                           \
        .type = kind,                                                                                        \
        .size = sizeof(struct inert),                                                                        \
        .can_start = startable,                                                                              \
        .init = inert_init,                                                                                  \
        .load = inert_load,                                                                                  \
        .start = inert_start,                                                                                \
        .stop = inert_stop,                                                                                  \
        .active_state = inert_active_state,                                                                  \
        .sub_state = inert_sub_state,                                                                        \
        .serialize = inert_serialize,                                                                        \
        .deserialize = inert_deserialize,                                                                    \
        .message_end = message_end,                                                                          \
    }

/* As under systemd in a container: the kernel lends it neither. */
INERT_OPS(automount_ops, UNIT_AUTOMOUNT, false);
INERT_OPS(swap_ops, UNIT_SWAP, false);
INERT_OPS(mount_ops, UNIT_MOUNT, true);
INERT_OPS(device_ops, UNIT_DEVICE, true);
