/* SPDX-License-Identifier: Apache-2.0 */
/* Reaping. */
#pragma once

/* Reaps what has died; queues itself again when there may be more. `manager`: struct manager *. */
void reap_children(void *manager);
