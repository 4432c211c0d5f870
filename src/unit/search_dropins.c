/* SPDX-License-Identifier: Apache-2.0 */
/* The files beside a unit's own: NAME.d/, NAME.wants/ and their kin, for all of its names. systemd.unit(5).
 */
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "unit/name.h"
#include "unit/search_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The names whose NAME.d counts for `name`, the most special first: itself, its template's, those of its
 * prefixes. */
static int dropin_names(const char *name, char ***ret) {
    if (strv_contains(*ret, name))
        return 0;
    int r = strv_add(ret, name);
    if (r < 0)
        return r;
    _cleanup_free_ char *template = NULL, *prefix = NULL, *shorter = NULL;
    if (unit_name_template(name, &template) == 0) {
        r = dropin_names(template, ret);
        if (r < 0)
            return r;
    }
    r = unit_name_prefix(name, &prefix);
    if (r < 0)
        return r == -EINVAL ? 0 : r;
    size_t n = strlen(prefix);
    while (n > 0 && prefix[n - 1] == '-')
        n--;
    while (n > 0 && prefix[n - 1] != '-')
        n--;
    if (n == 0)
        return 0;
    _cleanup_text_ struct text t = {};
    text_add_n(&t, prefix, n);
    text_add(&t, name + strlen(prefix));
    shorter = text_take(&t);
    if (!shorter)
        return -ENOMEM;
    return unit_name_kind(shorter) ? dropin_names(shorter, ret) : 0;
}

struct dropin {
    char *path;
    const char *name; /* its last component */
    size_t order;     /* of reading: the directory of the highest priority first */
    bool masked;
};

struct dropin_list {
    struct dropin *items;
    size_t n, room;
};

static void dropin_list_done(struct dropin_list *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].path);
    free(list->items);
}

static int compare_dropins(const void *a, const void *b) {
    const struct dropin *x = a, *y = b;
    int r = strcmp(x->name, y->name);
    return r ? r : x->order < y->order ? -1 : 1;
}

static int dropin_add(struct dropin_list *list, const char *directory, const char *name, bool masked) {
    if (list->n == list->room) {
        size_t room = MAX(list->room * 2, (size_t)8);
        struct dropin *grown = realloc(list->items, room * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        list->items = grown;
        list->room = room;
    }
    char *path = path_join(directory, name);
    if (!path)
        return -ENOMEM;
    list->items[list->n] =
        (struct dropin){ .path = path, .name = path_base(path), .order = list->n, .masked = masked };
    list->n++;
    return 0;
}

/* Adds what lies in one directory. */
static int read_dropin_directory(const char *directory, bool links, struct dropin_list *list) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK), r = 0;
    if (fd < 0)
        return errno_is_shortage(errno) ? -ENOMEM : 0;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -ENOMEM;
    }
    for (struct dirent *de; r >= 0 && (de = readdir(dir));) {
        size_t n = strlen(de->d_name);
        struct stat st;
        if (links ? !unit_name_kind(de->d_name)
                  : n <= 5 || de->d_name[0] == '.' || strcmp(de->d_name + n - 5, ".conf") != 0)
            continue;
        bool there = fstatat(fd, de->d_name, &st, 0) == 0;
        /* A link in NAME.wants/ need not lead anywhere; one to an empty file or /dev/null undoes others. */
        bool masked = there && (S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0));
        if (links ? there && S_ISDIR(st.st_mode) : !there || (!S_ISREG(st.st_mode) && !masked))
            continue;
        r = dropin_add(list, directory, de->d_name, masked);
    }
    closedir(dir);
    return r;
}

/* NAME.d, where any directory has it; NULL otherwise. */
static const struct entry *find_side(const struct search_cache *c, const char *name, const char *suffix) {
    char side[UNIT_NAME_MAX + 16];
    size_t n = strlen(name), k = strlen(suffix);
    if (n + k >= sizeof(side))
        return NULL;
    memcpy(side, name, n);
    memcpy(side + n, suffix, k + 1);
    return search_cache_find(c, side);
}

/* Reads what there is of these directories' names: all of a directory of the path before the next. */
static int read_sides(const struct search_path *path, const struct search_cache *c, char *const *names,
                      const char *suffix, struct dropin_list *list) {
    _cleanup_free_ const struct entry **sides = calloc(strv_length(names) + 1, sizeof(*sides));
    size_t n = 0;
    if (!sides)
        return -ENOMEM;
    STRV_FOREACH(name, names) {
        sides[n] = find_side(c, *name, suffix);
        n += sides[n] != NULL;
    }
    for (size_t d = 0; n > 0 && path->directories[d]; d++)
        for (size_t i = 0; i < n; i++) {
            if (!(sides[i]->present >> d & 1))
                continue;
            _cleanup_free_ char *full = path_join(path->directories[d], sides[i]->name);
            int r = full ? read_dropin_directory(full, strcmp(suffix, ".d") != 0, list) : -ENOMEM;
            if (r < 0)
                return r;
        }
    return 0;
}

int search_dropins(const struct search_path *path, char *const *names, const char *suffix, char ***ret) {
    _cleanup_(search_cache_freep) struct search_cache *temporary = NULL;
    _cleanup_(dropin_list_done) struct dropin_list list = {};
    _cleanup_strv_ char **types = NULL;
    const struct search_cache *c;
    int r = search_cache_of(path, &temporary, &c);
    if (r < 0)
        return r;
    STRV_FOREACH(name, names) {
        _cleanup_strv_ char **candidates = NULL;
        r = dropin_names(*name, &candidates);
        if (r >= 0)
            r = read_sides(path, c, candidates, suffix, &list);
        if (r >= 0)
            r = strv_add(&types, unit_type_to_string(unit_name_type(*name)));
        if (r < 0)
            return r;
    }
    r = read_sides(path, c, types, suffix, &list);
    if (list.n > 0)
        qsort(list.items, list.n, sizeof(list.items[0]), compare_dropins);
    /* Of the same file name the first counts, also if what it says is that there shall be none. */
    for (size_t i = 0; i < list.n && r >= 0; i++)
        if (!list.items[i].masked && (i == 0 || strcmp(list.items[i - 1].name, list.items[i].name) != 0))
            r = strv_take(ret, TAKE(list.items[i].path));
    return r;
}
