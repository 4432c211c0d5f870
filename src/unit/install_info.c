/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a unit file as the install verbs see it: which file a name leads to, through which symlinks, and
 * what its [Install] section says. Changes nothing. */
#include "base/chase.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "syntax/lines.h"
#include "syntax/specifier.h"
#include "syntax/words.h"
#include "unit/install_internal.h"
#include "unit/name.h"
#include "unit/system_specifier.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLLOW_MAX 64
#define UNIT_FILE_MAX ((size_t)16 << 20)

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

/* --- specifiers ----------------------------------------------------------------------------------------- */

struct expansion {
    const struct install_info *info;
    const char *root;
};

static int last_part_of_prefix(const char *name, char **ret) {
    _cleanup_free_ char *prefix = NULL;
    int r = unit_name_prefix(name, &prefix);
    if (r < 0)
        return r;
    const char *dash = strrchr(prefix, '-');
    char *copy = strdup(dash ? dash + 1 : prefix);
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

static int expand_letter(void *userdata, char letter, char **ret) {
    const struct expansion *at = userdata;
    const struct install_info *info = at->info;
    _cleanup_free_ char *name = NULL;
    int r;
    /* A template stands for its default instance where it has one. */
    if (unit_name_kind(info->name) == UNIT_NAME_TEMPLATE && info->default_instance) {
        r = unit_name_replace_instance(info->name, info->default_instance, &name);
        if (r < 0)
            return r;
    } else if (!(name = strdup(info->name)))
        return -ENOMEM;
    char *dot = strrchr(name, '.');
    switch (letter) {
    case 'n':
        *ret = TAKE(name);
        return 0;
    case 'N':
        if (dot)
            *dot = 0;
        *ret = TAKE(name);
        return 0;
    case 'p':
        return unit_name_prefix(name, ret);
    case 'i':
        return unit_name_instance(name, ret);
    case 'j':
        return last_part_of_prefix(name, ret);
    default:
        return system_specifier(letter, at->root, ret);
    }
}

int install_expand(const struct install_info *info, const char *text, const char *root, char **ret) {
    struct expansion at = { info, root };
    struct specifier_table table = { expand_letter, &at };
    return specifier_expand(text, &table, UNIT_NAME_MAX * 2, ret);
}

/* --- [Install] ------------------------------------------------------------------------------------------ */

struct reading {
    struct install_context *context;
    struct install_info *info;
    const char *path;
};

static void complain(void *userdata, unsigned line, const char *why) {
    const struct reading *at = userdata;
    log_debug("%s:%u: %s", at->path, line, why);
}

static int add_words(char ***list, const char *value) {
    _cleanup_strv_ char **words = NULL;
    if (!value[0]) {
        strv_free(*list);
        *list = NULL;
        return 0;
    }
    int r = words_split(value, NULL, WORD_UNQUOTE, &words);
    return r < 0 ? r : strv_add_all(list, words);
}

static int read_also(struct reading *at, const char *value) {
    _cleanup_strv_ char **words = NULL;
    int r = words_split(value, NULL, WORD_UNQUOTE, &words);
    if (r < 0)
        return r;
    STRV_FOREACH(word, words) {
        _cleanup_free_ char *name = NULL;
        r = install_expand(at->info, *word, at->context->where->root, &name);
        if (r >= 0)
            r = install_context_add(at->context, name, true, NULL);
        if (r >= 0)
            r = strv_add(&at->info->also, name);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_default_instance(struct reading *at, const char *value) {
    /* An instance has its own. */
    if (unit_name_kind(at->info->name) != UNIT_NAME_TEMPLATE)
        return unit_name_kind(at->info->name) == UNIT_NAME_PLAIN ? -EINVAL : 0;
    _cleanup_free_ char *instance = NULL, *whole = NULL;
    int r = install_expand(at->info, value, at->context->where->root, &instance);
    if (r < 0)
        return r;
    if (instance[0] && (r = unit_name_replace_instance(at->info->name, instance, &whole)) < 0)
        return r;
    free(at->info->default_instance);
    at->info->default_instance = instance[0] ? TAKE(instance) : NULL;
    return 0;
}

/* Kinds of units that may have other names. */
static bool may_alias(enum unit_type type) {
    return type == UNIT_SERVICE || type == UNIT_SOCKET || type == UNIT_TARGET || type == UNIT_DEVICE ||
           type == UNIT_TIMER || type == UNIT_PATH;
}

static int assign(void *userdata, unsigned line, const char *section, const char *name, const char *value) {
    struct reading *at = userdata;
    struct install_info *info = at->info;
    if (strcmp(section, "Install") != 0)
        return 0;
    int r = 0;
    if (strcmp(name, "Alias") == 0)
        r = may_alias(unit_name_type(info->name)) ? add_words(&info->aliases, value) : -EINVAL;
    else if (strcmp(name, "WantedBy") == 0)
        r = add_words(&info->wanted_by, value);
    else if (strcmp(name, "RequiredBy") == 0)
        r = add_words(&info->required_by, value);
    else if (strcmp(name, "UpheldBy") == 0)
        r = add_words(&info->upheld_by, value);
    else if (strcmp(name, "Also") == 0)
        r = read_also(at, value);
    else if (strcmp(name, "DefaultInstance") == 0)
        r = read_default_instance(at, value);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        log_warning("%s:%u: %s=%s: not usable here, ignoring", at->path, line, name, value);
    return 0;
}

static const struct line_handler handler = { assign, complain };

static int read_text(struct install_context *context, struct install_info *info, const char *path,
                     const char *data, size_t size) {
    struct reading at = { context, info, path };
    return lines_read(data, size, &handler, &at);
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* The unit compiled into the binary that would lie at this path; NULL: none, or a file lies there. */
static const struct vendor_unit *vendor_at(const struct search_path *where, const char *path) {
    const char *inside = path_without_root(where, path);
    if (!path_lies_in(inside, VENDOR_DIRECTORY))
        return NULL;
    return vendor_unit_find(path_base(path));
}

static bool is_masking(const struct stat *st) {
    return S_ISCHR(st->st_mode) || (S_ISREG(st->st_mode) && st->st_size == 0);
}

static int load_regular(struct install_context *context, struct install_info *info, const char *path,
                        const struct stat *st, enum search_flags flags) {
    enum unit_type type = unit_name_type(info->name);
    bool may_template = type == UNIT_SERVICE || type == UNIT_SOCKET || type == UNIT_TARGET ||
                        type == UNIT_TIMER || type == UNIT_PATH;
    if (!may_template && unit_name_kind(info->name) != UNIT_NAME_PLAIN)
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
            r = read_text(context, info, path, data, size);
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
        int r = read_text(context, info, path, vendor->content, strlen(vendor->content));
        if (r < 0)
            return r;
        info->loaded = true;
    }
    info->mode = MODE_REGULAR;
    return 0;
}

static bool names_compatible(const char *link, const char *target) {
    if (unit_name_type(link) != unit_name_type(target) || unit_name_type(link) < 0)
        return false;
    enum unit_name_flags kind = unit_name_kind(target);
    switch (unit_name_kind(link)) {
    case UNIT_NAME_PLAIN:
        return kind == UNIT_NAME_PLAIN;
    case UNIT_NAME_INSTANCE:
        return kind == UNIT_NAME_INSTANCE || kind == UNIT_NAME_TEMPLATE;
    case UNIT_NAME_TEMPLATE:
        return kind == UNIT_NAME_TEMPLATE;
    default:
        return false;
    }
}

/* A symlink under a unit's name: a mask, an alias of another unit, or a link out of the load path. */
static int load_symlink(struct install_context *context, struct install_info *info, const char *path) {
    const struct search_path *where = context->where;
    _cleanup_free_ char *end = NULL, *parent = NULL, *target = NULL, *wanted = NULL;
    int r = chase(path, where->root, &end);
    if (r < 0)
        return r;
    struct stat st;
    if (strcmp(path_without_root(where, end), "/dev/null") == 0 ||
        (r > 0 && stat(end, &st) >= 0 && is_masking(&st))) {
        info->mode = MODE_MASKED;
        return 0;
    }
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
    bool inside = path_in_search(where, wanted);
    if (inside)
        target = TAKE(wanted);
    else {
        r = chase_parent(wanted, where->root, &target);
        if (r < 0)
            return r;
        inside = path_in_search(where, target);
    }
    if (!names_compatible(info->name, path_base(target)))
        return -EINVAL;
    /* A link to the file it hides. */
    if (inside && strcmp(path_base(target), path_base(path)) == 0)
        return -ELOOP;
    info->mode = inside ? MODE_ALIAS : MODE_LINKED;
    free(info->symlink_target);
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
            vendor_unit_find(name)) {
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
    return vendor ? try_path(context, info, vendor, name, flags) : -ENOMEM;
}

static int read_dropins_of(struct install_context *context, struct install_info *info, const char *name) {
    _cleanup_strv_ char **names = NULL;
    STRV_FOREACH(directory, context->where->directories) {
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
                strv_contains(names, e->d_name))
                continue;
            _cleanup_free_ char *file = path_join(text_str(&dropins), e->d_name), *data = NULL;
            size_t size;
            r = file ? strv_add(&names, e->d_name) : -ENOMEM;
            if (r >= 0 && file_read(file, UNIT_FILE_MAX, &data, &size) >= 0)
                r = read_text(context, info, file, data, size);
        }
        closedir(d);
        if (r < 0)
            return r;
    }
    return 0;
}

static int find_file(struct install_context *context, struct install_info *info, enum search_flags flags) {
    if (info->mode != MODE_UNKNOWN) {
        /* Found earlier; perhaps only looked at, and now to be read. */
        if (info->mode != MODE_REGULAR || !(flags & SEARCH_LOAD) || info->loaded)
            return 0;
    }
    bool was_loaded = info->loaded;
    int r;
    _cleanup_free_ char *template = NULL;
    if (info->path)
        r = load_or_readlink(context, info, info->path, flags);
    else {
        r = try_directories(context, info, info->name, flags);
        if (unit_name_kind(info->name) == UNIT_NAME_INSTANCE) {
            int q = unit_name_template(info->name, &template);
            if (q < 0)
                return q;
            if (r == -ENOENT)
                r = try_directories(context, info, template, flags);
        }
    }
    if (r < 0)
        return r;
    if (info->mode == MODE_REGULAR && info->loaded && !was_loaded) {
        r = read_dropins_of(context, info, info->name);
        if (r >= 0 && template)
            r = read_dropins_of(context, info, template);
    }
    return r;
}

/* Goes one symlink further. -EXDEV: the target is another unit. */
static int follow(struct install_context *context, struct install_info *info, enum search_flags flags,
                  bool ignore_other_name) {
    if (!ignore_other_name && strcmp(path_base(info->symlink_target), info->name) != 0)
        return -EXDEV;
    free(info->path);
    info->path = TAKE(info->symlink_target);
    info->mode = MODE_UNKNOWN;
    return find_file(context, info, flags);
}

int install_traverse(struct install_context *context, struct install_info *start, enum search_flags flags,
                     struct install_info **ret) {
    struct install_info *info = start;
    int r = find_file(context, info, flags);
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
            r = install_context_add(context, name, start->auxiliary, &info);
            if (r >= 0)
                r = find_file(context, info, flags);
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
    int r = find_file(&context, info, 0);
    return r != -ENOENT && r != -ENOTDIR && r != -ENOMEM;
}
