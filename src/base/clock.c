/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

usec_t now(clockid_t clock) {
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

struct dual_time dual_now(void) {
    return (struct dual_time){ .realtime = now(CLOCK_REALTIME), .monotonic = now(CLOCK_MONOTONIC) };
}

usec_t usec_add(usec_t a, usec_t b) {
    return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

usec_t usec_sub(usec_t a, usec_t b) {
    if (a == USEC_INFINITY)
        return a;
    return a > b ? a - b : 0;
}

bool rate_limit_allows(struct rate_limit *r, usec_t interval, uint64_t burst) {
    usec_t t = now(CLOCK_MONOTONIC);
    if (interval == 0 || burst == 0)
        return true;
    if (r->begin == 0 || t > usec_add(r->begin, interval))
        *r = (struct rate_limit){ .begin = t };
    if (r->count >= burst)
        return false;
    r->count++;
    return true;
}
