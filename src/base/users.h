/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups, from /etc/passwd and /etc/group and nothing else. The name service switch must not be
 * touched: in a static binary it loads the image's modules with the image's libc, which kills the process
 * when the versions differ. users.c therefore also defines the libc names (getpwnam_r, getgrouplist, …) that
 * libdbus and libc itself refer to, so that the linker takes these. Names from elsewhere (LDAP, sssd) are
 * asked of the image's own `getent`, in a child: see STEP_RESOLVE_USER in exec/plan.h. */
#pragma once

#include "base/macro.h"
#include <sys/types.h>

struct user_record {
    uid_t uid;
    gid_t gid;
    char *name, *home, *shell; /* one block: user_record_done() frees */
    char *block;
};
void user_record_done(struct user_record *user);

/* By name, or by number if it is one and no user is called so. 0 with *ret to be released; -ESRCH: not there;
 * -EINVAL: neither a number nor a possible name; -EBADMSG: its number, or its group's, is one that means "none";
 * -ENOMEM; or the error of reading the file (a missing file is -ESRCH). */
int user_lookup(const char *name_or_uid, struct user_record *ret);
/* The same below another root directory, "" for this one. */
int user_lookup_at(const char *root, const char *name_or_uid, struct user_record *ret);
int group_lookup(const char *name_or_gid, gid_t *ret);
int group_lookup_at(const char *root, const char *name_or_gid, gid_t *ret);
/* Names of numbers; the caller frees. -ESRCH if there is none. */
int user_name(uid_t uid, char **ret);
int group_name(gid_t gid, char **ret);
/* `gid` first, then every group of /etc/group that lists the user; the caller frees. */
int user_groups(const char *name, gid_t gid, gid_t **ret, size_t *ret_n);

/* A number that may be a uid or gid: decimal, without sign or leading zero; 65535 and 4294967295 mean "none".
 * 0 or -EINVAL. */
int uid_parse(const char *s, uid_t *ret);

#define _cleanup_user_ _cleanup_(user_record_done)
