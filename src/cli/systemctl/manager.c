/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about the manager itself, and the small ones about units: reload, environment, the end, kill, reset-failed. */
#include "cli/systemctl/ctl.h"

#include "syntax/names.h"
#include "wire/bus/out.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RELOAD_TIMEOUT 180000 /* ms */

int reload_manager(const char *method) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    ctl.timeout = RELOAD_TIMEOUT;
    int r = ctl_do(method, &error, "");
    ctl.timeout = 0;
    bool reexec = strcmp(method, "Reexecute") == 0;
    /* The answer to a re-execution is that the connection drops. */
    if (r >= 0 || (reexec && (dbus_error_has_name(&error, DBUS_ERROR_NO_REPLY) ||
                              dbus_error_has_name(&error, DBUS_ERROR_DISCONNECTED))))
        return 0;
    return fail("Failed to %s daemon: %s", reexec ? "reexecute" : "reload", error.message);
}

int verb_reload(int argc, char **argv) {
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    return reload_manager(strcmp(argv[0], "daemon-reexec") == 0 ? "Reexecute" : "Reload");
}

int verb_is_system_running(int argc, char **argv) {
    if (ctl_in_chroot() || ctl_connect() < 0) {
        if (!ctl.quiet)
            puts("offline");
        return EXIT_FAILURE;
    }
    for (;;) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        _cleanup_free_ char *state = prop_string(BUS_PATH, "Manager", "SystemState", &error);
        if (!state) {
            if (!ctl.quiet)
                puts("unknown");
            return fail("Failed to query system state: %s", error.message);
        }
        if (!ctl.wait || (strcmp(state, "initializing") != 0 && strcmp(state, "starting") != 0)) {
            if (!ctl.quiet)
                puts(state);
            return strcmp(state, "running") == 0 ? 0 : EXIT_FAILURE;
        }
        for (bool finished = false; !finished;) {
            _cleanup_message_ DBusMessage *m = ctl_next_signal();
            if (!m)
                return fail("Failed to query system state: Connection reset by peer");
            finished = dbus_message_is_signal(m, BUS_NAME ".Manager", "StartupFinished");
        }
    }
}

/* --- the end -------------------------------------------------------------------------------------------- */
static const struct {
    const char *verb, *target, *method;
} ends[] = {
    { "poweroff", "poweroff.target", "PowerOff" }, { "reboot", "reboot.target", "Reboot" },
    { "halt", "halt.target", "Halt" },             { "kexec", "kexec.target", "KExec" },
    { "exit", "exit.target", "Exit" },
};

int verb_end(int argc, char **argv) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    size_t row = 0;
    while (row + 1 < ELEMENTS(ends) && strcmp(ends[row].verb, argv[0]) != 0)
        row++;
    bool ends_with_code = strcmp(argv[0], "exit") == 0;
    if (ends_with_code) {
        uint64_t code;
        if (argc > 1 && (uint64_parse(argv[1], &code) < 0 || code > 255))
            return fail("Invalid exit code.");
        if (ctl_connect() < 0)
            return EXIT_FAILURE;
        if (argc > 1 && ctl_do("SetExitCode", &error, "y", (int)code) < 0)
            return fail("Failed to set exit code: %s", error.message);
    }
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    if (ctl.force > 0) {
        if (ctl_do(ends[row].method, &error, "") < 0 && !dbus_error_has_name(&error, DBUS_ERROR_NO_REPLY) &&
            !dbus_error_has_name(&error, DBUS_ERROR_DISCONNECTED))
            return fail("Failed to %s: %s", ends[row].verb, error.message);
        return 0;
    }
    char target[32];
    snprintf(target, sizeof target, "%s", ends[row].target);
    char *names[] = { target, NULL };
    ctl.job_mode = "replace-irreversibly";
    ctl.no_block = !ctl.wait;
    ctl.wait = false;
    return start_units("start", names);
}

