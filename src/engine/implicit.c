/* SPDX-License-Identifier: Apache-2.0 */
/* Dependencies that follow from paths and streams in a unit's settings: systemd.exec(5), .socket(5), .mount(5), …
 * "Implicit Dependencies". Which paths those are is one walk, for the edges and for what `systemctl show` prints. */
#include "base/path.h"
#include "engine/manager_private.h"
#include "engine/socket_address.h"
#include "engine/unit_private.h"
#include "syntax/names.h"
#include "unit/types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TIMER_STAMPS "/var/lib/systemd/timers"
#define PATH_LENGTH_MAX 4096

struct walk {
    mount_path_found found;
    void *userdata;
    int r;
};

static void found(struct walk *w, const char *path) {
    if (w->r >= 0 && path && *path == '/')
        w->r = w->found(w->userdata, path);
}

/* RuntimeDirectory= and its sisters. */
static void walk_directories(const struct unit *u, struct walk *w) {
    const struct manager_dirs *dirs = &u->manager->dirs;
    const struct {
        enum directive directive;
        const char *prefix;
    } kinds[] = {
        { D_RuntimeDirectory, dirs->runtime }, { D_StateDirectory, dirs->state },
        { D_CacheDirectory, dirs->cache },     { D_LogsDirectory, dirs->logs },
        { D_ConfigurationDirectory, dirs->configuration },
    };
    for (size_t i = 0; i < ELEMENTS(kinds); i++)
        STRV_FOREACH(name, unit_strv(u->file, kinds[i].directive)) {
            char path[PATH_LENGTH_MAX];
            snprintf(path, sizeof(path), "%s/%.*s", kinds[i].prefix, (int)strcspn(*name, ":"), *name);
            found(w, path);
        }
}

static bool runs_commands(const struct unit *u) {
    static const enum directive of_sockets[] = { D_ExecStartPre, D_ExecStartPost, D_ExecStopPre, D_ExecStopPost };
    if (u->ops->type != UNIT_SOCKET)
        return section_of_type(u->ops->type) & SECTION_EXEC;
    for (size_t i = 0; i < ELEMENTS(of_sockets); i++)
        if (unit_commands(u->file, of_sockets[i]))
            return true;
    return false;
}

static void walk_exec(const struct unit *u, struct walk *w) {
    static const enum directive paths[] = { D_WorkingDirectory, D_RootDirectory, D_RootImage };
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        const char *path = unit_string(u->file, paths[i]);
        found(w, path && *path == '-' ? path + 1 : path);
    }
    walk_directories(u, w);
    if (u->manager->system && unit_number(u->file, D_PrivateTmp) != PRIVATE_TMP_NO)
        found(w, "/var/tmp");
}

/* The directory a mount point lies in; nothing for "/". */
static void walk_parent(struct walk *w, const char *where) {
    char parent[PATH_LENGTH_MAX];
    if (!where || !where[0] || !where[1] || snprintf(parent, sizeof(parent), "%s", where) >= (int)sizeof(parent))
        return;
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = 0;
    found(w, parent);
}

static void walk_type(const struct unit *u, struct walk *w) {
    const struct listen_list *listen = unit_object(u->file, D_Listen);
    const struct path_spec_list *paths = unit_object(u->file, D_Paths);
    switch (u->ops->type) {
    case UNIT_SOCKET:
        for (size_t i = 0; listen && i < listen->n; i++)
            if (listen_has_path(&listen->items[i]))
                found(w, listen->items[i].text);
        break;
    case UNIT_PATH:
        for (size_t i = 0; paths && i < paths->n; i++)
            found(w, paths->items[i].path);
        break;
    case UNIT_TIMER:
        if (unit_bool(u->file, D_Persistent) && u->manager->system)
            found(w, TIMER_STAMPS);
        break;
    case UNIT_MOUNT:
        walk_parent(w, unit_string(u->file, D_MountWhere));
        found(w, unit_string(u->file, D_MountWhat));
        break;
    case UNIT_AUTOMOUNT:
        walk_parent(w, unit_string(u->file, D_AutomountWhere));
        break;
    case UNIT_SWAP:
        found(w, unit_string(u->file, D_SwapWhat));
        break;
    default:
        break;
    }
}

