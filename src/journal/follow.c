/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/follow.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/process.h"
#include "base/strv.h"
#include "base/text.h"
#include "journal/fields.h"
#include "journal/log_settings.h"
#include "journal/positions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a unit; more are left out, and that is said. */
#define FILES_MAX 64
/* Of renamed ones, so many are kept open. */
#define OLD_MAX 4
/* When a unit has ended, what it wrote is read; others may go on writing there. */
#define LAST_CHUNKS 1024
#define FILE_EVENTS (IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE)
#define DIRECTORY_EVENTS                                                                                     \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct followed {
    char *path;
    int fd, watch;
    dev_t device;
    ino_t inode;
    struct position *at;
    uint64_t read;   /* the bytes before it were given to the sinks */
    uint64_t replay; /* up to here the journal has them, from a process that did not come to show them */
    struct entry_set *set;
    bool ready, seen;
    struct followed *next;
};

struct follower {
    struct source *source;
    struct followed *files; /* the oldest first */
    size_t n;
    bool scanned;
    bool fresh; /* no file of the unit was ever read */
    struct follower *next;
};

void follow_init(struct follow *f, const char *runtime, struct source_pool *pool,
                 void (*complain)(void *userdata, const char *what, int error), void *userdata) {
    *f = (struct follow){
        .runtime = runtime, .pool = pool, .complain = complain, .userdata = userdata, .inotify = -1
    };
}

/* --- lines --- */
static void give(struct follow *f, const struct entry *e, bool written) {
    for (struct sink *sink = f->pool->sinks; sink; sink = sink->next)
        if (!written || sink != f->pool->journal)
            sink->write(sink, e);
}

static void take_line(struct follow *f, struct follower *w, struct followed *file, const char *line, size_t n,
                      uint64_t end) {
    struct source *s = w->source;
    /* Who was cut short while it held its place in the file leaves a hole. */
    while (n > 0 && !*line) {
        line++;
        n--;
    }
    if (n > 0 && line[n - 1] == '\r')
        n--;
    uint64_t suppressed;
    int level = s->level & 7;
    if (n == 0 || level > s->max_level || !log_settings_keep(s->settings, line, n))
        return;
    bool permitted = rate_permits(&s->rate, &suppressed);
    if (suppressed > 0) {
        char text[RATE_TEXT_MAX];
        struct entry e = rate_entry(suppressed, s->unit ? s->unit : file->path, text);
        give(f, &e, false);
    }
    if (!permitted)
        return;
    struct entry e = { .transport = ENTRY_FILE,
                       .level = level,
                       .facility = s->level & ~7,
                       .unit = s->unit,
                       .identifier = s->identifier,
                       .invocation = s->invocation,
                       .message = line,
                       .size = n,
                       .console = s->console,
                       .settings = s->settings,
                       .set = file->set };
    bool written = end <= file->replay;
    if (f->pool->seqnum && !written)
        position_begin(file->at, end, *f->pool->seqnum + 1);
    give(f, &e, written);
}

/* One chunk. True: there may be more. An unfinished line stays in the file. */
static bool pump(struct follow *f, struct follower *w, struct followed *file) {
    struct stat st;
    if (fstat(file->fd, &st) >= 0 && (uint64_t)st.st_size < file->read) {
        position_done(file->at, 0);
        file->read = file->replay = file->at->shown = 0;
    }
    /* Another start of the unit may follow it, too. */
    if (file->read >= file->replay && file->at->offset > file->read)
        file->read = file->at->offset;
    uint64_t offset = file->read;
    char *chunk = f->pool->chunk;
    ssize_t n = pread(file->fd, chunk, SOURCE_CHUNK, (off_t)offset);
    if (n <= 0)
        return false;
    f->pool->chunk_used = true;
    size_t done = 0, size = (size_t)n;
    while (done < size) {
        const char *line = chunk + done, *newline = memchr(line, '\n', size - done);
        size_t length = newline ? (size_t)(newline - line) : size - done, used = length + (newline ? 1 : 0);
        if (length > f->pool->line_max || (!newline && length == f->pool->line_max))
            used = length = f->pool->line_max;
        else if (!newline)
            break;
        take_line(f, w, file, line, length, offset + done + used);
        done += used;
        file->read = offset + done;
        if (file->read > file->replay)
            position_done(file->at, file->read);
    }
    return done > 0 && size == SOURCE_CHUNK;
}

static void pump_all(struct follow *f, struct follower *w, struct followed *file) {
    for (int i = 0; i < LAST_CHUNKS && pump(f, w, file); i++)
        ;
    file->ready = false;
}

/* --- which files --- */
static void file_free(struct follow *f, struct followed *file) {
    if (file->watch >= 0)
        (void)inotify_rm_watch(f->inotify, file->watch);
    if (file->at && file->set)
        file->at->shown = file->read;
    if (file->at)
        positions_release(f->positions, file->at);
    fd_close(file->fd);
    free(file->set);
    free(file->path);
    free(file);
}