/* --- environment ---------------------------------------------------------------------------------------- */
int verb_environment(int argc, char **argv) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    bool set = strcmp(argv[0], "set-environment") == 0;
    if (ctl_do(set ? "SetEnvironment" : "UnsetEnvironment", &error, "A", argv + 1) < 0)
        return fail("Failed to set environment: %s", error.message);
    return 0;
}

int verb_import_environment(int argc, char **argv) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_strv_ char **list = NULL;
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    for (int i = 1; i < argc; i++) {
        const char *value = getenv(argv[i]);
        if (!env_name_valid(argv[i], strlen(argv[i])))
            return fail("Not a valid environment variable name: %s", argv[i]);
        if (!value)
            fail("Environment variable $%s not set, ignoring.", argv[i]);
        else if (strv_addf(&list, "%s=%s", argv[i], value) < 0)
            return fail_memory();
    }
    if (list && ctl_do("SetEnvironment", &error, "A", list) < 0)
        return fail("Failed to import environment: %s", error.message);
    return 0;
}

/* A line that a shell reads back. */
static void print_variable(const char *assignment) {
    static const char special[] = " \t\n\r\"\\`$'*?[]()<>|&;!#~";
    const char *value = strchr(assignment, '=');
    if (!value || !value[1 + strcspn(value + 1, special)]) {
        puts(assignment);
        return;
    }
    printf("%.*s=$'", (int)(value - assignment), assignment);
    for (const char *s = value + 1; *s; s++)
        switch (*s) {
        case '\n':
            fputs("\\n", stdout);
            break;
        case '\t':
            fputs("\\t", stdout);
            break;
        case '\r':
            fputs("\\r", stdout);
            break;
        case '\'':
        case '\\':
            putchar('\\');
            /* fall through */
        default:
            putchar(*s);
        }
    puts("'");
}

int verb_show_environment(int argc, char **argv) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    _cleanup_message_ DBusMessage *props = props_get(BUS_PATH, &error);
    if (!props)
        return fail("Failed to get environment: %s", error.message);
    _cleanup_strv_ char **list = props_strings(props, "Environment");
    STRV_FOREACH (variable, list)
        print_variable(*variable);
    return 0;
}

/* --- units ---------------------------------------------------------------------------------------------- */
int verb_kill(int argc, char **argv) {
    _cleanup_strv_ char **names = NULL;
    int status = 0;
    if (ctl_connect() < 0 || expand_names(argv + 1, NULL, NULL, &names) < 0)
        return EXIT_FAILURE;
    STRV_FOREACH (name, names) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        if (ctl_do("KillUnit", &error, "ssi", *name, ctl.kill_whom ? ctl.kill_whom : "all", ctl.signal) < 0)
            status = fail("Failed to kill unit %s: %s", *name, error.message);
    }
    return status;
}

int verb_reset_failed(int argc, char **argv) {
    _cleanup_strv_ char **names = NULL;
    int status = 0;
    if (ctl_connect() < 0 || expand_names(argv + 1, NULL, NULL, &names) < 0)
        return EXIT_FAILURE;
    if (argc < 2) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        return ctl_do("ResetFailed", &error, "") < 0 ? fail("Failed to reset-failed: %s", error.message) : 0;
    }
    STRV_FOREACH (name, names) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        if (ctl_do("ResetFailedUnit", &error, "s", *name) < 0)
            status = fail("Failed to reset failed state of unit %s: %s", *name, error.message);
    }
    return status;
}

int verb_cancel(int argc, char **argv) {
    int status = 0;
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    if (argc < 2) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        return ctl_do("ClearJobs", &error, "") < 0 ? fail("Failed to cancel: %s", error.message) : 0;
    }
    for (int i = 1; i < argc; i++) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        uint64_t id;
        if (uint64_parse(argv[i], &id) < 0 || id > UINT32_MAX)
            return fail("Failed to parse job id \"%s\": Invalid argument", argv[i]);
        if (ctl_do("CancelJob", &error, "u", (unsigned)id) < 0)
            status = fail("Failed to cancel job %u: %s", (unsigned)id, error.message);
    }
    return status;
}

