/* SPDX-License-Identifier: Apache-2.0 */
/* "enabled", "static", "masked" …: what the symlinks around a unit file say about it. The links are read once
 * into an index, so that a list of all unit files costs one walk. Changes nothing. */
#include "base/path.h"
#include "base/glob.h"
#include "base/strv.h"
#include "base/text.h"
#include "unit/install_internal.h"
#include "unit/name.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const state_names[UNIT_FILE_STATES] = {
    [UNIT_FILE_ENABLED] = "enabled",
    [UNIT_FILE_ENABLED_RUNTIME] = "enabled-runtime",
    [UNIT_FILE_LINKED] = "linked",
    [UNIT_FILE_LINKED_RUNTIME] = "linked-runtime",
    [UNIT_FILE_ALIAS] = "alias",
    [UNIT_FILE_MASKED] = "masked",
    [UNIT_FILE_MASKED_RUNTIME] = "masked-runtime",
    [UNIT_FILE_STATIC] = "static",
    [UNIT_FILE_DISABLED] = "disabled",
    [UNIT_FILE_INDIRECT] = "indirect",
    [UNIT_FILE_GENERATED] = "generated",
    [UNIT_FILE_TRANSIENT] = "transient",
    [UNIT_FILE_BAD] = "bad",
    [UNIT_FILE_NOT_FOUND] = "not-found",
};

const char *unit_file_state_to_string(enum unit_file_state state) {
    return state >= 0 && state < UNIT_FILE_STATES ? state_names[state] : NULL;
}

enum unit_file_state unit_file_state_from_string(const char *s) {
    for (int i = 0; i < UNIT_FILE_STATES; i++)
        if (strcmp(s, state_names[i]) == 0)
            return i;
    return UNIT_FILE_STATE_INVALID;
}

/* --- the index of links --------------------------------------------------------------------------------- */

struct found_link {
    size_t directory; /* index into the load path */
    bool wants;       /* lies in a .wants, .requires or .upholds directory below it */
    char *name;
    char *target; /* the last component of what it points to */
};
struct link_index {
    struct found_link *items;
    size_t n, room;
};

static void link_index_done(struct link_index *index) {
    for (size_t i = 0; i < index->n; i++) {
        free(index->items[i].name);
        free(index->items[i].target);
    }
    free(index->items);
}

static int index_add(struct link_index *index, size_t directory, bool wants, const char *name,
                     const char *target) {
    if (index->n == index->room) {
        size_t room = index->room ? 2 * index->room : 64;
        struct found_link *bigger = realloc(index->items, room * sizeof(*bigger));
        if (!bigger)
            return -ENOMEM;
        index->items = bigger;
        index->room = room;
    }
    struct found_link link = { directory, wants, strdup(name), strdup(target) };
    if (!link.name || !link.target) {
        free(link.name);
        free(link.target);
        return -ENOMEM;
    }
    index->items[index->n++] = link;
    return 0;
}

static bool is_wants_directory(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot &&
           (strcmp(dot, ".wants") == 0 || strcmp(dot, ".requires") == 0 || strcmp(dot, ".upholds") == 0);
}

static int index_directory(struct link_index *index, size_t number, const char *path, bool wants) {
    DIR *d = opendir(path);
    if (!d)
        return 0;
    int r = 0;
    for (struct dirent *e; r >= 0 && (e = readdir(d));) {
        if (e->d_name[0] == '.' || (e->d_type != DT_LNK && e->d_type != DT_DIR && e->d_type != DT_UNKNOWN))
            continue;
        char target[4096];
        ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
        if (n >= 0) {
            target[n] = 0;
            r = index_add(index, number, wants, e->d_name, path_base(target));
        } else if (!wants && is_wants_directory(e->d_name)) {
            _cleanup_free_ char *below = path_join(path, e->d_name);
            r = below ? index_directory(index, number, below, true) : -ENOMEM;
        }
    }
    closedir(d);
    return r;
}

