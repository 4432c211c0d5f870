/* SPDX-License-Identifier: Apache-2.0 */
/* Removing what a start made. Never crosses a mount, never follows a symbolic link. */
#include "exec/plan.h"

#include "base/fd.h"
#include "base/strv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64

/* Takes over `fd`. */
static void empty_directory(int fd, dev_t device, int depth) {
    DIR *dir = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
    if (!dir) {
        fd_close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), e->d_name, 0) >= 0 || (errno != EISDIR && errno != EPERM))
            continue;
        int below = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
            continue;
        if (fstat(below, &st) < 0 || st.st_dev != device) {
            fd_close(below);
            continue;
        }
        empty_directory(below, device, depth + 1);
        unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
}

void exec_remove_directories(char *const *paths) {
    STRV_FOREACH(path, paths) {
        struct stat st, parent;
        /* The link of "a:b" goes as a link. */
        if (unlink(*path) >= 0 || (errno != EISDIR && errno != EPERM))
            continue;
        int fd = open(*path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (fstat(fd, &st) < 0 || fstatat(fd, "..", &parent, 0) < 0 || st.st_dev != parent.st_dev) {
            fd_close(fd);
            continue;
        }
        empty_directory(fd, st.st_dev, 0);
        rmdir(*path);
    }
}
