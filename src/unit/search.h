/* SPDX-License-Identifier: Apache-2.0 */
/* The unit load path, and a cache of what lies in it, so that a boot reads each directory once. systemd.unit(5) "Unit
 * File Load Path". */
#pragma once

#include "base/macro.h"

/* A vendor unit compiled into the binary: the last entry of the path, or, for what reeve itself is, the first. */
struct vendor_unit {
    const char *name;
    const char *content;
    bool builtin; /* stands for something reeve does itself: wins over every file, cannot be masked */
};
extern const struct vendor_unit vendor_units[]; /* ends with a NULL name; generated from units/ at build time */
const struct vendor_unit *vendor_unit_find(const char *name);
/* Names that units/ puts into X.target.wants: "multi-user.target" → …; may be NULL. */

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
