/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/positions.h"
#include "base/fd.h"
#include "base/path.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACES 256
#define MAGIC 0x32736f7065657672 /* another layout has another number */

struct table {
    uint64_t magic, clock;
    struct position places[PLACES];
};

struct positions {
    struct table *table;
    unsigned held[PLACES];
};

static inline void barrier(void) {
    __asm__ volatile("" ::: "memory");
}

/* Room is taken at once: a page that cannot be had later would end the process. */
static struct table *map_file(const char *path) {
    if (mkdir_parents(path, 0755) < 0)
        return NULL;
    _cleanup_close_ int fd =
        open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        posix_fallocate(fd, 0, sizeof(struct table)) != 0)
        return NULL;
    void *map = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return map == MAP_FAILED ? NULL : map;
}

/* What was being written when a predecessor ended. */
static void settle(struct table *t, uint64_t seqnum) {
    if (t->magic != MAGIC)
        *t = (struct table){ .magic = MAGIC };
    for (size_t i = 0; i < PLACES; i++) {
        struct position *p = &t->places[i];
        if (p->next > p->offset && p->next_seqnum <= seqnum)
            p->offset = p->next;
        barrier();
        p->next_seqnum = UINT64_MAX;
    }
}

struct positions *positions_open(const char *const *paths, uint64_t seqnum) {
    struct positions *p = calloc(1, sizeof(*p));
    for (; p && *paths && !p->table; paths++)
        p->table = map_file(*paths);
    if (p && !p->table) {
        void *map =
            mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        p->table = map == MAP_FAILED ? NULL : map;
    }
    if (!p || !p->table) {
        free(p);
        return NULL;
    }
    settle(p->table, seqnum);
    return p;
}

void positions_close(struct positions *p) {
    if (!p)
        return;
    (void)munmap(p->table, sizeof(struct table));
    free(p);
}

struct position *positions_hold(struct positions *p, uint64_t inode, uint64_t owner, bool *ret_new) {
    size_t found = PLACES;
    *ret_new = false;
    for (size_t i = 0; i < PLACES; i++) {
        struct position *at = &p->table->places[i];
        if (at->inode == inode && at->owner == owner) {
            at->used = ++p->table->clock;
            p->held[i]++;
            return at;
        }
        if (p->held[i] == 0 && (found == PLACES || at->used < p->table->places[found].used))
            found = i;
    }
    if (found == PLACES)
        return NULL;
    struct position *at = &p->table->places[found];
    at->inode = 0;
    barrier();
    *at = (struct position){ .owner = owner, .next_seqnum = UINT64_MAX, .used = ++p->table->clock };
    barrier();
    at->inode = inode;
    p->held[found]++;
    *ret_new = true;
    return at;
}

bool positions_know(const struct positions *p, uint64_t owner) {
    for (size_t i = 0; i < PLACES; i++)
        if (p->table->places[i].inode != 0 && p->table->places[i].owner == owner)
            return true;
    return false;
}

bool positions_lag(const struct positions *p, uint64_t inode, uint64_t owner, uint64_t size) {
    for (size_t i = 0; i < PLACES; i++) {
        const struct position *at = &p->table->places[i];
        if (at->inode == inode && at->owner == owner)
            return at->offset < size || at->shown < size;
    }
    return false;
}

void positions_release(struct positions *p, struct position *at) {
    p->held[at - p->table->places]--;
}

void position_begin(struct position *at, uint64_t end, uint64_t seqnum) {
    at->next_seqnum = UINT64_MAX;
    barrier();
    at->next = end;
    barrier();
    at->next_seqnum = seqnum;
    barrier();
}

void position_done(struct position *at, uint64_t end) {
    barrier();
    at->offset = end;
    barrier();
    at->next_seqnum = UINT64_MAX;
}

uint64_t position_owner(const char *name) {
    uint64_t h = 0xcbf29ce484222325;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3;
    return h;
}
