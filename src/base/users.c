/* SPDX-License-Identifier: Apache-2.0 */
#include "base/users.h"

#include "base/fd.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* More than this is no file a person wrote: refuse rather than read on. */
#define DATABASE_MAX ((size_t)8 << 20)

/* Makes the linker take nss.o out of our library before it comes to libc, where glob() and others ask for
 * these names. */
__attribute__((used)) static int (*const ours)(const char *, struct passwd *, char *, size_t,
                                               struct passwd **) = getpwnam_r;

/* The numbers in these files are plain digits; a name never is. */
static bool number_parse(const char *s, uint32_t *ret) {
    uint64_t n = 0;
    if (!*s)
        return false;
    for (const char *p = s; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        n = n * 10 + (uint64_t)(*p - '0');
        if (n > UINT32_MAX)
            return false;
    }
    *ret = (uint32_t)n;
    return true;
}

int uid_parse(const char *s, uid_t *ret) {
    uint32_t n;
    if (!number_parse(s, &n) || (s[0] == '0' && s[1]) || n == UINT32_MAX || n == 0xffff)
        return -EINVAL;
    *ret = n;
    return 0;
}

static int database_read(const char *root, const char *path, char **ret) {
    char full[4096];
    if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
        return -ENAMETOOLONG;
    int r = file_read(full, DATABASE_MAX, ret, NULL);
    return r == -ENOENT ? -ESRCH : r;
}

/* Cuts the next line off *text and splits it at colons into exactly n fields. False at the end of the text; a
 * line with another number of fields is skipped. */
static bool next_entry(char **text, char **fields, size_t n) {
    while (**text) {
        char *line = *text, *end = strchrnul(line, '\n');
        *text = *end ? end + 1 : end;
        *end = 0;
        if (*line == '#' || *line == '+' || *line == '-')
            continue;
        size_t found = 0;
        while (found < n) {
            fields[found++] = line;
            line = strchr(line, ':');
            if (!line)
                break;
            *line++ = 0;
        }
        if (found == n && !line)
            return true;
    }
    return false;
}

struct passwd_entry {
    char *name, *gecos, *home, *shell;
    uid_t uid;
    gid_t gid;
};

static bool next_passwd(char **text, struct passwd_entry *ret) {
    char *f[7];
    while (next_entry(text, f, ELEMENTS(f))) {
        struct passwd_entry e = { .name = f[0], .gecos = f[4], .home = f[5], .shell = f[6] };
        if (*e.name && number_parse(f[2], &e.uid) && number_parse(f[3], &e.gid)) {
            *ret = e;
            return true;
        }
    }
    return false;
}

struct group_entry {
    char *name, *members; /* members: separated by commas */
    gid_t gid;
};

static bool next_group(char **text, struct group_entry *ret) {
    char *f[4];
    while (next_entry(text, f, ELEMENTS(f))) {
        struct group_entry e = { .name = f[0], .members = f[3] };
        if (*e.name && number_parse(f[2], &e.gid)) {
            *ret = e;
            return true;
        }
    }
    return false;
}

static bool list_has(const char *list, const char *name) {
    size_t n = strlen(name);
    for (const char *p = list; *p;) {
        size_t length = strcspn(p, ",");
        if (length == n && memcmp(p, name, n) == 0)
            return true;
        p += length + (p[length] == ',');
    }
    return false;
}

static bool name_possible(const char *name) {
    return *name && strlen(name) < 256 && !strpbrk(name, ":/\n");
}

void user_record_done(struct user_record *user) {
    free(user->block);
    *user = (struct user_record){};
}

/* Names win over numbers: one pass, which remembers the first entry with the number. */
static int passwd_find(const char *root, const char *name, const uid_t *uid, char **ret_block,
                       struct passwd_entry *ret) {
    _cleanup_free_ char *data = NULL;
    int r = database_read(root, "/etc/passwd", &data);
    if (r < 0)
        return r;
    char *text = data;
    struct passwd_entry e, by_number = {};
    while (next_passwd(&text, &e)) {
        if (name && strcmp(e.name, name) == 0) {
            *ret = e;
            *ret_block = TAKE(data);
            return 0;
        }
        if (uid && e.uid == *uid && !by_number.name)
            by_number = e;
    }
    if (!by_number.name)
        return -ESRCH;
    *ret = by_number;
    *ret_block = TAKE(data);
    return 0;
}

