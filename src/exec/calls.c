/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/calls.h"

#include <errno.h>
#include <string.h>

static int column_of(uint32_t architecture) {
    for (int i = 0; i < CALLS_ARCHITECTURES; i++)
        if (calls_architectures[i] == architecture)
            return i;
    return -EINVAL;
}

int call_number(uint32_t architecture, const char *name, uint32_t *ret) {
    int column = column_of(architecture);
    size_t low = 0, high = column < 0 ? 0 : calls_n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct call *call = &calls_table[middle];
        int order = strcmp(calls_names + call->name, name);
        if (order == 0) {
            if (call->numbers[column] < 0)
                return -EINVAL;
            *ret = call_first_number(architecture) + (uint32_t)call->numbers[column];
            return 0;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -EINVAL;
}

const char *call_name(uint32_t number) {
    uint32_t i = number - call_first_number(calls_architectures[0]);
    for (size_t k = 0; k < calls_n; k++)
        if (calls_table[k].numbers[0] >= 0 && (uint32_t)calls_table[k].numbers[0] == i)
            return calls_names + calls_table[k].name;
    return NULL;
}
