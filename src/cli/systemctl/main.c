/* SPDX-License-Identifier: Apache-2.0 */
/* The systemctl applet: its options and verbs as tables. systemctl(1). */
#include "cli/applets.h"
#include "cli/systemctl/ctl.h"

#include "base/path.h"
#include "syntax/names.h"
#include "unit/install.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct ctl ctl = { .signal = SIGTERM, .scope = SEARCH_SYSTEM, .lines = 10 };

int fail_memory(void) {
    return fail("Out of memory.");
}

/* --- options -------------------------------------------------------------------------------------------- */
enum kind {
    SET,     /* a bool becomes true */
    TEXT,    /* a string */
    LIST,    /* words with commas between them are added */
    COUNT,   /* an unsigned grows by one */
    NOTHING, /* accepted: means what is always so here */
    NOTHING_WITH_VALUE,
    REFUSE,  /* this applet talks to one manager only */
    REFUSE_WITH_VALUE,
    /* of their own */
    HELP,
    VERSION,
    FAILED,
    QUIET,
    LEGEND,
    PROPERTY,
    PROPERTY_VALUE,
    SIGNAL,
    OUTPUT,
    LINES,
    JOB_MODE_FAIL,
    JOB_MODE_NOW,
    SCOPE_SYSTEM,
    SCOPE_USER,
    SCOPE_GLOBAL,
};
static bool ignore_dependencies, legend_given;

static const struct option_row {
    const char *name;
    char letter;
    enum kind kind;
    void *target;
} option_rows[] = {
    { "help", 'h', HELP, NULL },
    { "version", 0, VERSION, NULL },
    { "type", 't', LIST, &ctl.types },
    { "state", 0, LIST, &ctl.states },
    { "failed", 0, FAILED, NULL },
    { "property", 'p', PROPERTY, &ctl.properties },
    { NULL, 'P', PROPERTY_VALUE, &ctl.properties },
    { "value", 0, SET, &ctl.value },
    { "all", 'a', SET, &ctl.all },
    { "full", 'l', SET, &ctl.full },
    { "recursive", 'r', SET, &ctl.recursive },
    { "reverse", 0, SET, &ctl.reverse },
    { "after", 0, SET, &ctl.after },
    { "before", 0, SET, &ctl.before },
    { "plain", 0, SET, &ctl.plain },
    { "no-legend", 0, SET, &ctl.no_legend },
    { "output", 'o', OUTPUT, NULL },
    { "quiet", 'q', QUIET, NULL },
    { "no-warn", 0, SET, &ctl.no_warn },
    { "no-block", 0, SET, &ctl.no_block },
    { "wait", 0, SET, &ctl.wait },
    { "show-transaction", 'T', SET, &ctl.show_transaction },
    { "job-mode", 0, TEXT, &ctl.job_mode },
    { "fail", 0, JOB_MODE_FAIL, NULL },
    { "ignore-dependencies", 0, SET, &ignore_dependencies },
    { "signal", 's', SIGNAL, NULL },
    { "kill-whom", 0, TEXT, &ctl.kill_whom },
    { "kill-who", 0, TEXT, &ctl.kill_whom },
    { "now", 0, SET, &ctl.now },
    { "marked", 0, SET, &ctl.marked },
    { "stdin", 0, SET, &ctl.from_stdin },
    { "drop-in", 0, TEXT, &ctl.drop_in },
    { "runtime", 0, SET, &ctl.runtime },
    { "force", 'f', COUNT, &ctl.force },
    { "root", 0, TEXT, &ctl.root },
    { "preset-mode", 0, TEXT, &ctl.preset_mode },
    { "no-reload", 0, SET, &ctl.no_reload },
    { "message", 0, TEXT, &ctl.message },
    { "system", 0, SCOPE_SYSTEM, NULL },
    { "user", 0, SCOPE_USER, NULL },
    { "global", 0, SCOPE_GLOBAL, NULL },
    { "no-pager", 0, NOTHING, NULL },
    { "no-ask-password", 0, NOTHING, NULL },
    { "no-wall", 0, NOTHING, NULL },
    { "show-types", 0, NOTHING, NULL },
    { NULL, 'i', NOTHING, NULL },
    { "check-inhibitors", 0, NOTHING_WITH_VALUE, NULL },
    { "lines", 'n', LINES, NULL },
    { "timestamp", 0, NOTHING_WITH_VALUE, NULL },
    { "legend", 0, LEGEND, NULL },
    { "host", 'H', REFUSE_WITH_VALUE, NULL },
    { "machine", 'M', REFUSE_WITH_VALUE, NULL },
    { "image", 0, REFUSE_WITH_VALUE, NULL },
};

