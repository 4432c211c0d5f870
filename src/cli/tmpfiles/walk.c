/* SPDX-License-Identifier: Apache-2.0 */
/* Getting to a path without being led astray: one descriptor per component, and a look at who could have bent
 * each step. Knows nothing of items. */
#include "base/fd.h"
#include "base/path.h"
#include "cli/tmpfiles/tmpfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 128
#define LINKS_MAX 32

struct walk {
    int fds[DEPTH_MAX]; /* the root directory first; the last is where we are */
    size_t depth;
};

static void walk_done(struct walk *w) {
    while (w->depth > 0)
        fd_close(w->fds[--w->depth]);
}

static int push(struct walk *w, int fd) {
    if (w->depth == DEPTH_MAX) {
        fd_close(fd);
        return -ENAMETOOLONG;
    }
    w->fds[w->depth++] = fd;
    return 0;
}

/* A directory of an unprivileged user that leads to something of somebody else's: whoever owns it chose
 * where. */
static bool unsafe_step(const struct stat *from, const struct stat *to) {
    return from->st_uid != 0 && from->st_uid != to->st_uid && from->st_uid != geteuid();
}

/* A symlink where anybody may place one, of somebody who does not own the directory, or out of the reach of
 * an unprivileged owner. */
static bool unsafe_link(const struct stat *directory, const struct stat *link, const char *target) {
    uid_t own = geteuid();
    if (directory->st_mode & S_IWOTH)
        return true;
    if (link->st_uid != 0 && link->st_uid != own && link->st_uid != directory->st_uid)
        return true;
    return target[0] == '/' && directory->st_uid != 0 && directory->st_uid != own;
}

/* Walks all components. On success the descriptor of the last is on the stack. `leave_last`: only up to the
 * parent; what is left of the path is copied to *last. `follow_last`: a symlink at the end is followed. */
static int walk(struct walk *w, const struct tmpfiles *t, const char *path, bool leave_last, bool make,
                bool follow_last, char **last) {
    _cleanup_free_ char *todo = strdup(path);
    if (!todo)
        return -ENOMEM;
    int root = open(t->root[0] ? t->root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -errno;
    int r = push(w, root), links = 0;
    char *p = todo;
    while (r >= 0) {
        p += strspn(p, "/");
        size_t n = strcspn(p, "/");
        if (n == 0) {
            if (leave_last)
                return (*last = strdup(".")) ? 0 : -ENOMEM;
            return 0;
        }
        char *rest = p + n;
        bool is_last = rest[strspn(rest, "/")] == 0;
        if (n == 1 && p[0] == '.') {
            p = rest;
            continue;
        }
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            if (w->depth > 1) {
                struct stat inner, outer;
                if (fstat(w->fds[w->depth - 1], &inner) < 0 || fstat(w->fds[w->depth - 2], &outer) < 0)
                    return -errno;
                if (unsafe_step(&inner, &outer))
                    return -ENOLINK;
                fd_close(w->fds[--w->depth]);
            }
            p = rest;
            continue;
        }
        if (n > NAME_MAX)
            return -ENAMETOOLONG;
        char name[NAME_MAX + 1];
        memcpy(name, p, n);
        name[n] = 0;
        if (is_last && leave_last)
            return (*last = strdup(name)) ? 0 : -ENOMEM;

        int at = w->fds[w->depth - 1];
        int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && make) {
            if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
                return -errno;
            fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        }
        if (fd < 0)
            return -errno;
        struct stat from, to;
        if (fstat(at, &from) < 0 || fstat(fd, &to) < 0) {
            r = -errno;
            fd_close(fd);
            return r;
        }
        if (S_ISLNK(to.st_mode) && (!is_last || follow_last)) {
            char target[PATH_MAX];
            ssize_t length = readlinkat(fd, "", target, sizeof(target) - 1);
            r = length < 0 ? -errno : ++links > LINKS_MAX ? -ELOOP : 0;
            fd_close(fd);
            if (r < 0)
                return r;
            target[length] = 0;
            if (unsafe_link(&from, &to, target))
                return -ENOLINK;
            if (target[0] == '/')
                while (w->depth > 1)
                    fd_close(w->fds[--w->depth]);
            char *more = path_join(target, rest);
            if (!more)
                return -ENOMEM;
            free(todo);
            p = todo = more;
            continue;
        }
        if (unsafe_step(&from, &to) || (!is_last && !S_ISDIR(to.st_mode))) {
            r = S_ISDIR(to.st_mode) || is_last ? -ENOLINK : -ENOTDIR;
            fd_close(fd);
            return r;
        }
        r = push(w, fd);
        p = rest;
    }
    return r;
}

int walk_parent(const struct tmpfiles *t, const char *path, bool make, int *ret_fd, char **name) {
    _cleanup_(walk_done) struct walk w = {};
    int r = walk(&w, t, path, true, make, false, name);
    if (r < 0)
        return r;
    *ret_fd = w.fds[--w.depth];
    return 0;
}

static int open_at_end(const struct tmpfiles *t, const char *path, bool follow, int *ret_fd,
                       struct stat *st) {
    _cleanup_(walk_done) struct walk w = {};
    int r = walk(&w, t, path, false, false, follow, NULL);
    if (r < 0)
        return r;
    if (st && fstat(w.fds[w.depth - 1], st) < 0)
        return -errno;
    *ret_fd = w.fds[--w.depth];
    return 0;
}

int walk_open(const struct tmpfiles *t, const char *path, int *ret_fd, struct stat *st) {
    return open_at_end(t, path, false, ret_fd, st);
}

int walk_open_follow(const struct tmpfiles *t, const char *path, int *ret_fd, struct stat *st) {
    return open_at_end(t, path, true, ret_fd, st);
}

const char *fd_path(int fd, struct fd_path *buffer) {
    snprintf(buffer->text, sizeof(buffer->text), "/proc/self/fd/%d", fd);
    return buffer->text;
}

bool is_mount_point(int directory, const char *name, dev_t dev) {
    struct statx sx;
    struct stat st;
    if (statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &sx) >= 0 &&
        sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
        return sx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
    /* Before Linux 5.8. Files of an overlay may have the device of their layer; a mounted file cannot be unlinked. */
    return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) >= 0 && S_ISDIR(st.st_mode) &&
           st.st_dev != dev;
}
