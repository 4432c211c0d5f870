/* SPDX-License-Identifier: Apache-2.0 */
/* Path units: start another unit when something about a file changes. systemd.path(5). */
#pragma once

#include "engine/unit.h"
#include "unit/value.h"

enum path_state { PATH_DEAD, PATH_WAITING, PATH_RUNNING, PATH_FAILED, PATH_STATES };
enum path_result {
    PATH_SUCCESS,
    PATH_FAILURE_RESOURCES,
    PATH_FAILURE_START_LIMIT_HIT,
    PATH_FAILURE_UNIT_START_LIMIT_HIT,
    PATH_FAILURE_TRIGGER_LIMIT_HIT,
    PATH_RESULTS
};
const char *path_result_to_string(enum path_result result);

/* One line of the file and what is known of its path. */
struct path_watch {
    struct unit *unit;
    const struct path_spec *spec;
    int fd;          /* inotify; -1: not watching */
    int target;      /* the watch on the path itself, not on what leads to it; -1: it is not there */
    struct io *io;
    bool was_there;  /* PathChanged=, PathModified=: when last looked */
};

struct path_unit {
    struct unit unit;
    enum path_state state;
    enum path_result result;
    struct path_watch *watches; /* as many as the setting Paths has items, in their order */
    size_t n_watches;
    struct rate_limit trigger_limit;
};
#define PATH(u) CONTAINER_OF(u, struct path_unit, unit)

/* Watches the path, or what there is on the way to it: path_watch_event() is called whenever it has to be looked at
 * again, with `changed` if the path itself was touched in the way the line asks for. 0 or negative errno. */
int path_watch_begin(struct path_watch *w);
void path_watch_end(struct path_watch *w);
void path_watch_event(struct path_watch *w, bool changed);
/* Is what the line waits for the case now? `initial`: the unit has only begun, so that nothing has changed yet. */
bool path_watch_holds(struct path_watch *w, bool initial);
