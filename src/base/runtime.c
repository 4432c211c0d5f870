/* SPDX-License-Identifier: Apache-2.0 */
#include "base/runtime.h"
#include "base/path.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Anybody may make anything in /tmp. */
static bool is_ours(const char *path) {
    struct stat st;
    return lstat(path, &st) >= 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

char *runtime_path(enum runtime_place place, const char *name) {
    static const char *const shared[RUNTIME_PLACES] = { [RUNTIME_TMP] = "/tmp", [RUNTIME_SHM] = "/dev/shm" };
    char own[64];
    if (place == RUNTIME_RUN)
        return path_join("/run", name);
    if (place == RUNTIME_XDG) {
        const char *given = getenv("XDG_RUNTIME_DIR");
        return path_is_absolute(given) ? path_join(given, name) : NULL;
    }
    snprintf(own, sizeof(own), "%s/reeve-%u", shared[place], (unsigned)geteuid());
    return is_ours(own) ? path_join(own, name) : NULL;
}
