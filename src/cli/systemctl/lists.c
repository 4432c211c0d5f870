/* SPDX-License-Identifier: Apache-2.0 */
/* list-units, list-sockets, list-jobs, list-unit-files. */
#include "cli/systemctl/ctl.h"

#include "base/path.h"
#include "unit/preset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define _cleanup_table_ _cleanup_(table_done)

/* --- list-units ----------------------------------------------------------------------------------------- */
static void units_legend(size_t n, bool jobs) {
    if (n > 0) {
        puts("\nLOAD   = Reflects whether the unit definition was properly loaded.\n"
             "ACTIVE = The high-level unit activation state, i.e. generalization of SUB.\n"
             "SUB    = The low-level unit activation state, values depend on unit type.");
        if (jobs)
            puts("JOB    = Pending job for the unit.\n");
    }
    if (ctl.states && !strv_contains(ctl.states, "inactive")) {
        printf("%zu loaded units listed.\n", n);
        return;
    }
    bool all = ctl.all || ctl.states;
    printf("%s%zu loaded units listed.%s%s\n", color(n > 0 ? COLOR_BOLD : COLOR_BAD), n, color_off(),
           all ? "" : " Pass --all to see loaded but inactive units, too.");
    puts("To show all installed unit files use 'systemctl list-unit-files'.");
}

int verb_list_units(int argc, char **argv) {
    static const char *const headers[] = { "", "UNIT", "LOAD", "ACTIVE", "SUB", "JOB", "DESCRIPTION" };
    _cleanup_table_ struct table t = { .headers = headers, .numbers = "0000000", .n_columns = 7 };
    _cleanup_message_ DBusMessage *reply = NULL;
    _cleanup_free_ struct unit_row *rows = NULL;
    _cleanup_strv_ char **patterns = NULL;
    size_t n;
    for (int i = 1; i < argc; i++) {
        char *name;
        if (mangle(argv[i], NULL, &name) < 0 || strv_take(&patterns, name) < 0)
            return EXIT_FAILURE;
    }
    if (ctl_connect() < 0 || list_units(patterns, &reply, &rows, &n) < 0)
        return EXIT_FAILURE;
    bool jobs = false;
    for (size_t i = 0; i < n; i++) {
        const struct unit_row *u = &rows[i];
        bool odd = strcmp(u->load, "loaded") != 0 && strcmp(u->load, "merged") != 0;
        table_add(&t, strcmp(u->active, "failed") == 0 || odd ? glyph(GLYPH_CIRCLE) : " ");
        table_add(&t, u->id);
        table_add(&t, u->load);
        table_add(&t, u->active);
        table_add(&t, u->sub);
        table_add(&t, u->job > 0 ? u->job_type : NULL);
        table_add(&t, u->description);
        jobs |= u->job > 0;
    }
    t.hidden = (ctl.plain ? 1 : 0) | (jobs ? 0 : 1 << 5);
    int status = table_print(&t);
    if (status == 0 && !ctl.no_legend && ctl.output == OUTPUT_TEXT)
        units_legend(n, jobs);
    return status;
}

/* --- list-sockets --------------------------------------------------------------------------------------- */
static int compare_sockets(const void *a, const void *b) {
    return strcmp(((char *const *)a)[0], ((char *const *)b)[0]);
}

