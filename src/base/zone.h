/* SPDX-License-Identifier: Apache-2.0 */
/* Local time in time zones other than our own. The process has one zone at a time: whoever enters another leaves it
 * again before anything else happens. */
#pragma once

#include <stdbool.h>
#include <time.h>

#define ZONE_NAME_MAX 255

/* Is it the name of a zone that can be used here: "UTC", or a file of the zone database? Never a path out of it. */
bool zone_valid(const char *name);

struct zone_guard {
    bool entered;
    char *own; /* what TZ pointed to before; NULL: it was not set */
};
/* NULL or "": stay in our own zone. -ENAMETOOLONG. */
int zone_enter(const char *name, struct zone_guard *guard);
void zone_leave(struct zone_guard *guard);

/* The second that shows these fields on the clock of the present zone, as mktime(3) decides when there are two; fields
 * that are out of range are carried over. The fields come back as they then are. */
time_t zone_to_time(struct tm *tm, bool utc);
void zone_from_time(time_t t, bool utc, struct tm *ret);

#define _cleanup_zone_ __attribute__((cleanup(zone_leave)))
