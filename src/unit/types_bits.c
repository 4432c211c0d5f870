/* SPDX-License-Identifier: Apache-2.0 */
/* Sets that fit in one word: capabilities, namespaces, secure bits, core dump contents. A second assignment
 * adds to the first; "~" in front takes away. */
#include "syntax/names.h"
#include "unit/types_private.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>

/* --- capabilities --------------------------------------------------------------------------------------- */

int capability_from_string(const char *s, int *ret) {
    int64_t n;
    cap_value_t cap;
    if (number_parse(s, &n) >= 0) {
        if (n < 0 || n > 63)
            return -EINVAL;
        *ret = (int)n;
        return 0;
    }
    /* libcap takes a number with anything behind it. */
    if ((*s >= '0' && *s <= '9') || strchr(s, ',') || cap_from_name(s, &cap) < 0)
        return -EINVAL;
    /* And a name with anything behind it. */
    char *name = cap_to_name(cap);
    bool same = name && strcasecmp(name, s) == 0;
    cap_free(name);
    if (!same)
        return -EINVAL;
    *ret = cap;
    return 0;
}

/* Bits of all words; unknown names are said and left out. */
static int capability_mask(struct parse_at *at, const char *text, uint64_t *ret) {
    _cleanup_text_ struct text unknown = {};
    uint64_t mask = 0;
    for (;;) {
        _cleanup_free_ char *word = NULL;
        int r = word_next(&text, &word, NULL, WORD_UNQUOTE | WORD_BACKSLASH);
        if (r == -EINVAL) /* what came before counts */
            text_add(&unknown, "bad quoting");
        else if (r < 0)
            return r;
        if (r <= 0)
            break;
        cap_value_t cap;
        if (capability_from_string(word, &cap) == 0)
            mask |= UINT64_C(1) << cap;
        else
            text_addf(&unknown, "%s'%.100s': not a capability", unknown.len > 0 ? "; " : "", word);
    }
    text_add(&at->why, unknown.s);
    *ret = mask;
    return 0;
}

static int parse_capabilities(const struct value_type *type, struct parse_at *at, const char *text,
                              union value *value) {
    bool invert = *text == '~';
    uint64_t mask = 0;
    int r = capability_mask(at, text + invert, &mask);
    if (r < 0)
        return r;
    /* The first assignment replaces the default, as does one without names; others add and take away. */
    if (mask == 0 || value->size == type->unset.size)
        value->size = invert ? ~mask : mask;
    else
        value->size = invert ? value->size & ~mask : value->size | mask;
    return 0;
}

static void print_capabilities(const struct value_type *type, const union value *value, struct text *out) {
    const char *between = "";
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
        if (!(value->size >> cap & 1))
            continue;
        char *name = cap_to_name(cap);
        if (name)
            text_addf(out, "%s%s", between, name);
        between = " ";
        cap_free(name);
    }
}

const struct value_type type_capability_bounding_set = { "capability set",
                                                         .flags = TYPE_EMPTY_OK,
                                                         .unset.size = UINT64_MAX,
                                                         .parse = parse_capabilities,
                                                         .print = print_capabilities,
                                                         .equal = value_equal_number };
const struct value_type type_capability_ambient_set = { "capability set",
                                                        .flags = TYPE_EMPTY_OK,
                                                        .unset.size = 0,
                                                        .parse = parse_capabilities,
                                                        .print = print_capabilities,
                                                        .equal = value_equal_number };

