/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a unit: finds its files, reads them line by line into settings. Says what is wrong with them and goes
 * on. systemd.unit(5), systemd.syntax(7). */
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "syntax/lines.h"
#include "unit/unit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)8 << 20)
#define SHOWN_VALUE_MAX 100 /* of a rejected value, in a message */

struct load {
    const struct search_path *where;
    const struct manager_dirs *dirs;
    unit_report report;
    void *userdata;
    struct unit_file *unit;
    struct unit_specifiers specifiers;
    struct parse_at at;    /* .file: what is being read */
    char *unknown_section; /* the last one said to be unknown */
};

static void say(struct load *l, unsigned line, const char *message) {
    if (l->report)
        l->report(l->userdata, l->unit->name, l->at.file, line, message);
}

static void _printf_(3, 4) sayf(struct load *l, unsigned line, const char *format, ...) {
    _cleanup_text_ struct text t = {};
    va_list args;
    va_start(args, format);
    text_addv(&t, format, args);
    va_end(args);
    say(l, line, t.failed ? "out of memory" : text_str(&t));
}

/* The first reason stays. */
static void _printf_(3, 4) fail(struct load *l, enum load_state state, const char *format, ...) {
    struct unit_file *u = l->unit;
    if (u->error)
        return;
    _cleanup_text_ struct text t = {};
    va_list args;
    va_start(args, format);
    text_addv(&t, format, args);
    va_end(args);
    u->state = state;
    u->error = text_take(&t);
}

/* --- one file ------------------------------------------------------------------------------------------- */

static bool section_known(struct load *l, enum section section) {
    return section & (SECTION_UNIT | SECTION_INSTALL | SECTION_X_REEVE) ||
           (section && section == section_of_type(l->unit->type));
}

static int assign(void *userdata, unsigned line, const char *section_name, const char *name,
                  const char *text) {
    struct load *l = userdata;
    enum section section = section_from_string(section_name);
    if (!section_name || !*section_name) {
        say(l, line, "Assignment outside of section. Ignoring.");
        return 0;
    }
    if (!section_known(l, section)) {
        /* Others' own sections are nobody's business. */
        if (strncmp(section_name, "X-", 2) == 0 ||
            (l->unknown_section && strcmp(l->unknown_section, section_name) == 0))
            return 0;
        sayf(l, line, "Unknown section '%.100s'. Ignoring.", section_name);
        free(l->unknown_section);
        l->unknown_section = strdup(section_name);
        return 0;
    }
    const struct directive_row *row = directive_find(section, name);
    if (!row) {
        if (strncmp(name, "X-", 2) != 0)
            sayf(l, line, "Unknown key name '%.100s' in section '%s', ignoring.", name, section_name);
        return 0;
    }
    if (section == SECTION_INSTALL) /* read by those who install */
        return 0;
    l->at.line = line;
    int r = unit_file_assign(l->unit, row, &l->at, text);
    if (r == -ENOMEM)
        return r;
    if (r < 0 || l->at.why.len > 0) {
        const char *why = l->at.why.failed || !l->at.why.len ? "cannot be read" : text_str(&l->at.why);
        size_t n = strlen(text), shown = MIN(n, (size_t)SHOWN_VALUE_MAX);
        while (shown < n && shown > 0 && (text[shown] & 0xc0) == 0x80) /* no half characters */
            shown--;
        const char *then = r == -ENOEXEC ? ", the unit will not be started" : r < 0 ? ", ignoring" : "";
        sayf(l, line, "%s=%.*s%s: %s%s", name, (int)shown, text, shown < n ? "…" : "", why, then);
        if (r == -ENOEXEC)
            fail(l, LOAD_BAD_SETTING, "%s:%u: %s=%.*s: %s", l->at.file ?: l->unit->name, line, name,
                 (int)shown, text, why);
    }
    return 0;
}

static void complain(void *userdata, unsigned line, const char *why) {
    say(userdata, line, why);
}

static int read_text(struct load *l, const char *text, size_t size) {
    static const struct line_handler handler = { .assign = assign, .complain = complain };
    free(l->unknown_section);
    l->unknown_section = NULL;
    return lines_read(text, size, &handler, l);
}

static usec_t mtime_of(const struct stat *st) {
    return (usec_t)st->st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st->st_mtim.tv_nsec / 1000;
}

static usec_t newest(usec_t so_far, const char *path) {
    struct stat st;
    return path && stat(path, &st) == 0 ? MAX(so_far, mtime_of(&st)) : so_far;
}

