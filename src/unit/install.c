/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs on unit files: enable, disable, mask, link, revert, presets … in terms of entries
 * (install_info.c) and links (install_links.c). */
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "unit/install_internal.h"
#include "unit/name.h"
#include "unit/preset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int install_enable(const struct search_path *where, enum install_flags flags, char *const *names,
                   struct install_changes *changes) {
    _cleanup_(install_context_done) struct install_context context = { .where = where };
    STRV_FOREACH(name, names) {
        int r = install_discover_and_check(&context, *name, SEARCH_LOAD, NULL, changes);
        if (r < 0)
            return r;
    }
    int r = install_context_apply(&context, flags, false, install_config_path(where, flags), SEARCH_LOAD,
                                  changes);
    return r > 0 ? 1 : r;
}

int install_disable(const struct search_path *where, enum install_flags flags, char *const *names,
                    struct install_changes *changes) {
    _cleanup_(install_context_done) struct install_context context = { .where = where };
    _cleanup_strv_ char **marked = NULL;
    STRV_FOREACH(name, names) {
        const char *base = path_is_absolute(*name) ? path_base(*name) : *name;
        int r = install_context_add(&context, base, false, NULL);
        if (r < 0)
            return install_change_add(changes, r == -EINVAL ? -EUCLEAN : r, *name, NULL);
    }
    int r = install_context_mark(&context, &marked, changes);
    if (r >= 0)
        r = install_links_remove(where, &marked, install_config_path(where, flags), flags & INSTALL_DRY_RUN,
                                 changes);
    if (r < 0)
        return r;
    for (size_t i = 0; i < context.n; i++)
        if (install_info_has_rules(context.items[i]) || install_info_has_also(context.items[i]))
            return 1;
    return 0;
}

int install_reenable(const struct search_path *where, enum install_flags flags, char *const *names,
                     struct install_changes *changes) {
    _cleanup_strv_ char **files = NULL;
    /* Of a linked unit the path is kept, for with its link its name goes. */
    STRV_FOREACH(name, names) {
        _cleanup_(install_context_done) struct install_context context = { .where = where };
        struct install_info *info = NULL;
        const char *file = *name;
        if (install_context_add(&context, *name, false, &info) >= 0 &&
            install_traverse(&context, info, (enum search_flags)0, &info) >= 0 && info->path &&
            !path_in_search(where, info->path))
            file = path_without_root(where, info->path);
        if (strv_add(&files, file) < 0)
            return -ENOMEM;
    }
    int r = install_disable(where, flags, names, changes);
    return r < 0 ? r : install_enable(where, flags, files, changes);
}

int install_mask(const struct search_path *where, enum install_flags flags, char *const *names,
                 struct install_changes *changes) {
    int result = 0;
    STRV_FOREACH(name, names) {
        if (!unit_name_valid(*name, UNIT_NAME_ANY)) {
            if (result >= 0)
                result = -EINVAL;
            continue;
        }
        _cleanup_free_ char *path = path_join(install_config_path(where, flags), *name);
        int r = path ? install_link_make(where, "/dev/null", path, flags & INSTALL_FORCE, changes) : -ENOMEM;
        if (r < 0 && result >= 0)
            result = r;
    }
    return result;
}

/* A symlink to /dev/null, whether or not there is one inside the root, or an empty file. */
static int is_mask(const char *path) {
    char target[64];
    struct stat st;
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n > 0) {
        target[n] = 0;
        if (strcmp(target, "/dev/null") == 0)
            return 1;
    }
    if (stat(path, &st) < 0)
        return -errno;
    return S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

