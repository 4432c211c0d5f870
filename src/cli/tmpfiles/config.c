/* SPDX-License-Identifier: Apache-2.0 */
/* Which tmpfiles.d files there are, which of them hide others, and the list of items that results. */
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "cli/tmpfiles/tmpfiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)4 << 20)
#define LINE_MAX_BYTES ((size_t)1 << 20)

static const char *const directories[] = { "/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d",
                                           "/usr/lib/tmpfiles.d" };

void tmpfiles_fail(struct tmpfiles *t, const struct item *item, int error, const char *what,
                   const char *path) {
    if (item->flags & ITEM_MAY_FAIL) {
        log_debug("%s:%u: %s: %s: %s, ignoring", item->file, item->line, path, what, strerror(-error));
        return;
    }
    if (error == -EEXIST && item->type != 'f') {
        log_warning("%s:%u: %s: %s, left alone", item->file, item->line, path, what);
        return;
    }
    /* A read-only place, or an unprivileged user: one sentence stands for all. */
    if (error == -EROFS || (error == -EPERM || error == -EACCES)) {
        bool *said = error == -EROFS ? &t->said_read_only : &t->said_not_permitted;
        bool first = !*said;
        *said = true;
        if (error == -EROFS || geteuid() != 0) {
            log_at(first ? LOG_WARNING : LOG_DEBUG, "%s:%u: %s: %s: %s%s", item->file, item->line, path, what,
                   strerror(-error), first ? "; more of this kind is not shown" : "");
            return;
        }
    }
    log_error("%s:%u: %s: %s: %s", item->file, item->line, path, what, strerror(-error));
    t->failed = true;
}

static bool chosen(const struct tmpfiles *t, const char *path) {
    STRV_FOREACH(prefix, t->excluded)
        if (path_below(path, *prefix))
            return false;
    if (strv_length(t->prefixes) == 0)
        return true;
    STRV_FOREACH(prefix, t->prefixes)
        if (path_below(path, *prefix))
            return true;
    return false;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Two owners of one path are only fine together if they want the same. */
static bool compatible(const struct item *a, const struct item *b) {
    if (!item_owns(a) || !item_owns(b) || item_is_glob(a) != item_is_glob(b))
        return true;
    return a->type == b->type && a->flags == b->flags && a->mode == b->mode && a->uid == b->uid &&
           a->gid == b->gid && a->age == b->age && same_text(a->argument, b->argument);
}

static int add_item(struct tmpfiles *t, struct item *item, const char *file, unsigned line) {
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->items[i].path, item->path) == 0 && !compatible(&t->items[i], item) &&
            !(item->flags & ITEM_FORCE)) {
            log_notice("%s:%u: %s was spoken of by %s:%u before, ignoring", file, line, item->path,
                       t->items[i].file, t->items[i].line);
            return 0;
        }
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 64;
        struct item *bigger = realloc(t->items, room * sizeof(*bigger));
        if (!bigger)
            return -ENOMEM;
        t->items = bigger;
        t->room = room;
    }
    item->file = strdup(file);
    if (!item->file)
        return -ENOMEM;
    item->line = line;
    item->order = t->n;
    t->items[t->n++] = *item;
    *item = (struct item){};
    return 0;
}

static int take_line(struct tmpfiles *t, const char *file, unsigned line, char *text) {
    _cleanup_(item_done) struct item item = {};
    const char *why = NULL;
    int r = tmpfiles_parse_line(t, text, &item, &why);
    if (r == 0 || r == -ENOMEM)
        return r;
    if (r == -ESRCH && t->graceful) {
        log_debug("%s:%u: %s, ignoring the line", file, line, why);
        return 0;
    }
    if (r == -EUNATCH) {
        log_debug("%s:%u: %s, ignoring the line", file, line, why);
        t->unresolved++;
        return 0;
    }
    if (r < 0) {
        log_warning("%s:%u: %s, ignoring the line", file, line, why ? why : strerror(-r));
        t->bad_config = true;
        return 0;
    }
    if ((item.flags & ITEM_BOOT && !t->boot) || !chosen(t, item.path))
        return 0;
    return add_item(t, &item, file, line);
}

