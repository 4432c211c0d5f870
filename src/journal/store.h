/* SPDX-License-Identifier: Apache-2.0 */
/* The sink that is the journal on disk: which file an entry goes to, when another is begun, what is deleted. Knows
 * journal_file's interface, and nothing of what lies in a file.
 *
 * LOG/journal/MACHINE-ID/system.journal is written; system@….journal are archived ones; system@….journal~ are those
 * that could not be written any more. LOG is /var/log or RUNTIME/log: journald.conf(5), Storage=. */
#pragma once

#include "journal/config.h"
#include "journal/entry.h"
#include "journal/file.h"

#define STORE_USERS 8
#define FACILITIES 24

struct store_file {
    struct journal_file *file; /* NULL: not open */
    uid_t uid;                 /* of user files; the system's: 0 */
    usec_t since;              /* realtime of the first entry */
};

struct store {
    struct sink sink; /* first */
    const struct log_config *config;
    const char *runtime;
    /* Says that something is wrong; not in the journal itself. */
    void (*complain)(void *userdata, const char *what, int error);
    void *userdata;
    char directory[512]; /* "": none, nothing is stored */
    bool persistent;
    struct store_file system, users[STORE_USERS];
    unsigned next_user;
    struct journal_file_options options;
    uint64_t max_use, max_files;
    gid_t group; /* of systemd-journal; -1: none */
    uint64_t seqnum;
    unsigned long n_lost;
    usec_t retry;    /* after a failure, not before: monotonic */
    usec_t sync_at;  /* USEC_INFINITY: nothing to sync */
    usec_t looked;   /* for deleted files: monotonic */
    struct journal_ref level_refs[8], facility_refs[FACILITIES], transport_refs[ENTRY_TRANSPORTS], boot_ref,
        machine_ref, host_ref;
    char boot[64], machine[64], host[128];
    struct dual_time time; /* of the entries at hand; zeroes: none in this turn */
    bool time_old;         /* to be read again */
};

/* Finds out where to store, and takes over what lies there. With Storage=none, or where nothing can be stored, the sink
 * takes entries and forgets them. `config` and `runtime` are borrowed. */
void store_open(struct store *s, const struct log_config *config, const char *runtime,
                void (*complain)(void *userdata, const char *what, int error), void *userdata);
void store_close(struct store *s);
struct item_list;
/* The fields of an entry as they are stored; borrowed from the entry, the store and the list. */
void store_items(struct store *s, const struct entry *e, struct item_list *list);
/* What comes now may have been said later than what came before: looks at the clock again. */
void store_time_passes(struct store *s);
/* All entries of this turn are in: wakes readers. */
void store_turn(struct store *s);
/* Before a long sleep: gives memory back. */
void store_rest(struct store *s);
/* When store_turn() is to be called next, though nothing happened; USEC_INFINITY: never. Monotonic. */
usec_t store_deadline(const struct store *s);
/* The number of the last entry that is in. */
uint64_t store_seqnum(const struct store *s);
/* journalctl --sync, --rotate, --flush and --relinquish-var. 0 or a negative errno. */
int store_sync(struct store *s);
int store_rotate(struct store *s);
int store_flush(struct store *s);
int store_relinquish(struct store *s);

/* --- store_files.c: a directory of journal files */
/* The name under which the active file PREFIX.journal is kept. */
void store_archive_name(const char *directory, const char *prefix, const struct journal_header *header, char *ret,
                        size_t size);
void store_dirty_name(const char *directory, const char *prefix, char *ret, size_t size);
/* Do the programs of the image below `root` that read journals know the compact layout, as systemd does from 252 on?
 * True where there are none. $SYSTEMD_JOURNAL_COMPACT decides before that, as with journald. */
bool store_readers_know_compact(const char *root);
/* Deletes the oldest archived files until all take at most `max_use` bytes and are at most `max_files`, and those with
 * nothing younger than `oldest` (realtime). */
void store_vacuum(const char *directory, uint64_t max_use, uint64_t max_files, usec_t oldest);
/* What a directory may take: settings, and defaults from its file system. */
void store_space(const char *directory, const struct log_space *space, uint64_t *ret_max_use,
                 uint64_t *ret_max_file_size);
/* The highest number in the headers of a directory's archived files. */
uint64_t store_last_seqnum(const char *directory);
/* Calls for each file user-UID.journal. */
void store_each_user(const char *directory, void (*call)(void *userdata, uid_t uid), void *userdata);
/* Moves all files but the active ones to another directory, on whatever file system. */
int store_move_archived(const char *from, const char *to);
