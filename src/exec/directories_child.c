/* SPDX-License-Identifier: Apache-2.0 */
/* Directories, links and credential files, made by the child as root before it changes user. System calls
 * only.
 *
 * A service may own a directory above the one that is made here. So paths are walked one component at a time,
 * and only symbolic links that belong to root (or to us) are followed. */
#include "exec/steps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 48

struct entry {
    uint64_t inode, offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static int open_component(int dir, const char *name, int flags) {
    int fd = openat(dir, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    if (errno != ELOOP && errno != ENOTDIR)
        return -errno;
    int error = errno;
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISLNK(st.st_mode) || (st.st_uid != 0 && st.st_uid != (uid_t)syscall(SYS_geteuid)))
        return -error;
    fd = openat(dir, name, flags | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Walks to the directory `path`, making what is missing: parents 0755, the last one with `mode`. Its
 * descriptor, or a negative errno. */
static int make_path(const char *path, mode_t mode, bool *ret_created) {
    char name[NAME_MAX + 1];
    int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    bool created = false;
    for (const char *p = path + strspn(path, "/"); *p;) {
        size_t n = strcspn(p, "/");
        if (n > NAME_MAX) {
            close(dir);
            return -ENAMETOOLONG;
        }
        memcpy(name, p, n);
        name[n] = 0;
        p += n + strspn(p + n, "/");
        bool last = !*p;
        created = mkdirat(dir, name, last ? mode : 0755) >= 0;
        int error = errno;
        int next = open_component(dir, name, last ? O_RDONLY : O_PATH);
        if (next == -ENOENT && !created)
            next = -error;
        close(dir);
        if (next < 0)
            return next;
        dir = next;
    }
    *ret_created = created;
    return dir;
}

static int own_below(int dir, uid_t uid, gid_t gid, int depth) {
    char buffer[1024] __attribute__((aligned(8)));
    long n;
    if (depth > DEPTH_MAX)
        return -ELOOP;
    while ((n = syscall(SYS_getdents64, dir, buffer, sizeof(buffer))) > 0)
        for (long at = 0; at < n;) {
            struct entry *e = (struct entry *)(buffer + at);
            at += e->length;
            if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
                continue;
            int fd = openat(dir, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
            if (fd >= 0) {
                int r = own_below(fd, uid, gid, depth + 1);
                close(fd);
                if (r < 0)
                    return r;
            }
            if (fchownat(dir, e->name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
                return -errno;
        }
    return n < 0 ? -errno : 0;
}

int step_directory(const struct child *child, const struct step *step) {
    enum directory_flags flags = step->directory.flags;
    uid_t uid = step->directory.uid == UID_RESOLVED ? child->uid : step->directory.uid;
    gid_t gid = step->directory.gid == GID_RESOLVED ? child->gid : step->directory.gid;
    bool created;
    mode_t mask = umask(0022);
    int fd = make_path(step->subject, step->directory.mode & 0777, &created);
    umask(mask);
    if (fd < 0)
        return fd;
    int r = 0;
    struct stat st;
    if (!created && flags & DIRECTORY_KEEP)
        goto out;
    if (fstat(fd, &st) < 0) {
        r = -errno;
        goto out;
    }
    if (st.st_uid != uid || st.st_gid != gid) {
        if (!created && flags & DIRECTORY_RECURSIVE)
            r = own_below(fd, uid, gid, 0);
        /* The top last: while it differs, an interrupted pass is made again. */
        if (r >= 0 && fchown(fd, uid, gid) < 0)
            r = -errno;
        if (r == -EPERM && flags & DIRECTORY_TRY_OWNER)
            r = 0;
    }
    if (r >= 0 && (st.st_mode & 07777) != step->directory.mode && fchmod(fd, step->directory.mode) < 0 &&
        !(errno == EPERM && flags & DIRECTORY_TRY_OWNER))
        r = -errno;
out:
    close(fd);
    return r;
}

/* The directory of `path`, opened; *ret_name is its last component. */
static int open_parent(const char *path, const char **ret_name) {
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    bool created;
    if (!slash || (size_t)(slash - path) >= sizeof(parent))
        return -EINVAL;
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = 0;
    *ret_name = slash + 1;
    mode_t mask = umask(0022);
    int fd = make_path(parent, 0755, &created);
    umask(mask);
    return fd;
}

int step_symlink(const struct step *step) {
    const char *name;
    int dir = open_parent(step->subject, &name), r = 0;
    if (dir < 0)
        return dir;
    if (symlinkat(step->link.target, dir, name) < 0) {
        r = -errno;
        char target[PATH_MAX];
        ssize_t n = r == -EEXIST ? readlinkat(dir, name, target, sizeof(target)) : -1;
        if (n >= 0 && (size_t)n == strlen(step->link.target) &&
            memcmp(target, step->link.target, (size_t)n) == 0)
            r = 0;
    }
    close(dir);
    return r;
}

int step_credential(const struct child *child, const struct step *step) {
    const char *name;
    char temporary[NAME_MAX + 1];
    int dir = open_parent(step->subject, &name);
    if (dir < 0)
        return dir;
    size_t n = strlen(name);
    if (n + 3 > sizeof(temporary)) {
        close(dir);
        return -ENAMETOOLONG;
    }
    memcpy(temporary, ".#", 2);
    memcpy(temporary + 2, name, n + 1);

    int r = 0;
    unlinkat(dir, temporary, 0);
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    if (fd < 0)
        r = -errno;
    for (size_t done = 0; r >= 0 && done < step->blob.size;) {
        ssize_t written = write(fd, (const char *)step->blob.data + done, step->blob.size - done);
        if (written < 0 && errno != EINTR)
            r = -errno;
        done += written > 0 ? (size_t)written : 0;
    }
    uid_t uid = step->blob.uid == UID_RESOLVED ? child->uid : step->blob.uid;
    if (r >= 0 && uid != (uid_t)syscall(SYS_geteuid) && fchown(fd, uid, -1) < 0 && errno != EPERM)
        r = -errno;
    if (r >= 0 && renameat(dir, temporary, dir, name) < 0)
        r = -errno;
    if (r < 0 && fd >= 0)
        unlinkat(dir, temporary, 0);
    if (fd >= 0)
        close(fd);
    close(dir);
    return r;
}
