/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and words in a row, as reeve itself or the kernel wrote them. Instead of scanf(3), which brings the
 * reading of floating-point numbers, wide characters and locales into the binary. */
#pragma once

#include "base/macro.h"

/* Each skips blanks, takes what it is for and moves *at behind it. False, with *at and *ret untouched: there is
 * none, or it does not fit. Decimal. */
bool scan_u64(const char **at, uint64_t *ret);
bool scan_u32(const char **at, uint32_t *ret);
bool scan_int(const char **at, int *ret); /* may begin with a minus */
/* What is up to the next blank, and the NUL, in `size` bytes. */
bool scan_word(const char **at, char *ret, size_t size);
/* The value of a hexadecimal digit of either case; -1: it is none. */
int hex_digit(char c);
/* "3", or "3-5": then *last is not *first. What follows does not matter. */
bool scan_range(const char *s, uint32_t *first, uint32_t *last);
