/* SPDX-License-Identifier: Apache-2.0 */
/* %-specifiers. systemd.unit(5) "Specifiers". The table of letters comes from the caller. */
#pragma once

#include "base/macro.h"

struct specifier_table {
    /* Writes what %letter stands for. 0; -ENOENT: no such letter; other negative errno: known, but has no value
     * here. */
    int (*lookup)(void *userdata, char letter, char **ret);
    void *userdata;
};

/* "%%" is "%"; an unknown letter or digit is -EBADSLT, other characters stay as they are; a lookup that fails fails
 * all. Result longer than max_length: -ENAMETOOLONG. */
int specifier_expand(const char *text, const struct specifier_table *table, size_t max_length, char **ret);
