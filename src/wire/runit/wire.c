/* SPDX-License-Identifier: Apache-2.0 */
/* The wire's life: start, stop, what it keeps over a re-execution, and what it hears from the manager. */
#include "wire/runit/runit.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "engine/serialize.h"
#include "wire/runit/internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MY_INIT_ABORTED 2
#define KEPT "runit-pipe" /* in the saved state: a descriptor and the service that it belongs to */

/* Pipes of before a re-execution, until their services are found again. */
static struct kept {
    struct kept *next;
    int fd;
    char name[];
} *kept_pipes;

static void drop_kept(void) {
    while (kept_pipes) {
        struct kept *k = kept_pipes;
        kept_pipes = k->next;
        fd_close(k->fd);
        free(k);
    }
}

int runit_take_pipe(const char *name) {
    for (struct kept **at = &kept_pipes; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0) {
            struct kept *k = *at;
            int fd = k->fd;
            *at = k->next;
            free(k);
            return fd;
        }
    return -1;
}

static int serialize(struct wire *w, struct text *out) {
    struct runit *r = w->userdata;
    for (struct entry *e = r ? r->entries : NULL; e; e = e->next)
        if (e->pipe_fd >= 0) {
            put_string(out, KEPT "-of", e->name);
            put_fd(out, KEPT, e->pipe_fd);
        }
    return out->failed ? -ENOMEM : 0;
}

static int deserialize(struct wire *w, const char *name, const char *value) {
    static char *of;
    if (strcmp(name, KEPT "-of") == 0) {
        free(of);
        of = w->userdata ? NULL : get_string(value);
        return 1;
    }
    if (strcmp(name, KEPT) != 0)
        return 0;
    int fd = get_fd(value);
    if (w->userdata) /* a reload: it is where it was, and claimed */
        return 1;
    struct kept *k = of && fd >= 0 ? malloc(sizeof(*k) + strlen(of) + 1) : NULL;
    if (k) {
        *k = (struct kept){ .next = kept_pipes, .fd = fd };
        strcpy(k->name, of);
        kept_pipes = k;
    } else
        fd_close(fd);
    free(TAKE(of));
    return 1;
}

/* --- what the manager tells --------------------------------------------------------------------------------------- */
static void unit_changed_(void *userdata, struct unit *u) {
    struct supervised *s = NULL;
    for (struct unit_name *n = u->names; n && !s; n = n->next)
        s = runit_supervised(userdata, n->name);
    if (s)
        (void)supervised_changed(s);
}

/* Somebody's daemon-reload: what no inotify told of is seen at the latest now. */
static void reloading(void *userdata, bool active) {
    struct runit *r = userdata;
    if (!active && !r->reloading)
        deferred_queue_later(r->manager->loop, &r->look);
}

static void look_again(struct timer *timer, void *userdata) {
    runit_look(userdata);
}

static int start(struct wire *w, struct manager *m) {
    const char *directory = env_get(m->own_environment, "REEVE_RUNIT");
    struct runit *r = w->userdata;
    if (r) { /* SIGUSR1: once more from the beginning */
        runit_look(r);
        return 0;
    }
    /* my_init that is told to stop, and not by the end of its main command, says so by its status. */
    if (env_get(m->own_environment, "REEVE_MAIN_COMMAND"))
        m->exit_code = MY_INIT_ABORTED;
    if (!directory || !path_is_absolute(directory))
        return 0;
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    *r = (struct runit){
        .wire = w,
        .manager = m,
        .directory = strdup(directory),
        .inotify_fd = -1,
        .rescan = { .clock = CLOCK_MONOTONIC, .handler = look_again, .userdata = r },
        .look = { .handler = runit_look, .userdata = r, .priority = DEFERRED_AFTER_TIMERS },
        .observer = { .unit_new = unit_changed_, .unit_changed = unit_changed_, .reloading = reloading, .userdata = r },
    };
    if (!r->directory) {
        free(r);
        return -ENOMEM;
    }
    w->userdata = r;
    manager_add_observer(m, &r->observer);
    if (runit_watch(r) < 0)
        log_warning("Changes in %s are seen after a few seconds only: no inotify.", r->directory);
    runit_look(r);
    drop_kept();
    return 0;
}

static void stop(struct wire *w) {
    struct runit *r = w->userdata;
    if (!r)
        return;
    manager_remove_observer(r->manager, &r->observer);
    while (r->entries) {
        struct entry *e = r->entries;
        r->entries = e->next;
        entry_free(e);
    }
    timer_stop(&r->rescan);
    deferred_cancel(&r->look);
    io_remove(r->inotify_io);
    fd_close(r->inotify_fd);
    free(r->directory);
    free(r);
    w->userdata = NULL;
}

struct wire runit_wire = {
    .name = "runit",
    .start = start,
    .stop = stop,
    .serialize = serialize,
    .deserialize = deserialize,
};
