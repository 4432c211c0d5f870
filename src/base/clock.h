/* SPDX-License-Identifier: Apache-2.0 */
/* Time in microseconds, as systemd's D-Bus interface counts it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

typedef uint64_t usec_t;
#define USEC_INFINITY UINT64_MAX
#define USEC_PER_MSEC 1000ULL
#define USEC_PER_SEC 1000000ULL

struct dual_time {
    usec_t realtime;  /* since 1970; 0: never */
    usec_t monotonic; /* CLOCK_MONOTONIC; 0: never */
};

usec_t now(clockid_t clock);
struct dual_time dual_now(void);
/* a + b, infinity if either is infinite or the sum would not fit. */
usec_t usec_add(usec_t a, usec_t b);
/* a - b, 0 if b is greater; infinity stays infinity. */
usec_t usec_sub(usec_t a, usec_t b);

/* So often in so long: counted from the first of a batch. All zero at first and to forget. */
struct rate_limit {
    usec_t begin; /* CLOCK_MONOTONIC */
    unsigned count;
};
/* Counts one more if `burst` allows it within `interval` µs; either 0: no limit. */
bool rate_limit_allows(struct rate_limit *r, usec_t interval, uint64_t burst);
