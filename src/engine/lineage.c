/* SPDX-License-Identifier: Apache-2.0 */
/* Tags: numbers that name a start, in ranges, so that a manager inside a start can make its own below.
 *
 * A tag is 62 bits wide. From the top: the bits 1 0, which tell a tag from a limit somebody set; 10 random
 * bits, which tell managers that share a PID namespace apart; then one field for each depth of managers: 26,
 * 16 and 8 bits. The fields below a manager's own are all ones in the tags it gives, and a field is never all
 * ones otherwise: so a tag shows its own depth, and lies above everything that may be made from it, as a hard
 * limit can only be lowered. */
#include "base/fd.h"
#include "base/id128.h"
#include "engine/lineage_private.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define ONES(bits) ((UINT64_C(1) << (bits)) - 1)

enum { DEPTHS = 3, RANDOM_BITS = 10, RANDOM_SHIFT = 50, MARK_SHIFT = 60 };
#define MARK UINT64_C(2)

static const struct field { unsigned shift, width; } fields[DEPTHS] = { { 24, 26 }, { 8, 16 }, { 0, 8 } };

/* How many managers deep a tag was given: 0, 1, 2; -1: it is the base of a manager that is in no other's
 * start. */
static int depth_of(uint64_t tag) {
    int depth = -1;
    while (depth + 1 < DEPTHS && (tag & ONES(fields[depth + 1].shift + fields[depth + 1].width)) !=
                                     ONES(fields[depth + 1].shift + fields[depth + 1].width))
        depth++;
    return depth;
}

static bool is_tag(uint64_t seen) {
    return seen >> MARK_SHIFT == MARK;
}

bool lineage_matches(uint64_t tag, uint64_t seen) {
    int depth = depth_of(tag);
    return tag != 0 && is_tag(seen) && depth >= 0 &&
           seen >> fields[depth].shift == tag >> fields[depth].shift;
}

uint64_t lineage_own(const struct lineage *l, uint64_t seen) {
    int depth = depth_of(l->base) + 1;
    if (l->base == 0 || !is_tag(seen) || depth >= DEPTHS)
        return 0;
    unsigned above = fields[depth].shift + fields[depth].width;
    if (seen >> above != l->base >> above)
        return 0;
    uint64_t tag = seen | ONES(fields[depth].shift);
    return tag == l->base ? 0 : tag; /* ours is the start that we ourselves are part of */
}

uint64_t lineage_next(struct lineage *l) {
    int depth = depth_of(l->base) + 1;
    if (l->base == 0 || depth >= DEPTHS)
        return 0;
    const struct field *f = &fields[depth];
    uint64_t above = l->base & ~ONES(f->shift + f->width), last = ONES(f->width) - 1;
    for (uint64_t tries = 0; tries <= last; tries++) {
        if (l->counter > last) {
            l->counter = 0;
            l->wrapped = true;
        }
        uint64_t tag = above | l->counter++ << f->shift | ONES(f->shift);
        if (!l->wrapped || !lineage_alive(l, tag))
            return tag;
    }
    return 0;
}

uint64_t lineage_base(const struct lineage *l) {
    return l->base;
}

uint64_t lineage_counter(const struct lineage *l) {
    return l->counter;
}

void lineage_restore(struct lineage *l, uint64_t base, uint64_t counter) {
    if (!is_tag(base) || depth_of(base) + 1 >= DEPTHS)
        return;
    l->base = base;
    l->counter = counter;
}

/* The range this manager gives tags from: below the tag it carries itself, else one of its own. */
static uint64_t choose_base(uint64_t *counter) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_LOCKS, &limit) < 0)
        return 0;
    if (is_tag(limit.rlim_max))
        return limit.rlim_max;
    struct id128 random;
    if (id128_random(&random) < 0)
        return 0;
    uint64_t bits;
    memcpy(&bits, random.bytes, sizeof(bits));
    /* Starting the count anywhere in the lower half makes two managers meet even less often. */
    *counter = bits >> RANDOM_BITS & ONES(fields[0].width - 1);
    bits &= ONES(RANDOM_BITS);
    uint64_t base = MARK << MARK_SHIFT | bits << RANDOM_SHIFT | ONES(RANDOM_SHIFT);
    if (limit.rlim_max < base) {
        /* Somebody set a limit below: tags can be had only if we may raise it. */
        limit.rlim_max = RLIM_INFINITY;
        if (setrlimit(RLIMIT_LOCKS, &limit) < 0)
            return 0;
    }
    return base;
}

int lineage_new(struct lineage **ret) {
    struct lineage *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->proc = -1;
    l->base = choose_base(&l->counter);
    l->may_lose =
        l->base == 0 || depth_of(l->base) + 1 >= DEPTHS || prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE) == 1;
    *ret = l;
    return 0;
}

void lineage_free(struct lineage *l) {
    if (!l)
        return;
    fd_close(l->proc);
    lineage_forget_all(l);
    free(l->scan);
    free(l->strangers);
    free(l);
}
