/* SPDX-License-Identifier: Apache-2.0 */
/* `setuser USER COMMAND…`: becomes that user and runs the command, as phusion/baseimage's script of the name: ids,
 * supplementary groups, and USER, HOME and UID in the environment. No shell, no PAM, no terminal. */
#include "base/users.h"
#include "cli/applets.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int become(const struct user_record *user) {
    _cleanup_free_ gid_t *groups = NULL;
    size_t n;
    int r = user_groups(user->name, user->gid, &groups, &n);
    if (r < 0)
        return r;
    if (setgroups(n, groups) < 0 || setgid(user->gid) < 0 || setuid(user->uid) < 0)
        return -errno;
    char uid[16];
    snprintf(uid, sizeof(uid), "%u", (unsigned)user->uid);
    return setenv("USER", user->name, 1) < 0 || setenv("HOME", user->home, 1) < 0 || setenv("UID", uid, 1) < 0 ? -ENOMEM
                                                                                                               : 0;
}

int setuser_main(int argc, char **argv) {
    _cleanup_user_ struct user_record user = {};
    if (argc < 3) {
        fprintf(stderr, "Usage: /sbin/setuser USERNAME COMMAND [args..]\n");
        return 1;
    }
    if (user_lookup(argv[1], &user) < 0) {
        fprintf(stderr, "setuser: user %s not found\n", argv[1]);
        return 1;
    }
    int r = become(&user);
    if (r < 0) {
        fprintf(stderr, "setuser: cannot become %s: %s\n", argv[1], strerror(-r));
        return 1;
    }
    execvp(argv[2], argv + 2);
    fprintf(stderr, "setuser: cannot execute %s: %s\n", argv[2], strerror(errno));
    return 1;
}
