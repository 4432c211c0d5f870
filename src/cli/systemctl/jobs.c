/* SPDX-License-Identifier: Apache-2.0 */
/* start, stop, restart and their kin: one job a unit, then waiting for the jobs' ends and saying what went wrong. */
#include "cli/systemctl/ctl.h"

#include "unit/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a verb asks for; the first name is the job's type in messages. */
static const struct {
    const char *verb, *method, *job;
} job_verbs[] = {
    { "start", "StartUnit", "start" },
    { "stop", "StopUnit", "stop" },
    { "condstop", "StopUnit", "stop" },
    { "reload", "ReloadUnit", "reload" },
    { "restart", "RestartUnit", "restart" },
    { "try-restart", "TryRestartUnit", "try-restart" },
    { "condrestart", "TryRestartUnit", "try-restart" },
    { "reload-or-restart", "ReloadOrRestartUnit", "reload-or-restart" },
    { "try-reload-or-restart", "ReloadOrTryRestartUnit", "reload-or-try-restart" },
    { "reload-or-try-restart", "ReloadOrTryRestartUnit", "reload-or-try-restart" },
    { "condreload", "ReloadOrTryRestartUnit", "reload-or-try-restart" },
    { "force-reload", "ReloadOrTryRestartUnit", "reload-or-try-restart" },
    { "isolate", "StartUnit", "start" },
};

struct waiting {
    char *unit, *unit_path, *job; /* job: its path; NULL once it is gone */
};
struct waitings {
    struct waiting *items;
    size_t n;
};

static void waitings_done(struct waitings *w) {
    for (size_t i = 0; i < w->n; i++) {
        free(w->items[i].unit);
        free(w->items[i].unit_path);
        free(w->items[i].job);
    }
    free(w->items);
}

static int waitings_add(struct waitings *w, const char *unit, const char *job) {
    struct waiting *more = reallocarray(w->items, w->n + 1, sizeof *more);
    if (!more)
        return -ENOMEM;
    w->items = more;
    struct waiting *one = &more[w->n++];
    *one = (struct waiting){ strdup(unit), unit_path(unit), strdup(job) };
    return one->unit && one->unit_path && one->job ? 0 : -ENOMEM;
}

/* --- messages ------------------------------------------------------------------------------------------- */
void warn_changed_on_disk(const char *unit) {
    if (!ctl.no_warn)
        fail("Warning: The unit file, source configuration file or drop-ins of %s changed on disk. Run 'systemctl "
             "daemon-reload' to reload units.",
             unit);
}

static void warn_if_changed(const char *unit) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *reply = ctl_call("GetUnit", &error, "s", unit);
    DBusMessageIter i, value;
    if (!reply || !dbus_message_iter_init(reply, &i))
        return;
    _cleanup_message_ DBusMessage *answer = ctl_call_at(take_string(&i), DBUS_INTERFACE_PROPERTIES, "Get", &error, "ss",
                                                        BUS_NAME ".Unit", "NeedDaemonReload");
    if (answer && dbus_message_iter_init(answer, &i) && take_open(&i, &value) && take_number(&value))
        warn_changed_on_disk(unit);
}

static void explain_service(const char *unit, const char *unit_path) {
    static const struct {
        const char *result, *because;
    } reasons[] = {
        { "resources", "of unavailable resources or another system error" },
        { "protocol", "the service did not take the steps required by its unit configuration" },
        { "timeout", "a timeout was exceeded" },
        { "exit-code", "the control process exited with error code" },
        { "signal", "a fatal signal was delivered to the control process" },
        { "core-dump", "a fatal signal was delivered causing the control process to dump core" },
        { "watchdog", "the service failed to send watchdog ping" },
        { "start-limit-hit", "start of the service was attempted too often" },
        { "oom-kill", "of an out-of-memory (OOM) situation" },
    };
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_free_ char *result = prop_string(unit_path, "Service", "Result", &error);
    const char *because = NULL;
    for (size_t i = 0; result && i < ELEMENTS(reasons); i++)
        if (strcmp(reasons[i].result, result) == 0)
            because = reasons[i].because;
    fail("Job for %s failed%s%s.\n"
         "See \"systemctl status %s\" and \"journalctl -xeu %s\" for details.",
         unit, because ? " because " : "", because ? because : "", unit, unit);
    if (result && strcmp(result, "start-limit-hit") == 0)
        fail("To force a start use \"systemctl reset-failed %s\"\nfollowed by \"systemctl start %s\" again.", unit,
             unit);
}

