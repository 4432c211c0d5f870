/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct manager;

/* Blocks the signals the manager knows and has the loop handle them. 0 or negative errno. */
int manager_watch_signals(struct manager *m);
