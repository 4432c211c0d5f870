/* SPDX-License-Identifier: Apache-2.0 */
/* The journalctl applet: its options as a table, and which action follows from them. journalctl(1). */
#include "cli/applets.h"
#include "cli/journalctl/journalctl.h"

#include "base/glob.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "syntax/names.h"
#include "syntax/regex.h"
#include "syntax/timespan.h"
#include "syntax/timestamp.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

struct jctl jctl = { .lines = LINES_DEFAULT, .since = USEC_INFINITY, .until = USEC_INFINITY, .case_sensitive = -1 };

/* --- options -------------------------------------------------------------------------------------------------- */
enum kind {
    SET,     /* a bool becomes true */
    TEXT,    /* a string */
    LIST,    /* added to a list */
    SPAN,    /* a time span */
    SIZE,    /* bytes, powers of 1024 */
    NUMBER,  /* a whole number */
    MOMENT,  /* a timestamp */
    ACTION,  /* instead of showing entries */
    NOTHING, /* accepted: means what is always so here */
    NOTHING_WITH_VALUE,
    /* of their own */
    HELP,
    VERSION,
    OUTPUT,
    OUTPUT_FIELDS,
    LINES,
    BOOT,
    DMESG,
    PRIORITY,
    FACILITY,
    CASE,
    FULL,
    NO_FULL,
    TO_END,
    FIELD,
    GREP,
};

static bool vacuum;

static const struct option_row {
    const char *name;
    char letter;
    enum kind kind;
    void *target;
    int value; /* ACTION's */
} rows[] = {
    { "help", 'h', HELP, NULL, 0 },
    { "version", 0, VERSION, NULL, 0 },
    { "system", 0, SET, &jctl.system, 0 },
    { "user", 0, SET, &jctl.user, 0 },
    { "merge", 'm', SET, &jctl.merge, 0 },
    { "directory", 'D', TEXT, &jctl.directory, 0 },
    { "file", 'i', LIST, &jctl.files, 0 },
    { "root", 0, TEXT, &jctl.root, 0 },
    { "machine", 'M', ACTION, NULL, NO_MACHINES },
    { "image", 0, ACTION, NULL, NO_MACHINES },
    { "namespace", 0, ACTION, NULL, NO_NAMESPACE },
    { "since", 'S', MOMENT, &jctl.since, 0 },
    { "until", 'U', MOMENT, &jctl.until, 0 },
    { "cursor", 'c', TEXT, &jctl.cursor, 0 },
    { "after-cursor", 0, TEXT, &jctl.after_cursor, 0 },
    { "cursor-file", 0, TEXT, &jctl.cursor_file, 0 },
    { "boot", 'b', BOOT, NULL, 0 },
    { "this-boot", 0, SET, &jctl.boot, 0 },
    { "unit", 'u', LIST, &jctl.units, 0 },
    { "user-unit", 0, LIST, &jctl.user_units, 0 },
    { "identifier", 't', LIST, &jctl.identifiers, 0 },
    { "exclude-identifier", 'T', LIST, &jctl.excluded, 0 },
    { "priority", 'p', PRIORITY, NULL, 0 },
    { "facility", 0, FACILITY, NULL, 0 },
    { "grep", 'g', GREP, &jctl.pattern, 0 },
    { "case-sensitive", 0, CASE, NULL, 0 },
    { "dmesg", 'k', DMESG, NULL, 0 },
    { "output", 'o', OUTPUT, NULL, 0 },
    { "output-fields", 0, OUTPUT_FIELDS, NULL, 0 },
    { "lines", 'n', LINES, NULL, 0 },
    { "reverse", 'r', SET, &jctl.reverse, 0 },
    { "show-cursor", 0, SET, &jctl.show_cursor, 0 },
    { "utc", 0, SET, &jctl.print.utc, 0 },
    { "catalog", 'x', NOTHING, NULL, 0 },
    { "no-hostname", 0, SET, &jctl.print.no_hostname, 0 },
    { "no-full", 0, NO_FULL, NULL, 0 },
    { "full", 'l', FULL, NULL, 0 },
    { "all", 'a', SET, &jctl.print.all, 0 },
    { "follow", 'f', SET, &jctl.follow, 0 },
    { "no-tail", 0, SET, &jctl.no_tail, 0 },
    { "truncate-newline", 0, SET, &jctl.print.first_line, 0 },
    { "quiet", 'q', SET, &jctl.quiet, 0 },
    { "no-pager", 0, SET, &jctl.no_pager, 0 },
    { "pager-end", 'e', TO_END, NULL, 0 },
    { "interval", 0, NOTHING_WITH_VALUE, NULL, 0 },
    { "verify-key", 0, NOTHING_WITH_VALUE, NULL, 0 },
    { "force", 0, NOTHING, NULL, 0 },
    { "fields", 'N', ACTION, NULL, LIST_FIELDS },
    { "field", 'F', FIELD, NULL, LIST_VALUES },
    { "list-boots", 0, ACTION, NULL, LIST_BOOTS },
    { "disk-usage", 0, ACTION, NULL, DISK_USAGE },
    { "vacuum-size", 0, SIZE, &jctl.vacuum_size, 0 },
    { "vacuum-files", 0, NUMBER, &jctl.vacuum_files, 0 },
    { "vacuum-time", 0, SPAN, &jctl.vacuum_time, 0 },
    { "verify", 0, ACTION, NULL, VERIFY },
    { "sync", 0, ACTION, NULL, SYNC },
    { "relinquish-var", 0, ACTION, NULL, RELINQUISH },
    { "smart-relinquish-var", 0, ACTION, NULL, RELINQUISH },
    { "flush", 0, ACTION, NULL, FLUSH },
    { "rotate", 0, SET, &jctl.rotate, 0 },
    { "header", 0, ACTION, NULL, PRINT_HEADER },
    { "list-catalog", 0, ACTION, NULL, NO_CATALOG },
    { "dump-catalog", 0, ACTION, NULL, NO_CATALOG },
    { "update-catalog", 0, ACTION, NULL, UPDATE_CATALOG },
    { "setup-keys", 0, ACTION, NULL, NO_KEYS },
};

