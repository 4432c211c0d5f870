/* SPDX-License-Identifier: Apache-2.0 */
/* Values and field names of a journal file: each lies there once, found through its hash. */
#include "journal/file_private.h"

#include <errno.h>
#include <lz4.h>

/* A chain that long is a circle, or the file should have been replaced long ago. */
#define CHAIN_MAX 100000
#define NAME_MAX_SIZE 64

/* Appends to a hash chain. `last`: the object that has been the last one, its pointer to the next. */
static int chain(struct journal_file *f, struct journal_hash_item *bucket, le64_t *last, uint64_t offset) {
    int r = last ? set64(f, last, offset) : set64(f, &bucket->head_hash_offset, offset);
    return r < 0 ? r : set64(f, &bucket->tail_hash_offset, offset);
}

/* 1: found, at *ret_offset; 0: not, and *ret_last is the chain's last one or NULL. */
static int find_field(struct journal_file *f, const struct journal_hash_item *bucket, uint64_t hash, const char *name,
                      size_t size, uint64_t *ret_offset, le64_t **ret_last) {
    uint64_t offset = le64(bucket->head_hash_offset), depth = 0;
    *ret_last = NULL;
    for (; offset != 0; depth++) {
        struct journal_field *o = object_at(f, offset, JOURNAL_FIELD, sizeof(*o) + 1);
        if (!o || depth > CHAIN_MAX)
            return -EBADMSG;
        if (le64(o->hash) == hash && le64(o->object.size) == sizeof(*o) + size && memcmp(o + 1, name, size) == 0) {
            *ret_offset = offset;
            return 1;
        }
        *ret_last = &o->next_hash_offset;
        offset = le64(o->next_hash_offset);
    }
    if (depth > le64(f->h->field_hash_chain_depth))
        f->h->field_hash_chain_depth = to_le64(depth);
    return 0;
}

static int file_field(struct journal_file *f, const char *name, size_t size, struct journal_field **ret) {
    uint64_t hash = journal_hash_sip(name, size, &f->h->file_id), offset;
    struct journal_hash_item *bucket = &f->field_table[hash % f->n_field_table];
    le64_t *last;
    int r = find_field(f, bucket, hash, name, size, &offset, &last);
    if (r < 0)
        return r;
    if (r == 0) {
        r = object_room(f, sizeof(struct journal_field) + size);
        if (r < 0)
            return r;
        offset = f->tail;
        struct journal_field *o = (struct journal_field *)(f->map + offset);
        *o = (struct journal_field){ .hash = to_le64(hash) };
        memcpy(o + 1, name, size);
        object_add(f, JOURNAL_FIELD, sizeof(*o) + size);
        f->h->n_fields = to_le64(le64(f->h->n_fields) + 1);
        r = chain(f, bucket, last, offset);
        if (r < 0)
            return r;
    }
    *ret = (struct journal_field *)(f->map + offset);
    return 0;
}

/* Does the object hold these bytes? Compressed ones are taken to be the same if both hashes are: see file_data(). */
static bool same(const struct journal_file *f, const struct journal_data *o, const void *payload, uint64_t size,
                 uint64_t stored_size, const void *stored) {
    return le64(o->object.size) == data_head(f) + stored_size &&
           memcmp((const uint8_t *)o + data_head(f), stored ? stored : payload, stored ? stored_size : size) == 0;
}

static int find_data(struct journal_file *f, const struct journal_hash_item *bucket, uint64_t hash, const void *payload,
                     uint64_t size, const void *stored, uint64_t stored_size, uint64_t *ret_offset, le64_t **ret_last) {
    uint64_t offset = le64(bucket->head_hash_offset), depth = 0;
    *ret_last = NULL;
    for (; offset != 0; depth++) {
        struct journal_data *o = object_at(f, offset, JOURNAL_DATA, data_head(f) + 1);
        if (!o || depth > CHAIN_MAX)
            return -EBADMSG;
        bool compressed = o->object.flags & JOURNAL_OBJECT_COMPRESSED;
        if (le64(o->hash) == hash && compressed == (stored != NULL) && same(f, o, payload, size, stored_size, stored)) {
            *ret_offset = offset;
            return 1;
        }
        *ret_last = &o->next_hash_offset;
        offset = le64(o->next_hash_offset);
    }
    if (depth > le64(f->h->data_hash_chain_depth))
        f->h->data_hash_chain_depth = to_le64(depth);
    return 0;
}

