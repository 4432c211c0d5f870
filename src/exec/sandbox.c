/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox a unit asks for, as far as this container lets it be built. systemd.exec(5), "Capabilities",
 * "Security", "Sandboxing", "System Call Filtering". What cannot be had is recorded; it never fails a start.
 */
#include "exec/planner.h"

#include "base/strv.h"
#include "exec/filter.h"
#include "unit/implied.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* --- namespaces and mounts --------------------------------------------------------------------- */

static const char lacks_admin[] = "needs a mount namespace, for which this container lacks CAP_SYS_ADMIN";
static const char mount_forbidden[] = "needs a mount namespace, which this container forbids";
static const char mount_later[] = "mount namespaces are not built yet";

static const char *why_no_mounts(const struct planner *p) {
    return !has_cap(p, CAP_SYS_ADMIN) ? lacks_admin : !p->permits->mount ? mount_forbidden : mount_later;
}

/* Settings whose wish is a number above "no", and lists that are not empty. */
static const enum directive mount_numbers[] = { D_ProtectSystem,        D_ProtectHome, D_PrivateTmp,
                                                D_ProtectControlGroups, D_ProtectProc, D_ProcSubset };
/* Not ProtectKernelModules= and ProtectKernelLogs=: their greater part is done by capabilities and filters.
 */
static const enum directive mount_booleans[] = { D_PrivateDevices, D_ProtectKernelTunables };
static const enum directive mount_lists[] = { D_ReadOnlyPaths,      D_InaccessiblePaths, D_ExecPaths,
                                              D_NoExecPaths,        D_BindPaths,         D_BindReadOnlyPaths,
                                              D_TemporaryFileSystem };

static void plan_mounts(struct planner *p) {
    const char *why = why_no_mounts(p);
    for (size_t i = 0; i < ELEMENTS(mount_numbers); i++)
        if (unit_setting_written(p->unit, mount_numbers[i]) && unit_number(p->unit, mount_numbers[i]) > 0)
            plan_degrade(p, mount_numbers[i], why);
    for (size_t i = 0; i < ELEMENTS(mount_booleans); i++)
        if (unit_setting_written(p->unit, mount_booleans[i]) && unit_bool(p->unit, mount_booleans[i]))
            plan_degrade(p, mount_booleans[i], why);
    for (size_t i = 0; i < ELEMENTS(mount_lists); i++)
        if (unit_setting_written(p->unit, mount_lists[i]) &&
            strv_length(unit_strv(p->unit, mount_lists[i])) > 0)
            plan_degrade(p, mount_lists[i], why);
    if (unit_setting_written(p->unit, D_PrivateMounts) && unit_number(p->unit, D_PrivateMounts) > 0)
        plan_degrade(p, D_PrivateMounts, why);
}