int install_unmask(const struct search_path *where, enum install_flags flags, char *const *names,
                   struct install_changes *changes) {
    _cleanup_strv_ char **todo = NULL, **marked = NULL;
    const char *config_path = install_config_path(where, flags);
    int result = 0;
    STRV_FOREACH(name, names) {
        if (!unit_name_valid(*name, UNIT_NAME_ANY))
            return -EINVAL;
        _cleanup_free_ char *path = path_join(config_path, *name);
        int r = path ? is_mask(path) : -ENOMEM;
        if (r == -ENOENT || r == 0 || (r > 0 && strv_contains(todo, path)))
            continue;
        if (r > 0)
            r = strv_take(&todo, TAKE(path));
        if (r < 0)
            return r;
    }
    STRV_FOREACH(path, todo) {
        if (!(flags & INSTALL_DRY_RUN) && unlink(*path) < 0) {
            if (errno != ENOENT && result >= 0)
                result = install_change_add(changes, -errno, *path, NULL);
            continue;
        }
        int r = install_change_add(changes, INSTALL_UNLINK, *path, NULL);
        if (r >= 0)
            r = install_mark(&marked, path_without_root(where, *path));
        if (r < 0)
            return r;
    }
    int r = install_links_remove(where, &marked, config_path, flags & INSTALL_DRY_RUN, changes);
    return result < 0 ? result : r;
}

int install_link(const struct search_path *where, enum install_flags flags, char *const *files,
                 struct install_changes *changes) {
    const char *config_path = install_config_path(where, flags);
    int result = 0;
    /* All are looked at before the first link is made. */
    STRV_FOREACH(file, files) {
        struct stat st;
        if (!path_is_absolute(*file) || !unit_name_valid(path_base(*file), UNIT_NAME_ANY))
            return install_change_add(changes, -EUCLEAN, *file, NULL);
        _cleanup_free_ char *full = path_join(where->root, *file);
        if (!full)
            return -ENOMEM;
        if (lstat(full, &st) < 0)
            return install_change_add(changes, -errno, *file, NULL);
        if (!S_ISREG(st.st_mode))
            return install_change_add(changes,
                                      S_ISLNK(st.st_mode)   ? -ELOOP
                                      : S_ISDIR(st.st_mode) ? -EISDIR
                                                            : -EBADFD,
                                      *file, NULL);
    }
    STRV_FOREACH(file, files) {
        _cleanup_free_ char *full = path_join(where->root, *file), *path = NULL;
        if (!full)
            return -ENOMEM;
        if (path_in_search(where, full))
            continue;
        path = path_join(config_path, path_base(*file));
        if (!path)
            return -ENOMEM;
        int r = install_link_make(where, full, path, flags & INSTALL_FORCE, changes);
        if (r < 0 && result >= 0)
            result = r;
    }
    return result;
}

/* Deletes a file or a directory of drop-ins, and tells. */
static int remove_tree(const char *path, int depth, struct install_changes *changes) {
    DIR *d = depth < 4 ? opendir(path) : NULL;
    struct stat st;
    if (d && lstat(path, &st) >= 0 && S_ISDIR(st.st_mode)) {
        int r = 0;
        for (struct dirent *e; r >= 0 && (e = readdir(d));) {
            if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                continue;
            _cleanup_free_ char *below = path_join(path, e->d_name);
            r = below ? remove_tree(below, depth + 1, changes) : -ENOMEM;
        }
        closedir(d);
        if (r < 0)
            return r;
    } else if (d)
        closedir(d);
    if (remove(path) < 0)
        return errno == ENOENT ? 0 : install_change_add(changes, -errno, path, NULL);
    return install_change_add(changes, INSTALL_UNLINK, path, NULL);
}

/* What was set while it ran goes as well; a whole file that is not of the configuration stays. */
static bool may_revert_dropins(const struct search_path *where, const char *path) {
    return path_is_config(where, path, true) || path_is_control(where, path) ||
           path_is_transient(where, path);
}

