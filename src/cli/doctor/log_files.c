/* SPDX-License-Identifier: Apache-2.0 */
/* Which running services log only to files: a process of theirs holds one open for writing, and the journal has nothing
 * from them since they were started. Knows /proc, the manager's list of processes, and the journal. */
#include "cli/doctor/doctor.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/scan.h"
#include "unit/unit_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_SHOWN 4
#define LISTING_MAX 65536

/* --- what a process has open -------------------------------------------------------------------------------------- */
static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n > m && strcmp(s + n - m, end) == 0;
}

/* By its name; a database's write-ahead log is none, though it may be called so. */
static bool looks_like_log(const char *path, bool appended) {
    static const char *const none[] = { "/var/log/journal", "/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog",
                                        "/var/log/faillog" };
    for (size_t i = 0; i < ELEMENTS(none); i++)
        if (path_below(path, none[i]))
            return false;
    return path_below(path, "/var/log") || (appended && (ends_with(path, ".log") || ends_with(path, ".err")));
}

/* The flags it was opened with; -1: not known. proc_pid_fdinfo(5). */
static long open_flags(pid_t pid, const char *fd) {
    char path[64];
    _cleanup_free_ char *text = NULL;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", (int)pid, fd);
    const char *at = file_read(path, 4096, &text, NULL) >= 0 ? strstr(text, "flags:") : NULL;
    return at ? strtol(at + strlen("flags:"), NULL, 8) : -1;
}

/* Log files that it writes, a line each. -EACCES: this user may not know; other negative errno. */
static int list_files(pid_t pid, struct text *out) {
    char path[64], target[4096];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    int r = 0;
    for (struct dirent *e; r >= 0 && (e = readdir(dir));) {
        struct stat st;
        ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof target - 1);
        if (n < 0 && errno == EACCES)
            r = -EACCES;
        if (n <= 0 || target[0] != '/' || memchr(target, '\n', (size_t)n))
            continue;
        target[n] = 0;
        long flags = open_flags(pid, e->d_name);
        if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || !looks_like_log(target, flags & O_APPEND) ||
            fstatat(dirfd(dir), e->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode) || st.st_nlink == 0)
            continue;
        text_addf(out, "%s\n", target);
    }
    closedir(dir);
    return out->failed ? -ENOMEM : r;
}

/* Without CAP_SYS_PTRACE a process may only be looked at by its own user. */
static int list_files_as(pid_t pid, uid_t uid, gid_t gid, struct text *out) {
    int fds[2];
    char buffer[4096];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct text found = {};
        if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 || list_files(pid, &found) < 0)
            _exit(EXIT_FAILURE);
        _exit(write_all(fds[1], text_str(&found), MIN(found.len, (size_t)LISTING_MAX)) < 0);
    }
    close(fds[1]);
    for (ssize_t n; child > 0 && (n = read(fds[0], buffer, sizeof buffer)) > 0;)
        text_add_n(out, buffer, (size_t)n);
    close(fds[0]);
    int status;
    if (child < 0)
        return -EAGAIN;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

static void add_files(pid_t pid, struct text *out) {
    char path[32];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    if (list_files(pid, out) == -EACCES && geteuid() == 0 && stat(path, &st) >= 0 && st.st_uid != 0)
        (void)list_files_as(pid, st.st_uid, st.st_gid, out);
}

/* --- the unit ----------------------------------------------------------------------------------------------------- */
/* Log files of all processes of a unit, each once. */
static char **unit_log_files(const char *unit) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *reply = ctl_call("GetUnitProcesses", &error, "s", unit);
    _cleanup_text_ struct text lines = {};
    char **files = NULL, *rest;
    DBusMessageIter i, rows, row;
    if (!reply || !dbus_message_iter_init(reply, &i) || !take_open(&i, &rows))
        return NULL;
    while (take_open(&rows, &row)) {
        (void)take_string(&row);
        add_files((pid_t)take_number(&row), &lines);
    }
    _cleanup_free_ char *list = text_take(&lines);
    for (char *line = list ? strtok_r(list, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
        if (!strv_contains(files, line) && strv_add(&files, line) < 0)
            break;
    return files;
}

/* Files that are followed reach the journal as soon as there is something in them. */
static bool follows_files(const struct search_path *search, const char *id) {
    _cleanup_(unit_file_freep) struct unit_file *unit = doctor_load(search, id);
    return unit && strv_length(unit_strv(unit, D_LogFiles)) > 0;
}

/* Has anything come from the unit's processes since it was last started? */
static bool is_in_journal(const struct unit_row *u) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *props = props_get(u->path, &error);
    _cleanup_reader_ struct reader *r = reader_new();
    usec_t since = props_number(props, "InactiveExitTimestampMonotonic");
    if (!r || reader_add_default(r, "", READER_SYSTEM | READER_USER) < 0 ||
        reader_matchf(r, "_SYSTEMD_UNIT=%s", u->id) < 0)
        return false;
    reader_seek_tail(r);
    return reader_previous(r) > 0 && since != UINT64_MAX && reader_entry(r)->monotonic >= since;
}

static void look_at(struct doctor *d, const struct search_path *search, const struct unit_row *u) {
    if (follows_files(search, u->id))
        return;
    _cleanup_strv_ char **files = unit_log_files(u->id);
    size_t n = strv_length(files);
    if (n == 0)
        return;
    bool too = is_in_journal(u);
    text_addf(&d->what, "%s logs %s", u->id, too ? "also to " : "only to ");
    text_addf(&d->cure, "put LogFiles=");
    for (size_t i = 0; i < n; i++) {
        if (i < FILES_SHOWN)
            text_addf(&d->what, "%s%s", i > 0 ? ", " : "", files[i]);
        text_addf(&d->cure, "%s%s", i > 0 ? " " : "", files[i]);
    }
    if (n > FILES_SHOWN)
        text_addf(&d->what, " and %zu more", n - FILES_SHOWN);
    text_addf(&d->cure, " into [X-Reeve] of a drop-in of the unit, and restart it");
    doctor_tell(d, too ? SEVERITY_NOTE : SEVERITY_PROBLEM, u->id,
                too ? "`docker logs` and journalctl do not show what is there"
                    : "`docker logs` and journalctl show nothing of it",
                NULL);
}

void check_log_files(struct doctor *d) {
    struct search_path search;
    if (search_path_init(&search, "", NULL, true) < 0)
        return;
    for (size_t i = 0; i < d->n_units; i++) {
        const char *type = strrchr(d->units[i].id, '.');
        if (type && strcmp(type, ".service") == 0 && strcmp(d->units[i].active, "active") == 0)
            look_at(d, &search, &d->units[i]);
    }
    search_path_done(&search);
}
