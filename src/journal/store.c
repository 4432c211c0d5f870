/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/store.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/users.h"
#include "journal/fields.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <unistd.h>

/* After a failure to open a file, entries are lost until then. */
#define RETRY (1 * USEC_PER_SEC)
/* Somebody may delete what is being written. */
#define LOOK_EVERY (1 * USEC_PER_SEC)
#define UID_FIRST_USER 1000
#define UID_LAST_USER 60000

static const char *const transports[ENTRY_TRANSPORTS] = { "_TRANSPORT=stdout",  "_TRANSPORT=stdout",
                                                          "_TRANSPORT=syslog",  "_TRANSPORT=journal",
                                                          "_TRANSPORT=journal", "_TRANSPORT=kernel",
                                                          "_TRANSPORT=file" };

/* --- ids --- */
static int read_id(const char *path, struct id128 *ret) {
    _cleanup_free_ char *text = NULL;
    int r = file_read(path, 4096, &text, NULL);
    if (r < 0)
        return r;
    text[strcspn(text, "\n")] = 0;
    return id128_from_string(text, ret);
}

static bool find_ids(struct store *s) {
    char path[512];
    snprintf(path, sizeof(path), "%s/machine-id", s->runtime);
    if (read_id("/etc/machine-id", &s->options.machine_id) < 0 && read_id(path, &s->options.machine_id) < 0)
        return false;
    if (read_id("/proc/sys/kernel/random/boot_id", &s->options.boot_id) < 0)
        return false;
    char id[33];
    snprintf(s->boot, sizeof(s->boot), "_BOOT_ID=%s", id128_to_string(s->options.boot_id, id));
    snprintf(s->machine, sizeof(s->machine), "_MACHINE_ID=%s", id128_to_string(s->options.machine_id, id));
    struct utsname u;
    if (uname(&u) >= 0 && u.nodename[0])
        snprintf(s->host, sizeof(s->host), "_HOSTNAME=%s", u.nodename);
    return true;
}

/* --- files --- */
static void prefix_of(const struct store_file *f, char ret[static 32]) {
    if (f->uid == 0)
        strcpy(ret, "system");
    else
        snprintf(ret, 32, "user-%u", (unsigned)f->uid);
}

static void path_of(const struct store *s, const struct store_file *f, char *ret, size_t size) {
    char prefix[32];
    prefix_of(f, prefix);
    snprintf(ret, size, "%s/%s.journal", s->directory, prefix);
}

static void note_seqnum(struct store *s, const struct journal_file *file) {
    s->seqnum = MAX(s->seqnum, le64(journal_file_header(file)->tail_entry_seqnum));
}

static void set_aside(struct store *s, const struct store_file *f) {
    char path[1024], other[1024], prefix[32];
    prefix_of(f, prefix);
    path_of(s, f, path, sizeof(path));
    journal_file_mend_size(path, s->options.max_size);
    store_dirty_name(s->directory, prefix, other, sizeof(other));
    if (rename(path, other) < 0 && errno != ENOENT)
        (void)unlink(path);
}

static void vacuum(struct store *s) {
    usec_t retention = s->config->max_retention;
    store_vacuum(s->directory, s->max_use, s->max_files, retention ? usec_sub(now(CLOCK_REALTIME), retention) : 0);
}

/* Closes it, and keeps it under another name if anything is in it. */
static void archive(struct store *s, struct store_file *f) {
    if (!f->file)
        return;
    char path[1024], other[1024], prefix[32];
    prefix_of(f, prefix);
    path_of(s, f, path, sizeof(path));
    const struct journal_header *h = journal_file_header(f->file);
    bool empty = le64(h->n_entries) == 0;
    store_archive_name(s->directory, prefix, h, other, sizeof(other));
    bool gone = journal_file_is_gone(f->file);
    journal_file_close(TAKE(f->file), true, s->persistent);
    if (gone)
        return;
    if (empty)
        (void)unlink(path);
    else
        (void)rename(path, other);
}

