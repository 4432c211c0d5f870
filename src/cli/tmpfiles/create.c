/* SPDX-License-Identifier: Apache-2.0 */
/* --create: makes and adjusts what the items ask for. */
#include "base/fd.h"
#include "base/glob.h"
#include "base/log.h"
#include "base/path.h"
#include "base/scan.h"
#include "base/strv.h"
#include "cli/tmpfiles/tmpfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define RECURSION_MAX 256
#define FACTORY "/usr/share/factory"

/* --- owner and mode ------------------------------------------------------------------------------------- */

/* Without the kernel's protection anybody may link to a file of root's in a directory of his own. */
static bool links_protected(void) {
    static int known = -1;
    if (known < 0) {
        _cleanup_free_ char *data = NULL;
        known = file_read("/proc/sys/fs/protected_hardlinks", 64, &data, NULL) >= 0 && data[0] == '1';
    }
    return known;
}

static mode_t masked_mode(mode_t mode, mode_t had) {
    static const mode_t triples[] = { 0111, 0222, 0444 };
    for (size_t i = 0; i < ELEMENTS(triples); i++)
        if (!(had & triples[i]))
            mode &= ~triples[i];
    return S_ISDIR(had) ? mode : mode & 0777;
}

int tmpfiles_set_permissions(struct tmpfiles *t, const struct item *item, int fd, const char *path,
                             bool created) {
    struct stat st;
    struct fd_path buffer;
    if (!(item->flags & (ITEM_MODE_SET | ITEM_UID_SET | ITEM_GID_SET)))
        return 0;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 && !links_protected()) {
        tmpfiles_fail(t, item, -EMLINK, "it has several names, which is not safe to change", path);
        return 0;
    }
    bool set_mode =
        item->flags & ITEM_MODE_SET && (created || !(item->flags & ITEM_MODE_NEW)) && !S_ISLNK(st.st_mode);
    bool set_uid = item->flags & ITEM_UID_SET && (created || !(item->flags & ITEM_UID_NEW));
    bool set_gid = item->flags & ITEM_GID_SET && (created || !(item->flags & ITEM_GID_NEW));
    mode_t mode = set_mode ? item->mode : st.st_mode & 07777;
    if (set_mode && item->flags & ITEM_MODE_MASKED && !created)
        mode = masked_mode(mode, st.st_mode);
    uid_t uid = set_uid ? item->uid : st.st_uid;
    gid_t gid = set_gid ? item->gid : st.st_gid;
    bool new_owner = uid != st.st_uid || gid != st.st_gid;
    if (new_owner) {
        /* The new owner must not for a moment have what the old mode allowed and the new one does not. */
        mode_t narrow = st.st_mode & mode & 0777;
        if (set_mode && narrow != (st.st_mode & 07777) && chmod(fd_path(fd, &buffer), narrow) < 0)
            return -errno;
        if (fchownat(fd, "", set_uid ? uid : (uid_t)-1, set_gid ? gid : (gid_t)-1, AT_EMPTY_PATH) < 0)
            return -errno;
    }
    if (set_mode && (new_owner || mode != (st.st_mode & 07777)) && chmod(fd_path(fd, &buffer), mode) < 0)
        return -errno;
    return 0;
}

static int adjust_below(struct tmpfiles *t, const struct item *item, int fd, const char *path, dev_t dev,
                        int depth) {
    struct stat st;
    struct fd_path buffer;
    int r = tmpfiles_set_permissions(t, item, fd, path, false);
    if (r < 0)
        return r;
    if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode) || depth > RECURSION_MAX)
        return 0;
    DIR *d = opendir(fd_path(fd, &buffer));
    if (!d)
        return -errno;
    for (struct dirent *e; r >= 0 && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            is_mount_point(dirfd(d), e->d_name, dev))
            continue;
        _cleanup_close_ int child = openat(dirfd(d), e->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        _cleanup_free_ char *below = path_join(path, e->d_name);
        r = !below      ? -ENOMEM
            : child < 0 ? (errno == ENOENT ? 0 : -errno)
                        : adjust_below(t, item, child, below, dev, depth + 1);
    }
    closedir(d);
    return r;
}

