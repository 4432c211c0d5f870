/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's journal file format, as its page JOURNAL_FILE_FORMAT documents it and its files show it: what lies where.
 * Shared by the writer (file*.c) and the reader (read*.c); knows neither.
 *
 * All numbers are little-endian and read with le32() and le64(). Objects begin at multiples of 8; an offset of 0 is
 * "none". A file begins with struct journal_header, then objects follow without gaps, each with a struct
 * journal_object. Hash tables are objects; the header names the offset and size of their items, not of the objects. */
#pragma once

#include "base/id128.h"

#include <endian.h>

/* Little-endian fields are types of their own, so that none is used as a number by mistake. */
typedef struct {
    uint32_t raw;
} le32_t;
typedef struct {
    uint64_t raw;
} le64_t;
static inline uint32_t le32(le32_t v) {
    return le32toh(v.raw);
}
static inline uint64_t le64(le64_t v) {
    return le64toh(v.raw);
}
static inline le32_t to_le32(uint32_t v) {
    return (le32_t){ htole32(v) };
}
static inline le64_t to_le64(uint64_t v) {
    return (le64_t){ htole64(v) };
}

#define JOURNAL_SIGNATURE "LPKSHHRH"
#define JOURNAL_ALIGN(n) (((n) + 7) & ~UINT64_C(7))

/* The file's compatible flags: who does not know one may read, but not write. */
enum {
    JOURNAL_SEALED = 1 << 0,
    JOURNAL_TAIL_ENTRY_BOOT_ID = 1 << 1, /* 254: boot_id is that of the last entry, and only that */
    JOURNAL_SEALED_CONTINUOUS = 1 << 2,
};
/* The file's incompatible flags: who does not know one may not read. */
enum {
    JOURNAL_XZ = 1 << 0,
    JOURNAL_LZ4 = 1 << 1,
    JOURNAL_KEYED_HASH = 1 << 2, /* siphash24 with the file's id in place of Jenkins' hash */
    JOURNAL_ZSTD = 1 << 3,
    JOURNAL_COMPACT = 1 << 4, /* offsets of 32 bits in entries and entry arrays; files below 4 GiB */
    JOURNAL_INCOMPATIBLE_ALL = (1 << 5) - 1,
};
enum journal_state {
    JOURNAL_OFFLINE,  /* closed well */
    JOURNAL_ONLINE,   /* being written, or the writer died */
    JOURNAL_ARCHIVED, /* will never be written again */
    JOURNAL_STATES,
};

struct journal_header {
    uint8_t signature[8];
    le32_t compatible_flags, incompatible_flags;
    uint8_t state, reserved[7];
    struct id128 file_id, machine_id, tail_entry_boot_id, seqnum_id;
    le64_t header_size, arena_size; /* the arena is all behind the header */
    le64_t data_hash_table_offset, data_hash_table_size;
    le64_t field_hash_table_offset, field_hash_table_size;
    le64_t tail_object_offset;
    le64_t n_objects, n_entries;
    le64_t tail_entry_seqnum, head_entry_seqnum;
    le64_t entry_array_offset;
    le64_t head_entry_realtime, tail_entry_realtime, tail_entry_monotonic;
    /* The rest may be missing: ask JOURNAL_HEADER_HAS(). */
    le64_t n_data, n_fields;                              /* 187 */
    le64_t n_tags, n_entry_arrays;                        /* 189 */
    le64_t data_hash_chain_depth, field_hash_chain_depth; /* 246 */
    le32_t tail_entry_array_offset, tail_entry_array_n_entries; /* 252; 0 where the offset does not fit */
    le64_t tail_entry_offset;                                   /* 254 */
};
#define JOURNAL_HEADER_MIN offsetof(struct journal_header, n_data)
#define JOURNAL_HEADER_HAS(header_size, field) \
    ((header_size) >= offsetof(struct journal_header, field) + sizeof(((struct journal_header *)NULL)->field))

