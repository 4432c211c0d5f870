/* SPDX-License-Identifier: Apache-2.0 */
/* Archived journal files: their names, and which of them go. Looks at file names, sizes and nothing else. */
#include "base/fd.h"
#include "base/glob.h"
#include "base/path.h"
#include "base/scan.h"
#include "base/strv.h"
#include "journal/store.h"
#include "syntax/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
/* Where nothing is written: a tenth of the file system for all files, an eighth of that for one. */
#define USE_MIN MIB
#define USE_MAX_PERSISTENT (4 * GIB)
#define FREE_MAX (4 * GIB)
#define FILE_SIZE_MIN (512 * KIB)
#define FILE_SIZE_MAX (128 * MIB)

/* libsystemd.so.0.35.0 is that of systemd 252. */
#define COMPACT_SINCE 35

bool store_readers_know_compact(const char *root) {
    static const char *const places[] = { "/usr/lib/*/libsystemd.so.0.*", "/lib/*/libsystemd.so.0.*",
                                          "/usr/lib*/libsystemd.so.0.*" };
    const char *told = getenv("SYSTEMD_JOURNAL_COMPACT");
    int compact = told ? bool_parse(told) : -EINVAL;
    if (compact >= 0)
        return compact;
    for (size_t i = 0; i < ELEMENTS(places); i++) {
        _cleanup_free_ char *pattern = path_join(root, places[i]);
        _cleanup_strv_ char **found = NULL;
        if (!pattern || glob_paths(pattern, &found) < 0)
            return false;
        STRV_FOREACH (path, found) {
            const char *at = strstr(path_base(*path), ".so.0.") + strlen(".so.0.");
            uint32_t version;
            if (!scan_u32(&at, &version) || version < COMPACT_SINCE)
                return false;
        }
    }
    return true;
}

void store_space(const char *directory, const struct log_space *space, uint64_t *ret_max_use,
                 uint64_t *ret_max_file_size) {
    struct statvfs v = {};
    uint64_t size = 10 * MIB, available = size;
    if (statvfs(directory, &v) >= 0) {
        size = (uint64_t)v.f_blocks * v.f_frsize;
        available = (uint64_t)v.f_bavail * v.f_frsize;
    }
    uint64_t use = space->max_use, file = space->max_file_size, keep = space->keep_free;
    if (use == UINT64_MAX)
        use = MIN(MAX(size / 10, USE_MIN), USE_MAX_PERSISTENT);
    if (keep == UINT64_MAX)
        keep = MIN(size * 15 / 100, FREE_MAX);
    use = MIN(use, available > keep ? available - keep : 0);
    if (file == UINT64_MAX)
        file = MIN(use / 8, FILE_SIZE_MAX);
    *ret_max_file_size = MAX(file, FILE_SIZE_MIN);
    *ret_max_use = MAX(use, 2 * *ret_max_file_size);
}

void store_archive_name(const char *directory, const char *prefix, const struct journal_header *header, char *ret,
                        size_t size) {
    char id[33];
    snprintf(ret, size, "%s/%s@%s-%016" PRIx64 "-%016" PRIx64 ".journal", directory, prefix,
             id128_to_string(header->seqnum_id, id), le64(header->head_entry_seqnum),
             le64(header->head_entry_realtime));
}

void store_dirty_name(const char *directory, const char *prefix, char *ret, size_t size) {
    snprintf(ret, size, "%s/%s@%016" PRIx64 "-%016" PRIx64 ".journal~", directory, prefix, now(CLOCK_REALTIME),
             random_below(UINT64_MAX));
}

/* --- vacuuming --- */
struct found {
    char name[256];
    usec_t time; /* realtime of the first entry */
    uint64_t size;
};

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

/* The time is in an archived file's name: the last number, or, in a name that ends with ~, the last but one. */
static bool time_of(const char *name, usec_t *ret) {
    const char *at = strchr(name, '@');
    bool dirty = ends_with(name, ".journal~");
    if (!at || (!dirty && !ends_with(name, ".journal")))
        return false;
    const char *number = dirty ? at + 1 : strrchr(at, '-') ? strrchr(at, '-') + 1 : NULL;
    if (!number)
        return false;
    usec_t time = 0;
    for (int i = 0; i < 16; i++) {
        int digit = hex_digit(number[i]);
        if (digit < 0)
            return false;
        time = time << 4 | (usec_t)digit;
    }
    *ret = time;
    return true;
}