/* Says why, unless the job did what it should. */
static bool job_failed(const struct waiting *w, const char *result) {
    static const struct {
        const char *result, *before, *after; /* around the unit's name; `after` NULL: without it */
    } sentences[] = {
        { "canceled", "Job for ", " canceled." },
        { "timeout", "Job for ", " timed out." },
        { "dependency", "A dependency job for ", " failed. See 'journalctl -xe' for details." },
        { "invalid", "", " is not active, cannot reload." },
        { "assert", "Assertion failed on job for ", "." },
        { "unsupported", "Operation on or unit type of ", " not supported on this system." },
        { "collected", "Queued job for ", " was garbage collected." },
        { "once", "Unit ", " was started already once and can't be started again." },
        { "concurrency", "Concurrency limit of a slice unit ", " is contained in has been reached." },
    };
    if (strcmp(result, "done") == 0 || strcmp(result, "skipped") == 0)
        return false;
    if (ctl.quiet)
        return true;
    for (size_t i = 0; i < ELEMENTS(sentences); i++)
        if (strcmp(sentences[i].result, result) == 0) {
            fail("%s%s%s", sentences[i].before, w->unit, sentences[i].after);
            return true;
        }
    if (unit_name_type(w->unit) == UNIT_SERVICE)
        explain_service(w->unit, w->unit_path);
    else
        fail("Job failed. See \"journalctl -xe\" for details.");
    return true;
}

/* --- waiting -------------------------------------------------------------------------------------------- */
/* Takes JobRemoved(uoss) into account. Has that job failed? */
static bool take_job_removed(struct waitings *w, DBusMessage *m, size_t *left) {
    DBusMessageIter i;
    if (!dbus_message_is_signal(m, BUS_NAME ".Manager", "JobRemoved") || !dbus_message_iter_init(m, &i))
        return false;
    take_number(&i);
    const char *path = take_string(&i);
    take_string(&i);
    const char *result = take_string(&i);
    bool failed = false;
    for (size_t k = 0; k < w->n; k++)
        if (w->items[k].job && strcmp(w->items[k].job, path) == 0) {
            free(TAKE(w->items[k].job));
            (*left)--;
            failed |= job_failed(&w->items[k], result);
        }
    return failed;
}

static int wait_for_jobs(struct waitings *w) {
    size_t left = w->n;
    int status = 0;
    while (left > 0) {
        _cleanup_message_ DBusMessage *m = ctl_next_signal();
        if (!m) {
            fputs("Warning! D-Bus connection terminated.\n", stderr);
            return fail("Failed to wait for response: Connection reset by peer");
        }
        if (take_job_removed(w, m, &left))
            status = EXIT_FAILURE;
    }
    return status;
}

/* --wait: until the units have ended again. */
static int wait_for_units(struct waitings *w) {
    int status = 0;
    for (size_t k = 0; k < w->n; k++)
        for (;;) {
            _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
            _cleanup_free_ char *state = prop_string(w->items[k].unit_path, "Unit", "ActiveState", &error);
            if (!state)
                return fail("Failed to wait for units: %s", error.message);
            if (strcmp(state, "failed") == 0)
                status = EXIT_FAILURE;
            if (strcmp(state, "failed") == 0 || strcmp(state, "inactive") == 0)
                break;
            /* Whatever changes, the unit is looked at again. */
            _cleanup_message_ DBusMessage *m = NULL;
            do {
                message_unrefp(&m);
                m = ctl_next_signal();
                if (!m)
                    return fail("Failed to wait for units: Connection reset by peer");
            } while (!dbus_message_has_path(m, w->items[k].unit_path) &&
                     !dbus_message_is_signal(m, BUS_NAME ".Manager", "Reloading"));
        }
    return status;
}

/* --- asking --------------------------------------------------------------------------------------------- */
static void print_transaction(DBusMessageIter *i) {
    DBusMessageIter others, other;
    unsigned id = (unsigned)take_number(i);
    take_string(i);
    const char *unit = take_string(i);
    take_string(i);
    printf("Enqueued anchor job %u %s/%s.\n", id, unit, take_string(i));
    if (take_open(i, &others))
        while (take_open(&others, &other)) {
            id = (unsigned)take_number(&other);
            take_string(&other);
            unit = take_string(&other);
            take_string(&other);
            printf("Enqueued auxiliary job %u %s/%s.\n", id, unit, take_string(&other));
        }
}

/* 0, or the exit status of what was said. */
static int start_one(const char *method, const char *job_type, const char *mode, const char *unit, struct waitings *w) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *reply = NULL;
    if (ctl.wait)
        ctl_do("RefUnit", &error, "s", unit);
    dbus_error_free(&error);
    if (ctl.show_transaction)
        reply = ctl_call("EnqueueUnitJob", &error, "sss", unit, job_type, mode);
    else
        reply = ctl_call(method, &error, "ss", unit, mode);
    if (!reply) {
        fail("Failed to %s %s: %s", job_type, unit, error.message);
        if (!error_is(&error, "NoSuchUnit") && !error_is(&error, "UnitMasked") &&
            !error_is(&error, "JobTypeNotApplicable"))
            fail("See system logs and 'systemctl status%s %s' for details.", unit[0] == '-' ? " --" : "", unit);
        return error_exit_status(&error);
    }
    DBusMessageIter i;
    if (!dbus_message_iter_init(reply, &i))
        return EXIT_FAILURE;
    DBusMessageIter all = i;
    if (ctl.show_transaction)
        take_number(&i);
    const char *job = take_string(&i);
    warn_if_changed(unit);
    if (ctl.show_transaction)
        print_transaction(&all);
    return waitings_add(w, unit, job) < 0 ? fail_memory() : 0;
}

