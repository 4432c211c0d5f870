/* SPDX-License-Identifier: Apache-2.0 */
#include "base/glob.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#define MATCHES_MAX 65536

struct matching {
    char ***found;
    size_t n, max;
};

bool glob_is_pattern(const char *s) {
    return s[strcspn(s, "*?[")] != 0;
}

/* Everything below `base` that matches the rest of the pattern. */
static int match(struct matching *at, const char *base, const char *rest) {
    rest += strspn(rest, "/");
    size_t n = strcspn(rest, "/");
    struct stat st;
    if (n == 0) {
        if (fstatat(AT_FDCWD, base, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
            return 0;
        if (at->n >= MATCHES_MAX)
            return -E2BIG;
        at->n++;
        return at->found ? strv_add(at->found, base) : 0;
    }
    _cleanup_free_ char *component = strndup(rest, n);
    if (!component)
        return -ENOMEM;
    rest += n;
    if (!glob_is_pattern(component)) {
        _cleanup_free_ char *path = path_join(base, component);
        return path ? match(at, path, rest) : -ENOMEM;
    }
    DIR *d = opendir(base);
    if (!d)
        return 0;
    int r = 0;
    for (struct dirent *e; r >= 0 && (at->max == 0 || at->n < at->max) && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            !glob_match(component, e->d_name, FNM_PERIOD))
            continue;
        _cleanup_free_ char *path = path_join(base, e->d_name);
        r = path ? match(at, path, rest) : -ENOMEM;
    }
    closedir(d);
    return r;
}

int glob_paths(const char *pattern, char ***ret) {
    _cleanup_strv_ char **found = NULL;
    struct matching at = { &found, 0, 0 };
    int r = match(&at, "/", pattern);
    if (r < 0)
        return r;
    strv_sort(found);
    return strv_add_all(ret, found);
}

int glob_exists(const char *pattern) {
    struct matching at = { NULL, 0, 1 };
    int r = match(&at, "/", pattern);
    return r < 0 ? r : at.n > 0;
}
