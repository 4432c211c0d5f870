/* SPDX-License-Identifier: Apache-2.0 */
/* `systemctl status`: what a person wants to know of a unit, and of the whole. */
#include "cli/systemctl/ctl.h"

#include "base/fd.h"
#include "base/path.h"
#include "syntax/names.h"
#include "syntax/timespan.h"
#include "unit/name.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define INDENT "             "
#define COMM_MAX 64

static usec_t stamp(DBusMessage *p, const char *name) {
    usec_t t = props_number(p, name);
    return t == UINT64_MAX ? 0 : t;
}

/* --- the unit's files ----------------------------------------------------------------------------------- */
static const char *file_state_color(const char *state) {
    if (strncmp(state, "enabled", 7) == 0)
        return color(COLOR_GOOD);
    return strcmp(state, "disabled") == 0 ? color(COLOR_WARN) : "";
}

static void print_loaded(DBusMessage *p) {
    const char *load = props_string(p, "LoadState"), *state = props_string(p, "UnitFileState");
    const char *preset = props_string(p, "UnitFilePreset"), *path = props_string(p, "SourcePath"), *why = "";
    bool bad = strcmp(load, "error") == 0 || strcmp(load, "not-found") == 0 || strcmp(load, "bad-setting") == 0;
    DBusMessageIter i, error;
    if (props_find(p, "LoadError", &i) && take_open(&i, &error)) {
        take_string(&error);
        why = take_string(&error);
    }
    if (!*path)
        path = props_string(p, "FragmentPath");
    printf("     Loaded: %s%s%s", bad ? color(COLOR_BAD) : "", load, bad ? color_off() : "");
    if (*why)
        printf(" (Reason: %s)", why);
    else if (*path && *state) {
        printf(" (%s; %s%s%s", path, file_state_color(state), state, *file_state_color(state) ? color_off() : "");
        if (*preset && state_has_preset(state))
            printf("; preset: %s%s%s", file_state_color(preset), preset, *file_state_color(preset) ? color_off() : "");
        putchar(')');
    } else if (*path)
        printf(" (%s)", path);
    putchar('\n');
    if (props_number(p, "Transient") == 1)
        puts("  Transient: yes");
}

static void print_dropins(DBusMessage *p) {
    _cleanup_strv_ char **list = props_strings(p, "DropInPaths");
    size_t directory = 0; /* length of the one that is being listed */
    STRV_FOREACH (path, list) {
        const char *base = path_base(*path);
        size_t n = (size_t)(base - *path);
        bool same = path > list && n == directory && strncmp(path[-1], *path, n) == 0;
        /* Is it the last of its directory? */
        const char *next = path[1];
        bool last = !next || (size_t)(path_base(next) - next) != n || strncmp(next, *path, n) != 0;
        if (!same) {
            printf("%s%.*s\n" INDENT "%s", path == list ? "    Drop-In: " : INDENT, (int)(n > 1 ? n - 1 : n), *path,
                   glyph(GLYPH_LAST));
        }
        directory = n;
        printf("%s%s", same ? ", " : "", base);
        if (last)
            putchar('\n');
    }
}

