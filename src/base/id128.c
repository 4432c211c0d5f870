/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id128.h"

#include "base/scan.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int id128_random(struct id128 *ret) {
    struct id128 id;
    if (getrandom(id.bytes, sizeof(id.bytes), GRND_NONBLOCK) != sizeof(id.bytes))
        return -EIO;
    /* RFC 4122 version 4, variant 1, as systemd's ids are. */
    id.bytes[6] = (id.bytes[6] & 0x0f) | 0x40;
    id.bytes[8] = (id.bytes[8] & 0x3f) | 0x80;
    *ret = id;
    return 0;
}

uint64_t random_below(uint64_t limit) {
    uint64_t n;
    if (limit == 0 || getrandom(&n, sizeof(n), GRND_NONBLOCK) != sizeof(n))
        return 0;
    return n % limit;
}

bool id128_is_null(struct id128 id) {
    return id128_equal(id, (struct id128){});
}

bool id128_equal(struct id128 a, struct id128 b) {
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

char *id128_to_string(struct id128 id, char buffer[static 33]) {
    for (int i = 0; i < 16; i++) {
        buffer[2 * i] = "0123456789abcdef"[id.bytes[i] >> 4];
        buffer[2 * i + 1] = "0123456789abcdef"[id.bytes[i] & 15];
    }
    buffer[32] = 0;
    return buffer;
}

int id128_from_string(const char *s, struct id128 *ret) {
    struct id128 id = {};
    int digits = 0;
    for (; *s; s++) {
        if (*s == '-' && (digits == 8 || digits == 12 || digits == 16 || digits == 20))
            continue;
        int h = hex_digit(*s);
        if (h < 0 || digits == 32)
            return -EINVAL;
        id.bytes[digits / 2] |= (uint8_t)(digits % 2 ? h : h << 4);
        digits++;
    }
    if (digits != 32)
        return -EINVAL;
    *ret = id;
    return 0;
}