static void add_file(struct follow *f, struct follower *w, const char *path) {
    struct stat st;
    struct followed **end = &w->files;
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    for (; *end; end = &(*end)->next)
        if ((*end)->device == st.st_dev && (*end)->inode == st.st_ino) {
            (*end)->seen = true;
            return;
        }
    if (w->n >= FILES_MAX) {
        f->complain(f->userdata, "LogFiles= names too many files, not followed", -E2BIG);
        return;
    }
    struct followed *file = calloc(1, sizeof(*file));
    if (!file)
        return;
    *file = (struct followed){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK),
                               .watch = -1,
                               .path = strdup(path) };
    bool first = false;
    if (file->fd < 0 || !file->path || fstat(file->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        (file->watch = inotify_add_watch(f->inotify, path, FILE_EVENTS)) < 0 ||
        !(file->at =
              positions_hold(f->positions, st.st_ino, position_owner(w->source->unit ?: ""), &first))) {
        f->complain(f->userdata, path, file->fd < 0 || file->watch < 0 ? -errno : -ENOMEM);
        file_free(f, file);
        return;
    }
    file->device = st.st_dev;
    file->inode = st.st_ino;
    usec_t changed = (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st.st_mtim.tv_nsec / 1000;
    if (first && w->fresh && changed < f->since)
        file->at->offset = file->at->shown = (uint64_t)st.st_size;
    file->replay = file->at->offset;
    file->read = MIN(file->at->shown, file->at->offset);
    _cleanup_text_ struct text fields = {};
    text_addf(&fields, "%sLOG_FILE=%s\n", w->source->fields ?: "", path);
    file->set = entry_set_new(&(struct set_request){ .uid = (uid_t)-1,
                                                     .gid = (gid_t)-1,
                                                     .unit = w->source->unit,
                                                     .invocation = w->source->invocation,
                                                     .identifier = w->source->identifier,
                                                     .fields = text_str(&fields) });
    file->ready = file->seen = true;
    *end = file;
    w->n++;
}

/* Where files of a pattern may come: the directories that there are on the way to them. One whose next is
 * there and is no pattern needs no watch. */
static void watch_directories(struct follow *f, const char *pattern) {
    char prefix[PATH_MAX];
    for (const char *slash = strchr(pattern + 1, '/');; slash = strchr(slash + 1, '/')) {
        size_t n = slash ? (size_t)(slash - pattern) : 0;
        if (!slash || n >= sizeof(prefix))
            return;
        memcpy(prefix, pattern, n);
        prefix[n] = 0;
        const char *next = strchr(slash + 1, '/');
        size_t k = next ? (size_t)(next - pattern) : 0;
        char further[PATH_MAX] = "";
        if (k > 0 && k < sizeof(further)) {
            memcpy(further, pattern, k);
            further[k] = 0;
        }
        if (*further && !glob_is_pattern(further) && access(further, F_OK) >= 0)
            continue;
        _cleanup_strv_ char **found = NULL;
        (void)glob_paths(prefix, &found);
        STRV_FOREACH(path, found)
            if (inotify_add_watch(f->inotify, *path, DIRECTORY_EVENTS) < 0 && errno != ENOENT &&
                errno != ENOTDIR)
                f->complain(f->userdata, *path, -errno);
    }
}

/* Drops those that are gone, and the oldest of those that have another name now. */
static void drop_old(struct follow *f, struct follower *w) {
    size_t old = 0;
    for (struct followed *file = w->files; file; file = file->next)
        old += !file->seen;
    for (struct followed **at = &w->files; *at;) {
        struct followed *file = *at;
        struct stat st;
        bool gone = !file->seen && (old > OLD_MAX || fstat(file->fd, &st) < 0 || st.st_nlink == 0);
        if (!gone) {
            at = &file->next;
            continue;
        }
        pump_all(f, w, file);
        *at = file->next;
        file_free(f, file);
        w->n--;
        old--;
    }
}

/* What was renamed while nobody looked has still lines that nobody has read. */
static void find_renamed(struct follow *f, struct follower *w, const char *pattern) {
    _cleanup_free_ char *directory = strndup(pattern, (size_t)(strrchr(pattern, '/') - pattern));
    _cleanup_strv_ char **found = NULL;
    uint64_t owner = position_owner(w->source->unit ?: "");
    (void)(directory && glob_paths(directory, &found));
    STRV_FOREACH(path, found) {
        DIR *d = opendir(*path);
        for (struct dirent *e; d && (e = readdir(d));) {
            char file[PATH_MAX];
            struct stat st;
            if (snprintf(file, sizeof(file), "%s/%s", *path, e->d_name) < (int)sizeof(file) &&
                positions_lag(f->positions, e->d_ino, owner, UINT64_MAX) && stat(file, &st) >= 0 &&
                S_ISREG(st.st_mode) && positions_lag(f->positions, st.st_ino, owner, (uint64_t)st.st_size) &&
                !glob_match(pattern, file, FNM_PATHNAME | FNM_PERIOD))
                add_file(f, w, file);
        }
        if (d)
            closedir(d);
    }
}

static void scan(struct follow *f, struct follower *w) {
    bool first = !w->scanned;
    w->scanned = true;
    for (struct followed *file = w->files; file; file = file->next)
        file->seen = false;
    STRV_FOREACH(pattern, log_settings_files(w->source->settings)) {
        /* Watched before it is looked at, so that nothing comes in between. */
        watch_directories(f, *pattern);
        if (first)
            find_renamed(f, w, *pattern);
        _cleanup_strv_ char **found = NULL;
        (void)glob_paths(*pattern, &found);
        STRV_FOREACH(path, found)
            add_file(f, w, *path);
    }
    drop_old(f, w);
}

/* --- the interface --- */
static int begin(struct follow *f) {
    char path[256];
    snprintf(path, sizeof(path), "%s/systemd/journal/log-files", f->runtime);
    /* A manager that keeps its files elsewhere is not alone here. */
    bool ours = strcmp(f->runtime, "/run") == 0;
    const char *paths[] = { ours ? "/var/lib/reeve/log-files" : path, path, NULL };
    if (!f->positions)
        f->positions = positions_open(paths, f->pool->seqnum ? *f->pool->seqnum : 0);
    if (!f->positions)
        return -ENOMEM;
    f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    f->since = process_began(getppid());
    return f->inotify < 0 ? -errno : 0;
}

int follow_add(struct follow *f, struct source *source) {
    if (!log_settings_files(source->settings))
        return 0;
    int r = f->inotify < 0 ? begin(f) : 0;
    if (r < 0)
        return r;
    struct follower *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->source = source;
    w->fresh = !positions_know(f->positions, position_owner(source->unit ?: ""));
    w->next = f->followers;
    f->followers = w;
    f->rescan = true;
    return 0;
}

static void follower_free(struct follow *f, struct follower *w) {
    while (w->files) {
        struct followed *file = w->files;
        w->files = file->next;
        pump_all(f, w, file);
        file_free(f, file);
    }
    free(w);
}

void follow_remove(struct follow *f, struct source *source) {
    for (struct follower **at = &f->followers; *at; at = &(*at)->next)
        if ((*at)->source == source) {
            struct follower *w = *at;
            scan(f, w);
            *at = w->next;
            follower_free(f, w);
            /* A file that another start of the unit follows as well has lost its watch. */
            f->rescan = true;
            for (w = f->followers; w; w = w->next)
                for (struct followed *file = w->files; file; file = file->next)
                    file->watch = inotify_add_watch(f->inotify, file->path, FILE_EVENTS);
            break;
        }
    if (!f->followers)
        f->inotify = fd_close(f->inotify);
}

/* Which file it was, or that any may have changed. */
static void take_event(struct follow *f, const struct inotify_event *event) {
    bool found = false;
    for (struct follower *w = f->followers; w; w = w->next)
        for (struct followed *file = w->files; file; file = file->next)
            if (event->wd == file->watch || event->mask & IN_Q_OVERFLOW) {
                file->ready = found = true;
                if (event->mask & IN_IGNORED)
                    file->watch = -1;
            }
    /* A link that is gone is seen only from outside. */
    if (!found || event->mask & (IN_ATTRIB | IN_Q_OVERFLOW))
        f->rescan = true;
}

void follow_ready(struct follow *f) {
    _Alignas(struct inotify_event) char buffer[4096];
    ssize_t n;
    while (f->inotify >= 0 && (n = read(f->inotify, buffer, sizeof(buffer))) > 0)
        for (const char *p = buffer; p < buffer + n;) {
            const struct inotify_event *event = (const struct inotify_event *)p;
            take_event(f, event);
            p += sizeof(*event) + event->len;
        }
}

bool follow_pump(struct follow *f) {
    bool more = false;
    for (struct follower *w = f->followers; w; w = w->next) {
        if (f->rescan)
            scan(f, w);
        for (struct followed *file = w->files; file; file = file->next)
            if (file->ready) {
                file->ready = pump(f, w, file);
                more = more || file->ready;
            }
    }
    f->rescan = false;
    return more;
}

void follow_shown(struct follow *f) {
    for (struct follower *w = f->followers; w; w = w->next)
        for (struct followed *file = w->files; file; file = file->next)
            file->at->shown = file->read;
}

void follow_finish(struct follow *f) {
    while (f->followers)
        follow_remove(f, f->followers->source);
}

void follow_close(struct follow *f) {
    follow_finish(f);
    positions_close(f->positions);
    f->positions = NULL;
}
