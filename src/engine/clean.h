/* SPDX-License-Identifier: Apache-2.0 */
/* `systemctl clean`: what a unit keeps beside its files, and how to be rid of it. systemctl(1). */
#pragma once

#include "engine/unit.h"

/* One bit for each of "runtime", "state", "cache", "logs", "configuration", "fdstore". */
enum { CLEAN_KINDS = 6 };
const char *clean_kind_to_string(unsigned kind);
/* What this unit has of them. */
unsigned unit_can_clean(const struct unit *u);
/* Removes those of the bits `what` that the unit has. Directories are out of the way when this returns and are taken
 * apart by a child. 0; -EOPNOTSUPP: it has none of them; or what failed. */
int unit_clean(struct unit *u, unsigned what);
