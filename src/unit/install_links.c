/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing the symlinks of enabled units. The one place of the install code that changes the disk.
 */
#include "base/chase.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "unit/install_internal.h"
#include "unit/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 8

int install_change_add(struct install_changes *changes, int type, const char *path, const char *source) {
    struct install_change change = { .type = type };
    struct install_change *bigger = realloc(changes->items, (changes->n + 1) * sizeof(*bigger));
    if (bigger)
        changes->items = bigger;
    if (!bigger || !(change.path = strdup(path ? path : "")) ||
        (source && !(change.source = strdup(source)))) {
        free(change.path);
        return -ENOMEM;
    }
    changes->items[changes->n++] = change;
    return type < 0 ? type : 0;
}

void install_changes_done(struct install_changes *changes) {
    for (size_t i = 0; i < changes->n; i++) {
        free(changes->items[i].path);
        free(changes->items[i].source);
    }
    free(changes->items);
    *changes = (struct install_changes){};
}

/* --- making --------------------------------------------------------------------------------------------- */

/* By the words of the path: ".." in it is not followed. */
static bool begins_in_search(const struct search_path *where, const char *path) {
    STRV_FOREACH(directory, where->directories)
        if (path_below(path, *directory))
            return true;
    return path_below(path_without_root(where, path), VENDOR_DIRECTORY);
}

/* Do the text of a link in place and a wanted target mean the same file? /lib and /usr/lib often are one. */
static bool leads_to_same(const struct search_path *where, const char *link_path, const char *text,
                          const char *target) {
    if (strcmp(text, target) == 0)
        return true;
    _cleanup_free_ char *parent = strndup(link_path, (size_t)(path_base(link_path) - link_path));
    if (!parent)
        return false;
    _cleanup_free_ char *a = path_is_absolute(text) ? path_join(where->root, text) : path_join(parent, text);
    _cleanup_free_ char *b = path_join(where->root, target), *a_end = NULL, *b_end = NULL;
    if (!a || !b || chase_parent(a, where->root, &a_end) < 0 || chase_parent(b, where->root, &b_end) < 0)
        return false;
    /* The same unit's file in another directory of the load path will do: the name decides which one is read. */
    return strcmp(a_end, b_end) == 0 ||
           (strcmp(path_base(a), path_base(b)) == 0 && begins_in_search(where, a) && begins_in_search(where, b));
}

/* A new symlink under a temporary name, then renamed over what was there. */
static int replace_link(const char *target, const char *path) {
    for (int i = 0; i < 100; i++) {
        _cleanup_text_ struct text temporary = {};
        text_addf(&temporary, "%.*s.#%s%d-%d", (int)(path_base(path) - path), path, path_base(path),
                  (int)getpid(), i);
        if (temporary.failed)
            return -ENOMEM;
        if (symlink(target, text_str(&temporary)) < 0) {
            if (errno == EEXIST)
                continue;
            return -errno;
        }
        if (rename(text_str(&temporary), path) >= 0)
            return 0;
        int r = -errno;
        unlink(text_str(&temporary));
        return r;
    }
    return -EEXIST;
}

int install_link_make(const struct search_path *where, const char *old_path, const char *new_path, bool force,
                      struct install_changes *changes) {
    old_path = path_without_root(where, old_path);
    (void)mkdir_parents(new_path, 0755);
    if (symlink(old_path, new_path) >= 0) {
        int r = install_change_add(changes, INSTALL_SYMLINK, new_path, old_path);
        return r < 0 ? r : 1;
    }
    if (errno != EEXIST)
        return install_change_add(changes, -errno, new_path, NULL);
    char text[4096];
    ssize_t n = readlink(new_path, text, sizeof(text) - 1);
    if (n < 0)
        return install_change_add(changes, errno == EINVAL ? -EEXIST : -errno, new_path, NULL);
    text[n] = 0;
    if (leads_to_same(where, new_path, text, old_path))
        return 1;
    if (!force)
        return install_change_add(changes, -EEXIST, new_path, text);
    int r = replace_link(old_path, new_path);
    if (r < 0)
        return install_change_add(changes, r, new_path, NULL);
    r = install_change_add(changes, INSTALL_UNLINK, new_path, NULL);
    if (r >= 0)
        r = install_change_add(changes, INSTALL_SYMLINK, new_path, old_path);
    return r < 0 ? r : 1;
}

