/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that follow from others. Knows neither plans nor properties: both read the result. */
#include "unit/implied.h"
#include "base/strv.h"
#include "unit/types.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define USER_NAME_MAX 31

/* Capabilities that settings other than CapabilityBoundingSet= take away. */
static const struct {
    enum directive id;
    uint64_t capabilities;
} taken_away[] = {
    { D_PrivateDevices, CAP(MKNOD) | CAP(SYS_RAWIO) },
    { D_ProtectKernelModules, CAP(SYS_MODULE) },
    { D_ProtectKernelLogs, CAP(SYSLOG) },
    { D_ProtectClock, CAP(SYS_TIME) | CAP(WAKE_ALARM) },
};

uint64_t unit_bounding_set(const struct unit_file *file) {
    uint64_t set = unit_size(file, D_CapabilityBoundingSet);
    for (size_t i = 0; i < ELEMENTS(taken_away); i++)
        if (unit_bool(file, taken_away[i].id))
            set &= ~taken_away[i].capabilities;
    return set;
}

static uint32_t hash_name(const char *s, size_t n) {
    uint32_t h = 2166136261u; /* FNV-1a */
    while (n-- > 0)
        h = (h ^ (unsigned char)*s++) * 16777619u;
    return h;
}

/* The unit's name without instance and suffix, if a user may be called so; else one made from its hash. */
static char *dynamic_name(const char *unit) {
    const char *end = strrchr(unit, '.'), *at = strchr(unit, '@');
    size_t n = at && at < end ? (size_t)(at - unit) : (size_t)(end - unit);
    bool fine = n > 0 && n <= USER_NAME_MAX && !strchr("0123456789-", unit[0]) &&
                strspn(unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") >= n;
    char *made = NULL;
    if (fine)
        return strndup(unit, n);
    return asprintf(&made, "_du%08x", hash_name(unit, strlen(unit))) < 0 ? NULL : made;
}

static int put_name(struct unit_file *file, enum directive id, const char *name) {
    if (unit_string(file, id))
        return 0;
    union value value = { .string = name ? strdup(name) : NULL };
    return value.string ? unit_setting_put(file, id, value) : -ENOMEM;
}

static int put_dynamic_user(struct unit_file *file) {
    static const enum directive booleans[] = { D_RemoveIPC, D_NoNewPrivileges, D_RestrictSUIDSGID };
    static const struct {
        enum directive id;
        int64_t least;
    } at_least[] = {
        { D_PrivateTmp, PRIVATE_TMP_CONNECTED },
        { D_ProtectHome, PROTECT_HOME_READ_ONLY },
    };
    if (unit_setting_put(file, D_ProtectSystem, (union value){ .number = PROTECT_SYSTEM_STRICT }) < 0)
        return -ENOMEM;
    _cleanup_free_ char *made = unit_string(file, D_User) ? NULL : dynamic_name(file->name);
    int r = put_name(file, D_User, made);
    if (r >= 0)
        r = put_name(file, D_Group, unit_string(file, D_User));
    for (size_t i = 0; i < ELEMENTS(booleans) && r >= 0; i++)
        r = unit_setting_put(file, booleans[i], (union value){ .boolean = true });
    for (size_t i = 0; i < ELEMENTS(at_least) && r >= 0; i++)
        if (unit_number(file, at_least[i].id) == 0)
            r = unit_setting_put(file, at_least[i].id, (union value){ .number = at_least[i].least });
    return r;
}

/* "char-rtc r": what ProtectClock= leaves of the devices. */
static int put_devices(struct unit_file *file) {
    const struct directive_row *row = directive_find(SECTION_SERVICE, "DeviceAllow");
    const struct value_type *policy = directive_row(D_DevicePolicy)->type;
    int r = 0;
    bool devices = unit_bool(file, D_PrivateDevices), clock = unit_bool(file, D_ProtectClock);
    if ((devices || clock) && strcmp(value_enum_name(policy, unit_number(file, D_DevicePolicy)), "auto") == 0)
        r = unit_setting_put(file, D_DevicePolicy, (union value){ .number = value_enum_from_name(policy, "closed") });
    if (r < 0 || !clock || !row)
        return r;
    struct parse_at at = { .unit = file->name };
    r = unit_file_assign(file, row, &at, "char-rtc r");
    text_free(&at.why);
    return r == -ENOMEM ? r : 0;
}

/* Both streams "inherit" from an input that has no other direction: the log, as if nothing were said. */
static int put_output(struct unit_file *file) {
    static const char *const both_ways[] = { "tty", "tty-force", "tty-fail", "socket", "fd" };
    const char *in = unit_string(file, D_StandardInput), *out = unit_string(file, D_StandardOutput);
    if (!out || strcmp(out, "inherit") != 0 || (in && strncmp(in, "fd:", 3) == 0))
        return 0;
    for (size_t i = 0; in && i < ELEMENTS(both_ways); i++)
        if (strcmp(in, both_ways[i]) == 0)
            return 0;
    unit_setting_drop(file, D_StandardOutput);
    return 0;
}

/* Data for stdin goes there unless something else was asked for. */
static int put_input(struct unit_file *file) {
    const char *in = unit_string(file, D_StandardInput);
    if ((in && strcmp(in, "null") != 0) ||
        (!unit_string(file, D_StandardInputText) && !unit_string(file, D_StandardInputData)))
        return 0;
    union value value = { .string = strdup("data") };
    return value.string ? unit_setting_put(file, D_StandardInput, value) : -ENOMEM;
}

/* A root of its own needs /proc and the like; nodes of memory need a policy for them. */
static int put_others(struct unit_file *file) {
    static const int64_t numa_preferred = 1;
    bool root = unit_string(file, D_RootDirectory) || unit_string(file, D_RootImage);
    int r = 0;
    if (root && !unit_setting_written(file, D_MountAPIVFS))
        r = unit_setting_put(file, D_MountAPIVFS, (union value){ .number = 1 });
    if (r >= 0 && unit_setting_written(file, D_NUMAMask) && !unit_setting_written(file, D_NUMAPolicy))
        r = unit_setting_put(file, D_NUMAPolicy, (union value){ .number = numa_preferred });
    return r;
}

/* A real-time policy has priorities of its own, from 1; one that the kernel does not know has none. */
static int put_priority(struct unit_file *file) {
    if (!unit_setting_written(file, D_CPUSchedulingPolicy))
        return 0;
    int policy = (int)unit_number(file, D_CPUSchedulingPolicy);
    int least = sched_get_priority_min(policy), most = sched_get_priority_max(policy);
    int64_t priority = unit_number(file, D_CPUSchedulingPriority);
    if (least == 0 || (least < 0 && unit_setting_written(file, D_CPUSchedulingPriority)) ||
        (priority >= least && priority <= most))
        return 0;
    return unit_setting_put(file, D_CPUSchedulingPriority, (union value){ .number = priority < least ? least : most });
}

/* Numbers that systemd has for "not said". */
static void drop_unset_limits(struct unit_file *file) {
    if (unit_size(file, D_TriggerLimitBurst) == UINT32_MAX)
        unit_setting_drop(file, D_TriggerLimitBurst);
    if (unit_usec(file, D_TriggerLimitIntervalSec) == USEC_INFINITY)
        unit_setting_drop(file, D_TriggerLimitIntervalSec);
}

int unit_put_implied(struct unit_file *file) {
    if (file->type == UNIT_SOCKET)
        drop_unset_limits(file);
    if (!(section_of_type(file->type) & SECTION_EXEC))
        return 0;
    int r = unit_bool(file, D_DynamicUser) ? put_dynamic_user(file) : 0;
    if (r >= 0 && file->type == UNIT_SERVICE && unit_string(file, D_BusName) && !unit_setting_written(file, D_Type))
        r = unit_setting_put(file, D_Type, (union value){ .number = SERVICE_TYPE_DBUS });
    if (r >= 0)
        r = put_input(file);
    if (r >= 0)
        r = put_others(file);
    if (r >= 0)
        r = put_output(file);
    if (r >= 0)
        r = put_priority(file);
    return r < 0 ? r : put_devices(file);
}
