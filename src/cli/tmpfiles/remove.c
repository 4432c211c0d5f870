/* SPDX-License-Identifier: Apache-2.0 */
/* --remove: r, R and D lines. Deleting stays on one mount and follows no symlink. What lies on a volume, that
 * is, on a mount other than the root directory's that is not in memory, is somebody's data and survives a
 * boot: nothing of it is deleted, even if a line names it. */
#include "base/fd.h"
#include "base/log.h"
#include "cli/tmpfiles/tmpfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define RECURSION_MAX 256

int remove_tree_at(int directory, const char *name, bool keep_top, dev_t dev, int depth) {
    if (depth > RECURSION_MAX)
        return -ELOOP;
    if (!keep_top && unlinkat(directory, name, 0) >= 0)
        return 0;
    if (!keep_top && errno == ENOENT)
        return 0;
    if (!keep_top && errno != EISDIR && errno != EPERM)
        return -errno;
    int unlink_error = errno;
    int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno == ENOTDIR && !keep_top ? -unlink_error : -errno;
    DIR *d = fdopendir(fd);
    if (!d) {
        fd_close(fd);
        return -ENOMEM;
    }
    int result = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        /* A mount point stays, with what is above it. */
        int r = is_mount_point(fd, e->d_name, dev) ? -EBUSY
                                                   : remove_tree_at(fd, e->d_name, false, dev, depth + 1);
        if (r < 0 && result >= 0)
            result = r;
    }
    closedir(d);
    if (result >= 0 && !keep_top && unlinkat(directory, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        result = -errno;
    return result;
}

static bool in_memory(int directory, const char *name) {
    struct statfs fs;
    _cleanup_close_ int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 && fstatfs(fd, &fs) >= 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* Kernels before 5.8 tell no mounts apart, only devices. */
static bool on_volume(const struct tmpfiles *t, int directory, const char *name) {
    struct statx root, here;
    if (statx(AT_FDCWD, t->root[0] ? t->root : "/", 0, STATX_MNT_ID | STATX_TYPE, &root) < 0 ||
        statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID | STATX_TYPE, &here) < 0)
        return false;
    bool same = root.stx_mask & here.stx_mask & STATX_MNT_ID
                    ? root.stx_mnt_id == here.stx_mnt_id
                    : root.stx_dev_major == here.stx_dev_major && root.stx_dev_minor == here.stx_dev_minor;
    return !same && !in_memory(directory, name);
}

/* r: a file or an empty directory. */
static int remove_one(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int parent = -1;
    _cleanup_free_ char *name = NULL;
    int r = walk_parent(t, path, false, &parent, &name);
    if (r < 0)
        return r == -ENOENT || r == -ENOTDIR ? 0 : r;
    if (strcmp(name, ".") == 0)
        return -EINVAL;
    if (on_volume(t, parent, name))
        return 0;
    if (unlinkat(parent, name, 0) >= 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT && errno != ENOTEMPTY ? -errno : 0;
}

/* R: with everything below. D: only what is below. */
static int remove_recursive(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int parent = -1;
    _cleanup_free_ char *name = NULL;
    struct stat st;
    int r = walk_parent(t, path, false, &parent, &name);
    if (r < 0)
        return r == -ENOENT || r == -ENOTDIR ? 0 : r;
    if (strcmp(name, ".") == 0)
        return -EINVAL;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (on_volume(t, parent, name))
        return 0;
    bool top = item->type == 'D';
    if (top && !S_ISDIR(st.st_mode))
        return 0;
    r = remove_tree_at(parent, name, top, st.st_dev, 0);
    /* What a mount keeps busy is meant to stay. */
    return r == -EBUSY ? 0 : r;
}

int tmpfiles_remove(struct tmpfiles *t, const struct item *item) {
    int (*f)(struct tmpfiles *, const struct item *, const char *) = item->type == 'r' ? remove_one
                                                                     : item->type == 'R' || item->type == 'D'
                                                                         ? remove_recursive
                                                                         : NULL;
    if (!f)
        return 0;
    if (t->dry_run) {
        log_info("Would remove for %c %s", item->type, item->path);
        return 0;
    }
    int r = tmpfiles_for_each(t, item, f);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        tmpfiles_fail(t, item, r, "cannot be removed", item->path);
    return 0;
}
