/* SPDX-License-Identifier: Apache-2.0 */
/* What journalctl does with files instead of showing entries: fields, headers, sizes, checks, vacuuming, and asking the
 * log process to rotate them. */
#include "cli/journalctl/journalctl.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/runtime.h"
#include "base/strv.h"
#include "syntax/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOG_PROCESS "systemd/journal/io.systemd.journal" /* in the runtime directory */

/* --- fields --------------------------------------------------------------------------------------------------- */
static int print_field(void *userdata, const char *data, size_t size) {
    fwrite(data, 1, size, stdout);
    putchar('\n');
    return 0;
}

int list_fields(struct reader *r) {
    int k = reader_each_field(r, print_field, NULL);
    return k < 0 ? fail("Failed to query field names: %s", strerror(-k)) : 0;
}

struct values {
    size_t name;
    int64_t left; /* LINES_ALL */
};

static int print_value(void *userdata, const char *data, size_t size) {
    struct values *v = userdata;
    if (v->left >= 0 && v->left-- == 0)
        return 1;
    fwrite(data + v->name + 1, 1, size - v->name - 1, stdout);
    putchar('\n');
    return 0;
}

int list_values(struct reader *r, const char *field) {
    struct values v = { strlen(field), jctl.lines };
    bool valid = *field && strlen(field) <= 64 && !(*field >= '0' && *field <= '9') &&
                 field[strspn(field, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == 0;
    int k = valid ? reader_each_value(r, field, print_value, &v) : -EINVAL;
    return k < 0 ? fail("Failed to query unique data objects: %s", strerror(-k)) : 0;
}

/* --- files ---------------------------------------------------------------------------------------------------- */
int print_headers(struct reader *r) {
    const struct read_file *f;
    for (size_t i = 0; (f = reader_file(r, i)); i++) {
        _cleanup_text_ struct text t = {};
        read_file_describe(f, &t);
        printf("%s%s", i > 0 ? "\n" : "", text_str(&t));
    }
    return 0;
}

int disk_usage(struct reader *r) {
    char bytes[SIZE_TEXT_MAX];
    printf("Archived and active journals take up %s in the file system.\n", size_format(reader_disk_usage(r), bytes));
    return 0;
}

int verify_files(struct reader *r) {
    const struct read_file *f;
    int status = 0;
    for (size_t i = 0; (f = reader_file(r, i)); i++) {
        uint64_t offset = 0;
        const char *why = "", *path = read_file_path(f);
        struct stat st;
        int k = read_file_verify((struct read_file *)f, &offset, &why);
        if (k >= 0) {
            fprintf(stderr, "PASS: %s\n", path);
            continue;
        }
        unsigned long long size = stat(path, &st) < 0 ? 0 : (unsigned long long)st.st_size;
        fprintf(stderr, "%06llx: %s\n", (unsigned long long)offset, why);
        fprintf(stderr, "File corruption detected at %s:%06llx (of %llu bytes, %llu%%).\n", path,
                (unsigned long long)offset, size, size ? (unsigned long long)offset * 100 / size : 0);
        fprintf(stderr, "FAIL: %s (%s)\n", path, strerror(-k));
        status = EXIT_FAILURE;
    }
    return status;
}

/* --- vacuuming ------------------------------------------------------------------------------------------------- */
struct archived {
    char *name;
    uint64_t seqnum, bytes;
    usec_t realtime;
    struct id128 seqnum_id;
    bool has_seqnum;
};

static bool hex_number(const char *s, size_t n, uint64_t *ret) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        const char *digits = "0123456789abcdef", *at = s[i] ? strchr(digits, s[i]) : NULL;
        if (!at)
            return false;
        v = v << 4 | (uint64_t)(at - digits);
    }
    *ret = v;
    return true;
}

/* NAME@SEQNUMID-SEQNUM-REALTIME.journal as rotation names them, NAME@REALTIME-RANDOM.journal~ as damage does. */
static bool parse_name(const char *name, struct archived *ret) {
    size_t n = strlen(name), end = n - 8;
    uint64_t random;
    char id[33] = "";
    if (n > 8 + 67 && strcmp(name + end, ".journal") == 0) {
        const char *p = name + end - 67;
        ret->has_seqnum = true;
        return p[0] == '@' && p[33] == '-' && p[50] == '-' &&
               id128_from_string(memcpy(id, p + 1, 32), &ret->seqnum_id) >= 0 && hex_number(p + 34, 16, &ret->seqnum) &&
               hex_number(p + 51, 16, &ret->realtime);
    }
    end = n - 9;
    if (n > 9 + 34 && strcmp(name + end, ".journal~") == 0) {
        const char *p = name + end - 34;
        ret->has_seqnum = false;
        return p[0] == '@' && p[17] == '-' && hex_number(p + 1, 16, &ret->realtime) && hex_number(p + 18, 16, &random);
    }
    return false;
}

