/* SPDX-License-Identifier: Apache-2.0 */
/* show, status, is-active, is-failed: verbs that look at units one after the other. */
#include "cli/systemctl/ctl.h"

#include "syntax/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- show and status ------------------------------------------------------------------------------------ */
static void print_properties(DBusMessage *props) {
    DBusMessageIter i, dict, entry, value;
    if (!dbus_message_iter_init(props, &i) || !take_open(&i, &dict))
        return;
    while (take_open(&dict, &entry)) {
        const char *name = take_string(&entry);
        if ((!ctl.properties || strv_contains(ctl.properties, name)) && take_open(&entry, &value))
            print_property(name, &value);
    }
}

/* `unit` NULL: of the manager or a job. */
static int show_one(const char *path, const char *unit, bool status) {
    static bool another;
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *props = props_get(path, &error);
    if (!props)
        return fail("Failed to get properties: %s", error.message);
    const char *load = props_string(props, "LoadState"), *active = props_string(props, "ActiveState");
    if (unit && status && strcmp(load, "not-found") == 0 && strcmp(active, "inactive") == 0) {
        fail("Unit %s could not be found.", unit);
        return EXIT_STATUS_UNKNOWN;
    }
    if (another)
        putchar('\n');
    another = true;
    if (!status) {
        print_properties(props);
        return 0;
    }
    print_status(props, path);
    return strcmp(active, "active") == 0 || strcmp(active, "reloading") == 0 ? 0 : EXIT_STATUS_NOT_RUNNING;
}

/* A number is a job's (show) or a process's (status). */
static int show_number(uint64_t number, bool status) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    DBusMessageIter i;
    if (number > UINT32_MAX)
        return fail("No such number: %llu", (unsigned long long)number);
    _cleanup_message_ DBusMessage *reply = ctl_call(status ? "GetUnitByPID" : "GetJob", &error, "u", (unsigned)number);
    if (!reply)
        return fail("Failed to get %s %u: %s", status ? "unit for PID" : "job", (unsigned)number, error.message);
    return dbus_message_iter_init(reply, &i) ? show_one(take_string(&i), NULL, status) : EXIT_FAILURE;
}

int verb_show(int argc, char **argv) {
    bool status = strcmp(argv[0], "status") == 0;
    int result = 0;
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    if (argc == 1)
        return status && !ctl.all ? print_system_status() : show_one(BUS_PATH, NULL, status);
    _cleanup_strv_ char **words = NULL, **names = NULL;
    for (int i = 1; i < argc; i++) {
        uint64_t number;
        int r = 0;
        if (uint64_parse(argv[i], &number) >= 0) {
            int one = show_number(number, status);
            result = result ? result : one;
        } else
            r = strv_add(&words, argv[i]);
        if (r < 0)
            return fail_memory();
    }
    if (words && expand_names(words, NULL, NULL, &names) < 0)
        return EXIT_FAILURE;
    STRV_FOREACH (name, names) {
        _cleanup_free_ char *path = unit_path(*name);
        int one = path ? show_one(path, *name, status) : fail_memory();
        result = result ? result : one;
    }
    return result;
}

/* --- is-active, is-failed ------------------------------------------------------------------------------- */
int verb_is_active(int argc, char **argv) {
    bool failed = strcmp(argv[0], "is-failed") == 0, found = false;
    _cleanup_strv_ char **names = NULL;
    struct running running;
    /* Where a manager would be started if asked, none that runs means: no unit does. */
    if (!ctl.bus && !ctl_find_manager(&running) && !ctl_first_is_systemd())
        ctl_try_connect();
    if (!ctl.bus && !running.alive && !ctl_first_is_systemd()) {
        for (char **name = argv + 1; *name && !ctl.quiet; name++)
            puts("inactive");
        return failed ? EXIT_FAILURE : EXIT_NOT_RUNNING;
    }
    if (ctl_connect() < 0 || expand_names(argv + 1, NULL, NULL, &names) < 0)
        return EXIT_FAILURE;
    STRV_FOREACH (name, names) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        _cleanup_free_ char *path = unit_path(*name);
        _cleanup_free_ char *state = path ? prop_string(path, "Unit", "ActiveState", &error) : NULL;
        if (!state)
            return fail("Failed to retrieve unit state: %s", error.message ? error.message : "no memory");
        if (!ctl.quiet)
            puts(state);
        if (failed)
            found |= strcmp(state, "failed") == 0;
        else
            found |= strcmp(state, "active") == 0 || strcmp(state, "reloading") == 0;
    }
    return found ? 0 : failed ? EXIT_FAILURE : EXIT_NOT_RUNNING;
}
