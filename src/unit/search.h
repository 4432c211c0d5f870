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

struct search_path {
    char *root;          /* --root=; "" normally. Prefixed to every directory below */
    char **directories;  /* in order of priority, existing or not */
    char *persistent_config, *runtime_config;           /* /etc/systemd/system, /run/systemd/system */
    char *persistent_control, *runtime_control;         /* …/system.control */
    char *transient;                                    /* /run/systemd/transient */
    char *generator, *generator_early, *generator_late; /* /run/systemd/generator… */
    struct search_cache *cache; /* NULL: files are looked up one by one (offline tools) */
};

/* `runtime` is the manager's runtime directory, normally "/run". -ENOMEM. */
int search_path_init(struct search_path *path, const char *root, const char *runtime, bool system);
void search_path_done(struct search_path *path);

/* Reads all directories' names once; later look-ups use that. Call again to refresh (daemon-reload). */
int search_cache_fill(struct search_path *path);
