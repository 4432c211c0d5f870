/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of systemd-analyze that need no manager: values and expressions, read as the manager reads them.
 * systemd-analyze(1). */
#include "cli/analyze_verbs.h"
#include "cli/applets.h"
#include "base/text.h"
#include "syntax/calendar.h"
#include "syntax/names.h"
#include "syntax/timespan.h"
#include "syntax/timestamp.h"
#include "unit/search.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct options {
    usec_t base;      /* calendar: looked at from here */
    uint64_t n_times; /* calendar: so many moments */
};

static bool local_is_utc(usec_t t) {
    struct tm tm;
    time_t seconds = (time_t)(t / USEC_PER_SEC);
    return !localtime_r(&seconds, &tm) || (tm.tm_gmtoff == 0 && tm.tm_zone && strcmp(tm.tm_zone, "UTC") == 0);
}

/* What somebody who took one kind of expression for another wants to hear. */
static void hint(const char *s, const char *but) {
    static const char *const kinds[] = { "calendar", "timestamp", "timespan" };
    static const char *const words[] = { "calendar specification", "timestamp", "timespan" };
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        usec_t t;
        _cleanup_calendar_ struct calendar c = {};
        int r = i == 0 ? calendar_parse(s, &c) : i == 1 ? timestamp_parse(s, &t) : timespan_parse(s, USEC_PER_SEC, &t);
        if (r >= 0 && strcmp(kinds[i], but) != 0) {
            fprintf(stderr, "Hint: this expression is a valid %s. Use 'systemd-analyze %s \"%s\"' instead?\n", words[i],
                    kinds[i], s);
            return;
        }
    }
}

static int calendar(const struct options *o, const char *s) {
    _cleanup_calendar_ struct calendar c = {};
    _cleanup_free_ char *normal = NULL;
    int r = calendar_parse(s, &c);
    if (r < 0) {
        fprintf(stderr, "Failed to parse calendar specification '%s': %s\n", s, strerror(-r));
        hint(s, "calendar");
        return r;
    }
    r = calendar_format(&c, &normal);
    if (r < 0)
        return r;
    char buffer[TIMESTAMP_MAX];
    if (strcmp(s, normal) != 0)
        printf("  Original form: %s\n", s);
    printf("Normalized form: %s\n", normal);
    usec_t t = o->base;
    for (uint64_t i = 1; i <= o->n_times; i++) {
        r = calendar_next(&c, t, &t);
        if (r == -ENOENT) {
            if (i == 1)
                puts("    Next elapse: never");
            return 0;
        }
        if (r < 0)
            return r;
        char label[32] = "Next elapse";
        if (i > 1)
            snprintf(label, sizeof(label), "Iter. #%" PRIu64, i);
        printf("%15s: %s\n", label, timestamp_format(t, false, buffer) ?: "-");
        if (!local_is_utc(t))
            printf("       (in UTC): %s\n", timestamp_format(t, true, buffer) ?: "-");
        printf("       From now: %s\n", timestamp_format_distance(t, buffer) ?: "-");
    }
    return 0;
}

static int timestamp(const struct options *o, const char *s) {
    usec_t t;
    int r = timestamp_parse(s, &t);
    if (r < 0) {
        fprintf(stderr, "Failed to parse \"%s\": %s\n", s, strerror(-r));
        hint(s, "timestamp");
        return r;
    }
    char buffer[TIMESTAMP_MAX];
    printf("  Original form: %s\nNormalized form: %s\n", s, timestamp_format(t, false, buffer) ?: "-");
    if (!local_is_utc(t))
        printf("       (in UTC): %s\n", timestamp_format(t, true, buffer) ?: "-");
    printf("   UNIX seconds: @%llu", t / USEC_PER_SEC);
    if (t % USEC_PER_SEC)
        printf(".%06llu", t % USEC_PER_SEC);
    printf("\n       From now: %s\n", timestamp_format_distance(t, buffer) ?: "-");
    return 0;
}

static int timespan(const struct options *o, const char *s) {
    usec_t span;
    char buffer[128];
    int r = timespan_parse(s, USEC_PER_SEC, &span);
    if (r < 0) {
        fprintf(stderr, "Failed to parse time span '%s': %s\n", s, strerror(-r));
        hint(s, "timespan");
        return r;
    }
    printf("Original: %s\n      %ss: %" PRIu64 "\n   Human: %s\n", s, "\xce\xbc", span,
           timespan_format(span, 1, buffer, sizeof(buffer)));
    return 0;
}

static int unit_paths(const struct options *o, const char *s) {
    struct search_path where;
    int r = search_path_init(&where, "", NULL, true);
    if (r < 0)
        return r;
    for (char **directory = where.directories; *directory; directory++)
        puts(*directory);
    search_path_done(&where);
    return 0;
}

