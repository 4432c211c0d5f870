/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting units that nobody needs: inactive, without a job, and named by no unit that stays. systemd.unit(5)
 * CollectMode=. */
#pragma once

#include "engine/unit.h"

/* Frees u if it may go. */
void gc_unit(struct unit *u);
