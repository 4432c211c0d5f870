/* SPDX-License-Identifier: Apache-2.0 */
/* The runit wire: supervise/ directories by which runit's own sv(8) talks to units, and the service directories that
 * become units. It knows the engine's API and observer only; the unit files are the generator's
 * (src/cli/runit_units.c). runsv(8), runsvdir(8), docs/runit.md. */
#pragma once

#include "engine/manager.h"

/* Does nothing unless the manager's own environment has REEVE_RUNIT=DIRECTORY. */
extern struct wire runit_wire;
