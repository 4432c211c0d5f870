/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of the unit load path, as search.c fills it and search_dropins.c looks into it. */
#pragma once

#include "base/clock.h"
#include "unit/search.h"

#include <sys/stat.h>

#define SEARCH_DIRECTORIES_MAX 32 /* one bit each */

/* One name of a directory entry: what the directory of the highest priority has, and which ones have it. */
struct entry {
    char *name;
    char *target;     /* of a link: its text; NULL: a file or directory */
    uint32_t present; /* bit n: directory n has it. Of directories (NAME.d …) that is all there is to know */
    uint8_t directory; /* number of the first directory */
    bool is_unit;      /* a unit name; else NAME.d, NAME.wants, … */
};

struct search_cache {
    struct entry *entries; /* sorted by name */
    size_t n, room;
    struct {
        struct timespec mtime;
        dev_t device;
        ino_t inode; /* 0: not there */
    } seen[SEARCH_DIRECTORIES_MAX];
    int error; /* a directory could not be read to its end: this takes the place of nothing better */
    struct alias *aliases; /* sorted by target */
    size_t n_aliases;
    /* What search_now() found out: when, whether this cache still tells the truth, and what does instead. */
    usec_t checked;
    bool stale;
    struct search_cache *newer;
};

/* A link within the path, or a vendor alias. Borrowed strings. */
struct alias {
    const char *name, *target;
};

/* The cache of the path, or one made for the moment: *temporary, which the caller frees. -ENOMEM. */
int search_cache_of(const struct search_path *path, struct search_cache **temporary,
                    const struct search_cache **ret);
const struct entry *search_cache_find(const struct search_cache *c, const char *name);
void search_cache_free(struct search_cache *c);
void search_cache_freep(struct search_cache **c);
