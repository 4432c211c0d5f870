/* SPDX-License-Identifier: Apache-2.0 */
/* runsvdir(8) for images that have no runit: the manager itself, told which directory's services are units. It does
 * not run beside another manager, which would have them already. */
#include "cli/applets.h"
#include "base/macro.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_FATAL 100

int runsvdir_main(int argc, char **argv) {
    int i = 1;
    struct stat st;
    char path[PATH_MAX];
    while (argv[i] && strcmp(argv[i], "-P") == 0) /* every service has a session of its own anyway */
        i++;
    /* A log argument is room in the process list for error messages, which have a log here. */
    if (!argv[i] || argv[i][0] == '-' || (argv[i + 1] && argv[i + 2])) {
        fprintf(stderr, "usage: runsvdir [-P] dir\n");
        return 1;
    }
    if (!realpath(argv[i], path) || stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        fprintf(stderr, "runsvdir %s: fatal: unable to change directory to: %s: %s\n", argv[i], argv[i],
                errno == ENOENT ? "file does not exist" : strerror(errno ?: ENOTDIR));
        return EXIT_FATAL;
    }
    if (getpid() != 1 && stat("/run/systemd/system", &st) >= 0) {
        fprintf(stderr, "runsvdir %s: fatal: a service manager runs here already: start it with REEVE_RUNIT=%s\n",
                argv[i], path);
        return EXIT_FATAL;
    }
    return setenv("REEVE_RUNIT", path, 1) < 0 || setenv("REEVE_PASS_ENVIRONMENT", "1", 1) < 0 ? EXIT_FATAL : -1;
}
