/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are the journal: directories, names, machines, and what comes and goes while it is followed. */
#include "journal/read_private.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/runtime.h"
#include "base/strv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const places[] = { "/run/log/journal", "/var/log/journal" };
/* Of a file's name: there is no telling what more files would bring, and each takes a descriptor. */
#define FILES_MAX 7168

struct reader *reader_new(void) {
    struct reader *r = calloc(1, sizeof *r);
    if (r)
        r->inotify = -1;
    return r;
}

void reader_free(struct reader *r) {
    if (!r)
        return;
    reader_match_nothing_more(r);
    for (size_t i = 0; i < r->n_files; i++)
        read_file_free(r->files[i]);
    free(r->files);
    for (size_t i = 0; i < r->n_problems; i++)
        free(r->problems[i].path);
    free(r->problems);
    strv_free(r->directories);
    free(r->root);
    fd_close(r->inotify);
    free(r);
}

void readerp(struct reader **r) {
    reader_free(*r);
}

const struct reader_problem *reader_problems(const struct reader *r, size_t *ret_n) {
    *ret_n = r->n_problems;
    return r->problems;
}

size_t reader_n_files(const struct reader *r) {
    return r->n_files;
}

const struct read_file *reader_file(const struct reader *r, size_t i) {
    return i < r->n_files ? r->files[i] : NULL;
}

const char *read_file_path(const struct read_file *f) {
    return f->path;
}

int reader_insert(struct reader *r, struct read_file *f) {
    if (r->n_files == r->size) {
        size_t size = MAX(2 * r->size, (size_t)16);
        struct read_file **more = reallocarray(r->files, size, sizeof *more);
        if (!more)
            return -ENOMEM;
        r->files = more;
        r->size = size;
    }
    f->seen = true;
    f->number = ++r->numbers;
    r->files[r->n_files++] = f;
    return 0;
}

int reader_add_file(struct reader *r, const char *path) {
    struct stat st;
    for (size_t i = 0; i < r->n_files; i++) {
        struct read_file *known = r->files[i];
        if (strcmp(known->path, path) != 0 || stat(path, &st) < 0 || st.st_dev != known->device ||
            st.st_ino != known->inode)
            continue;
        known->seen = true;
        return 0;
    }
    if (r->n_files >= FILES_MAX)
        return -ETOOMANYREFS;
    struct read_file *f;
    int k = read_file_open(path, &f);
    if (k < 0)
        return k;
    /* One that was renamed since we opened it, as a rotation does. */
    for (size_t i = 0; i < r->n_files; i++)
        if (r->files[i]->inode == f->inode && r->files[i]->device == f->device) {
            struct read_file *known = r->files[i];
            char *name = TAKE(f->path);
            free(known->path);
            known->path = name;
            known->seen = true;
            read_file_free(f);
            return 0;
        }
    k = reader_insert(r, f);
    if (k < 0)
        read_file_free(f);
    return k;
}

static int note(struct reader *r, const char *path, int error) {
    for (size_t i = 0; i < r->n_problems; i++)
        if (r->problems[i].error == error && strcmp(r->problems[i].path, path) == 0)
            return 0;
    struct reader_problem *more = reallocarray(r->problems, r->n_problems + 1, sizeof *more);
    char *copy = strdup(path);
    if (more)
        r->problems = more;
    if (!more || !copy) {
        free(copy);
        return -ENOMEM;
    }
    r->problems[r->n_problems++] = (struct reader_problem){ copy, error };
    return 0;
}

static bool ends(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n > k && strcmp(s + n - k, end) == 0;
}

static bool is_wanted(const struct reader *r, const char *name) {
    if (!ends(name, ".journal") && !ends(name, ".journal~"))
        return false;
    if (r->all_names || !(r->which & (READER_SYSTEM | READER_USER)))
        return true;
    char user[32];
    int n = snprintf(user, sizeof user, "user-%u", (unsigned)getuid());
    return ((r->which & READER_SYSTEM) && strncmp(name, "system", 6) == 0 && strchr("@.", name[6])) ||
           ((r->which & READER_USER) && strncmp(name, user, (size_t)n) == 0 && strchr("@.", name[n]));
}

static void watch(struct reader *r, const char *path) {
    if (r->inotify >= 0)
        (void)inotify_add_watch(r->inotify, path,
                                IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_MODIFY | IN_ATTRIB | IN_DELETE |
                                    IN_DELETE_SELF | IN_ONLYDIR);
}

/* Of a machine: its id, perhaps with a namespace behind it, which is another journal. */
static bool is_machine(const struct reader *r, const char *name, const char *machine) {
    struct id128 id;
    return id128_from_string(name, &id) >= 0 && strlen(name) == 32 && (!machine || strcmp(name, machine) == 0);
}

/* `machine`: only this one's subdirectory; NULL: any. `depth`: subdirectories may follow. */
static int scan(struct reader *r, const char *path, bool below, const char *machine) {
    DIR *d = opendir(path);
    if (!d)
        return -errno;
    watch(r, path);
    int k = 0;
    for (struct dirent *e; k >= 0 && (e = readdir(d));) {
        _cleanup_free_ char *full = NULL;
        bool file = is_wanted(r, e->d_name), directory = below && is_machine(r, e->d_name, machine);
        if (!file && !directory)
            continue;
        full = path_join(path, e->d_name);
        k = !full ? -ENOMEM : directory ? scan(r, full, false, NULL) : reader_add_file(r, full);
        /* What went away since it was listed is nobody's problem, and others are told in the end. */
        if (k < 0 && k != -ENOMEM)
            k = k == -ENOENT || k == -ENOTDIR ? 0 : note(r, full, k);
    }
    closedir(d);
    return k;
}

