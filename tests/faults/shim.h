/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one call of the C library fail, once, at a chosen place: under the program, which knows nothing of it. A
 * place is a kind of call with the chain of callers that led there, so that it stays what it is from run to run; its
 * occurrences are counted. One process only: children are left alone. */
#pragma once

#include "kinds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAULT_PLACES = 1 << 14, FAULT_CHAIN = 12 };

struct fault_place {
    uint32_t hash;  /* of kind and callers; 0: a free slot */
    uint16_t kind;
    uint32_t calls; /* so often it came by */
    uint32_t chain[FAULT_CHAIN]; /* where in the program, innermost first; 0: the end */
};

struct faults {
    int32_t pid;    /* the one process; 0: counting and failing are off */
    bool armed;
    bool by_kind;   /* places are not told apart: the `occurrence`th call of `kind` fails */
    uint32_t kind;
    uint32_t hash;  /* of the place */
    uint32_t occurrence; /* 1: the first after arming */
    uint32_t length; /* so many calls of any kind of memory fail in a row from there (0: this one call) */
    int32_t error;
    uint32_t seen, hits; /* so often the place came by; so many calls were failed */
    uint32_t depth; /* callers that tell places apart */
    uint32_t n_places, lost; /* lost: did not fit */
    uint32_t calls[FAULT_KINDS];
    struct fault_place places[FAULT_PLACES];
};

/* The process's own until fault_use() gives another, for instance one in shared memory. */
extern struct faults *faults;
void fault_use(struct faults *shared);
uintptr_t fault_base(void); /* where the program lies */
const char *fault_kind_name(unsigned kind);
/* 0 when there is no such one. which: 0, 1. */
int fault_error(unsigned kind, unsigned which);
