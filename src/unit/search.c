/* SPDX-License-Identifier: Apache-2.0 */
/* Where the unit files of a name lie. Each directory is read once into a sorted array of names; what a name
 * leads to is then decided without looking at the disk. Knows nothing of what is in the files. */
#include "base/chase.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "unit/name.h"
#include "unit/search_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 16 /* as many aliases of aliases as anybody has */
#define RECENT (10 * USEC_PER_MSEC)

/* --- the cache ------------------------------------------------------------------------------------------ */

void search_cache_free(struct search_cache *c) {
    for (size_t i = 0; c && i < c->n; i++) {
        free(c->entries[i].name);
        free(c->entries[i].target);
    }
    if (c) {
        search_cache_free(c->newer);
        free(c->entries);
        free(c->aliases);
    }
    free(c);
}

void search_cache_freep(struct search_cache **c) {
    search_cache_free(*c);
}

static bool is_side_directory(const char *name) {
    static const char *const suffixes[] = { ".d", ".wants", ".requires", ".upholds" };
    size_t n = strlen(name);
    for (size_t i = 0; i < ELEMENTS(suffixes); i++) {
        size_t k = strlen(suffixes[i]);
        if (n > k && strcmp(name + n - k, suffixes[i]) == 0)
            return true;
    }
    return false;
}

static int read_link_at(int dir, const char *name, char **ret) {
    char buffer[PATH_MAX];
    ssize_t n = readlinkat(dir, name, buffer, sizeof(buffer) - 1);
    if (n < 0)
        return -errno;
    buffer[n] = 0;
    char *copy = strdup(buffer);
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

static int cache_add(struct search_cache *c, int dir, uint8_t number, const struct dirent *de) {
    unsigned char kind = de->d_type;
    bool is_unit = unit_name_kind(de->d_name);
    if (!is_unit && !is_side_directory(de->d_name))
        return 0;
    if (kind == DT_UNKNOWN) {
        struct stat st;
        if (fstatat(dir, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return 0;
        kind = S_ISREG(st.st_mode)   ? DT_REG
               : S_ISLNK(st.st_mode) ? DT_LNK
               : S_ISDIR(st.st_mode) ? DT_DIR
                                     : DT_CHR;
    }
    if (is_unit ? kind != DT_REG && kind != DT_LNK : kind != DT_DIR && kind != DT_LNK)
        return 0;
    if (c->n == c->room) {
        size_t room = MAX(c->room * 2, (size_t)256);
        struct entry *grown = realloc(c->entries, room * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        c->entries = grown;
        c->room = room;
    }
    struct entry e = { .present = UINT32_C(1) << number, .directory = number, .is_unit = is_unit };
    if (is_unit && kind == DT_LNK && read_link_at(dir, de->d_name, &e.target) == -ENOMEM)
        return -ENOMEM;
    e.name = strdup(de->d_name);
    if (!e.name) {
        free(e.target);
        return -ENOMEM;
    }
    c->entries[c->n++] = e;
    return 0;
}

static int cache_read_directory(struct search_cache *c, const char *directory, uint8_t number) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0) /* a path without its directories is not the path */
        return errno_is_shortage(errno) ? -ENOMEM : 0;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -ENOMEM;
    }
    if (fstat(fd, &st) == 0) {
        c->seen[number].mtime = st.st_mtim;
        c->seen[number].device = st.st_dev;
        c->seen[number].inode = st.st_ino;
    }
    int r = 0;
    errno = 0;
    for (struct dirent *de; r >= 0 && (de = readdir(dir)); errno = 0)
        r = cache_add(c, fd, number, de);
    if (r >= 0 && errno != 0)
        c->error = -errno;
    closedir(dir);
    return r;
}

static int compare_entries(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int r = strcmp(x->name, y->name);
    return r ? r : x->directory - y->directory;
}

/* Is this a link to its own name elsewhere in the path? Such a one counts for nothing; the other file is
 * found anyway. */
static int target_in_path(const struct search_path *path, const struct search_cache *c, const struct entry *e,
                          bool *ret);

/* One entry a name is left: the one of the highest priority that is no link to itself. */
static int cache_merge(const struct search_path *path, struct search_cache *c) {
    if (c->n > 0)
        qsort(c->entries, c->n, sizeof(c->entries[0]), compare_entries);
    size_t kept = 0;
    int result = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct entry *e = &c->entries[i], *last = kept > 0 ? &c->entries[kept - 1] : NULL;
        bool drop = last && strcmp(last->name, e->name) == 0, own = false;
        if (drop)
            last->present |= e->present;
        else if (e->target && strcmp(path_base(e->target), e->name) == 0 && result >= 0) {
            result = target_in_path(path, c, e, &own);
            drop = own;
        }
        if (drop) {
            free(e->name);
            free(e->target);
        } else {
            c->entries[kept++] = *e;
        }
    }
    c->n = kept;
    struct entry *fitting = kept > 0 ? realloc(c->entries, kept * sizeof(*fitting)) : NULL;
    if (fitting) {
        c->entries = fitting;
        c->room = kept;
    }
    return result;
}

