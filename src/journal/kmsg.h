/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's log, where a container may read it: journald.conf(5), ReadKMsg=. It is the whole machine's.
 * Knows no loop. */
#pragma once

#include "journal/entry.h"

/* /dev/kmsg, non-blocking, from now on; or a negative errno, for example -EPERM without CAP_SYSLOG. How far
 * it was read is with the descriptor, which PID 1 therefore keeps. */
int kmsg_open(void);
/* Reads what is there, at most `limit` records, and gives it to the sinks. -EAGAIN: there is more; 0; or
 * another negative errno: no more will come. */
int kmsg_receive(int fd, struct sink *sinks, struct entry_set *set, unsigned limit);
