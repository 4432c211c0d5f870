/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions that compare: versions, sizes, counts, pressures. */
#include "base/fd.h"
#include "base/glob.h"
#include "base/path.h"
#include "base/scan.h"
#include "base/strv.h"
#include "syntax/envfile.h"
#include "syntax/names.h"
#include "syntax/timespan.h"
#include "syntax/words.h"
#include "unit/condition_private.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <gnu/libc-version.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SMALL_FILE_MAX ((size_t)256 << 10)
/* The interface reeve speaks is that of this systemd. */
#define SYSTEMD_INTERFACE "257"

/* Longer operators first: "<" is the beginning of "<=". */
static const struct {
    const char *text;
    enum comparison operator;
    bool text_only;
} operators[] = {
    { "!$=", COMPARE_NOT_FNMATCH, true },    { "$=", COMPARE_FNMATCH, true },
    { "<=", COMPARE_LOWER_OR_EQUAL, false }, { ">=", COMPARE_GREATER_OR_EQUAL, false },
    { "<>", COMPARE_UNEQUAL, false },        { "==", COMPARE_EQUAL, false },
    { "!=", COMPARE_STRING_UNEQUAL, false }, { "=", COMPARE_STRING_EQUAL, false },
    { "<", COMPARE_LOWER, false },           { ">", COMPARE_GREATER, false },
};

enum comparison comparison_take(const char **s, bool text) {
    for (size_t i = 0; i < ELEMENTS(operators); i++) {
        size_t n = strlen(operators[i].text);
        if (strncmp(*s, operators[i].text, n) != 0)
            continue;
        if (operators[i].text_only && !text)
            return COMPARISON_INVALID;
        *s += n;
        if (!text && operators[i].operator== COMPARE_STRING_EQUAL)
            return COMPARE_EQUAL;
        if (!text && operators[i].operator== COMPARE_STRING_UNEQUAL)
            return COMPARE_UNEQUAL;
        return operators[i].operator;
    }
    return COMPARISON_INVALID;
}

bool comparison_holds(int order, enum comparison operator) {
    switch (operator) {
    case COMPARE_LOWER:
        return order < 0;
    case COMPARE_LOWER_OR_EQUAL:
        return order <= 0;
    case COMPARE_EQUAL:
    case COMPARE_STRING_EQUAL:
        return order == 0;
    case COMPARE_UNEQUAL:
    case COMPARE_STRING_UNEQUAL:
        return order != 0;
    case COMPARE_GREATER_OR_EQUAL:
        return order >= 0;
    case COMPARE_GREATER:
        return order > 0;
    default:
        return false;
    }
}

/* --- versions ------------------------------------------------------------------------------------------- */

static bool version_character(char c) {
    return isalnum((unsigned char)c) || strchr("~-^.", c);
}

static int order_of(int a, int b) {
    return a < b ? -1 : a > b;
}

int version_compare(const char *a, const char *b) {
    for (;;) {
        while (*a && !version_character(*a))
            a++;
        while (*b && !version_character(*b))
            b++;
        /* A tilde is older than the end of the other, and the end older than everything else. */
        if (*a == '~' || *b == '~') {
            if (*a != *b)
                return *a == '~' ? -1 : 1;
            a++, b++;
            continue;
        }
        if (!*a || !*b)
            return order_of(*a != 0, *b != 0);
        static const char separators[] = "-^.";
        bool separated = false;
        for (const char *s = separators; *s && !separated; s++)
            if (*a == *s || *b == *s) {
                if (*a != *b)
                    return *a == *s ? -1 : 1;
                a++, b++;
                separated = true;
            }
        if (separated)
            continue;
        size_t n, m;
        if (isdigit((unsigned char)*a) || isdigit((unsigned char)*b)) {
            /* Numbers are newer than letters; leading zeros say nothing. */
            if (!isdigit((unsigned char)*a) || !isdigit((unsigned char)*b))
                return isdigit((unsigned char)*a) ? 1 : -1;
            a += strspn(a, "0");
            b += strspn(b, "0");
            n = strspn(a, "0123456789");
            m = strspn(b, "0123456789");
            int order = n != m ? order_of(n > m, m > n) : strncmp(a, b, n);
            if (order)
                return order < 0 ? -1 : 1;
        } else {
            for (n = 0; isalpha((unsigned char)a[n]);)
                n++;
            for (m = 0; isalpha((unsigned char)b[m]);)
                m++;
            int order = strncmp(a, b, MIN(n, m));
            if (order == 0)
                order = order_of(n > m, m > n);
            if (order)
                return order < 0 ? -1 : 1;
        }
        a += n;
        b += m;
    }
}