/* --- its state ------------------------------------------------------------------------------------------ */
static void print_active(DBusMessage *p, const char *active) {
    char when[TIMESTAMP_MAX], ago[TIMESTAMP_MAX];
    const char *sub = props_string(p, "SubState"), *result = props_string(p, "Result");
    bool up = strcmp(active, "active") == 0 || strcmp(active, "reloading") == 0;
    bool down = strcmp(active, "inactive") == 0 || strcmp(active, "failed") == 0;
    printf("     Active: %s%s", color_of_state(active), active);
    if (strcmp(sub, active) != 0)
        printf(" (%s)", sub);
    fputs(*color_of_state(active) ? color_off() : "", stdout);
    if (*result && strcmp(result, "success") != 0)
        printf(" (Result: %s)", result);
    usec_t entered = stamp(p, "ActiveEnterTimestamp"), left = stamp(p, "ActiveExitTimestamp");
    usec_t since = up                                      ? entered
                   : down                                  ? stamp(p, "InactiveEnterTimestamp")
                   : strcmp(active, "activating") == 0     ? stamp(p, "InactiveExitTimestamp")
                                                           : left;
    if (since == 0) {
        putchar('\n');
        return;
    }
    printf(" since %s; %s\n", format_timestamp(since, when), format_ago(since, ago));
    usec_t most = props_number(p, "RuntimeMaxUSec");
    if (strcmp(active, "active") == 0 && most != USEC_INFINITY && most > 0) {
        usec_t until = usec_add(entered, most);
        printf("      Until: %s; %s\n", format_timestamp(until, when), format_ago(until, ago));
    }
    if (down && entered > 0 && left >= entered && unit_name_type(props_string(p, "Id")) != UNIT_TARGET)
        printf("   Duration: %s\n", timespan_format(left - entered, USEC_PER_MSEC, when, sizeof when));
}

static void print_related(DBusMessage *p, const char *property, const char *label) {
    _cleanup_strv_ char **list = props_strings(p, property);
    STRV_FOREACH (name, list) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        _cleanup_free_ char *path = unit_path(*name);
        _cleanup_free_ char *state = path ? prop_string(path, "Unit", "ActiveState", &error) : NULL;
        const char *on = color_of_state(state ? state : "");
        printf("%*s %s%s%s %s\n", 12, name == list ? label : "", on, glyph(GLYPH_CIRCLE), *on ? color_off() : "",
               *name);
    }
}

static void print_timer(DBusMessage *p) {
    char when[TIMESTAMP_MAX], ago[TIMESTAMP_MAX];
    usec_t real = stamp(p, "NextElapseUSecRealtime"), monotonic = stamp(p, "NextElapseUSecMonotonic");
    usec_t next = real;
    if (unit_name_type(props_string(p, "Id")) != UNIT_TIMER)
        return;
    if (monotonic > 0) {
        monotonic = usec_add(now(CLOCK_REALTIME), usec_sub(monotonic, now(CLOCK_MONOTONIC)));
        next = real > 0 ? MIN(real, monotonic) : monotonic;
    }
    if (next > 0)
        printf("    Trigger: %s; %s\n", format_timestamp(next, when), format_ago(next, ago));
    else
        puts("    Trigger: n/a");
}

/* Conditions or asserts that kept the unit from starting. */
static void print_conditions(DBusMessage *p, bool assert) {
    char when[TIMESTAMP_MAX], ago[TIMESTAMP_MAX];
    DBusMessageIter i, list, one;
    usec_t at = stamp(p, assert ? "AssertTimestamp" : "ConditionTimestamp");
    if (at == 0 || props_number(p, assert ? "AssertResult" : "ConditionResult") != 0)
        return;
    printf("%s: start %s%s failed%s at %s; %s\n", assert ? "     Assert" : "  Condition",
           color(assert ? COLOR_BAD : COLOR_WARN), assert ? "assertion" : "condition", color_off(),
           format_timestamp(at, when), format_ago(at, ago));
    size_t failed = 0;
    for (int pass = 0; pass < 2; pass++) { /* to count, to print */
        if (!props_find(p, assert ? "Asserts" : "Conditions", &i) || !take_open(&i, &list))
            return;
        while (take_open(&list, &one)) {
            const char *kind = take_string(&one);
            bool trigger = take_number(&one) != 0, negate = take_number(&one) != 0;
            const char *parameter = take_string(&one);
            if ((int64_t)take_number(&one) >= 0)
                continue;
            if (pass == 0)
                failed++;
            else
                printf(INDENT "%s%s=%s%s%s was not met\n", assert ? "" : glyph(--failed ? GLYPH_BRANCH : GLYPH_LAST),
                       kind, trigger ? "|" : "", negate ? "!" : "", parameter);
            if (pass == 1 && assert)
                return;
        }
    }
}

