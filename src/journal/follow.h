/* SPDX-License-Identifier: Apache-2.0 */
/* Log files that units write themselves, [X-Reeve] LogFiles=: their lines become entries of the unit. Files
 * are watched by inotify(7), also for those that come later, and are read where they were left: how far that
 * is stands in a small file which outlives this process and the container's stop. A file that was renamed is
 * read on until it is deleted or four others were; one that was cut is read from its beginning. Knows no
 * pipes and no loop. */
#pragma once

#include "journal/source.h"

struct follower; /* the files of one unit's start */

struct follow {
    const char *runtime;
    struct source_pool *pool;
    /* Says that something is wrong. */
    void (*complain)(void *userdata, const char *what, int error);
    void *userdata;
    int inotify; /* -1: none. To be watched for input, level-triggered: it is made by the first follow_add()
                  */
    struct follower *followers;
    struct positions *positions;
    usec_t since; /* realtime: when the manager began */
    bool rescan;  /* files may have come or gone */
};

/* `pool` and `runtime` are borrowed. */
void follow_init(struct follow *f, const char *runtime, struct source_pool *pool,
                 void (*complain)(void *userdata, const char *what, int error), void *userdata);
void follow_close(struct follow *f);
/* Follows what `source->settings` names, in its name, until follow_remove(); the source is borrowed. 0, also
 * if there is nothing to follow, or a negative errno. */
int follow_add(struct follow *f, struct source *source);
/* Reads its files to their present end first. */
void follow_remove(struct follow *f, struct source *source);
/* The inotify descriptor is readable. */
void follow_ready(struct follow *f);
/* Gives a chunk of every file that has something. True: there is more. */
bool follow_pump(struct follow *f);
/* What was given has been shown as well. */
void follow_shown(struct follow *f);
/* All files to their present end. */
void follow_finish(struct follow *f);
