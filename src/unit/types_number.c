/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes, modes, signals, times: everything that is one word in value.number, .size or .usec. */
#include "base/fd.h"
#include "base/log.h"
#include "syntax/names.h"
#include "syntax/timespan.h"
#include "unit/types_private.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/sysinfo.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* --- booleans ------------------------------------------------------------------------------------------- */

static int parse_boolean(const struct value_type *type, struct parse_at *at, const char *text,
                         union value *value) {
    int b = bool_parse(text);
    if (b < 0) {
        value_reject(at, "not a boolean (yes or no)");
        return type == &type_boolean_strict ? -ENOEXEC : -EINVAL;
    }
    *value = (union value){ .boolean = b };
    return 0;
}

static void print_boolean(const struct value_type *type, const union value *value, struct text *out) {
    text_add(out, value->boolean ? "yes" : "no");
}

const struct value_type type_boolean = { "boolean", .flags = TYPE_KEEPS, .parse = parse_boolean, .print = print_boolean,
                                         .equal = value_equal_boolean };

/* Without it, a service would run as somebody else. */
const struct value_type type_boolean_strict = { "boolean", .flags = TYPE_KEEPS, .parse = parse_boolean,
                                                .print = print_boolean, .equal = value_equal_boolean };

static int parse_tristate(const struct value_type *type, struct parse_at *at, const char *text,
                          union value *value) {
    int b = bool_parse(text);
    if (b < 0)
        return value_reject(at, "not a boolean (yes or no)");
    value->number = b;
    return 0;
}

static void print_tristate(const struct value_type *type, const union value *value, struct text *out) {
    text_add(out, value->number > 0 ? "yes" : value->number == 0 ? "no" : "");
}

const struct value_type type_tristate = { "boolean or unset", .unset.number = -1, .parse = parse_tristate,
                                          .print = print_tristate, .equal = value_equal_number };

/* --- whole numbers in a range --------------------------------------------------------------------------- */

struct range {
    int64_t min, max;
};

static int parse_number(const struct value_type *type, struct parse_at *at, const char *text,
                        union value *value) {
    const struct range *range = type->data;
    int64_t n;
    if (number_parse(text, &n) < 0 || n < range->min || n > range->max)
        return value_reject(at, "not a number from %" PRIi64 " to %" PRIi64, range->min, range->max);
    value->number = n;
    return 0;
}

static void print_number(const struct value_type *type, const union value *value, struct text *out) {
    text_addf(out, "%" PRIi64, value->number);
}

#define NUMBER(type, title, least, most, ...)                                                                \
    const struct value_type type_##type = { title,                                                           \
                                            .data = &(const struct range){ least, most },                    \
                                            .parse = parse_number,                                           \
                                            .print = print_number,                                           \
                                            .equal = value_equal_number,                                     \
                                            __VA_ARGS__ }

NUMBER(integer, "number", INT32_MIN, INT32_MAX, .flags = TYPE_KEEPS);
NUMBER(count, "count", 0, UINT32_MAX, .flags = TYPE_KEEPS);
NUMBER(nice, "nice level", -20, 19);
NUMBER(oom_score, "OOM score adjustment", -1000, 1000);
NUMBER(io_priority, "I/O priority", 0, 7);
NUMBER(cpu_priority, "scheduling priority", 0, 99, .flags = TYPE_KEEPS);
NUMBER(tty_size, "terminal size", 0, UINT16_MAX - 1, .unset.number = -1);

static int parse_weight(const struct value_type *type, struct parse_at *at, const char *text,
                        union value *value) {
    if (type == &type_cpu_weight && strcmp(text, "idle") == 0) {
        value->size = 0;
        return 0;
    }
    return parse_number(type, at, text, value);
}

static void print_weight(const struct value_type *type, const union value *value, struct text *out) {
    if (value->size == 0)
        text_add(out, "idle");
    else if (value->size != UINT64_MAX)
        print_number(type, value, out);
}

#define WEIGHT(type, title, least, most)                                                                     \
    const struct value_type type_##type = { title,                                                           \
                                            .data = &(const struct range){ least, most },                    \
                                            .parse = parse_weight,                                           \
                                            .print = print_weight,                                           \
                                            .equal = value_equal_number,                                     \
                                            .unset.size = UINT64_MAX }

WEIGHT(cpu_weight, "CPU weight", 1, 10000);
WEIGHT(io_weight, "I/O weight", 1, 10000);
WEIGHT(cpu_shares, "CPU shares", 2, 262144);
WEIGHT(blockio_weight, "block I/O weight", 10, 1000);

