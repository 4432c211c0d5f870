/* SPDX-License-Identifier: Apache-2.0 */
/* Journal files made, taken over from an earlier process, and closed; and what happens when a page of one is gone. */
#include "base/fd.h"
#include "journal/file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* As systemd reckons: 768 bytes a value, tables three quarters full. */
#define BYTES_A_VALUE 768
#define DATA_ITEMS_MIN 2047
#define FIELD_ITEMS 1023
#define FILES_MAX 16

/* --- pages that are gone --- */
/* A file may be cut by somebody, and a file system may have no room for a page that it promised. Reading and writing
 * then goes to a page of nowhere, and the file is given up. */
static struct journal_file *volatile mapped[FILES_MAX];

static void on_bus_error(int number, siginfo_t *info, void *context) {
    uint8_t *at = info->si_addr;
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct journal_file *f = mapped[i];
        if (!f || at < f->map || at >= f->map + f->map_size)
            continue;
        f->broken = true;
        void *page = (void *)((uintptr_t)at & ~(uintptr_t)4095);
        if (mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
            return;
    }
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static int register_map(struct journal_file *f) {
    struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_RESTART };
    if (sigaction(SIGBUS, &action, NULL) < 0)
        return -errno;
    for (size_t i = 0; i < FILES_MAX; i++)
        if (!mapped[i]) {
            mapped[i] = f;
            return 0;
        }
    return -EMFILE;
}

static void unregister_map(const struct journal_file *f) {
    for (size_t i = 0; i < FILES_MAX; i++)
        if (mapped[i] == f)
            mapped[i] = NULL;
}

/* --- a file in memory --- */
static void file_free(struct journal_file *f) {
    if (!f)
        return;
    unregister_map(f);
    if (f->map)
        (void)munmap(f->map, f->map_size);
    fd_close(f->fd);
    free(f->tails);
    free(f);
}

static void file_freep(struct journal_file **f) {
    file_free(*f);
}