int install_revert(const struct search_path *where, char *const *names, struct install_changes *changes) {
    _cleanup_strv_ char **todo = NULL, **marked = NULL;
    int r;
    STRV_FOREACH(name, names) {
        bool has_vendor = search_vendor(where, *name);
        if (!unit_name_valid(*name, UNIT_NAME_ANY))
            return -EINVAL;
        STRV_FOREACH(directory, where->directories) {
            struct stat st;
            _cleanup_free_ char *path = path_join(*directory, *name);
            _cleanup_text_ struct text dropins = {};
            text_addf(&dropins, "%s.d", path ? path : "");
            if (!path || dropins.failed)
                return -ENOMEM;
            if (lstat(path, &st) >= 0 && S_ISREG(st.st_mode) && path_is_vendor_or_generated(where, path))
                has_vendor = true;
            if (lstat(text_str(&dropins), &st) >= 0 && S_ISDIR(st.st_mode) &&
                may_revert_dropins(where, text_str(&dropins)) && !strv_contains(todo, text_str(&dropins)) &&
                (r = strv_add(&todo, text_str(&dropins))) < 0)
                return r;
        }
        if (!has_vendor)
            continue;
        STRV_FOREACH(directory, where->directories) {
            struct stat st;
            _cleanup_free_ char *path = path_join(*directory, *name);
            if (!path)
                return -ENOMEM;
            if (lstat(path, &st) >= 0 && (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) &&
                path_is_config(where, path, true) && !strv_contains(todo, path) && (r = strv_add(&todo, path)) < 0)
                return r;
        }
    }
    STRV_FOREACH(path, todo) {
        r = remove_tree(*path, 0, changes);
        if (r >= 0)
            r = install_mark(&marked, path_without_root(where, *path));
        if (r < 0)
            return r;
    }
    r = install_links_remove(where, &marked, where->runtime_config, false, changes);
    int q = install_links_remove(where, &marked, where->persistent_config, false, changes);
    return r < 0 ? r : q;
}

int install_add_dependency(const struct search_path *where, enum install_flags flags, char *const *names,
                           const char *target, bool requires, struct install_changes *changes) {
    _cleanup_(install_context_done) struct install_context context = { .where = where };
    struct install_info *aim, *info;
    if (!unit_name_valid(target, UNIT_NAME_ANY))
        return -EINVAL;
    int r = install_discover_and_check(&context, target, SEARCH_FOLLOW, &aim, changes);
    if (r < 0)
        return r;
    STRV_FOREACH(name, names) {
        r = install_discover_and_check(&context, *name, SEARCH_FOLLOW, &info, changes);
        char ***targets = r >= 0 ? requires ? &info->required_by : &info->wanted_by : NULL;
        if (r >= 0 && !strv_contains(*targets, aim->name))
            r = strv_add(targets, aim->name);
        if (r < 0)
            return r;
    }
    r = install_context_apply(&context, flags, false, install_config_path(where, flags), SEARCH_FOLLOW,
                              changes);
    return r > 0 ? 1 : r;
}

int install_set_default(const struct search_path *where, enum install_flags flags, const char *target,
                        struct install_changes *changes) {
    _cleanup_(install_context_done) struct install_context context = { .where = where };
    struct install_info *info;
    if (unit_name_type(target) != UNIT_TARGET || strcmp(target, "default.target") == 0)
        return -EINVAL;
    int r = install_discover_and_check(&context, target, 0, &info, changes);
    if (r < 0)
        return r;
    _cleanup_free_ char *path = path_join(where->persistent_config, "default.target");
    if (!path)
        return -ENOMEM;
    r = install_link_make(where, info->path, path, flags & INSTALL_FORCE, changes);
    return r < 0 ? r : 0;
}

int install_get_default(const struct search_path *where, char **ret) {
    _cleanup_(install_context_done) struct install_context context = { .where = where };
    struct install_info *info;
    int r = install_context_add(&context, "default.target", false, &info);
    if (r >= 0)
        r = install_traverse(&context, info, SEARCH_FOLLOW, &info);
    if (r < 0)
        return r;
    char *name = strdup(info->name);
    if (!name)
        return -ENOMEM;
    *ret = name;
    return 0;
}

/* --- presets -------------------------------------------------------------------------------------------- */