static int compare_files(const void *a, const void *b) {
    return strcmp((*(struct read_file *const *)a)->path, (*(struct read_file *const *)b)->path);
}

static void sort_files(struct reader *r) {
    if (r->n_files > 1)
        qsort(r->files, r->n_files, sizeof(struct read_file *), compare_files);
}

int reader_add_directory(struct reader *r, const char *path) {
    r->all_names = true;
    int k = scan(r, path, true, NULL);
    if (k < 0)
        return k;
    k = strv_contains(r->directories, path) ? 0 : strv_add(&r->directories, path);
    sort_files(r);
    return k;
}

static int scan_default(struct reader *r) {
    _cleanup_free_ char *id_path = path_join(r->root, "/etc/machine-id"), *id = NULL;
    const char *machine = NULL;
    if (!id_path)
        return -ENOMEM;
    /* A machine without an id has a journal all the same. */
    if (!(r->which & READER_ALL) && file_read(id_path, 64, &id, NULL) >= 0) {
        id[strcspn(id, "\n")] = 0;
        if (is_machine(r, id, NULL))
            machine = id;
    }
    int k = 0;
    for (size_t i = 0; k >= 0 && i < ELEMENTS(places); i++) {
        if (i > 0 && (r->which & READER_RUNTIME))
            break;
        _cleanup_free_ char *path = path_join(r->root, places[i]);
        k = path ? scan(r, path, true, machine) : -ENOMEM;
        if (k < 0 && k != -ENOMEM)
            k = k == -ENOENT || k == -ENOTDIR ? 0 : note(r, path, k);
    }
    /* A manager that may not write to /run. */
    for (enum runtime_place place = RUNTIME_XDG; k >= 0 && !*r->root && place < RUNTIME_PLACES; place++) {
        _cleanup_free_ char *path = runtime_path(place, "log/journal");
        if (path && scan(r, path, true, machine) == -ENOMEM)
            k = -ENOMEM;
    }
    sort_files(r);
    return k;
}

int reader_add_default(struct reader *r, const char *root, enum reader_files files) {
    r->which = files;
    r->root = strdup(root ? root : "");
    return r->root ? scan_default(r) : -ENOMEM;
}

uint64_t reader_disk_usage(const struct reader *r) {
    uint64_t sum = 0;
    struct stat st;
    for (size_t i = 0; i < r->n_files; i++)
        if (fstat(r->files[i]->fd, &st) >= 0)
            sum += (uint64_t)st.st_blocks * 512;
    return sum;
}

/* --- following ---------------------------------------------------------------------------------------------- */
static int scan_all(struct reader *r) {
    int k = 0;
    STRV_FOREACH (path, r->directories) {
        k = scan(r, *path, true, NULL);
        if (k == -ENOMEM)
            return k;
    }
    return r->root ? scan_default(r) : 0;
}

int reader_watch(struct reader *r) {
    if (r->inotify >= 0)
        return r->inotify;
    r->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (r->inotify < 0)
        return -errno;
    for (size_t i = 0; i < r->n_files && !r->root && !r->directories; i++)
        (void)inotify_add_watch(r->inotify, r->files[i]->path, IN_MODIFY | IN_ATTRIB);
    /* A journal that is not there yet: its place may come. */
    for (size_t i = 0; r->root && i < ELEMENTS(places); i++) {
        _cleanup_free_ char *path = path_join(r->root, places[i]);
        while (path && access(path, F_OK) < 0 && path_base(path) > path + 1)
            path[path_base(path) - path - 1] = 0;
        if (path)
            watch(r, path);
    }
    /* What came between opening and watching. */
    int k = reader_refresh(r);
    return k < 0 ? k : r->inotify;
}

int reader_refresh(struct reader *r) {
    char events[4096] __attribute__((aligned(8)));
    bool names = r->inotify < 0;
    for (ssize_t n; r->inotify >= 0 && (n = read(r->inotify, events, sizeof events)) > 0;)
        for (ssize_t i = 0; i < n;) {
            const struct inotify_event *e = (const void *)(events + i);
            names |= e->mask & (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_Q_OVERFLOW);
            i += (ssize_t)sizeof *e + e->len;
        }
    names |= !r->watched;
    r->watched = r->inotify >= 0;
    for (size_t i = 0; names && i < r->n_files; i++)
        r->files[i]->seen = !r->root && !r->directories;
    int k = names ? scan_all(r) : 0;
    if (k < 0)
        return k;
    for (size_t i = 0; i < r->n_files;) {
        struct read_file *f = r->files[i];
        /* One that was deleted has said everything; the one we are at stays until we leave it. */
        if ((!f->seen || read_file_refresh(f) < 0) && f != r->current && !f->is_candidate) {
            read_file_free(f);
            r->files[i] = r->files[--r->n_files];
            sort_files(r);
            continue;
        }
        match_refresh(r, f);
        f->ended = false;
        i++;
    }
    return 0;
}
