/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON strings. RFC 8259. */
#pragma once

#include "base/text.h"

/* Appends s in quotes, escaped; what is not UTF-8 becomes U+FFFD. NULL: null. */
void json_string(struct text *out, const char *s);