static void print_lines(DBusMessage *p, const char *property, const char *label) {
    _cleanup_strv_ char **list = props_strings(p, property);
    STRV_FOREACH (line, list)
        printf("%*s %s\n", 12, line == list ? label : "", *line);
}

static void print_socket(DBusMessage *p) {
    DBusMessageIter i, list, one;
    bool first = true;
    if (props_find(p, "Listen", &i) && take_open(&i, &list))
        for (; take_open(&list, &one); first = false) {
            const char *kind = take_string(&one);
            printf("%*s %s (%s)\n", 12, first ? "Listen:" : "", take_string(&one), kind);
        }
    if (props_number(p, "Accept") == 1) {
        printf("   Accepted: %u; Connected: %u;", (unsigned)props_number(p, "NAccepted"),
               (unsigned)props_number(p, "NConnections"));
        unsigned refused = (unsigned)props_number(p, "NRefused");
        if (refused > 0 && refused != UINT32_MAX)
            printf("   Refused: %u", refused);
        putchar('\n');
    }
}

/* --- its processes -------------------------------------------------------------------------------------- */
static const char *comm_of(unsigned pid, char buffer[static COMM_MAX]) {
    char path[32];
    _cleanup_free_ char *content = NULL;
    snprintf(path, sizeof path, "/proc/%u/comm", pid);
    if (file_read(path, 4096, &content, NULL) < 0)
        return NULL;
    snprintf(buffer, COMM_MAX, "%.*s", (int)strcspn(content, "\n"), content);
    return buffer;
}

/* The commands that have ended, a line each. */
static void print_ended(DBusMessage *p, unsigned *control_pid) {
    static const char *const lists[] = { "ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost",
                                         "ExecReload",    "ExecStop",     "ExecStopPost" };
    char how[TIMESTAMP_MAX];
    for (size_t k = 0; k < ELEMENTS(lists); k++) {
        DBusMessageIter i, list, one, words;
        if (!props_find(p, lists[k], &i) || !take_open(&i, &list))
            continue;
        while (take_open(&list, &one)) {
            _cleanup_text_ struct text argv = {};
            take_string(&one);
            if (take_open(&one, &words))
                while (dbus_message_iter_get_arg_type(&words) == DBUS_TYPE_STRING)
                    text_addf(&argv, "%s%s", argv.len > 0 ? " " : "", take_string(&words));
            take_number(&one);
            usec_t start = take_number(&one);
            take_number(&one);
            usec_t stop = take_number(&one);
            take_number(&one);
            unsigned pid = (unsigned)take_number(&one);
            int code = (int)take_number(&one), status = (int)take_number(&one);
            if (start == 0 || stop == 0)
                continue;
            bool bad = code != CLD_EXITED || status != 0;
            printf("    Process: %u %s=%s %s(%s)%s\n", pid, lists[k], text_str(&argv), bad ? color(COLOR_BAD) : "",
                   format_exit(code, status, how), bad ? color_off() : "");
            if (pid == *control_pid)
                *control_pid = 0;
        }
    }
}

static unsigned pid_of(DBusMessage *p, const char *name) {
    uint64_t n = props_number(p, name);
    return n == UINT64_MAX ? 0 : (unsigned)n;
}

static void print_pids(DBusMessage *p) {
    unsigned running = pid_of(p, "MainPID"), main_pid = pid_of(p, "ExecMainPID"), control = pid_of(p, "ControlPID");
    char buffer[TIMESTAMP_MAX];
    if (main_pid == 0)
        main_pid = running;
    print_ended(p, &control);
    if (main_pid == 0 && control == 0)
        return;
    if (main_pid > 0) {
        int code = (int)pid_of(p, "ExecMainCode");
        const char *comm = running > 0 ? comm_of(main_pid, buffer) : NULL;
        printf("   Main PID: %u", main_pid);
        if (comm)
            printf(" (%s)", comm);
        else if (running == 0 && code > 0)
            printf(" (%s)", format_exit(code, (int)props_number(p, "ExecMainStatus"), buffer));
    }
    if (control > 0) {
        const char *comm = comm_of(control, buffer);
        printf("%s%u", main_pid > 0 ? "; Control PID: " : "  Cntrl PID: ", control);
        if (comm)
            printf(" (%s)", comm);
    }
    putchar('\n');
}

