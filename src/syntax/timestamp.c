/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/timestamp.h"
#include "base/macro.h"
#include "base/zone.h"
#include "syntax/timespan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
#define MONTH (2629800 * USEC_PER_SEC)
#define YEAR (31557600 * USEC_PER_SEC)

#define TIMESTAMP_SHOWN_MAX                                                                                            \
    (253402214399 * USEC_PER_SEC) /* 9999-12-30 23:59:59: the year has four digits in any zone */

static const char weekdays[][10] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

/* --- relative to now -------------------------------------------------------------------------------------- */
/* Is s a span with `word` behind it? */
static bool span_before(const char *s, const char *word, usec_t *ret) {
    size_t n = strlen(s), k = strlen(word);
    char span[128];
    if (n <= k || n - k >= sizeof(span) || strcmp(s + n - k, word) != 0)
        return false;
    memcpy(span, s, n - k);
    span[n - k] = 0;
    return timespan_parse(span, USEC_PER_SEC, ret) >= 0;
}

static int offset(usec_t from, usec_t span, bool back, usec_t *ret) {
    if (span == USEC_INFINITY)
        return -EINVAL;
    *ret = back ? usec_sub(from, span) : usec_add(from, span);
    return 0;
}

/* --- dates and times -------------------------------------------------------------------------------------- */
/* `least` to `most` digits, perhaps behind spaces; another digit is the next one's. As strptime(3) reads them. */
static bool number(const char **p, int least, int most, int *ret) {
    *p += strspn(*p, " ");
    int n = 0, value = 0;
    for (; n < most && **p >= '0' && **p <= '9'; ++*p, n++)
        value = value * 10 + (**p - '0');
    if (n < least)
        return false;
    *ret = value;
    return true;
}

static bool separator(const char **p, char c) {
    if (**p != c)
        return false;
    ++*p;
    return true;
}