static int has_value(enum kind kind) {
    static const unsigned with = 1u << TEXT | 1u << LIST | 1u << NOTHING_WITH_VALUE | 1u << REFUSE_WITH_VALUE |
                                 1u << PROPERTY | 1u << PROPERTY_VALUE | 1u << SIGNAL | 1u << OUTPUT |
                                 1u << LINES | 1u << LEGEND;
    return with >> kind & 1 ? required_argument : no_argument;
}

static int add_words(char ***list, const char *words) {
    _cleanup_strv_ char **parts = strv_split(words, ",");
    return parts ? strv_add_all(list, parts) : -1;
}

static void list_signals(void) {
    for (int i = 1; i <= SIGRTMAX; i++)
        if (signal_to_string(i))
            printf("%2d SIG%s\n", i, signal_to_string(i));
}

static int usage(void);

/* 0: go on; else 1 + the exit status. */
static int take_option(const struct option_row *row, const char *value) {
    static const struct {
        const char *name;
        enum output output;
    } outputs[] = { { "json", OUTPUT_JSON }, { "json-pretty", OUTPUT_JSON_PRETTY }, { "short", OUTPUT_TEXT } };
    switch (row->kind) {
    case SET:
        *(bool *)row->target = true;
        return 0;
    case COUNT:
        (*(unsigned *)row->target)++;
        return 0;
    case TEXT:
        *(const char **)row->target = value;
        return 0;
    case QUIET:
        ctl.quiet = true;
        ctl.no_legend |= !legend_given;
        return 0;
    case LEGEND:
        if (bool_parse(value) < 0)
            return 1 + fail("Failed to parse boolean argument to --legend: %s.", value);
        ctl.no_legend = !bool_parse(value);
        legend_given = true;
        return 0;
    case PROPERTY:
    case PROPERTY_VALUE:
        /* Who asks for a property wants to see it, if it is empty too. */
        ctl.all = true;
        ctl.value |= row->kind == PROPERTY_VALUE;
        /* fall through */
    case LIST:
        return add_words(row->target, value) < 0 ? 1 + fail_memory() : 0;
    case FAILED:
        return add_words(&ctl.states, "failed") < 0 ? 1 + fail_memory() : 0;
    case JOB_MODE_FAIL:
        ctl.job_mode = "fail";
        return 0;
    case OUTPUT:
        for (size_t i = 0; i < ELEMENTS(outputs); i++)
            if (strcmp(outputs[i].name, value) == 0) {
                ctl.output = outputs[i].output;
                ctl.no_legend |= ctl.output != OUTPUT_TEXT;
            }
        /* Of status it is the log's. */
        if (print_mode_from_string(value) >= 0)
            ctl.log_mode = (enum print_mode)print_mode_from_string(value);
        return 0;
    case LINES:
        if (strcmp(value, "all") == 0)
            ctl.lines = UINT64_MAX;
        else if (uint64_parse(value, &ctl.lines) < 0)
            return 1 + fail("Failed to parse lines '%s'", value);
        return 0;
    case SIGNAL:
        if (strcmp(value, "help") == 0 || strcmp(value, "list") == 0) {
            list_signals();
            return 1;
        }
        ctl.signal = signal_from_string(value);
        return ctl.signal < 0 ? 1 + fail("Failed to parse signal string \"%s\".", value) : 0;
    case REFUSE:
    case REFUSE_WITH_VALUE:
        return 1 + fail("--%s: this systemctl talks to the service manager of its own container only.", row->name);
    case SCOPE_SYSTEM:
    case SCOPE_USER:
    case SCOPE_GLOBAL:
        ctl.scope = row->kind == SCOPE_SYSTEM ? SEARCH_SYSTEM : row->kind == SCOPE_USER ? SEARCH_USER : SEARCH_GLOBAL;
        return 0;
    case HELP:
        return 1 + usage();
    case VERSION:
        /* Scripts read the number: it says which systemd's behaviour this is. */
        puts("systemd 252 (reeve " REEVE_VERSION ")");
        return 1;
    default:
        return 0;
    }
}