/* A service that was stopped may be back with the next connection. */
static void warn_of_triggers(const char *unit) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_free_ char *path = unit_path(unit);
    _cleanup_message_ DBusMessage *props = path ? props_get(path, &error) : NULL;
    _cleanup_strv_ char **by = props_strings(props, "TriggeredBy");
    bool said = false;
    if (!props || strcmp(props_string(props, "LoadState"), "masked") == 0)
        return;
    STRV_FOREACH (name, by) {
        _cleanup_free_ char *trigger = unit_path(*name);
        _cleanup_free_ char *state = trigger ? prop_string(trigger, "Unit", "ActiveState", &error) : NULL;
        if (!state || (strcmp(state, "active") != 0 && strcmp(state, "reloading") != 0))
            continue;
        if (!said)
            fail("Warning: Stopping %s, but it can still be activated by:", unit);
        said = true;
        fail("  %s", *name);
    }
}

int start_units(const char *verb, char **names) {
    _cleanup_(waitings_done) struct waitings w = {};
    const char *mode = ctl.job_mode ? ctl.job_mode : "replace";
    size_t row = 0;
    while (row + 1 < ELEMENTS(job_verbs) && strcmp(job_verbs[row].verb, verb) != 0)
        row++;
    if (strcmp(verb, "isolate") == 0)
        mode = "isolate";
    bool start = strcmp(job_verbs[row].job, "start") == 0, stop = strcmp(job_verbs[row].job, "stop") == 0;
    if (ctl.wait && ctl.no_block)
        return fail("--wait may not be combined with --no-block.");
    if (ctl.wait && !start && strcmp(job_verbs[row].job, "restart") != 0)
        return fail("--wait may only be used with the 'start' or 'restart' commands.");
    int status = 0;
    STRV_FOREACH (name, names) {
        int one = start_one(job_verbs[row].method, job_verbs[row].job, mode, *name, &w);
        status = status ? status : one;
    }
    if (ctl.no_block)
        return status;
    int waited = wait_for_jobs(&w);
    if (stop && !ctl.quiet && !ctl.no_warn)
        STRV_FOREACH (name, names)
            warn_of_triggers(*name);
    if (waited == 0 && ctl.wait)
        waited = wait_for_units(&w);
    return waited ? waited : status;
}

/* reload-or-restart --marked: what package scripts marked with `set-property UNIT Markers=+needs-restart`. */
static int start_marked(void) {
    _cleanup_(waitings_done) struct waitings w = {};
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *reply = ctl_call("EnqueueMarkedJobs", &error, "");
    DBusMessageIter i, jobs;
    if (!reply)
        return fail("Failed to start jobs: %s", error.message);
    if (dbus_message_iter_init(reply, &i) && take_open(&i, &jobs))
        while (dbus_message_iter_get_arg_type(&jobs) == DBUS_TYPE_OBJECT_PATH)
            if (waitings_add(&w, "a marked unit", take_string(&jobs)) < 0)
                return fail_memory();
    return ctl.no_block ? 0 : wait_for_jobs(&w);
}

/* Only these start a manager; where none runs, nothing is to be stopped. */
static int connect_for(const char *verb) {
    static const char *const starters[] = { "start", "restart", "reload", "isolate" };
    struct running running;
    for (size_t i = 0; i < ELEMENTS(starters); i++)
        if (strcmp(starters[i], verb) == 0)
            return ctl_connect_or_start();
    if (strcmp(verb, "stop") == 0 && !ctl_find_manager(&running) && !ctl_first_is_systemd()) {
        ctl_try_connect();
        return ctl.bus ? 0 : -EHOSTDOWN;
    }
    return ctl_connect();
}

int verb_start(int argc, char **argv) {
    _cleanup_strv_ char **names = NULL;
    bool pattern;
    if (ctl.marked && strcmp(argv[0], "reload-or-restart") != 0)
        return fail("--marked may only be used with 'reload-or-restart'.");
    if (ctl.marked && argc > 1)
        return fail("No additional arguments allowed with 'reload-or-restart --marked'.");
    if (ctl.marked)
        return ctl_connect() < 0 ? EXIT_FAILURE : start_marked();
    if (argc < 2)
        return fail("Too few arguments.");
    if (connect_for(argv[0]) < 0)
        return ctl.bus || strcmp(argv[0], "stop") != 0 ? EXIT_FAILURE : 0;
    if (expand_names(argv + 1, strcmp(argv[0], "isolate") == 0 ? ".target" : NULL, &pattern, &names) < 0)
        return EXIT_FAILURE;
    if (pattern && strcmp(argv[0], "start") == 0 && !ctl.all)
        fail("Warning: systemctl start called with a glob pattern.\n"
             "Hint: unit globs expand to loaded units, so start will usually have no effect.\n"
             "      Passing --all will also load units which are pulled in by other units.\n"
             "      See systemctl(1) for more details.");
    return start_units(argv[0], names);
}

int verb_isolate_to(int argc, char **argv) {
    char name[32];
    snprintf(name, sizeof name, "%s.target", argv[0]);
    char *names[] = { name, NULL };
    return ctl_connect_or_start() < 0 ? EXIT_FAILURE : start_units("isolate", names);
}
