/* SPDX-License-Identifier: Apache-2.0 */
/* Is a file what it says it is? Walks all objects in the order they lie in, then every list that connects them.
 * `journalctl --verify`. Seals are not checked: that takes the key. */
#include "journal/read_private.h"

#include <errno.h>
#include <string.h>

/* Offsets in the order of the file. */
struct offsets {
    uint64_t *at;
    size_t n, size;
};

struct check {
    struct read_file *f;
    struct offsets data, fields, entries, arrays;
    uint64_t n_objects, n_tags, offset;
    const char *why;
};

static bool bad(struct check *c, uint64_t offset, const char *why) {
    c->offset = offset;
    c->why = why;
    return false;
}

static bool keep(struct check *c, struct offsets *o, uint64_t at) {
    if (o->n == o->size) {
        size_t size = MAX(2 * o->size, (size_t)256);
        uint64_t *more = reallocarray(o->at, size, sizeof *more);
        if (!more)
            return bad(c, at, "No memory");
        o->at = more;
        o->size = size;
    }
    o->at[o->n++] = at;
    return true;
}

static bool has(const struct offsets *o, uint64_t at) {
    size_t low = 0, high = o->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (o->at[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < o->n && o->at[low] == at;
}

/* --- objects, one by one ------------------------------------------------------------------------------------ */
static bool check_data(struct check *c, uint64_t at) {
    const struct journal_data *d = read_data(c->f, at);
    const char *payload;
    size_t n;
    if (!d)
        return bad(c, at, "Data object is too short");
    if (data_payload(c->f, d, &payload, &n) < 0)
        return bad(c, at, "Payload cannot be decompressed");
    if (read_hash(c->f, payload, n) != le64(d->hash))
        return bad(c, at, "Hash does not fit the payload");
    if (!memchr(payload, '=', n))
        return bad(c, at, "Payload is not FIELD=value");
    if ((le64(d->entry_offset) == 0) != (le64(d->n_entries) == 0))
        return bad(c, at, "Number of entries does not fit the list");
    return keep(c, &c->data, at);
}

static bool check_entry(struct check *c, uint64_t at) {
    const struct journal_entry *e = read_entry(c->f, at);
    if (!e || entry_n_items(c->f, e) == 0)
        return bad(c, at, "Entry without data");
    if (le64(e->seqnum) == 0 || le64(e->realtime) == 0)
        return bad(c, at, "Entry without number or time");
    for (uint64_t i = 0; i < entry_n_items(c->f, e); i++)
        if (entry_item(c->f, e, i) == 0)
            return bad(c, at, "Entry refers to no data");
    return keep(c, &c->entries, at);
}

static bool check_object(struct check *c, uint64_t at, const struct journal_object *o) {
    static const uint16_t least[JOURNAL_OBJECT_TYPES] = {
        [JOURNAL_FIELD] = sizeof(struct journal_field) + 1,
        [JOURNAL_DATA_HASH_TABLE] = sizeof(struct journal_object) + sizeof(struct journal_hash_item),
        [JOURNAL_FIELD_HASH_TABLE] = sizeof(struct journal_object) + sizeof(struct journal_hash_item),
        [JOURNAL_ENTRY_ARRAY] = sizeof(struct journal_entry_array) + 8,
        [JOURNAL_TAG] = sizeof(struct journal_tag),
    };
    if (o->type == JOURNAL_UNUSED || o->type >= JOURNAL_OBJECT_TYPES)
        return bad(c, at, "Unknown type of object");
    if (o->flags & ~JOURNAL_OBJECT_COMPRESSED || (o->flags && o->type != JOURNAL_DATA) || (o->flags & (o->flags - 1)))
        return bad(c, at, "Unknown flags of object");
    if (le64(o->size) < least[o->type])
        return bad(c, at, "Object is too short");
    const struct journal_field *field = (const void *)o;
    const struct journal_entry_array *array = (const void *)o;
    switch (o->type) {
    case JOURNAL_DATA:
        return check_data(c, at);
    case JOURNAL_ENTRY:
        return check_entry(c, at);
    case JOURNAL_FIELD:
        if (read_hash(c->f, field + 1, le64(o->size) - sizeof *field) != le64(field->hash))
            return bad(c, at, "Hash does not fit the payload");
        return keep(c, &c->fields, at);
    case JOURNAL_ENTRY_ARRAY:
        if (le64(array->next_entry_array_offset) != 0 && le64(array->next_entry_array_offset) <= at)
            return bad(c, at, "List of entries leads backwards");
        return keep(c, &c->arrays, at);
    case JOURNAL_TAG:
        c->n_tags++;
        return true;
    default:
        return true;
    }
}

static bool check_objects(struct check *c) {
    const struct journal_header *h = file_header(c->f);
    uint64_t at = le64(h->header_size), tail = le64(h->tail_object_offset), seqnum = 0;
    while (tail != 0) {
        if (at > tail)
            return bad(c, at, "The last object is not where the header says");
        const struct journal_object *o = read_object(c->f, at, JOURNAL_UNUSED, sizeof *o);
        if (!o)
            return bad(c, at, "Object does not lie in the file");
        if (!check_object(c, at, o))
            return false;
        if (o->type == JOURNAL_ENTRY) {
            const struct journal_entry *e = (const void *)o;
            if (le64(e->seqnum) <= seqnum)
                return bad(c, at, "Entries are not in the order of their numbers");
            seqnum = le64(e->seqnum);
        }
        c->n_objects++;
        if (at == tail)
            break;
        at += JOURNAL_ALIGN(le64(o->size));
    }
    return true;
}

/* --- what connects them ------------------------------------------------------------------------------------- */
/* All of a list of entries is there, ascending, and those are as many as is said. */
static bool check_chain(struct check *c, uint64_t at, struct chain *chain, uint64_t n) {
    uint64_t before = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t entry = chain_get(c->f, chain, i);
        if (entry <= before || !has(&c->entries, entry))
            return bad(c, at, entry == 0 ? "List of entries is too short" : "List of entries is out of order");
        before = entry;
    }
    return true;
}

/* Every data of an entry is there, and knows the entry. */
static bool check_links(struct check *c) {
    size_t items = 0, listed = 0;
    for (size_t i = 0; i < c->entries.n; i++) {
        const struct journal_entry *e = read_entry(c->f, c->entries.at[i]);
        const struct journal_entry_item *list = (const void *)(e + 1);
        for (uint64_t k = 0; k < entry_n_items(c->f, e); k++, items++) {
            uint64_t at = entry_item(c->f, e, k);
            if (!has(&c->data, at))
                return bad(c, c->entries.at[i], "Entry refers to what is not data");
            if (!c->f->compact && le64(list[k].hash) != le64(read_data(c->f, at)->hash))
                return bad(c, c->entries.at[i], "Entry and data do not agree on the hash");
        }
    }
    for (size_t i = 0; i < c->data.n; i++) {
        const struct journal_data *d = read_data(c->f, c->data.at[i]);
        struct chain chain = {};
        chain_begin(&chain, le64(d->entry_offset), le64(d->entry_array_offset), le64(d->n_entries));
        bool good = check_chain(c, c->data.at[i], &chain, le64(d->n_entries));
        listed += le64(d->n_entries);
        chain_done(&chain);
        if (!good)
            return false;
    }
    return listed == items || bad(c, 0, "Entries and data do not agree on who has whom");
}

static bool check_table(struct check *c, le64_t offset, le64_t size, const struct offsets *members, bool fields) {
    uint64_t at = le64(offset), n = le64(size) / sizeof(struct journal_hash_item), found = 0;
    if (n == 0 || at % 8 != 0 || at < JOURNAL_HEADER_MIN || at > c->f->size || c->f->size - at < le64(size))
        return members->n == 0 || bad(c, at, "Hash table does not lie in the file");
    const struct journal_hash_item *items = (const void *)(c->f->map + at);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t before = 0;
        for (uint64_t p = le64(items[i].head_hash_offset); p != 0; found++) {
            if (p <= before || !has(members, p))
                return bad(c, at + i * sizeof *items, "Hash chain leads to a wrong object");
            /* Both kinds have hash and next at the same place. */
            const struct journal_field *o = (const void *)(c->f->map + p);
            if (le64(o->hash) % n != i)
                return bad(c, p, "Object is in the wrong hash chain");
            before = p;
            p = le64(o->next_hash_offset);
        }
        if (before != le64(items[i].tail_hash_offset))
            return bad(c, at + i * sizeof *items, "Hash chain does not end where it should");
    }
    return found == members->n ||
           bad(c, at, fields ? "Fields are missing in the hash table" : "Data are missing in the hash table");
}

