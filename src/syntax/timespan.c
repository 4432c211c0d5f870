/* SPDX-License-Identifier: Apache-2.0 */
/* One table of units for reading, the shorter one of those that are printed. */
#include "syntax/timespan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
#define MONTH (2629800 * USEC_PER_SEC) /* a twelfth of a year of 365.25 days */
#define YEAR (31557600 * USEC_PER_SEC)
#define WHITESPACE " \t\n\r"

/* A name that begins another stands behind it. */
static const struct {
    const char *name;
    usec_t usec;
} units[] = {
    { "seconds", USEC_PER_SEC },
    { "second", USEC_PER_SEC },
    { "sec", USEC_PER_SEC },
    { "s", USEC_PER_SEC },
    { "minutes", MINUTE },
    { "minute", MINUTE },
    { "min", MINUTE },
    { "months", MONTH },
    { "month", MONTH },
    { "M", MONTH },
    { "msec", USEC_PER_MSEC },
    { "ms", USEC_PER_MSEC },
    { "m", MINUTE },
    { "hours", HOUR },
    { "hour", HOUR },
    { "hr", HOUR },
    { "h", HOUR },
    { "days", DAY },
    { "day", DAY },
    { "d", DAY },
    { "weeks", WEEK },
    { "week", WEEK },
    { "w", WEEK },
    { "years", YEAR },
    { "year", YEAR },
    { "y", YEAR },
    { "usec", 1 },
    { "us", 1 },
    { "\xc2\xb5s", 1 },
    { "\xce\xbcs", 1 },
    { "nsec", 0 },
    { "ns", 0 }, /* where nanoseconds are counted */
};

/* `per_usec`: what is counted, 1 or 1000 to a microsecond. */
static int parse(const char *s, uint64_t per_usec, uint64_t default_unit, uint64_t *ret) {
    s += strspn(s, WHITESPACE);
    if (strncmp(s, "infinity", 8) == 0) {
        if (s[8 + strspn(s + 8, WHITESPACE)])
            return -EINVAL;
        *ret = USEC_INFINITY;
        return 0;
    }
    if (!*s)
        return -EINVAL;
    usec_t sum = 0;
    while (*s) {
        if (*s == '-')
            return -ERANGE;
        if (*s == '+')
            s++;
        const char *whole = s;
        uint64_t n = 0;
        for (; *s >= '0' && *s <= '9'; s++)
            if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
                return -ERANGE;
        size_t digits = (size_t)(s - whole), n_fraction = 0;
        const char *fraction = s;
        if (*s == '.') {
            fraction = ++s;
            s += n_fraction = strspn(s, "0123456789");
            if (n_fraction == 0)
                return -EINVAL;
        }
        if (digits + n_fraction == 0)
            return -EINVAL;
        const char *after_number = s;
        s += strspn(s, WHITESPACE);
        usec_t unit = default_unit;
        for (size_t i = 0; i < ELEMENTS(units); i++)
            if ((units[i].usec || per_usec > 1) && strncmp(s, units[i].name, strlen(units[i].name)) == 0) {
                unit = units[i].usec ? units[i].usec * per_usec : 1;
                s += strlen(units[i].name);
                break;
            }
        /* "12.34.56" is no two numbers, "12.34 56" is. */
        if (s == after_number && *s)
            return -EINVAL;
        usec_t part;
        if (n >= USEC_INFINITY / unit || __builtin_mul_overflow(n, unit, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return -ERANGE;
        usec_t scale = unit;
        for (size_t i = 0; i < n_fraction && scale > 0; i++) {
            scale /= 10;
            if (__builtin_add_overflow(sum, scale * (usec_t)(fraction[i] - '0'), &sum))
                return -ERANGE;
        }
        s += strspn(s, WHITESPACE);
    }
    if (sum == USEC_INFINITY)
        return -ERANGE;
    *ret = sum;
    return 0;
}

int timespan_parse(const char *s, usec_t default_unit, usec_t *ret) {
    return parse(s, 1, default_unit, ret);
}

int timespan_parse_nsec(const char *s, uint64_t *ret) {
    return parse(s, 1000, 1, ret);
}

char *timespan_format(usec_t span, usec_t accuracy, char *buffer, size_t size) {
    static const struct {
        const char *suffix;
        usec_t usec;
        int decimals; /* how many digits of a fraction a microsecond is */
    } printed[] = {
        { "y", YEAR, 0 },         { "month", MONTH, 0 },      { "w", WEEK, 0 },
        { "d", DAY, 0 },          { "h", HOUR, 0 },           { "min", MINUTE, 0 },
        { "s", USEC_PER_SEC, 6 }, { "ms", USEC_PER_MSEC, 3 }, { "us", 1, 0 },
    };
    if (size == 0)
        return buffer;
    if (span == USEC_INFINITY || span == 0) {
        snprintf(buffer, size, "%s", span ? "infinity" : "0");
        return buffer;
    }
    size_t used = 0;
    buffer[0] = 0;
    for (size_t i = 0; i < ELEMENTS(printed) && span > 0 && used < size; i++) {
        usec_t unit = printed[i].usec;
        if (span < accuracy && used > 0)
            break;
        if (span < unit)
            continue;
        usec_t whole = span / unit, rest = span % unit;
        int decimals = printed[i].decimals;
        usec_t fraction = rest;
        for (usec_t a = accuracy; a > 1 && decimals > 0; a /= 10, decimals--)
            fraction /= 10;
        const char *space = used > 0 ? " " : "";
        if (span < MINUTE && rest > 0 && decimals > 0) {
            used += (size_t)snprintf(buffer + used, size - used, "%s%" PRIu64 ".%0*" PRIu64 "%s", space,
                                     whole, decimals, fraction, printed[i].suffix);
            break;
        }
        used +=
            (size_t)snprintf(buffer + used, size - used, "%s%" PRIu64 "%s", space, whole, printed[i].suffix);
        span = rest;
    }
    return buffer;
}
