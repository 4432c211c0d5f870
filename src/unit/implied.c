/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that follow from others. Knows neither plans nor properties: both read the result. */
#include "unit/implied.h"
#include "base/strv.h"
#include "unit/types.h"

#include <errno.h>
#include <linux/capability.h>
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
        { D_ProtectSystem, PROTECT_SYSTEM_STRICT },
        { D_ProtectHome, PROTECT_HOME_READ_ONLY },
    };
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

int unit_put_implied(struct unit_file *file) {
    if (!(section_of_type(file->type) & SECTION_EXEC))
        return 0;
    int r = unit_bool(file, D_DynamicUser) ? put_dynamic_user(file) : 0;
    return r < 0 ? r : put_devices(file);
}
