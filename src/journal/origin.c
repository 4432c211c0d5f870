/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/origin.h"
#include "base/clock.h"
#include "base/scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A daemon that logs a lot is looked at once in a while, and a PID is not used again so soon. */
#define REMEMBERED_FOR (1 * USEC_PER_SEC)
#define REMEMBERED 16

/* The hard limit. */
static uint64_t read_tag(pid_t pid) {
    char path[32], text[4096];
    snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    char soft[24];
    uint64_t hard = 0;
    const char *at = strstr(text, "Max file locks");
    if (at)
        at += strlen("Max file locks");
    return at && scan_word(&at, soft, sizeof(soft)) && scan_u64(&at, &hard) ? hard : 0;
}

uint64_t origin_tag(pid_t pid) {
    static struct {
        pid_t pid;
        uint64_t tag;
        usec_t until;
    } known[REMEMBERED];
    static unsigned next;
    if (pid <= 0)
        return 0;
    usec_t time = now(CLOCK_MONOTONIC);
    for (size_t i = 0; i < REMEMBERED; i++)
        if (known[i].pid == pid && time < known[i].until)
            return known[i].tag;
    uint64_t tag = read_tag(pid);
    size_t at = next++ % REMEMBERED;
    known[at].pid = pid;
    known[at].tag = tag;
    known[at].until = tag ? usec_add(time, REMEMBERED_FOR) : 0;
    return tag;
}

void origin_candidates(uint64_t seen, uint64_t ret[static ORIGIN_DEPTHS]) {
    static const unsigned below[ORIGIN_DEPTHS] = { 0, 8, 24 };
    for (size_t i = 0; i < ORIGIN_DEPTHS; i++)
        ret[i] = seen | ((UINT64_C(1) << below[i]) - 1);
}
