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

/* "None", to setresuid(2) and its like, now and when numbers had 16 bits: who has it in a file would stay root. */
static bool number_valid(uint32_t n) {
    return n != UINT32_MAX && n != UINT16_MAX;
}

int uid_parse(const char *s, uid_t *ret) {
    uint32_t n;
    if (!number_parse(s, &n) || (s[0] == '0' && s[1]) || !number_valid(n))
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
static bool next_line(char **text, char **fields, size_t n) {
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

/* Both databases say who in field 0 and which number in field 2. */
struct database {
    const char *path;
    size_t n_fields;
};

static const struct database passwd = { "/etc/passwd", 7 }, group = { "/etc/group", 4 };

enum { FIELD_NAME = 0, FIELD_ID = 2, PASSWD_GID = 3, PASSWD_HOME = 5, PASSWD_SHELL = 6, GROUP_MEMBERS = 3 };

struct entry {
    char *fields[7];
    uint32_t id;
};

static bool next_entry(const struct database *db, char **text, struct entry *ret) {
    struct entry e = {};
    while (next_line(text, e.fields, db->n_fields))
        if (*e.fields[FIELD_NAME] && number_parse(e.fields[FIELD_ID], &e.id)) {
            *ret = e;
            return true;
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

/* Names win over numbers: one pass, which remembers the first entry with the number. `name` and `id` may each
 * be NULL. The entry points into the block, which the caller frees. */
static int find(const char *root, const struct database *db, const char *name, const uint32_t *id,
                char **ret_block, struct entry *ret) {
    _cleanup_free_ char *data = NULL;
    int r = database_read(root, db->path, &data);
    if (r < 0)
        return r;
    char *text = data;
    struct entry e, found = {};
    while (next_entry(db, &text, &e)) {
        bool named = name && strcmp(e.fields[FIELD_NAME], name) == 0;
        if (named || (id && e.id == *id && !found.fields[FIELD_NAME]))
            found = e;
        if (named)
            break;
    }
    if (!found.fields[FIELD_NAME])
        return -ESRCH;
    *ret = found;
    *ret_block = TAKE(data);
    return 0;
}

static int name_of(const struct database *db, uint32_t id, char **ret) {
    _cleanup_free_ char *data = NULL;
    struct entry e;
    int r = find("", db, NULL, &id, &data, &e);
    if (r < 0)
        return r;
    char *name = strdup(e.fields[FIELD_NAME]);
    if (!name)
        return -ENOMEM;
    *ret = name;
    return 0;
}

int user_lookup_at(const char *root, const char *name_or_uid, struct user_record *ret) {
    if (!name_possible(name_or_uid))
        return -EINVAL;
    uid_t number;
    bool numeric = uid_parse(name_or_uid, &number) >= 0;
    _cleanup_free_ char *data = NULL;
    struct entry e;
    int r = find(root, &passwd, name_or_uid, numeric ? &number : NULL, &data, &e);
    if (r < 0)
        return r;
    uint32_t gid;
    if (!number_parse(e.fields[PASSWD_GID], &gid))
        return -ESRCH;
    if (!number_valid(e.id) || !number_valid(gid))
        return -EBADMSG;
    /* The file may be large and the record is kept: copy the three strings out of it. */
    size_t name = strlen(e.fields[FIELD_NAME]) + 1, home = strlen(e.fields[PASSWD_HOME]) + 1,
           shell = strlen(e.fields[PASSWD_SHELL]) + 1;
    char *block = malloc(name + home + shell);
    if (!block)
        return -ENOMEM;
    *ret = (struct user_record){ .uid = e.id, .gid = gid, .block = block };
    ret->name = memcpy(block, e.fields[FIELD_NAME], name);
    ret->home = memcpy(block + name, e.fields[PASSWD_HOME], home);
    ret->shell = memcpy(block + name + home, e.fields[PASSWD_SHELL], shell);
    return 0;
}

int user_lookup(const char *name_or_uid, struct user_record *ret) {
    return user_lookup_at("", name_or_uid, ret);
}

int user_name(uid_t uid, char **ret) {
    return name_of(&passwd, uid, ret);
}

int group_lookup_at(const char *root, const char *name_or_gid, gid_t *ret) {
    if (!name_possible(name_or_gid))
        return -EINVAL;
    gid_t number;
    /* A group needs no entry to be used by number. */
    bool numeric = uid_parse(name_or_gid, &number) >= 0;
    _cleanup_free_ char *data = NULL;
    struct entry e;
    int r = find(root, &group, name_or_gid, NULL, &data, &e);
    if (r < 0 && numeric) {
        *ret = number;
        return 0;
    }
    if (r < 0)
        return r;
    if (!number_valid(e.id))
        return -EBADMSG;
    *ret = e.id;
    return 0;
}

int group_lookup(const char *name_or_gid, gid_t *ret) {
    return group_lookup_at("", name_or_gid, ret);
}

int group_name(gid_t gid, char **ret) {
    return name_of(&group, gid, ret);
}

int user_groups(const char *name, gid_t gid, gid_t **ret, size_t *ret_n) {
    _cleanup_free_ char *data = NULL;
    _cleanup_free_ gid_t *groups = malloc(16 * sizeof(gid_t));
    if (!groups)
        return -ENOMEM;
    size_t n = 0, room = 16;
    groups[n++] = gid;
    int r = database_read("", group.path, &data);
    if (r < 0 && r != -ESRCH)
        return r;
    char *text = r < 0 ? NULL : data;
    struct entry e;
    while (text && next_entry(&group, &text, &e)) {
        if (e.id == gid || !number_valid(e.id) || !list_has(e.fields[GROUP_MEMBERS], name))
            continue;
        if (n == room) {
            gid_t *more = realloc(groups, 2 * room * sizeof(gid_t));
            if (!more)
                return -ENOMEM;
            groups = more;
            room *= 2;
        }
        groups[n++] = e.id;
    }
    *ret = TAKE(groups);
    *ret_n = n;
    return 0;
}
