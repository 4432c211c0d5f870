/* SPDX-License-Identifier: Apache-2.0
 *
 * stamp FIFO COMMAND...: writes the monotonic time into FIFO and becomes COMMAND. What it writes is the moment of
 * PID 1's exec.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct timespec now;
    char line[64];
    int fd;

    if (argc < 3)
        return 2;
    fd = open(argv[1], O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        perror(argv[1]);
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    int n = snprintf(line, sizeof line, "S%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
    if (write(fd, line, n) != n)
        return 1;
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 1;
}