static int parse_exit_status(const struct value_type *type, struct parse_at *at, const char *text,
                             union value *value) {
    int status = exit_status_from_string(text);
    if (status < 0)
        return value_reject(at, "not an exit status (0 to 255)");
    value->number = status;
    return 0;
}

static void print_if_set(const struct value_type *type, const union value *value, struct text *out) {
    if (value->number != type->unset.number)
        print_number(type, value, out);
}

const struct value_type type_exit_status = { "exit status", .unset.number = -1, .parse = parse_exit_status,
                                             .print = print_if_set, .equal = value_equal_number };

/* A name of a table, or a number in a range. */
struct named_range {
    struct range range;
    const struct {
        const char *name;
        int64_t number;
    } names[7]; /* ends with a NULL name */
};

static int parse_named(const struct value_type *type, struct parse_at *at, const char *text,
                       union value *value) {
    const struct named_range *t = type->data;
    for (size_t i = 0; t->names[i].name; i++)
        if (strcmp(t->names[i].name, text) == 0) {
            value->number = t->names[i].number;
            return 0;
        }
    int64_t n;
    if (number_parse(text, &n) == 0 && n >= t->range.min && n <= t->range.max) {
        value->number = n;
        return 0;
    }
    value_reject(at, "not one of");
    for (size_t i = 0; t->names[i].name; i++)
        text_addf(&at->why, "%s %s", i ? "," : "", t->names[i].name);
    return -EINVAL;
}

static void print_named(const struct value_type *type, const union value *value, struct text *out) {
    const struct named_range *t = type->data;
    if (value->number == type->unset.number)
        return;
    for (size_t i = 0; t->names[i].name; i++)
        if (t->names[i].number == value->number) {
            text_add(out, t->names[i].name);
            return;
        }
    print_number(type, value, out);
}

static const struct named_range tos_names = {
    { 0, 255 },
    { { "low-delay", 0x10 }, { "throughput", 0x08 }, { "reliability", 0x04 }, { "low-cost", 0x02 } }
};
const struct value_type type_ip_tos = { "type of service",    .data = &tos_names,
                                        .unset.number = -1,   .parse = parse_named,
                                        .print = print_named, .equal = value_equal_number };

static const struct named_range protocol_names = {
    { 1, 0 }, { { "udplite", IPPROTO_UDPLITE }, { "sctp", IPPROTO_SCTP }, { "mptcp", IPPROTO_MPTCP } }
};
const struct value_type type_socket_protocol = { "socket protocol", .flags = TYPE_KEEPS, .data = &protocol_names,
                                                 .parse = parse_named, .print = print_named,
                                                 .equal = value_equal_number };

/* Those of the architectures this is built for; on others the setting is refused. */
static const struct named_range personalities = { { 1, 0 },
                                                  {
#if defined(__x86_64__)
                                                      { "x86-64", PER_LINUX },
                                                      { "x86", PER_LINUX32 },
#elif defined(__aarch64__)
                                                      { "arm64", PER_LINUX },
                                                      { "arm", PER_LINUX32 },
#elif defined(__s390x__)
                                                      { "s390x", PER_LINUX },
                                                      { "s390", PER_LINUX32 },
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                                                      { "ppc64-le", PER_LINUX },
                                                      { "ppc-le", PER_LINUX32 },
#elif defined(__riscv)
                                                      { "riscv64", PER_LINUX },
#elif defined(__i386__)
                                                      { "x86", PER_LINUX },
#endif
                                                      { NULL, 0 } } };
const struct value_type type_personality = { "personality",        .data = &personalities,
                                             .unset.number = -1,   .parse = parse_named,
                                             .print = print_named, .equal = value_equal_number };

/* --- modes, signals, errors, syslog --------------------------------------------------------------------- */

static int parse_mode(const struct value_type *type, struct parse_at *at, const char *text,
                      union value *value) {
    mode_t mode;
    if (mode_parse(text, &mode) < 0)
        return value_reject(at, "not an access mode (octal digits)");
    value->number = mode;
    return 0;
}

static void print_mode(const struct value_type *type, const union value *value, struct text *out) {
    text_addf(out, "%04o", (unsigned)value->number);
}

const struct value_type type_mode = { "access mode", .flags = TYPE_KEEPS, .parse = parse_mode, .print = print_mode,
                                      .equal = value_equal_number };

static int parse_signal(const struct value_type *type, struct parse_at *at, const char *text,
                        union value *value) {
    int signal = signal_from_string(text);
    if (signal < 0)
        return value_reject(at, "not a signal");
    value->number = signal;
    return 0;
}

/* Its number: what `systemctl show` prints. */
const struct value_type type_signal = { "signal", .flags = TYPE_KEEPS, .parse = parse_signal, .print = print_number,
                                        .equal = value_equal_number };