void plan_namespaces(struct planner *p) {
    if (p->sandboxing) {
        plan_mounts(p);
        if (unit_bool(p->unit, D_PrivateNetwork)) {
            if (has_cap(p, CAP_SYS_ADMIN) && p->permits->network_namespace) {
                plan_step(p, STEP_NAMESPACE, EXIT_NETWORK)->number = CLONE_NEWNET;
                plan_step(p, STEP_LOOPBACK, 0);
                p->plan->forks = true;
            } else
                plan_degrade(p, D_PrivateNetwork,
                             "needs a network namespace, for which this container lacks CAP_SYS_ADMIN");
        }
        if (unit_bool(p->unit, D_PrivateIPC)) {
            if (has_cap(p, CAP_SYS_ADMIN) && p->permits->mount) {
                plan_step(p, STEP_NAMESPACE, EXIT_NAMESPACE)->number = CLONE_NEWIPC;
                p->plan->forks = true;
            } else
                plan_degrade(p, D_PrivateIPC,
                             "needs an IPC namespace, for which this container lacks CAP_SYS_ADMIN");
        }
        if (unit_setting_written(p->unit, D_PrivateUsers) && unit_number(p->unit, D_PrivateUsers) > 0)
            plan_degrade(p, D_PrivateUsers, "user namespaces are not built yet");
        if (unit_bool(p->unit, D_PrivatePIDs))
            plan_degrade(p, D_PrivatePIDs, "PID namespaces are not built yet");
    }
    const char *pam = unit_string(p->unit, D_PAMName);
    if (pam && p->setuid)
        plan_degrade(p, D_PAMName, "no PAM session is opened: the modules need another libc than ours");
    if (strv_length(unit_strv(p->unit, D_LoadCredentialEncrypted)) > 0)
        plan_degrade(p, D_LoadCredentialEncrypted, "encrypted credentials cannot be read here");
    if (strv_length(unit_strv(p->unit, D_SetCredentialEncrypted)) > 0)
        plan_degrade(p, D_SetCredentialEncrypted, "encrypted credentials cannot be read here");

    const char *root = unit_string(p->unit, D_RootDirectory);
    if (root && p->chroot) {
        bool optional = root[0] == '-';
        if (strcmp(root + optional, "/") == 0)
            ;
        else if (has_cap(p, CAP_SYS_CHROOT)) {
            plan_step(p, STEP_CHROOT, optional ? 0 : EXIT_CHROOT)->subject =
                arena_string(p->arena, root + optional);
            p->plan->forks = true;
        } else
            plan_degrade(p, D_RootDirectory, "needs CAP_SYS_CHROOT, which this container lacks");
    }
}

/* --- filters ----------------------------------------------------------------------------------- */

static const struct {
    enum directive id;
    enum restriction restriction;
    uint64_t capabilities; /* without these the calls fail by themselves; 0: they need none */
    bool number;           /* the setting is no boolean */
} restrictions[] = {
    { D_RestrictRealtime, RESTRICT_REALTIME, 0, false },
    { D_RestrictSUIDSGID, RESTRICT_SUID_SGID, 0, false },
    { D_LockPersonality, LOCK_PERSONALITY, 0, false },
    { D_MemoryDenyWriteExecute, DENY_WRITE_EXECUTE, 0, false },
    { D_ProtectHostname, PROTECT_HOSTNAME, CAP(SYS_ADMIN), true },
    { D_ProtectClock, PROTECT_CLOCK, CAP(SYS_TIME), false },
    { D_ProtectKernelModules, PROTECT_MODULES, CAP(SYS_MODULE), false },
    { D_ProtectKernelLogs, PROTECT_LOGS, CAP(SYSLOG), false },
    { D_PrivateDevices, DENY_RAW_IO, CAP(SYS_RAWIO), false },
};

static bool realtime_possible(const struct planner *p, uint64_t bounding) {
    /* plan_limits() takes RLIMIT_RTPRIO away. */
    return bounding & p->permits->bounding & CAP(SYS_NICE) || unit_setting_written(p->unit, D_LimitRTPRIO);
}

