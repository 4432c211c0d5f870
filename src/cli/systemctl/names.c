/* SPDX-License-Identifier: Apache-2.0 */
/* From the words of a command line to units: suffixes, patterns, bus paths, rows of the manager's list. */
#include "cli/systemctl/ctl.h"

#include "base/glob.h"
#include "unit/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int mangle(const char *argument, const char *suffix, char **ret) {
    _cleanup_free_ char *own = NULL;
    if (glob_is_pattern(argument) && !strpbrk(argument, " \t\n/")) {
        *ret = strdup(argument);
        return *ret ? 0 : -ENOMEM;
    }
    /* A suffix other than .service is for what has none of its own. */
    if (suffix && argument[0] != '/' && unit_name_type(argument) < 0) {
        _cleanup_text_ struct text t = {};
        text_addf(&t, "%s%s", argument, suffix);
        own = text_take(&t);
        if (!own)
            return -ENOMEM;
    }
    int r = unit_name_mangle(own ? own : argument, ret);
    if (r == -EINVAL)
        fail("Failed to mangle unit name or path '%s': %s", argument, strerror(EINVAL));
    else if (r < 0)
        fail_memory();
    else if (argument[0] != '/' && !ctl.quiet && strncmp(argument, *ret, strlen(argument)) != 0) {
        int suffixed = unit_name_type(argument) < 0 ? (int)strlen(".service") : 0;
        fail("Invalid unit name \"%s\" escaped as \"%.*s\" (maybe you should use systemd-escape?).", argument,
             (int)strlen(*ret) - suffixed, *ret);
    }
    return r;
}

char *unit_path(const char *name) {
    _cleanup_free_ char *escaped = NULL;
    _cleanup_text_ struct text t = {};
    if (bus_path_escape(name, &escaped) < 0)
        return NULL;
    text_addf(&t, BUS_PATH "/unit/%s", escaped);
    return text_take(&t);
}

/* --- the manager's list --------------------------------------------------------------------------------- */
static bool shown(const struct unit_row *u) {
    const char *type = strrchr(u->id, '.');
    if (ctl.types && !strv_contains(ctl.types, type ? type + 1 : ""))
        return false;
    if (ctl.all)
        return true;
    return !u->following[0] && (ctl.states || u->job > 0 || strcmp(u->active, "inactive") != 0);
}

/* By type, then by name. */
static int compare_rows(const void *a, const void *b) {
    const char *x = ((const struct unit_row *)a)->id, *y = ((const struct unit_row *)b)->id;
    const char *dx = strrchr(x, '.'), *dy = strrchr(y, '.');
    int c = strcasecmp(dx ? dx : "", dy ? dy : "");
    return c ? c : strcasecmp(x, y);
}

int list_units(char **patterns, DBusMessage **reply, struct unit_row **ret, size_t *ret_n) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    DBusMessageIter i, rows, row;
    *ret = NULL;
    *ret_n = 0;
    *reply = ctl_call("ListUnitsByPatterns", &error, "AA", ctl.states, patterns);
    if (!*reply) {
        fail("Failed to list units: %s", error.message);
        return -EREMOTEIO;
    }
    if (!dbus_message_iter_init(*reply, &i) || !take_open(&i, &rows))
        return 0;
    struct unit_row *list = NULL;
    size_t n = 0, size = 0;
    while (take_open(&rows, &row)) {
        if (n == size) {
            size = size ? 2 * size : 64;
            struct unit_row *more = reallocarray(list, size, sizeof *list);
            if (!more) {
                free(list);
                fail_memory();
                return -ENOMEM;
            }
            list = more;
        }
        struct unit_row *u = &list[n];
        u->id = take_string(&row);
        u->description = take_string(&row);
        u->load = take_string(&row);
        u->active = take_string(&row);
        u->sub = take_string(&row);
        u->following = take_string(&row);
        u->path = take_string(&row);
        u->job = (uint32_t)take_number(&row);
        u->job_type = take_string(&row);
        u->job_path = take_string(&row);
        n += shown(u);
    }
    if (n > 0)
        qsort(list, n, sizeof *list, compare_rows);
    *ret = list;
    *ret_n = n;
    return 0;
}

int expand_names(char **arguments, const char *suffix, bool *had_pattern, char ***ret) {
    _cleanup_strv_ char **names = NULL, **patterns = NULL;
    STRV_FOREACH (a, arguments) {
        char *name;
        int r = mangle(*a, suffix, &name);
        if (r >= 0)
            r = strv_take(glob_is_pattern(name) ? &patterns : &names, name);
        if (r < 0)
            return r;
    }
    if (had_pattern)
        *had_pattern = patterns != NULL;
    if (patterns) {
        _cleanup_message_ DBusMessage *reply = NULL;
        _cleanup_free_ struct unit_row *rows = NULL;
        size_t n;
        int r = list_units(patterns, &reply, &rows, &n);
        for (size_t i = 0; r >= 0 && i < n; i++)
            r = strv_add(&names, rows[i].id);
        if (r < 0)
            return r;
    }
    *ret = TAKE(names);
    return 0;
}
