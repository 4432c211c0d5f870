/* SPDX-License-Identifier: Apache-2.0 */
/* --clean: removes what nobody touched for the age of the line. tmpfiles.d(5) "Age". */
#include "base/fd.h"
#include "base/glob.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "cli/tmpfiles/tmpfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define RECURSION_MAX 256

struct cleaning {
    struct tmpfiles *t;
    const struct item *item;
    usec_t now;
    char **sockets; /* paths of live sockets */
};

/* Bound sockets of this network namespace: /proc/net/unix, eighth column. */
static int read_sockets(char ***ret) {
    FILE *f = fopen("/proc/net/unix", "re");
    if (!f)
        return -errno;
    char *line = NULL;
    size_t room = 0;
    int r = 0;
    while (r >= 0 && getline(&line, &room, f) > 0) {
        line[strcspn(line, "\n")] = 0;
        const char *slash = strchr(line, '/');
        if (slash)
            r = strv_add(ret, slash);
    }
    free(line);
    fclose(f);
    return r;
}

static usec_t usec_of(const struct statx_timestamp *ts) {
    return ts->tv_sec < 0 ? 0 : (usec_t)ts->tv_sec * USEC_PER_SEC + ts->tv_nsec / 1000;
}

/* Was any of the chosen times later than the age allows? */
static bool is_fresh(const struct cleaning *c, const struct statx *sx, unsigned by) {
    usec_t cutoff = usec_sub(c->now, c->item->age);
    if (c->item->age == 0)
        return false;
    return (by & AGE_ATIME && usec_of(&sx->stx_atime) >= cutoff) ||
           (by & AGE_MTIME && usec_of(&sx->stx_mtime) >= cutoff) ||
           (by & AGE_CTIME && usec_of(&sx->stx_ctime) >= cutoff) ||
           (by & AGE_BTIME && sx->stx_mask & STATX_BTIME && usec_of(&sx->stx_btime) >= cutoff);
}

/* Another line speaks of this path, so that line decides. */
static bool is_spoken_of(const struct cleaning *c, const char *path) {
    for (size_t i = 0; i < c->t->n; i++) {
        const struct item *other = &c->t->items[i];
        if (item_is_glob(other) ? glob_match(other->path, path, FNM_PATHNAME | FNM_PERIOD)
                                : strcmp(other->path, path) == 0)
            return true;
    }
    return false;
}

static bool is_system_file(const struct statx *sx, const char *name) {
    static const char *const names[] = { ".journal", ".autorelabel", "aquota.user", "aquota.group" };
    for (size_t i = 0; sx->stx_uid == 0 && i < ELEMENTS(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static int clean_directory(struct cleaning *c, int fd, const char *path, dev_t dev, bool keep_this_level,
                           int depth);

static int clean_subdirectory(struct cleaning *c, int directory, const char *name, const char *path,
                              const struct statx *sx, dev_t dev, bool keep, int depth) {
    if (strcmp(name, "lost+found") == 0 && sx->stx_uid == 0)
        return 0;
    int fd =
        openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
    if (fd < 0 && errno == EPERM)
        fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    /* Somebody's lock says: hands off. */
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        fd_close(fd);
        return 0;
    }
    int r = clean_directory(c, fd, path, dev, false, depth + 1);
    if (r < 0 || keep || is_fresh(c, sx, c->item->age_directory)) {
        fd_close(fd);
        return r;
    }
    if (!c->t->dry_run && unlinkat(directory, name, AT_REMOVEDIR) < 0 && errno != ENOENT &&
        errno != ENOTEMPTY && errno != EBUSY)
        r = -errno;
    fd_close(fd);
    return r;
}

static int clean_entry(struct cleaning *c, int directory, const char *name, const char *path,
                       const struct statx *sx, bool keep) {
    if (sx->stx_mode & S_ISVTX || S_ISCHR(sx->stx_mode) || S_ISBLK(sx->stx_mode) || is_system_file(sx, name))
        return 0;
    if (S_ISSOCK(sx->stx_mode) && strv_contains(c->sockets, path))
        return 0;
    if (keep || is_fresh(c, sx, c->item->age_file))
        return 0;
    if (c->t->dry_run) {
        log_info("Would remove %s", path);
        return 0;
    }
    log_debug("Removing %s", path);
    return unlinkat(directory, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Takes no ownership of fd. */
static int clean_directory(struct cleaning *c, int fd, const char *path, dev_t dev, bool keep_this_level,
                           int depth) {
    struct stat before;
    if (depth > RECURSION_MAX)
        return 0;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
    if (!d || fstat(fd, &before) < 0) {
        int r = -errno;
        if (d)
            closedir(d);
        else
            fd_close(copy);
        return r;
    }
    int result = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        struct statx sx;
        if (statx(fd, e->d_name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME,
                  &sx) < 0)
            continue;
        _cleanup_free_ char *below = path_join(path, e->d_name);
        if (!below) {
            result = -ENOMEM;
            break;
        }
        if (is_spoken_of(c, below))
            continue;
        int r = 0;
        if (!S_ISDIR(sx.stx_mode))
            r = clean_entry(c, fd, e->d_name, below, &sx, keep_this_level);
        else if (!is_mount_point(fd, e->d_name, dev))
            r = clean_subdirectory(c, fd, e->d_name, below, &sx, dev, keep_this_level, depth);
        if (r < 0 && result >= 0)
            result = r;
    }
    closedir(d);
    /* Our cleaning is no use of the directory. */
    struct timespec times[2] = { before.st_atim, before.st_mtim };
    if (!c->t->dry_run)
        (void)futimens(fd, times);
    return result;
}

static int clean_path(struct tmpfiles *t, const struct item *item, const char *path) {
    _cleanup_close_ int place = -1, fd = -1;
    struct stat st;
    struct fd_path buffer;
    int r = walk_open(t, path, &place, &st);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (!S_ISDIR(st.st_mode))
        return 0;
    fd = open(fd_path(place, &buffer), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct cleaning c = { .t = t, .item = item, .now = now(CLOCK_REALTIME) };
    r = read_sockets(&c.sockets);
    if (r != -ENOMEM)
        r = clean_directory(&c, fd, path, st.st_dev, item->flags & ITEM_KEEP_FIRST, 0);
    strv_free(c.sockets);
    return r;
}

int tmpfiles_clean(struct tmpfiles *t, const struct item *item) {
    if (!(item->flags & ITEM_AGE_SET) || item->age == USEC_INFINITY || !strchr("dDevqQC", item->type))
        return 0;
    int r = tmpfiles_for_each(t, item, clean_path);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        tmpfiles_fail(t, item, r, "cannot be cleaned", item->path);
    return 0;
}