int verb_list_sockets(int argc, char **argv) {
    static const char *const headers[] = { "LISTEN", "UNIT", "ACTIVATES" };
    static char *sockets[] = { "socket", NULL };
    _cleanup_table_ struct table t = { .headers = headers, .numbers = "000", .n_columns = 3 };
    _cleanup_message_ DBusMessage *reply = NULL;
    _cleanup_free_ struct unit_row *rows = NULL;
    size_t n, listening = 0;
    char **given = ctl.types;
    ctl.types = sockets;
    int r = ctl_connect();
    if (r >= 0)
        r = list_units(argc > 1 ? argv + 1 : NULL, &reply, &rows, &n);
    ctl.types = given;
    for (size_t i = 0; r >= 0 && i < n; i++) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        _cleanup_message_ DBusMessage *props = props_get(rows[i].path, &error);
        _cleanup_strv_ char **triggers = props_strings(props, "Triggers");
        _cleanup_free_ char *activates = strv_join(triggers, ", ");
        DBusMessageIter value, list, one;
        if (props_find(props, "Listen", &value) && take_open(&value, &list))
            while (take_open(&list, &one)) {
                take_string(&one);
                table_add(&t, take_string(&one));
                table_add(&t, rows[i].id);
                table_add(&t, activates && *activates ? activates : "-");
                listening++;
            }
    }
    if (listening > 1 && !t.failed)
        qsort(t.cells, listening, t.n_columns * sizeof *t.cells, compare_sockets);
    int status = r < 0 ? EXIT_FAILURE : table_print(&t);
    if (status == 0 && !ctl.no_legend && ctl.output == OUTPUT_TEXT)
        printf("\n%zu sockets listed.\n%s", listening,
               ctl.all ? "" : "Pass --all to see loaded but inactive sockets, too.\n");
    return status;
}

/* --- list-timers ---------------------------------------------------------------------------------------- */
struct timer_row {
    usec_t next, last; /* 0: never */
    const char *unit;
    char *activates;
};

/* The earliest first, then by name; those that never elapse last. */
static int compare_timers(const void *a, const void *b) {
    const struct timer_row *x = a, *y = b;
    usec_t left = x->next ? x->next : UINT64_MAX, right = y->next ? y->next : UINT64_MAX;
    return left < right ? -1 : left > right ? 1 : strcmp(x->unit, y->unit);
}

/* Both clocks' next as a time of day; 0: none. */
static usec_t next_elapse(DBusMessage *props) {
    usec_t real = props_number(props, "NextElapseUSecRealtime"),
           monotonic = props_number(props, "NextElapseUSecMonotonic");
    real = real == UINT64_MAX ? 0 : real;
    if (monotonic == 0 || monotonic == UINT64_MAX)
        return real;
    usec_t converted = now(CLOCK_REALTIME) + monotonic - now(CLOCK_MONOTONIC);
    return real ? MIN(real, converted) : converted;
}

static struct timer_row read_timer(const struct unit_row *u) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *props = props_get(u->path, &error);
    _cleanup_strv_ char **triggers = props_strings(props, "Triggers");
    usec_t last = props ? props_number(props, "LastTriggerUSec") : 0;
    return (struct timer_row){ props ? next_elapse(props) : 0, last == UINT64_MAX ? 0 : last, u->id,
                               strv_join(triggers, ", ") };
}

int verb_list_timers(int argc, char **argv) {
    static const char *const headers[] = { "NEXT", "LEFT", "LAST", "PASSED", "UNIT", "ACTIVATES" };
    static char *timers[] = { "timer", NULL };
    _cleanup_table_ struct table t = { .headers = headers, .numbers = "000000", .n_columns = 6 };
    _cleanup_message_ DBusMessage *reply = NULL;
    _cleanup_free_ struct unit_row *rows = NULL;
    size_t n = 0;
    char **given = ctl.types;
    ctl.types = timers;
    int r = ctl_connect();
    if (r >= 0)
        r = list_units(argc > 1 ? argv + 1 : NULL, &reply, &rows, &n);
    ctl.types = given;
    _cleanup_free_ struct timer_row *list = r < 0 ? NULL : calloc(n + 1, sizeof *list);
    if (!list)
        return r < 0 ? EXIT_FAILURE : fail_memory();
    for (size_t i = 0; i < n; i++)
        list[i] = read_timer(&rows[i]);
    qsort(list, n, sizeof *list, compare_timers);
    for (size_t i = 0; i < n; i++) {
        char buffer[TIMESTAMP_MAX];
        table_add(&t, list[i].next ? format_timestamp(list[i].next, buffer) : "-");
        table_add(&t, list[i].next ? format_ago(list[i].next, buffer) : "-");
        table_add(&t, list[i].last ? format_timestamp(list[i].last, buffer) : "-");
        table_add(&t, list[i].last ? format_ago(list[i].last, buffer) : "-");
        table_add(&t, list[i].unit);
        table_add(&t, list[i].activates && *list[i].activates ? list[i].activates : "-");
        free(list[i].activates);
    }
    int status = table_print(&t);
    if (status == 0 && !ctl.no_legend && ctl.output == OUTPUT_TEXT)
        printf("\n%zu timers listed.\n%s", n, ctl.all ? "" : "Pass --all to see loaded but inactive timers, too.\n");
    return status;
}

