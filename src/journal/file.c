/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a journal file, room in it, and entries. */
#include "journal/file.h"
#include "base/fd.h"
#include "journal/file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file grows in steps: an eighth of what it is, within these. */
#define STEP_MIN (256 * 1024)
#define STEP_MAX (8 * 1024 * 1024)
/* So much may stay mapped while there is much to do. */
#define TOUCHED_MAX (64 * 1024 * 1024)
/* Pages are mapped so many at a time: each fault costs more than what is then written to the page. */
#define AHEAD (128 * 1024)

/* --- changes --- */
void change_begin(struct journal_file *f) {
    f->undo->n = 0;
    f->undo->header = *f->h;
    barrier();
    f->undo->open = 1;
    barrier();
}

void change_end(struct journal_file *f) {
    barrier();
    f->undo->open = 0;
    barrier();
}

void change_undo(struct journal_file *f) {
    struct undo *u = f->undo;
    if (!u->open)
        return;
    /* Doing this twice does no harm. */
    for (uint64_t i = MIN(u->n, (uint64_t)UNDO_MAX); i > 0; i--) {
        uint64_t offset = u->words[i - 1].offset;
        if (offset % 8 == 0 && offset >= HEADER_SIZE && offset + 8 <= f->size)
            memcpy(f->map + offset, &u->words[i - 1].old, 8);
    }
    le64_t arena = f->h->arena_size; /* what has been allocated stays so */
    *f->h = u->header;
    f->h->arena_size = arena;
    change_end(f);
    /* What is remembered may be of what is no more. */
    f->main = (struct tail_array){};
    free(f->tails);
    f->tails = NULL;
    uint64_t last = le64(f->h->tail_object_offset);
    f->tail = last == 0 ? HEADER_SIZE : last + JOURNAL_ALIGN(le64(((struct journal_object *)(f->map + last))->size));
}

/* --- objects --- */
/* What is about to be written, up to `end`, is mapped. */
static void map_ahead(struct journal_file *f, uint64_t end) {
    if (end <= f->ahead)
        return;
    uint64_t from = MAX(f->ahead, f->tail) & ~UINT64_C(4095), to = MIN(MAX(end, from + AHEAD), f->size);
    if (to > from)
        (void)madvise(f->map + from, to - from, MADV_POPULATE_WRITE);
    f->ahead = to;
}

void *object_at(struct journal_file *f, uint64_t offset, enum journal_object_type type, uint64_t min_size) {
    if (offset % 8 != 0 || offset < HEADER_SIZE || offset > f->tail || f->tail - offset < min_size)
        return NULL;
    struct journal_object *o = (struct journal_object *)(f->map + offset);
    uint64_t size = le64(o->size);
    return o->type == type && size >= min_size && size <= f->tail - offset ? o : NULL;
}

int object_room(struct journal_file *f, uint64_t size) {
    if (size > f->map_size || f->tail > f->map_size - JOURNAL_ALIGN(size))
        return -E2BIG;
    uint64_t need = f->tail + JOURNAL_ALIGN(size);
    if (f->compact && need > UINT32_MAX)
        return -E2BIG;
    if (need <= f->size) {
        map_ahead(f, need);
        return 0;
    }
    uint64_t step = MIN(MAX(f->size / 8, (uint64_t)STEP_MIN), (uint64_t)STEP_MAX);
    uint64_t target = (need + step - 1) / step * step;
    target = MIN((target + 4095) & ~UINT64_C(4095), f->map_size);
    int r = posix_fallocate(f->fd, (off_t)f->size, (off_t)(target - f->size));
    if (r != 0)
        return -r;
    f->size = target;
    f->h->arena_size = to_le64(target - HEADER_SIZE);
    map_ahead(f, need);
    return 0;
}

void object_add(struct journal_file *f, enum journal_object_type type, uint64_t size) {
    struct journal_object *o = (struct journal_object *)(f->map + f->tail);
    uint8_t flags = o->flags;
    *o = (struct journal_object){ .type = (uint8_t)type, .flags = flags, .size = to_le64(size) };
    memset(f->map + f->tail + size, 0, JOURNAL_ALIGN(size) - size);
    barrier();
    f->h->tail_object_offset = to_le64(f->tail);
    f->h->n_objects = to_le64(le64(f->h->n_objects) + 1);
    f->tail += JOURNAL_ALIGN(size);
    f->touched += size;
}

