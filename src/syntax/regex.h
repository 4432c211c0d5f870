/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions as people type them at `journalctl --grep`: PCRE's syntax, on bytes, without what makes matching
 * take exponential time or remember (lookaround, back references, atomic groups, recursion). A match takes time in
 * proportion to text times pattern, whatever both are. Not libpcre2, which is a fourth of this binary; not regcomp(3),
 * which knows locales and no \d. */
#pragma once

#include "base/macro.h"

struct regex;
/* 0; -EINVAL: *ret_error says why, in words; -ENOMEM. */
int regex_compile(const char *pattern, bool ignore_case, struct regex **ret, const char **ret_error);
void regex_free(struct regex *r);
/* Is there a match, and where is the leftmost (either may be NULL)? */
bool regex_search(struct regex *r, const char *text, size_t n, size_t *ret_begin, size_t *ret_end);
