/* SPDX-License-Identifier: Apache-2.0 */
/* Which process is the main one: PIDFile=, MAINPID=, GuessMainPID=. systemd.service(5). */
#include "base/chase.h"
#include "base/fd.h"
#include "base/path.h"
#include "engine/reap.h"
#include "engine/service_private.h"
#include "syntax/names.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_FILE_MAX 256 /* bytes read of it: a number and a newline */

void service_forget_control_pid(struct service *s) {
    if (s->control_pid > 0)
        unit_unwatch_pid(&s->unit, s->control_pid);
    s->control_pid = 0;
}

void service_forget_main_pid(struct service *s) {
    if (s->main_pid > 0)
        unit_unwatch_pid(&s->unit, s->main_pid);
    s->main_pid = 0;
    s->main_pid_alien = false;
    s->main_watch = stranger_forget(s->main_watch);
}

/* As a new look at /proc shows it; NULL: not there. */
static const struct process *look_at(struct service *s, pid_t pid) {
    const struct process *all;
    struct lineage *l = s->unit.manager->lineage;
    lineage_scan_stale(l);
    int n = lineage_scan(l, &all);
    for (int i = 0; i < n; i++)
        if (all[i].pid == pid)
            return &all[i];
    return NULL;
}

/* Is it a child of ours? Then its exit will be told. */
static bool is_our_child(struct service *s, pid_t pid) {
    const struct process *p = look_at(s, pid);
    return p && p->parent == getpid();
}

static bool is_alive(struct service *s, pid_t pid) {
    if (kill(pid, 0) < 0 && errno == ESRCH)
        return false;
    const struct process *p = look_at(s, pid);
    return !p || !p->zombie; /* without /proc the signal has to do */
}

bool service_alien_counts(struct service *s) {
    return is_alive(s, s->main_pid) || is_our_child(s, s->main_pid);
}

void service_watch_main_pid(struct service *s) {
    if (s->main_pid <= 0)
        return;
    (void)unit_watch_pid(&s->unit, s->main_pid);
    if (s->main_pid_alien)
        (void)stranger_watch(&s->unit, s->main_pid, NULL, NULL, &s->main_watch);
}

int service_set_main_pid(struct service *s, pid_t pid) {
    if (pid <= 1)
        return -EINVAL;
    if (s->main_pid == pid && s->main_pid_known)
        return 0;
    int r = unit_watch_pid(&s->unit, pid);
    if (r < 0)
        return r;
    if (s->main_pid > 0 && s->main_pid != pid)
        unit_unwatch_pid(&s->unit, s->main_pid);
    s->main_pid = pid;
    s->main_pid_known = true;
    /* An alien becomes ours when its parent dies, and then its exit is told all the same. */
    s->main_pid_alien = !is_our_child(s, pid);
    s->main_watch = stranger_forget(s->main_watch);
    if (s->main_pid_alien) {
        unit_log(&s->unit, LOG_DEBUG, "Supervising process %d which is not our child yet.", pid);
        (void)stranger_watch(&s->unit, pid, NULL, NULL, &s->main_watch);
    }
    s->main_status = (struct exec_status){ .pid = pid, .start = dual_now() };
    if (s->unit.lineage)
        lineage_remember(s->unit.manager->lineage, pid, s->unit.lineage);
    unit_changed(&s->unit);
    return 0;
}

int service_pid_is_suitable(struct service *s, pid_t pid, int level) {
    struct unit *u = &s->unit;
    if (pid == getpid() || pid == 1) {
        unit_log(u, level, "New main PID %d is the manager, refusing.", pid);
        return -EPERM;
    }
    if (pid == s->control_pid) {
        unit_log(u, level, "New main PID %d is the control process, refusing.", pid);
        return -EPERM;
    }
    if (!is_alive(s, pid)) {
        unit_log(u, level, "New main PID %d does not exist or is a zombie.", pid);
        return -ESRCH;
    }
    return manager_unit_by_pid(u->manager, pid) == u;
}