static int create(struct store *s, struct store_file *f, const char *path) {
    int r = journal_file_create(path, &s->options, &f->file);
    if (r == -ENOENT && (r = mkdir_p(s->directory, 0755)) >= 0)
        r = journal_file_create(path, &s->options, &f->file);
    if (r < 0)
        return r;
    if (s->group != (gid_t)-1)
        (void)fchown(journal_file_fd(f->file), (uid_t)-1, s->group);
    return 0;
}

static int open_file(struct store *s, struct store_file *f) {
    char path[1024];
    path_of(s, f, path, sizeof(path));
    int r = journal_file_open(path, &s->options, &f->file);
    if (r >= 0) {
        note_seqnum(s, f->file);
        if (f->uid == 0)
            s->options.seqnum_id = journal_file_header(f->file)->seqnum_id;
        f->since = le64(journal_file_header(f->file)->head_entry_realtime);
        return 0;
    }
    if (r == -EUCLEAN || r == -ESHUTDOWN)
        set_aside(s, f);
    else if (r != -ENOENT)
        return r;
    vacuum(s);
    f->since = 0;
    r = create(s, f, path);
    if (r == -ENOSPC || r == -EDQUOT) {
        /* Half of what is there goes before nothing is stored at all. */
        store_vacuum(s->directory, s->max_use / 2, s->max_files, 0);
        r = create(s, f, path);
    }
    return r;
}

static int next_file(struct store *s, struct store_file *f) {
    archive(s, f);
    return open_file(s, f);
}

static bool is_user(const struct store *s, uid_t uid) {
    return s->persistent && s->config->split == SPLIT_UID && uid >= UID_FIRST_USER && uid <= UID_LAST_USER;
}

static struct store_file *file_for(struct store *s, const struct entry *e) {
    if (!is_user(s, e->uid))
        return &s->system;
    for (size_t i = 0; i < STORE_USERS; i++)
        if (s->users[i].file && s->users[i].uid == e->uid)
            return &s->users[i];
    struct store_file *f = &s->users[s->next_user++ % STORE_USERS];
    journal_file_close(TAKE(f->file), false, false);
    f->uid = e->uid;
    return f;
}

/* --- entries --- */
static bool too_old(const struct store *s, const struct store_file *f, usec_t time) {
    return s->config->max_file > 0 && f->since > 0 && time > f->since && time - f->since > s->config->max_file;
}

static int append(struct store *s, const struct entry *e, const struct journal_item *items, size_t n) {
    struct store_file *f = file_for(s, e);
    int r = f->file ? 0 : open_file(s, f);
    if (r >= 0 && (journal_file_is_full(f->file) || too_old(s, f, s->time.realtime)))
        r = next_file(s, f);
    for (int tries = 0; r >= 0; tries++) {
        r = journal_file_append(f->file, s->seqnum + 1, s->time, items, n);
        if (r >= 0 || r == -EINVAL || r == -ENOMEM || tries == 2)
            break;
        if (r == -ENOSPC || r == -EDQUOT) {
            store_vacuum(s->directory, s->max_use / 2, s->max_files, 0);
            if (tries > 0)
                break;
            r = 0;
            continue;
        }
        if (r == -EBADMSG || r == -EIO) {
            if (!journal_file_is_gone(f->file) || r == -EBADMSG)
                set_aside(s, f);
            journal_file_close(TAKE(f->file), false, false);
            r = open_file(s, f);
        } else /* -E2BIG: it is full */
            r = le64(journal_file_header(f->file)->n_entries) > 0 ? next_file(s, f) : -EFBIG;
    }
    if (r < 0)
        return r;
    s->seqnum++;
    if (f->since == 0)
        f->since = s->time.realtime;
    return 0;
}

static void say_lost(struct store *s) {
    char text[96];
    snprintf(text, sizeof(text), "the journal: %lu entries could not be stored", s->n_lost);
    s->n_lost = 0;
    s->complain(s->userdata, text, 0);
}