/* "foo.target.wants/bar.service" as an Alias=: the way of long ago to be wanted. */
static int check_directory_alias(const struct install_info *info, const char *alias) {
    const char *slash = strrchr(alias, '/');
    _cleanup_free_ char *directory = strndup(alias, (size_t)(slash - alias));
    if (!directory)
        return -ENOMEM;
    char *dot = strrchr(directory, '.');
    if (!dot || (strcmp(dot, ".wants") != 0 && strcmp(dot, ".requires") != 0))
        return -EINVAL;
    *dot = 0;
    if (!unit_name_valid(directory, UNIT_NAME_ANY))
        return -EINVAL;
    if (strcmp(slash + 1, info->name) == 0)
        return 0;
    _cleanup_free_ char *template = NULL;
    if (unit_name_kind(slash + 1) == UNIT_NAME_INSTANCE && unit_name_template(slash + 1, &template) >= 0 &&
        strcmp(template, info->name) == 0)
        return 0;
    return -EXDEV;
}

/* Whether a plain link name may stand for the unit. */
static int check_name_alias(const struct install_info *info, const char *name) {
    if (strcmp(name, info->name) == 0)
        return -ELOOP;
    enum unit_name_flags kind = unit_name_kind(name), of = unit_name_kind(info->name);
    if (!kind)
        return -EINVAL;
    if (unit_name_type(name) != unit_name_type(info->name))
        return -EXDEV;
    if (kind != UNIT_NAME_INSTANCE)
        return kind == of ? 0 : -EXDEV;
    if (of != UNIT_NAME_INSTANCE)
        return of == UNIT_NAME_TEMPLATE ? 0 : -EXDEV;
    _cleanup_free_ char *instance = NULL, *own = NULL;
    return unit_name_instance(name, &instance) < 0 || unit_name_instance(info->name, &own) < 0 ||
                   strcmp(instance, own) != 0
               ? -EXDEV
               : 0;
}

/* Whether the link may stand for the unit; *ret is its name, the unit's instance filled in where that is missing, also
 * of a link that may not. */
static int check_alias(const struct install_info *info, const char *alias, char **ret) {
    _cleanup_free_ char *instance = NULL;
    int r = 0;
    if (!strchr(alias, '/') && unit_name_kind(alias) == UNIT_NAME_TEMPLATE &&
        unit_name_kind(info->name) == UNIT_NAME_INSTANCE) {
        r = unit_name_instance(info->name, &instance);
        if (r >= 0)
            r = unit_name_replace_instance(alias, instance, ret);
    } else if (!(*ret = strdup(alias)))
        r = -ENOMEM;
    if (r < 0)
        return r;
    return strchr(alias, '/') ? check_directory_alias(info, alias) : check_name_alias(info, *ret);
}

static int link_aliases(struct install_context *context, const struct install_info *info, bool force,
                        const char *config_path, struct install_changes *changes) {
    int result = 0;
    STRV_FOREACH(alias, info->aliases) {
        _cleanup_free_ char *expanded = NULL, *name = NULL, *path = NULL;
        int r = install_expand(info, *alias, context->where->root, &expanded);
        if (r >= 0)
            r = check_alias(info, expanded, &name);
        if (r == -ENOMEM)
            return r;
        if (r < 0) {
            if (r == -ELOOP)
                continue; /* its own name needs no link */
            r = expanded ? install_change_add(changes, -EXDEV, name ? name : expanded,
                                                    r == -EINVAL && strchr(expanded, '/') ? NULL : info->name)
                             : install_change_add(changes, r, *alias, NULL);
            if (result >= 0)
                result = r;
            continue;
        }
        path = path_join(config_path, name);
        if (!path)
            return -ENOMEM;
        r = install_link_make(context->where, info->path, path, force, changes);
        if (result >= 0)
            result = r;
    }
    return result;
}