static bool parse_date(const char **p, struct tm *tm) {
    const char *start = *p;
    int year, month, day;
    if (!number(p, 1, 4, &year) || !separator(p, '-') || !number(p, 1, 2, &month) || !separator(p, '-') ||
        !number(p, 1, 2, &day) || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    if (start[1] == '-' || start[2] == '-')
        year += year < 69 ? 2000 : 1900;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    tm->tm_hour = tm->tm_min = tm->tm_sec = 0;
    return true;
}

static bool parse_time(const char **p, struct tm *tm, usec_t *fraction) {
    int hour, minute, second = 0;
    if (!number(p, 1, 2, &hour) || !separator(p, ':') || !number(p, 1, 2, &minute) || hour > 23 || minute > 59)
        return false;
    if (separator(p, ':')) {
        if (!number(p, 1, 2, &second) || second > 61)
            return false;
        if (separator(p, '.')) {
            usec_t unit = USEC_PER_SEC / 10;
            if (**p < '0' || **p > '9')
                return false;
            for (; **p >= '0' && **p <= '9'; ++*p, unit /= 10) {
                *fraction += (usec_t)(**p - '0') * unit;
                if (unit == 1 && (*p)[1] >= '5' && (*p)[1] <= '9')
                    ++*fraction;
            }
        }
    }
    tm->tm_hour = hour;
    tm->tm_min = minute;
    tm->tm_sec = second;
    return true;
}

/* The zone that the expression ends with, cut off. */
struct zone {
    bool utc;
    int dst;            /* -1: not said */
    long east;          /* seconds, of an offset */
    const char *name;   /* NULL: local */
};

static bool parse_offset(const char *s, long *ret) {
    int hours, minutes = 0;
    bool west = *s == '-';
    if (*s != '+' && !west)
        return false;
    s++;
    if (strlen(s) == 4 && strspn(s, "0123456789") == 4) {
        hours = (s[0] - '0') * 10 + s[1] - '0';
        minutes = (s[2] - '0') * 10 + s[3] - '0';
    } else if (!number(&s, 2, 2, &hours) || (separator(&s, ':') && !number(&s, 2, 2, &minutes)) || *s)
        return false;
    *ret = (hours * 3600L + minutes * 60L) * (west ? -1 : 1);
    return hours < 24 && minutes < 60;
}

static void take_zone(char *s, struct zone *zone) {
    char *word = strrchr(s, ' '), *t = strchr(s, 'T');
    size_t n = strlen(s);
    if (!word && t && n > 0 && s[n - 1] == 'Z') { /* RFC 3339 */
        zone->utc = true;
        s[n - 1] = 0;
        return;
    }
    if (!word && t && (word = strpbrk(t, "+-")) && parse_offset(word, &zone->east)) {
        zone->utc = true;
        *word = 0;
        return;
    }
    if (!word)
        return;
    if (strcmp(word + 1, "UTC") == 0 || parse_offset(word + 1, &zone->east))
        zone->utc = true;
    for (int i = 0; i < 2 && !zone->utc && zone->dst < 0; i++)
        if (tzname[i] && *tzname[i] && strcmp(word + 1, tzname[i]) == 0)
            zone->dst = i;
    if (!zone->utc && zone->dst < 0) {
        if (!zone_valid(word + 1))
            return;
        zone->name = word + 1;
    }
    *word = 0;
}

/* The name of a day and a space at the beginning: 0 to 6, -1 if there is none, -EINVAL. */
static int take_weekday(const char **p) {
    for (int day = 0; day < 7; day++)
        for (size_t length = strlen(weekdays[day]);; length = 3) {
            if (strncasecmp(*p, weekdays[day], length) == 0 && (*p)[length] == ' ') {
                *p += length + strspn(*p + length, " ");
                return day;
            }
            if (length == 3)
                break;
        }
    return -1;
}

static int parse_absolute(const char *s, const struct zone *zone, usec_t present, usec_t *ret) {
    static const struct {
        const char *word;
        int days;
    } words[] = { { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };
    struct tm tm;
    zone_from_time((time_t)(present / USEC_PER_SEC) + zone->east, zone->utc, &tm);
    tm.tm_isdst = zone->dst;
    usec_t fraction = 0;
    int day = -1;
    bool known = false;
    for (size_t i = 0; i < ELEMENTS(words) && !known; i++)
        if (strcmp(s, words[i].word) == 0) {
            tm.tm_mday += words[i].days;
            tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
            known = true;
        }
    if (!known) {
        day = take_weekday(&s);
        const char *after = s;
        if (parse_date(&after, &tm)) {
            s = after;
            s += *s == 'T' ? 1 : strspn(s, " "); /* as with strptime(3), there need be none */
            if (s[-1] == 'T' || *s ? !parse_time(&s, &tm, &fraction) : s != after)
                return -EINVAL;
        } else if (!parse_time(&s, &tm, &fraction))
            return -EINVAL;
        if (*s)
            return -EINVAL;
    }
    time_t t = zone_to_time(&tm, zone->utc);
    if (t == (time_t)-1 || (day >= 0 && tm.tm_wday != day))
        return -EINVAL;
    t -= zone->east;
    if (t < 0)
        return -ERANGE;
    *ret = (usec_t)t * USEC_PER_SEC + fraction;
    return 0;
}

int timestamp_parse(const char *s, usec_t *ret) {
    usec_t present = now(CLOCK_REALTIME), span;
    if (strcmp(s, "now") == 0)
        return offset(present, 0, false, ret);
    if (*s == '+' || *s == '-') {
        int r = timespan_parse(s + 1, USEC_PER_SEC, &span);
        return r < 0 ? r : offset(present, span, *s == '-', ret);
    }
    if (*s == '@') {
        int r = timespan_parse(s + 1, USEC_PER_SEC, &span);
        return r < 0 ? r : offset(0, span, false, ret);
    }
    if (span_before(s, " ago", &span))
        return offset(present, span, true, ret);
    if (span_before(s, " left", &span))
        return offset(present, span, false, ret);

    char copy[128];
    if (strlen(s) >= sizeof(copy))
        return -EINVAL;
    strcpy(copy, s);
    tzset();
    struct zone zone = { .dst = -1 };
    take_zone(copy, &zone);
    _cleanup_zone_ struct zone_guard guard;
    int r = zone_enter(zone.name, &guard);
    return r < 0 ? r : parse_absolute(copy, &zone, present, ret);
}

/* --- to text ------------------------------------------------------------------------------------------------ */
const char *timestamp_format(usec_t t, bool utc, char buffer[static TIMESTAMP_MAX]) {
    if (t == 0 || t == USEC_INFINITY)
        return NULL;
    if (t > TIMESTAMP_SHOWN_MAX) {
        snprintf(buffer, TIMESTAMP_MAX, "--- XXXX-XX-XX XX:XX:XX");
        return buffer;
    }
    struct tm tm;
    zone_from_time((time_t)(t / USEC_PER_SEC), utc, &tm);
    snprintf(buffer, TIMESTAMP_MAX, "%.3s %04d-%02d-%02d %02d:%02d:%02d %s", weekdays[tm.tm_wday], tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, utc ? "UTC" : tm.tm_zone ? tm.tm_zone : "");
    return buffer;
}

const char *timestamp_format_distance(usec_t t, char buffer[static TIMESTAMP_MAX]) {
    /* From the longest: one unit, and a second one where it still says something. */
    static const struct {
        usec_t least, first, second;
        const char *one, *many, *rest; /* of the first unit, in the plural too; of the second */
    } rows[] = {
        { YEAR, YEAR, MONTH, " year", " years", " month" },
        { MONTH, MONTH, DAY, " month", " months", " day" },
        { WEEK, WEEK, DAY, " week", " weeks", " day" },
        { 2 * DAY, DAY, 0, " day", " days", NULL },
        { 25 * HOUR, DAY, HOUR, " day", " day", "h" },
        { 6 * HOUR, HOUR, 0, "h", "h", NULL },
        { HOUR, HOUR, MINUTE, "h", "h", "min" },
        { 5 * MINUTE, MINUTE, 0, "min", "min", NULL },
        { MINUTE, MINUTE, USEC_PER_SEC, "min", "min", "s" },
        { USEC_PER_SEC, USEC_PER_SEC, 0, "s", "s", NULL },
        { USEC_PER_MSEC, USEC_PER_MSEC, 0, "ms", "ms", NULL },
        { 1, 1, 0, "us", "us", NULL },
    };
    if (t == 0 || t == USEC_INFINITY)
        return NULL;
    usec_t present = now(CLOCK_REALTIME), span = t > present ? t - present : present - t;
    const char *end = t > present ? "left" : "ago";
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        if (span < rows[i].least)
            continue;
        unsigned long long n = span / rows[i].first, m = rows[i].second ? span % rows[i].first / rows[i].second : 0;
        const char *unit = n == 1 ? rows[i].one : rows[i].many;
        bool words = rows[i].rest && rows[i].rest[0] == ' ';
        if (!rows[i].second)
            snprintf(buffer, TIMESTAMP_MAX, "%llu%s %s", n, unit, end);
        else
            snprintf(buffer, TIMESTAMP_MAX, "%llu%s %llu%s%s %s", n, unit, m, rows[i].rest, words && m != 1 ? "s" : "",
                     end);
        return buffer;
    }
    return "now";
}