void store_items(struct store *s, const struct entry *e, struct item_list *l) {
    l->n = 0;
    char *next = l->text;
    entry_items(e, l, &next);
    if (e->transport != ENTRY_NATIVE) {
        char priority[] = "PRIORITY=0", facility[] = "SYSLOG_FACILITY=00";
        priority[sizeof(priority) - 2] = (char)('0' + (e->level & 7));
        items_add_copy(l, &next, priority, sizeof(priority) - 1, &s->level_refs[e->level & 7]);
        unsigned n = e->facility > 0 ? LOG_FAC((unsigned)e->facility) % FACILITIES : 0;
        char *digits = facility + sizeof(facility) - 3;
        if (n >= 10)
            *digits++ = (char)('0' + n / 10);
        *digits++ = (char)('0' + n % 10);
        if (n > 0)
            items_add_copy(l, &next, facility, (size_t)(digits - facility), &s->facility_refs[n]);
    }
    const char *transport = transports[e->transport];
    items_add_ref(l, transport, strlen(transport), &s->transport_refs[e->transport]);
    items_add_ref(l, s->boot, strlen(s->boot), &s->boot_ref);
    items_add_ref(l, s->machine, strlen(s->machine), &s->machine_ref);
    if (s->host[0])
        items_add_ref(l, s->host, strlen(s->host), &s->host_ref);
}

static void store_write(struct sink *sink, const struct entry *e) {
    struct store *s = (struct store *)sink;
    if (!s->directory[0] || e->level > (int)s->config->max_level_store)
        return;
    if (s->time.realtime == 0 || s->time_old)
        s->time = dual_now();
    s->time_old = false;
    if (s->n_lost > 0 && s->time.monotonic < s->retry) {
        s->n_lost++;
        return;
    }
    struct item_list list;
    store_items(s, e, &list);
    int r = append(s, e, list.items, list.n);
    if (r >= 0) {
        if (s->n_lost > 0)
            say_lost(s);
        if (s->persistent && e->level <= LOG_CRIT)
            s->sync_at = 0;
        else if (s->persistent && s->config->sync_interval > 0 && s->sync_at == USEC_INFINITY)
            s->sync_at = usec_add(s->time.monotonic, s->config->sync_interval);
        return;
    }
    if (r == -EINVAL)
        return;
    s->retry = usec_add(now(CLOCK_MONOTONIC), RETRY);
    if (s->n_lost++ == 0)
        s->complain(s->userdata, "the journal cannot be written", r);
}

/* --- where --- */
static bool usable(const char *directory) {
    return access(directory, W_OK | X_OK) >= 0;
}

/* Chooses the directory: journald.conf(5), Storage=. */
static void choose(struct store *s, bool runtime_only) {
    char base[256], id[33];
    uint64_t storage = s->config->storage;
    s->directory[0] = 0;
    if (storage == STORAGE_NONE)
        return;
    id128_to_string(s->options.machine_id, id);
    s->persistent = false;
    if (storage != STORAGE_VOLATILE && !runtime_only) {
        if (storage == STORAGE_PERSISTENT)
            (void)mkdir_p("/var/log/journal", 0755);
        /* A manager that keeps its files elsewhere is not alone here. */
        s->persistent =
            (storage == STORAGE_PERSISTENT || strcmp(s->runtime, "/run") == 0) && usable("/var/log/journal");
    }
    if (s->persistent)
        strcpy(base, "/var/log/journal");
    else
        snprintf(base, sizeof(base), "%s/log/journal", s->runtime);
    snprintf(s->directory, sizeof(s->directory), "%s/%s", base, id);
    int r = mkdir_p(s->directory, 0755);
    if (r < 0) {
        s->complain(s->userdata, s->directory, r);
        s->directory[0] = 0;
        return;
    }
    if (s->group != (gid_t)-1 && chown(s->directory, (uid_t)-1, s->group) >= 0)
        (void)chmod(s->directory, 02755);
    const struct log_space *space = s->persistent ? &s->config->persistent : &s->config->runtime;
    store_space(s->directory, space, &s->max_use, &s->options.max_size);
    s->max_files = space->max_files;
}

/* A user's file that was being written may have the last number. */
static void open_user(void *store, uid_t uid) {
    struct store *s = store;
    if (!is_user(s, uid) || s->next_user >= STORE_USERS)
        return;
    struct store_file *f = &s->users[s->next_user++];
    f->uid = uid;
    (void)open_file(s, f);
}

