/* SPDX-License-Identifier: Apache-2.0 */
/* Writing seccomp programs: a test of the architecture, a search tree over call numbers, tests of arguments.
 * libseccomp's compiler takes 20 ms and a megabyte for a list of calls, which PID 1 cannot spare.
 *
 * Arguments are compared by their lower 32 bits: the kernel takes those of the calls in question as int or
 * unsigned int, so a comparison of all 64 could be evaded by setting a bit that the kernel does not look at.
 */
#pragma once

#include "exec/calls.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

/* What SECCOMP_RET_* a call gets. */
static inline uint32_t bpf_error(int error) {
    return SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA);
}

struct bpf {
    struct sock_filter *code; /* BPF_MAXINSNS of them */
    size_t n;
    bool overflow; /* or no memory: the program is not complete */
};
int bpf_new(struct bpf *ret);
void bpf_done(struct bpf *b);

enum compare_op { COMPARE_EQUAL, COMPARE_NOT_EQUAL, COMPARE_AT_LEAST, COMPARE_MASKED };
struct compare {
    unsigned char argument;
    enum compare_op op;
    uint32_t mask, value;
};
struct rule {
    const char *call;
    int error;
    unsigned char n; /* of comparisons, which must all hold */
    struct compare compare[2];
};

/* From this number on (up to that of the next leaf) a call gets `action`, or, if it has rules, is tested by
 * them and gets `action` if none applies. Sorted by number, the first at 0. */
struct leaf {
    uint32_t number;
    uint32_t action;
    const struct rule *const *rules;
    size_t n_rules;
};

/* One architecture as the kernel tells it apart; x32 is a bit in the call numbers of x86-64. */
struct bpf_block {
    uint32_t architecture; /* SCMP_ARCH_* */
    const struct leaf *leaves;
    size_t n;
};

/* The whole program; calls of other architectures get `otherwise`. */
void bpf_blocks(struct bpf *b, const struct bpf_block *blocks, size_t n, uint32_t otherwise);
