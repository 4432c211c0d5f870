/* SPDX-License-Identifier: Apache-2.0 */
/* The manager as a program: `reeve init`, /sbin/init, systemd. */
#pragma once

#include "engine/manager.h"

/* Boots, runs, ends. `wires` (ends with NULL) are started once the manager is up. Returns the exit status of the
 * container. Options as systemd(1) takes them: --unit= --log-level= --show-status= --system --user --deserialize=. */
int init_main(int argc, char **argv, struct wire *const *wires);
