/* SPDX-License-Identifier: Apache-2.0 */
/* Which service directories there are: found at the start, seen to come and go afterwards. New ones become units by a
 * reload, for which the generator writes their files; those that went are ended first. runsvdir(8). */
#include "base/fd.h"
#include "base/path.h"
#include "wire/runit/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory is filled file by file: looked at when nothing more has come for so long. */
#define SETTLE_USEC (100 * USEC_PER_MSEC)
#define WATCHED                                                                                                        \
    (IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* --- inotify ------------------------------------------------------------------------------------------------------ */
static void something_changed(struct io *io, int fd, uint32_t events, void *userdata) {
    struct runit *r = userdata;
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    /* What it was does not matter: all is looked at. */
    if (read(fd, buffer, sizeof(buffer)) > 0 &&
        !(r->rescan.place && r->rescan.when < usec_add(now(CLOCK_MONOTONIC), SETTLE_USEC)))
        timer_set(r->manager->loop, &r->rescan, usec_add(now(CLOCK_MONOTONIC), SETTLE_USEC));
}

int runit_watch(struct runit *r) {
    r->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (r->inotify_fd < 0)
        return -errno;
    int q = io_add(r->manager->loop, r->inotify_fd, EPOLLIN, something_changed, r, &r->inotify_io);
    if (q < 0)
        r->inotify_fd = fd_close(r->inotify_fd);
    return q;
}

/* What is watched already stays so. False: there is something that cannot be. */
static bool watch(struct runit *r, const char *path) {
    return r->inotify_fd >= 0 && (inotify_add_watch(r->inotify_fd, path, WATCHED) >= 0 || errno == ENOTDIR);
}

static bool watch_all(struct runit *r) {
    if (!watch(r, r->directory))
        return false;
    DIR *d = opendir(r->directory);
    bool all = d;
    for (struct dirent *e; d && (e = readdir(d));) {
        static const char *const below[] = { "", "/log", "/control" };
        for (size_t i = 0; e->d_name[0] != '.' && i < ELEMENTS(below); i++) {
            char path[4096];
            int n = snprintf(path, sizeof(path), "%s/%s%s", r->directory, e->d_name, below[i]);
            if (n > 0 && (size_t)n < sizeof(path))
                all = (watch(r, path) || errno == ENOENT) && all;
        }
    }
    if (d)
        closedir(d);
    return all;
}

/* --- entries ------------------------------------------------------------------------------------------------------ */
static int open_pipe(struct entry *e) {
    if (e->pipe_fd >= 0)
        return 0;
    e->pipe_fd = runit_take_pipe(e->name);
    if (e->pipe_fd >= 0)
        return 0;
    _cleanup_free_ char *path = runit_pipe_path(e->runit->manager->dirs.runtime, e->stem);
    if (!path)
        return -ENOMEM;
    int r = mkdir_parents(path, 0700);
    if (r < 0)
        return r;
    if (mkfifo(path, 0600) < 0 && errno != EEXIST)
        return -errno;
    struct stat st;
    e->pipe_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (e->pipe_fd >= 0 && fstat(e->pipe_fd, &st) >= 0 && !S_ISFIFO(st.st_mode)) {
        e->pipe_fd = fd_close(e->pipe_fd);
        errno = EEXIST;
    }
    /* A service of another user may open its /dev/stdout; the directory keeps all others out. */
    return e->pipe_fd < 0 || fchmod(e->pipe_fd, 0666) < 0 ? -errno : 0;
}

static void begin(struct supervised *s) {
    int r = supervised_begin(s);
    if (r == -EBUSY)
        log_full(LOG_WARNING, s->unit, NULL, "%s%s is supervised by somebody else already.", s->entry->path,
                 s->log ? "/log" : "");
    else if (r < 0)
        log_full(LOG_WARNING, s->unit, NULL, "%s%s/supervise cannot be used: %s. sv(8) will not find the service.",
                 s->entry->path, s->log ? "/log" : "", strerror(-r));
}

static void begin_log(struct entry *e) {
    int r = open_pipe(e);
    if (r < 0)
        log_full(LOG_WARNING, e->logger.unit, NULL, "There is no pipe to the log service: %s", strerror(-r));
    begin(&e->logger);
}

static int entry_new(struct runit *r, const struct runit_service *found) {
    struct entry *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    *e = (struct entry){
        .runit = r,
        .name = strdup(found->name),
        .stem = strdup(found->stem),
        .path = path_join(r->directory, found->name),
        .flags = found->flags,
        .device = found->device,
        .inode = found->inode,
        .pipe_fd = -1,
        .start_wanted = r->manager->booted,
    };
    supervised_init(&e->service, e, false);
    supervised_init(&e->logger, e, true);
    if (!e->name || !e->stem || !e->path || !e->service.unit || !e->logger.unit) {
        entry_free(e);
        return -ENOMEM;
    }
    e->next = r->entries;
    r->entries = e;
    begin(&e->service);
    if (e->flags & RUNIT_LOG)
        begin_log(e);
    return 0;
}

void entry_free(struct entry *e) {
    supervised_end(&e->service);
    supervised_end(&e->logger);
    free(e->service.unit);
    free(e->logger.unit);
    fd_close(e->pipe_fd);
    free(e->name);
    free(e->stem);
    free(e->path);
    free(e);
}

void runit_entry_ended(struct entry *e) {
    struct runit *r = e->runit;
    for (struct entry **at = &r->entries; *at; at = &(*at)->next)
        if (*at == e) {
            *at = e->next;
            break;
        }
    /* What is still there is taken up again, as runsvdir(8) does with a runsv(8) that was told to exit. */
    if (e->gone)
        deferred_queue_later(r->manager->loop, &r->look);
    else
        timer_set(r->manager->loop, &r->rescan, usec_add(now(CLOCK_MONOTONIC), RUNIT_RESCAN_USEC));
    r->forgot = true;
    entry_free(e);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */
static void start_unit(struct supervised *s) {
    struct unit *u = supervised_unit(s);
    struct error error;
    if (u && manager_request_job(s->runit->manager, JOB_START, u, false, JOB_REPLACE, &error, NULL) < 0)
        log_full(LOG_WARNING, s->unit, NULL, "Cannot be started: %s", error.message);
}

static void reload(struct runit *r);

static void reloaded(void *userdata) {
    struct runit *r = userdata;
    r->reloading = false;
    for (struct entry *e = r->entries; e; e = e->next) {
        if (!e->start_wanted || e->gone)
            continue;
        e->start_wanted = false;
        if (e->flags & RUNIT_LOG && !(e->flags & RUNIT_LOG_DOWN))
            start_unit(&e->logger);
        if (!(e->flags & RUNIT_DOWN))
            start_unit(&e->service);
    }
    if (r->reload_again) {
        r->reload_again = false;
        reload(r);
    }
}

static void reload(struct runit *r) {
    if (r->reloading) {
        r->reload_again = true;
        return;
    }
    r->reloading = manager_reload(r->manager, reloaded, r) >= 0;
    if (!r->reloading)
        timer_set(r->manager->loop, &r->rescan, usec_add(now(CLOCK_MONOTONIC), RUNIT_RESCAN_USEC));
}

/* The shape of a directory that stays. True: units have to be read. */
static bool reshape(struct entry *e, const struct runit_service *found) {
    enum runit_flags before = e->flags;
    e->flags = found->flags;
    if (e->flags & RUNIT_LOG && !(before & RUNIT_LOG)) {
        begin_log(e);
        e->start_wanted = true;
    }
    if (before & RUNIT_LOG && !(e->flags & RUNIT_LOG)) {
        struct unit *u = supervised_unit(&e->logger);
        if (u)
            (void)manager_add_job(e->runit->manager, JOB_STOP, u, JOB_REPLACE, NULL, NULL);
        supervised_end(&e->logger);
        e->pipe_fd = fd_close(e->pipe_fd);
    }
    return (before ^ e->flags) & RUNIT_SHAPE;
}

void runit_look(void *userdata) {
    struct runit *r = userdata;
    struct manager *m = r->manager;
    struct runit_services found = {};
    if (manager_state(m) == MANAGER_STOPPING)
        return;
    int q = runit_scan(r->directory, &found);
    bool changed = r->forgot, later = !watch_all(r);
    if (q < 0 && q != -ENOENT && q != -ENOTDIR) {
        timer_set(m->loop, &r->rescan, usec_add(now(CLOCK_MONOTONIC), RUNIT_RESCAN_USEC));
        return;
    }
    r->forgot = false;
    for (struct entry *e = r->entries, *next; e; e = next) {
        next = e->next;
        const struct runit_service *is = runit_find(&found, e->name);
        if (is && is->device == e->device && is->inode == e->inode)
            changed = reshape(e, is) || changed;
        else if (!e->gone) {
            e->gone = true;
            control_byte(&e->service, 'x'); /* may free it */
        }
    }
    for (size_t i = 0; i < found.n; i++) {
        struct entry *e = r->entries;
        while (e && strcmp(e->name, found.items[i].name) != 0)
            e = e->next;
        if (e)
            continue;
        if (entry_new(r, &found.items[i]) >= 0)
            changed = true;
        else
            later = true;
    }
    runit_services_done(&found);
    /* One that went before it could be supervised: nothing will tell of its end. */
    for (struct entry *e = r->entries; e; e = e->next)
        later = later || (e->gone && e->service.supervise_fd < 0);
    if (later)
        timer_set(m->loop, &r->rescan, usec_add(now(CLOCK_MONOTONIC), RUNIT_RESCAN_USEC));
    /* At boot the units are read after this. */
    if (changed && m->booted)
        reload(r);
    for (struct entry *e = r->entries, *next; m->booted && e; e = next) {
        next = e->next;
        if (!(e->flags & RUNIT_LOG && supervised_changed(&e->logger)))
            (void)supervised_changed(&e->service);
    }
}
