/* SPDX-License-Identifier: Apache-2.0 */
/* Moments in time, from text and to it. systemd.time(7) "Parsing Timestamps". */
#pragma once

#include "base/clock.h"

#include <stdbool.h>

#define TIMESTAMP_MAX 64

/* "2012-11-23 11:12:13", "tomorrow", "+3h", "5min ago", "@1395716396", "2012-11-23T11:12:13Z", with a time zone at the
 * end or in local time; CLOCK_REALTIME. -EINVAL, -ERANGE. */
int timestamp_parse(const char *s, usec_t *ret);
/* "Fri 2012-11-23 11:12:13 UTC", in local time or UTC. Returns the buffer; NULL for 0 and infinity, which
 * are no moments. */
const char *timestamp_format(usec_t t, bool utc, char buffer[static TIMESTAMP_MAX]);
/* "3 weeks 2 days ago", "5min left", seen from now; "now". Returns the buffer or a constant; NULL as above. */
const char *timestamp_format_distance(usec_t t, char buffer[static TIMESTAMP_MAX]);