static int compare_archived(const void *a, const void *b) {
    const struct archived *x = a, *y = b;
    if (x->has_seqnum && y->has_seqnum && id128_equal(x->seqnum_id, y->seqnum_id) && x->seqnum != y->seqnum)
        return x->seqnum < y->seqnum ? -1 : 1;
    if (x->realtime != y->realtime)
        return x->realtime < y->realtime ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Removes the oldest archived files of one directory until what is left keeps within the limits. */
static int vacuum_directory(const char *directory) {
    struct archived *list = NULL;
    size_t n = 0, active = 0;
    uint64_t sum = 0, freed = 0;
    usec_t limit = jctl.vacuum_time ? usec_sub(now(CLOCK_REALTIME), jctl.vacuum_time) : 0;
    char bytes[SIZE_TEXT_MAX];
    DIR *d = opendir(directory);
    if (!d)
        return -errno;
    int k = 0;
    for (struct dirent *e; k >= 0 && (e = readdir(d));) {
        struct stat st;
        struct archived a = {};
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (!parse_name(e->d_name, &a)) {
            active++;
            continue;
        }
        struct archived *more = reallocarray(list, n + 1, sizeof *more);
        if (more)
            list = more;
        if (!more || !(a.name = strdup(e->d_name))) {
            k = -ENOMEM;
            break;
        }
        a.bytes = (uint64_t)st.st_blocks * 512;
        sum += a.bytes;
        list[n++] = a;
    }
    if (n > 0)
        qsort(list, n, sizeof *list, compare_archived);
    for (size_t i = 0; k >= 0 && i < n; i++) {
        uint64_t left = active + n - i;
        if ((!jctl.vacuum_time || list[i].realtime >= limit) && (!jctl.vacuum_size || sum <= jctl.vacuum_size) &&
            (!jctl.vacuum_files || left <= jctl.vacuum_files))
            break;
        if (unlinkat(dirfd(d), list[i].name, 0) < 0) {
            fprintf(stderr, "Failed to delete archived journal %s/%s: %s\n", directory, list[i].name, strerror(errno));
            continue;
        }
        if (!jctl.quiet)
            fprintf(stderr, "Deleted archived journal %s/%s (%s).\n", directory, list[i].name,
                    size_format(list[i].bytes, bytes));
        freed += list[i].bytes;
        sum -= MIN(sum, list[i].bytes);
    }
    if (k >= 0 && !jctl.quiet)
        fprintf(stderr, "Vacuuming done, freed %s of archived journals from %s.\n", size_format(freed, bytes),
                directory);
    for (size_t i = 0; i < n; i++)
        free(list[i].name);
    free(list);
    closedir(d);
    return k;
}

int vacuum_files(struct reader *r) {
    _cleanup_strv_ char **directories = NULL;
    const struct read_file *f;
    int k = 0, status = 0;
    for (size_t i = 0; k >= 0 && (f = reader_file(r, i)); i++) {
        _cleanup_free_ char *directory = strdup(read_file_path(f));
        char *slash = directory ? strrchr(directory, '/') : NULL;
        if (slash)
            *slash = 0;
        k = !directory                                            ? -ENOMEM
            : strv_contains(directories, slash ? directory : ".") ? 0
                                                                  : strv_add(&directories, slash ? directory : ".");
    }
    STRV_FOREACH (directory, directories) {
        int failed = k < 0 ? k : vacuum_directory(*directory);
        if (failed < 0)
            status = fail("Failed to vacuum %s: %s", *directory, strerror(-failed));
    }
    return status;
}

/* --- the log process -------------------------------------------------------------------------------------------- */
/* A descriptor; -1 with errno. */
static int connect_log_process(void) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = errno;
    for (enum runtime_place place = 0; fd >= 0 && place < RUNTIME_PLACES; place++) {
        _cleanup_free_ char *path = runtime_path(place, LOG_PROCESS);
        if (!path || strlen(path) >= sizeof address.sun_path)
            continue;
        strcpy(address.sun_path, path);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) >= 0)
            return TAKE_FD(fd);
        error = place == RUNTIME_RUN || errno != ENOENT ? errno : error;
    }
    errno = error;
    return -1;
}

int call_log_process(const char *method) {
    char call[128], reply[4096];
    size_t got = 0;
    _cleanup_close_ int fd = connect_log_process();
    if (fd < 0)
        return fail("Failed to connect to /run/" LOG_PROCESS ": %s", strerror(errno));
    /* Varlink: JSON with a NUL behind it. */
    int n = snprintf(call, sizeof call, "{\"method\":\"io.systemd.Journal.%s\",\"parameters\":{}}", method);
    int k = write_all(fd, call, (size_t)n + 1);
    if (k < 0)
        return fail("Failed to execute varlink call: %s", strerror(-k));
    for (ssize_t m; got < sizeof reply - 1 && !memchr(reply, 0, got); got += (size_t)m) {
        m = read(fd, reply + got, sizeof reply - 1 - got);
        if (m <= 0)
            return fail("Failed to execute varlink call: %s", m < 0 ? strerror(errno) : "Connection reset by peer");
    }
    reply[got] = 0;
    const char *error = strstr(reply, "\"error\"");
    if (error) {
        const char *name = strchr(error + strlen("\"error\""), '"');
        int length = name ? (int)strcspn(name + 1, "\"") : 0;
        return fail("Failed to execute varlink call: %.*s", length, name ? name + 1 : "");
    }
    return 0;
}
