/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a unit file as the install verbs see it: which file a name leads to, through which symlinks, and
 * what its [Install] section says. Changes nothing. */
#include "base/chase.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "unit/install_internal.h"
#include "unit/name.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLLOW_MAX 64
#define UNIT_FILE_MAX ((size_t)16 << 20)

bool unit_type_may_alias(enum unit_type type) {
    return type == UNIT_SERVICE || type == UNIT_SOCKET || type == UNIT_TARGET || type == UNIT_DEVICE ||
           type == UNIT_TIMER || type == UNIT_PATH;
}

bool unit_type_may_template(enum unit_type type) {
    return type == UNIT_SERVICE || type == UNIT_SOCKET || type == UNIT_TARGET || type == UNIT_TIMER ||
           type == UNIT_PATH;
}

/* --- entries -------------------------------------------------------------------------------------------- */

static void info_free(struct install_info *info) {
    if (!info)
        return;
    free(info->name);
    free(info->path);
    free(info->symlink_target);
    strv_free(info->aliases);
    strv_free(info->wanted_by);
    strv_free(info->required_by);
    strv_free(info->upheld_by);
    strv_free(info->also);
    free(info->default_instance);
    free(info);
}

static void info_freep(struct install_info **info) {
    info_free(*info);
}

void install_context_done(struct install_context *context) {
    for (size_t i = 0; i < context->n; i++)
        info_free(context->items[i]);
    free(context->items);
    context->items = NULL;
    context->n = context->n_done = 0;
}

struct install_info *install_context_find(const struct install_context *context, const char *name) {
    for (size_t i = 0; i < context->n; i++)
        if (strcmp(context->items[i]->name, name) == 0)
            return context->items[i];
    return NULL;
}

int install_context_add(struct install_context *context, const char *name, bool auxiliary,
                        struct install_info **ret) {
    const char *base = path_is_absolute(name) ? path_base(name) : name;
    if (!unit_name_valid(base, UNIT_NAME_ANY))
        return -EINVAL;
    struct install_info *known = install_context_find(context, base);
    if (known) {
        known->auxiliary = known->auxiliary && auxiliary;
        if (ret)
            *ret = known;
        return 0;
    }
    _cleanup_(info_freep) struct install_info *info = calloc(1, sizeof(*info));
    if (!info || !(info->name = strdup(base)))
        return -ENOMEM;
    info->auxiliary = auxiliary;
    if (path_is_absolute(name) && !(info->path = path_join(context->where->root, name)))
        return -ENOMEM;
    struct install_info **bigger = realloc(context->items, (context->n + 1) * sizeof(*bigger));
    if (!bigger)
        return -ENOMEM;
    context->items = bigger;
    if (ret)
        *ret = info;
    context->items[context->n++] = TAKE(info);
    return 0;
}

bool install_info_has_rules(const struct install_info *info) {
    return strv_length(info->aliases) || strv_length(info->wanted_by) || strv_length(info->required_by) ||
           strv_length(info->upheld_by);
}

bool install_info_has_also(const struct install_info *info) {
    return strv_length(info->also) > 0;
}

