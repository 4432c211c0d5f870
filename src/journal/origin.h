/* SPDX-License-Identifier: Apache-2.0 */
/* Which start a process belongs to, by the tag it carries in RLIMIT_LOCKS: engine/lineage.h. Here it is only
 * read. A sender that has ended and was reaped before its message was read has none. */
#pragma once

#include "base/macro.h"
#include <sys/types.h>

/* What /proc/PID/limits says, remembered for a moment; 0: nothing, or the process is gone. */
uint64_t origin_tag(pid_t pid);
/* The tags that `seen` may belong to, nearest first: its own, then those of the managers above it, whose tags
 * have the same bits above and ones below. */
#define ORIGIN_DEPTHS 3
void origin_candidates(uint64_t seen, uint64_t ret[static ORIGIN_DEPTHS]);