/* Puts the unit where the presets want it: among those to enable or those to disable. */
static int sort_by_preset(const struct search_path *where, const struct preset_rules *rules, const char *name,
                          struct install_context *plus, struct install_context *minus,
                          struct install_changes *changes) {
    if (install_context_find(plus, name) || install_context_find(minus, name))
        return 0;
    _cleanup_(install_context_done) struct install_context look = { .where = where };
    _cleanup_strv_ char **instances = NULL;
    struct install_info *info;
    int r = install_discover(&look, name, SEARCH_FOLLOW, &info, changes);
    if (r < 0)
        return r;
    if (strcmp(name, info->name) != 0)
        return 0; /* an alias: its unit is asked under its own name */
    enum preset_action action;
    r = preset_query(rules, name, &action, &instances);
    if (r < 0)
        return r;
    if (action == PRESET_DISABLE)
        return install_discover(minus, name, SEARCH_FOLLOW, NULL, changes);
    if (action != PRESET_ENABLE)
        return 0;
    if (strv_length(instances) == 0)
        return install_discover_and_check(plus, name, SEARCH_LOAD | SEARCH_FOLLOW, NULL, changes);
    STRV_FOREACH(instance, instances) {
        r = install_discover_and_check(plus, *instance, SEARCH_LOAD | SEARCH_FOLLOW, NULL, changes);
        if (r < 0)
            return r;
    }
    return 0;
}

static int execute_preset(enum install_flags flags, enum preset_mode mode, struct install_context *plus,
                          struct install_context *minus, struct install_changes *changes) {
    const char *config_path = install_config_path(plus->where, flags);
    int result = 0;
    if (mode != PRESET_ENABLE_ONLY) {
        _cleanup_strv_ char **marked = NULL;
        result = install_context_mark(minus, &marked, changes);
        int r = install_links_remove(plus->where, &marked, config_path, false, changes);
        if (result >= 0 && r < 0)
            result = r;
    }
    if (mode != PRESET_DISABLE_ONLY) {
        int r = install_context_apply(plus, flags, true, config_path, SEARCH_LOAD, changes);
        if (result >= 0)
            result = r;
    }
    return result > 0 ? 1 : result;
}

int install_preset(const struct search_path *where, enum install_flags flags, char *const *names,
                   enum preset_mode mode, struct install_changes *changes) {
    _cleanup_(install_context_done) struct install_context plus = { .where = where },
                                                           minus = { .where = where };
    _cleanup_(preset_rules_done) struct preset_rules rules = {};
    int r = preset_rules_read(where, &rules);
    if (r < 0)
        return r;
    STRV_FOREACH(name, names) {
        r = sort_by_preset(where, &rules, *name, &plus, &minus, changes);
        if (r < 0)
            return r;
    }
    return execute_preset(flags, mode, &plus, &minus, changes);
}

/* What one unit file may have wrong without stopping the others. */
static bool tolerable(int error) {
    static const uint8_t errors[] = { EEXIST, ERFKILL, EADDRNOTAVAIL, EBADSLT, EIDRM, EUCLEAN,
                                      ELOOP,  EXDEV,   ENOENT,        ENOLINK, EUNATCH };
    return memchr(errors, -error, sizeof(errors));
}

int install_preset_all(const struct search_path *where, enum install_flags flags, enum preset_mode mode,
                       struct install_changes *changes) {
    _cleanup_(install_context_done) struct install_context plus = { .where = where },
                                                           minus = { .where = where };
    _cleanup_(preset_rules_done) struct preset_rules rules = {};
    int r = preset_rules_read(where, &rules);
    if (r < 0)
        return r;
    STRV_FOREACH(directory, where->directories) {
        DIR *d = opendir(*directory);
        if (!d)
            continue;
        r = 0;
        for (struct dirent *e; r >= 0 && (e = readdir(d));) {
            if (!unit_name_valid(e->d_name, UNIT_NAME_ANY) || e->d_type == DT_DIR)
                continue;
            r = sort_by_preset(where, &rules, e->d_name, &plus, &minus, changes);
            if (r < 0 && tolerable(r))
                r = 0;
        }
        closedir(d);
        if (r < 0)
            return r;
    }
    return execute_preset(flags, mode, &plus, &minus, changes);
}