enum journal_object_type {
    JOURNAL_UNUSED,
    JOURNAL_DATA,
    JOURNAL_FIELD,
    JOURNAL_ENTRY,
    JOURNAL_DATA_HASH_TABLE,
    JOURNAL_FIELD_HASH_TABLE,
    JOURNAL_ENTRY_ARRAY,
    JOURNAL_TAG,
    JOURNAL_OBJECT_TYPES,
};
/* A data object's flags: how its payload is compressed, at most one. */
enum {
    JOURNAL_OBJECT_XZ = 1 << 0,
    JOURNAL_OBJECT_LZ4 = 1 << 1,
    JOURNAL_OBJECT_ZSTD = 1 << 2,
    JOURNAL_OBJECT_COMPRESSED = 7
};

/* At the start of each object. `size` counts this too, but not the padding up to the next multiple of 8. */
struct journal_object {
    uint8_t type, flags, reserved[6];
    le64_t size;
};

/* "FIELD=value", stored once however many entries have it. The payload follows: behind this struct, or, in compact
 * files, behind struct journal_data_compact. LZ4: 8 bytes with the size, then one block. */
struct journal_data {
    struct journal_object object;
    le64_t hash; /* of the payload, uncompressed */
    le64_t next_hash_offset;
    le64_t next_field_offset;  /* the field's next data object */
    le64_t entry_offset;       /* the first entry that has it */
    le64_t entry_array_offset; /* the others */
    le64_t n_entries;
};
struct journal_data_compact {
    struct journal_data data;
    le32_t tail_entry_array_offset, tail_entry_array_n_entries;
};

/* "FIELD", the payload behind the struct. */
struct journal_field {
    struct journal_object object;
    le64_t hash;
    le64_t next_hash_offset;
    le64_t head_data_offset;
};

/* Items follow: struct journal_entry_item, or le32_t in compact files, sorted by offset. */
struct journal_entry {
    struct journal_object object;
    le64_t seqnum;
    le64_t realtime, monotonic; /* in microseconds */
    struct id128 boot_id;
    le64_t xor_hash; /* of the data's Jenkins hashes, whatever the file's own hash is */
};
struct journal_entry_item {
    le64_t object_offset, hash;
};

/* Hash tables: items follow, the number of them is the size divided by theirs. */
struct journal_hash_item {
    le64_t head_hash_offset, tail_hash_offset;
};

/* Offsets of entries follow, ascending: le64_t, or le32_t in compact files; behind the last used one zeroes. */
struct journal_entry_array {
    struct journal_object object;
    le64_t next_entry_array_offset;
};

struct journal_tag {
    struct journal_object object;
    le64_t seqnum, epoch;
    uint8_t tag[32];
};

_Static_assert(sizeof(struct journal_header) == 272, "header");
_Static_assert(sizeof(struct journal_object) == 16 && sizeof(struct journal_data) == 64, "data");
_Static_assert(sizeof(struct journal_data_compact) == 72 && sizeof(struct journal_field) == 40, "field");
_Static_assert(sizeof(struct journal_entry) == 64 && sizeof(struct journal_entry_item) == 16, "entry");
_Static_assert(sizeof(struct journal_entry_array) == 24 && sizeof(struct journal_tag) == 64, "entry array");

/* Bob Jenkins' lookup3, hashlittle2() from (0, 0), the first result in the upper half. */
uint64_t journal_hash_jenkins(const void *data, size_t size) _pure_;
/* SipHash-2-4. */
uint64_t journal_hash_sip(const void *data, size_t size, const struct id128 *key) _pure_;
/* What a file's hash tables go by: the second, keyed with the file's id, if the file has JOURNAL_KEYED_HASH. */
static inline uint64_t journal_hash(const struct journal_header *h, const void *data, size_t size) {
    return le32(h->incompatible_flags) & JOURNAL_KEYED_HASH ? journal_hash_sip(data, size, &h->file_id)
                                                            : journal_hash_jenkins(data, size);
}
