/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor store of a service. Knows what a message asks for, not when a service ends. */
#include "engine/fdstore.h"
#include "base/fd.h"
#include "engine/serialize.h"
#include "engine/service_private.h"
#include "syntax/names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_MOST 255
#define NAME_DEFAULT "stored"

static bool name_valid(const char *name) {
    size_t n = 0;
    for (; name[n]; n++)
        if (name[n] < ' ' || name[n] > '~' || name[n] == ':')
            return false;
    return n > 0 && n <= NAME_MOST;
}

/* Where kcmp(2) is not permitted: the same inode, opened in the same way. Two ends of a pipe share their inode. */
static bool is_same(int a, int b) {
    long r = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b);
    if (r >= 0)
        return r == 0;
    struct stat sa, sb;
    if (fstat(a, &sa) < 0 || fstat(b, &sb) < 0)
        return false;
    return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino && !S_ISCHR(sa.st_mode) && !S_ISBLK(sa.st_mode) &&
           fcntl(a, F_GETFL) == fcntl(b, F_GETFL);
}

static void drop(struct stored_fd *stored) {
    struct stored_fd **at = &stored->service->fd_store;
    while (*at != stored)
        at = &(*at)->next;
    *at = stored->next;
    io_remove(stored->io);
    fd_close(stored->fd);
    free(stored);
}

static void hung_up(struct io *io, int fd, uint32_t events, void *userdata) {
    struct stored_fd *stored = userdata;
    unit_log(&stored->service->unit, LOG_DEBUG, "The other end of stored descriptor '%s' hung up, closing it.",
             stored->name);
    unit_changed(&stored->service->unit);
    drop(stored);
}

size_t fd_store_count(const struct service *s) {
    size_t n = 0;
    for (const struct stored_fd *stored = s->fd_store; stored; stored = stored->next)
        n++;
    return n;
}

/* A unit file that is gone for a moment must not cost what is stored. */
static size_t room(const struct service *s) {
    const struct unit_file *f = s->unit.file;
    return f->state == LOAD_LOADED ? (size_t)unit_number(f, D_FileDescriptorStoreMax) : SIZE_MAX;
}

/* A regular file (-EPERM) cannot hang up. */
static int watch(struct stored_fd *stored) {
    struct loop *loop = stored->service->unit.manager->loop;
    int r = stored->poll ? io_add(loop, stored->fd, 0, hung_up, stored, &stored->io) : 0;
    return r == -EPERM ? 0 : r;
}

/* 0: kept, the descriptor is the store's; 1: there already; -EXFULL, -ENOMEM. The last one comes first, as in
 * systemd. */
static int add(struct service *s, int fd, const char *name, bool poll) {
    if (fd_store_count(s) >= room(s))
        return -EXFULL;
    for (struct stored_fd *other = s->fd_store; other; other = other->next)
        if (is_same(other->fd, fd))
            return 1;
    struct stored_fd *stored = calloc(1, sizeof(*stored) + strlen(name) + 1);
    if (!stored)
        return -ENOMEM;
    *stored = (struct stored_fd){ .service = s, .fd = fd, .poll = poll, .next = s->fd_store };
    strcpy(stored->name, name);
    int r = watch(stored);
    if (r < 0) {
        free(stored);
        return r;
    }
    s->fd_store = stored;
    unit_changed(&s->unit);
    return 0;
}

static void store_all(struct service *s, const char *name, bool poll, int *fds, size_t n_fds) {
    struct unit *u = &s->unit;
    for (size_t i = 0; i < n_fds; i++) {
        int r = add(s, fds[i], name, poll);
        if (r == -EXFULL) {
            unit_log(u, LOG_WARNING,
                     "Cannot store more fds than %u (configured with FileDescriptorStoreMax=), closing remaining.",
                     (unsigned)unit_number(u->file, D_FileDescriptorStoreMax));
            return;
        }
        if (r < 0)
            unit_log(u, LOG_WARNING, "Failed to add a descriptor to the store: %s", strerror(-r));
        if (r == 0)
            fds[i] = -1;
    }
}

static void remove_named(struct service *s, const char *name) {
    for (struct stored_fd *stored = s->fd_store, *next; stored; stored = next) {
        next = stored->next;
        if (strcmp(stored->name, name) == 0)
            drop(stored);
    }
    unit_changed(&s->unit);
}

