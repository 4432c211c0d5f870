/* SPDX-License-Identifier: Apache-2.0 */
/* Journal files, read: many as one, in the order of time, forwards and backwards, with matches. Files of reeve and of
 * systemd's journald, with whatever hash, layout and compression (journal/format.h). For programs, never for PID 1.
 *
 * Nothing a file contains is believed: what is damaged is left out, and an entry that cannot be read is passed over.
 * A file may grow, be renamed or vanish while it is read; one that is cut short reads as zeroes from there. */
#pragma once

#include "base/clock.h"
#include "base/id128.h"

struct reader;
struct text;

void readerp(struct reader **r);
#define _cleanup_reader_ _cleanup_(readerp)
struct reader *reader_new(void); /* NULL: no memory */
void reader_free(struct reader *r);

/* --- which files ------------------------------------------------------------------------------------------ */
enum reader_files {
    READER_SYSTEM = 1 << 0,  /* system*.journal */
    READER_USER = 1 << 1,    /* user-UID*.journal of our own user; neither of the two: every file */
    READER_ALL = 1 << 2,     /* other machines', too */
    READER_RUNTIME = 1 << 3, /* only /run */
};
/* One file. 0 also if it is known already; -EBADMSG: no journal file, or its header makes no sense;
 * -EPROTONOSUPPORT: it has features from the future; -ENODATA: too short for a header; errno of open. */
int reader_add_file(struct reader *r, const char *path);
/* All files in a directory and in those below it that are named after a machine. The errno of looking there; files that
 * cannot be opened are in reader_problems(). */
int reader_add_directory(struct reader *r, const char *path);
/* /run/log/journal and /var/log/journal below `root` ("": this one, and also where a manager goes that may not write to
 * /run: base/runtime.h), as `files` says. Directories that are not there are none. */
int reader_add_default(struct reader *r, const char *root, enum reader_files files);
struct reader_problem {
    char *path;
    int error; /* negative errno, as reader_add_file() returns it */
};
const struct reader_problem *reader_problems(const struct reader *r, size_t *ret_n);
size_t reader_n_files(const struct reader *r);

/* --- which entries ---------------------------------------------------------------------------------------- */
/* "FIELD=value". Matches of one field are alternatives, those of several must all hold. reader_or(), reader_and(): what
 * was added since the last of its kind is a group, and groups are alternatives; groups of groups must all hold.
 * -EINVAL: not FIELD=value; -ENOMEM. */
int reader_match(struct reader *r, const void *data, size_t size);
int reader_match_string(struct reader *r, const char *match);
int reader_matchf(struct reader *r, const char *format, ...) _printf_(2, 3);
int reader_or(struct reader *r);
int reader_and(struct reader *r);
void reader_match_nothing_more(struct reader *r); /* forgets all of them */
/* "(_TRANSPORT=kernel AND PRIORITY=3)"; the caller frees; NULL: no memory. */
char *reader_match_to_string(const struct reader *r);

/* --- where in the journal --------------------------------------------------------------------------------- */
void reader_seek_head(struct reader *r);
void reader_seek_tail(struct reader *r);
void reader_seek_realtime(struct reader *r, usec_t t);
void reader_seek_monotonic(struct reader *r, struct id128 boot, usec_t t);
/* -EINVAL: not a cursor. The next step leads to the entry, or to the first behind where it was. */
int reader_seek_cursor(struct reader *r, const char *cursor);
/* 1: there is an entry; 0: there is none in this direction, and the place stays; -errno. */
int reader_next(struct reader *r);
int reader_previous(struct reader *r);
/* So many steps; how many there were. */
int64_t reader_skip(struct reader *r, uint64_t n, bool up);

/* --- the entry -------------------------------------------------------------------------------------------- */
struct reader_entry {
    struct id128 seqnum_id, boot_id;
    uint64_t seqnum, xor_hash;
    usec_t realtime, monotonic;
};
/* NULL: none. */
const struct reader_entry *reader_entry(const struct reader *r);
struct reader_data {
    const char *data; /* "FIELD=value", not terminated; valid until the next call for data */
    size_t size;
    uint64_t id;        /* of this data in this journal, the same in every entry that has it; 0: a large one */
    uint64_t n_entries; /* of its file that have it */
};
/* All data of the entry, in its order: from the first after a step or reader_restart_data(). 1, 0: no more. What cannot
 * be read is passed over. */
void reader_restart_data(struct reader *r);
int reader_next_data(struct reader *r, struct reader_data *ret);
/* The first whose name is `field`; 0: none. */
int reader_get_data(struct reader *r, const char *field, struct reader_data *ret);
/* "s=…;i=…;b=…;m=…;t=…;x=…" */
#define READER_CURSOR_MAX 160
void reader_cursor(const struct reader_entry *e, char buffer[static READER_CURSOR_MAX]);
/* Is the current entry the one that the cursor names? -EINVAL. */
int reader_test_cursor(struct reader *r, const char *cursor);

/* --- the whole -------------------------------------------------------------------------------------------- */
/* Calls with every value of a field, "FIELD=value", once; and with every name of a field. Stops at what is not 0 and
 * returns it. Matches do not matter. */
typedef int (*reader_visitor)(void *userdata, const char *data, size_t size);
int reader_each_value(struct reader *r, const char *field, reader_visitor visit, void *userdata);
int reader_each_field(struct reader *r, reader_visitor visit, void *userdata);
/* Blocks of disk, in bytes. */
uint64_t reader_disk_usage(const struct reader *r);
struct read_file;
/* The files, in the order of their names; NULL behind the last. */
const struct read_file *reader_file(const struct reader *r, size_t i);
const char *read_file_path(const struct read_file *f);
/* What `journalctl --header` prints. */
void read_file_describe(const struct read_file *f, struct text *out);
/* Walks all of a file. 0, or -EBADMSG with *ret_offset and *ret_why saying where and what is wrong. */
int read_file_verify(struct read_file *f, uint64_t *ret_offset, const char **ret_why);

/* --- following -------------------------------------------------------------------------------------------- */
/* A descriptor that polls readable when something may have changed; -errno. */
int reader_watch(struct reader *r);
/* Takes note of what changed: files that came, grew or went. */
int reader_refresh(struct reader *r);