static int argument_of(const struct option_row *row) {
    static const uint64_t with = 1u << TEXT | 1u << LIST | 1u << SPAN | 1u << SIZE | 1u << NUMBER | 1u << MOMENT |
                                 1u << NOTHING_WITH_VALUE | 1u << OUTPUT | 1u << OUTPUT_FIELDS | 1u << PRIORITY |
                                 1u << FACILITY | 1u << FIELD | 1u << GREP;
    if (row->kind == LINES || row->kind == BOOT || row->kind == CASE)
        return optional_argument;
    bool refused_with_value = row->kind == ACTION && (row->value == NO_MACHINES || row->value == NO_NAMESPACE);
    return with >> row->kind & 1 || refused_with_value ? required_argument : no_argument;
}

static int usage(void) {
    puts("journalctl [OPTION…] [FIELD=VALUE…]\n\nShows what services have logged.\n\nOptions:");
    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (rows[i].kind != NOTHING && rows[i].kind != NOTHING_WITH_VALUE &&
            !(rows[i].kind == ACTION && rows[i].value >= NO_CATALOG)) {
            int argument = argument_of(&rows[i]);
            printf("  %c%c --%s%s\n", rows[i].letter ? '-' : ' ', rows[i].letter ? rows[i].letter : ' ', rows[i].name,
                   argument == required_argument ? "=" : argument == optional_argument ? "[=]" : "");
        }
    puts("\nThey mean what journalctl(1) says.");
    return 0;
}