static bool check_counts(struct check *c) {
    const struct journal_header *h = file_header(c->f);
    uint64_t size = le64(h->header_size);
    if (le64(h->n_objects) != c->n_objects || le64(h->n_entries) != c->entries.n)
        return bad(c, offsetof(struct journal_header, n_objects), "The header counts other objects than there are");
    if ((JOURNAL_HEADER_HAS(size, n_fields) && (le64(h->n_data) != c->data.n || le64(h->n_fields) != c->fields.n)) ||
        (JOURNAL_HEADER_HAS(size, n_entry_arrays) &&
         (le64(h->n_tags) != c->n_tags || le64(h->n_entry_arrays) != c->arrays.n)))
        return bad(c, offsetof(struct journal_header, n_data), "The header counts other objects than there are");
    if (c->entries.n == 0)
        return true;
    const struct journal_entry *first = read_entry(c->f, c->entries.at[0]),
                               *last = read_entry(c->f, c->entries.at[c->entries.n - 1]);
    if (le64(h->head_entry_seqnum) != le64(first->seqnum) || le64(h->tail_entry_seqnum) != le64(last->seqnum) ||
        le64(h->head_entry_realtime) != le64(first->realtime) || le64(h->tail_entry_realtime) != le64(last->realtime))
        return bad(c, offsetof(struct journal_header, tail_entry_seqnum),
                   "The header knows other entries than there are");
    return true;
}

int read_file_verify(struct read_file *f, uint64_t *ret_offset, const char **ret_why) {
    struct check c = { .f = f };
    const struct journal_header *h = file_header(f);
    bool good =
        le64(h->header_size) + le64(h->arena_size) == f->size || bad(&c, 0, "The file is shorter than its header says");
    struct chain all = {};
    chain_begin(&all, 0, le64(h->entry_array_offset), le64(h->n_entries));
    good = good && check_objects(&c) && check_counts(&c) &&
           check_table(&c, h->data_hash_table_offset, h->data_hash_table_size, &c.data, false) &&
           check_table(&c, h->field_hash_table_offset, h->field_hash_table_size, &c.fields, true) &&
           check_chain(&c, le64(h->entry_array_offset), &all, le64(h->n_entries)) && check_links(&c);
    chain_done(&all);
    free(c.data.at);
    free(c.fields.at);
    free(c.entries.at);
    free(c.arrays.at);
    if (good)
        return 0;
    *ret_offset = c.offset;
    *ret_why = c.why;
    return -EBADMSG;
}