static int parse_error_number(const struct value_type *type, struct parse_at *at, const char *text,
                              union value *value) {
    int64_t n;
    if (strcmp(text, "kill") == 0) {
        value->number = INT32_MAX;
        return 0;
    }
    if (int64_parse(text, &n) == 0 && n > 0 && n <= 4095) {
        value->number = n;
        return 0;
    }
    for (int i = 1; i < 256; i++) {
        const char *name = strerrorname_np(i);
        if (name && strcmp(name, text) == 0) {
            value->number = i;
            return 0;
        }
    }
    return value_reject(at, "not an error (EPERM, EACCES, …, 1 to 4095, or kill)");
}

static void print_error_number(const struct value_type *type, const union value *value, struct text *out) {
    if (value->number == INT32_MAX)
        text_add(out, "kill");
    else if (value->number > 0 && strerrorname_np((int)value->number))
        text_add(out, strerrorname_np((int)value->number));
    else
        print_number(type, value, out);
}

const struct value_type type_error_number = { "error number", .parse = parse_error_number,
                                              .print = print_error_number, .equal = value_equal_number };

static int parse_level(const struct value_type *type, struct parse_at *at, const char *text,
                       union value *value) {
    int level = log_level_from_string(text);
    if (level < 0)
        return value_reject(at, "not one of emerg, alert, crit, err, warning, notice, info, debug");
    value->number = level;
    return 0;
}

const struct value_type type_syslog_level = {
    "syslog level",       .flags = TYPE_KEEPS,   .unset.number = -1,
    .parse = parse_level, .print = print_number, .equal = value_equal_number
};

static int parse_facility(const struct value_type *type, struct parse_at *at, const char *text,
                          union value *value) {
    int facility = facility_from_string(text);
    if (facility < 0)
        return value_reject(at, "not a syslog facility (daemon, user, auth, local0, …)");
    value->number = facility;
    return 0;
}

static void print_facility(const struct value_type *type, const union value *value, struct text *out) {
    text_addf(out, "%d", (int)value->number >> 3);
}

const struct value_type type_syslog_facility = { "syslog facility", .flags = TYPE_KEEPS, .parse = parse_facility,
                                                 .print = print_facility, .equal = value_equal_number };

/* --- sizes ---------------------------------------------------------------------------------------------- */

static uint64_t machine_memory(void) {
    struct sysinfo info;
    return sysinfo(&info) < 0 ? 0 : (uint64_t)info.totalram * info.mem_unit;
}

/* What kernel.pid_max is at most. */
#define TASKS_MAX 4194304
#define PAGE 4096

static uint64_t read_number(const char *path, uint64_t otherwise) {
    _cleanup_free_ char *text = NULL;
    uint64_t n;
    if (file_read(path, 64, &text, NULL) < 0)
        return otherwise;
    text[strcspn(text, "\n")] = 0;
    return uint64_parse(text, &n) < 0 ? otherwise : n;
}

uint64_t machine_tasks(uint64_t permyriad) {
    static uint64_t most;
    if (most == 0)
        most = MIN(read_number("/proc/sys/kernel/pid_max", TASKS_MAX),
                   read_number("/proc/sys/kernel/threads-max", TASKS_MAX));
    return (uint64_t)((unsigned __int128)most * permyriad / 10000);
}

static int parse_size(const struct value_type *type, struct parse_at *at, const char *text,
                      union value *value) {
    uint64_t size;
    if (size_parse(text, 1024, &size) < 0)
        return value_reject(at, "not a size (bytes, or with K, M, G, T)");
    value->size = size;
    return 0;
}

static int parse_size_or_share(const struct value_type *type, struct parse_at *at, const char *text,
                               union value *value) {
    int64_t share;
    if (strcmp(text, "infinity") == 0) {
        value->size = UINT64_MAX;
        return 0;
    }
    if (type != &type_count_or_infinity && permyriad_parse(text, &share) == 0 && share <= 10000) {
        if (share == 0 && type == &type_memory_limit)
            return value_reject(at, "a limit of nothing");
        unsigned __int128 pages = (unsigned __int128)(machine_memory() / PAGE) * (uint64_t)share / 10000;
        value->size = type == &type_tasks ? machine_tasks((uint64_t)share) : (uint64_t)pages * PAGE;
        return 0;
    }
    if (type == &type_memory || type == &type_memory_limit) {
        uint64_t before = value->size;
        int r = parse_size(type, at, text, value);
        if (r < 0 || value->size > 0 || type == &type_memory)
            return r;
        value->size = before;
        return value_reject(at, "a limit of nothing");
    }
    int64_t n;
    if (number_parse(text, &n) < 0 || n < 0)
        return value_reject(at, "not a number or infinity");
    value->size = (uint64_t)n;
    return 0;
}