int unit_foreach_mount_path(const struct unit *u, mount_path_found f, void *userdata) {
    struct walk w = { .found = f, .userdata = userdata };
    if (u->file->state != LOAD_LOADED || u->perpetual)
        return 0;
    STRV_FOREACH(path, unit_strv(u->file, D_RequiresMountsFor))
        found(&w, *path);
    walk_type(u, &w);
    if (runs_commands(u))
        walk_exec(u, &w);
    return w.r;
}

/* For every mount unit that `path` lies below. Mounts that no unit describes need none: the container has made them. */
static int need_mounts_for(struct unit *u, const char *path, enum dependency_kind kind) {
    _cleanup_free_ char *prefix = strdup(path);
    if (!prefix)
        return -ENOMEM;
    path_simplify(prefix);
    for (;;) {
        _cleanup_free_ char *name = NULL;
        if (unit_name_from_path(prefix, ".mount", &name) >= 0) {
            struct unit *mount = manager_get_unit(u->manager, name);
            if (!mount && search_has(&u->manager->search, name))
                (void)manager_load_unit(u->manager, name, &mount, NULL);
            if (mount && mount != u && mount->file->state == LOAD_LOADED) {
                int r = unit_add_dependency(u, DEP_AFTER, mount);
                if (r >= 0 && mount->file->fragment_path)
                    r = unit_add_dependency(u, kind, mount);
                if (r < 0)
                    return r;
            }
        }
        char *slash = strrchr(prefix, '/');
        if (!slash || prefix[1] == 0)
            return 0;
        slash[slash == prefix] = 0;
    }
}

static int require_mounts_for(void *userdata, const char *path) {
    return need_mounts_for(userdata, path, DEP_REQUIRES);
}

int unit_add_mount_dependencies(struct unit *u) {
    int r = unit_foreach_mount_path(u, require_mounts_for, u);
    STRV_FOREACH(path, unit_strv(u->file, D_WantsMountsFor))
        if (r >= 0)
            r = need_mounts_for(u, *path, DEP_WANTS);
    return r;
}

enum oom_policy unit_oom_policy(const struct unit_file *f) {
    const char *delegate = unit_string(f, D_Delegate);
    bool own = delegate && bool_parse(delegate) != 0 && !unit_setting_written(f, D_OOMPolicy);
    return own ? OOM_CONTINUE : (enum oom_policy)unit_number(f, D_OOMPolicy);
}

bool unit_output_inherits(const struct unit_file *f) {
    const char *in = unit_string(f, D_StandardInput);
    return !unit_setting_written(f, D_StandardOutput) && in &&
           (strncmp(in, "tty", 3) == 0 || strcmp(in, "socket") == 0 || strncmp(in, "fd", 2) == 0);
}

static bool uses_journal(const struct unit_file *f) {
    static const enum directive streams[] = { D_StandardOutput, D_StandardError };
    if (unit_string(f, D_LogNamespace))
        return true;
    for (size_t i = 0; i < ELEMENTS(streams); i++) {
        const char *to = unit_string(f, streams[i]);
        if (streams[i] == D_StandardOutput && unit_output_inherits(f))
            continue;
        if (!to ? streams[i] == D_StandardOutput : strncmp(to, "journal", 7) == 0 || strncmp(to, "kmsg", 4) == 0)
            return true;
    }
    return false;
}

int unit_add_exec_dependencies(struct unit *u) {
    int r = 0;
    if (!u->manager->system || !runs_commands(u))
        return 0;
    static const enum directive kept[] = { D_StateDirectory, D_CacheDirectory, D_LogsDirectory };
    for (size_t i = 0; i < ELEMENTS(kept) && r >= 0; i++)
        if (strv_length(unit_strv(u->file, kept[i])) > 0)
            r = unit_add_dependency_by_name(u, DEP_AFTER, "systemd-remount-fs.service");
    if (r >= 0 && uses_journal(u->file))
        r = unit_add_dependency_by_name(u, DEP_AFTER, "systemd-journald.socket");
    if (r >= 0 && unit_number(u->file, D_PrivateTmp) != PRIVATE_TMP_NO) {
        r = unit_add_dependency_by_name(u, DEP_AFTER, "systemd-tmpfiles-setup.service");
        /* A /tmp of its own may be masked: then the service runs without. */
        if (r >= 0)
            r = unit_add_two_dependencies_by_name(u, DEP_AFTER, DEP_WANTS, "tmp.mount");
    }
    return r;
}
