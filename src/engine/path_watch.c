/* SPDX-License-Identifier: Apache-2.0 */
/* The watches of a path unit, by inotify(7): on the path, and where it does not exist yet on the deepest directory
 * above it. Knows nothing of units. */
#include "base/fd.h"
#include "base/glob.h"
#include "engine/path.h"
#include "engine/unit_private.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Moved or removed, or its rights changed: whatever is watched may be somewhere else then. */
#define GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)
#define APPEARS (IN_CREATE | IN_MOVED_TO)
#define CONTENT (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

static const uint32_t masks[PATH_SPEC_KINDS] = {
    [PATH_EXISTS] = GONE,
    [PATH_EXISTS_GLOB] = GONE | APPEARS, /* of the directory above the first pattern */
    [PATH_CHANGED] = GONE | CONTENT,
    [PATH_MODIFIED] = GONE | CONTENT | IN_MODIFY,
    [PATH_DIRECTORY_NOT_EMPTY] = GONE | APPEARS,
};

static void on_event(struct io *io, int fd, uint32_t events, void *userdata) {
    struct path_watch *w = userdata;
    _Alignas(struct inotify_event) char buffer[4096];
    bool touched = false;
    ssize_t n;
    while ((n = read(fd, buffer, sizeof(buffer))) > 0)
        for (char *p = buffer; p < buffer + n;) {
            const struct inotify_event *e = (const struct inotify_event *)p;
            touched |= (e->mask & IN_Q_OVERFLOW) || e->wd == w->target;
            p += sizeof(*e) + e->len;
        }
    path_watch_event(w, touched && (w->spec->kind == PATH_CHANGED || w->spec->kind == PATH_MODIFIED));
}

/* What of the path is watched for its own sake: for a pattern, the directory that holds the first component with
 * one. */
static void take_target(const struct path_spec *spec, char *path) {
    strcpy(path, spec->path);
    if (spec->kind != PATH_EXISTS_GLOB)
        return;
    for (char *slash = strrchr(path, '/'); slash && glob_is_pattern(path); slash = strrchr(path, '/'))
        slash[slash == path] = 0;
}

static int add_watches(struct path_watch *w) {
    char path[PATH_MAX];
    if (strlen(w->spec->path) >= sizeof(path))
        return -ENAMETOOLONG;
    take_target(w->spec, path);
    bool deepest = true, is_target = true;
    for (;;) {
        uint32_t mask = is_target ? masks[w->spec->kind] : deepest ? GONE | APPEARS : IN_MOVE_SELF;
        int watch = inotify_add_watch(w->fd, path, mask);
        if (watch >= 0) {
            if (is_target)
                w->target = watch;
            deepest = false;
        } else if (errno == ENOSPC || errno == ENOMEM || (deepest && path[1] == 0))
            return -errno;
        /* What cannot be looked at is watched for from above, as if it were not there. */
        char *slash = strrchr(path, '/');
        if (path[1] == 0)
            return 0;
        slash[slash == path] = 0;
        is_target = false;
    }
}

int path_watch_begin(struct path_watch *w) {
    path_watch_end(w);
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int r = w->fd < 0 ? -errno : add_watches(w);
    if (r >= 0)
        r = io_add(w->unit->manager->loop, w->fd, EPOLLIN, on_event, w, &w->io);
    if (r < 0)
        path_watch_end(w);
    return r;
}

void path_watch_end(struct path_watch *w) {
    w->io = io_remove(w->io);
    w->fd = fd_close(w->fd);
    w->target = -1;
}

/* Not what editors and package managers leave behind, nor what is hidden. */
static bool counts(const char *name) {
    static const char *const names[] = { "lost+found", "aquota.user", "aquota.group" };
    static const char *const endings[] = { "rpmnew",   "rpmsave",   "rpmorig",  "dpkg-old",    "dpkg-new",
                                           "dpkg-tmp", "dpkg-dist", "dpkg-bak", "dpkg-backup", "dpkg-remove",
                                           "ucf-new",  "ucf-old",   "ucf-dist", "swp",         "bak",
                                           "old",      "new" };
    if (name[0] == '.' || name[strlen(name) - 1] == '~')
        return false;
    for (size_t i = 0; i < ELEMENTS(names); i++)
        if (strcmp(name, names[i]) == 0)
            return false;
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < ELEMENTS(endings); i++)
        if (strcmp(dot + 1, endings[i]) == 0)
            return false;
    return true;
}

static bool directory_has_entries(const char *path) {
    DIR *d = opendir(path);
    if (!d)
        return errno != ENOENT && errno != ENOTDIR;
    bool any = false;
    for (struct dirent *e; !any && (e = readdir(d));)
        any = counts(e->d_name);
    closedir(d);
    return any;
}

bool path_watch_holds(struct path_watch *w, bool initial) {
    bool there;
    switch (w->spec->kind) {
    case PATH_EXISTS:
        return access(w->spec->path, F_OK) == 0;
    case PATH_EXISTS_GLOB:
        return glob_exists(w->spec->path) > 0;
    case PATH_DIRECTORY_NOT_EMPTY:
        return directory_has_entries(w->spec->path);
    default:
        there = access(w->spec->path, F_OK) == 0;
        bool changed = !initial && there != w->was_there;
        w->was_there = there;
        return changed;
    }
}
