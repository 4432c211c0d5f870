/* SPDX-License-Identifier: Apache-2.0
 *
 * bare N COMMAND: the yardstick. A PID 1 that does nothing but posix_spawn COMMAND N times, and reap.
 */
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
    pid_t pid;

    if (argc < 3)
        return 2;
    for (int n = atoi(argv[1]); n > 0; n--)
        if (posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ) != 0)
            return 1;
    for (;;)
        if (wait(NULL) < 0)
            pause();
}
