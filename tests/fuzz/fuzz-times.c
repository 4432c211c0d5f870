/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar expressions, timestamps and time spans. What is accepted must come back the same from its own normal form,
 * and the next moment must be later. */
#include "syntax/calendar.h"
#include "syntax/timespan.h"
#include "syntax/timestamp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char text[256];
    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = 0;

    usec_t t;
    char buffer[TIMESTAMP_MAX], span[128];
    if (timestamp_parse(text, &t) >= 0 && t < (usec_t)INT64_MAX / 2)
        (void)timestamp_format(t, false, buffer);
    if (timespan_parse(text, USEC_PER_SEC, &t) >= 0)
        (void)timespan_format(t, 1, span, sizeof(span));

    struct calendar c, again;
    char *normal = NULL, *twice = NULL;
    if (calendar_parse(text, &c) < 0)
        return 0;
    const usec_t after = 1705323600 * USEC_PER_SEC;
    if (calendar_next(&c, after, &t) >= 0 && t <= after)
        abort();
    if (calendar_format(&c, &normal) >= 0) {
        if (calendar_parse(normal, &again) < 0)
            abort();
        if (calendar_format(&again, &twice) >= 0 && strcmp(normal, twice) != 0)
            abort();
        calendar_done(&again);
    }
    free(normal);
    free(twice);
    calendar_done(&c);
    return 0;
}
