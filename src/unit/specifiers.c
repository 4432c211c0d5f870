/* SPDX-License-Identifier: Apache-2.0 */
/* %-specifiers of a unit: those of its name and of the manager's directories here, those of the system
 * elsewhere. systemd.unit(5) "Specifiers". */
#include "base/path.h"
#include "base/text.h"
#include "unit/system_specifier.h"
#include "unit/unit_file.h"

#include <errno.h>
#include <string.h>

static const struct manager_dirs usual_dirs = { .runtime = "/run",
                                                .state = "/var/lib",
                                                .cache = "/var/cache",
                                                .logs = "/var/log",
                                                .configuration = "/etc",
                                                .system = true };

static int copy(const char *s, char **ret) {
    char *c = s ? strdup(s) : NULL;
    if (!c)
        return s ? -ENOMEM : -EUNATCH;
    *ret = c;
    return 0;
}

static int unescaped(int r, char *s, char **ret) {
    _cleanup_free_ char *taken = s;
    return r < 0 ? r : unit_name_unescape(taken, ret);
}

/* %j: what follows the last dash of the prefix. */
static int final_component(const char *name, char **ret) {
    _cleanup_free_ char *prefix = NULL;
    int r = unit_name_prefix(name, &prefix);
    if (r < 0)
        return r;
    const char *dash = strrchr(prefix, '-');
    return copy(dash ? dash + 1 : prefix, ret);
}

/* %f: the instance as a path, else the prefix as one. */
static int name_as_path(const char *name, char **ret) {
    _cleanup_free_ char *s = NULL, *path = NULL;
    int r = unit_name_kind(name) == UNIT_NAME_INSTANCE ? unit_name_instance(name, &s)
                                                       : unit_name_prefix(name, &s);
    if (r >= 0)
        r = unit_name_unescape(s, &path);
    if (r < 0)
        return r;
    if (*path == '/')
        return copy(path, ret);
    char *joined = path_join("/", path);
    if (!joined)
        return -ENOMEM;
    *ret = joined;
    return 0;
}

static int lookup(void *userdata, char letter, char **ret) {
    const struct unit_specifiers *s = userdata;
    const struct unit_file *f = s->file;
    const struct manager_dirs *d = s->dirs;
    char *part = NULL;
    int r;
    switch (letter) {
    case 'n':
        return copy(f->name, ret);
    case 'N':
        part = strndup(f->name, (size_t)(strrchr(f->name, '.') - f->name));
        if (!part)
            return -ENOMEM;
        *ret = part;
        return 0;
    case 'p':
        return unit_name_prefix(f->name, ret);
    case 'P':
        r = unit_name_prefix(f->name, &part);
        return unescaped(r, part, ret);
    case 'i':
        return unit_name_instance(f->name, ret);
    case 'I':
        r = unit_name_instance(f->name, &part);
        return unescaped(r, part, ret);
    case 'j':
        return final_component(f->name, ret);
    case 'J':
        r = final_component(f->name, &part);
        return unescaped(r, part, ret);
    case 'f':
        return name_as_path(f->name, ret);
    case 'y':
        return copy(f->fragment_path, ret);
    case 'Y':
        if (!f->fragment_path)
            return -EUNATCH;
        part = strndup(f->fragment_path, (size_t)(path_base(f->fragment_path) - f->fragment_path));
        if (!part)
            return -ENOMEM;
        *ret = path_simplify(part);
        return 0;
    case 't':
        return copy(d->runtime, ret);
    case 'S':
        return copy(d->state, ret);
    case 'C':
        return copy(d->cache, ret);
    case 'L':
        return copy(d->logs, ret);
    case 'E':
        return copy(d->configuration, ret);
    case 'D':
        return copy(d->system ? "/usr/share" : NULL, ret);
    case 'd': {
        _cleanup_free_ char *credentials = path_join(d->runtime, "credentials");
        part = credentials ? path_join(credentials, f->name) : NULL;
        if (!part)
            return -ENOMEM;
        *ret = part;
        return 0;
    }
    default:
        return system_specifier(letter, "", ret);
    }
}

void unit_specifiers_init(struct unit_specifiers *storage, const struct unit_file *file,
                          const struct manager_dirs *dirs) {
    *storage = (struct unit_specifiers){
        .file = file,
        .dirs = dirs ?: &usual_dirs,
        .table = { .lookup = lookup, .userdata = storage },
    };
}
