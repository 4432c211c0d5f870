/* SPDX-License-Identifier: Apache-2.0 */
/* 128-bit ids: machine id, boot id, invocation id. */
#pragma once

#include "base/macro.h"

struct id128 {
    uint8_t bytes[16];
};

int id128_random(struct id128 *ret);
/* A number below `limit`; 0 for 0, and when the kernel has no random numbers yet. */
uint64_t random_below(uint64_t limit);
bool id128_is_null(struct id128 id);
bool id128_equal(struct id128 a, struct id128 b);
/* 32 lower-case hex digits and a NUL into `buffer`, which is returned. */
char *id128_to_string(struct id128 id, char buffer[static 33]);
/* 32 hex digits, with dashes as in UUIDs allowed; -EINVAL otherwise, *ret untouched. */
int id128_from_string(const char *s, struct id128 *ret);