/* --- entries --- */
static int add_entry(struct journal_file *f, uint64_t seqnum, struct dual_time time, const struct journal_ref *refs,
                     size_t n) {
    uint64_t size = sizeof(struct journal_entry) + n * entry_item_size(f);
    int r = object_room(f, size);
    if (r < 0)
        return r;
    uint64_t offset = f->tail, hash = 0;
    struct journal_entry *e = (struct journal_entry *)(f->map + offset);
    struct journal_entry_item *items = (struct journal_entry_item *)(e + 1);
    le32_t *compact = (le32_t *)(e + 1);
    for (size_t i = 0; i < n; i++) {
        hash ^= refs[i].jenkins;
        if (f->compact)
            compact[i] = to_le32((uint32_t)refs[i].offset);
        else
            items[i] = (struct journal_entry_item){ to_le64(refs[i].offset), to_le64(refs[i].hash) };
    }
    e->object.flags = 0;
    e->seqnum = to_le64(seqnum);
    e->realtime = to_le64(time.realtime);
    e->monotonic = to_le64(time.monotonic);
    e->boot_id = f->boot_id;
    e->xor_hash = to_le64(hash);
    object_add(f, JOURNAL_ENTRY, size);
    for (size_t i = 0; i < n; i++) {
        r = link_to_data(f, refs[i].offset, offset);
        if (r < 0)
            return r;
    }
    r = link_to_file(f, offset);
    if (r < 0)
        return r;
    struct journal_header *h = f->h;
    if (le64(h->head_entry_seqnum) == 0)
        h->head_entry_seqnum = to_le64(seqnum);
    if (le64(h->head_entry_realtime) == 0)
        h->head_entry_realtime = to_le64(time.realtime);
    h->tail_entry_seqnum = to_le64(seqnum);
    h->tail_entry_realtime = to_le64(time.realtime);
    h->tail_entry_monotonic = to_le64(time.monotonic);
    h->tail_entry_boot_id = f->boot_id;
    h->tail_entry_offset = to_le64(offset);
    h->n_entries = to_le64(le64(h->n_entries) + 1);
    return 0;
}

/* By place, each once: few, and mostly in order. */
static size_t sort_refs(struct journal_ref *refs, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct journal_ref ref = refs[i];
        size_t at = kept;
        while (at > 0 && refs[at - 1].offset > ref.offset)
            at--;
        if (at > 0 && refs[at - 1].offset == ref.offset)
            continue;
        memmove(refs + at + 1, refs + at, (kept - at) * sizeof(*refs));
        refs[at] = ref;
        kept++;
    }
    return kept;
}

int journal_file_append(struct journal_file *f, uint64_t seqnum, struct dual_time time,
                        const struct journal_item *items, size_t n) {
    struct journal_ref refs[JOURNAL_ITEMS_MAX];
    if (n == 0 || n > JOURNAL_ITEMS_MAX)
        return -EINVAL;
    int r = 0;
    for (size_t i = 0; i < n && r >= 0; i++) {
        if (items[i].ref && items[i].ref->file == f->number) {
            refs[i] = *items[i].ref;
            continue;
        }
        change_begin(f);
        r = file_data(f, &items[i], &refs[i]);
        if (r < 0)
            change_undo(f);
        else
            change_end(f);
        if (r >= 0 && items[i].ref)
            *items[i].ref = refs[i];
    }
    if (r >= 0) {
        n = sort_refs(refs, n);
        time.monotonic = MAX(time.monotonic, f->last_monotonic);
        change_begin(f);
        r = add_entry(f, seqnum, time, refs, n);
        if (r < 0)
            change_undo(f);
        else
            change_end(f);
    }
    if (r >= 0 && f->broken)
        r = -EIO;
    if (r < 0)
        return r;
    f->last_monotonic = time.monotonic;
    f->dirty = true;
    if (f->touched >= TOUCHED_MAX) {
        /* The hash tables are needed again at once. */
        uint64_t tables = (uint64_t)((uint8_t *)(f->data_table + f->n_data_table) - f->map + 4095) & ~UINT64_C(4095);
        if (f->tail > tables)
            (void)madvise(f->map + tables, (f->tail - tables) & ~UINT64_C(4095), MADV_DONTNEED);
        f->touched = 0;
        f->worked = true;
    }
    return 0;
}

bool journal_file_is_full(const struct journal_file *f) {
    return le64(f->h->n_data) * 4 > f->n_data_table * 3 || le64(f->h->n_fields) * 4 > f->n_field_table * 3 ||
           le64(f->h->data_hash_chain_depth) > 100 || le64(f->h->field_hash_chain_depth) > 100;
}

void journal_file_wake(struct journal_file *f) {
    /* Changes through a mapping are not told to anybody; a change of size is. */
    if (f->dirty)
        (void)ftruncate(f->fd, (off_t)f->size);
    f->dirty = false;
}

void journal_file_rest(struct journal_file *f) {
    if (f->touched > 0 || f->worked)
        (void)madvise(f->map, f->map_size, MADV_DONTNEED);
    f->touched = f->ahead = 0;
    f->worked = false;
    free(f->tails);
    f->tails = NULL;
}

int journal_file_sync(struct journal_file *f) {
    return fdatasync(f->fd) < 0 ? -errno : 0;
}

bool journal_file_is_gone(const struct journal_file *f) {
    struct stat st;
    return f->broken || fstat(f->fd, &st) < 0 || st.st_nlink == 0 || (uint64_t)st.st_size < f->size;
}

const struct journal_header *journal_file_header(const struct journal_file *f) {
    return f->h;
}

uint64_t journal_file_size(const struct journal_file *f) {
    return f->size;
}

int journal_file_fd(const struct journal_file *f) {
    return f->fd;
}
