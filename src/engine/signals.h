/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct manager;

/* First thing in the process: to PID 1, the kernel drops what is neither blocked nor handled, and a `docker stop` right
 * after the start would be lost. */
void signals_block(void);
/* Blocks the signals the manager knows and has the loop handle them. 0 or negative errno. */
int manager_watch_signals(struct manager *m);
