/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fd_close(int fd) {
    if (fd >= 0) {
        int saved = errno;
        close(fd);
        errno = saved;
    }
    return -1;
}

void closep(int *fd) {
    fd_close(*fd);
}

void fclosep(FILE **f) {
    if (*f)
        fclose(*f);
}

int fd_set_nonblock(int fd, bool on) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags || fcntl(fd, F_SETFL, wanted) >= 0 ? 0 : -errno;
}

int fd_set_cloexec(int fd, bool on) {
    return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) >= 0 ? 0 : -errno;
}

int file_read_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size) {
    _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    size_t size = st.st_size > 0 ? (size_t)st.st_size + 1 : 4096, n = 0;
    if (st.st_size > 0 && (size_t)st.st_size > max)
        return -E2BIG;
    _cleanup_free_ char *data = malloc(size + 1);
    if (!data)
        return -ENOMEM;
    for (;;) {
        ssize_t got = read(fd, data + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
        if (n > max)
            return -E2BIG;
        if (n == size) {
            size *= 2;
            char *more = realloc(data, size + 1);
            if (!more)
                return -ENOMEM;
            data = more;
        }
    }
    data[n] = 0;
    *ret = TAKE(data);
    if (ret_size)
        *ret_size = n;
    return 0;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_size) {
    return file_read_at(AT_FDCWD, path, max, ret, ret_size);
}

int write_all(int fd, const void *data, size_t n) {
    const char *p = data;
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

int file_write(const char *path, const char *content, mode_t mode) {
    char temporary[4096];
    if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    _cleanup_close_ int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, content, strlen(content));
    if (r >= 0 && (fchmod(fd, mode) < 0 || rename(temporary, path) < 0))
        r = -errno;
    if (r < 0)
        unlink(temporary);
    return r;
}

int file_poke(const char *path, const char *content) {
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    return write(fd, content, strlen(content)) < 0 ? -errno : 0;
}
