/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into all of reeve together with the shim: one call of PID 1 or of the log process fails in a whole boot.
 * The order is the file /faults: APPLET KIND OCCURRENCE ERRNO; the first process of that name follows it. What it
 * called is counted in /faults.state. `reeve-faults --fault-table` tells the kinds, their errors, and where the
 * counts lie. */
#include "shim.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void print_table(void) {
    printf("%zu %zu\n", sizeof(struct faults), offsetof(struct faults, calls));
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        printf("%s %d %d\n", fault_kind_name(kind), fault_error(kind, 0), fault_error(kind, 1));
    fflush(stdout);
    _exit(0);
}

static __attribute__((constructor)) void obey(int argc, char **argv) {
    char order[128] = "", *words[4] = { NULL };
    if (argc > 1 && strcmp(argv[1], "--fault-table") == 0)
        print_table();
    int fd = open("/faults", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!read(fd, order, sizeof(order) - 1);
    close(fd);
    for (int i = 0; i < 4; i++) /* no scanf(3): see docs/architecture.md */
        words[i] = strtok(i == 0 ? order : NULL, " \n");
    if (argc < 2 || !words[3] || strcmp(words[0], argv[1]) != 0)
        return;
    fd = open("/faults.used", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    close(fd);
    fd = open("/faults.state", O_RDWR | O_CLOEXEC);
    struct faults *shared =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        return;
    close(fd);
    for (unsigned k = 0; k < FAULT_KINDS; k++)
        if (strcmp(words[1], fault_kind_name(k)) == 0)
            shared->kind = k;
    shared->occurrence = (uint32_t)atoi(words[2]); /* 0: none, only counted */
    shared->error = atoi(words[3]);
    shared->by_kind = true;
    shared->pid = getpid();
    fault_use(shared);
}
