/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's out-of-memory killer, as far as a container sees it. Control groups of single units are not to be had
 * there; the container's own one counts how often the killer has struck in it. Knows no units. */
#pragma once

#include "base/macro.h"

#include <stdint.h>

#define CONTROL_GROUPS "/sys/fs/cgroup"

/* How many processes have been killed so in the control group whose files are below `root`; UINT64_MAX: that cannot
 * be read. memory.events of version 2 (which counts the groups below, too), memory.oom_control of version 1: the kernel's
 * admin-guide/cgroup-v2, admin-guide/cgroup-v1/memory. */
uint64_t oom_kills(const char *root);
