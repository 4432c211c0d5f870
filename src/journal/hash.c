/* SPDX-License-Identifier: Apache-2.0 */
/* The two hashes of the journal file format: lookup3 (Bob Jenkins, 2006) and SipHash-2-4 (Aumasson and Bernstein,
 * 2012), both from their definitions. Knows nothing of files. */
#include "journal/format.h"

#include <string.h>

static inline uint32_t rotate32(uint32_t v, unsigned n) {
    return v << n | v >> (32 - n);
}

static inline uint64_t rotate64(uint64_t v, unsigned n) {
    return v << n | v >> (64 - n);
}

static inline uint32_t get32(const uint8_t *p) {
    le32_t v;
    memcpy(&v, p, sizeof(v));
    return le32(v);
}

static inline uint64_t get64(const uint8_t *p) {
    le64_t v;
    memcpy(&v, p, sizeof(v));
    return le64(v);
}

uint64_t journal_hash_jenkins(const void *data, size_t size) {
    const uint8_t *p = data;
    uint32_t a, b, c;
    a = b = c = 0xdeadbeef + (uint32_t)size;
    if (size == 0)
        return (uint64_t)c << 32 | b;
    while (size > 12) {
        a += get32(p);
        b += get32(p + 4);
        c += get32(p + 8);
        a = (a - c) ^ rotate32(c, 4), c += b;
        b = (b - a) ^ rotate32(a, 6), a += c;
        c = (c - b) ^ rotate32(b, 8), b += a;
        a = (a - c) ^ rotate32(c, 16), c += b;
        b = (b - a) ^ rotate32(a, 19), a += c;
        c = (c - b) ^ rotate32(b, 4), b += a;
        p += 12;
        size -= 12;
    }
    uint8_t last[12] = {};
    memcpy(last, p, size);
    a += get32(last);
    b += get32(last + 4);
    c += get32(last + 8);
    c = (c ^ b) - rotate32(b, 14);
    a = (a ^ c) - rotate32(c, 11);
    b = (b ^ a) - rotate32(a, 25);
    c = (c ^ b) - rotate32(b, 16);
    a = (a ^ c) - rotate32(c, 4);
    b = (b ^ a) - rotate32(a, 14);
    c = (c ^ b) - rotate32(b, 24);
    return (uint64_t)c << 32 | b;
}

struct sip {
    uint64_t a, b, c, d;
};

static inline void sip_round(struct sip *v) {
    v->a += v->b, v->c += v->d;
    v->b = rotate64(v->b, 13) ^ v->a, v->d = rotate64(v->d, 16) ^ v->c;
    v->a = rotate64(v->a, 32);
    v->c += v->b, v->a += v->d;
    v->b = rotate64(v->b, 17) ^ v->c, v->d = rotate64(v->d, 21) ^ v->a;
    v->c = rotate64(v->c, 32);
}

static inline void sip_word(struct sip *v, uint64_t word) {
    v->d ^= word;
    sip_round(v);
    sip_round(v);
    v->a ^= word;
}

uint64_t journal_hash_sip(const void *data, size_t size, const struct id128 *key) {
    const uint8_t *p = data;
    uint64_t k0 = get64(key->bytes), k1 = get64(key->bytes + 8);
    struct sip v = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573 };
    uint64_t total = (uint64_t)size << 56;
    for (; size >= 8; p += 8, size -= 8)
        sip_word(&v, get64(p));
    uint8_t last[8] = {};
    memcpy(last, p, size);
    sip_word(&v, total | get64(last));
    v.c ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&v);
    return v.a ^ v.b ^ v.c ^ v.d;
}
