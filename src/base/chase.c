/* SPDX-License-Identifier: Apache-2.0 */
/* Resolving symlinks by hand, because realpath() knows no root directory and insists that the file exists. */
#include "base/chase.h"
#include "base/path.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 32

/* Cuts the last component off, but never into the root. */
static void step_up(struct text *done, size_t root_length) {
    while (done->len > root_length && done->s[done->len - 1] != '/')
        done->len--;
    if (done->len > root_length)
        done->len--;
    if (done->s)
        done->s[done->len] = 0;
}

/* `ret_others` (may be NULL): something on the way belongs to neither root nor ourselves. */
static int walk(const char *path, const char *root, bool keep_last, char **ret, bool *ret_others) {
    size_t root_length = root ? strlen(root) : 0;
    while (root_length > 0 && root[root_length - 1] == '/')
        root_length--;
    const char *inside = root_length > 0 ? path_below(path, root) : path;
    if (!inside)
        return -EXDEV;

    _cleanup_text_ struct text done = {};
    text_add_n(&done, root ? root : "", root_length);
    _cleanup_free_ char *todo = strdup(inside);
    if (!todo)
        return -ENOMEM;
    char *p = todo;
    bool exists = true;
    int links = 0;
    for (;;) {
        p += strspn(p, "/");
        size_t n = strcspn(p, "/");
        if (n == 0)
            break;
        const char *rest = p + n;
        if (n == 1 && p[0] == '.') {
            p += n;
            continue;
        }
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            step_up(&done, root_length);
            p += n;
            continue;
        }
        text_add_char(&done, '/');
        text_add_n(&done, p, n);
        if (done.failed)
            return -ENOMEM;
        p += n;
        if (!exists || (keep_last && rest[strspn(rest, "/")] == 0))
            continue;
        struct stat here;
        if (ret_others && lstat(text_str(&done), &here) >= 0 && here.st_uid != 0 && here.st_uid != geteuid())
            *ret_others = true;
        char link[PATH_MAX];
        ssize_t length = readlink(text_str(&done), link, sizeof(link) - 1);
        if (length < 0) {
            if (errno == ENOENT || errno == ENOTDIR)
                exists = false;
            else if (errno != EINVAL)
                return -errno;
            continue;
        }
        if (++links > LINKS_MAX)
            return -ELOOP;
        link[length] = 0;
        if (link[0] == '/') {
            done.len = root_length;
            done.s[root_length] = 0;
        } else
            step_up(&done, root_length);
        char *more = path_join(link, rest);
        if (!more)
            return -ENOMEM;
        free(todo);
        p = todo = more;
    }
    if (done.len == root_length && root_length == 0)
        text_add_char(&done, '/');
    struct stat st;
    exists = exists && lstat(text_str(&done), &st) >= 0;
    char *result = text_take(&done);
    if (!result)
        return -ENOMEM;
    *ret = result;
    return exists;
}

int chase(const char *path, const char *root, char **ret) {
    return walk(path, root, false, ret, NULL);
}

int chase_parent(const char *path, const char *root, char **ret) {
    return walk(path, root, true, ret, NULL);
}

bool chase_is_trusted(const char *path) {
    _cleanup_free_ char *end = NULL;
    bool others = false;
    return walk(path, NULL, false, &end, &others) == 1 && !others;
}
