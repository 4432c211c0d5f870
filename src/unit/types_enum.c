/* SPDX-License-Identifier: Apache-2.0 */
/* Enumerations: a table of names each, in the order of the constants in types.h. */
#include "base/strv.h"
#include "syntax/names.h"
#include "unit/types_private.h"

#include <errno.h>
#include <string.h>

struct enum_names {
    const char *const *names; /* ends with NULL; a NULL within would be a hole, so there are none */
    /* What yes and no (and their other spellings) mean, for those that were booleans once; NULL: nothing. */
    const char *yes, *no;
    /* Older spellings, in pairs: old, new; ends with NULL. */
    const char *const *old;
    int most; /* the kernel's numbers up to this one are taken as well, named or not; 0: none */
};

const char *value_enum_name(const struct value_type *type, int64_t i) {
    const struct enum_names *e = type->data;
    if (i < 0 || (uint64_t)i >= strv_length((char *const *)e->names))
        return NULL;
    return e->names[i];
}

static int find(const struct enum_names *e, const char *name) {
    for (int i = 0; e->names[i]; i++)
        if (strcmp(e->names[i], name) == 0)
            return i;
    return -EINVAL;
}

int value_enum_from_name(const struct value_type *type, const char *name) {
    const struct enum_names *e = type->data;
    int i = find(e, name);
    int64_t number;
    if (i >= 0)
        return i;
    if (e->most && number_parse(name, &number) >= 0 && number >= 0 && number <= e->most)
        return (int)number;
    for (const char *const *old = e->old; old && *old; old += 2)
        if (strcmp(old[0], name) == 0)
            return find(e, old[1]);
    int b = e->yes || e->no ? bool_parse(name) : -EINVAL;
    const char *meant = b > 0 ? e->yes : b == 0 ? e->no : NULL;
    return meant ? find(e, meant) : -EINVAL;
}

static int parse(const struct value_type *type, struct parse_at *at, const char *text, union value *value) {
    int i = value_enum_from_name(type, text);
    if (i < 0) {
        const struct enum_names *e = type->data;
        value_reject(at, "not one of");
        for (int n = 0; e->names[n]; n++)
            if (*e->names[n])
                text_addf(&at->why, "%s %s", at->why.len > strlen("not one of") ? "," : "", e->names[n]);
        return -EINVAL;
    }
    value->number = i;
    return 0;
}

static void print(const struct value_type *type, const union value *value, struct text *out) {
    const char *name = value_enum_name(type, value->number);
    if (name)
        text_add(out, name);
    else
        text_addf(out, "%d", (int)value->number);
}

#define NAMES(...)                                                                                           \
    (const char *const[]) {                                                                                  \
        __VA_ARGS__, NULL                                                                                    \
    }
#define ENUM_FLAGS(type, title, how, ...)                                                                     \
    const struct value_type type_##type = { title,                                                           \
                                            .flags = how,                                                    \
                                            .data = &(const struct enum_names){ __VA_ARGS__ },               \
                                            .parse = parse,                                                  \
                                            .print = print,                                                  \
                                            .equal = value_equal_number }
#define ENUM(type, title, ...) ENUM_FLAGS(type, title, TYPE_KEEPS, __VA_ARGS__)
/* Those that an empty value takes back to the default. */
#define ENUM_OR_UNSET(type, title, ...) ENUM_FLAGS(type, title, 0, __VA_ARGS__)

ENUM(service_type, "service type",
     NAMES("simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"));
ENUM(exit_type, "exit type", NAMES("main", "cgroup"));
ENUM(restart, "restart setting",
     NAMES("no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"));
