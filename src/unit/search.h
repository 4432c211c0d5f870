/* SPDX-License-Identifier: Apache-2.0 */
/* The unit load path, and a cache of what lies in it, so that a boot reads each directory once. systemd.unit(5) "Unit
 * File Load Path". */
#pragma once

#include "base/macro.h"

/* A vendor unit compiled into the binary: the last entry of the path, or, for what reeve itself is, the first. */
struct vendor_unit {
    const char *name;
    const char *content; /* of the unit file; NULL for an alias */
    const char *alias;   /* not NULL: this is a symlink to that vendor unit; files of the same name win as always */
    bool builtin; /* stands for something reeve does itself: wins over every file, cannot be masked. A built-in service
                   * or socket that says nothing to run or to listen on is active as soon as it is started */
};
/* Sorted by name, ends with a NULL name; generated from units/ at build time. What a vendor unit pulls in is in its
 * Wants=: there are no vendor .wants directories. */
extern const struct vendor_unit vendor_units[];
extern const size_t n_vendor_units;
/* NULL: there is none. unit/vendor.c. */
const struct vendor_unit *vendor_unit_find(const char *name);

/* Whose units: a user's own, the system's, or what the administrator sets up for all users (`systemctl --global`). The
 * first two are also `system` as a boolean. */
enum search_scope { SEARCH_USER, SEARCH_SYSTEM, SEARCH_GLOBAL };

struct search_path {
    enum search_scope scope;
    char *root;          /* --root=; "" normally. Every path below starts with it */
    char **directories;  /* in order of priority, existing or not */
    char *persistent_config, *runtime_config;           /* /etc/systemd/system, /run/systemd/system */
    char *persistent_control, *runtime_control;         /* …/system.control */
    char *transient;                                    /* /run/systemd/transient */
    char *generator, *generator_early, *generator_late; /* /run/systemd/generator… */
    struct search_cache *cache; /* NULL: the directories are read anew for each look-up (a tool that asks once) */
};

/* `runtime` is the manager's runtime directory, normally "/run"; NULL: that. $SYSTEMD_UNIT_PATH is honoured as
 * systemd.unit(5) says. -ENOMEM. */
int search_path_init(struct search_path *path, const char *root, const char *runtime,
                     enum search_scope scope);
void search_path_done(struct search_path *path);

/* What is compiled in, which is for the system's manager: users have none of it. */
static inline size_t search_n_vendor(const struct search_path *path) {
    return path->scope == SEARCH_SYSTEM ? n_vendor_units : 0;
}
static inline const struct vendor_unit *search_vendor(const struct search_path *path, const char *name) {
    return path->scope == SEARCH_SYSTEM ? vendor_unit_find(name) : NULL;
}

/* Reads all directories' names once; later look-ups use that. Call again to refresh (daemon-reload). */
int search_cache_fill(struct search_path *path);
/* Frees the cache alone. */
void search_cache_drop(struct search_path *path);

/* Does a fragment or link of this name lie anywhere in the path? One look into the cache. */
bool search_has(const struct search_path *path, const char *name);

/* Where a name leads. */
enum search_result {
    SEARCH_NOT_FOUND,
    SEARCH_FILE,   /* a file of that name, or a link out of the path: *path */
    SEARCH_VENDOR, /* a compiled-in unit: *vendor */
    SEARCH_MASKED, /* a link to /dev/null: *path is that link. (An empty file is found out by reading it.) */
    SEARCH_LOOP,   /* links that lead in a circle */
};
struct search_found {
    enum search_result result;
    char *name;  /* the name that the links lead to */
    char *path;
    const struct vendor_unit *vendor;
};
void search_found_done(struct search_found *found);
/* Follows aliases and falls back from an instance to its template. -ENOMEM; -EINVAL: no unit name. */
int search_resolve(const struct search_path *path, const char *name, struct search_found *ret);
/* All names that lead to `name`, without it: appended to *ret, sorted. -ENOMEM. */
int search_aliases(const struct search_path *path, const char *name, char ***ret);
/* The files NAME.d/ *.conf (suffix ".d") or the entries of NAME.wants/ (".wants" …) for all of `names`: in the
 * directories of the names, their "-" prefixes, their templates and their type; of files of the same name, the one in
 * the directory of the highest priority; sorted by file name. What is masked is left out. -ENOMEM. */
int search_dropins(const struct search_path *path, char *const *names, const char *suffix, char ***ret);
/* The path as it is on disk now, whatever its cache says: *ret borrows from it and needs no release. Looks at the
 * directories' times only, unless one has changed. `path` must have a cache. -ENOMEM. */
int search_now(const struct search_path *path, struct search_path *ret);
/* The same, but what was found out a moment ago counts as now: for many look-ups in a row, as at boot. */
int search_recent(const struct search_path *path, struct search_path *ret);
/* Every unit file name once, sorted, with its path (NULL for vendor units): what list-unit-files starts from. */
int search_list(const struct search_path *path, int (*each)(void *userdata, const char *name, const char *file),
                void *userdata);