static void print_resources(DBusMessage *p) {
    char buffer[TIMESTAMP_MAX];
    uint64_t tasks = props_number(p, "TasksCurrent"), most = props_number(p, "TasksMax");
    uint64_t memory = props_number(p, "MemoryCurrent"), cpu = props_number(p, "CPUUsageNSec");
    if (tasks != UINT64_MAX) {
        printf("      Tasks: %llu", (unsigned long long)tasks);
        if (most != UINT64_MAX)
            printf(" %s(limit: %llu)%s", color(COLOR_DIM), (unsigned long long)most, color_off());
        putchar('\n');
    }
    if (memory != UINT64_MAX)
        printf("     Memory: %s\n", size_format(memory, buffer));
    if (cpu != UINT64_MAX)
        printf("        CPU: %s\n", timespan_format(cpu / 1000, USEC_PER_MSEC, buffer, sizeof buffer));
}

/* --- the tree of processes ------------------------------------------------------------------------------ */
struct process {
    const char *group, *command; /* group: relative to the unit's, without slashes around */
    unsigned pid;
};

static int compare_processes(const void *a, const void *b) {
    const struct process *x = a, *y = b;
    int c = strcmp(x->group, y->group);
    return c ? c : x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Those directly in the group first, then each group below. `list` is sorted and all below `depth` characters. */
static void print_tree(const struct process *list, size_t n, size_t depth, const char *prefix) {
    size_t own = 0;
    unsigned most = 0;
    int width = 1;
    for (; own < n && !list[own].group[depth]; own++)
        most = MAX(most, list[own].pid);
    for (; most >= 10; most /= 10)
        width++;
    for (size_t i = 0; i < own; i++)
        printf("%s%s%s%*u %s%s\n", prefix, color(COLOR_DIM), glyph(i + 1 < n ? GLYPH_BRANCH : GLYPH_LAST), width,
               list[i].pid, list[i].command, color_off());
    for (size_t i = own, end; i < n; i = end) {
        const char *name = list[i].group + depth;
        size_t len = strcspn(name, "/");
        char deeper[256];
        for (end = i; end < n && strncmp(list[end].group + depth, name, len) == 0 &&
                      (!list[end].group[depth + len] || list[end].group[depth + len] == '/');)
            end++;
        printf("%s%s%.*s\n", prefix, glyph(end < n ? GLYPH_BRANCH : GLYPH_LAST), (int)len, name);
        snprintf(deeper, sizeof deeper, "%s%s", prefix, glyph(end < n ? GLYPH_BAR : GLYPH_SPACE));
        size_t below = depth + len + (name[len] == '/');
        if (name[len]) /* all of this name go deeper alike */
            print_tree(list + i, end - i, below, deeper);
        else {
            size_t direct = i;
            while (direct < end && !list[direct].group[depth + len])
                direct++;
            print_tree(list + i, direct - i, depth + len, deeper);
            print_tree(list + direct, end - direct, depth + len + 1, deeper);
        }
    }
}

void print_processes(const char *unit, const char *control_group) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *reply = ctl_call("GetUnitProcesses", &error, "s", unit);
    DBusMessageIter i, rows, row;
    _cleanup_free_ struct process *list = NULL;
    size_t n = 0, size = 0;
    if (!reply || !dbus_message_iter_init(reply, &i) || !take_open(&i, &rows))
        return;
    while (take_open(&rows, &row)) {
        if (n == size) {
            size = size ? 2 * size : 32;
            struct process *more = reallocarray(list, size, sizeof *list);
            if (!more)
                return;
            list = more;
        }
        const char *group = take_string(&row), *below = path_below(group, control_group);
        list[n].group = below ? below : "";
        list[n].pid = (unsigned)take_number(&row);
        list[n++].command = take_string(&row);
    }
    if (n > 0)
        qsort(list, n, sizeof *list, compare_processes);
    print_tree(list, n, 0, INDENT);
}

