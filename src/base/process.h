/* SPDX-License-Identifier: Apache-2.0 */
/* A process that can be recognised again: its number is given to others, its number and start are not. */
#pragma once

#include "base/clock.h"
#include <sys/types.h>

/* In clock ticks after the machine's start, as /proc/PID/stat tells; 0: there is no such process, or no /proc. */
uint64_t process_start_time(pid_t pid);
/* When it began, CLOCK_REALTIME, within a tick; 0: not known. */
usec_t process_began(pid_t pid);
