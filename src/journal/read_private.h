/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the reader share: one file, its chains of entries, matches, the position. */
#pragma once

#include "journal/format.h"
#include "journal/read.h"

#include <sys/types.h>

/* A list of entries as a file keeps it: one entry by itself (of data only), then arrays that each are longer than the
 * one before. Looked up once, then any position is found without walking. */
struct chain_part {
    uint64_t offset; /* of the first item */
    uint64_t begin;  /* its position in the chain */
    uint64_t n;
};
struct chain {
    uint64_t first, first_array; /* offsets */
    uint64_t n;                  /* how many the file says there are */
    struct chain_part *parts;
    size_t n_parts, size;
    uint64_t near; /* where the last search ended */
};

/* A match in one file. */
struct term_state {
    uint64_t data; /* offset of its data object; 0: not found so far */
    struct chain chain;
};

struct read_file {
    char *path;
    int fd;
    dev_t device;
    ino_t inode;
    const uint8_t *map;
    size_t mapped;
    uint64_t size; /* of what may be looked at */
    bool compact, keyed, seen;
    unsigned number; /* of the file within the reader, for ids of data */
    struct chain entries;
    struct term_state *terms;
    size_t n_terms;
    char *buffer; /* decompressed data */
    size_t buffer_size;

    /* The entry that this file offers next, or that the reader is at. */
    uint64_t at;
    struct reader_entry entry;
    bool is_candidate; /* found, not yet used */
    bool ended;        /* nothing more in this direction, as long as the file does not grow */
    bool up;
};

static inline const struct journal_header *file_header(const struct read_file *f) {
    return (const struct journal_header *)f->map;
}

enum match_kind { MATCH_TERM, MATCH_OR, MATCH_AND };
struct match {
    enum match_kind kind;
    struct match *children, *next;
    char *data;
    size_t size;
    uint64_t hash; /* Jenkins'; keyed ones are made per file */
    size_t number; /* of a term, in read_file.terms */
};

enum place { PLACE_HEAD, PLACE_TAIL, PLACE_SEEK, PLACE_ENTRY };

struct reader {
    struct read_file **files;
    size_t n_files, size;
    unsigned numbers;
    struct reader_problem *problems;
    size_t n_problems;
    struct match *all, *any, *group; /* the tree; where matches are added: read_match.c */
    size_t n_terms;

    enum place place;
    struct reader_entry key; /* PLACE_SEEK, PLACE_ENTRY */
    bool has_seqnum, has_monotonic, has_realtime, has_hash;
    struct read_file *current;
    size_t next_item;

    char **directories; /* watched: read again when they change */
    enum reader_files which;
    bool all_names; /* explicit directories: every *.journal */
    char *root;
    int inotify;
    bool watched; /* all was looked at since the watching began */
};

/* --- one file: read_file.c -------------------------------------------------------------------------------- */
int read_file_open(const char *path, struct read_file **ret);
void read_file_free(struct read_file *f);
/* The file may have grown: pointers into it are void. */
int read_file_refresh(struct read_file *f);
/* The object at `offset` if it is one of this type (JOURNAL_UNUSED: of any) and all of it, at least `least` bytes, lies
 * in the file; else NULL. */
const void *read_object(const struct read_file *f, uint64_t offset, enum journal_object_type type, uint64_t least);
const struct journal_entry *read_entry(const struct read_file *f, uint64_t offset);
const struct journal_data *read_data(const struct read_file *f, uint64_t offset);
/* How many data an entry has, and the offset of each. */
uint64_t entry_n_items(const struct read_file *f, const struct journal_entry *e);
uint64_t entry_item(const struct read_file *f, const struct journal_entry *e, uint64_t i);
/* The payload, decompressed if need be into the file's buffer. -EBADMSG, -ENOMEM. */
int data_payload(struct read_file *f, const struct journal_data *d, const char **ret, size_t *ret_size);
uint64_t read_hash(const struct read_file *f, const void *data, size_t size);
/* The offset of the data object or field object with this content; 0: none. */
uint64_t find_data(struct read_file *f, const void *data, size_t size, uint64_t hash);
uint64_t find_field(struct read_file *f, const void *name, size_t size, uint64_t hash);
void entry_key(const struct read_file *f, const struct journal_entry *e, struct reader_entry *ret);

/* --- chains: read_chain.c --------------------------------------------------------------------------------- */
void chain_begin(struct chain *c, uint64_t first, uint64_t array, uint64_t n);
void chain_done(struct chain *c);
/* The entry at this position; 0: the file does not have it, or has it no more. */
uint64_t chain_get(const struct read_file *f, struct chain *c, uint64_t i);
/* The nearest entry at or behind `offset`, or at or before it; 0: none. */
uint64_t chain_seek(const struct read_file *f, struct chain *c, uint64_t offset, bool up);
/* The first entry for which test() is >= 0, or the last for which it is <= 0; it compares an entry with what is looked
 * for. 0: none. */
typedef int (*chain_test)(const struct journal_entry *e, const void *needle);
uint64_t chain_find(const struct read_file *f, struct chain *c, chain_test test, const void *needle, bool up);

/* --- matches: read_match.c -------------------------------------------------------------------------------- */
/* The nearest entry at `offset` or beyond it that matches; 0: none. */
uint64_t match_seek(struct reader *r, struct read_file *f, uint64_t offset, bool up);
/* Looks up again what may have come into the file. */
void match_refresh(struct reader *r, struct read_file *f);

/* --- decompression: read_decompress.c --------------------------------------------------------------------- */
int decompress(unsigned flags, const void *from, size_t n, char **buffer, size_t *buffer_size, size_t *ret_size);

int reader_insert(struct reader *r, struct read_file *f);
