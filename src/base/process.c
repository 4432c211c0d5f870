/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"
#include "base/fd.h"
#include "base/scan.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STAT_MAX 4096
#define FIELDS_BEFORE_START 19 /* after the name's closing bracket: proc_pid_stat(5), field 22 */

uint64_t process_start_time(pid_t pid) {
    char path[32], word[32];
    _cleanup_free_ char *stat = NULL;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (pid <= 0 || file_read(path, STAT_MAX, &stat, NULL) < 0)
        return 0;
    /* The name may hold anything, brackets too. */
    const char *at = strrchr(stat, ')');
    if (!at)
        return 0;
    at++;
    for (int i = 0; i < FIELDS_BEFORE_START; i++)
        if (!scan_word(&at, word, sizeof word))
            return 0;
    uint64_t ticks;
    return scan_u64(&at, &ticks) ? ticks : 0;
}

usec_t process_began(pid_t pid) {
    uint64_t ticks = process_start_time(pid);
    long per_second = sysconf(_SC_CLK_TCK);
    if (ticks == 0 || per_second <= 0)
        return 0;
    usec_t age = now(CLOCK_BOOTTIME), began = ticks * (USEC_PER_SEC / (usec_t)per_second);
    return began < age ? now(CLOCK_REALTIME) - (age - began) : now(CLOCK_REALTIME);
}