/* Reads and parses. 0; -ENODATA: the file is empty, or the null device; or why it cannot be read. */
static int read_file(struct load *l, const char *path) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    _cleanup_free_ char *data = NULL;
    struct stat st;
    size_t n = 0;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0))
        return -ENODATA;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if ((size_t)st.st_size > FILE_MAX)
        return -EFBIG;
    data = malloc((size_t)st.st_size + 1);
    if (!data)
        return -ENOMEM;
    while (n < (size_t)st.st_size) {
        ssize_t k = read(fd, data + n, (size_t)st.st_size - n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -errno;
        if (k == 0)
            break;
        n += (size_t)k;
    }
    l->unit->mtime = MAX(l->unit->mtime, mtime_of(&st));
    l->at.file = path;
    int r = read_text(l, data, n);
    l->at.file = NULL;
    return r;
}

/* --- the fragment --------------------------------------------------------------------------------------- */

static int load_fragment(struct load *l, const struct search_found *found) {
    struct unit_file *u = l->unit;
    switch (found->result) {
    case SEARCH_NOT_FOUND:
        /* Slices and devices need no file. */
        u->state = u->type == UNIT_SLICE || u->type == UNIT_DEVICE ? LOAD_LOADED : LOAD_NOT_FOUND;
        return 0;
    case SEARCH_LOOP:
        fail(l, LOAD_ERROR, "%s: links that lead in a circle", u->name);
        say(l, 0, u->error ?: "links that lead in a circle");
        return 0;
    case SEARCH_MASKED:
        u->state = LOAD_MASKED;
        u->fragment_path = strdup(found->path ?: "/dev/null");
        return u->fragment_path ? 0 : -ENOMEM;
    case SEARCH_VENDOR:
        u->state = LOAD_LOADED;
        return read_text(l, found->vendor->content, strlen(found->vendor->content));
    case SEARCH_FILE:
        break;
    }
    u->fragment_path = strdup(found->path);
    if (!u->fragment_path)
        return -ENOMEM;
    u->state = LOAD_LOADED;
    int r = read_file(l, found->path);
    if (r == -ENOMEM)
        return r;
    if (r == -ENODATA) {
        u->state = LOAD_MASKED;
        return 0;
    }
    if (r == -ENOENT) { /* it vanished, or is a link to nowhere */
        free(u->fragment_path);
        u->fragment_path = NULL;
        u->state = LOAD_NOT_FOUND;
        return 0;
    }
    if (r < 0) {
        fail(l, LOAD_ERROR, "%s: %s", found->path, strerror(-r));
        sayf(l, 0, "Failed to read %s: %s", found->path, strerror(-r));
    }
    const char *below = l->where->transient ? path_below(found->path, l->where->transient) : NULL;
    u->transient = below && *below;
    return 0;
}

/* --- drop-ins and the names in .wants directories ------------------------------------------------------- */

static int load_dropins(struct load *l, char *const *names) {
    struct unit_file *u = l->unit;
    int r = search_dropins(l->where, names, ".d", &u->dropin_paths);
    STRV_FOREACH(path, u->dropin_paths) {
        if (r < 0)
            return r;
        r = read_file(l, *path);
        if (r < 0 && r != -ENOMEM) {
            if (r != -ENODATA)
                sayf(l, 0, "Failed to read %s, ignoring: %s", *path, strerror(-r));
            r = 0;
        }
    }
    return r;
}

static int load_side_names(struct load *l, char *const *names, const char *suffix, char ***ret) {
    _cleanup_strv_ char **links = NULL;
    int r = search_dropins(l->where, names, suffix, &links);
    STRV_FOREACH(link, links) {
        const char *name = path_base(*link);
        _cleanup_free_ char *instance = NULL, *made = NULL;
        if (r < 0)
            return r;
        if (unit_name_kind(name) == UNIT_NAME_TEMPLATE) {
            /* foo@.service in bar@.target.wants/: the instance of the unit that wants it. */
            r = unit_name_instance(l->unit->name, &instance);
            if (r >= 0 && *instance)
                r = unit_name_replace_instance(name, instance, &made);
            if (r == -ENOMEM)
                return r;
            if (!made) {
                sayf(l, 0, "%s: a template needs an instance, ignoring", *link);
                r = 0;
                continue;
            }
            name = made;
        }
        r = strv_add(ret, name);
    }
    return r;
}

/* SourcePath= is asked for often enough to have a field. */
static int take_source_path(struct unit_file *u) {
    const char *source = unit_string(u, D_SourcePath);
    if (!source)
        return 0;
    u->source_path = strdup(source);
    u->mtime = newest(u->mtime, source);
    return u->source_path ? 0 : -ENOMEM;
}