/* The rest of the words is looked at for a value that may stand by itself. */
static int take_lines(const char *value, const char *next) {
    uint64_t n;
    const char *given = value ?: next;
    /* +3: the first three. */
    if (given && *given == '+' && uint64_parse(given + 1, &n) >= 0 && n <= INT32_MAX) {
        jctl.lines = (int64_t)n;
        jctl.oldest = true;
    } else if (given && strcmp(given, "all") == 0)
        jctl.lines = LINES_ALL;
    else if (given && uint64_parse(given, &n) >= 0 && n <= INT32_MAX)
        jctl.lines = (int64_t)n;
    else if (value)
        return 1 + fail("Failed to parse lines '%s'", value);
    else {
        jctl.lines = 10;
        return 0;
    }
    optind += !value;
    return 0;
}

static int take_boot(const char *value, const char *next) {
    jctl.boot = true;
    jctl.boot_id = (struct id128){};
    jctl.boot_offset = 0;
    if (value && boot_parse(value, &jctl.boot, &jctl.boot_id, &jctl.boot_offset) < 0)
        return 1 + fail("Failed to parse boot descriptor '%s'", value);
    if (!value && next && boot_parse(next, &jctl.boot, &jctl.boot_id, &jctl.boot_offset) >= 0)
        optind++;
    return 0;
}

static int level(const char *s, size_t n) {
    char name[16];
    if (n >= sizeof name)
        return -EINVAL;
    memcpy(name, s, n);
    name[n] = 0;
    return log_level_from_string(name);
}

static int take_priority(const char *value) {
    const char *dots = strstr(value, "..");
    int from, to;
    if (dots) {
        from = level(value, (size_t)(dots - value));
        to = level(dots + 2, strlen(dots + 2));
        if (from < 0 || to < 0)
            return 1 + fail("Failed to parse log level range %s", value);
    } else {
        from = 0;
        to = level(value, strlen(value));
        if (to < 0)
            return 1 + fail("Unknown log level %s", value);
    }
    jctl.priorities = 0;
    for (int i = MIN(from, to); i <= MAX(from, to); i++)
        jctl.priorities |= 1u << i;
    return 0;
}

static int take_facility(const char *value) {
    _cleanup_strv_ char **names = strv_split(value, ",");
    if (strcmp(value, "help") == 0) {
        puts("Available facilities:");
        for (int i = 0; i < LOG_NFACILITIES; i++)
            if (facility_to_string(i << 3))
                puts(facility_to_string(i << 3));
            else
                printf("%i\n", i);
        return 1;
    }
    STRV_FOREACH (name, names) {
        uint64_t n;
        int facility = facility_from_string(*name);
        if (facility < 0 && uint64_parse(*name, &n) >= 0 && n <= 127)
            facility = (int)n << 3;
        if (facility < 0 || facility >> 3 > 31)
            return 1 + fail("Bad --facility= argument \"%s\".", *name);
        jctl.facilities |= UINT32_C(1) << (facility >> 3);
    }
    return 0;
}

static int take_value(const struct option_row *row, const char *value) {
    int k = 0;
    vacuum |= row->kind == SIZE || row->kind == NUMBER || row->kind == SPAN;
    switch (row->kind) {
    case SPAN:
        k = timespan_parse(value, USEC_PER_SEC, row->target);
        return k < 0 ? 1 + fail("Failed to parse vacuum time: %s", value) : 0;
    case SIZE:
        k = size_parse(value, 1024, row->target);
        return k < 0 ? 1 + fail("Failed to parse vacuum size: %s", value) : 0;
    case NUMBER:
        k = uint64_parse(value, row->target);
        return k < 0 ? 1 + fail("Failed to parse vacuum files: %s", value) : 0;
    case MOMENT:
        k = timestamp_parse(value, row->target);
        return k < 0 ? 1 + fail("Failed to parse timestamp: %s", value) : 0;
    case OUTPUT:
        if (strcmp(value, "help") == 0) {
            for (int i = 0; i < PRINT_MODES; i++)
                puts(print_mode_names[i]);
            return 1;
        }
        k = print_mode_from_string(value);
        if (k < 0)
            return 1 + fail("Unknown output format '%s'.", value);
        jctl.print.mode = (enum print_mode)k;
        /* Formats for programs have nothing between the entries. */
        jctl.quiet |= k == PRINT_EXPORT || (k >= PRINT_JSON && k <= PRINT_CAT);
        return 0;
    default:
        return 0;
    }
}

