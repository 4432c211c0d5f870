/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of entry arrays as one array that can be searched. Knows no matches. */
#include "journal/read_private.h"

#include <string.h>

/* How far a search looks beyond an entry that cannot be read for one that can. */
#define LOOK_BEYOND 64

void chain_begin(struct chain *c, uint64_t first, uint64_t array, uint64_t n) {
    /* A chain that has grown keeps what it begins with. */
    if (c->n_parts == 0 || c->first != first) {
        c->first = first;
        c->n_parts = 0;
        c->first_array = array;
        c->near = 0;
    }
    c->n = n;
}

void chain_done(struct chain *c) {
    free(c->parts);
    *c = (struct chain){};
}

/* The next array becomes a part. */
static bool load(const struct read_file *f, struct chain *c) {
    struct chain_part *last = c->n_parts > 0 ? &c->parts[c->n_parts - 1] : NULL;
    const struct journal_entry_array *array = last ? (const void *)(f->map + last->offset - sizeof *array) : NULL;
    /* Asked anew each time: while the file grows, the last array gets one behind it. */
    uint64_t at = array ? le64(array->next_entry_array_offset) : c->first_array;
    array = read_object(f, at, JOURNAL_ENTRY_ARRAY, sizeof *array + 8);
    /* Arrays follow each other in the file: one that does not is damaged, and may be a circle. */
    if (!array || (last && at < last->offset))
        return false;
    if (c->n_parts == c->size) {
        size_t size = MAX(2 * c->size, (size_t)8);
        struct chain_part *more = reallocarray(c->parts, size, sizeof *more);
        if (!more)
            return false;
        c->parts = more;
        c->size = size;
    }
    last = c->n_parts > 0 ? &c->parts[c->n_parts - 1] : NULL;
    c->parts[c->n_parts++] = (struct chain_part){
        .offset = at + sizeof *array,
        .begin = last ? last->begin + last->n : c->first != 0,
        .n = (le64(array->object.size) - sizeof *array) / (f->compact ? sizeof(le32_t) : sizeof(le64_t)),
    };
    return true;
}

uint64_t chain_get(const struct read_file *f, struct chain *c, uint64_t i) {
    if (i >= c->n)
        return 0;
    if (i == 0 && c->first != 0)
        return c->first;
    while (c->n_parts == 0 || i >= c->parts[c->n_parts - 1].begin + c->parts[c->n_parts - 1].n)
        if (!load(f, c)) {
            c->n = c->n_parts == 0 ? c->first != 0 : c->parts[c->n_parts - 1].begin + c->parts[c->n_parts - 1].n;
            return 0;
        }
    size_t part = c->n_parts - 1;
    while (i < c->parts[part].begin)
        part--;
    const uint8_t *items = f->map + c->parts[part].offset;
    i -= c->parts[part].begin;
    return f->compact ? le32(((const le32_t *)items)[i]) : le64(((const le64_t *)items)[i]);
}

/* Is the item at i at or behind `offset`? What is behind the last one that was written reads as zero. */
static bool reached(const struct read_file *f, struct chain *c, uint64_t i, uint64_t offset) {
    uint64_t item = chain_get(f, c, i);
    return item == 0 || item >= offset;
}

uint64_t chain_seek(const struct read_file *f, struct chain *c, uint64_t offset, bool up) {
    if (up && offset == UINT64_MAX)
        c->near = c->n;
    /* The first position that is at or behind: most searches go on where the last one ended. */
    uint64_t low = 0, high, step = 1, at = MIN(c->near, c->n), key = up ? offset + (offset != UINT64_MAX) : offset;
    if (at > 0 && reached(f, c, at - 1, key)) {
        high = at - 1;
        while (high > 0 && reached(f, c, high - MIN(step, high), key)) {
            high -= MIN(step, high);
            step *= 2;
        }
        low = high - MIN(step, high);
    } else {
        low = at;
        while (low + step <= c->n && !reached(f, c, low + step - 1, key)) {
            low += step;
            step *= 2;
        }
        high = MIN(low + step, c->n);
    }
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (reached(f, c, middle, key))
            high = middle;
        else
            low = middle + 1;
    }
    c->near = low;
    return up ? (low > 0 ? chain_get(f, c, low - 1) : 0) : chain_get(f, c, low);
}

uint64_t chain_find(const struct read_file *f, struct chain *c, chain_test test, const void *needle, bool up) {
    /* Down: the first that is not before; up: the one before the first that is behind. */
    uint64_t low = 0, high = c->n;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2, at = middle;
        const struct journal_entry *e = NULL;
        for (; at < high && at - middle < LOOK_BEYOND && !e; at++)
            e = read_entry(f, chain_get(f, c, at));
        int order = e ? test(e, needle) : 1;
        if (up ? order > 0 : order >= 0)
            high = middle;
        else
            low = at;
    }
    c->near = low;
    return up ? (low > 0 ? chain_get(f, c, low - 1) : 0) : chain_get(f, c, low);
}
