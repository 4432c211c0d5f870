/* SPDX-License-Identifier: Apache-2.0 */
/* An image's /etc/passwd and /etc/group: the input is both. The first word of it, and a number, are looked for. */
#include "base/fd.h"
#include "base/users.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/fuzz-users-XXXXXX";
static int fds[2];

static const char *below(const char *path, char buffer[static 128]) {
    snprintf(buffer, 128, "%s%s", root, path);
    return buffer;
}

static void leave(void) {
    char buffer[128];
    unlink(below("/etc/passwd", buffer));
    unlink(below("/etc/group", buffer));
    rmdir(below("/etc", buffer));
    rmdir(root);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    char buffer[128];
    if (!mkdtemp(root) || mkdir(below("/etc", buffer), 0700) < 0)
        abort();
    fds[0] = open(below("/etc/passwd", buffer), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    fds[1] = open(below("/etc/group", buffer), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    atexit(leave);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int i = 0; i < 2; i++)
        if (ftruncate(fds[i], 0) < 0 || pwrite(fds[i], data, size, 0) != (ssize_t)size)
            abort();
    char name[64] = "";
    size_t n = 0;
    for (; n < size && n < sizeof(name) - 1 && data[n] != ':' && data[n]; n++)
        name[n] = (char)data[n];
    static const char *const numbers[] = { "0", "1000", "65534" };
    gid_t gid;
    for (size_t i = 0; i <= ELEMENTS(numbers); i++) {
        const char *who = i < ELEMENTS(numbers) ? numbers[i] : name;
        _cleanup_user_ struct user_record user = {};
        if (user_lookup_at(root, who, &user) >= 0 &&
            (!user.name || !*user.name || !user.home || !user.shell || user.uid == (uid_t)-1 || user.gid == (gid_t)-1))
            abort();
        if (group_lookup_at(root, who, &gid) >= 0 && gid == (gid_t)-1)
            abort();
    }
    return 0;
}
