/* SPDX-License-Identifier: Apache-2.0 */
/* RuntimeDirectory= and its sisters: planned here, made by the child (directories_child.c). systemd.exec(5),
 * "Sandboxing", RuntimeDirectory=. */
#include "exec/planner.h"

#include "base/strv.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

static const struct kind {
    enum directive list, mode;
    const char *variable;
    size_t base; /* where struct manager_dirs has it */
    int exit_status;
} kinds[] = {
    { D_RuntimeDirectory, D_RuntimeDirectoryMode, "RUNTIME_DIRECTORY", offsetof(struct manager_dirs, runtime),
      EXIT_RUNTIME_DIRECTORY },
    { D_StateDirectory, D_StateDirectoryMode, "STATE_DIRECTORY", offsetof(struct manager_dirs, state),
      EXIT_STATE_DIRECTORY },
    { D_CacheDirectory, D_CacheDirectoryMode, "CACHE_DIRECTORY", offsetof(struct manager_dirs, cache),
      EXIT_CACHE_DIRECTORY },
    { D_LogsDirectory, D_LogsDirectoryMode, "LOGS_DIRECTORY", offsetof(struct manager_dirs, logs),
      EXIT_LOGS_DIRECTORY },
    { D_ConfigurationDirectory, D_ConfigurationDirectoryMode, "CONFIGURATION_DIRECTORY",
      offsetof(struct manager_dirs, configuration), EXIT_CONFIGURATION_DIRECTORY },
};

static const char *base_of(const struct planner *p, const struct kind *kind) {
    return *(const char *const *)((const char *)p->request->dirs + kind->base);
}

/* "NAME" or "NAME:LINK". */
static char *path_of(struct planner *p, const struct kind *kind, const char *entry) {
    return arena_printf(p->arena, "%s/%.*s", base_of(p, kind), (int)strcspn(entry, ":"), entry);
}

/* From the directory of `link` (relative to the base) to `name`: one "../" for each level. */
static char *relative_target(struct planner *p, const char *link, const char *name, size_t n) {
    _cleanup_text_ struct text target = {};
    for (const char *s = link; (s = strchr(s, '/')); s++)
        text_add(&target, "../");
    text_add_n(&target, name, n);
    if (target.failed)
        arena_fail(p->arena);
    return arena_string(p->arena, text_str(&target));
}

static void plan_entry(struct planner *p, const struct kind *kind, const char *entry) {
    size_t n = strcspn(entry, ":");
    struct step *s = plan_step(p, STEP_DIRECTORY, kind->exit_status);
    s->subject = path_of(p, kind, entry);
    s->directory.mode = (mode_t)unit_number(p->unit, kind->mode);
    s->directory.uid = p->identity.uid;
    s->directory.gid = p->identity.gid;
    s->directory.flags = kind->list == D_ConfigurationDirectory ? DIRECTORY_KEEP : DIRECTORY_RECURSIVE;
    if (!has_cap(p, CAP_CHOWN))
        s->directory.flags |= DIRECTORY_TRY_OWNER;
    if (entry[n] && entry[n + 1]) {
        const char *link = entry + n + 1;
        s = plan_step(p, STEP_SYMLINK, kind->exit_status);
        s->subject = arena_printf(p->arena, "%s/%s", base_of(p, kind), link);
        s->link.target = relative_target(p, link, entry, n);
    }
    p->plan->forks = true;
}

void plan_directories(struct planner *p) {
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        char *const *list = unit_strv(p->unit, kinds[i].list);
        size_t n = 0, length = strv_length(list);
        if (length == 0)
            continue;
        char **removed = kinds[i].list == D_RuntimeDirectory
                             ? arena_alloc(p->arena, (2 * length + 1) * sizeof(char *))
                             : NULL;
        STRV_FOREACH(entry, list) {
            plan_entry(p, &kinds[i], *entry);
            const char *link = strchr(*entry, ':');
            if (removed)
                removed[n++] = path_of(p, &kinds[i], *entry);
            if (removed && link && link[1])
                removed[n++] = arena_printf(p->arena, "%s/%s", base_of(p, &kinds[i]), link + 1);
        }
        if (removed)
            p->plan->runtime_directories = removed;
    }
}

void plan_directories_environment(struct planner *p) {
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        char *const *list = unit_strv(p->unit, kinds[i].list);
        if (strv_length(list) == 0)
            continue;
        _cleanup_text_ struct text value = {};
        text_addf(&value, "%s=", kinds[i].variable);
        STRV_FOREACH(entry, list)
            text_addf(&value, "%s%s", entry == list ? "" : ":", path_of(p, &kinds[i], *entry));
        if (value.failed)
            arena_fail(p->arena);
        plan_env_set(p, arena_string(p->arena, text_str(&value)));
    }
}