static int link_index_read(const struct search_path *where, struct link_index *index) {
    size_t n = 0;
    STRV_FOREACH(directory, where->directories) {
        int r = index_directory(index, n++, *directory, false);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- one unit ------------------------------------------------------------------------------------------- */

enum found { FOUND_NOTHING, FOUND_SAME_NAME, FOUND_LINK };

/* In .wants directories only names count; that of an instance speaks for its template too. */
static bool names_unit(const struct found_link *link, const struct install_info *info) {
    _cleanup_free_ char *template = NULL;
    return unit_name_kind(info->name) == UNIT_NAME_TEMPLATE &&
           unit_name_kind(link->name) == UNIT_NAME_INSTANCE &&
           unit_name_template(link->name, &template) >= 0 && strcmp(template, info->name) == 0;
}

/* What the links of one directory say. `known_names`: links of other names than the unit's own, its Alias=
 * and its default instance do not count. `below`: the unit file lies in a directory of higher priority, so a
 * link of its name is hidden by it. */
static enum found look_in(const struct link_index *index, size_t directory, const struct install_info *info,
                          bool known_names, bool below) {
    enum found best = FOUND_NOTHING;
    for (size_t i = 0; i < index->n; i++) {
        const struct found_link *link = &index->items[i];
        if (link->directory != directory)
            continue;
        bool same_target = link->wants ? names_unit(link, info) : strcmp(link->target, info->name) == 0;
        bool same_name = strcmp(link->name, info->name) == 0 && (link->wants || !below);
        if (same_name && same_target)
            best = MAX(best, FOUND_SAME_NAME);
        else if ((same_name || same_target) && (!known_names || install_name_known(info, link->name)))
            return FOUND_LINK;
    }
    return best;
}

static bool state_from_links(const struct search_path *where, const struct link_index *index,
                             const struct install_info *info, bool known_names, enum unit_file_state *ret) {
    bool linked = false, linked_runtime = false, enabled_runtime = false, enabled_somewhere = false,
         below = false;
    size_t n = 0;
    STRV_FOREACH(directory, where->directories) {
        bool persistent = strcmp(*directory, where->persistent_config) == 0;
        switch (look_in(index, n++, info, known_names, below)) {
        case FOUND_LINK:
            if (persistent) {
                *ret = UNIT_FILE_ENABLED;
                return true;
            }
            if (path_is_runtime(where, *directory, false))
                enabled_runtime = true;
            else
                enabled_somewhere = true;
            break;
        case FOUND_SAME_NAME:
            if (persistent)
                linked = true;
            else if (path_is_runtime(where, *directory, false))
                linked_runtime = true;
            break;
        case FOUND_NOTHING:
            break;
        }
        const char *inside = path_below(info->path, *directory);
        if (inside && strcmp(inside, info->name) == 0)
            below = true;
    }
    if (enabled_runtime)
        *ret = UNIT_FILE_ENABLED_RUNTIME;
    /* An instance that a package links is meant to be there; a plain name would merely be an alias. */
    else if (enabled_somewhere && unit_name_kind(info->name) == UNIT_NAME_INSTANCE)
        *ret = UNIT_FILE_STATIC;
    else if (linked)
        *ret = UNIT_FILE_LINKED;
    else if (linked_runtime)
        *ret = UNIT_FILE_LINKED_RUNTIME;
    else
        return false;
    return true;
}

static int lookup(const struct search_path *where, const struct link_index *index, const char *name,
                  enum unit_file_state *ret) {
    _cleanup_(install_context_done) struct install_context context = { .where = where };
    struct install_info *info;
    int r = install_context_add(&context, name, false, &info);
    if (r >= 0)
        r = install_traverse(&context, info, SEARCH_LOAD | SEARCH_FOLLOW, &info);
    if (r < 0)
        return r;
    if (info->mode == MODE_MASKED) {
        *ret = path_is_runtime(where, info->path, true) ? UNIT_FILE_MASKED_RUNTIME : UNIT_FILE_MASKED;
        return 0;
    }
    if (info->mode != MODE_REGULAR)
        return -EINVAL;
    if (strcmp(name, path_base(info->path)) != 0 && unit_name_kind(info->name) != UNIT_NAME_INSTANCE)
        *ret = UNIT_FILE_ALIAS;
    else if (path_is_generated(where, info->path))
        *ret = UNIT_FILE_GENERATED;
    else if (path_is_transient(where, info->path))
        *ret = UNIT_FILE_TRANSIENT;
    else if (state_from_links(where, index, info, true, ret))
        return 0;
    else if (state_from_links(where, index, info, false, ret))
        *ret = UNIT_FILE_INDIRECT;
    else
        *ret = install_info_has_rules(info)  ? UNIT_FILE_DISABLED
               : install_info_has_also(info) ? UNIT_FILE_INDIRECT
                                             : UNIT_FILE_STATIC;
    return 0;
}

int install_state(const struct search_path *where, const char *name, enum unit_file_state *ret) {
    _cleanup_(link_index_done) struct link_index index = {};
    int r = link_index_read(where, &index);
    return r < 0 ? r : lookup(where, &index, name, ret);
}

/* --- all units ------------------------------------------------------------------------------------------ */

void unit_file_list_done(struct unit_file_list *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].path);
    free(list->items);
    *list = (struct unit_file_list){};
}