/* Takes over fd. The mapping reaches beyond the file's end, as far as it may grow. */
static int file_new(int fd, uint64_t map_size, const struct journal_file_options *options, struct journal_file **ret) {
    static uint64_t number;
    _cleanup_(file_freep) struct journal_file *f = calloc(1, sizeof(*f));
    if (!f) {
        fd_close(fd);
        return -ENOMEM;
    }
    f->fd = fd;
    f->number = ++number;
    f->boot_id = options->boot_id;
    f->compress_from = options->compress_from;
    void *map = mmap(NULL, map_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    f->map = map;
    f->map_size = map_size;
    f->h = map;
    f->undo = (struct undo *)(f->map + UNDO_AT);
    int r = register_map(f);
    if (r < 0)
        return r;
    *ret = TAKE(f);
    return 0;
}

static void find_tables(struct journal_file *f) {
    f->data_table = (struct journal_hash_item *)(f->map + le64(f->h->data_hash_table_offset));
    f->field_table = (struct journal_hash_item *)(f->map + le64(f->h->field_hash_table_offset));
    f->n_data_table = le64(f->h->data_hash_table_size) / sizeof(struct journal_hash_item);
    f->n_field_table = le64(f->h->field_hash_table_size) / sizeof(struct journal_hash_item);
}

/* --- a new file --- */
static void add_table(struct journal_file *f, enum journal_object_type type, uint64_t items, le64_t *offset,
                      le64_t *size) {
    uint64_t bytes = items * sizeof(struct journal_hash_item);
    *offset = to_le64(f->tail + sizeof(struct journal_object));
    *size = to_le64(bytes);
    object_add(f, type, sizeof(struct journal_object) + bytes);
}

static int fill_new(struct journal_file *f, const struct journal_file_options *options) {
    uint64_t data_items = MAX(options->max_size * 4 / BYTES_A_VALUE / 3, (uint64_t)DATA_ITEMS_MIN);
    uint64_t tables = (data_items + FIELD_ITEMS) * sizeof(struct journal_hash_item) + 2 * sizeof(struct journal_object);
    if (HEADER_SIZE + tables > f->map_size)
        return -E2BIG;
    int r = posix_fallocate(f->fd, 0, HEADER_SIZE);
    if (r != 0)
        return -r;
    f->size = f->tail = HEADER_SIZE;
    r = object_room(f, tables);
    if (r < 0)
        return r;
    struct journal_header *h = f->h;
    *h = (struct journal_header){
        .compatible_flags = to_le32(0),
        .incompatible_flags = to_le32(JOURNAL_KEYED_HASH | (options->compress_from > 0 ? JOURNAL_LZ4 : 0) |
                                      (options->compact ? JOURNAL_COMPACT : 0)),
        .state = JOURNAL_ONLINE,
        .machine_id = options->machine_id,
        .tail_entry_boot_id = options->boot_id,
        .seqnum_id = options->seqnum_id,
        .header_size = to_le64(HEADER_SIZE),
        .arena_size = h->arena_size,
    };
    r = id128_random(&h->file_id);
    if (r < 0)
        return r;
    add_table(f, JOURNAL_FIELD_HASH_TABLE, FIELD_ITEMS, &h->field_hash_table_offset, &h->field_hash_table_size);
    add_table(f, JOURNAL_DATA_HASH_TABLE, data_items, &h->data_hash_table_offset, &h->data_hash_table_size);
    f->compact = options->compact;
    find_tables(f);
    f->undo->magic = UNDO_MAGIC;
    f->undo->boot_id = options->boot_id;
    memcpy(h->signature, JOURNAL_SIGNATURE, sizeof(h->signature));
    return f->broken ? -EIO : 0;
}

int journal_file_create(const char *path, const struct journal_file_options *options, struct journal_file **ret) {
    char temporary[4096];
    int n = snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    if (n < 0 || n >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    (void)unlink(temporary);
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return -errno;
    _cleanup_(file_freep) struct journal_file *f = NULL;
    int r = file_new(fd, (options->max_size + 4095) & ~UINT64_C(4095), options, &f);
    if (r >= 0)
        r = fill_new(f, options);
    if (r >= 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlink(temporary);
        return r;
    }
    *ret = TAKE(f);
    return 0;
}

/* --- a file that is there --- */
static bool table_fits(struct journal_file *f, le64_t offset, le64_t size, enum journal_object_type type) {
    uint64_t at = le64(offset), bytes = le64(size);
    if (at % 8 != 0 || at < HEADER_SIZE + sizeof(struct journal_object) || bytes < sizeof(struct journal_hash_item))
        return false;
    struct journal_object *o = object_at(f, at - sizeof(*o), type, sizeof(*o));
    return o && le64(o->size) == sizeof(*o) + bytes;
}

/* Of ours, whole, and as this process or one before it left it? */
static int check(struct journal_file *f, const struct journal_file_options *options, uint64_t file_size) {
    const struct journal_header *h = f->h;
    if (memcmp(h->signature, JOURNAL_SIGNATURE, sizeof(h->signature)) != 0 || le64(h->header_size) != HEADER_SIZE ||
        f->undo->magic != UNDO_MAGIC || le32(h->compatible_flags) != 0 ||
        (le32(h->incompatible_flags) & ~(uint32_t)(JOURNAL_LZ4 | JOURNAL_COMPACT)) != JOURNAL_KEYED_HASH)
        return -EUCLEAN;
    if (h->state == JOURNAL_ARCHIVED)
        return -ESHUTDOWN;
    f->compact = le32(h->incompatible_flags) & JOURNAL_COMPACT;
    uint64_t arena = le64(h->arena_size);
    if (arena > file_size - HEADER_SIZE || !id128_equal(h->machine_id, options->machine_id))
        return -EUCLEAN;
    if (h->state == JOURNAL_ONLINE && !id128_equal(f->undo->boot_id, options->boot_id))
        return -EUCLEAN;
    f->size = f->tail = HEADER_SIZE + arena; /* until it is known */
    uint64_t last = le64(f->undo->header.tail_object_offset);
    if (f->undo->open && (last % 8 != 0 || last > f->size - sizeof(struct journal_object)))
        return -EUCLEAN;
    change_undo(f);
    last = le64(h->tail_object_offset);
    f->tail = f->size;
    struct journal_object *o = last < f->size ? (struct journal_object *)(f->map + last) : NULL;
    if (last % 8 != 0 || last < HEADER_SIZE || f->size - last < sizeof(*o) || !o || le64(o->size) < sizeof(*o) ||
        le64(o->size) > f->size - last)
        return -EUCLEAN;
    f->tail = last + JOURNAL_ALIGN(le64(o->size));
    if (!table_fits(f, h->data_hash_table_offset, h->data_hash_table_size, JOURNAL_DATA_HASH_TABLE) ||
        !table_fits(f, h->field_hash_table_offset, h->field_hash_table_size, JOURNAL_FIELD_HASH_TABLE))
        return -EUCLEAN;
    find_tables(f);
    if (!file_chain_is_whole(f))
        return -EUCLEAN;
    return f->broken ? -EUCLEAN : 0;
}

int journal_file_open(const char *path, const struct journal_file_options *options, struct journal_file **ret) {
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ELOOP || errno == EISDIR ? -EUCLEAN : -errno;
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < HEADER_SIZE) {
        fd_close(fd);
        return -EUCLEAN;
    }
    _cleanup_(file_freep) struct journal_file *f = NULL;
    uint64_t size = MAX((uint64_t)st.st_size, options->max_size);
    int r = file_new(fd, (size + 4095) & ~UINT64_C(4095), options, &f);
    if (r < 0)
        return r;
    r = check(f, options, (uint64_t)st.st_size);
    if (r < 0)
        return r;
    if (id128_equal(f->h->tail_entry_boot_id, options->boot_id))
        f->last_monotonic = le64(f->h->tail_entry_monotonic);
    f->undo->boot_id = options->boot_id;
    f->h->state = JOURNAL_ONLINE;
    *ret = TAKE(f);
    return 0;
}

void journal_file_mend_size(const char *path, uint64_t max_size) {
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    struct journal_header h;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || pread(fd, &h, sizeof(h), 0) != sizeof(h) ||
        memcmp(h.signature, JOURNAL_SIGNATURE, sizeof(h.signature)) != 0)
        return;
    uint64_t size = le64(h.header_size) + le64(h.arena_size);
    if (le64(h.arena_size) <= max_size && size > (uint64_t)st.st_size && size <= max_size)
        (void)!ftruncate(fd, (off_t)size);
}

void journal_file_close(struct journal_file *f, bool archive, bool sync) {
    if (!f)
        return;
    if (!f->broken) {
        if (archive && f->tail < f->size) {
            f->h->arena_size = to_le64(f->tail - HEADER_SIZE);
            barrier();
            (void)ftruncate(f->fd, (off_t)f->tail);
        }
        if (sync)
            (void)fdatasync(f->fd);
        barrier();
        f->h->state = archive ? JOURNAL_ARCHIVED : JOURNAL_OFFLINE;
        journal_file_wake(f);
        if (sync)
            (void)fdatasync(f->fd);
    }
    file_free(f);
}