static int compare_aliases(const void *a, const void *b) {
    const struct alias *x = a, *y = b;
    int r = strcmp(x->target, y->target);
    return r ? r : strcmp(x->name, y->name);
}

/* Which names are links, sorted by what they lead to: asked for each unit that is loaded. */
static int cache_index_aliases(const struct search_path *path, struct search_cache *c) {
    size_t most = 0;
    for (size_t i = 0; i < c->n; i++)
        most += c->entries[i].is_unit && c->entries[i].target;
    for (size_t i = 0; i < search_n_vendor(path); i++)
        most += vendor_units[i].alias != NULL;
    c->aliases = calloc(most + 1, sizeof(c->aliases[0]));
    if (!c->aliases)
        return -ENOMEM;
    for (size_t i = 0; i < c->n; i++) {
        const struct entry *e = &c->entries[i];
        bool inside = false;
        int r = e->is_unit && e->target ? target_in_path(path, c, e, &inside) : 0;
        if (r < 0)
            return r;
        if (inside)
            c->aliases[c->n_aliases++] = (struct alias){ e->name, path_base(e->target) };
    }
    for (size_t i = 0; i < search_n_vendor(path); i++) {
        const struct vendor_unit *v = &vendor_units[i];
        if (v->alias && (v->builtin || !search_cache_find(c, v->name)))
            c->aliases[c->n_aliases++] = (struct alias){ v->name, v->alias };
    }
    qsort(c->aliases, c->n_aliases, sizeof(c->aliases[0]), compare_aliases);
    return 0;
}

static int cache_make(const struct search_path *path, struct search_cache **ret) {
    _cleanup_(search_cache_freep) struct search_cache *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    uint8_t number = 0;
    STRV_FOREACH(d, path->directories) {
        int r = cache_read_directory(c, *d, number++);
        if (r < 0)
            return r;
    }
    int r = cache_merge(path, c);
    c->checked = now(CLOCK_MONOTONIC);
    if (r >= 0)
        r = cache_index_aliases(path, c);
    if (r < 0)
        return r;
    *ret = TAKE(c);
    return 0;
}

int search_cache_fill(struct search_path *path) {
    struct search_cache *c = NULL;
    int r = cache_make(path, &c);
    if (r >= 0 && path->cache)
        r = c->error;
    if (r < 0) {
        search_cache_free(c);
        return r;
    }
    search_cache_free(path->cache);
    path->cache = c;
    return 0;
}

void search_cache_drop(struct search_path *path) {
    search_cache_free(path->cache);
    path->cache = NULL;
}

static bool cache_is_stale(const struct search_path *path, const struct search_cache *c) {
    for (size_t i = 0; path->directories && path->directories[i]; i++) {
        struct stat st;
        const typeof(c->seen[0]) *seen = &c->seen[i];
        if (stat(path->directories[i], &st) < 0
                ? seen->inode != 0
                : st.st_ino != seen->inode || st.st_dev != seen->device ||
                      st.st_mtim.tv_sec != seen->mtime.tv_sec || st.st_mtim.tv_nsec != seen->mtime.tv_nsec)
            return true;
    }
    return false;
}

int search_now(const struct search_path *path, struct search_path *ret) {
    struct search_cache *c = path->cache;
    *ret = *path;
    c->checked = now(CLOCK_MONOTONIC);
    c->stale = cache_is_stale(path, c);
    if (!c->stale)
        return 0;
    if (!c->newer || cache_is_stale(path, c->newer)) {
        struct search_cache *newer;
        int r = cache_make(path, &newer);
        if (r >= 0 && newer->error) {
            r = newer->error;
            search_cache_free(newer);
        }
        if (r < 0)
            return r;
        search_cache_free(c->newer);
        c->newer = newer;
    }
    ret->cache = c->newer;
    return 0;
}

int search_recent(const struct search_path *path, struct search_path *ret) {
    struct search_cache *c = path->cache;
    if (now(CLOCK_MONOTONIC) - c->checked > RECENT || (c->stale && !c->newer))
        return search_now(path, ret);
    *ret = *path;
    if (c->stale)
        ret->cache = c->newer;
    return 0;
}

/* The cache of the path, or one made for the moment: *temporary, which the caller frees. */
int search_cache_of(const struct search_path *path, struct search_cache **temporary,
                    const struct search_cache **ret) {
    if (!path->cache) {
        int r = cache_make(path, temporary);
        if (r < 0)
            return r;
    }
    *ret = path->cache ?: *temporary;
    return 0;
}