/* --- namespaces and secure bits ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint64_t flag;
} namespaces[] = {
    { "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC },   { "net", CLONE_NEWNET },
    { "mnt", CLONE_NEWNS },        { "pid", CLONE_NEWPID },   { "user", CLONE_NEWUSER },
    { "uts", CLONE_NEWUTS },
};

#define ALL_NAMESPACES                                                                                       \
    (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER |            \
     CLONE_NEWUTS)

static int parse_namespaces(const struct value_type *type, struct parse_at *at, const char *text,
                            union value *value) {
    int b = bool_parse(text);
    if (b >= 0) {
        value->size = b ? 0 : ALL_NAMESPACES;
        return 0;
    }
    bool invert = *text == '~';
    const char *p = text + invert;
    uint64_t mask = 0;
    for (;;) {
        _cleanup_free_ char *word = NULL;
        int r = word_next(&p, &word, NULL, 0);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        uint64_t flag = 0;
        for (size_t i = 0; i < ELEMENTS(namespaces); i++)
            if (strcmp(namespaces[i].name, word) == 0)
                flag = namespaces[i].flag;
        if (!flag)
            return value_reject(at, "'%.100s' is not one of cgroup, ipc, net, mnt, pid, user, uts",
                                word);
        mask |= flag;
    }
    if (value->size == UINT64_MAX)
        value->size = invert ? ALL_NAMESPACES & ~mask : mask;
    else
        value->size = invert ? value->size & ~mask : value->size | mask;
    return 0;
}

static void print_namespaces(const struct value_type *type, const union value *value, struct text *out) {
    if (value->size == 0 || (value->size & ALL_NAMESPACES) == ALL_NAMESPACES) {
        text_add(out, value->size == 0 ? "yes" : "no");
        return;
    }
    const char *between = "";
    for (size_t i = 0; i < ELEMENTS(namespaces); i++)
        if (value->size & namespaces[i].flag) {
            text_addf(out, "%s%s", between, namespaces[i].name);
            between = " ";
        }
}

const struct value_type type_namespaces = { "namespaces", .unset.size = UINT64_MAX, .parse = parse_namespaces,
                                            .print = print_namespaces, .equal = value_equal_number };

static const struct {
    const char *name;
    int bit;
} secure_bits[] = {
    { "keep-caps", SECBIT_KEEP_CAPS },
    { "keep-caps-locked", SECBIT_KEEP_CAPS_LOCKED },
    { "no-setuid-fixup", SECBIT_NO_SETUID_FIXUP },
    { "no-setuid-fixup-locked", SECBIT_NO_SETUID_FIXUP_LOCKED },
    { "noroot", SECBIT_NOROOT },
    { "noroot-locked", SECBIT_NOROOT_LOCKED },
};

static int parse_secure_bits(const struct value_type *type, struct parse_at *at, const char *text,
                             union value *value) {
    int64_t bits = value->number;
    for (;;) {
        _cleanup_free_ char *word = NULL;
        int r = word_next(&text, &word, NULL, WORD_UNQUOTE);
        if (r == -EINVAL)
            return value_reject(at, "bad quoting");
        if (r < 0)
            return r;
        if (r == 0)
            break;
        int bit = 0;
        for (size_t i = 0; i < ELEMENTS(secure_bits); i++)
            if (strcmp(secure_bits[i].name, word) == 0)
                bit = secure_bits[i].bit;
        if (!bit)
            return value_reject(
                at, "'%.100s' is not one of keep-caps, no-setuid-fixup, noroot, each with -locked", word);
        bits |= bit;
    }
    value->number = bits;
    return 0;
}

static void print_secure_bits(const struct value_type *type, const union value *value, struct text *out) {
    const char *between = "";
    for (size_t i = 0; i < ELEMENTS(secure_bits); i++)
        if (value->number & secure_bits[i].bit) {
            text_addf(out, "%s%s", between, secure_bits[i].name);
            between = " ";
        }
}

const struct value_type type_secure_bits = { "secure bits", .parse = parse_secure_bits,
                                             .print = print_secure_bits, .equal = value_equal_number };

/* --- CoredumpFilter= ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    uint64_t mask;
} coredump_parts[] = {
    { "private-anonymous", 1 << 0 },
    { "shared-anonymous", 1 << 1 },
    { "private-file-backed", 1 << 2 },
    { "shared-file-backed", 1 << 3 },
    { "elf-headers", 1 << 4 },
    { "private-huge", 1 << 5 },
    { "shared-huge", 1 << 6 },
    { "private-dax", 1 << 7 },
    { "shared-dax", 1 << 8 },
    { "default", 0x33 },
    { "all", 0xffffffff },
};

static int parse_coredump_filter(const struct value_type *type, struct parse_at *at, const char *text,
                                 union value *value) {
    uint64_t mask = value->size == UINT64_MAX ? 0 : value->size;
    for (;;) {
        _cleanup_free_ char *word = NULL;
        int r = word_next(&text, &word, NULL, 0);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        uint64_t part = 0;
        char *end;
        for (size_t i = 0; i < ELEMENTS(coredump_parts); i++)
            if (strcmp(coredump_parts[i].name, word) == 0)
                part = coredump_parts[i].mask;
        if (part == 0) {
            errno = 0;
            part = strtoull(word, &end, 16);
            if (errno || *end || !*word || *word == '-')
                return value_reject(
                    at,
                    "'%.100s' is not a part of memory (private-anonymous, …, default, all, or a "
                    "hexadecimal mask)",
                    word);
        }
        mask |= part;
    }
    value->size = mask;
    return 0;
}

static void print_coredump_filter(const struct value_type *type, const union value *value, struct text *out) {
    if (value->size != UINT64_MAX)
        text_addf(out, "0x%" PRIx64, value->size);
}

const struct value_type type_coredump_filter = { "core dump filter", .unset.size = UINT64_MAX,
                                                 .parse = parse_coredump_filter,
                                                 .print = print_coredump_filter,
                                                 .equal = value_equal_number };
