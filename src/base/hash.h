/* SPDX-License-Identifier: Apache-2.0 */
/* uthash, told to leave an element out when there is no memory: by itself it ends the process. After HASH_ADD ask
 * hash_holds(); an element that is not in must not be given to HASH_DEL. */
#pragma once

#include "base/macro.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

static inline bool hash_holds(const UT_hash_handle *hh) {
    return hh->tbl;
}
