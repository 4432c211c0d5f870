/* SPDX-License-Identifier: Apache-2.0 */
/* From settings to edges: what a unit's files say of others, and what every unit gets by default. systemd.unit(5)
 * "Implicit dependencies", "Default dependencies". */
#include "engine/manager_private.h"
#include "engine/unit_private.h"
#include "unit/implied.h"

#include <errno.h>
#include <string.h>

/* Which dependency a directive makes. */
static const struct {
    enum directive directive;
    enum dependency_kind kind;
} dependency_directives[] = {
    { D_Requires, DEP_REQUIRES },
    { D_Requisite, DEP_REQUISITE },
    { D_Wants, DEP_WANTS },
    { D_BindsTo, DEP_BINDS_TO },
    { D_PartOf, DEP_PART_OF },
    { D_Upholds, DEP_UPHOLDS },
    { D_Conflicts, DEP_CONFLICTS },
    { D_Before, DEP_BEFORE },
    { D_After, DEP_AFTER },
    { D_OnSuccess, DEP_ON_SUCCESS },
    { D_OnFailure, DEP_ON_FAILURE },
    { D_PropagatesReloadTo, DEP_PROPAGATES_RELOAD_TO },
    { D_ReloadPropagatedFrom, DEP_RELOAD_PROPAGATED_FROM },
    { D_PropagatesStopTo, DEP_PROPAGATES_STOP_TO },
    { D_StopPropagatedFrom, DEP_STOP_PROPAGATED_FROM },
    { D_JoinsNamespaceOf, DEP_JOINS_NAMESPACE_OF },
};

static int add_names(struct unit *u, enum dependency_kind kind, char *const *names) {
    STRV_FOREACH(name, names) {
        struct error error;
        struct unit *other;
        int r = manager_load_unit(u->manager, *name, &other, &error);
        if (r >= 0)
            r = unit_add_dependency(u, kind, other);
        else
            unit_log(u, LOG_WARNING, "%s=%s is ignored: %s", dependency_kind_to_string(kind), *name, error.message);
        if (r == -ENOMEM)
            return r;
    }
    return 0;
}

int unit_load_triggered(struct unit *u, const char *named, struct unit **ret) {
    if (named && *named)
        return manager_load_unit(u->manager, named, ret, NULL);
    _cleanup_free_ char *name = NULL;
    int r = unit_name_change_suffix(u->id, ".service", &name);
    return r < 0 ? r : manager_load_unit(u->manager, name, ret, NULL);
}

/* Services, sockets, … live in a slice: Slice=, else system.slice, templates in system-NAME.slice. */
static int add_slice(struct unit *u) {
    enum section section = section_of_type(u->ops->type);
    if (!(section & SECTION_CGROUP) || u->ops->type == UNIT_SLICE || u->perpetual)
        return 0;
    const char *slice = unit_string(u->file, D_Slice);
    if (slice && *slice)
        return unit_add_two_dependencies_by_name(u, DEP_IN_SLICE, DEP_AFTER, slice) < 0
                   ? -EINVAL
                   : unit_add_dependency_by_name(u, DEP_REQUIRES, slice);
    _cleanup_text_ struct text name = {};
    if (!u->manager->system)
        text_add(&name, "app.slice");
    else if (unit_name_kind(u->id) == UNIT_NAME_INSTANCE) {
        _cleanup_free_ char *prefix = NULL, *escaped = NULL;
        if (unit_name_prefix(u->id, &prefix) < 0 || unit_name_escape(prefix, &escaped) < 0)
            return -ENOMEM;
        text_addf(&name, "system-%s.slice", escaped);
    } else
        text_add(&name, "system.slice");
    int r = unit_add_two_dependencies_by_name(u, DEP_IN_SLICE, DEP_AFTER, text_str(&name));
    return r < 0 ? r : unit_add_dependency_by_name(u, DEP_REQUIRES, text_str(&name));
}

/* What is named after a path is described by it. */
static int describe_by_path(struct unit *u) {
    enum unit_type type = u->ops->type;
    if (type != UNIT_SLICE && type != UNIT_DEVICE && type != UNIT_MOUNT && type != UNIT_SWAP)
        return 0;
    const char *dot = strrchr(u->id, '.');
    _cleanup_free_ char *stem = strndup(u->id, (size_t)(dot - u->id)), *path = NULL;
    if (!stem)
        return -ENOMEM;
    if (unit_setting_written(u->file, D_Description) || unit_name_path_unescape(stem, &path) < 0)
        return 0;
    _cleanup_text_ struct text t = {};
    text_addf(&t, "%s%s", type == UNIT_SLICE ? "Slice " : "", path);
    union value value = { .string = text_take(&t) };
    return value.string ? unit_setting_put(u->file, D_Description, value) : -ENOMEM;
}

int unit_resolve(struct unit *u) {
    if (u->file->state != LOAD_LOADED)
        return 0;
    for (size_t i = 0; i < ELEMENTS(dependency_directives); i++) {
        enum directive d = dependency_directives[i].directive;
        if (!unit_setting_written(u->file, d))
            continue;
        int r = add_names(u, dependency_directives[i].kind, unit_strv(u->file, d));
        if (r < 0)
            return r;
        /* From here on the edges say it: not twice in memory. */
        unit_setting_drop(u->file, d);
    }
    char ***const from_dirs[] = { &u->file->wants_from_dirs, &u->file->requires_from_dirs,
                                  &u->file->upholds_from_dirs };
    static const enum dependency_kind from_dirs_kinds[] = { DEP_WANTS, DEP_REQUIRES, DEP_UPHOLDS };
    int r = 0;
    if (purpose_drops_wants(u))
        strv_free(TAKE(u->file->wants_from_dirs));
    for (size_t i = 0; i < ELEMENTS(from_dirs) && r >= 0; i++) {
        r = add_names(u, from_dirs_kinds[i], *from_dirs[i]);
        if (r >= 0)
            strv_free(TAKE(*from_dirs[i]));
    }
    if (r >= 0)
        r = unit_put_implied(u->file);
    if (r >= 0)
        r = unit_add_mount_dependencies(u);
    /* Without a limit of its own the running job has the whole one's. */
    if (r >= 0 && unit_setting_written(u->file, D_JobTimeoutSec) &&
        !unit_setting_written(u->file, D_JobRunningTimeoutSec))
        r = unit_setting_put(u->file, D_JobRunningTimeoutSec,
                             (union value){ .usec = unit_usec(u->file, D_JobTimeoutSec) });
    if (r >= 0)
        r = describe_by_path(u);
    if (r >= 0)
        r = add_slice(u);
    if (r >= 0 && u->ops->load)
        r = u->ops->load(u);
    if (r >= 0 && unit_number(u->file, D_OnFailureJobMode) == JOB_ISOLATE) {
        unsigned n = 0;
        UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_ON_FAILURE))
            n++;
        if (n > 1)
            unit_log(u, LOG_ERR, "OnFailureJobMode=isolate allows one unit in OnFailure=, not %u. Refusing.", n);
        if (n > 1)
            r = -ENOEXEC;
    }
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        u->file->state = LOAD_BAD_SETTING;
        if (!u->file->error)
            u->file->error = strdup("Unit has a bad unit file setting.");
    }
    unit_settings_fit(u->file);
    return 0;
}