static int link_wants(struct install_context *context, const struct install_info *info, bool ignore_auxiliary,
                      const char *config_path, char *const *targets, const char *suffix,
                      struct install_changes *changes) {
    if (strv_length(targets) == 0)
        return 0;
    const char *name = info->name;
    enum unit_name_flags valid = UNIT_NAME_ANY;
    _cleanup_free_ char *instance_name = NULL;
    _cleanup_(install_context_done) struct install_context instances = { .where = context->where };
    int r, result = 0;
    if (unit_name_kind(info->name) == UNIT_NAME_TEMPLATE) {
        if (info->default_instance) {
            struct install_info *instance;
            r = unit_name_replace_instance(info->name, info->default_instance, &instance_name);
            if (r >= 0)
                r = install_context_add(&instances, instance_name, false, &instance);
            if (r >= 0)
                r = install_find(&instances, instance, SEARCH_FOLLOW);
            if (r < 0)
                return r;
            if (instance->mode == MODE_MASKED)
                return install_change_add(changes, -ERFKILL, instance->path, NULL);
            name = instance_name;
        } else
            valid = UNIT_NAME_INSTANCE | UNIT_NAME_TEMPLATE;
    }
    STRV_FOREACH(target, targets) {
        _cleanup_free_ char *expanded = NULL;
        r = install_expand(info, *target, context->where->root, &expanded);
        if (r < 0) {
            r = install_change_add(changes, r, *target, NULL);
            if (result >= 0)
                result = r;
            continue;
        }
        if (!unit_name_valid(expanded, valid)) {
            /* A preset for all templates is no mistake. */
            if (ignore_auxiliary)
                continue;
            if (unit_name_valid(expanded, UNIT_NAME_ANY)) {
                r = install_change_add(changes, -EIDRM, expanded, info->name);
            } else
                r = install_change_add(changes, -EUCLEAN, expanded, NULL);
            if (result >= 0)
                result = r;
            continue;
        }
        _cleanup_text_ struct text link = {};
        text_addf(&link, "%s/%s%s/%s", config_path, expanded, suffix, name);
        if (link.failed)
            return -ENOMEM;
        r = install_link_make(context->where, info->path, text_str(&link), true, changes);
        if (result == 0 || (r < 0 && result > 0))
            result = r;
        if (r < 0)
            continue;
        if (!install_exists(context->where, expanded)) {
            r = install_change_add(changes, INSTALL_DESTINATION_MISSING, expanded, info->path);
            if (r < 0)
                return r;
        }
    }
    return result;
}

static int apply_one(struct install_context *context, const struct install_info *info,
                     enum install_flags flags, bool ignore_auxiliary, const char *config_path,
                     struct install_changes *changes) {
    bool force = flags & INSTALL_FORCE;
    int linked = 0;
    /* A link to the file itself is no installation config of the unit's own. */
    if (!path_in_search(context->where, info->path)) {
        _cleanup_free_ char *path = path_join(config_path, info->name);
        linked = path ? install_link_make(context->where, info->path, path, force, changes) : -ENOMEM;
    }
    int result = link_aliases(context, info, force, config_path, changes);
    struct {
        char *const *targets;
        const char *suffix;
    } lists[] = { { info->wanted_by, ".wants" },
                  { info->required_by, ".requires" },
                  { info->upheld_by, ".upholds" } };
    for (size_t i = 0; i < ELEMENTS(lists); i++) {
        int r = link_wants(context, info, ignore_auxiliary, config_path, lists[i].targets, lists[i].suffix,
                           changes);
        /* What was done first decides: after an alias that could be made, no failure counts. */
        if (result == 0)
            result = r;
    }
    return result >= 0 && linked < 0 ? linked : result;
}

int install_context_apply(struct install_context *context, enum install_flags flags, bool ignore_auxiliary,
                          const char *config_path, enum search_flags search,
                          struct install_changes *changes) {
    int result = 0;
    /* Also= appends while we walk. */
    for (; context->n_done < context->n; context->n_done++) {
        struct install_info *info = context->items[context->n_done];
        int r = install_traverse(context, info, search, NULL);
        if (r < 0) {
            if (!info->auxiliary)
                return install_change_add(changes, r, info->name, NULL);
            r = install_change_add(changes, INSTALL_AUXILIARY_FAILED, info->name, NULL);
            if (r < 0)
                return r;
            continue;
        }
        if (info->mode == MODE_MASKED) {
            /* Something could have been enabled here: no complaint about an empty [Install] is due. */
            r = install_change_add(changes, INSTALL_MASKED, info->path, NULL);
            if (r < 0)
                return r;
            if (result >= 0)
                result++;
            continue;
        }
        if (info->mode != MODE_REGULAR)
            continue;
        r = apply_one(context, info, flags, ignore_auxiliary, config_path, changes);
        if (result >= 0)
            result = r < 0 ? r : result + r;
    }
    return result;
}

/* --- removing ------------------------------------------------------------------------------------------- */