static void open_all(struct store *s) {
    if (!s->directory[0])
        return;
    s->seqnum = MAX(s->seqnum, store_last_seqnum(s->directory));
    store_each_user(s->directory, open_user, s);
    int r = open_file(s, &s->system);
    if (r < 0)
        s->complain(s->userdata, s->directory, r);
}

void store_open(struct store *s, const struct log_config *config, const char *runtime,
                void (*complain)(void *userdata, const char *what, int error), void *userdata) {
    *s = (struct store){ .sink.write = store_write,
                         .config = config,
                         .runtime = runtime,
                         .complain = complain,
                         .userdata = userdata,
                         .group = (gid_t)-1,
                         .sync_at = USEC_INFINITY };
    (void)group_lookup("systemd-journal", &s->group);
    s->options.compress_from = config->compress_from;
    s->options.compact = store_readers_know_compact("");
    if (id128_random(&s->options.seqnum_id) < 0 || !find_ids(s)) {
        complain(userdata, "nothing is stored without a machine id", -ENOENT);
        return;
    }
    choose(s, false);
    open_all(s);
}

static void each_file(struct store *s, void (*call)(struct store *s, struct store_file *f)) {
    if (s->system.file)
        call(s, &s->system);
    for (size_t i = 0; i < STORE_USERS; i++)
        if (s->users[i].file)
            call(s, &s->users[i]);
}

static void close_one(struct store *s, struct store_file *f) {
    journal_file_close(TAKE(f->file), false, s->persistent);
}

void store_close(struct store *s) {
    each_file(s, close_one);
    s->directory[0] = 0;
}

/* --- the turn --- */
static void wake_one(struct store *s, struct store_file *f) {
    journal_file_wake(f->file);
}

static void sync_one(struct store *s, struct store_file *f) {
    (void)journal_file_sync(f->file);
}

static void look_at_one(struct store *s, struct store_file *f) {
    if (journal_file_is_gone(f->file))
        journal_file_close(TAKE(f->file), false, false);
}

void store_time_passes(struct store *s) {
    s->time_old = true;
}

void store_turn(struct store *s) {
    if (s->time.realtime == 0 && s->sync_at == USEC_INFINITY)
        return;
    usec_t time = now(CLOCK_MONOTONIC);
    s->time = (struct dual_time){};
    if (time >= usec_add(s->looked, LOOK_EVERY)) {
        each_file(s, look_at_one);
        s->looked = time;
    }
    each_file(s, wake_one);
    if (s->sync_at <= time)
        (void)store_sync(s);
}

static void rest_one(struct store *s, struct store_file *f) {
    journal_file_rest(f->file);
}

void store_rest(struct store *s) {
    each_file(s, rest_one);
}

usec_t store_deadline(const struct store *s) {
    return s->sync_at;
}

uint64_t store_seqnum(const struct store *s) {
    return s->seqnum;
}

/* --- what journalctl asks for --- */
int store_sync(struct store *s) {
    if (s->persistent)
        each_file(s, sync_one);
    s->sync_at = USEC_INFINITY;
    return 0;
}

int store_rotate(struct store *s) {
    each_file(s, archive);
    if (!s->directory[0])
        return 0;
    int r = open_file(s, &s->system);
    vacuum(s);
    return r;
}

int store_flush(struct store *s) {
    if (s->persistent || !s->directory[0])
        return 0;
    char before[sizeof(s->directory)];
    strcpy(before, s->directory);
    /* Directories first, so that nothing is half done. */
    choose(s, false);
    if (!s->persistent || !s->directory[0]) {
        choose(s, true);
        return 0;
    }
    char after[sizeof(s->directory)];
    strcpy(after, s->directory);
    strcpy(s->directory, before);
    archive(s, &s->system);
    strcpy(s->directory, after);
    int r = store_move_archived(before, after);
    int k = open_file(s, &s->system);
    return r < 0 ? r : k;
}

int store_relinquish(struct store *s) {
    if (!s->persistent)
        return 0;
    each_file(s, close_one);
    choose(s, true);
    open_all(s);
    return 0;
}
