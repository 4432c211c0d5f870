/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries are wanted: what -u, -t, -p, -b, -k and the words mean as matches. */
#include "cli/journalctl/journalctl.h"

#include "base/fd.h"
#include "base/glob.h"
#include "base/path.h"
#include "base/strv.h"
#include "syntax/names.h"
#include "syntax/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define COREDUMP_MESSAGE "fc2e22bc6ee647b6b90729ab34a250b1"

/* --- boots ---------------------------------------------------------------------------------------------------- */
struct boot {
    struct id128 id;
    usec_t first, last;
};
struct boots {
    struct boot *list;
    size_t n;
};

static int add_boot(void *userdata, const char *data, size_t size) {
    struct boots *b = userdata;
    struct id128 id;
    char text[33] = "";
    if (size != strlen("_BOOT_ID=") + 32 || id128_from_string(memcpy(text, data + strlen("_BOOT_ID="), 32), &id) < 0)
        return 0;
    struct boot *more = reallocarray(b->list, b->n + 1, sizeof *more);
    if (!more)
        return -ENOMEM;
    b->list = more;
    b->list[b->n++] = (struct boot){ .id = id };
    return 0;
}

static int compare_boots(const void *a, const void *b) {
    const struct boot *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* All of them, the earliest first. The reader has no matches before and after. */
static int get_boots(struct reader *r, struct boots *ret) {
    struct boots found = {};
    char id[33];
    int k = reader_each_value(r, "_BOOT_ID", add_boot, &found);
    for (size_t i = 0; k >= 0 && i < found.n; i++) {
        struct boot *b = &found.list[i];
        reader_match_nothing_more(r);
        k = reader_matchf(r, "_BOOT_ID=%s", id128_to_string(b->id, id));
        reader_seek_head(r);
        if (k >= 0 && reader_next(r) > 0) {
            b->first = reader_entry(r)->realtime;
            reader_seek_tail(r);
            if (reader_previous(r) > 0)
                b->last = reader_entry(r)->realtime;
        } else if (k >= 0) /* nothing of it is left */
            *b-- = found.list[--found.n], i--;
    }
    reader_match_nothing_more(r);
    if (k < 0) {
        free(found.list);
        return k;
    }
    if (found.n > 0)
        qsort(found.list, found.n, sizeof *found.list, compare_boots);
    *ret = found;
    return 0;
}

int boot_parse(const char *s, bool *boot, struct id128 *id, int *offset) {
    char text[33] = "";
    int64_t n = 0;
    struct id128 null = {}, given = {};
    *boot = true;
    if (strcmp(s, "all") == 0) {
        *boot = false;
        return 0;
    }
    if (strlen(s) >= 32 && id128_from_string(memcpy(text, s, 32), &given) >= 0) {
        s += 32;
        if (*s && *s != '-' && *s != '+')
            return -EINVAL;
    }
    if (*s && int64_parse(*s == '+' ? s + 1 : s, &n) < 0)
        return -EINVAL;
    if (n > INT32_MAX || n < INT32_MIN)
        return -EINVAL;
    *id = id128_is_null(given) ? null : given;
    *offset = (int)n;
    return 0;
}

int find_boot(struct reader *r, struct id128 *ret) {
    struct boots boots;
    char name[48];
    int k = get_boots(r, &boots);
    ssize_t at = -1;
    bool by_id = !id128_is_null(jctl.boot_id);
    if (by_id)
        id128_to_string(jctl.boot_id, name);
    else
        snprintf(name, sizeof name, "%+i", jctl.boot_offset);
    if (k >= 0) {
        /* By number: from 1 they count from the first boot, others from the last. */
        if (!by_id)
            at = jctl.boot_offset > 0 ? jctl.boot_offset - 1 : (ssize_t)boots.n - 1 + jctl.boot_offset;
        for (size_t i = 0; by_id && i < boots.n; i++)
            if (id128_equal(boots.list[i].id, jctl.boot_id))
                at = (ssize_t)i + jctl.boot_offset;
        k = at >= 0 && at < (ssize_t)boots.n ? 1 : 0;
        if (k > 0)
            *ret = boots.list[at].id;
        free(boots.list);
    }
    if (k > 0)
        return 0;
    return 1 + fail("Data from the specified boot (%s) is not available: %s", name,
                         k < 0 ? strerror(-k) : "No such boot ID in journal");
}

int list_boots(struct reader *r) {
    struct boots boots;
    char id[33], first[TIMESTAMP_MAX], last[TIMESTAMP_MAX];
    int k = get_boots(r, &boots);
    if (k < 0)
        return fail("Failed to determine boots: %s", strerror(-k));
    if (boots.n == 0) {
        free(boots.list);
        return 0;
    }
    int width = boots.n > 1 ? 2 : 1, times = jctl.quiet ? 0 : (int)strlen("FIRST ENTRY");
    for (size_t n = boots.n - 1; n >= 10; n /= 10)
        width++;
    if (!jctl.quiet)
        width = MAX(width, (int)strlen("IDX"));
    for (size_t i = 0; i < boots.n; i++) {
        const char *t = timestamp_format(boots.list[i].first, jctl.print.utc, first);
        times = MAX(times, (int)strlen(t ? t : ""));
    }
    if (!jctl.quiet)
        printf("%*s %-32s %-*s %s\n", width, "IDX", "BOOT ID", times, "FIRST ENTRY", "LAST ENTRY");
    for (size_t i = 0; i < boots.n; i++) {
        const struct boot *b = &boots.list[i];
        printf("%*i %s %-*s %s\n", width, (int)i - (int)boots.n + 1, id128_to_string(b->id, id), times,
               timestamp_format(b->first, jctl.print.utc, first) ?: "n/a",
               timestamp_format(b->last, jctl.print.utc, last) ?: "n/a");
    }
    free(boots.list);
    return 0;
}

/* --- units ---------------------------------------------------------------------------------------------------- */
struct pattern {
    char *const *patterns;
    char ***found;
};

static int match_unit(void *userdata, const char *data, size_t size) {
    struct pattern *p = userdata;
    const char *equals = memchr(data, '=', size);
    _cleanup_free_ char *name = equals ? strndup(equals + 1, size - (size_t)(equals + 1 - data)) : NULL;
    if (!name)
        return equals ? -ENOMEM : 0;
    STRV_FOREACH (pattern, p->patterns)
        if (glob_match(*pattern, name, 0) && !strv_contains(*p->found, name))
            return strv_add(p->found, name);
    return 0;
}

/* "apache2" → "apache2.service", as everywhere; patterns stay. */
static int mangle_unit(const char *name, bool *ret_pattern, char **ret) {
    static const char *const types[] = { ".service", ".socket", ".target", ".device",  ".mount", ".automount",
                                         ".swap",    ".timer",  ".path",   ".slice", ".scope", ".snapshot" };
    const char *dot = strrchr(name, '.');
    bool known = false;
    *ret_pattern = glob_is_pattern(name);
    for (size_t i = 0; dot && i < ELEMENTS(types); i++)
        known |= strcmp(dot, types[i]) == 0;
    if (*name == '/') { /* a mount point, or a device */
        _cleanup_text_ struct text t = {};
        for (const char *p = name + strspn(name, "/"); *p; p++) {
            bool slash = *p == '/';
            bool plain = (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') || strchr(":_.", *p);
            if (slash)
                text_add_char(&t, '-');
            else if (plain)
                text_add_char(&t, *p);
            else
                text_addf(&t, "\\x%02x", (unsigned char)*p);
        }
        text_add(&t, strncmp(name, "/dev/", 5) == 0 ? ".device" : ".mount");
        *ret = text_take(&t);
        return *ret ? 0 : -ENOMEM;
    }
    if (asprintf(ret, "%s%s", name, known || *ret_pattern ? "" : ".service") < 0)
        return -ENOMEM;
    return 0;
}

/* A row: the match that says who wrote about the unit, and the field with the unit's name. */
struct unit_row {
    const char *with[2], *field;
    bool slices;
};
static const struct unit_row system_rows[] = {
    { { NULL }, "_SYSTEMD_UNIT", false },
    { { "_PID=1" }, "UNIT", false },
    { { "_UID=0" }, "OBJECT_SYSTEMD_UNIT", false },
    { { "MESSAGE_ID=" COREDUMP_MESSAGE, "_UID=0" }, "COREDUMP_UNIT", false },
    { { NULL }, "_SYSTEMD_SLICE", true },
};
static const struct unit_row user_rows[] = {
    { { NULL }, "_SYSTEMD_USER_UNIT", false },
    { { NULL }, "USER_UNIT", false },
    { { NULL }, "OBJECT_SYSTEMD_USER_UNIT", false },
    { { NULL }, "COREDUMP_USER_UNIT", false },
    { { NULL }, "_SYSTEMD_USER_SLICE", true },
};

int match_unit_entries(struct reader *r, const char *unit, bool user) {
    const struct unit_row *rows = user ? user_rows : system_rows;
    bool slice = strlen(unit) > 6 && strcmp(unit + strlen(unit) - 6, ".slice") == 0;
    int k = 0;
    for (size_t i = 0; k >= 0 && i < ELEMENTS(system_rows); i++) {
        if (rows[i].slices && !slice)
            continue;
        reader_or(r);
        k = reader_matchf(r, "%s=%s", rows[i].field, unit);
        for (int w = 0; k >= 0 && w < 2 && rows[i].with[w]; w++)
            k = reader_match_string(r, rows[i].with[w]);
        if (k >= 0 && user)
            k = reader_matchf(r, "_UID=%u", (unsigned)getuid());
    }
    reader_or(r);
    return k;
}

static int match_units(struct reader *r, char *const *wanted, bool user, size_t *count) {
    _cleanup_strv_ char **patterns = NULL, **names = NULL;
    const struct unit_row *rows = user ? user_rows : system_rows;
    int k = 0;
    STRV_FOREACH (unit, wanted) {
        bool is_pattern;
        char *name;
        k = mangle_unit(*unit, &is_pattern, &name);
        if (k >= 0)
            k = strv_take(is_pattern ? &patterns : &names, name);
        if (k < 0)
            return k;
    }
    struct pattern p = { patterns, &names };
    for (size_t i = 0; k >= 0 && patterns && i < ELEMENTS(system_rows); i++)
        k = reader_each_value(r, rows[i].field, match_unit, &p);
    STRV_FOREACH (name, names) {
        if (k >= 0)
            k = match_unit_entries(r, *name, user);
        ++*count;
    }
    return k;
}

static int add_units(struct reader *r) {
    size_t count = 0;
    if (!jctl.units && !jctl.user_units)
        return 0;
    int k = match_units(r, jctl.units, false, &count);
    if (k >= 0)
        k = match_units(r, jctl.user_units, true, &count);
    if (k < 0)
        return k;
    /* Nothing there matches, and without a match everything would be shown. */
    return count > 0 ? reader_and(r) : -ENODATA;
}

/* --- words ---------------------------------------------------------------------------------------------------- */
/* A script is known by its name, another program by its path. */
static int add_path(struct reader *r, const char *word) {
    _cleanup_free_ char *path = realpath(word, NULL);
    struct stat st;
    if (!path)
        return 1 + fail("Couldn't canonicalize path: %s", strerror(errno));
    if (stat(path, &st) < 0)
        return 1 + fail("Couldn't stat file: %s", strerror(errno));
    int k;
    if (S_ISREG(st.st_mode) && (st.st_mode & 0111)) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        char magic[2] = "";
        bool script = fd >= 0 && pread(fd, magic, 2, 0) == 2 && magic[0] == '#' && magic[1] == '!';
        k = script ? reader_matchf(r, "_COMM=%.15s", path_base(path)) : reader_matchf(r, "_EXE=%s", path);
    } else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
        k = reader_matchf(r, "_KERNEL_DEVICE=%c%u:%u", S_ISBLK(st.st_mode) ? 'b' : 'c', major(st.st_rdev),
                          minor(st.st_rdev));
    else
        return 1 + fail("File is neither a device node, nor regular file, nor executable: %s", word);
    return k < 0 ? 1 + fail("Failed to add match: %s", strerror(-k)) : 0;
}

static int add_words(struct reader *r, char **words) {
    bool term = false;
    for (char **word = words; *word; word++) {
        if (strcmp(*word, "+") == 0) {
            if (!term || !word[1])
                return 1 + fail("\"+\" can only be used between terms");
            reader_or(r);
            term = false;
            continue;
        }
        int k = strchr(*word, '/') == *word ? add_path(r, *word) : reader_match_string(r, *word);
        if (k > 0)
            return k;
        if (k < 0)
            return 1 + fail("Failed to add match '%s': %s", *word, strerror(-k));
        term = true;
    }
    return 0;
}

/* --- all of it ------------------------------------------------------------------------------------------------ */
static int add_boot_match(struct reader *r) {
    struct id128 id;
    char text[33];
    _cleanup_free_ char *own = NULL;
    if (!jctl.boot)
        return 0;
    /* The present one is known, where the journal is this machine's. */
    bool here = !jctl.directory && !jctl.root && !jctl.files && jctl.boot_offset == 0 && id128_is_null(jctl.boot_id);
    if (here && file_read("/proc/sys/kernel/random/boot_id", 64, &own, NULL) >= 0) {
        own[strcspn(own, "\n")] = 0;
        here = id128_from_string(own, &id) >= 0;
    } else
        here = false;
    if (!here) {
        int k = find_boot(r, &id);
        if (k > 0)
            return k;
    }
    if (reader_matchf(r, "_BOOT_ID=%s", id128_to_string(id, text)) < 0)
        return 1 + fail("Failed to add match: %s", strerror(ENOMEM));
    return reader_and(r);
}

int select_entries(struct reader *r, char **words) {
    int k = add_boot_match(r);
    if (k > 0)
        return k;
    if (jctl.dmesg) {
        k = reader_match_string(r, "_TRANSPORT=kernel");
        reader_and(r);
    }
    if (k >= 0 && (k = add_units(r)) < 0)
        return 1 + fail("Failed to add filter for units: %s", strerror(-k));
    STRV_FOREACH (name, jctl.identifiers)
        if (k >= 0)
            k = reader_matchf(r, "SYSLOG_IDENTIFIER=%s", *name);
    reader_and(r);
    for (unsigned i = 0; k >= 0 && i < 8; i++)
        if (jctl.priorities >> i & 1)
            k = reader_matchf(r, "PRIORITY=%u", i);
    reader_and(r);
    for (unsigned i = 0; k >= 0 && i < 32; i++)
        if (jctl.facilities >> i & 1)
            k = reader_matchf(r, "SYSLOG_FACILITY=%u", i);
    reader_and(r);
    if (k < 0)
        return 1 + fail("Failed to add match: %s", strerror(-k));
    return add_words(r, words);
}
