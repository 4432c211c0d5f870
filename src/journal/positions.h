/* SPDX-License-Identifier: Apache-2.0 */
/* How far files have been read: a table in a small mapped file, so that it holds after a kill at any
 * instruction. Knows numbers only, no files but its own. */
#pragma once

#include "base/macro.h"

struct position {
    uint64_t inode, owner; /* of the file; of the unit, a hash of its name. inode 0: free */
    uint64_t offset;       /* the bytes before it were written to the journal */
    uint64_t shown;        /* … and to stdout */
    uint64_t next,
        next_seqnum; /* so are those before `next`, if the journal's last number is `next_seqnum` or more */
    uint64_t used;   /* the higher, the later */
};

struct positions;

/* In the first of the paths that can be written, else in memory alone. NULL: no memory. `seqnum` is the
 * journal's last number now. */
struct positions *positions_open(const char *const *paths, uint64_t seqnum);
void positions_close(struct positions *p);
/* The place of a file, which stays until positions_close(); a new one, with *ret_new, takes the place of the
 * one that was not used for longest and is not held. Hold it as long as it is used. */
struct position *positions_hold(struct positions *p, uint64_t inode, uint64_t owner, bool *ret_new);
/* Has this unit's file been read before, and not as far as `size`? */
bool positions_lag(const struct positions *p, uint64_t inode, uint64_t owner, uint64_t size);
/* Has any file of the unit been read before? */
bool positions_know(const struct positions *p, uint64_t owner);
void positions_release(struct positions *p, struct position *at);
/* The next entry of the journal, `seqnum`, is what lies before `end`; and it is in. */
void position_begin(struct position *at, uint64_t end, uint64_t seqnum);
void position_done(struct position *at, uint64_t end);
/* FNV-1a. */
uint64_t position_owner(const char *name);
