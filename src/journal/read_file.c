/* SPDX-License-Identifier: Apache-2.0 */
/* One journal file: mapped, every offset in it checked before it is followed. Knows no other files and no matches. */
#include "journal/read_private.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file gets more room than it has, so that it can grow without being mapped anew. */
#define ROOM_TO_GROW (UINT64_C(256) << 20)

/* --- a file that is cut short while it is mapped ------------------------------------------------------------ */
/* The page that is not there any more becomes one of zeroes, which nothing takes for an object. */
static void on_missing_page(int signal_number, siginfo_t *info, void *context) {
    uintptr_t page = (uintptr_t)info->si_addr & ~(uintptr_t)4095;
    if (info->si_code != BUS_ADRERR ||
        mmap((void *)page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
        signal(SIGBUS, SIG_DFL);
        raise(SIGBUS);
    }
}

static void expect_missing_pages(void) {
    static bool done;
    if (done)
        return;
    done = true;
    struct sigaction action = { .sa_sigaction = on_missing_page, .sa_flags = SA_SIGINFO };
    sigaction(SIGBUS, &action, NULL);
}

/* --- the header --------------------------------------------------------------------------------------------- */
static int check_header(const struct read_file *f) {
    const struct journal_header *h = file_header(f);
    if (memcmp(h->signature, JOURNAL_SIGNATURE, sizeof h->signature) != 0)
        return -EBADMSG;
    if (le32(h->incompatible_flags) & ~(uint32_t)JOURNAL_INCOMPATIBLE_ALL)
        return -EPROTONOSUPPORT;
    if (h->state >= JOURNAL_STATES || le64(h->header_size) < JOURNAL_HEADER_MIN || le64(h->header_size) % 8 != 0 ||
        le64(h->header_size) > f->size)
        return -EBADMSG;
    return 0;
}

int read_file_refresh(struct read_file *f) {
    struct stat st;
    if (fstat(f->fd, &st) < 0)
        return -errno;
    uint64_t size = (uint64_t)st.st_size;
    if (size < JOURNAL_HEADER_MIN)
        return -ENODATA;
    if (size > f->mapped) {
        uint64_t room = f->map || size < ROOM_TO_GROW ? MAX(2 * size, ROOM_TO_GROW) : size;
        void *map = mmap(NULL, room, PROT_READ, MAP_SHARED, f->fd, 0);
        if (map == MAP_FAILED && room > size)
            map = mmap(NULL, room = size, PROT_READ, MAP_SHARED, f->fd, 0);
        if (map == MAP_FAILED)
            return -errno;
        if (f->map)
            munmap((void *)f->map, f->mapped);
        f->map = map;
        f->mapped = room;
    }
    /* A header on the file's last page is whole in any case: what is behind the end of a file reads as zeroes. */
    const struct journal_header *h = file_header(f);
    uint64_t said = le64(h->header_size) + le64(h->arena_size);
    f->size = said >= le64(h->header_size) ? MIN(size, said) : size;
    chain_begin(&f->entries, 0, le64(h->entry_array_offset), le64(h->n_entries));
    return 0;
}

int read_file_open(const char *path, struct read_file **ret) {
    expect_missing_pages();
    struct read_file *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    struct stat st;
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r = f->fd < 0 || fstat(f->fd, &st) < 0 ? -errno
            : S_ISDIR(st.st_mode)              ? -EISDIR
            : S_ISREG(st.st_mode)              ? 0
                                               : -EBADFD;
    if (r >= 0)
        r = read_file_refresh(f);
    if (r >= 0)
        r = check_header(f);
    if (r >= 0 && !(f->path = strdup(path)))
        r = -ENOMEM;
    if (r < 0) {
        read_file_free(f);
        return r;
    }
    f->device = st.st_dev;
    f->inode = st.st_ino;
    uint32_t flags = le32(file_header(f)->incompatible_flags);
    f->compact = flags & JOURNAL_COMPACT;
    f->keyed = flags & JOURNAL_KEYED_HASH;
    *ret = f;
    return 0;
}

void read_file_free(struct read_file *f) {
    if (!f)
        return;
    chain_done(&f->entries);
    for (size_t i = 0; i < f->n_terms; i++)
        chain_done(&f->terms[i].chain);
    free(f->terms);
    if (f->map)
        munmap((void *)f->map, f->mapped);
    fd_close(f->fd);
    free(f->buffer);
    free(f->path);
    free(f);
}

/* --- objects ------------------------------------------------------------------------------------------------ */
const void *read_object(const struct read_file *f, uint64_t offset, enum journal_object_type type, uint64_t least) {
    if (offset % 8 != 0 || offset < JOURNAL_HEADER_MIN || offset > f->size || f->size - offset < least)
        return NULL;
    const struct journal_object *o = (const void *)(f->map + offset);
    uint64_t size = le64(o->size);
    if (size < least || size > f->size - offset || (type != JOURNAL_UNUSED && o->type != type))
        return NULL;
    return o;
}

const struct journal_entry *read_entry(const struct read_file *f, uint64_t offset) {
    return read_object(f, offset, JOURNAL_ENTRY, sizeof(struct journal_entry));
}

static size_t payload_offset(const struct read_file *f) {
    return f->compact ? sizeof(struct journal_data_compact) : sizeof(struct journal_data);
}

const struct journal_data *read_data(const struct read_file *f, uint64_t offset) {
    return read_object(f, offset, JOURNAL_DATA, payload_offset(f) + 1);
}

uint64_t entry_n_items(const struct read_file *f, const struct journal_entry *e) {
    return (le64(e->object.size) - sizeof *e) / (f->compact ? sizeof(le32_t) : sizeof(struct journal_entry_item));
}

uint64_t entry_item(const struct read_file *f, const struct journal_entry *e, uint64_t i) {
    return f->compact ? le32(((const le32_t *)(e + 1))[i])
                      : le64(((const struct journal_entry_item *)(e + 1))[i].object_offset);
}

void entry_key(const struct read_file *f, const struct journal_entry *e, struct reader_entry *ret) {
    *ret = (struct reader_entry){ .seqnum_id = file_header(f)->seqnum_id,
                                  .boot_id = e->boot_id,
                                  .seqnum = le64(e->seqnum),
                                  .xor_hash = le64(e->xor_hash),
                                  .realtime = le64(e->realtime),
                                  .monotonic = le64(e->monotonic) };
}

int data_payload(struct read_file *f, const struct journal_data *d, const char **ret, size_t *ret_size) {
    const char *payload = (const char *)d + payload_offset(f);
    size_t n = le64(d->object.size) - payload_offset(f);
    if (!(d->object.flags & JOURNAL_OBJECT_COMPRESSED)) {
        *ret = payload;
        *ret_size = n;
        return 0;
    }
    int r = decompress(d->object.flags, payload, n, &f->buffer, &f->buffer_size, ret_size);
    if (r >= 0)
        *ret = f->buffer;
    return r;
}

/* --- hash tables -------------------------------------------------------------------------------------------- */
uint64_t read_hash(const struct read_file *f, const void *data, size_t size) {
    return journal_hash(file_header(f), data, size);
}

/* The first object in the table's chain for this hash; 0: none. */
static uint64_t table_head(const struct read_file *f, le64_t offset, le64_t size, uint64_t hash) {
    uint64_t at = le64(offset), n = le64(size) / sizeof(struct journal_hash_item);
    if (n == 0 || at % 8 != 0 || at < JOURNAL_HEADER_MIN || at > f->size || f->size - at < le64(size))
        return 0;
    return le64(((const struct journal_hash_item *)(f->map + at))[hash % n].head_hash_offset);
}

uint64_t find_data(struct read_file *f, const void *data, size_t size, uint64_t hash) {
    const struct journal_header *h = file_header(f);
    uint64_t at = table_head(f, h->data_hash_table_offset, h->data_hash_table_size, hash), before = 0;
    /* Chains lead forwards: one that does not is damaged, and may be a circle. */
    for (; at > before; before = at, at = le64(((const struct journal_data *)(f->map + at))->next_hash_offset)) {
        const struct journal_data *d = read_data(f, at);
        const char *payload;
        size_t n;
        if (!d)
            return 0;
        if (le64(d->hash) == hash && data_payload(f, d, &payload, &n) >= 0 && n == size &&
            memcmp(payload, data, n) == 0)
            return at;
    }
    return 0;
}

uint64_t find_field(struct read_file *f, const void *name, size_t size, uint64_t hash) {
    const struct journal_header *h = file_header(f);
    uint64_t at = table_head(f, h->field_hash_table_offset, h->field_hash_table_size, hash), before = 0;
    for (; at > before; before = at, at = le64(((const struct journal_field *)(f->map + at))->next_hash_offset)) {
        const struct journal_field *o = read_object(f, at, JOURNAL_FIELD, sizeof *o + 1);
        if (!o)
            return 0;
        if (le64(o->hash) == hash && le64(o->object.size) - sizeof *o == size && memcmp(o + 1, name, size) == 0)
            return at;
    }
    return 0;
}