/* --- list-jobs ------------------------------------------------------------------------------------------ */
struct job_row {
    uint32_t id;
    const char *unit, *type, *state;
};

static int compare_jobs(const void *a, const void *b) {
    uint32_t x = ((const struct job_row *)a)->id, y = ((const struct job_row *)b)->id;
    return x < y ? -1 : x > y;
}

static struct job_row *read_jobs(DBusMessage *reply, size_t *ret_n) {
    DBusMessageIter i, rows, row;
    struct job_row *list = NULL;
    size_t n = 0;
    if (dbus_message_iter_init(reply, &i) && take_open(&i, &rows))
        while (take_open(&rows, &row)) {
            struct job_row *more = reallocarray(list, n + 1, sizeof *list);
            if (!more)
                break;
            list = more;
            list[n].id = (uint32_t)take_number(&row);
            list[n].unit = take_string(&row);
            list[n].type = take_string(&row);
            list[n++].state = take_string(&row);
        }
    if (n > 0)
        qsort(list, n, sizeof *list, compare_jobs);
    *ret_n = n;
    return list;
}

/* Jobs that wait for this one, or that it waits for. */
static void add_neighbours(struct table *t, uint32_t id, const char *method, const char *label) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *reply = ctl_call(method, &error, "u", (unsigned)id);
    size_t n = 0;
    _cleanup_free_ struct job_row *rows = reply ? read_jobs(reply, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        char line[256];
        snprintf(line, sizeof line, "\t%s job %u (%s/%s)", label, rows[i].id, rows[i].unit, rows[i].type);
        table_add(t, glyph(i + 1 < n ? GLYPH_BRANCH : GLYPH_LAST));
        table_add(t, line);
        table_add(t, "-");
        table_add(t, "-");
    }
}

int verb_list_jobs(int argc, char **argv) {
    static const char *const headers[] = { "JOB", "UNIT", "TYPE", "STATE" };
    _cleanup_table_ struct table t = { .headers = headers, .numbers = "0000", .n_columns = 4 };
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    if (ctl_connect() < 0)
        return EXIT_FAILURE;
    _cleanup_message_ DBusMessage *reply = ctl_call("ListJobs", &error, "");
    if (!reply)
        return fail("Failed to list jobs: %s", error.message);
    size_t n, shown = 0;
    _cleanup_free_ struct job_row *rows = read_jobs(reply, &n);
    for (size_t i = 0; i < n; i++) {
        char number[16];
        if (argc > 1 && !strv_contains(argv + 1, rows[i].unit))
            continue;
        snprintf(number, sizeof number, "%u", rows[i].id);
        table_add(&t, number);
        table_add(&t, rows[i].unit);
        table_add(&t, rows[i].type);
        table_add(&t, rows[i].state);
        if (ctl.after)
            add_neighbours(&t, rows[i].id, "GetJobAfter", "blocking");
        if (ctl.before)
            add_neighbours(&t, rows[i].id, "GetJobBefore", "waiting for");
        shown++;
    }
    if (shown == 0) {
        if (!ctl.no_legend)
            printf("No jobs %s.\n", argc > 1 ? "listed" : "running");
        return 0;
    }
    ctl.output = OUTPUT_TEXT;
    int status = table_print(&t);
    if (status == 0 && !ctl.no_legend)
        printf("\n%zu jobs listed.\n", shown);
    return status;
}