/* --- PIDFile= ----------------------------------------------------------------------------------------------------- */
static int read_pid(struct service *s, const char *path, bool may_warn, pid_t *ret) {
    int level = may_warn ? LOG_INFO : LOG_DEBUG;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int error = errno;
        unit_log(&s->unit, level, "Can't open PID file %s (yet?) after %s: %s", path,
                 service_state_to_string(s->state), strerror(error));
        return -error;
    }
    struct stat st;
    char text[PID_FILE_MAX];
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode)) {
        unit_log(&s->unit, LOG_WARNING, "PID file %s is not a regular file.", path);
        return -EINVAL;
    }
    ssize_t n = read(fd, text, PID_FILE_MAX);
    if (n < 0)
        return -errno;
    if (pid_file_parse(text, (size_t)n, ret) < 0) {
        unit_log(&s->unit, may_warn ? LOG_WARNING : LOG_DEBUG, "PID file %s does not hold a process number.", path);
        return -EINVAL;
    }
    return 0;
}

int service_load_pid_file(struct service *s, bool may_warn) {
    const char *path = unit_string(s->unit.file, D_PIDFile);
    if (!path)
        return -ENOENT;
    pid_t pid;
    int r = read_pid(s, path, may_warn, &pid);
    if (r < 0)
        return r;
    if (s->main_pid_known && pid == s->main_pid)
        return 0;
    r = service_pid_is_suitable(s, pid, may_warn ? LOG_WARNING : LOG_DEBUG);
    if (r < 0)
        return r;
    if (r == 0 && !chase_is_trusted(path)) {
        unit_log(&s->unit, LOG_ERR,
                 "New main PID %d does not belong to service, and PID file is not owned by root. Refusing.", pid);
        return -EPERM;
    }
    return service_set_main_pid(s, pid);
}

/* Waiting for the file: an inotify watch on its directory, or, as long as that is missing, on the nearest one above. */
struct pid_file_watch {
    int fd;
    struct io *io;
};

static int watch_nearest(int fd, const char *path) {
    _cleanup_free_ char *directory = strdup(path);
    if (!directory)
        return -ENOMEM;
    for (;;) {
        char *slash = strrchr(directory, '/');
        if (!slash)
            return -ENOENT;
        slash[slash == directory] = 0;
        uint32_t mask =
            IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
        if (inotify_add_watch(fd, directory, mask | IN_ONLYDIR) >= 0)
            return 0;
        if (errno != ENOENT || directory[1] == 0)
            return -errno;
    }
}

static void directory_changed(struct io *io, int fd, uint32_t events, void *userdata) {
    struct service *s = userdata;
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (read(fd, buffer, sizeof(buffer)) > 0)
        ;
    if (service_load_pid_file(s, false) >= 0)
        service_event(s, EV_PID_FILE, SERVICE_SUCCESS);
    else
        (void)watch_nearest(fd, unit_string(s->unit.file, D_PIDFile));
}

int service_watch_pid_file(struct service *s) {
    const char *path = unit_string(s->unit.file, D_PIDFile);
    if (s->pid_file_watch)
        return 0;
    if (!path)
        return -ENOENT;
    struct pid_file_watch *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int r = w->fd < 0 ? -errno : watch_nearest(w->fd, path);
    if (r >= 0)
        r = io_add(s->unit.manager->loop, w->fd, EPOLLIN, directory_changed, s, &w->io);
    if (r < 0) {
        unit_log(&s->unit, LOG_ERR, "Failed to watch for PID file %s: %s", path, strerror(-r));
        fd_close(w->fd);
        free(w);
        return r;
    }
    s->pid_file_watch = w;
    /* It may have appeared before the watch was there. */
    if (service_load_pid_file(s, false) >= 0)
        service_event(s, EV_PID_FILE, SERVICE_SUCCESS);
    return 0;
}

void service_unwatch_pid_file(struct service *s) {
    struct pid_file_watch *w = TAKE(s->pid_file_watch);
    if (!w)
        return;
    io_remove(w->io);
    fd_close(w->fd);
    free(w);
}

/* --- GuessMainPID= ------------------------------------------------------------------------------------------------ */
/* The one process of the unit that is a direct child of ours; with several there is no telling. */
void service_guess_main_pid(struct service *s) {
    if (s->main_pid_known || !unit_bool(s->unit.file, D_GuessMainPID) || !s->unit.lineage)
        return;
    const struct process *all;
    struct lineage *l = s->unit.manager->lineage;
    lineage_scan_stale(l);
    int n = lineage_scan(l, &all);
    pid_t found = 0;
    for (int i = 0; i < n; i++) {
        if (all[i].zombie || !all[i].tag || !lineage_matches(s->unit.lineage, all[i].tag) ||
            all[i].parent != getpid() || all[i].pid == s->control_pid)
            continue;
        if (found)
            return;
        found = all[i].pid;
    }
    if (found)
        (void)service_set_main_pid(s, found);
}
