/* SPDX-License-Identifier: Apache-2.0 */
/* runit's service directories, as they lie on disk: which there are, what is in them, and which units they become.
 * runsv(8), runsvdir(8), docs/runit.md. Starts nothing. */
#pragma once

#include "base/macro.h"
#include <sys/types.h>

#define RUNIT_DIRECTORY "/etc/service"
/* runsvdir takes 1,000 of them. */
#define RUNIT_SERVICES_MAX 1000

enum runit_flags {
    RUNIT_FINISH = 1 << 0,    /* ./finish can be run */
    RUNIT_STOPS = 1 << 1,     /* ./control/t or ./control/d can be run */
    RUNIT_PREPARES = 1 << 2,  /* ./control/u can be run */
    RUNIT_LOG = 1 << 3,       /* there is a ./log/run */
    RUNIT_LOG_FINISH = 1 << 4,
    /* What decides only whether it is started: */
    RUNIT_DOWN = 1 << 8,      /* ./down exists */
    RUNIT_LOG_DOWN = 1 << 9,
    RUNIT_SHAPE = RUNIT_DOWN - 1, /* the flags that a unit's text depends on */
};

struct runit_service {
    char *name;  /* of the directory */
    char *stem;  /* of its units: STEM.service, STEM:log.service; the name, escaped */
    enum runit_flags flags;
    dev_t device;
    ino_t inode; /* of the directory */
};

struct runit_services {
    struct runit_service *items; /* by name */
    size_t n;
};
void runit_services_done(struct runit_services *services);

/* Directories, and links to directories, that hold a ./run and whose name begins with no dot. 0; -ENOMEM; errno of
 * opening `directory`. What cannot be a unit (a control character in the name, too long) is left out. */
int runit_scan(const char *directory, struct runit_services *ret);
const struct runit_service *runit_find(const struct runit_services *services, const char *name);

/* What of NAME has to be escaped in a unit's name becomes \xNN. Caller frees. 0, -EINVAL, -ENOMEM. */
int runit_stem(const char *name, char **ret);
/* STEM.service or STEM:log.service; NULL: no memory. Caller frees. */
char *runit_unit_name(const char *stem, bool log);
/* The FIFO between a service and its log service. NULL: no memory. Caller frees. */
char *runit_pipe_path(const char *runtime, const char *stem);