static bool text_holds(const char *have, enum comparison operator, const char * want) {
    switch (operator) {
    case COMPARE_FNMATCH:
        return glob_match(want, have, 0);
    case COMPARE_NOT_FNMATCH:
        return !glob_match(want, have, 0);
    case COMPARE_STRING_EQUAL:
        return strcmp(have, want) == 0;
    case COMPARE_STRING_UNEQUAL:
        return strcmp(have, want) != 0;
    default:
        return comparison_holds(version_compare(have, want), operator);
    }
}

/* Every word must hold: ">=4.15", ">= 4.15 <6", "5.*". */
static int version_holds(const char *have, const char *parameter) {
    bool first = true; /* whose operator may stand alone */
    for (const char *p = parameter;; first = false) {
        _cleanup_free_ char *word = NULL, *next = NULL;
        int r = word_next(&p, &word, NULL, WORD_UNQUOTE);
        if (r <= 0)
            return r < 0 ? r : 1;
        const char *want = word;
        enum comparison operator= comparison_take(&want, true);
        if (operator== COMPARE_STRING_EQUAL || operator== COMPARE_STRING_UNEQUAL)
            operator= operator== COMPARE_STRING_EQUAL ? COMPARE_EQUAL : COMPARE_UNEQUAL;
        if (operator== COMPARISON_INVALID) {
            /* Long ago it was a single pattern. */
            operator= COMPARE_FNMATCH;
        } else if (!*want) {
            if (!first)
                return -EINVAL;
            r = word_next(&p, &next, NULL, WORD_UNQUOTE);
            if (r <= 0)
                return r < 0 ? r : -EINVAL;
            want = next;
        }
        if (!text_holds(have, operator, want))
            return 0;
    }
}

int test_kernel_version(const char *parameter) {
    struct utsname u;
    return uname(&u) < 0 ? -errno : version_holds(u.release, parameter);
}

int test_version(const char *parameter) {
    const char *p = parameter;
    _cleanup_free_ char *word = NULL;
    int r = word_next(&p, &word, NULL, WORD_UNQUOTE);
    if (r <= 0)
        return r < 0 ? r : -EINVAL;
    if (strcmp(word, "systemd") == 0)
        return version_holds(SYSTEMD_INTERFACE, p);
    if (strcmp(word, "glibc") == 0)
        return version_holds(gnu_get_libc_version(), p);
    return test_kernel_version(strcmp(word, "kernel") == 0 ? p : parameter);
}

int test_os_release(const char *parameter) {
    _cleanup_free_ char *data = NULL;
    _cleanup_strv_ char **fields = NULL, **words = NULL;
    size_t size;
    int r = file_read("/etc/os-release", SMALL_FILE_MAX, &data, &size);
    if (r == -ENOENT)
        r = file_read("/usr/lib/os-release", SMALL_FILE_MAX, &data, &size);
    if (r >= 0)
        r = envfile_parse(data, size, &fields, NULL, NULL);
    if (r >= 0)
        r = words_split(parameter, NULL, WORD_UNQUOTE, &words);
    if (r < 0)
        return r;
    STRV_FOREACH(word, words) {
        char *name = *word + strspn(*word, COMPARISON_LETTERS);
        size_t n = strcspn(name, COMPARISON_LETTERS);
        const char *want = name + n;
        if (!*want || !env_name_valid(name, n))
            return -EINVAL;
        enum comparison operator= comparison_take(&want, true);
        /* A space there is no part of what os-release could say. */
        if (operator== COMPARISON_INVALID || !*want || strchr(" \t\n\r", *want))
            return -EINVAL;
        name[n] = 0;
        const char *have = env_get(fields, name);
        if (!text_holds(have ?: "", operator, want))
            return 0;
    }
    return 1;
}

/* --- numbers -------------------------------------------------------------------------------------------- */

static int number_holds(uint64_t have, const char *parameter, uint64_t base) {
    uint64_t want;
    parameter += strspn(parameter, " \t");
    enum comparison operator= comparison_take(&parameter, false);
    if (operator== COMPARISON_INVALID)
        operator= COMPARE_GREATER_OR_EQUAL;
    parameter += strspn(parameter, " \t");
    int64_t number;
    int r = base ? size_parse(parameter, base, &want) : number_parse(parameter, &number);
    if (r < 0)
        return r;
    if (!base) {
        if (number < 0)
            return -ERANGE;
        want = (uint64_t)number;
    }
    return comparison_holds(have < want ? -1 : have > want, operator);
}