bool install_name_known(const struct install_info *info, const char *name) {
    if (strcmp(name, info->name) == 0 || strv_contains(info->aliases, name))
        return true;
    if (!info->default_instance || unit_name_kind(info->name) != UNIT_NAME_TEMPLATE)
        return false;
    _cleanup_free_ char *instance = NULL;
    return unit_name_replace_instance(info->name, info->default_instance, &instance) >= 0 &&
           strcmp(instance, name) == 0;
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* The unit compiled into the binary that would lie at this path; NULL: none, or a file lies there. */
static const struct vendor_unit *vendor_at(const struct search_path *where, const char *path) {
    const char *inside = path_without_root(where, path);
    if (!path_lies_in(inside, VENDOR_DIRECTORY))
        return NULL;
    return search_vendor(where, path_base(path));
}

static bool is_masking(const struct stat *st) {
    return S_ISCHR(st->st_mode) || (S_ISREG(st->st_mode) && st->st_size == 0);
}

static int load_regular(struct install_context *context, struct install_info *info, const char *path,
                        const struct stat *st, enum search_flags flags) {
    if (!unit_type_may_template(unit_name_type(info->name)) && unit_name_kind(info->name) != UNIT_NAME_PLAIN)
        return -EINVAL;
    if (S_ISDIR(st->st_mode))
        return -EISDIR;
    if (is_masking(st)) {
        info->mode = MODE_MASKED;
        return 0;
    }
    if (!S_ISREG(st->st_mode))
        return -EBADFD;
    if (flags & SEARCH_LOAD && !info->loaded) {
        _cleanup_free_ char *data = NULL;
        size_t size;
        int r = file_read(path, UNIT_FILE_MAX, &data, &size);
        if (r >= 0)
            r = install_section_read(context, info, path, data, size);
        if (r < 0)
            return r;
        info->loaded = true;
    }
    info->mode = MODE_REGULAR;
    return 0;
}

static int load_vendor(struct install_context *context, struct install_info *info, const char *path,
                       enum search_flags flags) {
    const struct vendor_unit *vendor = vendor_at(context->where, path);
    if (!vendor)
        return -ENOENT;
    if (vendor->alias) {
        _cleanup_free_ char *directory = path_join(context->where->root, VENDOR_DIRECTORY);
        char *target = directory ? path_join(directory, vendor->alias) : NULL;
        if (!target)
            return -ENOMEM;
        free(info->symlink_target);
        info->symlink_target = target;
        info->mode = MODE_ALIAS;
        return 0;
    }
    if (flags & SEARCH_LOAD && !info->loaded) {
        int r = install_section_read(context, info, path, vendor->content, strlen(vendor->content));
        if (r < 0)
            return r;
        info->loaded = true;
    }
    info->mode = MODE_REGULAR;
    return 0;
}

/* May a symlink of this name be an alias of that unit? -EXDEV: not of this one. -EINVAL: of none. */
static int check_alias_link(const char *link, const char *target) {
    enum unit_name_flags kind = unit_name_kind(link), of = unit_name_kind(target);
    if (!kind || !unit_type_may_alias(unit_name_type(link)) ||
        (kind != UNIT_NAME_PLAIN && !unit_type_may_template(unit_name_type(link))))
        return -EINVAL;
    if (!of || (kind != of && !(kind == UNIT_NAME_INSTANCE && of == UNIT_NAME_TEMPLATE)))
        return -EXDEV;
    /* A link to the file it hides. */
    if (strcmp(link, target) == 0)
        return -ELOOP;
    if (of == UNIT_NAME_INSTANCE) {
        _cleanup_free_ char *a = NULL, *b = NULL;
        int r = unit_name_instance(link, &a);
        if (r >= 0)
            r = unit_name_instance(target, &b);
        if (r < 0)
            return r;
        if (strcmp(a, b) != 0)
            return -EXDEV;
    }
    return unit_name_type(link) == unit_name_type(target) ? 0 : -EXDEV;
}

/* A symlink under a unit's name: a mask, an alias of another unit, or a link out of the load path. */
static int load_symlink(struct install_context *context, struct install_info *info, const char *path) {
    const struct search_path *where = context->where;
    _cleanup_free_ char *end = NULL, *parent = NULL, *target = NULL, *wanted = NULL;
    /* Only the first step: an alias of an alias is followed link by link. */
    char link[4096];
    ssize_t n = readlink(path, link, sizeof(link) - 1);
    if (n < 0)
        return -errno;
    link[n] = 0;
    if (path_is_absolute(link))
        wanted = path_join(where->root, link);
    else if ((parent = strndup(path, (size_t)(path_base(path) - path))))
        wanted = path_join(parent, link);
    if (!wanted)
        return -ENOMEM;
    int r = 0;
    bool inside = path_in_search(where, wanted) && path_is_normalized(wanted);
    if (inside)
        target = TAKE(wanted);
    else {
        r = chase_parent(wanted, where->root, &target);
        if (r < 0)
            return r;
        inside = path_in_search(where, target);
    }
    if (inside && (r = check_alias_link(path_base(path), path_base(target))) < 0)
        return r;
    r = chase(target, where->root, &end);
    if (r < 0)
        return r;
    struct stat st;
    free(info->symlink_target);
    if (strcmp(path_without_root(where, end), "/dev/null") == 0 ||
        (r > 0 && stat(end, &st) >= 0 && is_masking(&st)))
        info->mode = MODE_MASKED;
    else
        info->mode = inside ? MODE_ALIAS : MODE_LINKED;
    info->symlink_target = TAKE(target);
    return 0;
}

static int load_or_readlink(struct install_context *context, struct install_info *info, const char *path,
                            enum search_flags flags) {
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? load_vendor(context, info, path, flags) : -errno;
    return S_ISLNK(st.st_mode) ? load_symlink(context, info, path)
                               : load_regular(context, info, path, &st, flags);
}

static int try_path(struct install_context *context, struct install_info *info, const char *directory,
                    const char *name, enum search_flags flags) {
    _cleanup_free_ char *path = path_join(directory, name);
    if (!path)
        return -ENOMEM;
    int r = load_or_readlink(context, info, path, flags);
    if (r < 0)
        return r;
    free(info->path);
    info->path = TAKE(path);
    return 0;
}

static int try_directories(struct install_context *context, struct install_info *info, const char *name,
                           enum search_flags flags) {
    STRV_FOREACH(directory, context->where->directories) {
        /* What is compiled in comes after every directory. */
        if (path_lies_in(path_without_root(context->where, *directory), "/usr/lib/systemd") &&
            search_vendor(context->where, name)) {
            _cleanup_free_ char *path = path_join(*directory, name);
            if (!path)
                return -ENOMEM;
            if (access(path, F_OK) < 0 && errno == ENOENT)
                continue;
        }
        int r = try_path(context, info, *directory, name, flags);
        if (r != -ENOENT && r != -ENOTDIR && r != -EACCES)
            return r;
    }
    _cleanup_free_ char *vendor = path_join(context->where->root, VENDOR_DIRECTORY);
    _cleanup_free_ char *path = vendor ? path_join(vendor, name) : NULL;
    int r = path ? load_vendor(context, info, path, flags) : -ENOMEM;
    if (r < 0)
        return r;
    free(info->path);
    info->path = TAKE(path);
    return 0;
}

static int compare_base(const void *a, const void *b) {
    return strcmp(path_base(*(char *const *)a), path_base(*(char *const *)b));
}

/* Paths of the drop-ins in all NAME.d; a file hides those of its name that come later. */
static int find_dropins(const struct search_path *where, const char *name, char ***names, char ***files) {
    STRV_FOREACH(directory, where->directories) {
        _cleanup_free_ char *path = path_join(*directory, name);
        _cleanup_text_ struct text dropins = {};
        text_addf(&dropins, "%s.d", path ? path : "");
        if (!path || dropins.failed)
            return -ENOMEM;
        DIR *d = opendir(text_str(&dropins));
        if (!d)
            continue;
        int r = 0;
        for (struct dirent *e; r >= 0 && (e = readdir(d));) {
            size_t n = strlen(e->d_name);
            if (e->d_name[0] == '.' || n <= 5 || strcmp(e->d_name + n - 5, ".conf") != 0 ||
                strv_contains(*names, e->d_name))
                continue;
            r = strv_add(names, e->d_name);
            if (r >= 0)
                r = strv_take(files, path_join(text_str(&dropins), e->d_name));
        }
        closedir(d);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_dropins(struct install_context *context, struct install_info *info, const char *template) {
    _cleanup_strv_ char **names = NULL, **files = NULL;
    int r = find_dropins(context->where, info->name, &names, &files);
    if (r >= 0 && template)
        r = find_dropins(context->where, template, &names, &files);
    if (r < 0)
        return r;
    if (files)
        qsort(files, strv_length(files), sizeof(char *), compare_base);
    STRV_FOREACH(file, files) {
        _cleanup_free_ char *data = NULL;
        size_t size;
        if (file_read(*file, UNIT_FILE_MAX, &data, &size) < 0)
            continue;
        r = install_section_read(context, info, *file, data, size);
        if (r < 0)
            return r;
    }
    return 0;
}

int install_find(struct install_context *context, struct install_info *info, enum search_flags flags) {
    /* Found earlier, though perhaps only looked at. Then its [Install] stays unread: a unit that presets disable
     * takes no Also= along. */
    if (info->mode != MODE_UNKNOWN)
        return 0;
    if (info->path)
        return load_or_readlink(context, info, info->path, flags);
    _cleanup_free_ char *template = NULL;
    bool was_loaded = info->loaded;
    int r = try_directories(context, info, info->name, flags);
    if (unit_name_kind(info->name) == UNIT_NAME_INSTANCE) {
        int q = unit_name_template(info->name, &template);
        if (q < 0)
            return q;
        if (r == -ENOENT)
            r = try_directories(context, info, template, flags);
    }
    if (r < 0 || info->mode == MODE_MASKED || !(flags & SEARCH_LOAD) || was_loaded)
        return r;
    return read_dropins(context, info, template);
}

/* Goes one symlink further. -EXDEV: the target is another unit. */
static int follow(struct install_context *context, struct install_info *info, enum search_flags flags,
                  bool ignore_other_name) {
    if (!ignore_other_name && strcmp(path_base(info->symlink_target), info->name) != 0)
        return -EXDEV;
    free(info->path);
    info->path = TAKE(info->symlink_target);
    info->mode = MODE_UNKNOWN;
    return install_find(context, info, flags);
}

int install_traverse(struct install_context *context, struct install_info *start, enum search_flags flags,
                     struct install_info **ret) {
    struct install_info *info = start;
    int r = install_find(context, info, flags);
    if (r < 0)
        return r;
    for (int i = 0; info->mode == MODE_ALIAS || info->mode == MODE_LINKED; i++) {
        if (i >= FOLLOW_MAX)
            return -ELOOP;
        if (!(flags & SEARCH_FOLLOW) && info->mode == MODE_ALIAS &&
            path_is_config(context->where, info->path, true))
            return -ELOOP;
        r = follow(context, info, flags, info->mode == MODE_LINKED);
        if (r == -EXDEV) {
            _cleanup_free_ char *instance = NULL, *other = NULL;
            const char *name = path_base(info->symlink_target);
            if (unit_name_kind(info->name) == UNIT_NAME_INSTANCE &&
                unit_name_kind(name) == UNIT_NAME_TEMPLATE) {
                r = unit_name_instance(info->name, &instance);
                if (r >= 0)
                    r = unit_name_replace_instance(name, instance, &other);
                if (r < 0)
                    return r;
                if (strcmp(other, info->name) == 0) {
                    r = follow(context, info, flags, true);
                    if (r < 0)
                        return r;
                    continue;
                }
                name = other;
            }
            r = install_context_add(context, name, false, &info);
            if (r >= 0)
                r = install_find(context, info, flags);
            if (r == -ENOENT)
                return -ENOLINK;
        }
        if (r < 0)
            return r;
    }
    if (ret)
        *ret = info;
    return 0;
}

int install_discover(struct install_context *context, const char *name, enum search_flags flags,
                     struct install_info **ret, struct install_changes *changes) {
    struct install_info *info = NULL;
    int r = install_context_add(context, name, false, &info);
    if (r >= 0)
        r = install_traverse(context, info, flags, ret);
    return r < 0 ? install_change_add(changes, r, name, NULL) : 0;
}

int install_discover_and_check(struct install_context *context, const char *name, enum search_flags flags,
                               struct install_info **ret, struct install_changes *changes) {
    struct install_info *info = NULL;
    int r = install_discover(context, name, flags, &info, changes);
    if (r < 0)
        return r;
    if (info->mode == MODE_MASKED)
        return install_change_add(changes, -ERFKILL, info->path, NULL);
    if (path_is_generated(context->where, info->path) || path_is_transient(context->where, info->path))
        return install_change_add(changes, -EADDRNOTAVAIL, info->path, NULL);
    if (ret)
        *ret = info;
    return 0;
}

bool install_exists(const struct search_path *where, const char *name) {
    _cleanup_(install_context_done) struct install_context context = { .where = where };
    struct install_info *info;
    if (install_context_add(&context, name, false, &info) < 0)
        return false;
    int r = install_find(&context, info, (enum search_flags)0);
    /* What somebody linked counts, wherever the link leads. */
    if (r >= 0 && !(info->mode == MODE_LINKED && path_is_config(where, info->path, true)))
        r = install_traverse(&context, info, (enum search_flags)0, NULL);
    return r != -ENOENT && r != -ENOTDIR && r != -ENOMEM;
}

int install_look_up(const struct search_path *where, const char *name) {
    _cleanup_(install_context_done) struct install_context context = { .where = where };
    struct install_info *info;
    int r = install_context_add(&context, name, false, &info);
    if (r >= 0)
        r = install_traverse(&context, info, (enum search_flags)0, NULL);
    return r == -ENOENT ? 0 : r < 0 ? r : 1;
}