void fd_store_notify(struct service *s, char *const *tags, int *fds, size_t n_fds) {
    struct unit *u = &s->unit;
    const char *name = env_get(tags, "FDNAME");
    if (strv_contains(tags, "FDSTOREREMOVE=1")) {
        if (name && name_valid(name))
            remove_named(s, name);
        else
            unit_log(u, LOG_WARNING, "FDSTOREREMOVE=1 requested, but no valid file descriptor name passed, ignoring.");
    }
    if (!strv_contains(tags, "FDSTORE=1"))
        return;
    if (name && !name_valid(name)) {
        unit_log(u, LOG_WARNING, "Passed FDNAME= name is invalid. Ignoring.");
        name = NULL;
    }
    store_all(s, name ? name : NAME_DEFAULT, !strv_contains(tags, "FDPOLL=0"), fds, n_fds);
}

void fd_store_release(struct service *s) {
    if (!s->fd_store)
        return;
    while (s->fd_store)
        drop(s->fd_store);
    unit_changed(&s->unit);
}

void fd_store_done(struct service *s) {
    while (s->fd_store) {
        if (s->unit.manager->p->reloading)
            s->fd_store->fd = -1;
        drop(s->fd_store);
    }
}

int fd_store_collect(struct service *s, int **fds, char ***names, size_t *n) {
    size_t had = *n, count = fd_store_count(s);
    if (count == 0)
        return 0;
    int *all = realloc(*fds, (had + count) * sizeof(*all));
    if (!all)
        return -ENOMEM;
    *fds = all;
    for (struct stored_fd *stored = s->fd_store; stored; stored = stored->next) {
        if (stored->fd < 0)
            continue;
        if (strv_add(names, stored->name) < 0) {
            for (; *n > had; (*n)--)
                free(TAKE((*names)[*n - 1]));
            return -ENOMEM;
        }
        all[(*n)++] = stored->fd;
    }
    return 0;
}

/* --- over a reload or re-execution: the name, then the descriptor ------------------------------------------------- */
void fd_store_serialize(const struct service *s, struct text *out) {
    for (const struct stored_fd *stored = s->fd_store; stored; stored = stored->next) {
        put_string(out, stored->poll ? "stored-as" : "stored-unpolled-as", stored->name);
        put_fd(out, "stored-fd", stored->fd);
    }
}

static struct stored_fd *last_of(struct service *s) {
    struct stored_fd *stored = s->fd_store;
    while (stored && stored->next)
        stored = stored->next;
    return stored;
}

/* An entry without descriptor, which the next line brings. */
static void expect(struct service *s, const char *value, bool poll) {
    _cleanup_free_ char *name = get_string(value);
    struct stored_fd *stored = calloc(1, sizeof(*stored) + NAME_MOST + 1), *last = last_of(s);
    if (!stored) {
        state_lost();
        return;
    }
    *stored = (struct stored_fd){ .service = s, .fd = -1, .poll = poll };
    strcpy(stored->name, name && name_valid(name) ? name : NAME_DEFAULT);
    *(last ? &last->next : &s->fd_store) = stored;
}

/* The files may have changed: what they do not allow any more is closed. */
static void take(struct service *s, int fd) {
    struct stored_fd *stored = last_of(s);
    if (!stored || stored->fd >= 0) {
        fd_close(fd);
        return;
    }
    stored->fd = fd;
    int r = fd < 0 ? -EBADF : fd_store_count(s) > room(s) ? -EXFULL : watch(stored);
    if (r >= 0)
        return;
    unit_log(&s->unit, LOG_WARNING, "Stored descriptor '%s' is closed: %s", stored->name,
             r == -EXFULL ? "FileDescriptorStoreMax= is less than it was." : strerror(-r));
    drop(stored);
}

int fd_store_deserialize(struct service *s, const char *name, const char *value) {
    if (strcmp(name, "stored-as") == 0)
        expect(s, value, true);
    else if (strcmp(name, "stored-unpolled-as") == 0)
        expect(s, value, false);
    else if (strcmp(name, "stored-fd") == 0)
        take(s, get_fd(value));
    else
        return 0;
    return 1;
}