/* What the machine has, or the control group is limited to. */
static uint64_t physical_memory(void) {
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE), limit;
    static const char *const limits[] = { "/sys/fs/cgroup/memory.max",
                                          "/sys/fs/cgroup/memory/memory.limit_in_bytes" };
    for (size_t i = 0; i < ELEMENTS(limits); i++) {
        _cleanup_free_ char *data = NULL;
        if (file_read(limits[i], 4096, &data, NULL) < 0)
            continue;
        data[strcspn(data, "\n")] = 0;
        if (uint64_parse(data, &limit) >= 0)
            memory = MIN(memory, limit);
    }
    return memory;
}

int test_memory(const char *parameter) {
    return number_holds(physical_memory(), parameter, 1024);
}

int test_cpus(const char *parameter) {
    cpu_set_t set;
    CPU_ZERO(&set);
    long n = sched_getaffinity(0, sizeof(set), &set) >= 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
    return number_holds(n > 0 ? (uint64_t)n : 1, parameter, 0);
}

/* --- pressure: "[slice:]percent%[/timespan]" ---------------------------------------------------------- */

/* "12.345" → 1235. What follows is left in *at. -EINVAL: no number. */
static int hundredths(const char **at, long *ret) {
    uint32_t whole;
    const char *p = *at;
    if (!scan_u32(&p, &whole) || whole > 1000)
        return -EINVAL;
    long n = whole;
    size_t decimals = *p == '.' ? strspn(p + 1, "0123456789") : 0;
    for (size_t i = 1; i <= 2; i++)
        n = n * 10 + (i <= decimals ? p[i] - '0' : 0);
    n += decimals > 2 && p[3] >= '5';
    *at = p + (*p == '.') + decimals;
    *ret = n;
    return 0;
}

/* The average of one line ("some", "full") in hundredths of a percent. */
static int read_pressure(const char *data, const char *line, const char *average, long *ret) {
    for (const char *p = data; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
        if (strncmp(p, line, strlen(line)) != 0)
            continue;
        const char *at = strstr(p, average), *end = strchr(p, '\n');
        if (!at || (end && at > end))
            return -ENODATA;
        at += strlen(average);
        return hundredths(&at, ret);
    }
    return -ENODATA;
}

/* "system-foo.slice" lies in system.slice/system-foo.slice. */
static int slice_path(const char *slice, size_t n, const char *file, struct text *out) {
    text_add(out, "/sys/fs/cgroup");
    if (n > 6 && strncmp(slice + n - 6, ".slice", 6) == 0)
        n -= 6;
    for (size_t i = 1; i <= n && !(n == 1 && slice[0] == '-'); i++)
        if (i == n || slice[i] == '-') {
            text_add_char(out, '/');
            text_add_n(out, slice, i);
            text_add(out, ".slice");
        }
    text_addf(out, "/%s.pressure", file);
    return out->failed ? -ENOMEM : 0;
}

int test_pressure(enum condition_kind kind, const char *parameter) {
    const char *file = kind == CONDITION_MEMORY_PRESSURE ? "memory"
                       : kind == CONDITION_CPU_PRESSURE  ? "cpu"
                                                         : "io";
    _cleanup_free_ char *data = NULL;
    _cleanup_text_ struct text path = {};
    const char *colon = strchr(parameter, ':'), *average = "avg300=";
    if (colon) {
        if (slice_path(parameter, (size_t)(colon - parameter), file, &path) < 0)
            return -ENOMEM;
        parameter = colon + 1;
    } else
        text_addf(&path, "/proc/pressure/%s", file);
    /* Words that it begins with, not time spans: those for which the kernel has an average. */
    static const struct {
        const char *span, *average;
    } spans[] = { { "10sec", "avg10=" }, { "1min", "avg60=" }, { "5min", "avg300=" } };
    _cleanup_strv_ char **words = strv_split(parameter, "/ \t");
    int64_t limit;
    if (!words)
        return -ENOMEM;
    int r = words[0] ? permyriad_parse(words[0], &limit) : -EINVAL;
    if (r < 0)
        return r;
    if (limit > 100 * 100)
        return -ERANGE;
    if (words[1]) {
        size_t i = 0;
        while (i < ELEMENTS(spans) && strncmp(words[1], spans[i].span, strlen(spans[i].span)) != 0)
            i++;
        if (i == ELEMENTS(spans))
            return -EINVAL;
        average = spans[i].average;
    }
    /* A kernel or a container without the figures counts as without pressure. */
    if (path.failed || file_read(text_str(&path), 4096, &data, NULL) < 0)
        return 1;
    long now_is;
    if ((kind == CONDITION_CPU_PRESSURE || read_pressure(data, "full ", average, &now_is) < 0) &&
        read_pressure(data, "some ", average, &now_is) < 0)
        return 1;
    return now_is <= limit;
}
