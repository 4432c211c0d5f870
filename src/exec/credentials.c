/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: files below /run/credentials/UNIT that only the service's user may read. systemd.exec(5),
 * "Credentials". */
#include "exec/planner.h"

#include "base/fd.h"
#include "base/glob.h"
#include "base/path.h"
#include "base/strv.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* As systemd limits them: one, and all of a unit. */
#define CREDENTIAL_MAX ((size_t)1 << 20)

static const char *const lists[] = { "/run/credentials/@system", "/etc/credstore", "/run/credstore",
                                     "/usr/local/lib/credstore", "/usr/lib/credstore" };

bool plan_has_credentials(const struct planner *p) {
    return strv_length(unit_strv(p->unit, D_LoadCredential)) > 0 ||
           strv_length(unit_strv(p->unit, D_SetCredential)) > 0 ||
           strv_length(unit_strv(p->unit, D_ImportCredential)) > 0;
}

struct credentials {
    struct planner *p;
    const char *directory;
    char **ids; /* those already planned */
    size_t total;
};

static bool id_valid(const char *id) {
    return *id && strcmp(id, ".") != 0 && strcmp(id, "..") != 0 && !strchr(id, '/') && strlen(id) < 250;
}

static int add(struct credentials *c, const char *id, const void *data, size_t size) {
    if (!id_valid(id))
        return -EINVAL;
    if (strv_contains(c->ids, id))
        return 0;
    if (c->total + size > CREDENTIAL_MAX)
        return -E2BIG;
    int r = strv_add(&c->ids, id);
    if (r < 0)
        return r;
    c->total += size;
    struct step *s = plan_step(c->p, STEP_CREDENTIAL, EXIT_CREDENTIALS);
    s->subject = arena_printf(c->p->arena, "%s/%s", c->directory, id);
    s->blob.data = arena_string_n(c->p->arena, data, size);
    s->blob.size = size;
    s->blob.uid = c->p->identity.uid;
    s->blob.gid = c->p->identity.gid;
    return 0;
}

static int add_file(struct credentials *c, const char *id, const char *path) {
    _cleanup_free_ char *data = NULL;
    size_t size;
    int r = file_read(path, CREDENTIAL_MAX, &data, &size);
    return r < 0 ? r : add(c, id, data, size);
}

/* A directory: its files, each as ID_NAME. */
static int add_directory(struct credentials *c, const char *id, const char *path) {
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    int r = 0;
    for (struct dirent *e; r >= 0 && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        char *name = arena_printf(c->p->arena, "%s_%s", id, e->d_name);
        char *file = arena_printf(c->p->arena, "%s/%s", path, e->d_name);
        r = add_file(c, name, file);
        if (r == -EISDIR || r == -EINVAL)
            r = 0;
    }
    closedir(dir);
    return r;
}

/* A name without a path is looked for where credentials are kept. */
static int add_named(struct credentials *c, const char *id, const char *name) {
    const char *own = c->p->request->dirs->credentials;
    int r = -ENOENT;
    if (own)
        r = add_file(c, id, arena_printf(c->p->arena, "%s/%s", own, name));
    for (size_t i = 0; r == -ENOENT && i < ELEMENTS(lists); i++)
        r = add_file(c, id, arena_printf(c->p->arena, "%s/%s", lists[i], name));
    return r;
}

static int add_matching(struct credentials *c, const char *pattern) {
    for (size_t i = 0; i <= ELEMENTS(lists); i++) {
        const char *where = i == 0 ? c->p->request->dirs->credentials : lists[i - 1];
        DIR *dir = where ? opendir(where) : NULL;
        if (!dir)
            continue;
        for (struct dirent *e; (e = readdir(dir));)
            if (e->d_name[0] != '.' && glob_match(pattern, e->d_name, FNM_NOESCAPE))
                add_file(c, e->d_name, arena_printf(c->p->arena, "%s/%s", where, e->d_name));
        closedir(dir);
    }
    return 0;
}

static bool set_has(const struct planner *p, const char *id) {
    size_t n = strlen(id);
    STRV_FOREACH(s, unit_strv(p->unit, D_SetCredential))
        if (strncmp(*s, id, n) == 0 && (*s)[n] == ':')
            return true;
    return false;
}

static void plan_directory(struct planner *p, const char *path, mode_t mode, uid_t uid, gid_t gid) {
    struct step *s = plan_step(p, STEP_DIRECTORY, EXIT_CREDENTIALS);
    s->subject = path;
    s->directory.mode = mode;
    s->directory.uid = uid;
    s->directory.gid = gid;
    s->directory.flags = DIRECTORY_TRY_OWNER;
}

static int load_all(struct credentials *c) {
    struct planner *p = c->p;
    STRV_FOREACH(setting, unit_strv(p->unit, D_LoadCredential)) {
        size_t n = strcspn(*setting, ":");
        const char *id = arena_string_n(p->arena, *setting, n), *path = (*setting)[n] ? *setting + n + 1 : id;
        int r = path_is_absolute(path) ? add_file(c, id, path) : add_named(c, id, path);
        if (r == -EISDIR)
            r = add_directory(c, id, path);
        if (r == -ENOMEM)
            return r;
        /* What is not there may have a default, or, by name alone, be left out. */
        if (r < 0 && !(r == -ENOENT && (!path_is_absolute(path) || set_has(p, id))))
            plan_fail_step(p, EXIT_CREDENTIALS, -r, arena_string(p->arena, path));
    }
    STRV_FOREACH(pattern, unit_strv(p->unit, D_ImportCredential)) {
        int r = add_matching(c, *pattern);
        if (r < 0)
            return r;
    }
    STRV_FOREACH(setting, unit_strv(p->unit, D_SetCredential)) {
        size_t n = strcspn(*setting, ":");
        const char *value = (*setting)[n] ? *setting + n + 1 : "";
        int r = add(c, arena_string_n(p->arena, *setting, n), value, strlen(value));
        if (r < 0)
            return r;
    }
    return 0;
}

int plan_credentials(struct planner *p) {
    if (!plan_has_credentials(p))
        return 0;
    char *directory = arena_printf(p->arena, "%s/credentials/%s", p->request->dirs->runtime, p->unit->name);
    p->plan->credentials_directory = directory;
    struct stat st;
    /* Made by the first command of a start; what the rest run beside it is not to disturb it. */
    if (p->request->role == EXEC_CONTROL && stat(directory, &st) >= 0)
        return 0;

    _cleanup_strv_ char **ids = NULL;
    struct credentials c = { .p = p, .directory = directory };
    plan_directory(p, arena_printf(p->arena, "%s/credentials", p->request->dirs->runtime), 0755,
                   p->permits->uid, p->permits->gid);
    plan_directory(p, directory, 0700, p->permits->uid, p->permits->gid);
    int r = load_all(&c);
    ids = c.ids;
    if (r < 0)
        return r;
    plan_directory(p, directory, 0500, p->identity.uid, p->identity.gid);
    p->plan->forks = true;
    return 0;
}