static const struct verb {
    const char *name;
    int (*run)(const struct options *o, const char *word); /* once for each word, or once without any */
    int (*run_all)(char **words);                          /* or once with all of them */
    bool needs_words, takes_words;
    bool ends_at_failure; /* as systemd's does: the words behind a wrong one are not looked at */
    const char *help;
} verbs[] = {
    { "calendar", calendar, NULL, true, true, false, "calendar expressions, and when they come true" },
    { "timestamp", timestamp, NULL, true, true, false, "points in time" },
    { "timespan", timespan, NULL, true, true, true, "spans of time" },
    { "condition", NULL, analyze_condition, true, true, false, "conditions and asserts, tested here and now" },
    { "unit-paths", unit_paths, NULL, false, false, false, "the directories that units are loaded from" },
    { "unit-files", NULL, analyze_unit_files, false, true, false, "unit files and their aliases" },
    { "cat-config", NULL, analyze_cat_config, true, true, false, "configuration files with their drop-ins" },
    { "exit-status", NULL, analyze_exit_status, false, true, false, "names of exit statuses" },
    { "capability", NULL, analyze_capability, false, true, false, "names of capabilities" },
    { "syscall-filter", NULL, analyze_syscall_filter, false, true, false, "what is in groups of system calls" },
    { "verify", NULL, analyze_verify, true, true, false, "what is wrong with units" },
};

static void usage(void) {
    puts("systemd-analyze [OPTIONS...] COMMAND ...\n\n"
         "Reads values as the service manager reads them.\n");
    for (size_t i = 0; i < ELEMENTS(verbs); i++)
        printf("  %-22s %s\n", verbs[i].name, verbs[i].help);
    puts("\n  --iterations=N         calendar: so many moments\n"
         "  --base-time=TIMESTAMP  calendar: seen from then\n"
         "  --no-pager --system    accepted\n"
         "  -h, --help  --version");
}

/* 1: go on; else the exit status, negated. */
static int read_options(struct options *o, int argc, char **argv) {
    enum { ITERATIONS = 256, BASE_TIME, IGNORED, VERSION };
    static const struct option long_options[] = {
        { "iterations", required_argument, NULL, ITERATIONS }, { "base-time", required_argument, NULL, BASE_TIME },
        { "no-pager", no_argument, NULL, IGNORED },            { "system", no_argument, NULL, IGNORED },
        { "help", no_argument, NULL, 'h' },                    { "version", no_argument, NULL, VERSION },
        {},
    };
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0;)
        switch (c) {
        case 'h':
            usage();
            return 0;
        case VERSION:
            puts("reeve " REEVE_VERSION);
            return 0;
        case ITERATIONS:
            if (uint64_parse(optarg, &o->n_times) < 0) {
                fprintf(stderr, "Failed to parse iterations: %s\n", optarg);
                return -1;
            }
            break;
        case BASE_TIME:
            if (timestamp_parse(optarg, &o->base) < 0) {
                fprintf(stderr, "Failed to parse --base-time= parameter: %s\n", optarg);
                return -1;
            }
            break;
        case IGNORED:
            break;
        default:
            return -1;
        }
    return 1;
}

int analyze_main(int argc, char **argv) {
    struct options o = { .base = now(CLOCK_REALTIME), .n_times = 1 };
    int r = read_options(&o, argc, argv);
    if (r <= 0)
        return -r;
    const char *word = optind < argc ? argv[optind++] : "time";
    const struct verb *verb = NULL;
    for (size_t i = 0; i < ELEMENTS(verbs); i++)
        if (strcmp(verbs[i].name, word) == 0)
            verb = &verbs[i];
    if (!verb) {
        fprintf(stderr, "Unknown command verb %s.\n", word);
        return 1;
    }
    bool few = verb->needs_words && optind >= argc;
    if (few || (!verb->takes_words && optind < argc)) {
        fprintf(stderr,
                few && verb->run_all == analyze_condition ? "Too few arguments for condition\n" : "Too %s arguments.\n",
                few ? "few" : "many");
        return 1;
    }
    if (verb->run_all) {
        int status = verb->run_all(argv + optind);
        return fflush(stdout) != 0 ? 1 : status;
    }
    if (!verb->takes_words)
        return verb->run(&o, NULL) < 0;
    for (int i = optind; i < argc; i++) {
        int one = verb->run(&o, argv[i]);
        if (one == -ENOMEM)
            fprintf(stderr, "No memory.\n");
        if (one < 0 && r > 0)
            r = one;
        if (one < 0 && verb->ends_at_failure)
            break;
        if (i + 1 < argc)
            puts("");
    }
    return r < 0;
}
