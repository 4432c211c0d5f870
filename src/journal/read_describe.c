/* SPDX-License-Identifier: Apache-2.0 */
/* A file's header in words, as `journalctl --header` prints it. */
#include "base/text.h"
#include "journal/read_private.h"
#include "syntax/names.h"
#include "syntax/timespan.h"
#include "syntax/timestamp.h"

#include <sys/stat.h>

/* What 252 and later write; a file with a shorter one lacks something, and the next is better. */
#define HEADER_OF_252 264
#define CHAIN_IS_LONG 100

static bool filled(uint64_t n, le64_t table_size) {
    return n * 4 > le64(table_size) / sizeof(struct journal_hash_item) * 3;
}

static bool rotation_is_due(const struct journal_header *h) {
    uint64_t size = le64(h->header_size);
    return size < HEADER_OF_252 || filled(le64(h->n_data), h->data_hash_table_size) ||
           filled(le64(h->n_fields), h->field_hash_table_size) || le64(h->data_hash_chain_depth) > CHAIN_IS_LONG ||
           le64(h->field_hash_chain_depth) > CHAIN_IS_LONG || (le64(h->n_data) > 0 && le64(h->n_fields) == 0);
}

struct flag {
    uint32_t bit;
    const char *name;
};

static void add_flags(struct text *out, const char *label, uint32_t flags, const struct flag *names, size_t n) {
    text_add(out, label);
    for (size_t i = 0; i < n; i++) {
        if (flags & names[i].bit)
            text_addf(out, " %s", names[i].name);
        flags &= ~names[i].bit;
    }
    text_add(out, flags ? " ???\n" : "\n");
}

static void add_id(struct text *out, const char *label, struct id128 id) {
    char buffer[33];
    text_addf(out, "%s: %s\n", label, id128_to_string(id, buffer));
}

static void add_time(struct text *out, const char *label, usec_t t) {
    char buffer[TIMESTAMP_MAX];
    text_addf(out, "%s realtime timestamp: %s (%llx)\n", label, timestamp_format(t, false, buffer) ?: "n/a",
              (unsigned long long)t);
}

static void add_fill(struct text *out, const char *what, uint64_t n, le64_t table_size) {
    uint64_t buckets = MAX(le64(table_size) / sizeof(struct journal_hash_item), UINT64_C(1));
    uint64_t tenths = (n * 1000 + buckets / 2) / buckets;
    text_addf(out, "%s objects: %llu\n%s hash table fill: %llu.%llu%%\n", what, (unsigned long long)n, what,
              (unsigned long long)(tenths / 10), (unsigned long long)(tenths % 10));
}

void read_file_describe(const struct read_file *f, struct text *out) {
    static const char *const states[] = { "OFFLINE", "ONLINE", "ARCHIVED" };
    static const struct flag compatible[] = { { JOURNAL_SEALED, "SEALED" },
                                              { JOURNAL_SEALED_CONTINUOUS, "SEALED_CONTINUOUS" },
                                              { JOURNAL_TAIL_ENTRY_BOOT_ID, "TAIL_ENTRY_BOOT_ID" } };
    static const struct flag incompatible[] = { { JOURNAL_XZ, "COMPRESSED-XZ" },
                                                { JOURNAL_LZ4, "COMPRESSED-LZ4" },
                                                { JOURNAL_ZSTD, "COMPRESSED-ZSTD" },
                                                { JOURNAL_KEYED_HASH, "KEYED-HASH" },
                                                { JOURNAL_COMPACT, "COMPACT" } };
    const struct journal_header *h = file_header(f);
    uint64_t size = le64(h->header_size);
    char buffer[TIMESTAMP_MAX];
    struct stat st;
#define NUMBER(label, field) text_addf(out, label ": %llu\n", (unsigned long long)le64(h->field))
    text_addf(out, "File path: %s\n", f->path);
    add_id(out, "File ID", h->file_id);
    add_id(out, "Machine ID", h->machine_id);
    add_id(out, "Boot ID", h->tail_entry_boot_id);
    add_id(out, "Sequential number ID", h->seqnum_id);
    text_addf(out, "State: %s\n", h->state < ELEMENTS(states) ? states[h->state] : "UNKNOWN");
    add_flags(out, "Compatible flags:", le32(h->compatible_flags), compatible, ELEMENTS(compatible));
    add_flags(out, "Incompatible flags:", le32(h->incompatible_flags), incompatible, ELEMENTS(incompatible));
    NUMBER("Header size", header_size);
    NUMBER("Arena size", arena_size);
    text_addf(out, "Data hash table size: %llu\n",
              (unsigned long long)(le64(h->data_hash_table_size) / sizeof(struct journal_hash_item)));
    text_addf(out, "Field hash table size: %llu\n",
              (unsigned long long)(le64(h->field_hash_table_size) / sizeof(struct journal_hash_item)));
    text_addf(out, "Rotate suggested: %s\n", rotation_is_due(h) ? "yes" : "no");
    text_addf(out, "Head sequential number: %llu (%llx)\n", (unsigned long long)le64(h->head_entry_seqnum),
              (unsigned long long)le64(h->head_entry_seqnum));
    text_addf(out, "Tail sequential number: %llu (%llx)\n", (unsigned long long)le64(h->tail_entry_seqnum),
              (unsigned long long)le64(h->tail_entry_seqnum));
    add_time(out, "Head", le64(h->head_entry_realtime));
    add_time(out, "Tail", le64(h->tail_entry_realtime));
    text_addf(out, "Tail monotonic timestamp: %s (%llx)\n",
              timespan_format(le64(h->tail_entry_monotonic), USEC_PER_MSEC, buffer, sizeof buffer),
              (unsigned long long)le64(h->tail_entry_monotonic));
    NUMBER("Objects", n_objects);
    NUMBER("Entry objects", n_entries);
    if (JOURNAL_HEADER_HAS(size, n_data))
        add_fill(out, "Data", le64(h->n_data), h->data_hash_table_size);
    if (JOURNAL_HEADER_HAS(size, n_fields))
        add_fill(out, "Field", le64(h->n_fields), h->field_hash_table_size);
    if (JOURNAL_HEADER_HAS(size, n_tags))
        NUMBER("Tag objects", n_tags);
    if (JOURNAL_HEADER_HAS(size, n_entry_arrays))
        NUMBER("Entry array objects", n_entry_arrays);
    if (JOURNAL_HEADER_HAS(size, field_hash_chain_depth))
        NUMBER("Deepest field hash chain", field_hash_chain_depth);
    if (JOURNAL_HEADER_HAS(size, data_hash_chain_depth))
        NUMBER("Deepest data hash chain", data_hash_chain_depth);
#undef NUMBER
    if (fstat(f->fd, &st) >= 0) {
        char bytes[SIZE_TEXT_MAX];
        text_addf(out, "Disk usage: %s\n", size_format((uint64_t)st.st_blocks * 512, bytes));
    }
}
