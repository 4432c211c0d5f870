/* SPDX-License-Identifier: Apache-2.0 */
/* Many files as one journal: which entry comes next. Each file offers its next entry that matches, and the earliest of
 * them is the next of all. Knows no directories. */
#include "journal/read_private.h"

#include "base/scan.h"

#include <errno.h>
#include <string.h>

static int compare_numbers(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

/* Which is earlier? Sequence numbers of one source say it best, then the clock of one boot, then the time of day. Of
 * `b` only what is known counts. */
static int compare(const struct reader *r, const struct reader_entry *a, const struct reader_entry *b, bool whole) {
    bool same_source = id128_equal(a->seqnum_id, b->seqnum_id), same_boot = id128_equal(a->boot_id, b->boot_id);
    int c = 0;
    if (same_source && (whole || r->has_seqnum) && (c = compare_numbers(a->seqnum, b->seqnum)) != 0)
        return c;
    if (same_boot && (whole || r->has_monotonic) && (c = compare_numbers(a->monotonic, b->monotonic)) != 0)
        return c;
    if ((whole || r->has_realtime) && (c = compare_numbers(a->realtime, b->realtime)) != 0)
        return c;
    return whole || r->has_hash ? compare_numbers(a->xor_hash, b->xor_hash) : 0;
}

/* --- the place ---------------------------------------------------------------------------------------------- */
static void leave(struct reader *r, enum place place) {
    r->place = place;
    r->current = NULL;
    r->has_seqnum = r->has_monotonic = r->has_realtime = r->has_hash = false;
    for (size_t i = 0; i < r->n_files; i++) {
        struct read_file *f = r->files[i];
        f->at = 0;
        f->is_candidate = f->ended = false;
    }
}

void reader_seek_head(struct reader *r) {
    leave(r, PLACE_HEAD);
}

void reader_seek_tail(struct reader *r) {
    leave(r, PLACE_TAIL);
}

void reader_seek_realtime(struct reader *r, usec_t t) {
    leave(r, PLACE_SEEK);
    r->has_realtime = true;
    r->key = (struct reader_entry){ .realtime = t };
}

void reader_seek_monotonic(struct reader *r, struct id128 boot, usec_t t) {
    leave(r, PLACE_SEEK);
    r->has_monotonic = true;
    r->key = (struct reader_entry){ .boot_id = boot, .monotonic = t };
}

static int test_seqnum(const struct journal_entry *e, const void *needle) {
    return compare_numbers(le64(e->seqnum), *(const uint64_t *)needle);
}
static int test_realtime(const struct journal_entry *e, const void *needle) {
    return compare_numbers(le64(e->realtime), *(const uint64_t *)needle);
}
static int test_monotonic(const struct journal_entry *e, const void *needle) {
    return compare_numbers(le64(e->monotonic), *(const uint64_t *)needle);
}

/* The entries of one boot; false: the file has none. */
static bool boot_chain(struct read_file *f, struct id128 boot, struct chain *ret) {
    char match[sizeof "_BOOT_ID=" + 32] = "_BOOT_ID=";
    id128_to_string(boot, match + strlen(match));
    uint64_t at = find_data(f, match, sizeof match - 1, read_hash(f, match, sizeof match - 1));
    const struct journal_data *d = at ? read_data(f, at) : NULL;
    if (!d)
        return false;
    *ret = (struct chain){};
    chain_begin(ret, le64(d->entry_offset), le64(d->entry_array_offset), le64(d->n_entries));
    return true;
}

/* From where on in this file to look for what matches; 0: nowhere. */
static uint64_t find_place(struct reader *r, struct read_file *f, bool up) {
    uint64_t from = up ? UINT64_MAX : 1;
    struct chain boot;
    if (r->place == PLACE_HEAD)
        return up ? 0 : from;
    if (r->place == PLACE_TAIL)
        return up ? from : 0;
    if (r->has_seqnum && id128_equal(r->key.seqnum_id, file_header(f)->seqnum_id))
        return chain_find(f, &f->entries, test_seqnum, &r->key.seqnum, up);
    if (r->has_monotonic && boot_chain(f, r->key.boot_id, &boot)) {
        uint64_t at = chain_find(f, &boot, test_monotonic, &r->key.monotonic, up), edge = 0;
        /* All of this boot is on the other side: what borders on it is next. */
        if (!at && (edge = chain_get(f, &boot, up ? 0 : boot.n - 1)))
            at = up ? edge - 1 : edge + 1;
        chain_done(&boot);
        return at;
    }
    if (r->has_realtime)
        return chain_find(f, &f->entries, test_realtime, &r->key.realtime, up);
    return from;
}

/* --- a step ------------------------------------------------------------------------------------------------- */
/* The file's nearest entry at `offset` or beyond, that matches and can be read, becomes its candidate. */
static bool take(struct reader *r, struct read_file *f, uint64_t offset, bool up) {
    while (offset != 0 && (offset = match_seek(r, f, offset, up)) != 0) {
        const struct journal_entry *e = read_entry(f, offset);
        if (e && le64(e->seqnum) != 0) {
            f->at = offset;
            entry_key(f, e, &f->entry);
            return true;
        }
        offset = up ? offset - 1 : offset + 1;
    }
    return false;
}

/* Has the file an entry beyond the place where we are? Then it is its candidate. */
static bool offer(struct reader *r, struct read_file *f, bool up) {
    if (f->ended && f->up == up)
        return false;
    bool found;
    if (f->at != 0 && f->up == up)
        found = f->is_candidate || take(r, f, up ? f->at - 1 : f->at + 1, up);
    else
        found = take(r, f, find_place(r, f, up), up);
    f->up = up;
    /* Entries that are in several files are shown once. */
    while (found && r->place == PLACE_ENTRY) {
        int c = compare(r, &f->entry, &r->key, true);
        if (up ? c < 0 : c > 0)
            break;
        found = take(r, f, up ? f->at - 1 : f->at + 1, up);
    }
    f->is_candidate = found;
    f->ended = !found;
    return found;
}

static int step(struct reader *r, bool up) {
    struct read_file *best = NULL;
    for (size_t i = 0; i < r->n_files; i++) {
        struct read_file *f = r->files[i];
        if (!offer(r, f, up))
            continue;
        int c = best ? compare(r, &f->entry, &best->entry, true) : 0;
        if (!best || (up ? c > 0 : c < 0))
            best = f;
    }
    if (!best)
        return 0;
    r->place = PLACE_ENTRY;
    r->key = best->entry;
    r->has_seqnum = r->has_monotonic = r->has_realtime = r->has_hash = true;
    r->current = best;
    r->next_item = 0;
    best->is_candidate = false;
    return 1;
}

int reader_next(struct reader *r) {
    return step(r, false);
}

int reader_previous(struct reader *r) {
    return step(r, true);
}

int64_t reader_skip(struct reader *r, uint64_t n, bool up) {
    int64_t steps = 0;
    while ((uint64_t)steps < n) {
        int k = step(r, up);
        if (k < 0)
            return k;
        if (k == 0)
            break;
        steps++;
    }
    return steps;
}

/* --- the entry ---------------------------------------------------------------------------------------------- */
const struct reader_entry *reader_entry(const struct reader *r) {
    return r->current ? &r->key : NULL;
}

void reader_restart_data(struct reader *r) {
    r->next_item = 0;
}

int reader_next_data(struct reader *r, struct reader_data *ret) {
    struct read_file *f = r->current;
    const struct journal_entry *e = f ? read_entry(f, f->at) : NULL;
    for (uint64_t n = e ? entry_n_items(f, e) : 0; r->next_item < n;) {
        uint64_t offset = entry_item(f, e, r->next_item++);
        const struct journal_data *d = read_data(f, offset);
        if (!d || data_payload(f, d, &ret->data, &ret->size) < 0)
            continue;
        ret->id = d->object.flags & JOURNAL_OBJECT_COMPRESSED ? 0 : (uint64_t)f->number << 48 | offset >> 3;
        ret->n_entries = le64(d->n_entries);
        return 1;
    }
    return 0;
}

int reader_get_data(struct reader *r, const char *field, struct reader_data *ret) {
    size_t n = strlen(field), keep = r->next_item;
    int k;
    r->next_item = 0;
    while ((k = reader_next_data(r, ret)) > 0)
        if (ret->size > n && ret->data[n] == '=' && memcmp(ret->data, field, n) == 0)
            break;
    r->next_item = keep;
    return k;
}

/* --- cursors ------------------------------------------------------------------------------------------------ */
static char *put_hex(char *p, uint64_t v) {
    static const char digits[] = "0123456789abcdef";
    int shift = 60;
    while (shift > 0 && !(v >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *p++ = digits[v >> shift & 15];
    return p;
}

void reader_cursor(const struct reader_entry *e, char buffer[static READER_CURSOR_MAX]) {
    char *p = buffer;
    memcpy(p, "s=", 2);
    id128_to_string(e->seqnum_id, p + 2);
    memcpy(p + 34, ";i=", 3);
    p = put_hex(p + 37, e->seqnum);
    memcpy(p, ";b=", 3);
    id128_to_string(e->boot_id, p + 3);
    memcpy(p + 35, ";m=", 3);
    p = put_hex(p + 38, e->monotonic);
    memcpy(p, ";t=", 3);
    p = put_hex(p + 3, e->realtime);
    memcpy(p, ";x=", 3);
    p = put_hex(p + 3, e->xor_hash);
    *p = 0;
}

static bool hex(const char *s, size_t n, uint64_t *ret) {
    uint64_t v = 0;
    if (n == 0 || n > 16)
        return false;
    for (size_t i = 0; i < n; i++) {
        int digit = hex_digit(s[i]);
        if (digit < 0)
            return false;
        v = v << 4 | (unsigned)digit;
    }
    *ret = v;
    return true;
}

struct cursor {
    struct reader_entry key;
    bool seqnum_id, seqnum, boot, monotonic, realtime, hash;
};

static int parse_cursor(const char *s, struct cursor *c) {
    *c = (struct cursor){};
    for (size_t n; *s; s += n + (s[n] == ';')) {
        n = strcspn(s, ";");
        char id[33] = "";
        bool good = n > 2 && s[1] == '=';
        if (good && (*s == 's' || *s == 'b'))
            good = n == 34 &&
                   id128_from_string(memcpy(id, s + 2, 32), *s == 's' ? &c->key.seqnum_id : &c->key.boot_id) >= 0;
        uint64_t ignored, *number = *s == 'i' ? &c->key.seqnum : *s == 'm' ? &c->key.monotonic :
                                    *s == 't' ? &c->key.realtime : *s == 'x' ? &c->key.xor_hash : &ignored;
        if (good && strchr("imtx", *s))
            good = hex(s + 2, n - 2, number);
        if (!good)
            return -EINVAL;
        c->seqnum_id |= *s == 's';
        c->boot |= *s == 'b';
        c->seqnum |= *s == 'i';
        c->monotonic |= *s == 'm';
        c->realtime |= *s == 't';
        c->hash |= *s == 'x';
    }
    return (c->seqnum_id && c->seqnum) || (c->monotonic && c->boot) || c->realtime ? 0 : -EINVAL;
}

int reader_seek_cursor(struct reader *r, const char *cursor) {
    struct cursor c;
    int k = parse_cursor(cursor, &c);
    if (k < 0)
        return k;
    leave(r, PLACE_SEEK);
    r->key = c.key;
    r->has_realtime = c.realtime;
    r->has_monotonic = c.monotonic && c.boot;
    r->has_seqnum = c.seqnum && c.seqnum_id;
    r->has_hash = c.hash;
    return 0;
}

int reader_test_cursor(struct reader *r, const char *cursor) {
    struct cursor c;
    const struct reader_entry *e = reader_entry(r);
    int k = parse_cursor(cursor, &c);
    if (k < 0 || !e)
        return k < 0 ? k : 0;
    return (!c.seqnum_id || id128_equal(c.key.seqnum_id, e->seqnum_id)) && (!c.seqnum || c.key.seqnum == e->seqnum) &&
           (!c.boot || id128_equal(c.key.boot_id, e->boot_id)) && (!c.monotonic || c.key.monotonic == e->monotonic) &&
           (!c.realtime || c.key.realtime == e->realtime) && (!c.hash || c.key.xor_hash == e->xor_hash);
}