/* What the filters are to do. Returns whether any does what nothing else does. */
static bool filter_wishes(const struct planner *p, struct filter_settings *s) {
    uint64_t bounding = unit_bounding_set(p->unit);
    if (!has_cap(p, CAP_SETPCAP))
        bounding = UINT64_MAX; /* cannot be dropped */
    bounding &= p->permits->bounding;
    *s = (struct filter_settings){ .namespaces = UINT64_MAX };
    bool needed = false;
    for (size_t i = 0; i < ELEMENTS(restrictions); i++) {
        enum directive id = restrictions[i].id;
        bool wanted = restrictions[i].number ? unit_number(p->unit, id) > 0 : unit_bool(p->unit, id);
        if (!wanted)
            continue;
        s->restrictions |= restrictions[i].restriction;
        needed |= id == D_RestrictRealtime
                      ? realtime_possible(p, bounding)
                      : !restrictions[i].capabilities || restrictions[i].capabilities & bounding;
    }
    if (unit_setting_written(p->unit, D_RestrictNamespaces))
        s->namespaces = unit_size(p->unit, D_RestrictNamespaces);
    s->families = unit_strv(p->unit, D_RestrictAddressFamilies);
    s->architectures = unit_strv(p->unit, D_SystemCallArchitectures);
    s->calls = unit_strv(p->unit, D_SystemCallFilter);
    int64_t error = unit_number(p->unit, D_SystemCallErrorNumber);
    s->error = error > 0 && error < 4096 ? (int)error : 0;
    s->personality = unit_setting_written(p->unit, D_Personality) && unit_number(p->unit, D_Personality) >= 0
                         ? (unsigned long)unit_number(p->unit, D_Personality)
                         : PER_LINUX;
    return needed || s->namespaces != UINT64_MAX || strv_length(s->families) > 0 ||
           strv_length(s->architectures) > 0 || strv_length(s->calls) > 0;
}

static void degrade_filters(struct planner *p, const char *why) {
    static const enum directive lists[] = { D_RestrictAddressFamilies, D_SystemCallArchitectures,
                                            D_SystemCallFilter };
    for (size_t i = 0; i < ELEMENTS(restrictions); i++) {
        enum directive id = restrictions[i].id;
        if (restrictions[i].number ? unit_number(p->unit, id) > 0 : unit_bool(p->unit, id))
            plan_degrade(p, id, why);
    }
    for (size_t i = 0; i < ELEMENTS(lists); i++)
        if (strv_length(unit_strv(p->unit, lists[i])) > 0)
            plan_degrade(p, lists[i], why);
    if (unit_setting_written(p->unit, D_RestrictNamespaces) &&
        unit_size(p->unit, D_RestrictNamespaces) != UINT64_MAX)
        plan_degrade(p, D_RestrictNamespaces, why);
}

/* systemd.exec(5) NoNewPrivileges=: without CAP_SYS_ADMIN a filter takes effect only together with it.
 * Filters that forbid nothing a missing capability would not forbid anyway are left out rather than imply it.
 */
void plan_sandbox_decide(struct planner *p) {
    if (!p->sandboxing)
        return;
    p->no_new_privileges = unit_bool(p->unit, D_NoNewPrivileges);
    struct filter_settings settings;
    bool needed = filter_wishes(p, &settings);
    if (needed && !p->permits->seccomp) {
        degrade_filters(p, "this container lets no system-call filters be installed");
        return;
    }
    /* Those that are not needed cost nothing where no condition comes with them. */
    bool free = settings.restrictions && (p->no_new_privileges || has_cap(p, CAP_SYS_ADMIN));
    p->needs_filters = p->permits->seccomp && (needed || free);
    if (needed && !has_cap(p, CAP_SYS_ADMIN))
        p->no_new_privileges = true;
}

void plan_filters(struct planner *p) {
    if (p->no_new_privileges)
        plan_step(p, STEP_NO_NEW_PRIVS, EXIT_NO_NEW_PRIVILEGES);
    if (!p->needs_filters)
        return;
    struct filter_settings settings;
    struct filter_program programs[FILTER_PROGRAMS];
    filter_wishes(p, &settings);
    int r = filter_compile(&settings, programs);
    if (r == -ENOMEM) {
        arena_fail(p->arena);
        return;
    }
    if (r < 0) {
        degrade_filters(p, "the system-call filter could not be compiled");
        return;
    }
    for (size_t i = 0; i < FILTER_PROGRAMS; i++) {
        if (programs[i].length == 0)
            continue;
        size_t size = programs[i].length * sizeof(struct sock_filter);
        void *copy = arena_alloc(p->arena, size);
        if (!copy)
            return;
        struct step *s = plan_step(p, STEP_SECCOMP, EXIT_SECCOMP);
        s->program.filter = memcpy(copy, programs[i].filter, size);
        s->program.length = programs[i].length;
    }
}

