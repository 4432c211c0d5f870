/* SPDX-License-Identifier: Apache-2.0 */
/* Who the command runs as. systemd.exec(5), "User/Group Identity". */
#include "exec/planner.h"

#include "base/strv.h"
#include "base/users.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

/* What systemd allocates DynamicUser= from. */
#define DYNAMIC_FIRST 61184
#define DYNAMIC_LAST 65519

static uint32_t hash_name(const char *s) {
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

static bool no_login_shell(const char *shell) {
    static const char *const none[] = { "/bin/nologin",      "/sbin/nologin", "/usr/bin/nologin",
                                        "/usr/sbin/nologin", "/bin/false",    "/usr/bin/false",
                                        "/bin/true",         "/usr/bin/true" };
    for (size_t i = 0; i < ELEMENTS(none); i++)
        if (strcmp(shell, none[i]) == 0)
            return true;
    return false;
}

/* A number for a name, the same at every start, that no entry of /etc/passwd has. Two names may meet: rare,
 * and said. */
static uid_t dynamic_uid(const char *name) {
    uint32_t range = DYNAMIC_LAST - DYNAMIC_FIRST + 1, h = hash_name(name);
    for (uint32_t i = 0; i < 8; i++) {
        uid_t uid = DYNAMIC_FIRST + (h + i * 631) % range;
        _cleanup_free_ char *taken = NULL;
        if (user_name(uid, &taken) < 0)
            return uid;
    }
    return DYNAMIC_FIRST + h % range;
}

int exec_user_number(const struct unit_file *unit, uid_t *ret) {
    const char *name = unit_string(unit, D_User);
    _cleanup_user_ struct user_record record = {};
    int r = name ? user_lookup(name, &record) : -ESRCH;
    if (r >= 0)
        *ret = record.uid;
    else if (r == -ESRCH && name && unit_bool(unit, D_DynamicUser)) {
        *ret = dynamic_uid(name);
        r = 0;
    } else if (r == -ESRCH && name)
        r = uid_parse(name, ret) < 0 ? -ESRCH : 0;
    return r;
}

static int find_user(struct planner *p, const char *name, bool dynamic) {
    struct identity *id = &p->identity;
    _cleanup_user_ struct user_record record = {};
    int r = user_lookup(name, &record);
    if (r == -ENOMEM)
        return r;
    if (r >= 0) {
        id->uid = record.uid;
        id->gid = record.gid;
        id->user = arena_string(p->arena, record.name);
        if (record.home[0] == '/' && record.home[1])
            id->home = arena_string(p->arena, record.home);
        if (!no_login_shell(record.shell))
            id->shell = record.shell[0] ? arena_string(p->arena, record.shell) : "/bin/sh";
        return 0;
    }
    id->user = name;
    if (strcmp(name, "root") == 0 || strcmp(name, "0") == 0) {
        id->user = "root";
        id->home = "/root";
        id->shell = "/bin/sh";
        id->uid = id->gid = 0;
        return 0;
    }
    if (dynamic) {
        id->uid = id->gid = dynamic_uid(name);
        id->home = "/";
        plan_degrade(p, D_DynamicUser, "the account has a number, but other programs do not find its name");
        return 0;
    }
    uid_t number;
    if (uid_parse(name, &number) >= 0) {
        /* As container engines do it: a number needs no entry. */
        id->uid = id->gid = number;
        id->home = "/";
        return 0;
    }
    if (r == -EINVAL || r == -EBADMSG) {
        plan_fail_step(p, EXIT_USER, -r, name);
        return 0;
    }
    id->uid = UID_RESOLVED;
    id->gid = GID_RESOLVED;
    id->resolve = true;
    return 0;
}

static void find_groups(struct planner *p, char *const *supplementary) {
    struct identity *id = &p->identity;
    _cleanup_free_ gid_t *own = NULL;
    size_t n_own = 0;
    /* As systemd: the user's groups of /etc/group, unless its group is root's. */
    if (id->user_set && !id->resolve && id->gid != 0 && user_groups(id->user, id->gid, &own, &n_own) < 0)
        n_own = 0;
    size_t n = n_own, room = n_own + strv_length(supplementary);
    gid_t *groups = arena_alloc(p->arena, MAX(room, (size_t)1) * sizeof(gid_t));
    if (!groups)
        return;
    if (n_own > 0)
        memcpy(groups, own, n_own * sizeof(gid_t));
    STRV_FOREACH(g, supplementary) {
        gid_t gid;
        int r = group_lookup(*g, &gid);
        if (r < 0)
            plan_fail_step(p, EXIT_GROUP, -r, *g);
        else
            groups[n++] = gid;
    }
    id->groups = groups;
    id->n_groups = n;
}

int plan_identity(struct planner *p) {
    struct identity *id = &p->identity;
    const struct permits *permits = p->permits;
    const char *user = unit_string(p->unit, D_User), *group = unit_string(p->unit, D_Group);
    char *const *supplementary = unit_strv(p->unit, D_SupplementaryGroups);
    bool dynamic = unit_bool(p->unit, D_DynamicUser);

    id->uid = permits->uid;
    id->gid = permits->gid;
    id->user_set = user;
    id->group_set = user || group;
    id->groups_set = id->group_set || strv_length(supplementary) > 0;
    if (!id->groups_set)
        return 0;

    if (user) {
        int r = find_user(p, user, dynamic);
        if (r < 0)
            return r;
    }
    if (group) {
        gid_t gid;
        int r = group_lookup(group, &gid);
        if (r == -ENOMEM)
            return r;
        if (r >= 0)
            id->gid = gid;
        else if (!dynamic)
            plan_fail_step(p, EXIT_GROUP, -r, group);
    }
    if (!p->setuid)
        return 0;
    find_groups(p, supplementary);

    /* Without the capability only what we are already can be had. */
    if (id->user_set && (id->uid != permits->uid || id->resolve)) {
        id->change_uid = has_cap(p, CAP_SETUID);
        if (!id->change_uid)
            plan_degrade(p, D_User,
                         "needs CAP_SETUID, which this container lacks: runs as the manager's user");
        if (!id->change_uid)
            id->uid = permits->uid; /* whose its files will be, too */
    }
    id->change_gid = has_cap(p, CAP_SETGID);
    if (!id->change_gid && (id->gid != permits->gid || id->n_groups > 1))
        plan_degrade(p,
                     group  ? D_Group
                     : user ? D_User
                            : D_SupplementaryGroups,
                     "needs CAP_SETGID, which this container lacks: keeps the manager's groups");
    if (!id->change_gid)
        id->gid = permits->gid;
    id->resolve = id->uid == UID_RESOLVED || id->gid == GID_RESOLVED;
    return 0;
}

void plan_identity_groups(struct planner *p) {
    struct identity *id = &p->identity;
    if (!id->groups_set || !p->setuid || !id->change_gid)
        return;
    struct step *s = plan_step(p, STEP_GROUPS, EXIT_GROUP);
    s->groups.groups = id->groups;
    s->groups.n = id->n_groups;
    s->groups.resolved = id->resolve;
    if (id->group_set)
        plan_step(p, STEP_GID, EXIT_GROUP)->number = id->gid;
    p->plan->changes_ids = true;
}

void plan_identity_user(struct planner *p) {
    if (!p->setuid || !p->identity.change_uid)
        return;
    plan_step(p, STEP_UID, EXIT_USER)->number = p->identity.uid;
    p->plan->changes_ids = true;
}
