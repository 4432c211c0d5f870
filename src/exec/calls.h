/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of system calls, by name, for our architecture and those whose programs our kernel runs as well. */
#pragma once

#include "base/macro.h"

#include <seccomp.h> /* SCMP_ARCH_x alone: the library is not linked */

#define X32_BIT 0x40000000u

/* No architecture has more calls than this from its first number on. */
#define CALL_MAX 1024
/* Ours and its sisters. */
#define CALLS_ARCHITECTURES 3

/* Its first call number. */
static inline uint32_t call_first_number(uint32_t architecture) {
    switch (architecture) {
    case SCMP_ARCH_X32:
        return X32_BIT;
    case SCMP_ARCH_MIPS:
    case SCMP_ARCH_MIPSEL:
        return 4000;
    case SCMP_ARCH_MIPS64:
    case SCMP_ARCH_MIPSEL64:
        return 5000;
    case SCMP_ARCH_MIPS64N32:
    case SCMP_ARCH_MIPSEL64N32:
        return 6000;
    default:
        return 0;
    }
}

/* -EINVAL: the architecture has no such call, or is none of calls_architectures. */
int call_number(uint32_t architecture, const char *name, uint32_t *ret);
/* NULL: our own architecture has no call of this number. */
const char *call_name(uint32_t number);

/* The table that is made while building (calls_generate.c), sorted by name. */
struct call {
    uint16_t name; /* where in calls_names */
    int16_t numbers[CALLS_ARCHITECTURES]; /* from its first number on; -1: none */
};
extern const uint32_t calls_architectures[CALLS_ARCHITECTURES]; /* ours first; ends with 0 unless full */
extern const char calls_names[];
extern const struct call calls_table[];
extern const size_t calls_n;
