/* SPDX-License-Identifier: Apache-2.0
 *
 * The trivial service: says once, into the FIFO of the bench, which process runs and when it began to, then sleeps.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct timespec now;
    char line[64];
    int fd = open(argc > 1 ? argv[1] : "/bench/fifo", O_WRONLY | O_CLOEXEC);

    clock_gettime(CLOCK_MONOTONIC, &now);
    int n = snprintf(line, sizeof line, "R%d %lld\n", (int) getpid(), now.tv_sec * 1000000000LL + now.tv_nsec);
    if (fd < 0 || write(fd, line, n) != n)
        return 1;
    close(fd);
    for (;;)
        pause();
}
