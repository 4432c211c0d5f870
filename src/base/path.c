/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

bool path_is_absolute(const char *path) {
    return path && path[0] == '/';
}

char *path_simplify(char *path) {
    char *to = path;
    const char *from = path;
    bool absolute = path[0] == '/';
    if (absolute)
        *to++ = '/';
    while (*from) {
        from += strspn(from, "/");
        size_t n = strcspn(from, "/");
        if (n == 0)
            break;
        if (n == 1 && from[0] == '.') {
            from += n;
            continue;
        }
        if (to > path + absolute)
            *to++ = '/';
        memmove(to, from, n);
        to += n;
        from += n;
    }
    if (to == path && path[0])
        *to++ = '.';
    *to = 0;
    return path;
}

bool path_is_normalized(const char *path) {
    while (*path) {
        path += strspn(path, "/");
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.')
            return false;
        path += n;
    }
    return true;
}

char *path_join(const char *a, const char *b) {
    _cleanup_text_ struct text t = {};
    if (a && *a) {
        text_add(&t, a);
        if (b && *b)
            text_add_char(&t, '/');
    }
    text_add(&t, b);
    char *joined = text_take(&t);
    return joined ? path_simplify(joined) : NULL;
}

const char *path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *path_below(const char *path, const char *prefix) {
    for (;;) {
        path += strspn(path, "/");
        prefix += strspn(prefix, "/");
        size_t n = strcspn(prefix, "/"), m = strcspn(path, "/");
        if (n == 0)
            return path;
        if (n != m || strncmp(path, prefix, n) != 0)
            return NULL;
        path += n;
        prefix += n;
    }
}

int mkdir_parents(const char *path, mode_t mode) {
    _cleanup_free_ char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    path_simplify(copy);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(copy, mode) < 0 && errno != EEXIST) {
            int error = errno;
            struct stat st;
            if (stat(copy, &st) < 0 || !S_ISDIR(st.st_mode))
                return -error;
        }
        *slash = '/';
    }
    return 0;
}

int mkdir_p(const char *path, mode_t mode) {
    int r = mkdir_parents(path, mode);
    if (r < 0)
        return r;
    if (mkdir(path, mode) < 0) {
        int error = errno;
        struct stat st;
        if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
            return -error;
    }
    return 0;
}