int install_mark(char ***marked, const char *name) {
    if (strv_contains(*marked, name))
        return 0;
    int r = strv_add(marked, name);
    return r < 0 ? r : 1;
}

int install_context_mark(struct install_context *context, char ***marked, struct install_changes *changes) {
    for (; context->n_done < context->n; context->n_done++) {
        struct install_info *info = context->items[context->n_done];
        int r = install_traverse(context, info, SEARCH_LOAD | SEARCH_FOLLOW, NULL);
        const char *shown = info->path ? info->path : info->name;
        if (r == -ENOLINK)
            r = install_change_add(changes, INSTALL_DANGLING, shown, NULL);
        else if (r == -ENOMEM)
            return r;
        else if (r < 0) {
            /* Whatever is wrong with the file, or if it is gone: its links are to go. */
            if (!info->auxiliary || r != -ENOENT)
                install_change_add(changes, r, shown, NULL);
            r = 0;
        } else if (info->mode == MODE_MASKED) {
            r = install_change_add(changes, INSTALL_MASKED, info->path, NULL);
            if (r < 0)
                return r;
            continue;
        } else if (info->mode != MODE_REGULAR)
            continue;
        if (r >= 0)
            r = install_mark(marked, info->name);
        if (r < 0)
            return r;
    }
    return 0;
}

/* 1, 0, or the errno of following the link. */
static int link_is_marked(const struct search_path *where, char *const *marked, const char *name,
                           const char *path) {
    _cleanup_free_ char *end = NULL, *template = NULL;
    if (strv_contains(marked, name))
        return true;
    /* With a template go all its instances. */
    if (unit_name_kind(name) == UNIT_NAME_INSTANCE && unit_name_template(name, &template) >= 0 &&
        strv_contains(marked, template))
        return true;
    int r = chase(path, where->root, &end);
    if (r < 0)
        return r;
    return strv_contains(marked, path_without_root(where, end)) || strv_contains(marked, path_base(end));
}

/* Removes directories that became empty, up to but not including `stop`. */
static void remove_empty_parents(const char *path, const char *stop) {
    _cleanup_free_ char *directory = strdup(path);
    for (char *slash; directory && (slash = strrchr(directory, '/'));) {
        *slash = 0;
        const char *below = path_below(directory, stop);
        if (!below || !*below || rmdir(directory) < 0)
            return;
    }
}

struct removal {
    const struct search_path *where;
    char ***marked;
    const char *config_path;
    bool dry_run, again;
    struct install_changes *changes;
};

static int remove_in(struct removal *at, const char *directory, int depth) {
    DIR *d = opendir(directory);
    if (!d)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    int result = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        _cleanup_free_ char *path = path_join(directory, e->d_name);
        struct stat st;
        if (!path) {
            result = -ENOMEM;
            break;
        }
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            int r = remove_in(at, path, depth + 1);
            if (r < 0 && result >= 0)
                result = r;
            continue;
        }
        if (!S_ISLNK(st.st_mode) || !unit_name_valid(e->d_name, UNIT_NAME_ANY))
            continue;
        int marked = link_is_marked(at->where, *at->marked, e->d_name, path);
        if (marked < 0) {
            marked = install_change_add(at->changes, marked, path, NULL);
            if (result >= 0)
                result = marked;
        }
        if (marked <= 0)
            continue;
        if (!at->dry_run) {
            if (unlinkat(dirfd(d), e->d_name, 0) < 0 && errno != ENOENT) {
                int r = install_change_add(at->changes, -errno, path, NULL);
                if (result >= 0)
                    result = r;
                continue;
            }
            remove_empty_parents(path, at->config_path);
        }
        int r = install_change_add(at->changes, INSTALL_UNLINK, path, NULL);
        /* Links to the link are to go as well: look once more. */
        if (r >= 0)
            r = install_mark(at->marked, path_without_root(at->where, path));
        if (r < 0) {
            result = r;
            break;
        }
        if (r > 0 && !at->dry_run)
            at->again = true;
    }
    closedir(d);
    return result;
}

int install_links_remove(const struct search_path *where, char ***marked, const char *config_path,
                         bool dry_run, struct install_changes *changes) {
    if (strv_length(*marked) == 0)
        return 0;
    struct removal at = { where, marked, config_path, dry_run, true, changes };
    int result = 0;
    while (at.again && result >= 0) {
        at.again = false;
        result = remove_in(&at, config_path, 0);
    }
    return result;
}