static void print_size(const struct value_type *type, const union value *value, struct text *out) {
    if (value->size == UINT64_MAX)
        text_add(out, "infinity");
    else
        text_addf(out, "%" PRIu64, value->size);
}

const struct value_type type_size = { "size", .flags = TYPE_KEEPS, .parse = parse_size, .print = print_size,
                                      .equal = value_equal_number };
const struct value_type type_memory = { "memory", .unset.size = UINT64_MAX, .parse = parse_size_or_share,
                                        .print = print_size, .equal = value_equal_number };
const struct value_type type_memory_limit = { "memory, not 0", .unset.size = UINT64_MAX,
                                              .parse = parse_size_or_share, .print = print_size,
                                              .equal = value_equal_number };
const struct value_type type_tasks = { "number of tasks", .unset.size = UINT64_MAX,
                                       .parse = parse_size_or_share, .print = print_size,
                                       .equal = value_equal_number };
const struct value_type type_count_or_infinity = { "count or infinity", .unset.size = UINT64_MAX,
                                                   .parse = parse_size_or_share, .print = print_size,
                                                   .equal = value_equal_number };

static int parse_percent(const struct value_type *type, struct parse_at *at, const char *text,
                         union value *value) {
    int64_t share;
    if (permyriad_parse(text, &share) < 0 || share > 10000)
        return value_reject(at, "not a percentage");
    value->number = share;
    return 0;
}

static void print_percent(const struct value_type *type, const union value *value, struct text *out) {
    if (value->number >= 0)
        text_addf(out, "%" PRIi64 ".%02" PRIi64 "%%", value->number / 100, value->number % 100);
}

const struct value_type type_percent = { "percentage", .unset.number = -1, .parse = parse_percent,
                                         .print = print_percent, .equal = value_equal_number };

/* --- time ----------------------------------------------------------------------------------------------- */

static int parse_seconds(const struct value_type *type, struct parse_at *at, const char *text,
                         union value *value) {
    usec_t usec;
    if (timespan_parse(text, USEC_PER_SEC, &usec) < 0)
        return value_reject(at, "not a time span (5min 20s, 500ms, infinity)");
    value->usec =
        usec == 0 && (type == &type_seconds_or_forever || type == &type_forever_or_unset) ? USEC_INFINITY : usec;
    return 0;
}

static void print_usec(const struct value_type *type, const union value *value, struct text *out) {
    char buffer[128];
    text_add(out, timespan_format(value->usec, 1, buffer, sizeof(buffer)));
}

const struct value_type type_seconds = { "time span", .flags = TYPE_KEEPS, .parse = parse_seconds, .print = print_usec,
                                         .equal = value_equal_number };
const struct value_type type_seconds_or_unset = { "time span", .parse = parse_seconds, .print = print_usec,
                                                  .equal = value_equal_number };
const struct value_type type_forever_or_unset = { "time span, 0 for none", .unset.usec = USEC_INFINITY,
                                                  .parse = parse_seconds, .print = print_usec,
                                                  .equal = value_equal_number };
const struct value_type type_seconds_or_forever = { "time span, 0 for none",     .flags = TYPE_KEEPS,
                                                    .unset.usec = USEC_INFINITY, .parse = parse_seconds,
                                                    .print = print_usec,         .equal = value_equal_number };

static int parse_nanoseconds(const struct value_type *type, struct parse_at *at, const char *text,
                             union value *value) {
    if (timespan_parse_nsec(text, &value->size) < 0)
        return value_reject(at, "not a time span (50000, 10us, 1ms)");
    return 0;
}

const struct value_type type_nanoseconds = { "time span in nanoseconds", .flags = TYPE_KEEPS, .unset.size = UINT64_MAX,
                                             .parse = parse_nanoseconds, .print = print_size,
                                             .equal = value_equal_number };

static int parse_cpu_quota(const struct value_type *type, struct parse_at *at, const char *text,
                           union value *value) {
    int64_t share;
    if (permyriad_parse(text, &share) < 0 || share == 0)
        return value_reject(at, "not a percentage of one CPU's time above 0%%");
    value->usec = (usec_t)share * USEC_PER_SEC / 10000;
    return 0;
}

static void print_cpu_quota(const struct value_type *type, const union value *value, struct text *out) {
    if (value->usec != USEC_INFINITY)
        text_addf(out, "%" PRIu64 ".%02" PRIu64 "%%", value->usec / 10000, value->usec / 100 % 100);
}

const struct value_type type_cpu_quota = { "CPU quota", .unset.usec = USEC_INFINITY, .parse = parse_cpu_quota,
                                           .print = print_cpu_quota, .equal = value_equal_number };