/* 0: go on; else 1 + the exit status. */
static int take_option(const struct option_row *row, const char *value, const char *next) {
    _cleanup_strv_ char **words = NULL;
    int k;
    switch (row->kind) {
    case SET:
        *(bool *)row->target = true;
        return 0;
    case TEXT:
    case GREP:
        *(const char **)row->target = value;
        return 0;
    case LIST:
        return strv_add(row->target, value) < 0 ? 1 + fail("Out of memory.") : 0;
    case OUTPUT_FIELDS:
        words = strv_split(value, ",");
        return !words || strv_add_all(&jctl.print.fields, words) < 0 ? 1 + fail("Out of memory.") : 0;
    case FIELD:
        jctl.field = value;
        /* fall through */
    case ACTION:
        jctl.action = (enum action)row->value;
        return 0;
    case LINES:
        return take_lines(value, next);
    case BOOT:
        return take_boot(value, next);
    case DMESG:
        jctl.boot = jctl.dmesg = true;
        return 0;
    case PRIORITY:
        return take_priority(value);
    case FACILITY:
        return take_facility(value);
    case CASE:
        k = value ? bool_parse(value) : 1;
        if (k < 0)
            return 1 + fail("Bad --case-sensitive= argument \"%s\": %s", value, strerror(-k));
        jctl.case_sensitive = k;
        return 0;
    case FULL:
    case NO_FULL:
        jctl.print.ellipsize = row->kind == NO_FULL;
        return 0;
    case TO_END:
        jctl.to_end = jctl.boot = true;
        if (jctl.lines == LINES_DEFAULT)
            jctl.lines = 1000;
        return 0;
    case HELP:
        return 1 + usage();
    case VERSION:
        puts("systemd 252 (reeve " REEVE_VERSION ")");
        return 1;
    default:
        return take_value(row, value);
    }
}

static int take_options(int argc, char **argv) {
    struct option options[ELEMENTS(rows) + 1] = {};
    char letters[3 * ELEMENTS(rows) + 1] = "";
    size_t used = 0;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        int argument = argument_of(&rows[i]);
        options[i] = (struct option){ rows[i].name, argument, NULL, 0 };
        if (!rows[i].letter)
            continue;
        letters[used++] = rows[i].letter;
        for (int colons = argument; colons > 0; colons--)
            letters[used++] = ':';
    }
    optind = 0;
    for (int c, index = 0; (c = getopt_long(argc, argv, letters, options, &index)) >= 0;) {
        const struct option_row *row = c == 0 ? &rows[index] : NULL;
        for (size_t i = 0; c > 0 && i < ELEMENTS(rows); i++)
            if (rows[i].letter == c)
                row = &rows[i];
        int status = row ? take_option(row, optarg, optind < argc ? argv[optind] : NULL) : 2;
        if (status != 0)
            return status;
    }
    return 0;
}