/* --- set-property --------------------------------------------------------------------------------------- */
/* The manager reads a setting's text as a unit file's, except for percentages, which travel as parts of a whole. */
static void append_settings(struct out *out, void *data) {
    out_open(out, DBUS_TYPE_ARRAY, "(sv)");
    STRV_FOREACH (assignment, (char **)data) {
        char name[64];
        const char *value = strchr(*assignment, '=') + 1;
        size_t n = strlen(value);
        uint64_t percent = 0;
        char digits[8];
        snprintf(name, sizeof name, "%.*s", (int)(value - 1 - *assignment), *assignment);
        bool part = n > 1 && n < sizeof digits && value[n - 1] == '%';
        if (part) {
            snprintf(digits, sizeof digits, "%.*s", (int)(n - 1), value);
            part = uint64_parse(digits, &percent) >= 0;
        }
        bool quota = part && strcmp(name, "CPUQuota") == 0;
        if (quota)
            snprintf(name, sizeof name, "CPUQuotaPerSecUSec");
        else if (part)
            strcat(name, strlen(name) + sizeof "Scale" <= sizeof name ? "Scale" : "");
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string(out, name);
        if (strcmp(name, "Markers") == 0) {
            _cleanup_strv_ char **words = strv_split(value, " ");
            out_open(out, DBUS_TYPE_VARIANT, "as");
            out_strv(out, words);
            out_close(out);
            out_close(out);
            continue;
        }
        out_open(out, DBUS_TYPE_VARIANT, quota ? "t" : part ? "u" : "s");
        if (quota)
            out_u64(out, percent * USEC_PER_SEC / 100);
        else if (part)
            out_u32(out, (uint32_t)(MIN(percent, 100) * UINT32_MAX / 100));
        else
            out_string(out, value);
        out_close(out);
        out_close(out);
    }
    out_close(out);
}

int verb_set_property(int argc, char **argv) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_free_ char *name = NULL;
    if (mangle(argv[1], NULL, &name) < 0)
        return EXIT_FAILURE;
    for (int i = 2; i < argc; i++)
        if (!strchr(argv[i], '='))
            return fail("Not an assignment: %s", argv[i]);
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    if (ctl_do("SetUnitProperties", &error, "sbF", name, (int)ctl.runtime, append_settings, (void *)(argv + 2)) < 0)
        return fail("Failed to set unit properties on %s: %s", name, error.message);
    return 0;
}

int verb_log_level(int argc, char **argv) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    const char *property = strcmp(argv[0], "log-target") == 0 ? "LogTarget" : "LogLevel";
    if (argc == 1) {
        _cleanup_free_ char *value = prop_string(BUS_PATH, "Manager", property, &error);
        return value ? puts(value) < 0 : fail("Failed to get %s: %s", argv[0], error.message);
    }
    _cleanup_message_ DBusMessage *reply = NULL;
    DBusMessage *m = dbus_message_new_method_call(BUS_NAME, BUS_PATH, DBUS_INTERFACE_PROPERTIES, "Set");
    struct out out;
    if (!m)
        return fail_memory();
    out_init(&out, m);
    out_string(&out, BUS_NAME ".Manager");
    out_string(&out, property);
    out_open(&out, DBUS_TYPE_VARIANT, "s");
    out_string(&out, argv[1]);
    out_close(&out);
    if (out_finish(&out) >= 0)
        reply = dbus_connection_send_with_reply_and_block(ctl.bus, m, -1, &error);
    dbus_message_unref(m);
    return reply ? 0
                 : fail("Failed to set %s to %s: %s", argv[0], argv[1], error.message ? error.message : "no memory");
}
