/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of entry arrays: one for the file, and one for each value that more than one entry has. Each array is twice as
 * long as the one before, up to a bound. Where the last one is is remembered; what is not is looked for. */
#include "journal/file_private.h"

#include <errno.h>

#define ARRAY_FIRST 4
#define ARRAY_LAST 16384
/* So long a chain is a circle. */
#define CHAIN_MAX (1024 * 1024)

static struct journal_entry_array *array_at(struct journal_file *f, uint64_t offset) {
    return object_at(f, offset, JOURNAL_ENTRY_ARRAY, sizeof(struct journal_entry_array) + array_item_size(f));
}

static uint64_t array_item(const struct journal_file *f, const struct journal_entry_array *a, uint64_t i) {
    return f->compact ? le32(((const le32_t *)(a + 1))[i]) : le64(((const le64_t *)(a + 1))[i]);
}

static uint32_t array_size(const struct journal_file *f, const struct journal_entry_array *a) {
    return (uint32_t)((le64(a->object.size) - sizeof(*a)) / array_item_size(f));
}

/* Where the chain with n entries ends. */
static int find_tail(struct journal_file *f, uint64_t first, uint64_t n, struct tail_array *t) {
    uint64_t offset = first;
    t->array = 0;
    t->used = t->size = 0;
    for (unsigned i = 0; offset != 0; i++) {
        struct journal_entry_array *a = array_at(f, offset);
        if (!a || i == CHAIN_MAX)
            return -EBADMSG;
        t->array = offset;
        t->size = array_size(f, a);
        if (n <= t->size) {
            t->used = (uint32_t)n;
            return a->next_entry_array_offset.raw ? -EBADMSG : 0;
        }
        n -= t->size;
        t->used = t->size;
        offset = le64(a->next_entry_array_offset);
    }
    return n == 0 ? 0 : -EBADMSG;
}

bool file_chain_is_whole(struct journal_file *f) {
    uint64_t offset = le64(f->h->entry_array_offset), left = le64(f->h->n_entries), last = 0;
    for (unsigned i = 0; left > 0; i++) {
        struct journal_entry_array *a = array_at(f, offset);
        if (!a || i == CHAIN_MAX)
            return false;
        uint64_t n = MIN(left, (uint64_t)array_size(f, a));
        for (uint64_t k = 0; k < n; k++) {
            uint64_t entry = array_item(f, a, k);
            if (entry <= last || entry >= f->tail)
                return false;
            last = entry;
        }
        left -= n;
        offset = le64(a->next_entry_array_offset);
    }
    return true;
}

/* A longer array at the end of the chain; `first` is what names the first. */
static int lengthen(struct journal_file *f, struct tail_array *t, le64_t *first) {
    uint32_t items = t->size == 0 ? ARRAY_FIRST : MIN(t->size * 2, (uint32_t)ARRAY_LAST);
    uint64_t size = sizeof(struct journal_entry_array) + items * array_item_size(f), offset = f->tail;
    int r = object_room(f, size);
    if (r < 0)
        return r;
    struct journal_entry_array *a = (struct journal_entry_array *)(f->map + offset);
    memset(a, 0, size);
    object_add(f, JOURNAL_ENTRY_ARRAY, size);
    f->h->n_entry_arrays = to_le64(le64(f->h->n_entry_arrays) + 1);
    if (t->array == 0) {
        if ((uint8_t *)first < f->map + HEADER_SIZE)
            *first = to_le64(offset); /* the header is saved as a whole */
        else
            r = set64(f, first, offset);
    } else {
        struct journal_entry_array *before = array_at(f, t->array);
        r = before ? set64(f, &before->next_entry_array_offset, offset) : -EBADMSG;
    }
    if (r < 0)
        return r;
    t->array = offset;
    t->used = 0;
    t->size = items;
    return 0;
}

static int push(struct journal_file *f, struct tail_array *t, le64_t *first, uint64_t entry) {
    int r;
    if (t->used == t->size) {
        r = lengthen(f, t, first);
        if (r < 0)
            return r;
    }
    void *items = f->map + t->array + sizeof(struct journal_entry_array);
    r = f->compact ? set32(f, (le32_t *)items + t->used, (uint32_t)entry) : set64(f, (le64_t *)items + t->used, entry);
    if (r >= 0)
        t->used++;
    return r;
}

int link_to_data(struct journal_file *f, uint64_t offset, uint64_t entry) {
    struct journal_data *d = object_at(f, offset, JOURNAL_DATA, data_head(f) + 1);
    if (!d)
        return -EBADMSG;
    uint64_t n = le64(d->n_entries);
    int r;
    if (n == 0) {
        r = set64(f, &d->entry_offset, entry);
        return r < 0 ? r : set64(f, &d->n_entries, 1);
    }
    struct tail_array other, *t = &other;
    if (f->tails || (f->tails = calloc(TAILS, sizeof(*f->tails))))
        t = &f->tails[(offset >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 53];
    if (t == &other || t->owner != offset) {
        t->owner = 0;
        r = find_tail(f, le64(d->entry_array_offset), n - 1, t);
        if (r < 0)
            return r;
        t->owner = offset;
    }
    r = push(f, t, &d->entry_array_offset, entry);
    if (r >= 0 && f->compact) {
        struct journal_data_compact *c = (struct journal_data_compact *)d;
        r = set32(f, &c->tail_entry_array_offset, (uint32_t)t->array);
        c->tail_entry_array_n_entries = to_le32(t->used); /* the same word */
    }
    return r < 0 ? r : set64(f, &d->n_entries, n + 1);
}

int link_to_file(struct journal_file *f, uint64_t entry) {
    struct tail_array *t = &f->main;
    if (t->array == 0) {
        int r = find_tail(f, le64(f->h->entry_array_offset), le64(f->h->n_entries), t);
        if (r < 0)
            return r;
    }
    int r = push(f, t, &f->h->entry_array_offset, entry);
    if (r < 0)
        return r;
    bool fits = t->array <= UINT32_MAX;
    f->h->tail_entry_array_offset = to_le32(fits ? (uint32_t)t->array : 0);
    f->h->tail_entry_array_n_entries = to_le32(fits ? t->used : 0);
    return 0;
}