static int take_options(int argc, char **argv) {
    struct option options[ELEMENTS(option_rows) + 1] = {};
    char letters[2 * ELEMENTS(option_rows) + 2] = "";
    const struct option_row *by_index[ELEMENTS(option_rows)];
    size_t n = 0, used = 0;
    for (size_t i = 0; i < ELEMENTS(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        if (row->letter) {
            letters[used++] = row->letter;
            if (has_value(row->kind))
                letters[used++] = ':';
        }
        if (row->name) {
            by_index[n] = row;
            options[n++] = (struct option){ row->name, has_value(row->kind), NULL, 0 };
        }
    }
    optind = 0;
    for (int c, index = 0; (c = getopt_long(argc, argv, letters, options, &index)) >= 0;) {
        const struct option_row *row = c == 0 ? by_index[index] : NULL;
        for (size_t i = 0; c > 0 && i < ELEMENTS(option_rows); i++)
            if (option_rows[i].letter == c)
                row = &option_rows[i];
        if (!row && argv[optind - 1][0] == '-' && strchr(argv[optind - 1], '.'))
            fail("Hint: to specify units starting with a dash, use \"--\":\n"
                 "      %s [OPTIONS...] COMMAND -- %s ...",
                 argv[0], argv[optind - 1]);
        int status = row ? take_option(row, optarg) : 2;
        if (status != 0)
            return status;
    }
    if (ignore_dependencies)
        ctl.job_mode = "ignore-dependencies";
    return 0;
}

/* --- verbs ---------------------------------------------------------------------------------------------- */
enum verb_flags {
    ONLINE = 1 << 0,  /* needs a manager: in a chroot it does nothing */
    DEFAULT = 1 << 1, /* where no verb is given */
};
#define ANY 255
static const struct {
    const char *name;
    uint8_t least, most; /* arguments */
    uint8_t flags;
    verb_function run;
    const char *help; /* NULL: another name of something, or not worth a line */
} verbs[] = {
    { "list-units", 0, ANY, DEFAULT | ONLINE, verb_list_units, "[PATTERN…]       units that are loaded" },
    { "list-unit-files", 0, ANY, 0, verb_list_unit_files, "[PATTERN…]  unit files that are installed" },
    { "list-sockets", 0, ANY, ONLINE, verb_list_sockets, "[PATTERN…]     sockets, and what they start" },
    { "list-timers", 0, ANY, ONLINE, verb_list_timers, "[PATTERN…]      timers, with what they start and when" },
    { "list-jobs", 0, ANY, ONLINE, verb_list_jobs, "[UNIT…]           what is being done and waits to be" },
    { "list-dependencies", 0, ANY, ONLINE, verb_list_dependencies, "[UNIT…]   what a unit needs, as a tree" },
    { "status", 0, ANY, ONLINE, verb_show, "[UNIT|PID…]          how units are, with their processes" },
    { "show", 0, ANY, ONLINE, verb_show, "[UNIT|JOB…]            properties of units, jobs, the manager" },
    { "cat", 1, ANY, 0, verb_cat, "UNIT…                   unit files and drop-ins" },
    { "edit", 1, ANY, 0, verb_edit,
      "UNIT…                  a drop-in of one's own; --full: a copy; --force: a new unit" },
    { "is-active", 1, ANY, ONLINE, verb_is_active, "UNIT…             0 if one is active" },
    { "is-failed", 1, ANY, ONLINE, verb_is_active, "UNIT…             0 if one has failed" },
    { "is-enabled", 1, ANY, 0, verb_is_enabled, "UNIT…            0 if one is enabled" },
    { "is-system-running", 0, 0, ONLINE, verb_is_system_running, "          0 if all is well" },
    { "start", 1, ANY, ONLINE, verb_start, "UNIT…" },
    { "stop", 1, ANY, ONLINE, verb_start, "UNIT…" },
    { "condstop", 1, ANY, ONLINE, verb_start, NULL },
    { "restart", 1, ANY, ONLINE, verb_start, "UNIT…" },
    { "try-restart", 1, ANY, ONLINE, verb_start, "UNIT…           restart what is active" },
    { "condrestart", 1, ANY, ONLINE, verb_start, NULL },
    { "reload", 1, ANY, ONLINE, verb_start, "UNIT…" },
    { "reload-or-restart", 0, ANY, ONLINE, verb_start, "UNIT…" },
    { "try-reload-or-restart", 1, ANY, ONLINE, verb_start, "UNIT…" },
    { "reload-or-try-restart", 1, ANY, ONLINE, verb_start, NULL },
    { "condreload", 1, ANY, ONLINE, verb_start, NULL },
    { "force-reload", 1, ANY, ONLINE, verb_start, NULL },
    { "isolate", 1, 1, ONLINE, verb_start, "UNIT                start one unit, stop all that it does not need" },
    { "default", 0, 0, ONLINE, verb_isolate_to, NULL },
    { "rescue", 0, 0, ONLINE, verb_isolate_to, NULL },
    { "emergency", 0, 0, ONLINE, verb_isolate_to, NULL },
    { "kill", 1, ANY, ONLINE, verb_kill, "UNIT…                  send a signal to its processes" },
    { "reset-failed", 0, ANY, ONLINE, verb_reset_failed, "[UNIT…]        forget failures and start limits" },
    { "cancel", 0, ANY, ONLINE, verb_cancel, "[JOB…]" },
    { "set-property", 2, ANY, ONLINE, verb_set_property, "UNIT NAME=VALUE…" },
    { "enable", 1, ANY, 0, verb_unit_files, "UNIT|PATH…" },
    { "disable", 1, ANY, 0, verb_unit_files, "UNIT…" },
    { "reenable", 1, ANY, 0, verb_unit_files, "UNIT…" },
    { "preset", 1, ANY, 0, verb_unit_files, "UNIT…                enable or disable as the vendor wants" },
    { "preset-all", 0, 0, 0, verb_preset_all, "" },
    { "mask", 1, ANY, 0, verb_unit_files, "UNIT…                  make units impossible to start" },
    { "unmask", 1, ANY, 0, verb_unit_files, "UNIT…" },
    { "link", 1, ANY, 0, verb_unit_files, "PATH…" },
    { "revert", 1, ANY, 0, verb_unit_files, "UNIT…                back to the vendor's version" },
    { "add-wants", 2, ANY, 0, verb_add_dependency, "TARGET UNIT…" },
    { "add-requires", 2, ANY, 0, verb_add_dependency, "TARGET UNIT…" },
    { "get-default", 0, 0, 0, verb_get_default, "" },
    { "set-default", 1, 1, 0, verb_set_default, "TARGET" },
    { "daemon-reload", 0, 0, ONLINE, verb_reload, "              read all units again" },
    { "daemon-reexec", 0, 0, ONLINE, verb_reload, "              the manager runs itself anew; no service notices" },
    { "show-environment", 0, 0, ONLINE, verb_show_environment, "" },
    { "set-environment", 1, ANY, ONLINE, verb_environment, "NAME=VALUE…" },
    { "unset-environment", 1, ANY, ONLINE, verb_environment, "NAME…" },
    { "import-environment", 1, ANY, ONLINE, verb_import_environment, "NAME…" },
    { "log-level", 0, 1, ONLINE, verb_log_level, "[LEVEL]" },
    { "log-target", 0, 1, ONLINE, verb_log_level, NULL },
    { "poweroff", 0, 0, ONLINE, verb_end, "                   stop everything: the container ends with 0" },
    { "halt", 0, 0, ONLINE, verb_end, NULL },
    { "reboot", 0, 1, ONLINE, verb_end, "                     … with 133" },
    { "kexec", 0, 0, ONLINE, verb_end, NULL },
    { "exit", 0, 1, ONLINE, verb_end, "[STATUS]               … with this status" },
};

static int usage(void) {
    puts("systemctl [OPTION…] VERB …\n\nAsks the service manager of this container, and tells it what to do.\n");
    for (size_t i = 0; i < ELEMENTS(verbs); i++)
        if (verbs[i].help)
            printf("  %s %s\n", verbs[i].name, verbs[i].help);
    puts("\nOptions:");
    for (size_t i = 0; i < ELEMENTS(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        if (row->name && row->kind != NOTHING && row->kind != NOTHING_WITH_VALUE && row->kind != REFUSE &&
            row->kind != REFUSE_WITH_VALUE)
            printf("  %c%c --%s%s\n", row->letter ? '-' : ' ', row->letter ? row->letter : ' ', row->name,
                   has_value(row->kind) ? "=" : "");
    }
    puts("\nThey mean what systemctl(1) says. With --root=, or where no manager runs, enable, disable, mask and their\n"
         "kin work on the files.");
    return 0;
}

int systemctl_main(int argc, char **argv) {
    /* libdbus would end the process where it finds itself misused. */
    setenv("DBUS_FATAL_WARNINGS", "0", 1);
    /* Called poweroff, reboot or halt, that is the verb. */
    char *own_name = (char *)path_base(argv[0]);
    int status = take_options(argc, argv);
    if (status != 0)
        return status - 1;
    argc -= optind;
    argv += optind;
    for (size_t i = 0; i < ELEMENTS(verbs); i++) {
        bool by_name = verbs[i].run == verb_end && strcmp(verbs[i].name, own_name) == 0;
        char *alone[] = { (char *)verbs[i].name, NULL };
        if (by_name || (argc == 0 && (verbs[i].flags & DEFAULT))) {
            argv = alone;
            argc = 1;
        }
        if (argc == 0 || strcmp(verbs[i].name, argv[0]) != 0)
            continue;
        if (argc - 1 < verbs[i].least)
            return fail("Too few arguments.");
        if (argc - 1 > verbs[i].most && verbs[i].most != ANY)
            return fail("Too many arguments.");
        if ((verbs[i].flags & ONLINE) && ctl.scope != SEARCH_SYSTEM)
            return fail("--%s %s: there are no user managers here, only unit files of users can be worked on.",
                        ctl.scope == SEARCH_USER ? "user" : "global", argv[0]);
        /* A tree of files has no manager; least of all is it the one that runs here. */
        if ((verbs[i].flags & ONLINE) && ctl.root && ctl.root[strspn(ctl.root, "/")])
            return fail("Verb '%s' cannot be used with --root= or --image=.", argv[0]);
        if (ctl.preset_mode && preset_mode_from_string(ctl.preset_mode) < 0)
            return fail("Failed to parse preset mode: %s.", ctl.preset_mode);
        if ((verbs[i].flags & ONLINE) && verbs[i].run != verb_is_system_running && ctl_in_chroot()) {
            if (!ctl.quiet)
                fail("Running in chroot, ignoring command '%s'", argv[0]);
            return 0;
        }
        status = verbs[i].run(argc, argv);
        if (verbs[i].run == verb_start || verbs[i].run == verb_unit_files || verbs[i].run == verb_kill)
            ctl_settle();
        if (fflush(stdout) < 0 && status == 0)
            status = EXIT_FAILURE;
        return status;
    }
    return fail("Unknown command verb %s.", argv[0]);
}
