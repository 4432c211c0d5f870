/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/bpf.h"

#include <errno.h>
#include <string.h>

int bpf_new(struct bpf *ret) {
    struct sock_filter *code = malloc(BPF_MAXINSNS * sizeof(struct sock_filter));
    if (!code)
        return -ENOMEM;
    *ret = (struct bpf){ .code = code };
    return 0;
}

void bpf_done(struct bpf *b) {
    free(b->code);
}

static size_t emit(struct bpf *b, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k) {
    if (b->n == BPF_MAXINSNS) {
        b->overflow = true;
        return b->n - 1;
    }
    b->code[b->n] = (struct sock_filter)BPF_JUMP(code, k, jt, jf);
    return b->n++;
}

static void load(struct bpf *b, size_t offset) {
    emit(b, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void give(struct bpf *b, uint32_t action) {
    emit(b, BPF_RET | BPF_K, 0, 0, action);
}

static size_t lower_half(unsigned argument) {
    size_t at = offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? at + sizeof(uint32_t) : at;
}

/* Instructions of a comparison, its load included. */
static size_t compare_length(const struct compare *c) {
    return c->op == COMPARE_MASKED ? 3 : 2;
}

/* Goes on if it holds; else skips `rest` instructions. */
static void emit_compare(struct bpf *b, const struct compare *c, size_t rest) {
    uint8_t skip = (uint8_t)rest;
    load(b, lower_half(c->argument));
    switch (c->op) {
    case COMPARE_MASKED:
        emit(b, BPF_ALU | BPF_AND | BPF_K, 0, 0, c->mask);
        emit(b, BPF_JMP | BPF_JEQ | BPF_K, 0, skip, c->value);
        return;
    case COMPARE_EQUAL:
        emit(b, BPF_JMP | BPF_JEQ | BPF_K, 0, skip, c->value);
        return;
    case COMPARE_NOT_EQUAL:
        emit(b, BPF_JMP | BPF_JEQ | BPF_K, skip, 0, c->value);
        return;
    case COMPARE_AT_LEAST:
        emit(b, BPF_JMP | BPF_JGE | BPF_K, 0, skip, c->value);
        return;
    }
}

static void emit_leaf(struct bpf *b, const struct leaf *leaf) {
    for (size_t i = 0; i < leaf->n_rules; i++) {
        const struct rule *rule = leaf->rules[i];
        size_t rest = 1;
        for (size_t j = 0; j < rule->n; j++)
            rest += compare_length(&rule->compare[j]);
        for (size_t j = 0; j < rule->n; j++) {
            rest -= compare_length(&rule->compare[j]);
            emit_compare(b, &rule->compare[j], rest);
        }
        give(b, bpf_error(rule->error));
        if (rule->n == 0)
            return;
    }
    give(b, leaf->action);
}

/* The call's number is loaded. The lower half comes first; the upper is jumped to. */
static void emit_tree(struct bpf *b, const struct leaf *leaves, size_t n) {
    if (n == 1) {
        emit_leaf(b, leaves);
        return;
    }
    size_t middle = n / 2, test = emit(b, BPF_JMP | BPF_JGE | BPF_K, 0, 1, leaves[middle].number);
    size_t jump = emit(b, BPF_JMP | BPF_JA, 0, 0, 0);
    emit_tree(b, leaves, middle);
    if (b->overflow)
        return;
    size_t length = b->n - jump - 1;
    if (length < 255) {
        /* Near enough for the test itself. */
        memmove(&b->code[jump], &b->code[jump + 1], length * sizeof(struct sock_filter));
        b->n--;
        b->code[test].jt = (uint8_t)length;
        b->code[test].jf = 0;
    } else
        b->code[jump].k = (uint32_t)length;
    emit_tree(b, leaves + middle, n - middle);
}

static const struct bpf_block *block_of(const struct bpf_block *blocks, size_t n, uint32_t architecture) {
    for (size_t i = 0; i < n; i++)
        if (blocks[i].architecture == architecture)
            return &blocks[i];
    return NULL;
}

static void emit_block(struct bpf *b, const struct bpf_block *block, uint32_t otherwise) {
    if (block)
        emit_tree(b, block->leaves, block->n);
    else
        give(b, otherwise);
}

/* Skips what `emitted` has written since `jump`, an unconditional jump. */
static void land(struct bpf *b, size_t jump) {
    if (!b->overflow)
        b->code[jump].k = (uint32_t)(b->n - jump - 1);
}

void bpf_blocks(struct bpf *b, const struct bpf_block *blocks, size_t n, uint32_t otherwise) {
    const struct bpf_block *x32 = block_of(blocks, n, SCMP_ARCH_X32),
                           *x86_64 = block_of(blocks, n, SCMP_ARCH_X86_64);
    for (size_t i = 0; i <= n; i++) {
        /* x86-64 and x32 share a mark; x32 alone has its turn too. */
        const struct bpf_block *block = i < n ? &blocks[i] : NULL;
        bool shared = block ? block == x86_64 : x32 && !x86_64;
        if (i == n ? !shared : block == x32)
            continue;
        load(b, offsetof(struct seccomp_data, arch));
        emit(b, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, shared ? SCMP_ARCH_X86_64 : block->architecture);
        size_t next = emit(b, BPF_JMP | BPF_JA, 0, 0, 0);
        load(b, offsetof(struct seccomp_data, nr));
        if (shared) {
            emit(b, BPF_JMP | BPF_JGE | BPF_K, 1, 0, X32_BIT);
            size_t plain = emit(b, BPF_JMP | BPF_JA, 0, 0, 0);
            emit_block(b, x32, otherwise);
            land(b, plain);
            emit_block(b, x86_64, otherwise);
        } else
            emit_tree(b, block->leaves, block->n);
        land(b, next);
    }
    give(b, otherwise);
}
