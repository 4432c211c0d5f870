/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo/"

static bool name_valid(const char *name) {
    if (!*name || *name == '/' || strlen(name) > ZONE_NAME_MAX)
        return false;
    for (const char *p = name; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (!plain && (!strchr("-_+/", *p) || (*p == '/' && (p[1] == '/' || !p[1]))))
            return false;
    }
    return true;
}

bool zone_valid(const char *name) {
    if (!name_valid(name))
        return false;
    if (strcmp(name, "UTC") == 0)
        return true;
    char path[sizeof(ZONES) + ZONE_NAME_MAX], magic[4];
    snprintf(path, sizeof(path), ZONES "%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    struct stat st;
    bool found = fstat(fd, &st) >= 0 && S_ISREG(st.st_mode) && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
                 memcmp(magic, "TZif", sizeof(magic)) == 0;
    fd_close(fd);
    return found;
}

/* setenv() would keep every value it was ever given: the variable is this array, or what it was before. */
static char variable[sizeof("TZ=:") + ZONE_NAME_MAX];

int zone_enter(const char *name, struct zone_guard *guard) {
    *guard = (struct zone_guard){};
    if (!name || !*name)
        return 0;
    if (strlen(name) > ZONE_NAME_MAX)
        return -ENAMETOOLONG;
    guard->own = getenv("TZ");
    snprintf(variable, sizeof(variable), "TZ=%s", name);
    if (putenv(variable) != 0)
        return -ENOMEM;
    guard->entered = true;
    tzset();
    return 0;
}

void zone_leave(struct zone_guard *guard) {
    if (!guard->entered)
        return;
    guard->entered = false;
    /* The string that getenv() pointed into is still where it was. */
    if (!guard->own || putenv(guard->own - strlen("TZ=")) != 0)
        unsetenv("TZ");
    tzset();
}

time_t zone_to_time(struct tm *tm, bool utc) {
    return utc ? timegm(tm) : mktime(tm);
}

void zone_from_time(time_t t, bool utc, struct tm *ret) {
    if (!(utc ? gmtime_r(&t, ret) : localtime_r(&t, ret)))
        *ret = (struct tm){ .tm_mday = 1, .tm_year = 70 };
}