ENUM(restart_mode, "restart mode", NAMES("normal", "direct", "debug"));
ENUM(notify_access, "notification access", NAMES("none", "all", "exec", "main"));
ENUM(timeout_failure_mode, "timeout failure mode", NAMES("terminate", "abort", "kill"));
/* What stdout shows: journal/console.h has the same names. */
ENUM(console_format, "format on stdout", NAMES("", "short", "json", "logfmt", "cat", "none"));
ENUM(preserve, "preserve setting", NAMES("no", "yes", "restart"), "yes", "no");
ENUM(oom_policy, "out-of-memory policy", NAMES("continue", "stop", "kill"));
ENUM_OR_UNSET(kill_mode, "kill mode", NAMES("control-group", "process", "mixed", "none"));
ENUM(collect_mode, "collect mode", NAMES("inactive", "inactive-or-failed"));
ENUM(action, "action",
     NAMES("none", "exit", "exit-force", "reboot", "reboot-force", "reboot-immediate", "poweroff",
           "poweroff-force", "poweroff-immediate", "soft-reboot", "soft-reboot-force", "kexec", "kexec-force",
           "halt", "halt-force", "halt-immediate"));
ENUM(bind_ipv6_only, "IPv6 binding", NAMES("default", "both", "ipv6-only"), "ipv6-only", "both");
ENUM_OR_UNSET(timestamping, "time stamping", NAMES("off", "us", "ns"), "ns", "off",
     NAMES("usec", "us", "\xc2\xb5s", "us", "\xce\xbcs", "us", "nsec", "ns"));
ENUM(protect_system, "system protection", NAMES("no", "yes", "full", "strict"), "yes", "no");
ENUM(protect_home, "home protection", NAMES("no", "yes", "read-only", "tmpfs"), "yes", "no");
ENUM(private_tmp, "private /tmp", NAMES("no", "connected", "disconnected"), "connected", "no");
ENUM(private_users, "private users", NAMES("no", "self", "identity", "full"), "self", "no");
ENUM(protect_hostname, "host name protection", NAMES("no", "yes", "private"), "yes", "no");
ENUM(protect_control_groups, "control group protection", NAMES("no", "yes", "private", "strict"), "yes",
     "no");
ENUM(protect_proc, "/proc visibility", NAMES("default", "noaccess", "invisible", "ptraceable"));
ENUM(proc_subset, "/proc subset", NAMES("all", "pid"));
ENUM(keyring_mode, "keyring mode", NAMES("inherit", "private", "shared"));
ENUM(utmp_mode, "utmp mode", NAMES("init", "login", "user"));
ENUM(device_policy, "device policy", NAMES("auto", "closed", "strict"));
ENUM_OR_UNSET(managed_oom_mode, "managed OOM mode", NAMES("auto", "kill"));
ENUM(managed_oom_preference, "managed OOM preference", NAMES("none", "avoid", "omit"));
ENUM_OR_UNSET(memory_pressure_watch, "memory pressure watch", NAMES("off", "on", "auto", "skip"), "on", "off");
ENUM_OR_UNSET(mount_flags, "mount propagation", NAMES("", "shared", "slave", "private"));
/* The order is the engine's enum job_mode. */
#define JOB_MODES_TABLE                                                                                      \
    NAMES("fail", "replace", "replace-irreversibly", "isolate", "flush", "ignore-dependencies",              \
          "ignore-requirements", "triggering", "restart-dependencies")
ENUM(job_mode, "job mode", JOB_MODES_TABLE);
/* OnFailureIsolate=, the boolean that became OnFailureJobMode=. */
ENUM(job_mode_isolate, "boolean", JOB_MODES_TABLE, "isolate", "replace");
/* In the order of the kernel's numbers. */
ENUM_OR_UNSET(cpu_policy, "scheduling policy", NAMES("other", "fifo", "rr", "batch", "", "idle"), .most = INT32_MAX);
ENUM_OR_UNSET(io_class, "I/O scheduling class", NAMES("none", "realtime", "best-effort", "idle"), .most = 8);
ENUM_OR_UNSET(numa_policy, "NUMA policy", NAMES("default", "preferred", "bind", "interleave", "local"));
