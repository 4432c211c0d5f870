/* SPDX-License-Identifier: Apache-2.0 */
/* Is it UTF-8? RFC 3629. */
#pragma once

#include "base/macro.h"

/* No overlong forms, no surrogates, nothing above U+10FFFF; NUL is not valid either. */
bool utf8_valid(const char *s, size_t n);