static int adjust(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int fd = -1;
    struct stat st;
    int r = walk_open(t, path, &fd, &st);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return item->type == 'Z' ? adjust_below(t, item, fd, path, st.st_dev, 0)
                             : tmpfiles_set_permissions(t, item, fd, path, false);
}

/* --- directories ---------------------------------------------------------------------------------------- */

/* What is in the way gives way, if the line says so. */
static int give_way(const struct item *item, int parent, const char *name, const struct stat *st) {
    if (!(item->flags & ITEM_REPLACE))
        return -EEXIST;
    return remove_tree_at(parent, name, false, st->st_dev, 0);
}

static int make_directory(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int parent = -1, fd = -1;
    _cleanup_free_ char *name = NULL;
    int r = walk_parent(t, path, true, &parent, &name);
    if (r < 0)
        return r;
    mode_t mode = item->flags & ITEM_MODE_SET ? item->mode : 0755;
    bool created = mkdirat(parent, name, mode) >= 0;
    if (!created && errno != EEXIST) {
        int error = errno;
        struct stat st;
        /* On a read-only place an existing directory is as good. */
        if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -error;
    }
    struct stat st;
    fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode)) {
        r = give_way(item, parent, name, &st);
        if (r < 0)
            return r;
        fd = fd_close(fd);
        if (mkdirat(parent, name, mode) < 0 ||
            (fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC)) < 0)
            return -errno;
        created = true;
    }
    return tmpfiles_set_permissions(t, item, fd, path, created);
}

static int adjust_directory(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int fd = -1;
    struct stat st;
    int r = walk_open(t, path, &fd, &st);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return S_ISDIR(st.st_mode) ? tmpfiles_set_permissions(t, item, fd, path, false) : -EEXIST;
}

/* --- files ---------------------------------------------------------------------------------------------- */

static int write_argument(const struct item *item, int fd) {
    return item->argument ? write_all(fd, item->argument, item->argument_size) : 0;
}