struct listing {
    const struct search_path *where;
    const struct link_index *index;
    char *const *states, *const *patterns;
    struct unit_file_list list;
    size_t room;
};

static bool wanted(char *const *patterns, const char *name) {
    if (strv_length(patterns) == 0)
        return true;
    STRV_FOREACH(pattern, patterns)
        if (glob_match(*pattern, name, FNM_NOESCAPE))
            return true;
    return false;
}

static int list_one(struct listing *at, const char *directory, const char *name) {
    if (!unit_name_valid(name, UNIT_NAME_ANY) || !wanted(at->patterns, name))
        return 0;
    struct unit_file_list *list = &at->list;
    if (list->n == at->room) {
        size_t room = at->room ? 2 * at->room : 128;
        struct unit_file_entry *bigger = realloc(list->items, room * sizeof(*bigger));
        if (!bigger)
            return -ENOMEM;
        list->items = bigger;
        at->room = room;
    }
    struct unit_file_entry entry = { .path = path_join(directory, name), .state = UNIT_FILE_BAD };
    if (!entry.path)
        return -ENOMEM;
    list->items[list->n++] = entry;
    return 0;
}

/* By name; among equals the order of the load path stays. */
static int compare_entries(const void *a, const void *b) {
    const struct unit_file_entry *x = a, *y = b;
    int order = strcmp(path_base(x->path), path_base(y->path));
    /* state holds the rank while the list is being built */
    return order ? order : (int)x->state - (int)y->state;
}

static int list_all(struct listing *at) {
    const struct search_path *where = at->where;
    int r = 0;
    STRV_FOREACH(directory, where->directories) {
        DIR *d = opendir(*directory);
        if (!d)
            continue;
        for (struct dirent *e; r >= 0 && (e = readdir(d));)
            if (e->d_type == DT_LNK || e->d_type == DT_REG || e->d_type == DT_UNKNOWN)
                r = list_one(at, *directory, e->d_name);
        closedir(d);
        if (r < 0)
            return r;
    }
    _cleanup_free_ char *vendor = path_join(where->root, VENDOR_DIRECTORY);
    if (!vendor)
        return -ENOMEM;
    for (size_t i = 0; r >= 0 && i < search_n_vendor(where); i++)
        r = list_one(at, vendor, vendor_units[i].name);
    return r;
}

int install_list(const struct search_path *where, char *const *states, char *const *patterns,
                 struct unit_file_list *ret) {
    _cleanup_(link_index_done) struct link_index index = {};
    struct listing at = { .where = where, .index = &index, .states = states, .patterns = patterns };
    int r = link_index_read(where, &index);
    if (r >= 0)
        r = list_all(&at);
    if (r < 0) {
        unit_file_list_done(&at.list);
        return r;
    }
    for (size_t i = 0; i < at.list.n; i++)
        at.list.items[i].state = i;
    if (at.list.n)
        qsort(at.list.items, at.list.n, sizeof(at.list.items[0]), compare_entries);
    size_t kept = 0;
    char *last = NULL; /* the name before, kept or not */
    for (size_t i = 0; i < at.list.n; i++) {
        struct unit_file_entry entry = at.list.items[i];
        bool keep = !last || strcmp(last, path_base(entry.path)) != 0;
        if (keep) {
            free(last);
            last = strdup(path_base(entry.path));
            r = lookup(where, &index, path_base(entry.path), &entry.state);
            if (r < 0)
                entry.state = UNIT_FILE_BAD;
            keep = strv_length(states) == 0 || strv_contains(states, unit_file_state_to_string(entry.state));
        }
        if (keep)
            at.list.items[kept++] = entry;
        else
            free(entry.path);
    }
    free(last);
    at.list.n = kept;
    *ret = at.list;
    return 0;
}