int user_lookup_at(const char *root, const char *name_or_uid, struct user_record *ret) {
    if (!name_possible(name_or_uid))
        return -EINVAL;
    uid_t number;
    bool numeric = uid_parse(name_or_uid, &number) >= 0;
    _cleanup_free_ char *data = NULL;
    struct passwd_entry e;
    int r = passwd_find(root, name_or_uid, numeric ? &number : NULL, &data, &e);
    if (r < 0)
        return r;
    /* The file may be large and the record is kept: copy the three strings out of it. */
    size_t name = strlen(e.name) + 1, home = strlen(e.home) + 1, shell = strlen(e.shell) + 1;
    char *block = malloc(name + home + shell);
    if (!block)
        return -ENOMEM;
    *ret = (struct user_record){ .uid = e.uid, .gid = e.gid, .block = block };
    ret->name = memcpy(block, e.name, name);
    ret->home = memcpy(block + name, e.home, home);
    ret->shell = memcpy(block + name + home, e.shell, shell);
    return 0;
}

int user_lookup(const char *name_or_uid, struct user_record *ret) {
    return user_lookup_at("", name_or_uid, ret);
}

int user_name(uid_t uid, char **ret) {
    _cleanup_free_ char *data = NULL;
    struct passwd_entry e;
    int r = passwd_find("", NULL, &uid, &data, &e);
    if (r < 0)
        return r;
    char *name = strdup(e.name);
    if (!name)
        return -ENOMEM;
    *ret = name;
    return 0;
}

static int group_find(const char *root, const char *name, const gid_t *gid, char **ret_block,
                      struct group_entry *ret) {
    _cleanup_free_ char *data = NULL;
    int r = database_read(root, "/etc/group", &data);
    if (r < 0)
        return r;
    char *text = data;
    struct group_entry e, by_number = {};
    while (next_group(&text, &e)) {
        if (name && strcmp(e.name, name) == 0) {
            *ret = e;
            *ret_block = TAKE(data);
            return 0;
        }
        if (gid && e.gid == *gid && !by_number.name)
            by_number = e;
    }
    if (!by_number.name)
        return -ESRCH;
    *ret = by_number;
    *ret_block = TAKE(data);
    return 0;
}

int group_lookup_at(const char *root, const char *name_or_gid, gid_t *ret) {
    if (!name_possible(name_or_gid))
        return -EINVAL;
    gid_t number;
    /* A group needs no entry to be used by number. */
    bool numeric = uid_parse(name_or_gid, &number) >= 0;
    _cleanup_free_ char *data = NULL;
    struct group_entry e;
    int r = group_find(root, name_or_gid, NULL, &data, &e);
    if (r < 0 && numeric) {
        *ret = number;
        return 0;
    }
    if (r < 0)
        return r;
    *ret = e.gid;
    return 0;
}

int group_lookup(const char *name_or_gid, gid_t *ret) {
    return group_lookup_at("", name_or_gid, ret);
}

int group_name(gid_t gid, char **ret) {
    _cleanup_free_ char *data = NULL;
    struct group_entry e;
    int r = group_find("", NULL, &gid, &data, &e);
    if (r < 0)
        return r;
    char *name = strdup(e.name);
    if (!name)
        return -ENOMEM;
    *ret = name;
    return 0;
}

int user_groups(const char *name, gid_t gid, gid_t **ret, size_t *ret_n) {
    _cleanup_free_ char *data = NULL;
    _cleanup_free_ gid_t *groups = malloc(16 * sizeof(gid_t));
    if (!groups)
        return -ENOMEM;
    size_t n = 0, room = 16;
    groups[n++] = gid;
    int r = database_read("", "/etc/group", &data);
    if (r < 0 && r != -ESRCH)
        return r;
    char *text = r < 0 ? NULL : data;
    struct group_entry e;
    while (text && next_group(&text, &e)) {
        if (e.gid == gid || !list_has(e.members, name))
            continue;
        if (n == room) {
            gid_t *more = realloc(groups, 2 * room * sizeof(gid_t));
            if (!more)
                return -ENOMEM;
            groups = more;
            room *= 2;
        }
        groups[n++] = e.gid;
    }
    *ret = TAKE(groups);
    *ret_n = n;
    return 0;
}
