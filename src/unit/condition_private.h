/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by condition.c and condition_compare.c. */
#pragma once

#include "unit/condition.h"

enum comparison {
    COMPARE_FNMATCH,
    COMPARE_NOT_FNMATCH,
    COMPARE_STRING_EQUAL, /* "=" and "!=" where strings are compared; version or number comparison elsewhere
                           */
    COMPARE_STRING_UNEQUAL,
    COMPARE_LOWER_OR_EQUAL,
    COMPARE_GREATER_OR_EQUAL,
    COMPARE_LOWER,
    COMPARE_GREATER,
    COMPARE_EQUAL,
    COMPARE_UNEQUAL,
    COMPARISON_INVALID = -1,
};
#define COMPARISON_LETTERS "!<=>$" /* what operators are made of */
/* Takes the operator off the beginning of *s. `text`: $= and !$= too, and = compares as strings. */
enum comparison comparison_take(const char **s, bool text);
bool comparison_holds(int order, enum comparison operator);

int test_kernel_version(const char *parameter);
int test_version(const char *parameter);
int test_os_release(const char *parameter);
int test_memory(const char *parameter);
int test_cpus(const char *parameter);
int test_pressure(enum condition_kind kind, const char *parameter);
