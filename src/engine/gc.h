/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting units that nobody needs: inactive, without a job, and named by no unit that stays. systemd.unit(5)
 * CollectMode=. */
#pragma once

#include "engine/unit.h"

/* Something has happened to u after which nobody may need it any more. Nothing to be done if it has a reason in
 * itself to stay: when that ends, there is another call. */
void gc_consider(struct unit *u);
/* Frees u if it may go. */
void gc_unit(struct unit *u);