static int make_file(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int parent = -1, fd = -1;
    _cleanup_free_ char *name = NULL;
    int r = walk_parent(t, path, true, &parent, &name);
    if (r < 0)
        return r;
    mode_t mode = item->flags & ITEM_MODE_SET ? item->mode : 0644;
    for (int attempt = 0;; attempt++) {
        struct stat st;
        fd = openat(parent, name,
                    O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
        if (fd >= 0) {
            r = write_argument(item, fd);
            return r < 0 ? r : tmpfiles_set_permissions(t, item, fd, path, true);
        }
        int error = errno;
        if (error != EEXIST && error != EROFS)
            return -error;
        bool truncate = item->flags & ITEM_FORCE;
        fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return error == EROFS ? -EROFS : -errno;
        if (fstat(fd, &st) < 0)
            return -errno;
        if (S_ISREG(st.st_mode)) {
            if (truncate) {
                struct fd_path buffer;
                if (st.st_nlink > 1 && !links_protected())
                    return -EMLINK;
                _cleanup_close_ int writable =
                    open(fd_path(fd, &buffer), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
                if (writable < 0)
                    return -errno;
                r = write_argument(item, writable);
                if (r < 0)
                    return r;
            }
            return tmpfiles_set_permissions(t, item, fd, path, false);
        }
        fd = fd_close(fd);
        if (attempt > 0)
            return -EEXIST;
        r = give_way(item, parent, name, &st);
        if (r < 0)
            return r;
    }
}

/* Never creates: what is written to is there, or the line says nothing. */
static int write_to_file(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int fd = -1, writable = -1;
    struct stat st;
    struct fd_path buffer;
    int r = walk_open_follow(t, path, &fd, &st);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    int flags =
        O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (item->flags & ITEM_FORCE ? O_APPEND : O_TRUNC);
    if (!S_ISREG(st.st_mode))
        flags &= ~O_TRUNC;
    writable = open(fd_path(fd, &buffer), flags);
    if (writable < 0)
        return -errno;
    return write_argument(item, writable);
}

static int make_fifo(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int parent = -1, fd = -1;
    _cleanup_free_ char *name = NULL;
    struct stat st;
    int r = walk_parent(t, path, true, &parent, &name);
    if (r < 0)
        return r;
    mode_t mode = item->flags & ITEM_MODE_SET ? item->mode : 0644;
    bool created = mkfifoat(parent, name, mode) >= 0;
    if (!created && errno != EEXIST)
        return -errno;
    if (!created && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && !S_ISFIFO(st.st_mode)) {
        if (!(item->flags & (ITEM_FORCE | ITEM_REPLACE)))
            return -EEXIST;
        r = remove_tree_at(parent, name, false, st.st_dev, 0);
        if (r < 0)
            return r;
        if (mkfifoat(parent, name, mode) < 0)
            return -errno;
        created = true;
    }
    fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : tmpfiles_set_permissions(t, item, fd, path, created);
}

static int make_node(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int parent = -1, fd = -1;
    _cleanup_free_ char *name = NULL;
    uint32_t major_number, minor_number;
    const char *at = item->argument ? item->argument : "";
    if (!scan_u32(&at, &major_number) || *at++ != ':' || !scan_u32(&at, &minor_number) || *at)
        return -EINVAL;
    mode_t kind = item->type == 'c' ? S_IFCHR : S_IFBLK,
           mode = item->flags & ITEM_MODE_SET ? item->mode : 0644;
    dev_t dev = makedev(major_number, minor_number);
    int r = walk_parent(t, path, true, &parent, &name);
    if (r < 0)
        return r;
    bool created = mknodat(parent, name, mode | kind, dev) >= 0;
    struct stat st;
    if (!created && errno == EPERM) {
        /* As good as every container forbids it, and the lines are for machines. */
        log_debug("%s:%u: %s: device nodes may not be made here", item->file, item->line, path);
        return 0;
    }
    if (!created && errno != EEXIST)
        return -errno;
    if (!created && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 &&
        ((st.st_mode & S_IFMT) != kind || st.st_rdev != dev)) {
        if (!(item->flags & (ITEM_FORCE | ITEM_REPLACE)))
            return -EEXIST;
        r = remove_tree_at(parent, name, false, st.st_dev, 0);
        if (r < 0)
            return r;
        if (mknodat(parent, name, mode | kind, dev) < 0)
            return errno == EPERM ? 0 : -errno;
        created = true;
    }
    fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : tmpfiles_set_permissions(t, item, fd, path, created);
}

/* --- symlinks and copies -------------------------------------------------------------------------------- */

/* The argument, or what lies under the same path in the factory; with the root where a file is meant to be
 * opened. */
static char *source_of(const struct item *item) {
    if (!item->argument || !item->argument[0])
        return path_join(FACTORY, item->path);
    return item->type == 'C' && item->argument[0] != '/' ? path_join(FACTORY, item->argument)
                                                         : strdup(item->argument);
}

static int make_symlink(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int parent = -1, fd = -1;
    _cleanup_free_ char *name = NULL, *target = source_of(item);
    if (!target)
        return -ENOMEM;
    if (item->flags & ITEM_IF_TARGET) {
        _cleanup_free_ char *directory = strndup(path, (size_t)(path_base(path) - path));
        _cleanup_free_ char *full = target[0] == '/' ? strdup(target) : path_join(directory, target);
        _cleanup_close_ int there = -1;
        if (!full)
            return -ENOMEM;
        if (walk_open(t, full, &there, NULL) < 0)
            return 0;
    }
    int r = walk_parent(t, path, true, &parent, &name);
    if (r < 0)
        return r;
    bool created = symlinkat(target, parent, name) >= 0;
    if (!created && errno != EEXIST)
        return -errno;
    if (!created) {
        char have[4096];
        struct stat st;
        ssize_t n = readlinkat(parent, name, have, sizeof(have) - 1);
        if (n < 0 || (size_t)n != strlen(target) || memcmp(have, target, (size_t)n) != 0) {
            if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
            bool replace = item->flags & ITEM_FORCE || (item->flags & ITEM_REPLACE && !S_ISLNK(st.st_mode));
            /* An empty directory gives way to a link: packages turn one into the other. */
            if (!replace) {
                log_debug("%s:%u: %s is there already and not that link", item->file, item->line, path);
                return 0;
            }
            r = remove_tree_at(parent, name, false, st.st_dev, 0);
            if (r < 0)
                return r;
            if (symlinkat(target, parent, name) < 0)
                return -errno;
            created = true;
        }
    }
    fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : tmpfiles_set_permissions(t, item, fd, path, created);
}

static bool is_empty_directory(int parent, const char *name) {
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        fd_close(fd);
        return false;
    }
    bool empty = true;
    for (struct dirent *e; empty && (e = readdir(d));)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    closedir(d);
    return empty;
}

static int make_copy(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int parent = -1, source = -1, fd = -1;
    _cleanup_free_ char *name = NULL, *from = source_of(item);
    struct stat st, there;
    if (!from)
        return -ENOMEM;
    int r = walk_open_follow(t, from, &source, &st);
    if (r == -ENOENT) {
        log_debug("%s:%u: %s is not there to be copied", item->file, item->line, from);
        return 0;
    }
    if (r >= 0)
        r = walk_parent(t, path, true, &parent, &name);
    if (r < 0)
        return r;
    bool exists = fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) >= 0;
    if (exists && (there.st_mode & S_IFMT) != (st.st_mode & S_IFMT)) {
        r = give_way(item, parent, name, &there);
        if (r < 0)
            return r;
        exists = false;
    }
    if (!exists ||
        (S_ISDIR(there.st_mode) && (item->flags & ITEM_FORCE || is_empty_directory(parent, name)))) {
        r = tmpfiles_copy(t, item, source, parent, name);
        if (r < 0)
            return r;
    }
    fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : tmpfiles_set_permissions(t, item, fd, path, !exists);
}

