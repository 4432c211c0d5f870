/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that follow from others, so that what plans a start and what shows the unit see the same. */
#pragma once

#include "unit/unit_file.h"

/* Puts into a loaded unit what its settings imply: DynamicUser=yes brings an account and closes the file system,
 * PrivateDevices= the list of devices. What somebody wrote stays. systemd.exec(5). 0 or -ENOMEM. */
int unit_put_implied(struct unit_file *file);
/* The capabilities its settings leave it: CapabilityBoundingSet= without what the Protect…= settings take away. */
uint64_t unit_bounding_set(const struct unit_file *file);
