/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields there are, and which values a field has: through the files' field objects, without reading entries. */
#include "journal/read_private.h"

#include <string.h>

/* Has one of the files before this one the data, or the field? */
static bool seen_before(struct reader *r, size_t n_files, const char *data, size_t size, uint64_t hash, bool keyed,
                        uint64_t (*find)(struct read_file *, const void *, size_t, uint64_t)) {
    for (size_t i = 0; i < n_files; i++) {
        struct read_file *f = r->files[i];
        if (find(f, data, size, !keyed && !f->keyed ? hash : read_hash(f, data, size)))
            return true;
    }
    return false;
}

int reader_each_value(struct reader *r, const char *field, reader_visitor visit, void *userdata) {
    size_t n = strlen(field);
    int k = 0;
    for (size_t i = 0; k == 0 && i < r->n_files; i++) {
        struct read_file *f = r->files[i];
        uint64_t at = find_field(f, field, n, read_hash(f, field, n)), behind = UINT64_MAX;
        const struct journal_field *o = at ? read_object(f, at, JOURNAL_FIELD, sizeof *o) : NULL;
        at = o ? le64(o->head_data_offset) : 0;
        /* The newest comes first: a chain that leads elsewhere is damaged, and may be a circle. */
        while (k == 0 && at != 0 && at < behind) {
            const struct journal_data *d = read_data(f, at);
            const char *payload;
            size_t size;
            if (!d)
                break;
            behind = at;
            at = le64(d->next_field_offset);
            if (data_payload(f, d, &payload, &size) >= 0 && size > n && payload[n] == '=' &&
                memcmp(payload, field, n) == 0 && !seen_before(r, i, payload, size, le64(d->hash), f->keyed, find_data))
                k = visit(userdata, payload, size);
        }
    }
    return k;
}

int reader_each_field(struct reader *r, reader_visitor visit, void *userdata) {
    int k = 0;
    for (size_t i = 0; k == 0 && i < r->n_files; i++) {
        struct read_file *f = r->files[i];
        const struct journal_header *h = file_header(f);
        uint64_t table = le64(h->field_hash_table_offset), size = le64(h->field_hash_table_size);
        if (table % 8 != 0 || table < JOURNAL_HEADER_MIN || table > f->size || size > f->size - table)
            continue;
        const struct journal_hash_item *items = (const void *)(f->map + table);
        for (uint64_t bucket = 0; k == 0 && bucket < size / sizeof *items; bucket++)
            for (uint64_t at = le64(items[bucket].head_hash_offset), before = 0; k == 0 && at > before;) {
                const struct journal_field *o = read_object(f, at, JOURNAL_FIELD, sizeof *o + 1);
                if (!o)
                    break;
                before = at;
                at = le64(o->next_hash_offset);
                size_t n = le64(o->object.size) - sizeof *o;
                if (!seen_before(r, i, (const char *)(o + 1), n, le64(o->hash), f->keyed, find_field))
                    k = visit(userdata, (const char *)(o + 1), n);
            }
    }
    return k;
}
