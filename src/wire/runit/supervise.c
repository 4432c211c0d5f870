/* SPDX-License-Identifier: Apache-2.0 */
/* One supervise/ directory: its files, made and opened, and what they say of the unit. Which unit state is which of
 * runit's is decided here. */
#include "base/fd.h"
#include "base/path.h"
#include "wire/runit/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void supervised_init(struct supervised *s, struct entry *e, bool log) {
    *s = (struct supervised){
        .runit = e->runit,
        .entry = e,
        .log = log,
        .unit = e->stem ? runit_unit_name(e->stem, log) : NULL,
        .dir_fd = -1,
        .supervise_fd = -1,
        .lock_fd = -1,
        .ok_fd = -1,
        .control_fd = -1,
        .script = { .fd = -1 },
    };
}

/* --- the files ---------------------------------------------------------------------------------------------------- */
/* An image with a read-only /etc has links there, which at first lead nowhere. */
static int open_supervise(struct supervised *s) {
    char target[PATH_MAX];
    if (mkdirat(s->dir_fd, "supervise", 0700) < 0) {
        ssize_t n = readlinkat(s->dir_fd, "supervise", target, sizeof(target) - 1);
        if (n > 0) {
            target[n] = 0;
            if (target[0] == '/')
                (void)mkdir_parents(target, 0755);
            (void)mkdirat(s->dir_fd, target, 0700);
        }
    }
    s->supervise_fd = openat(s->dir_fd, "supervise", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s->supervise_fd < 0 ? -errno : 0;
}

static int open_fifo(struct supervised *s, const char *name, int *ret) {
    struct stat st;
    if (mkfifoat(s->supervise_fd, name, 0600) < 0 && errno != EEXIST)
        return -errno;
    /* Written to by ourselves as well, it never comes to an end. */
    _cleanup_close_ int fd = openat(s->supervise_fd, name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISFIFO(st.st_mode))
        return -EEXIST;
    *ret = TAKE_FD(fd);
    return 0;
}

/* What was told last: over a re-execution it is what we know of a pause. */
static void read_status(struct supervised *s) {
    _cleanup_free_ char *data = NULL;
    size_t size;
    if (file_read_at(s->supervise_fd, "status", RUNIT_STATUS_SIZE, &data, &size) < 0 || size != RUNIT_STATUS_SIZE)
        return;
    runit_status_unpack((const unsigned char *)data, &s->told);
    s->paused = s->told.paused;
    s->got_term = s->told.got_term;
}

int supervised_begin(struct supervised *s) {
    _cleanup_free_ char *path = path_join(s->entry->path, s->log ? "log" : NULL);
    if (!path)
        return -ENOMEM;
    int r = 0;
    s->dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0)
        return -errno;
    r = open_supervise(s);
    if (r >= 0) {
        s->lock_fd = openat(s->supervise_fd, "lock", O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW, 0600);
        r = s->lock_fd < 0 ? -errno : 0;
    }
    if (r >= 0 && flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
        r = errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (r >= 0)
        r = open_fifo(s, "control", &s->control_fd);
    if (r >= 0)
        r = control_watch(s);
    if (r >= 0)
        r = open_fifo(s, "ok", &s->ok_fd);
    if (r >= 0) {
        HASH_ADD_KEYPTR(hh, s->runit->by_unit, s->unit, strlen(s->unit), s);
        r = hash_holds(&s->hh) ? 0 : -ENOMEM;
    }
    if (r < 0) {
        supervised_end(s);
        return r;
    }
    read_status(s);
    (void)supervised_changed(s);
    return 0;
}

void supervised_end(struct supervised *s) {
    if (hash_holds(&s->hh)) {
        HASH_DEL(s->runit->by_unit, s);
        s->hh.tbl = NULL;
    }
    script_abandon(s);
    s->control_io = io_remove(s->control_io);
    int *const fds[] = { &s->dir_fd, &s->supervise_fd, &s->lock_fd, &s->ok_fd, &s->control_fd };
    for (size_t i = 0; i < ELEMENTS(fds); i++)
        *fds[i] = fd_close(*fds[i]);
    s->n_actions = 0;
    s->exiting = s->once = s->ever_told = false;
}

struct supervised *runit_supervised(struct runit *r, const char *unit) {
    struct supervised *s;
    HASH_FIND_STR(r->by_unit, unit, s);
    return s;
}

struct unit *supervised_unit_known(const struct supervised *s) {
    struct unit *u = manager_get_unit(s->runit->manager, s->unit);
    return u && u->ops->type == UNIT_SERVICE ? u : NULL;
}

struct unit *supervised_unit(struct supervised *s) {
    struct unit *u;
    struct error error;
    if (manager_load_unit(s->runit->manager, s->unit, &u, &error) < 0) {
        log_full(LOG_WARNING, s->unit, NULL, "Cannot be loaded: %s", error.message);
        return NULL;
    }
    return u->ops->type == UNIT_SERVICE ? u : NULL;
}

/* --- what they say ------------------------------------------------------------------------------------------------ */
enum phase { PHASE_DOWN, PHASE_UP, PHASE_AFTER };
static const enum phase phases[SERVICE_STATES] = {
    [SERVICE_START] = PHASE_UP,
    [SERVICE_START_POST] = PHASE_UP,
    [SERVICE_RUNNING] = PHASE_UP,
    [SERVICE_EXITED] = PHASE_UP,
    [SERVICE_RELOAD] = PHASE_UP,
    [SERVICE_RELOAD_SIGNAL] = PHASE_UP,
    [SERVICE_RELOAD_NOTIFY] = PHASE_UP,
    [SERVICE_STOP] = PHASE_UP,
    [SERVICE_STOP_WATCHDOG] = PHASE_UP,
    [SERVICE_STOP_SIGTERM] = PHASE_UP,
    [SERVICE_STOP_SIGKILL] = PHASE_UP,
    [SERVICE_STOP_POST] = PHASE_AFTER,
    [SERVICE_FINAL_WATCHDOG] = PHASE_AFTER,
    [SERVICE_FINAL_SIGTERM] = PHASE_AFTER,
    [SERVICE_FINAL_SIGKILL] = PHASE_AFTER,
};

static char wanted(const struct service *service, const struct supervised *s) {
    const struct job *job = service->unit.job;
    bool stops = job && job->type == JOB_STOP && job->state == JOB_RUNNING;
    if (s->exiting || s->once || service->forbid_restart || stops)
        return 'd';
    if (phases[service->state] != PHASE_DOWN || service->state == SERVICE_AUTO_RESTART ||
        service->state == SERVICE_AUTO_RESTART_QUEUED || service->state == SERVICE_START_PRE)
        return 'u';
    return job && (job->type == JOB_START || job->type == JOB_RESTART) ? 'u' : 'd';
}

void supervised_status(const struct supervised *s, const struct unit *u, struct runit_status *ret) {
    const struct service *service = u ? SERVICE(u) : NULL;
    enum phase phase = service ? phases[service->state] : PHASE_DOWN;
    usec_t since = now(CLOCK_REALTIME);
    *ret = (struct runit_status){ .want = service ? wanted(service, s) : 'd' };
    if (phase == PHASE_UP && service->main_pid > 0) {
        ret->state = RUNIT_STATE_RUN;
        ret->pid = (uint32_t)service->main_pid;
        if (service->main_status.start.realtime > 0)
            since = service->main_status.start.realtime;
    } else if (phase != PHASE_DOWN) {
        /* Without a process: those that ./run left behind are being ended. */
        ret->state = RUNIT_STATE_FINISH;
        ret->pid = (uint32_t)service->control_pid;
    } else if (u && u->inactive_enter.realtime > 0)
        since = u->inactive_enter.realtime;
    ret->since = since / USEC_PER_SEC;
    ret->nanoseconds = (uint32_t)(since % USEC_PER_SEC) * 1000;
}

void runit_status_text(const struct runit_status *status, bool exiting, struct text *out) {
    static const char *const states[] = { "down", "run", "finish" };
    text_add(out, states[status->state]);
    if (status->paused)
        text_add(out, ", paused");
    if (status->got_term)
        text_add(out, ", got TERM");
    if (status->state != RUNIT_STATE_DOWN && status->want == 'd')
        text_add(out, exiting ? ", want exit" : ", want down");
    text_add_char(out, '\n');
}

/* Readers see the old file or the new one. */
static int replace(struct supervised *s, const char *name, const char *temporary, const void *data, size_t size) {
    _cleanup_close_ int fd =
        openat(s->supervise_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    (void)fchmod(fd, 0644);
    int r = write_all(fd, data, size);
    return r >= 0 && renameat(s->supervise_fd, temporary, s->supervise_fd, name) < 0 ? -errno : r;
}

static void tell(struct supervised *s, const struct runit_status *status) {
    unsigned char bytes[RUNIT_STATUS_SIZE];
    _cleanup_text_ struct text text = {};
    char pid[16] = "";
    runit_status_pack(status, bytes);
    runit_status_text(status, s->exiting, &text);
    if (status->pid)
        snprintf(pid, sizeof(pid), "%u\n", status->pid);
    int r = replace(s, "pid", "pid.new", pid, strlen(pid));
    if (r >= 0)
        r = replace(s, "stat", "stat.new", text_str(&text), text.len);
    if (r >= 0)
        r = replace(s, "status", "status.new", bytes, sizeof(bytes));
    /* Of a directory that is gone nobody reads it, and the supervision is to end all the same. */
    if (r >= 0 || s->entry->gone) {
        s->told = *status;
        s->ever_told = true;
    } else
        log_full(LOG_WARNING, s->unit, NULL, "Cannot write to supervise/: %s", strerror(-r));
}

/* `x`: the service is down; then its log service has read to the end; then nobody supervises any more. True: so it
 * is. */
static bool end_supervision(struct supervised *s) {
    struct entry *e = s->entry;
    struct unit *logger = e->flags & RUNIT_LOG ? supervised_unit_known(&e->logger) : NULL;
    if (logger && phases[SERVICE(logger)->state] != PHASE_DOWN) {
        service_keep_down(logger, true);
        e->logger.exiting = true;
        e->pipe_fd = fd_close(e->pipe_fd);
        return false;
    }
    if (logger && SERVICE(logger)->state != SERVICE_DEAD && SERVICE(logger)->state != SERVICE_FAILED)
        (void)manager_add_job(s->runit->manager, JOB_STOP, logger, JOB_REPLACE, NULL, NULL);
    runit_entry_ended(e);
    return true;
}

bool supervised_changed(struct supervised *s) {
    struct unit *u = supervised_unit_known(s);
    struct runit_status status;
    if (s->supervise_fd < 0 && !s->entry->gone)
        return false;
    supervised_status(s, u, &status);
    bool same = status.pid == s->told.pid && status.state == s->told.state;
    if (!same)
        s->paused = s->got_term = false;
    else if (s->ever_told || (s->told.since > 0 && status.state != RUNIT_STATE_RUN)) {
        status.since = s->told.since;
        status.nanoseconds = s->told.nanoseconds;
    }
    if (s->once && status.state == RUNIT_STATE_RUN) {
        s->once = false;
        service_keep_down(u, true);
    }
    status.paused = s->paused;
    status.got_term = s->got_term;
    if (!s->ever_told || memcmp(&status, &s->told, sizeof(status)) != 0)
        tell(s, &status);
    struct supervised *first = &s->entry->service;
    return first->exiting && status.state == RUNIT_STATE_DOWN && first->told.state == RUNIT_STATE_DOWN &&
           end_supervision(first);
}
