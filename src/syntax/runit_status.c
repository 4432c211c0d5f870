/* SPDX-License-Identifier: Apache-2.0 */
/* runit's status in bytes: a TAI64N label, then the process id (least significant byte first) and four flags. */
#include "syntax/runit_status.h"

/* What TAI64 labels begin at, with the ten seconds by which they were ahead in 1970. */
#define TAI_OFFSET ((UINT64_C(1) << 62) + 10)

void runit_status_pack(const struct runit_status *status, unsigned char to[static RUNIT_STATUS_SIZE]) {
    uint64_t label = status->since + TAI_OFFSET;
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(label >> (56 - 8 * i));
    for (int i = 0; i < 4; i++) {
        to[8 + i] = (unsigned char)(status->nanoseconds >> (24 - 8 * i));
        to[12 + i] = (unsigned char)(status->pid >> (8 * i));
    }
    to[16] = status->paused;
    to[17] = (unsigned char)status->want;
    to[18] = status->got_term;
    to[19] = (unsigned char)status->state;
}

void runit_status_unpack(const unsigned char from[static RUNIT_STATUS_SIZE], struct runit_status *ret) {
    uint64_t label = 0;
    *ret = (struct runit_status){ .paused = from[16], .want = (char)from[17], .got_term = from[18] };
    for (int i = 0; i < 8; i++)
        label = label << 8 | from[i];
    for (int i = 0; i < 4; i++) {
        ret->nanoseconds = ret->nanoseconds << 8 | from[8 + i];
        ret->pid |= (uint32_t)from[12 + i] << (8 * i);
    }
    ret->since = label - TAI_OFFSET;
    ret->state = from[19] > RUNIT_STATE_FINISH ? RUNIT_STATE_FINISH : (enum runit_state)from[19];
}