/* --- one item ------------------------------------------------------------------------------------------- */

int tmpfiles_for_each(struct tmpfiles *t, const struct item *item,
                      int (*f)(struct tmpfiles *t, const struct item *item, const char *path)) {
    if (!item_is_glob(item) || !glob_is_pattern(item->path))
        return f(t, item, item->path);
    _cleanup_strv_ char **matches = NULL;
    _cleanup_free_ char *pattern = path_join(t->root, item->path);
    if (!pattern)
        return -ENOMEM;
    int r = glob_paths(pattern, &matches);
    size_t skip = strlen(t->root);
    STRV_FOREACH(match, matches) {
        int q = f(t, item, *match + skip);
        if (q == -ENOMEM)
            return q;
        if (q < 0)
            tmpfiles_fail(t, item, q,
                          q == -EEXIST ? "something of another kind is there" : "cannot be handled",
                          *match + skip);
    }
    return r;
}

static const struct {
    char type;
    int (*make)(struct tmpfiles *t, const struct item *item, const char *path);
    const char *what;
} makers[] = {
    { 'd', make_directory, "cannot be made a directory" },
    { 'D', make_directory, "cannot be made a directory" },
    { 'v', make_directory, "cannot be made a directory" }, /* subvolumes and quotas are for Btrfs */
    { 'q', make_directory, "cannot be made a directory" },
    { 'Q', make_directory, "cannot be made a directory" },
    { 'e', adjust_directory, "cannot be adjusted" },
    { 'f', make_file, "cannot be made a file" },
    { 'w', write_to_file, "cannot be written" },
    { 'p', make_fifo, "cannot be made a FIFO" },
    { 'c', make_node, "cannot be made a device node" },
    { 'b', make_node, "cannot be made a device node" },
    { 'L', make_symlink, "cannot be made a symlink" },
    { 'C', make_copy, "cannot be copied" },
    { 'z', adjust, "owner and mode cannot be set" },
    { 'Z', adjust, "owner and mode cannot be set" },
};

int tmpfiles_create(struct tmpfiles *t, const struct item *item) {
    if (strchr("tThHaA", item->type)) {
        /* Extended attributes, inode flags and ACLs: services run without them. */
        t->skipped++;
        log_debug("%s:%u: lines of type %c are not carried out", item->file, item->line, item->type);
        return 0;
    }
    for (size_t i = 0; i < ELEMENTS(makers); i++) {
        if (makers[i].type != item->type)
            continue;
        if (t->dry_run) {
            log_info("Would apply %c %s", item->type, item->path);
            return 0;
        }
        int r = tmpfiles_for_each(t, item, makers[i].make);
        if (r == -ENOMEM)
            return r;
        if (r == -ENOLINK)
            tmpfiles_fail(t, item, r, "an unprivileged user decides where this path leads", item->path);
        else if (r == -EEXIST)
            tmpfiles_fail(t, item, r, "something of another kind is there", item->path);
        else if (r < 0)
            tmpfiles_fail(t, item, r, makers[i].what, item->path);
        return 0;
    }
    return 0;
}
