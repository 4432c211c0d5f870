/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a file or a tree for C lines. Never overwrites a file. */
#include "base/fd.h"
#include "cli/tmpfiles/tmpfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define RECURSION_MAX 128

static int copy_content(int from, int to) {
    char buffer[65536];
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0);
        if (n == 0)
            return 0;
        if (n < 0)
            break;
    }
    /* Not between these file systems, or a file of /proc: read and write, from where the other one stopped.
     */
    for (;;) {
        ssize_t n = read(from, buffer, sizeof(buffer));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        int r = write_all(to, buffer, (size_t)n);
        if (r < 0)
            return r;
    }
}

/* The owner that the line names, for all of a tree; else that of the source. */
static int set_owner(const struct item *item, const struct stat *st, int fd, const char *name) {
    uid_t uid = item->flags & ITEM_UID_SET ? item->uid : st->st_uid;
    gid_t gid = item->flags & ITEM_GID_SET ? item->gid : st->st_gid;
    if (fchownat(fd, name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0 && geteuid() == 0)
        return -errno;
    return 0;
}

static int copy_regular(const struct item *item, int source, const struct stat *st, int directory,
                        const char *name) {
    struct fd_path buffer;
    _cleanup_close_ int from = open(fd_path(source, &buffer), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (from < 0)
        return -errno;
    _cleanup_close_ int to =
        openat(directory, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC | O_NOCTTY, 0600);
    if (to < 0)
        return errno == EEXIST ? 0 : -errno;
    int r = copy_content(from, to);
    if (r >= 0)
        r = set_owner(item, st, to, "");
    if (r >= 0 && fchmod(to, st->st_mode & 07777) < 0)
        r = -errno;
    if (r >= 0) {
        struct timespec times[2] = { st->st_atim, st->st_mtim };
        (void)futimens(to, times);
    } else
        unlinkat(directory, name, 0);
    return r;
}

static int copy_any(const struct item *item, int source, int directory, const char *name, int depth);

static int copy_directory(const struct item *item, int source, const struct stat *st, int directory,
                          const char *name, int depth) {
    struct fd_path buffer;
    if (depth > RECURSION_MAX)
        return -ELOOP;
    bool created = mkdirat(directory, name, 0700) >= 0;
    if (!created && errno != EEXIST)
        return -errno;
    _cleanup_close_ int to = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0)
        return -errno;
    DIR *d = opendir(fd_path(source, &buffer));
    if (!d)
        return -errno;
    int r = 0;
    for (struct dirent *e; r >= 0 && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            is_mount_point(dirfd(d), e->d_name, st->st_dev))
            continue;
        _cleanup_close_ int child = openat(dirfd(d), e->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        r = child < 0 ? -errno : copy_any(item, child, to, e->d_name, depth + 1);
    }
    closedir(d);
    if (r >= 0 && created)
        r = set_owner(item, st, to, "");
    if (r >= 0 && created && fchmod(to, st->st_mode & 07777) < 0)
        r = -errno;
    return r;
}

static int copy_any(const struct item *item, int source, int directory, const char *name, int depth) {
    struct stat st;
    if (fstat(source, &st) < 0)
        return -errno;
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        return copy_regular(item, source, &st, directory, name);
    case S_IFDIR:
        return copy_directory(item, source, &st, directory, name, depth);
    case S_IFLNK: {
        char target[4096];
        ssize_t n = readlinkat(source, "", target, sizeof(target) - 1);
        if (n < 0)
            return -errno;
        target[n] = 0;
        if (symlinkat(target, directory, name) < 0)
            return errno == EEXIST ? 0 : -errno;
        return set_owner(item, &st, directory, name);
    }
    case S_IFIFO:
        return mkfifoat(directory, name, st.st_mode & 07777) < 0 && errno != EEXIST ? -errno : 0;
    default:
        return 0; /* sockets and device nodes stay where they are */
    }
}

int tmpfiles_copy(struct tmpfiles *t, const struct item *item, int source, int directory, const char *name) {
    return copy_any(item, source, directory, name, 0);
}