static int take_text(struct tmpfiles *t, const char *file, char *data, size_t size) {
    unsigned line = 0;
    for (char *p = data, *end = data + size; p < end;) {
        char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((newline ? newline : end) - p);
        line++;
        p[n] = 0;
        if (strlen(p) != n || n > LINE_MAX_BYTES) {
            log_warning("%s:%u: %s, ignoring the line", file, line,
                        strlen(p) != n ? "a NUL byte" : "too long");
            t->bad_config = true;
        } else {
            if (n > 0 && p[n - 1] == '\r')
                p[n - 1] = 0;
            int r = take_line(t, file, line, p);
            if (r < 0)
                return r;
        }
        p += n + 1;
    }
    return 0;
}

static int read_config(struct tmpfiles *t, const char *path) {
    _cleanup_free_ char *data = NULL;
    size_t size;
    int r = file_read(path, CONFIG_MAX, &data, &size);
    if (r < 0)
        return r;
    return take_text(t, path, data, size);
}

static int read_stdin(struct tmpfiles *t) {
    _cleanup_free_ char *data = malloc(CONFIG_MAX + 1);
    size_t size = 0;
    if (!data)
        return -ENOMEM;
    for (ssize_t n; size < CONFIG_MAX && (n = read(STDIN_FILENO, data + size, CONFIG_MAX - size)) > 0;)
        size += (size_t)n;
    data[size] = 0;
    return take_text(t, "<stdin>", data, size);
}

static int compare_base(const void *a, const void *b) {
    return strcmp(path_base(*(char *const *)a), path_base(*(char *const *)b));
}

static int read_all(struct tmpfiles *t) {
    _cleanup_strv_ char **files = NULL, **names = NULL;
    for (size_t i = 0; i < ELEMENTS(directories); i++) {
        _cleanup_free_ char *directory = path_join(t->root, directories[i]);
        DIR *d = directory ? opendir(directory) : NULL;
        int r = directory ? 0 : -ENOMEM;
        for (struct dirent *e; d && r >= 0 && (e = readdir(d));) {
            size_t n = strlen(e->d_name);
            if (n <= 5 || strcmp(e->d_name + n - 5, ".conf") != 0 || strv_contains(names, e->d_name))
                continue;
            r = strv_add(&names, e->d_name);
            if (r >= 0)
                r = strv_take(&files, path_join(directory, e->d_name));
        }
        if (d)
            closedir(d);
        if (r < 0)
            return r;
    }
    if (files)
        qsort(files, strv_length(files), sizeof(char *), compare_base);
    STRV_FOREACH(file, files) {
        int r = read_config(t, *file);
        if (r == -ENOMEM)
            return r;
        /* A link to /dev/null hides the file of that name further down the path. */
        if (r < 0 && r != -EINVAL && r != -ENOENT)
            log_warning("%s: cannot be read: %s", *file, strerror(-r));
    }
    return 0;
}

static int read_named(struct tmpfiles *t, const char *name) {
    if (strcmp(name, "-") == 0)
        return read_stdin(t);
    if (strchr(name, '/'))
        return read_config(t, name);
    for (size_t i = 0; i < ELEMENTS(directories); i++) {
        _cleanup_free_ char *directory = path_join(t->root, directories[i]);
        _cleanup_free_ char *path = directory ? path_join(directory, name) : NULL;
        if (!path)
            return -ENOMEM;
        int r = read_config(t, path);
        if (r != -ENOENT)
            return r;
    }
    return -ENOENT;
}

/* A slash sorts before everything else, so that what lies below a path follows it. */
static int rank(char c) {
    return c == 0 ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

/* Parents before children; at one path, who makes it before who adjusts it; else as written. */
static int compare_items(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    const char *p = x->path, *q = y->path;
    while (*p && *p == *q)
        p++, q++;
    if (*p != *q)
        return rank(*p) - rank(*q);
    if (item_owns(x) != item_owns(y))
        return item_owns(x) ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

int tmpfiles_read(struct tmpfiles *t, char *const *files) {
    int r = 0;
    if (strv_length(files) == 0)
        r = read_all(t);
    STRV_FOREACH(file, files) {
        r = read_named(t, *file);
        if (r == -ENOMEM)
            break;
        if (r < 0) {
            log_error("%s: cannot be read: %s", *file, strerror(-r));
            return r;
        }
    }
    if (r >= 0 && t->n)
        qsort(t->items, t->n, sizeof(t->items[0]), compare_items);
    return r;
}