const struct entry *search_cache_find(const struct search_cache *c, const char *name) {
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int r = strcmp(c->entries[middle].name, name);
        if (r == 0)
            return &c->entries[middle];
        if (r < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- where a name leads --------------------------------------------------------------------------------- */

/* The absolute path a link's text means, below the root. */
static char *link_path(const struct search_path *path, const struct entry *e) {
    if (path_is_absolute(e->target))
        return path_join(path->root, e->target);
    return path_join(path->directories[e->directory], e->target);
}

static bool is_null_device(const struct entry *e) {
    return e->target && strcmp(e->target, "/dev/null") == 0;
}

/* Does the link lead to a file in one of the path's directories? Then it is an alias. */
static int target_in_path(const struct search_path *path, const struct search_cache *c, const struct entry *e,
                          bool *ret) {
    _cleanup_free_ char *full = link_path(path, e), *parent = NULL, *resolved = NULL;
    *ret = false;
    if (!full)
        return -ENOMEM;
    parent = strndup(full, (size_t)(path_base(full) - full));
    if (!parent)
        return -ENOMEM;
    path_simplify(parent);
    if (strv_contains(path->directories, parent)) {
        *ret = true;
        return 0;
    }
    /* The same directory by another way: /lib, "..", a link. */
    int r = chase(parent, path->root, &resolved);
    if (r <= 0)
        return r == -ENOMEM ? r : 0;
    struct stat st;
    if (stat(resolved, &st) < 0)
        return 0;
    for (size_t i = 0; path->directories[i]; i++)
        if (c->seen[i].inode == st.st_ino && c->seen[i].device == st.st_dev)
            *ret = true;
    return 0;
}

/* The name an alias stands for, when `asked` (perhaps an instance of the link's template) is looked for. */
static int alias_target(const char *asked, const char *target, char **ret) {
    enum unit_name_flags kind = unit_name_kind(target), asked_kind = unit_name_kind(asked);
    if (!kind || unit_name_type(target) != unit_name_type(asked))
        return -EINVAL;
    if (kind == UNIT_NAME_TEMPLATE && asked_kind == UNIT_NAME_INSTANCE) {
        _cleanup_free_ char *instance = NULL;
        int r = unit_name_instance(asked, &instance);
        return r < 0 ? r : unit_name_replace_instance(target, instance, ret);
    }
    if ((kind == UNIT_NAME_TEMPLATE) != (asked_kind == UNIT_NAME_TEMPLATE))
        return -EINVAL;
    *ret = strdup(target);
    return *ret ? 0 : -ENOMEM;
}

void search_found_done(struct search_found *found) {
    free(found->name);
    free(found->path);
    *found = (struct search_found){};
}

static int found_file(const struct search_path *path, const struct entry *e, struct search_found *found) {
    found->result = is_null_device(e) ? SEARCH_MASKED : SEARCH_FILE;
    found->path = path_join(path->directories[e->directory], e->name);
    return found->path ? 0 : -ENOMEM;
}

/* One step: `key` is the name looked up, `found->name` the name that is asked for (key, or an instance of
 * it). 1: that was an alias, and found->name is what it stands for; 0: found->result is set. */
static int resolve_step(const struct search_path *path, const struct search_cache *c, const char *key,
                        struct search_found *found) {
    const struct vendor_unit *vendor = search_vendor(path, key);
    const struct entry *e = search_cache_find(c, key);
    const char *target = NULL;
    if (vendor && vendor->builtin) {
        e = NULL;
    } else if (e && e->target && !is_null_device(e)) {
        bool inside;
        int r = target_in_path(path, c, e, &inside);
        if (r < 0)
            return r;
        if (inside)
            target = path_base(e->target);
        /* else: a unit file linked in from elsewhere, as good as a file */
    }
    if (e && !target)
        return found_file(path, e, found);
    if (!e && vendor && !vendor->alias) {
        found->result = SEARCH_VENDOR;
        found->vendor = vendor;
        return 0;
    }
    if (!e && vendor)
        target = vendor->alias;
    if (!target)
        return 0;
    char *next = NULL;
    int r = alias_target(found->name, target, &next);
    if (r == -EINVAL) /* an alias that cannot be one is as good as none */
        return 0;
    if (r < 0)
        return r;
    if (strcmp(next, found->name) == 0) { /* foo@bar.service → foo@.service: an instance's own template */
        free(next);
        return 0;
    }
    free(found->name);
    found->name = next;
    return 1;
}

int search_resolve(const struct search_path *path, const char *name, struct search_found *ret) {
    _cleanup_(search_cache_freep) struct search_cache *temporary = NULL;
    _cleanup_(search_found_done) struct search_found found = {};
    const struct search_cache *c;
    if (!unit_name_kind(name))
        return -EINVAL;
    int r = search_cache_of(path, &temporary, &c);
    if (r < 0)
        return r;
    found.name = strdup(name);
    if (!found.name)
        return -ENOMEM;
    for (int links = 0;; links++) {
        if (links > LINKS_MAX) {
            found.result = SEARCH_LOOP;
            break;
        }
        _cleanup_free_ char *key = strdup(found.name), *template = NULL;
        if (!key)
            return -ENOMEM;
        r = resolve_step(path, c, key, &found);
        if (r == 0 && found.result == SEARCH_NOT_FOUND && unit_name_template(key, &template) == 0)
            r = resolve_step(path, c, template, &found);
        if (r < 0)
            return r;
        if (r == 0)
            break;
    }
    *ret = found;
    found = (struct search_found){};
    return 0;
}

bool search_has(const struct search_path *path, const char *name) {
    _cleanup_(search_cache_freep) struct search_cache *temporary = NULL;
    const struct search_cache *c;
    if (search_cache_of(path, &temporary, &c) < 0)
        return false;
    const struct entry *e = search_cache_find(c, name);
    return e && e->is_unit;
}

/* The first alias of `target`, and how many there are. */
static const struct alias *aliases_of(const struct search_cache *c, const char *target, size_t *ret_n) {
    size_t low = 0, high = c->n_aliases;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(c->aliases[middle].target, target) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t n = 0;
    while (low + n < c->n_aliases && strcmp(c->aliases[low + n].target, target) == 0)
        n++;
    *ret_n = n;
    return &c->aliases[low];
}

/* Adds to `names` what links to `target`: the link's name, or where both are templates, its instance. */
static int add_aliases(const struct search_cache *c, const char *target, const char *instance,
                       char ***names) {
    size_t n;
    const struct alias *a = aliases_of(c, target, &n);
    for (size_t i = 0; i < n; i++) {
        _cleanup_free_ char *made = NULL;
        if (unit_name_type(a[i].name) != unit_name_type(target) ||
            (unit_name_kind(a[i].name) == UNIT_NAME_TEMPLATE) != (instance != NULL))
            continue;
        int r = instance ? unit_name_replace_instance(a[i].name, instance, &made) : 0;
        if (r == -ENOMEM)
            return r;
        const char *name = instance ? made : a[i].name;
        if (name && !strv_contains(*names, name)) {
            r = strv_add(names, name);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int search_aliases(const struct search_path *path, const char *name, char ***ret) {
    _cleanup_(search_cache_freep) struct search_cache *temporary = NULL;
    _cleanup_strv_ char **names = NULL;
    const struct search_cache *c;
    int r = search_cache_of(path, &temporary, &c);
    if (r >= 0)
        r = strv_add(&names, name);
    /* Names of names: the list grows while it is walked. */
    for (size_t i = 0; r >= 0 && names[i]; i++) {
        _cleanup_free_ char *template = NULL, *instance = NULL;
        r = add_aliases(c, names[i], NULL, &names);
        if (r >= 0 && unit_name_template(names[i], &template) == 0)
            r = unit_name_instance(names[i], &instance);
        if (r >= 0 && instance)
            r = add_aliases(c, template, instance, &names);
    }
    if (r < 0)
        return r;
    strv_remove(names, name);
    strv_sort(names);
    return strv_add_all(ret, names);
}

/* --- all of them ---------------------------------------------------------------------------------------- */

int search_list(const struct search_path *path,
                int (*each)(void *userdata, const char *name, const char *file), void *userdata) {
    _cleanup_(search_cache_freep) struct search_cache *temporary = NULL;
    const struct search_cache *c;
    int r = search_cache_of(path, &temporary, &c);
    size_t i = 0, k = 0, n_vendor = search_n_vendor(path);
    if (r < 0)
        return r;
    /* Two sorted lists, merged. */
    while (r >= 0 && (i < c->n || k < n_vendor)) {
        const struct entry *e = i < c->n ? &c->entries[i] : NULL;
        const struct vendor_unit *v = k < n_vendor ? &vendor_units[k] : NULL;
        if (e && !e->is_unit) {
            i++;
            continue;
        }
        int order = !e ? 1 : !v ? -1 : strcmp(e->name, v->name);
        if (order <= 0)
            i++;
        if (order >= 0)
            k++;
        if (order > 0 || (order == 0 && v->builtin)) {
            r = each(userdata, v->name, NULL);
            continue;
        }
        _cleanup_free_ char *full = path_join(path->directories[e->directory], e->name);
        r = full ? each(userdata, e->name, full) : -ENOMEM;
    }
    return r;
}