static int load_all(struct load *l, const char *asked) {
    struct unit_file *u = l->unit;
    _cleanup_(search_found_done) struct search_found found = {};
    _cleanup_strv_ char **names = NULL;
    int r = search_resolve(l->where, asked, &found);
    if (r < 0)
        return r;
    if (strcmp(found.name, u->name) != 0) {
        free(u->name);
        u->name = TAKE(found.name);
    }
    l->at.unit = u->name;
    if (found.result != SEARCH_NOT_FOUND)
        r = search_aliases(l->where, u->name, &u->aliases);
    if (r < 0)
        return r;
    u->builtin = found.vendor && found.vendor->builtin;
    r = load_fragment(l, &found);
    if (r < 0 || (u->state != LOAD_LOADED && u->state != LOAD_BAD_SETTING))
        return r;
    r = strv_add(&names, u->name);
    if (r >= 0)
        r = strv_add_all(&names, u->aliases);
    if (r >= 0 && !u->builtin)
        r = load_dropins(l, names);
    if (r >= 0)
        r = load_side_names(l, names, ".wants", &u->wants_from_dirs);
    if (r >= 0)
        r = load_side_names(l, names, ".requires", &u->requires_from_dirs);
    if (r >= 0)
        r = load_side_names(l, names, ".upholds", &u->upholds_from_dirs);
    return r < 0 ? r : take_source_path(u);
}

int unit_file_load(const struct search_path *where, const struct manager_dirs *dirs, const char *name,
                   unit_report report, void *userdata, struct unit_file **ret) {
    _cleanup_(unit_file_freep) struct unit_file *unit = NULL;
    if (!unit_name_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
        return -EINVAL;
    int r = unit_file_new(name, &unit);
    if (r < 0)
        return r;
    /* Without a cache: one for this load. With one: as long as it is true. */
    struct search_path cached = *where;
    r = cached.cache ? search_recent(where, &cached) : search_cache_fill(&cached);
    if (r < 0)
        return r;
    struct load l = { .where = &cached, .dirs = dirs, .report = report, .userdata = userdata, .unit = unit };
    unit_specifiers_init(&l.specifiers, unit, dirs);
    l.at = (struct parse_at){ .unit = unit->name, .specifiers = &l.specifiers.table };
    r = load_all(&l, name);
    text_free(&l.at.why);
    free(l.unknown_section);
    if (!where->cache)
        search_cache_drop(&cached);
    if (r < 0)
        return r;
    *ret = TAKE(unit);
    return 0;
}

/* --- has anything changed? ------------------------------------------------------------------------------ */

/* Has what was loaded, or not found, another file now? */
static bool fragment_changed(const struct unit_file *file, const struct search_found *found,
                             const char **ret) {
    struct stat st;
    const char *path = found->result == SEARCH_MASKED && !found->path ? "/dev/null" : found->path;
    if (file->state == LOAD_NOT_FOUND && path && stat(path, &st) < 0)
        path = NULL; /* a link to nowhere, as before */
    *ret = path;
    if (strcmp(found->name, file->name) != 0 || strcmp(path ?: "", file->fragment_path ?: "") != 0)
        return true;
    if (found->result != SEARCH_FILE || !path)
        return false;
    if (file->state == LOAD_MASKED) /* by being empty */
        return stat(path, &st) == 0 && st.st_size > 0;
    return file->state != LOAD_LOADED && file->state != LOAD_BAD_SETTING && newest(0, path) != file->mtime;
}

bool unit_file_changed(const struct search_path *where, const struct unit_file *file) {
    _cleanup_(search_found_done) struct search_found found = {};
    _cleanup_strv_ char **names = NULL, **dropins = NULL;
    struct search_path fresh;
    const char *path;
    if (!where->cache || search_now(where, &fresh) < 0 || search_resolve(&fresh, file->name, &found) < 0)
        return false;
    if (fragment_changed(file, &found, &path))
        return true;
    if (file->state != LOAD_LOADED && file->state != LOAD_BAD_SETTING)
        return false;
    bool builtin = found.vendor && found.vendor->builtin;
    if (strv_add(&names, file->name) < 0 || strv_add_all(&names, file->aliases) < 0 ||
        (!builtin && search_dropins(&fresh, names, ".d", &dropins) < 0))
        return false;
    if (!strv_equal(dropins, file->dropin_paths))
        return true;
    usec_t time = newest(0, path);
    STRV_FOREACH(d, dropins)
        time = newest(time, *d);
    /* What the file was made of, and is gone: it has to be made anew. */
    const char *source = unit_string(file, D_SourcePath);
    return newest(time, source) != file->mtime || (source && access(source, F_OK) < 0);
}
