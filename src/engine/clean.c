/* SPDX-License-Identifier: Apache-2.0 */
/* `systemctl clean`. A directory may hold a great deal, and PID 1 does not wait: it is renamed, which is done at
 * once, and a child takes apart what has the new name. A mount point cannot be renamed; it is emptied by the child. */
#include "engine/clean.h"
#include "base/strv.h"
#include "engine/fdstore.h"
#include "engine/manager_private.h"
#include "engine/service.h"
#include "engine/timer.h"
#include "exec/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLEAN_PATH_MAX 4096

enum { CLEAN_RUNTIME, CLEAN_STATE, CLEAN_CACHE, CLEAN_LOGS, CLEAN_CONFIGURATION, CLEAN_FDSTORE };

static const struct {
    const char *name;
    enum directive directive;
    size_t prefix; /* in struct manager_dirs */
} kinds[CLEAN_KINDS] = {
    [CLEAN_RUNTIME] = { "runtime", D_RuntimeDirectory, offsetof(struct manager_dirs, runtime) },
    [CLEAN_STATE] = { "state", D_StateDirectory, offsetof(struct manager_dirs, state) },
    [CLEAN_CACHE] = { "cache", D_CacheDirectory, offsetof(struct manager_dirs, cache) },
    [CLEAN_LOGS] = { "logs", D_LogsDirectory, offsetof(struct manager_dirs, logs) },
    [CLEAN_CONFIGURATION] = { "configuration", D_ConfigurationDirectory, offsetof(struct manager_dirs, configuration) },
    [CLEAN_FDSTORE] = { "fdstore", DIRECTIVE_INVALID, 0 },
};

const char *clean_kind_to_string(unsigned kind) {
    return kind < CLEAN_KINDS ? kinds[kind].name : NULL;
}

unsigned unit_can_clean(const struct unit *u) {
    unsigned can = 0;
    if (u->file->state != LOAD_LOADED)
        return 0;
    if (u->ops->type == UNIT_TIMER)
        return unit_bool(u->file, D_Persistent) ? 1u << CLEAN_STATE : 0;
    if (!(section_of_type(u->ops->type) & SECTION_EXEC))
        return 0;
    for (unsigned i = 0; i < CLEAN_FDSTORE; i++)
        if (strv_length(unit_strv(u->file, kinds[i].directive)) > 0)
            can |= 1u << i;
    if (u->ops->type == UNIT_SERVICE && unit_number(u->file, D_FileDescriptorStoreMax) > 0)
        can |= 1u << CLEAN_FDSTORE;
    return can;
}

/* Adds to `doomed` what a child is to take apart. */
static int put_away(char ***doomed, const char *path) {
    struct stat st;
    char aside[CLEAN_PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(st.st_mode)) /* the link that stands for a directory of DynamicUser= */
        return unlink(path) < 0 ? -errno : 0;
    int n = snprintf(aside, sizeof(aside), "%.*s/.#%s.%" PRIx64, (int)(slash - path), path, slash + 1,
                     now(CLOCK_MONOTONIC));
    bool moved = n < (int)sizeof(aside) && rename(path, aside) >= 0;
    return strv_add(doomed, moved ? aside : path);
}

static void take_apart(char **doomed) {
    if (strv_length(doomed) == 0)
        return;
    pid_t pid = fork();
    if (pid < 0) /* better late than never */
        exec_remove_directories(doomed);
    if (pid != 0)
        return;
    exec_remove_directories(doomed);
    _exit(0);
}

int unit_clean(struct unit *u, unsigned what) {
    _cleanup_strv_ char **doomed = NULL;
    int r = 0;
    what &= unit_can_clean(u);
    if (!what)
        return -EOPNOTSUPP;
    if (u->ops->type == UNIT_TIMER)
        return timer_clean(u);
    for (unsigned i = 0; i < CLEAN_FDSTORE; i++) {
        const char *prefix = *(const char *const *)((const char *)&u->manager->dirs + kinds[i].prefix);
        if (!(what & 1u << i))
            continue;
        STRV_FOREACH(name, unit_strv(u->file, kinds[i].directive)) {
            char path[CLEAN_PATH_MAX];
            int n = snprintf(path, sizeof(path), "%s/%.*s", prefix, (int)strcspn(*name, ":"), *name);
            int one = n < (int)sizeof(path) ? put_away(&doomed, path) : -ENAMETOOLONG;
            if (one < 0 && r >= 0)
                r = one;
        }
    }
    if (what & 1u << CLEAN_FDSTORE)
        fd_store_release(SERVICE(u));
    take_apart(doomed);
    return r;
}
