/* SPDX-License-Identifier: Apache-2.0 */
/* The files beside a unit's own: NAME.d/, NAME.wants/ and their kin, for all of its names. systemd.unit(5).
 */
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
    bool masked;
};

struct dropin_list {
    struct dropin *items; /* one a file name */
    size_t n;
};

static void dropin_list_done(struct dropin_list *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].path);
    free(list->items);
}

static int compare_dropins(const void *a, const void *b) {
    return strcmp(path_base(((const struct dropin *)a)->path), path_base(((const struct dropin *)b)->path));
}

/* Adds what lies in one directory, but for names that a directory of higher priority has. */
static int read_dropin_directory(const char *directory, bool links, struct dropin_list *list) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK), r = 0;
    if (fd < 0)
        return 0;
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
        bool known = false;
        for (size_t i = 0; i < list->n && !known; i++)
            known = strcmp(path_base(list->items[i].path), de->d_name) == 0;
        if (known)
            continue;
        bool there = fstatat(fd, de->d_name, &st, 0) == 0;
        /* A link in NAME.wants/ need not lead anywhere; but one to an empty file or /dev/null undoes others.
         */
        bool masked = there && (S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0));
        if (links ? there && S_ISDIR(st.st_mode) : !there || (!S_ISREG(st.st_mode) && !masked))
            continue;
        struct dropin *grown = realloc(list->items, (list->n + 1) * sizeof(*grown));
        if (!grown || !((list->items = grown)[list->n].path = path_join(directory, de->d_name))) {
            r = -ENOMEM;
            break;
        }
        list->items[list->n++].masked = masked;
    }
    closedir(dir);
    return r;
}

static int read_present(const struct search_path *path, const struct search_cache *c, const char *name,
                        const char *suffix, uint8_t directory, struct dropin_list *list) {
    char side[UNIT_NAME_MAX + 16];
    size_t n = strlen(name), k = strlen(suffix);
    if (n + k >= sizeof(side))
        return 0;
    memcpy(side, name, n);
    memcpy(side + n, suffix, k + 1);
    const struct entry *e = search_cache_find(c, side);
    if (!e || !(e->present >> directory & 1))
        return 0;
    _cleanup_free_ char *full = path_join(path->directories[directory], side);
    return full ? read_dropin_directory(full, strcmp(suffix, ".d") != 0, list) : -ENOMEM;
}

int search_dropins(const struct search_path *path, char *const *names, const char *suffix, char ***ret) {
    _cleanup_(search_cache_freep) struct search_cache *temporary = NULL;
    _cleanup_(dropin_list_done) struct dropin_list list = {};
    const struct search_cache *c;
    int r = search_cache_of(path, &temporary, &c);
    if (r < 0)
        return r;
    size_t n_directories = strv_length(path->directories);
    STRV_FOREACH(name, names) {
        _cleanup_strv_ char **candidates = NULL;
        r = dropin_names(*name, &candidates);
        for (size_t d = 0; r >= 0 && d < n_directories; d++)
            STRV_FOREACH(candidate, candidates) {
                r = read_present(path, c, *candidate, suffix, (uint8_t)d, &list);
                if (r < 0)
                    break;
            }
        if (r < 0)
            return r;
    }
    STRV_FOREACH(name, names) {
        const char *type = unit_type_to_string(unit_name_type(*name));
        for (size_t d = 0; type && r >= 0 && d < n_directories; d++)
            r = read_present(path, c, type, suffix, (uint8_t)d, &list);
        if (r < 0)
            return r;
    }
    if (list.n > 0)
        qsort(list.items, list.n, sizeof(list.items[0]), compare_dropins);
    for (size_t i = 0; i < list.n && r >= 0; i++)
        if (!list.items[i].masked)
            r = strv_take(ret, TAKE(list.items[i].path));
    return r;
}
