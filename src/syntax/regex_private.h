/* SPDX-License-Identifier: Apache-2.0 */
/* The program that a pattern becomes: regex.c makes it, regex_search.c runs it. */
#pragma once

#include "syntax/regex.h"

enum regex_op {
    OP_CHAR,
    OP_SET,
    OP_SPLIT,
    OP_JUMP,
    OP_BEGIN,
    OP_END,
    OP_LAST_LINE_END,
    OP_WORD_EDGE,
    OP_NO_WORD_EDGE,
    OP_MATCH
};
struct instruction {
    enum regex_op op;
    int32_t a, b; /* the character or set; or where to go on, relative, a first */
};
struct set {
    uint64_t bits[4];
};
struct thread {
    uint32_t at;
    size_t begin;
};
struct thread_list {
    struct thread *threads;
    uint32_t n;
};
struct regex {
    struct instruction *program;
    uint32_t n, size;
    struct set *sets;
    size_t n_sets;
    struct set first; /* the bytes a match may begin with */
    bool any_first;   /* … or it may be empty, or depend on what is around it */
    struct thread_list now, then;
    uint32_t *stack;
    size_t *mark; /* per instruction: the step that it was added in */
    size_t step;
};

static inline bool set_has(const struct set *s, unsigned char c) {
    return s->bits[c >> 6] >> (c & 63) & 1;
}
static inline void set_put(struct set *s, unsigned char c) {
    s->bits[c >> 6] |= UINT64_C(1) << (c & 63);
}
static inline void set_put_range(struct set *s, unsigned from, unsigned to) {
    for (; from <= to; from++)
        set_put(s, (unsigned char)from);
}
static inline void set_unite(struct set *s, const struct set *more) {
    for (int i = 0; i < 4; i++)
        s->bits[i] |= more->bits[i];
}
static inline void set_invert(struct set *s) {
    for (int i = 0; i < 4; i++)
        s->bits[i] = ~s->bits[i];
}

/* Room for the machine, and what a match can begin with. -ENOMEM. */
int regex_prepare(struct regex *r);
