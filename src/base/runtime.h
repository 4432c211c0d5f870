/* SPDX-License-Identifier: Apache-2.0 */
/* Where a manager may keep its runtime files, for those who look for it: what engine/boot.h says of the runtime
 * directory. */
#pragma once

#include "base/macro.h"

/* /run, $XDG_RUNTIME_DIR, /tmp/reeve-UID, /dev/shm/reeve-UID, in the order in which a manager tries them. */
enum runtime_place { RUNTIME_RUN, RUNTIME_XDG, RUNTIME_TMP, RUNTIME_SHM, RUNTIME_PLACES };

/* PLACE/NAME; caller frees; NULL: there is no such place, or it is another user's who may have laid it out for us, or
 * no memory. */
char *runtime_path(enum runtime_place place, const char *name);
