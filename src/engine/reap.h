/* SPDX-License-Identifier: Apache-2.0 */
/* The deaths of processes: children are reaped, strangers are watched. */
#pragma once

#include <sys/types.h>

struct unit;
struct stranger;

/* Reaps what has died; queues itself again when there may be more. `manager`: struct manager *. */
void reap_children(void *manager);

/* Watches a process that is not our child by its pidfd. When it has ended, what is left of the unit is looked at
 * (QUEUE_EMPTY), then `ended` is called (NULL: nothing); it may forget the stranger. 0; -ESRCH: it is gone; else why it
 * cannot be watched, and *ret is NULL. pidfd_open(2). */
int stranger_watch(struct unit *u, pid_t pid, void (*ended)(void *userdata), void *userdata, struct stranger **ret);
/* NULL is fine. Returns NULL. */
struct stranger *stranger_forget(struct stranger *s);
