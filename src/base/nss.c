/* SPDX-License-Identifier: Apache-2.0 */
/* The libc names that would load NSS modules, over base/users.h. They exist so that the linker takes them
 * instead of libc's: libdbus and libc refer to them. Nothing of ours calls them. Looking up host names is not
 * for PID 1: it fails. */
#include "base/users.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A record in the caller's buffer. 0 or ERANGE, as getpwnam_r(3) returns. */
static int passwd_fill(const struct user_record *user, struct passwd *out, char *buffer, size_t size) {
    size_t name = strlen(user->name) + 1, home = strlen(user->home) + 1, shell = strlen(user->shell) + 1;
    if (size < name + home + shell + 2)
        return ERANGE;
    *out = (struct passwd){ .pw_uid = user->uid, .pw_gid = user->gid };
    out->pw_name = memcpy(buffer, user->name, name);
    out->pw_dir = memcpy(buffer + name, user->home, home);
    out->pw_shell = memcpy(buffer + name + home, user->shell, shell);
    out->pw_passwd = memcpy(buffer + name + home + shell, "x", 2);
    out->pw_gecos = out->pw_passwd + 1;
    return 0;
}

static int passwd_get(const char *key, struct passwd *out, char *buffer, size_t size,
                      struct passwd **result) {
    _cleanup_user_ struct user_record user = {};
    *result = NULL;
    int r = user_lookup(key, &user);
    if (r < 0)
        return r == -ESRCH || r == -EINVAL ? 0 : -r;
    r = passwd_fill(&user, out, buffer, size);
    if (r == 0)
        *result = out;
    return r;
}

int getpwnam_r(const char *name, struct passwd *out, char *buffer, size_t size, struct passwd **result) {
    int r = passwd_get(name, out, buffer, size, result);
    /* user_lookup() takes numbers too, getpwnam() does not. */
    if (*result && strcmp(out->pw_name, name) != 0)
        *result = NULL;
    return r;
}

int getpwuid_r(uid_t uid, struct passwd *out, char *buffer, size_t size, struct passwd **result) {
    char number[12];
    snprintf(number, sizeof(number), "%u", uid);
    int r = passwd_get(number, out, buffer, size, result);
    if (*result && out->pw_uid != uid)
        *result = NULL;
    return r;
}

/* As libc's own glob() calls them. */
__typeof__(getpwnam_r) __getpwnam_r __attribute__((alias("getpwnam_r")));
__typeof__(getpwuid_r) __getpwuid_r __attribute__((alias("getpwuid_r")));

static char static_buffer[1024];

struct passwd *getpwnam(const char *name) {
    static struct passwd entry;
    struct passwd *result;
    errno = getpwnam_r(name, &entry, static_buffer, sizeof(static_buffer), &result);
    return result;
}

struct passwd *getpwuid(uid_t uid) {
    static struct passwd entry;
    struct passwd *result;
    errno = getpwuid_r(uid, &entry, static_buffer, sizeof(static_buffer), &result);
    return result;
}

/* Without the member list: nothing that is linked in reads it. */
static int group_fill(const char *name, gid_t gid, struct group *out, char *buffer, size_t size) {
    size_t n = strlen(name) + 1, pad = -(uintptr_t)buffer % sizeof(char *);
    if (size < pad + sizeof(char *) + n)
        return ERANGE;
    char **members = (char **)(buffer + pad);
    members[0] = NULL;
    *out = (struct group){ .gr_gid = gid, .gr_mem = members };
    out->gr_name = memcpy(buffer + pad + sizeof(char *), name, n);
    out->gr_passwd = out->gr_name + n - 1;
    return 0;
}

int getgrgid_r(gid_t gid, struct group *out, char *buffer, size_t size, struct group **result) {
    _cleanup_free_ char *name = NULL;
    *result = NULL;
    int r = group_name(gid, &name);
    if (r < 0)
        return r == -ESRCH ? 0 : -r;
    r = group_fill(name, gid, out, buffer, size);
    if (r == 0)
        *result = out;
    return r;
}

int getgrnam_r(const char *name, struct group *out, char *buffer, size_t size, struct group **result) {
    gid_t gid;
    *result = NULL;
    int r = group_lookup(name, &gid);
    if (r < 0)
        return r == -ESRCH || r == -EINVAL ? 0 : -r;
    r = group_fill(name, gid, out, buffer, size);
    if (r == 0)
        *result = out;
    return r;
}

struct group *getgrgid(gid_t gid) {
    static struct group entry;
    struct group *result;
    errno = getgrgid_r(gid, &entry, static_buffer, sizeof(static_buffer), &result);
    return result;
}

struct group *getgrnam(const char *name) {
    static struct group entry;
    struct group *result;
    errno = getgrnam_r(name, &entry, static_buffer, sizeof(static_buffer), &result);
    return result;
}

int getgrouplist(const char *user, gid_t gid, gid_t *groups, int *n_groups) {
    _cleanup_free_ gid_t *list = NULL;
    size_t n;
    if (user_groups(user, gid, &list, &n) < 0)
        return -1;
    size_t room = (size_t)MAX(*n_groups, 0);
    memcpy(groups, list, MIN(n, room) * sizeof(gid_t));
    *n_groups = (int)n;
    return n <= room ? (int)n : -1;
}

int initgroups(const char *user, gid_t gid) {
    _cleanup_free_ gid_t *list = NULL;
    size_t n;
    int r = user_groups(user, gid, &list, &n);
    if (r < 0) {
        errno = -r;
        return -1;
    }
    return setgroups(n, list);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result) {
    return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *result) {
}

int getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_length,
                char *service, socklen_t service_length, int flags) {
    return EAI_FAIL;
}

const char *gai_strerror(int error) {
    return "Looking up host names is not supported";
}