/* LZ4, as readers want it: the size in 8 bytes, then a block. NULL: not worth it, or no memory. */
static char *compress(const char *payload, uint64_t size, uint64_t *ret_size) {
    if (size > LZ4_MAX_INPUT_SIZE)
        return NULL;
    int room = (int)size - 8 - 1;
    char *out = room > 0 ? malloc((size_t)size) : NULL;
    int n = out ? LZ4_compress_default(payload, out + 8, (int)size, room) : 0;
    if (n <= 0) {
        free(out);
        return NULL;
    }
    le64_t head = to_le64(size);
    memcpy(out, &head, sizeof(head));
    *ret_size = (uint64_t)n + 8;
    return out;
}

static int name_size_of(const struct journal_item *item) {
    if (item->name)
        return (int)MIN(item->name_size, (size_t)NAME_MAX_SIZE + 1);
    const char *equals = memchr(item->value, '=', MIN(item->size, (size_t)NAME_MAX_SIZE + 1));
    return equals ? (int)(equals - item->value) : -EINVAL;
}

int file_data(struct journal_file *f, const struct journal_item *item, struct journal_ref *ret) {
    int name_size = name_size_of(item);
    if (name_size <= 0 || name_size > NAME_MAX_SIZE)
        return -EINVAL;
    uint64_t size = item->name ? item->name_size + 1 + item->size : item->size;
    int r = object_room(f, data_head(f) + size);
    if (r < 0)
        return r;
    /* Put together where it will lie, if it is not there yet. */
    uint64_t offset = f->tail;
    struct journal_data *o = (struct journal_data *)(f->map + offset);
    char *payload = (char *)o + data_head(f);
    if (item->name) {
        memcpy(payload, item->name, item->name_size);
        payload[item->name_size] = '=';
        memcpy(payload + item->name_size + 1, item->value, item->size);
    } else
        memcpy(payload, item->value, item->size);
    uint64_t hash = journal_hash_sip(payload, size, &f->h->file_id);
    struct journal_ref ref = { f->number, 0, hash, journal_hash_jenkins(payload, size) };
    struct journal_hash_item *bucket = &f->data_table[hash % f->n_data_table];
    le64_t *last;
    uint64_t stored_size = size;
    _cleanup_(freep) char *stored =
        f->compress_from > 0 && size >= f->compress_from ? compress(payload, size, &stored_size) : NULL;
    r = find_data(f, bucket, hash, payload, size, stored, stored_size, &ref.offset, &last);
    if (r < 0)
        return r;
    if (r == 0) {
        *o = (struct journal_data){ .hash = to_le64(hash), .object.flags = stored ? JOURNAL_OBJECT_LZ4 : 0 };
        if (f->compact) {
            struct journal_data_compact *c = (struct journal_data_compact *)o;
            c->tail_entry_array_offset = c->tail_entry_array_n_entries = to_le32(0);
        }
        char name[NAME_MAX_SIZE];
        memcpy(name, payload, (size_t)name_size);
        if (stored)
            memcpy(payload, stored, stored_size);
        object_add(f, JOURNAL_DATA, data_head(f) + stored_size);
        f->h->n_data = to_le64(le64(f->h->n_data) + 1);
        r = chain(f, bucket, last, offset);
        struct journal_field *field;
        if (r >= 0)
            r = file_field(f, name, (size_t)name_size, &field);
        if (r < 0)
            return r;
        o->next_field_offset = field->head_data_offset;
        r = set64(f, &field->head_data_offset, offset);
        if (r < 0)
            return r;
        ref.offset = offset;
    }
    *ret = ref;
    return 0;
}