static int by_time(const void *a, const void *b) {
    const struct found *x = a, *y = b;
    return x->time < y->time ? -1 : x->time > y->time;
}

void store_vacuum(const char *directory, uint64_t max_use, uint64_t max_files, usec_t oldest) {
    DIR *d = opendir(directory);
    if (!d)
        return;
    struct found *files = NULL;
    size_t n = 0, room = 0;
    uint64_t use = 0, count = 0;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if ((!ends_with(e->d_name, ".journal") && !ends_with(e->d_name, ".journal~")) || strlen(e->d_name) >= 256 ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        uint64_t size = (uint64_t)st.st_blocks * 512;
        use += size;
        count++;
        usec_t time;
        if (!time_of(e->d_name, &time))
            continue;
        if (n == room) {
            struct found *more = realloc(files, (room ? room * 2 : 16) * sizeof(*files));
            if (!more)
                break;
            files = more;
            room = room ? room * 2 : 16;
        }
        files[n].time = time;
        files[n].size = size;
        strcpy(files[n++].name, e->d_name);
    }
    if (n > 0)
        qsort(files, n, sizeof(*files), by_time);
    for (size_t i = 0; i < n; i++) {
        /* What a file holds ends where the next one begins. */
        bool old = oldest > 0 && i + 1 < n && files[i + 1].time < oldest;
        if (use <= max_use && (max_files == 0 || count <= max_files) && !old)
            break;
        if (unlinkat(dirfd(d), files[i].name, 0) < 0)
            continue;
        use -= MIN(use, files[i].size);
        count--;
    }
    free(files);
    closedir(d);
}

/* --- looking --- */
uint64_t store_last_seqnum(const char *directory) {
    DIR *d = opendir(directory);
    uint64_t last = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        usec_t time;
        if (!time_of(e->d_name, &time))
            continue;
        struct journal_header h;
        _cleanup_close_ int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd >= 0 && pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
            memcmp(h.signature, JOURNAL_SIGNATURE, sizeof(h.signature)) == 0)
            last = MAX(last, le64(h.tail_entry_seqnum));
    }
    if (d)
        closedir(d);
    return last;
}

void store_each_user(const char *directory, void (*call)(void *userdata, uid_t uid), void *userdata) {
    DIR *d = opendir(directory);
    for (struct dirent *e; d && (e = readdir(d));) {
        const char *at = e->d_name;
        uint32_t uid;
        if (strncmp(at, "user-", 5) == 0 && (at += 5, scan_u32(&at, &uid)) && strcmp(at, ".journal") == 0)
            call(userdata, uid);
    }
    if (d)
        closedir(d);
}

/* --- moving --- */
static int move_file(int from_dir, int to_dir, const char *name) {
    if (renameat(from_dir, name, to_dir, name) >= 0)
        return 0;
    if (errno != EXDEV)
        return -errno;
    _cleanup_close_ int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (from < 0 || fstat(from, &st) < 0)
        return -errno;
    char temporary[300];
    snprintf(temporary, sizeof(temporary), "%s.tmp", name);
    _cleanup_close_ int to = openat(to_dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (to < 0)
        return -errno;
    (void)fchown(to, (uid_t)-1, st.st_gid);
    for (off_t left = st.st_size; left > 0;) {
        ssize_t k = sendfile(to, from, NULL, (size_t)MIN(left, (off_t)GIB));
        if (k <= 0) {
            int r = k < 0 ? -errno : -EIO;
            (void)unlinkat(to_dir, temporary, 0);
            return r;
        }
        left -= k;
    }
    if (fdatasync(to) < 0 || renameat(to_dir, temporary, to_dir, name) < 0 || unlinkat(from_dir, name, 0) < 0)
        return -errno;
    return 0;
}

int store_move_archived(const char *from, const char *to) {
    DIR *d = opendir(from);
    if (!d)
        return errno == ENOENT ? 0 : -errno;
    _cleanup_close_ int target = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = target < 0 ? -errno : 0;
    for (struct dirent *e; r >= 0 && (e = readdir(d));) {
        usec_t time;
        if (strlen(e->d_name) < 256 && time_of(e->d_name, &time))
            r = move_file(dirfd(d), target, e->d_name);
    }
    closedir(d);
    return r;
}