/* What does not go together, and what follows from what. 0, or 1 + an exit status. */
static int check_options(void) {
    if (!!jctl.directory + !!jctl.files + !!jctl.root > 1)
        return 1 + fail("Please specify at most one of -D/--directory=, --file=, -M/--machine=, --root=, --image=.");
    if (jctl.since != USEC_INFINITY && jctl.until != USEC_INFINITY && jctl.since > jctl.until)
        return 1 + fail("--since= must be before --until=.");
    if (!!jctl.cursor + !!jctl.after_cursor + (jctl.since != USEC_INFINITY) > 1)
        return 1 + fail("Please specify only one of --since=, --cursor=, and --after-cursor=.");
    if (jctl.merge && (jctl.boot || jctl.action == LIST_BOOTS))
        return 1 + fail("Using --boot or --list-boots with --merge is not supported.");
    if (jctl.follow && jctl.reverse)
        return 1 + fail("Please specify either --reverse= or --follow=, not both.");
    if (jctl.user && jctl.units) { /* of the user's manager */
        if (strv_add_all(&jctl.user_units, jctl.units) < 0)
            return 1 + fail("Out of memory.");
        strv_free(jctl.units);
        jctl.units = NULL;
    }
    if (jctl.pattern) {
        const char *why;
        bool upper = jctl.pattern[strcspn(jctl.pattern, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
        bool sensitive = jctl.case_sensitive < 0 ? upper : jctl.case_sensitive;
        int k = regex_compile(jctl.pattern, !sensitive, &jctl.regex, &why);
        if (k == -EINVAL)
            return 1 + fail("Bad pattern \"%s\": %s", jctl.pattern, why);
        if (k < 0)
            return 1 + fail("Out of memory.");
        /* The newest that match, not those among the newest. */
        jctl.reverse |= jctl.lines >= 0 && !jctl.oldest && !jctl.follow;
    }
    if (jctl.no_tail)
        jctl.lines = LINES_ALL;
    if (jctl.follow && jctl.lines == LINES_DEFAULT && jctl.since == USEC_INFINITY && !jctl.cursor && !jctl.after_cursor)
        jctl.lines = 10;
    if (jctl.lines == LINES_DEFAULT)
        jctl.lines = LINES_ALL;
    return 0;
}

/* --- the pager ------------------------------------------------------------------------------------------------ */
static FILE *pager;

void pager_open(void) {
    const char *own = getenv("SYSTEMD_PAGER") ?: getenv("PAGER");
    if (jctl.no_pager || jctl.follow || !isatty(STDOUT_FILENO) || (own && (!*own || strcmp(own, "cat") == 0)))
        return;
    setenv("LESS", getenv("SYSTEMD_LESS") ?: "FRSXMK", 1);
    if (access("/usr/bin/less", X_OK) < 0 && access("/bin/less", X_OK) < 0)
        return;
    fflush(stdout);
    pager = popen(jctl.to_end ? "exec less +G" : "exec less", "w");
    if (pager)
        dup2(fileno(pager), STDOUT_FILENO);
}

void pager_close(void) {
    fflush(stdout);
    if (!pager)
        return;
    close(STDOUT_FILENO);
    pclose(pager);
}

static void find_screen(void) {
    jctl.print.color = terminal_colors();
    jctl.print.columns = terminal_columns();
}

/* --- files ------------------------------------------------------------------------------------------------------ */
static int open_files(struct reader *r) {
    int k = 0;
    if (jctl.directory) {
        k = reader_add_directory(r, jctl.directory);
        return k < 0 ? fail("Failed to open %s: %s", jctl.directory, strerror(-k)) : 0;
    }
    _cleanup_strv_ char **paths = NULL;
    STRV_FOREACH (pattern, jctl.files) {
        size_t before = strv_length(paths);
        _cleanup_free_ char *here = **pattern == '/' ? NULL : getcwd(NULL, 0), *full = path_join(here, *pattern);
        k = full && glob_is_pattern(*pattern) ? glob_paths(full, &paths) : strv_add(&paths, *pattern);
        if (k >= 0 && strv_length(paths) == before)
            k = -ENOENT;
        if (k < 0)
            return fail("Failed to open files: %s", strerror(-k));
    }
    STRV_FOREACH (path, paths) {
        k = reader_add_file(r, *path);
        if (k < 0)
            return fail("Failed to open files: %s", strerror(-k));
    }
    if (jctl.files)
        return 0;
    unsigned which =
        (jctl.system ? READER_SYSTEM : 0u) | (jctl.user ? READER_USER : 0u) | (jctl.merge ? READER_ALL : 0u);
    k = reader_add_default(r, jctl.root, (enum reader_files)which);
    return k < 0 ? fail("Failed to open journal: %s", strerror(-k)) : 0;
}

/* What could not be opened, and why nothing is shown. */
static void tell_problems(const struct reader *r) {
    static const struct {
        int error;
        const char *format;
    } known[] = {
        { EBADMSG, "Journal file %s corrupted, ignoring file.\n" },
        { EPROTONOSUPPORT, "Journal file %s uses an unsupported feature, ignoring file.\n" },
        { ENODATA, "Journal file %s is truncated, ignoring file.\n" },
        { ETOOMANYREFS, "Too many journal files in scope, ignoring file '%s'.\n" },
    };
    size_t n;
    const struct reader_problem *problems = reader_problems(r, &n);
    bool denied = false;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < ELEMENTS(known) && known[k].error != -problems[i].error)
            k++;
        denied |= problems[i].error == -EACCES;
        if (k < ELEMENTS(known))
            fprintf(stderr, known[k].format, problems[i].path);
        else if (problems[i].error != -EACCES)
            fprintf(stderr, "An error was encountered while opening journal file or directory %s, ignoring file: %s\n",
                    problems[i].path, strerror(-problems[i].error));
    }
    if (reader_n_files(r) > 0 || jctl.quiet)
        return;
    if (denied)
        fputs("No journal files were opened due to insufficient permissions.\n", stderr);
    else if (n == 0)
        fputs("No journal files were found.\n", stderr);
}

