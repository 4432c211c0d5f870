/* SPDX-License-Identifier: Apache-2.0 */
/* One journal file, being written: format.h on disk, mapped. Knows no entries' origin, no directory and no policy: file
 * names, rotation, limits are store.h's.
 *
 * Readers look at the file at any time. A change is a transaction: each word that is changed in what readers can reach
 * has its old value noted first, in a part of the file's header that readers do not look at. Whoever is killed in the
 * middle leaves a file that journal_file_open() puts back to what it was before; the same happens when a change fails.
 * This protects against the death of the process, not against that of the machine: a file that was being written when
 * the machine ended is not written any more. */
#pragma once

#include "base/clock.h"
#include "journal/format.h"

struct journal_file;

struct journal_file_options {
    struct id128 machine_id, boot_id, seqnum_id;
    uint64_t max_size;        /* bytes; the file never gets longer */
    uint64_t compress_from;   /* values of so many bytes are compressed; 0: none */
    bool compact;             /* offsets of 32 bits: a new file below 4 GiB, which systemd before 252 cannot read */
};

/* Where a value that many entries have lies in a file: zeroes first, filled in by journal_file_append(). */
struct journal_ref {
    uint64_t file; /* the file's number; 0: none yet */
    uint64_t offset, hash, jenkins;
};

/* A field of an entry. Borrowed for the call. */
struct journal_item {
    const char *name; /* without '='; NULL: `value` is "NAME=value" */
    size_t name_size;
    const char *value;
    size_t size;
    struct journal_ref *ref; /* NULL: looked up each time */
};
#define JOURNAL_ITEMS_MAX 1024

/* Makes the file, mode 0640, and replaces what has the name. -ENOSPC and others of open, fallocate, mmap. */
int journal_file_create(const char *path, const struct journal_file_options *options, struct journal_file **ret);
/* Opens a file to go on writing. -ENOENT. -ESHUTDOWN: it is archived. -EUCLEAN: written by somebody else, or of
 * another machine, or somebody was writing it when the machine ended, or it is damaged: do not write it, but
 * somebody may read it. */
int journal_file_open(const char *path, const struct journal_file_options *options, struct journal_file **ret);
/* Marks it as closed well, or as archived, cut to what is used, and frees it. `sync`: on the disk, too. NULL is
 * fine. */
void journal_file_close(struct journal_file *f, bool archive, bool sync);

/* Adds an entry. -EINVAL: no items or too many. -E2BIG: does not fit into the file any more: take another.
 * -ENOSPC, -EDQUOT: disk full. -EBADMSG, -EIO: the file is damaged: set it aside. In all cases nothing has changed for
 * readers. Monotonic times that go back are moved up to the last. */
int journal_file_append(struct journal_file *f, uint64_t seqnum, struct dual_time time,
                        const struct journal_item *items, size_t n);
/* A file that was cut short gets the size back that its header tells, as a hole: journalctl does not open it
 * otherwise. */
void journal_file_mend_size(const char *path, uint64_t max_size);
/* Is another file called for, because the hash tables are full? */
bool journal_file_is_full(const struct journal_file *f);
/* Wakes who follows the file, if anything was added since the last time. */
void journal_file_wake(struct journal_file *f);
/* Gives back the memory that mapping it takes. */
void journal_file_rest(struct journal_file *f);
int journal_file_sync(struct journal_file *f);
/* Has the file been deleted, or has memory of it been lost (a truncated file, a full disk)? */
bool journal_file_is_gone(const struct journal_file *f);

const struct journal_header *journal_file_header(const struct journal_file *f);
uint64_t journal_file_size(const struct journal_file *f);
int journal_file_fd(const struct journal_file *f);