/* --- list-unit-files ------------------------------------------------------------------------------------ */
bool state_has_preset(const char *state) {
    static const char *const without[] = { "static", "alias", "generated", "transient" };
    for (size_t i = 0; i < ELEMENTS(without); i++)
        if (strcmp(without[i], state) == 0)
            return false;
    return true;
}

struct presets {
    struct preset_rules rules;
    const struct search_path *where; /* NULL once they are read, which is when the first unit asks */
};

static void add_file(struct table *t, struct presets *presets, const char *path, const char *state, size_t *n) {
    const char *name = path_base(path), *type = strrchr(name, '.');
    enum preset_action action = PRESET_UNKNOWN;
    if (ctl.types && !strv_contains(ctl.types, type ? type + 1 : ""))
        return;
    if (state_has_preset(state)) {
        if (presets->where)
            (void)preset_rules_read(presets->where, &presets->rules);
        presets->where = NULL;
        (void)preset_query(&presets->rules, name, &action, NULL);
    }
    table_add(t, name);
    table_add(t, state);
    table_add(t, action == PRESET_UNKNOWN ? "-" : preset_action_to_string(action));
    (*n)++;
}

/* By type, then by name. */
static int compare_files(const void *a, const void *b) {
    const char *x = path_base(((const struct unit_file_entry *)a)->path);
    const char *y = path_base(((const struct unit_file_entry *)b)->path);
    const char *dx = strrchr(x, '.'), *dy = strrchr(y, '.');
    int c = strcasecmp(dx ? dx : "", dy ? dy : "");
    return c ? c : strcasecmp(x, y);
}

static int ask_files(char **patterns, struct unit_file_list *list) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *reply = ctl_call("ListUnitFilesByPatterns", &error, "AA", ctl.states, patterns);
    DBusMessageIter i, rows, row;
    if (!reply) {
        fail("Failed to list unit files: %s", error.message);
        return -EREMOTEIO;
    }
    if (!dbus_message_iter_init(reply, &i) || !take_open(&i, &rows))
        return 0;
    while (take_open(&rows, &row)) {
        struct unit_file_entry *more = reallocarray(list->items, list->n + 1, sizeof *more);
        if (!more)
            return fail_memory(), -ENOMEM;
        list->items = more;
        more[list->n].path = strdup(take_string(&row));
        more[list->n].state = unit_file_state_from_string(take_string(&row));
        if (more[list->n].path)
            list->n++;
    }
    return 0;
}

int verb_list_unit_files(int argc, char **argv) {
    static const char *const headers[] = { "UNIT FILE", "STATE", "PRESET" };
    _cleanup_table_ struct table t = { .headers = headers, .numbers = "000", .n_columns = 3 };
    _cleanup_unit_file_list_ struct unit_file_list list = {};
    _cleanup_strv_ char **patterns = NULL;
    _cleanup_(search_path_done) struct search_path where = {};
    struct presets presets = { .where = &where };
    size_t n = 0;
    for (int i = 1; i < argc; i++) {
        char *name;
        if (mangle(argv[i], NULL, &name) < 0 || strv_take(&patterns, name) < 0)
            return EXIT_FAILURE;
    }
    if (files_where(&where) < 0)
        return EXIT_FAILURE;
    if (ctl_offline()) {
        int r = install_list(&where, ctl.states, patterns, &list);
        if (r < 0)
            return fail("Failed to get unit file list: %s", strerror(-r));
    } else if (ask_files(patterns, &list) < 0)
        return EXIT_FAILURE;
    if (list.n > 0)
        qsort(list.items, list.n, sizeof *list.items, compare_files);
    for (size_t i = 0; i < list.n; i++) {
        const char *state = unit_file_state_to_string(list.items[i].state);
        add_file(&t, &presets, list.items[i].path, state ? state : "n/a", &n);
    }
    int status = table_print(&t);
    if (status == 0 && !ctl.no_legend && ctl.output == OUTPUT_TEXT)
        printf("\n%zu unit files listed.\n", n);
    preset_rules_done(&presets.rules);
    return status == 0 && n == 0 ? EXIT_FAILURE : status;
}
