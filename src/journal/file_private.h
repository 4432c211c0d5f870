/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by file.c, file_open.c, file_data.c and file_array.c only. */
#pragma once

#include "journal/file.h"

#include <errno.h>
#include <string.h>

/* Readers take the header to be this long, and know the first 272 bytes of it. */
#define HEADER_SIZE (68 * 1024)
#define UNDO_AT 512
#define UNDO_MAGIC UINT64_C(0x6f646e7565766572)
#define UNDO_MAX 4096

/* What a change has to be put back to; see file.h. Ours alone, in the machine's byte order. */
struct undo {
    uint64_t magic;
    struct id128 boot_id;         /* of the machine on which it was written last */
    uint64_t open;                /* a change has begun, and `header` is what it was before */
    uint64_t n;                   /* words */
    struct journal_header header;
    struct {
        uint64_t offset, old;
    } words[UNDO_MAX];
};
_Static_assert(UNDO_AT + sizeof(struct undo) <= HEADER_SIZE, "header");

/* The last entry array of a data object (or of the file), so that it is not looked for. */
struct tail_array {
    uint64_t owner; /* offset of the data object; 0: free */
    uint64_t array;
    uint32_t used, size; /* items */
};
#define TAILS 2048 /* a power of two */

struct journal_file {
    int fd;
    uint8_t *map;
    size_t map_size;
    struct journal_header *h;
    struct undo *undo;
    uint64_t number; /* of refs */
    uint64_t size;   /* allocated */
    uint64_t tail;   /* where the next object begins */
    uint64_t last_monotonic;
    uint64_t compress_from;
    bool compact; /* the file's layout */
    uint64_t touched; /* bytes written since memory was last given back */
    uint64_t ahead;   /* mapped up to here */
    bool worked;      /* the hash tables are mapped */
    struct id128 boot_id;
    struct tail_array main;
    struct tail_array *tails; /* TAILS, or NULL */
    struct journal_hash_item *data_table, *field_table;
    uint64_t n_data_table, n_field_table;
    volatile bool broken; /* a page of it could not be had */
    bool dirty;
};

/* Nothing may be reordered over this: a kill may come in between. */
static inline void barrier(void) {
    __asm__ volatile("" ::: "memory");
}

/* --- changes: file.c */
void change_begin(struct journal_file *f);
void change_end(struct journal_file *f);
void change_undo(struct journal_file *f);

static inline int note(struct journal_file *f, const void *where, uint64_t old) {
    struct undo *u = f->undo;
    if (u->n >= UNDO_MAX)
        return -E2BIG;
    u->words[u->n].offset = (uint64_t)((const uint8_t *)where - f->map);
    u->words[u->n].old = old;
    barrier();
    u->n++;
    barrier();
    return 0;
}

/* Changes a word that readers can reach. -E2BIG: the change is too large. */
static inline int set64(struct journal_file *f, le64_t *where, uint64_t value) {
    int r = note(f, where, where->raw);
    if (r >= 0)
        *where = to_le64(value);
    return r;
}

/* Where a data object's payload begins. */
static inline uint64_t data_head(const struct journal_file *f) {
    return f->compact ? sizeof(struct journal_data_compact) : sizeof(struct journal_data);
}

/* An item of entries, and of arrays of entries. */
static inline uint64_t entry_item_size(const struct journal_file *f) {
    return f->compact ? sizeof(le32_t) : sizeof(struct journal_entry_item);
}
static inline uint64_t array_item_size(const struct journal_file *f) {
    return f->compact ? sizeof(le32_t) : sizeof(le64_t);
}

/* The same for 32 bits: the word around them is noted. */
static inline int set32(struct journal_file *f, le32_t *where, uint32_t value) {
    const uint64_t *word = (const uint64_t *)((uintptr_t)where & ~(uintptr_t)7);
    int r = note(f, word, *word);
    if (r >= 0)
        *where = to_le32(value);
    return r;
}

/* --- objects: file.c */
/* An object that lies there, whole, with this type, and at least so long. NULL: damage. */
void *object_at(struct journal_file *f, uint64_t offset, enum journal_object_type type, uint64_t min_size);
/* Room for an object of this size at the end, which object_add() then makes one. -E2BIG, -ENOSPC, … */
int object_room(struct journal_file *f, uint64_t size);
void object_add(struct journal_file *f, enum journal_object_type type, uint64_t size);

/* --- data and fields: file_data.c */
/* Finds the value, or adds it. */
int file_data(struct journal_file *f, const struct journal_item *item, struct journal_ref *ret);
/* --- file_array.c */
/* Adds an entry to a data object's entries, or to the file's. */
int link_to_data(struct journal_file *f, uint64_t data, uint64_t entry);
int link_to_file(struct journal_file *f, uint64_t entry);
/* Does the chain of the file's entries lead to all of them, so that readers come to what will be added? */
bool file_chain_is_whole(struct journal_file *f);
