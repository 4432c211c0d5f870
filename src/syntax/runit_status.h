/* SPDX-License-Identifier: Apache-2.0 */
/* supervise/status of runit: twenty bytes, written by whoever supervises and read by sv(8). runsv(8) "supervise". */
#pragma once

#include "base/clock.h"
#include "base/macro.h"

#define RUNIT_STATUS_SIZE 20

enum runit_state { RUNIT_STATE_DOWN, RUNIT_STATE_RUN, RUNIT_STATE_FINISH };

struct runit_status {
    uint64_t since;    /* seconds since 1970 */
    uint32_t nanoseconds;
    uint32_t pid;      /* 0: nothing runs */
    bool paused;
    char want;         /* 'u', 'd' */
    bool got_term;
    enum runit_state state;
};

void runit_status_pack(const struct runit_status *status, unsigned char to[static RUNIT_STATUS_SIZE]);
/* Any twenty bytes have a meaning; the third element of `state` and more count as finish. */
void runit_status_unpack(const unsigned char from[static RUNIT_STATUS_SIZE], struct runit_status *ret);
