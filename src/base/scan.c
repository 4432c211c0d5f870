/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scan.h"

#include <limits.h>
#include <string.h>

static const char *skip_blanks(const char *s) {
    return s + strspn(s, " \t\n");
}

static bool digits(const char **at, uint64_t max, uint64_t *ret) {
    const char *p = *at;
    uint64_t n = 0;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n) || n > max)
            return false;
    if (p == *at)
        return false;
    *at = p;
    *ret = n;
    return true;
}

bool scan_u64(const char **at, uint64_t *ret) {
    const char *p = skip_blanks(*at);
    if (!digits(&p, UINT64_MAX, ret))
        return false;
    *at = p;
    return true;
}

bool scan_u32(const char **at, uint32_t *ret) {
    const char *p = skip_blanks(*at);
    uint64_t n;
    if (!digits(&p, UINT32_MAX, &n))
        return false;
    *at = p;
    *ret = (uint32_t)n;
    return true;
}

bool scan_int(const char **at, int *ret) {
    const char *p = skip_blanks(*at);
    bool negative = *p == '-';
    uint64_t n;
    p += negative;
    if (!digits(&p, INT_MAX, &n))
        return false;
    *at = p;
    *ret = negative ? -(int)n : (int)n;
    return true;
}

bool scan_word(const char **at, char *ret, size_t size) {
    const char *p = skip_blanks(*at);
    size_t n = strcspn(p, " \t\n");
    if (n == 0 || n >= size)
        return false;
    memcpy(ret, p, n);
    ret[n] = 0;
    *at = p + n;
    return true;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 'a' - 'A';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool scan_range(const char *s, uint32_t *first, uint32_t *last) {
    uint32_t from;
    if (!scan_u32(&s, &from))
        return false;
    *first = *last = from;
    if (*s == '-') {
        s++;
        (void)scan_u32(&s, last);
    }
    return true;
}
