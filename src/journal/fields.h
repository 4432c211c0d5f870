/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of journal entries: those that say who sent an entry, gathered once for all entries of a sender, and those
 * of one entry. systemd.journal-fields(7). Knows /proc, and no files. */
#pragma once

#include "journal/entry.h"
#include "journal/file.h"

/* Fields that a sender's entries have in common. */
struct entry_set {
    size_t n;
    struct {
        const char *text; /* NAME=value */
        size_t size;
        struct journal_ref ref;
    } items[];
};

/* What is to be in a set; what is 0, NULL or -1 is left out, or found in /proc by pid. */
struct set_request {
    pid_t pid;
    uid_t uid;
    gid_t gid;
    const char *unit;
    struct id128 invocation;
    uint64_t stream; /* _STREAM_ID= */
    const char *identifier;
    const char *fields; /* further ones, "NAME=value" lines */
    bool started_by_us; /* a child that may not have executed its program yet: then nothing is said of it */
};
/* Caller frees. NULL: no memory. */
struct entry_set *entry_set_new(const struct set_request *request);

/* The fields of an entry, borrowed from it or in `text`. */
struct item_list {
    size_t n;
    struct journal_item items[JOURNAL_ITEMS_MAX];
    char text[1024];
};
void items_add_ref(struct item_list *l, const char *field, size_t size, struct journal_ref *ref);
/* Copies the field to *at in l->text; left out if there is no room. */
void items_add_copy(struct item_list *l, char **at, const char *field, size_t size, struct journal_ref *ref);
/* All that the entry itself says: everything but its level, facility, transport, machine
 * and boot. */
void entry_items(const struct entry *e, struct item_list *l, char **at);
/* May a client send a field of this name? Upper case, digits, underscores; not "_…", at most 64 bytes. */
bool field_name_valid(const char *name, size_t size);