/* --- all of it ------------------------------------------------------------------------------------------ */
void print_status(DBusMessage *p, const char *path) {
    const char *id = props_string(p, "Id"), *description = props_string(p, "Description");
    const char *active = props_string(p, "ActiveState"), *following = props_string(p, "Following");
    const char *text = props_string(p, "StatusText"), *group = props_string(p, "ControlGroup");
    printf("%s%s%s %s", color_of_state(active), glyph(glyph_of_state(active)),
           *color_of_state(active) ? color_off() : "", id);
    if (*description && strcmp(id, description) != 0)
        printf(" - %s", description);
    putchar('\n');
    if (*following)
        printf("    Follows: unit currently follows state of %s\n", following);
    print_loaded(p);
    print_dropins(p);
    print_active(p, active);
    print_related(p, "TriggeredBy", "TriggeredBy:");
    print_timer(p);
    print_related(p, "Triggers", "Triggers:");
    print_conditions(p, false);
    print_conditions(p, true);
    const char *where = props_string(p, "Where"), *what = props_string(p, "What");
    if (*where)
        printf("      Where: %s\n", where);
    if (*what)
        printf("       What: %s\n", what);
    print_lines(p, "Documentation", "Docs:");
    print_socket(p);
    print_pids(p);
    if (*text)
        printf("     Status: \"%s\"\n", text);
    uint64_t number = props_number(p, "StatusErrno");
    if (number != UINT64_MAX && (int)number > 0)
        printf("      Error: %d (%s)\n", (int)number, strerror((int)number));
    print_resources(p);
    if (*group) {
        printf("     CGroup: %s\n", group);
        print_processes(id, group);
    }
    print_log(p);
}

int print_system_status(void) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *p = props_get(BUS_PATH, &error);
    struct utsname host;
    char when[TIMESTAMP_MAX], ago[TIMESTAMP_MAX];
    if (!p || uname(&host) < 0)
        return fail("Failed to read server status: %s", error.message ? error.message : "no host name");
    const char *state = props_string(p, "SystemState"), *tainted = props_string(p, "Tainted");
    bool good = strcmp(state, "running") == 0, bad = strcmp(state, "degraded") == 0;
    const char *on = good ? color(COLOR_GOOD) : bad ? color(COLOR_BAD) : color(COLOR_WARN);
    usec_t since = stamp(p, "UserspaceTimestamp");
    printf("%s%s%s %s\n    State: %s%s%s\n", on,
           glyph(good  ? GLYPH_CIRCLE
                 : bad ? GLYPH_CROSS
                       : GLYPH_CIRCLE),
           color_off(), host.nodename, on, state, color_off());
    printf("    Units: %u loaded (incl. loaded aliases)\n", (unsigned)props_number(p, "NNames"));
    printf("     Jobs: %u queued\n   Failed: %u units\n", (unsigned)props_number(p, "NJobs"),
           (unsigned)props_number(p, "NFailedUnits"));
    printf("    Since: %s; %s\n", format_timestamp(since, when), format_ago(since, ago));
    printf("  systemd: %s\n", props_string(p, "Version"));
    if (*tainted)
        printf("  Tainted: %s\n", tainted);
    const char *group = props_string(p, "ControlGroup");
    printf("   CGroup: %s\n", *group ? group : "/");
    print_processes("-.slice", *group ? group : "/");
    return 0;
}