/* --- capabilities ------------------------------------------------------------------------------ */

static const struct {
    int cap;
    const char *why;
} missing_ambient[] = {
    { CAP_IPC_LOCK, "this container lacks CAP_IPC_LOCK" },
    { CAP_SYS_NICE, "this container lacks CAP_SYS_NICE" },
    { CAP_SYS_RESOURCE, "this container lacks CAP_SYS_RESOURCE" },
    { CAP_NET_ADMIN, "this container lacks CAP_NET_ADMIN" },
    { CAP_SYS_ADMIN, "this container lacks CAP_SYS_ADMIN" },
    { CAP_SYS_TIME, "this container lacks CAP_SYS_TIME" },
    { CAP_SYS_PTRACE, "this container lacks CAP_SYS_PTRACE" },
    { CAP_DAC_READ_SEARCH, "this container lacks CAP_DAC_READ_SEARCH" },
};

static const char *why_no_ambient(uint64_t missing) {
    for (size_t i = 0; i < ELEMENTS(missing_ambient); i++)
        if (missing == UINT64_C(1) << missing_ambient[i].cap)
            return missing_ambient[i].why;
    return "this container lacks some of these capabilities";
}

/* Bounding set, user, ambient set: in this order, as each takes away what the one before needs. */
void plan_capabilities(struct planner *p) {
    uint64_t ambient = 0;
    if (p->sandboxing) {
        uint64_t bounding = unit_bounding_set(p->unit), drop = p->permits->bounding & ~bounding;
        if (drop && has_cap(p, CAP_SETPCAP))
            plan_step(p, STEP_CAPS_BOUND, EXIT_CAPABILITIES)->number = bounding;
        else if (drop && unit_setting_written(p->unit, D_CapabilityBoundingSet))
            plan_degrade(p, D_CapabilityBoundingSet, "needs CAP_SETPCAP, which this container lacks");
        uint64_t wanted = unit_setting_written(p->unit, D_AmbientCapabilities)
                              ? unit_size(p->unit, D_AmbientCapabilities)
                              : 0;
        ambient = wanted & p->permits->capabilities & bounding;
        uint64_t missing = wanted & bounding & ~p->permits->capabilities;
        if (missing)
            plan_degrade(p, D_AmbientCapabilities, why_no_ambient(missing));
    }

    uint64_t keep = 0;
    int64_t securebits =
        p->sandboxing && unit_setting_written(p->unit, D_SecureBits) ? unit_number(p->unit, D_SecureBits) : 0;
    if (securebits && !has_cap(p, CAP_SETPCAP)) {
        plan_degrade(p, D_SecureBits, "needs CAP_SETPCAP, which this container lacks");
        securebits = 0;
    }
    bool leaves_root = p->setuid && p->identity.change_uid && p->identity.uid != 0;
    if (leaves_root) {
        /* What is kept beyond the ambient set goes at exec: another user than root takes none along. */
        if (p->needs_filters && !p->no_new_privileges)
            keep |= CAP(SYS_ADMIN);
        if (securebits)
            keep |= CAP(SETPCAP);
        if (keep | ambient)
            plan_step(p, STEP_KEEP_CAPS, EXIT_CAPABILITIES);
    } else
        keep = p->permits->capabilities;
    plan_identity_user(p);
    if (ambient || (leaves_root && keep)) {
        struct step *s = plan_step(p, STEP_CAPS_SET, EXIT_CAPABILITIES);
        s->caps.permitted = s->caps.effective = (keep & p->permits->capabilities) | ambient;
        s->caps.inheritable = ambient;
    }
    if (ambient)
        plan_step(p, STEP_CAPS_AMBIENT, EXIT_CAPABILITIES)->number = ambient;
    if (securebits)
        plan_step(p, STEP_SECUREBITS, EXIT_SECUREBITS)->number = (uint64_t)securebits;
}
