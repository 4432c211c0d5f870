/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at runit's service directories, and the names of the units that they become. */
#include "unit/runit.h"
#include "base/text.h"
#include "unit/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool may_stand(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr(":-_.@", c));
}

int runit_stem(const char *name, char **ret) {
    _cleanup_text_ struct text stem = {};
    if (!*name)
        return -EINVAL;
    for (const char *p = name; *p; p++) {
        /* In a unit file, a backslash at a line's end would join it to the next. */
        if ((unsigned char)*p < ' ' || *p == 0x7f || (*p == '\\' && !p[1]))
            return -EINVAL;
        /* Nothing before or after the @: a template, which cannot be started. */
        if (may_stand(*p) && !(*p == '@' && (p == name || !p[1])))
            text_add_char(&stem, *p);
        else
            text_addf(&stem, "\\x%02x", (unsigned char)*p);
    }
    /* With the longest of the suffixes. */
    _cleanup_free_ char *unit = stem.failed ? NULL : runit_unit_name(text_str(&stem), true);
    if (!unit)
        return -ENOMEM;
    if (!unit_name_valid(unit, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
        return -EINVAL;
    *ret = text_take(&stem);
    return *ret ? 0 : -ENOMEM;
}

char *runit_unit_name(const char *stem, bool log) {
    struct text name = {};
    text_addf(&name, "%s%s.service", stem, log ? ":log" : "");
    return text_take(&name);
}

char *runit_pipe_path(const char *runtime, const char *stem) {
    struct text path = {};
    text_addf(&path, "%s/systemd/runit/%s", runtime, stem);
    return text_take(&path);
}

/* --- looking ---------------------------------------------------------------------------------------------- */
static bool is_program(int dir_fd, const char *path) {
    struct stat st;
    return fstatat(dir_fd, path, &st, 0) >= 0 && S_ISREG(st.st_mode) && st.st_mode & S_IXUSR;
}

static enum runit_flags look(int fd) {
    struct stat st;
    enum runit_flags flags = 0;
    if (is_program(fd, "finish"))
        flags |= RUNIT_FINISH;
    if (is_program(fd, "control/t") || is_program(fd, "control/d"))
        flags |= RUNIT_STOPS;
    if (is_program(fd, "control/u"))
        flags |= RUNIT_PREPARES;
    if (fstatat(fd, "log/run", &st, 0) >= 0)
        flags |= RUNIT_LOG;
    if (is_program(fd, "log/finish"))
        flags |= RUNIT_LOG_FINISH;
    if (fstatat(fd, "down", &st, 0) >= 0)
        flags |= RUNIT_DOWN;
    if (fstatat(fd, "log/down", &st, 0) >= 0)
        flags |= RUNIT_LOG_DOWN;
    return flags;
}

static int add(struct runit_services *services, int parent, const char *name) {
    struct stat st, run;
    int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
    struct runit_service service = {};
    int r = 0;
    if (fstat(fd, &st) >= 0 && fstatat(fd, "run", &run, 0) >= 0) {
        r = runit_stem(name, &service.stem);
        service.flags = look(fd);
        service.device = st.st_dev;
        service.inode = st.st_ino;
    }
    close(fd);
    if (r < 0 || !service.stem)
        return r == -ENOMEM ? r : 0;
    struct runit_service *bigger = realloc(services->items, (services->n + 1) * sizeof(*bigger));
    service.name = strdup(name);
    if (bigger)
        services->items = bigger;
    if (!bigger || !service.name) {
        free(service.stem);
        free(service.name);
        return -ENOMEM;
    }
    services->items[services->n++] = service;
    return 0;
}

static int compare(const void *a, const void *b) {
    return strcmp(((const struct runit_service *)a)->name, ((const struct runit_service *)b)->name);
}

int runit_scan(const char *directory, struct runit_services *ret) {
    struct runit_services found = {};
    DIR *d = opendir(directory);
    if (!d)
        return -errno;
    int r = 0;
    for (struct dirent *e; r >= 0 && found.n < RUNIT_SERVICES_MAX && (e = readdir(d));)
        if (e->d_name[0] != '.')
            r = add(&found, dirfd(d), e->d_name);
    closedir(d);
    if (r < 0) {
        runit_services_done(&found);
        return r;
    }
    if (found.n > 0)
        qsort(found.items, found.n, sizeof(*found.items), compare);
    *ret = found;
    return 0;
}

const struct runit_service *runit_find(const struct runit_services *services, const char *name) {
    const struct runit_service key = { .name = (char *)name };
    return services->n > 0 ? bsearch(&key, services->items, services->n, sizeof(key), compare) : NULL;
}

void runit_services_done(struct runit_services *services) {
    for (size_t i = 0; i < services->n; i++) {
        free(services->items[i].name);
        free(services->items[i].stem);
    }
    free(services->items);
    *services = (struct runit_services){};
}