static int run_on_files(struct reader *r, char **words) {
    int k;
    switch (jctl.action) {
    case PRINT_HEADER:
        return print_headers(r);
    case DISK_USAGE:
        return disk_usage(r);
    case VERIFY:
        return verify_files(r);
    case VACUUM:
        return vacuum_files(r);
    case LIST_BOOTS:
        return list_boots(r);
    default:
        break;
    }
    k = select_entries(r, words);
    if (k > 0)
        return k - 1;
    if (jctl.action == LIST_FIELDS)
        return list_fields(r);
    if (jctl.action == LIST_VALUES)
        return list_values(r, jctl.field);
    pager_open();
    k = show(r);
    pager_close();
    return k;
}

int journalctl_main(int argc, char **argv) {
    static const struct {
        enum action action;
        const char *text, *method; /* one of the two */
    } elsewhere[] = {
        { FLUSH, NULL, "FlushToVar" },
        { SYNC, NULL, "Synchronize" },
        { RELINQUISH, NULL, "RelinquishVar" },
        { NO_CATALOG, "There is no message catalog here: it belongs to systemd.", NULL },
        { NO_KEYS, "Forward Secure Sealing is not supported here.", NULL },
        { NO_NAMESPACE, "--namespace=: there are no journal namespaces here, all services log to one journal.", NULL },
        { NO_MACHINES,
          "This journalctl reads the journal of its own container only; --directory= and --root= lead to others.",
          NULL },
    };
    int status = take_options(argc, argv);
    if (status == 0)
        status = check_options();
    if (status != 0)
        return status - 1;
    if (jctl.action == UPDATE_CATALOG)
        return 0;
    if (jctl.rotate && (status = call_log_process("Rotate")) != 0)
        return status;
    for (size_t i = 0; i < ELEMENTS(elsewhere); i++)
        if (jctl.action == elsewhere[i].action)
            return elsewhere[i].text ? fail("%s", elsewhere[i].text) : call_log_process(elsewhere[i].method);
    if (vacuum && jctl.action == SHOW)
        jctl.action = VACUUM;
    if (jctl.rotate && jctl.action == SHOW)
        return 0;
    find_screen();
    _cleanup_reader_ struct reader *r = reader_new();
    if (!r)
        return fail("Out of memory.");
    status = open_files(r);
    if (status == 0) {
        tell_problems(r);
        status = run_on_files(r, argv + optind);
    }
    strv_free(jctl.files);
    strv_free(jctl.units);
    strv_free(jctl.user_units);
    strv_free(jctl.identifiers);
    strv_free(jctl.excluded);
    strv_free(jctl.print.fields);
    regex_free(jctl.regex);
    if (fflush(stdout) < 0 && status == 0)
        status = EXIT_FAILURE;
    return status;
}
