/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the one-command init under each of its names, as one table. Pure: says nothing, changes
 * nothing but getopt's own state. */
#include "base/strv.h"
#include "cli/one.h"
#include "syntax/names.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum action {
    HELP,
    VERSION,
    LICENSE,
    SUBREAPER,
    PARENT_DEATH,
    VERBOSE,
    WARN,
    GROUP,
    SINGLE,
    MAP,
    REWRITE,
    PAUSE,
    SESSION,
    ALL
};

enum {
    REEVE = 1 << ONE_REEVE,
    TINI = 1 << ONE_TINI,
    DUMB = 1 << ONE_DUMB_INIT,
    CATATONIT = 1 << ONE_CATATONIT
};

/* The order is that of the help. */
static const struct row {
    enum action action;
    char letter;
    uint8_t styles;      /* that know the letter */
    uint8_t long_styles; /* that know the long name */
    const char *name, *value, *help;
} rows[] = {
    { GROUP, 'g', REEVE | TINI | CATATONIT, REEVE, "group", NULL,
      "pass signals to the command's process group" },
    { SESSION, 'S', REEVE, REEVE, "session", NULL,
      "give the command a session of its own, signals to all of its group" },
    { SINGLE, 'c', DUMB, DUMB, "single-child", NULL, "no session of its own, signals to the command alone" },
    { REWRITE, 'r', REEVE | DUMB, REEVE | DUMB, "rewrite", "S:T", "pass T on for S; T = 0: nothing" },
    { MAP, 'e', REEVE | TINI, REEVE, "map-exit", "N[:M]", "exit with M (0) where the command did with N" },
    { SUBREAPER, 's', REEVE | TINI, REEVE, "subreaper", NULL, "adopt orphans where this is not PID 1" },
    { PARENT_DEATH, 'p', REEVE | TINI, REEVE, "parent-death", "SIGNAL",
      "act on SIGNAL when the parent dies" },
    { ALL, 'a', REEVE, REEVE, "wait-all", NULL, "end only when the command's last descendant has" },
    { PAUSE, 'P', REEVE | CATATONIT, REEVE, "pause", NULL, "no command: reap until SIGTERM or SIGINT" },
    { WARN, 'w', REEVE | TINI, REEVE, "warn-reaped", NULL, "name each orphan that is reaped" },
    { VERBOSE, 'v', REEVE | TINI | DUMB, REEVE | DUMB, "verbose", NULL, "say more; up to three times" },
    { LICENSE, 'l', TINI, 0, "license", NULL, "the licence" },
    { LICENSE, 'L', CATATONIT, 0, "license", NULL, "the licence" },
    { HELP, 'h', REEVE | TINI | DUMB | CATATONIT, REEVE | DUMB | TINI | CATATONIT, "help", NULL,
      "this list" },
    { VERSION, 'V', REEVE | DUMB | CATATONIT, REEVE | TINI | DUMB | CATATONIT, "version", NULL,
      "the version" },
};

/* `version`: what scripts, and Docker of its init, read: whose behaviour this is. */
static const struct {
    const char *name, *version;
    int not_found, not_executable;
    bool session, end_group, subreaper;
} styles[ONE_STYLES] = {
    [ONE_REEVE] = { "reeve run", "reeve run", 127, 126, .subreaper = true },
    [ONE_TINI] = { "tini", "tini version 0.19.0", 127, 126 },
    [ONE_DUMB_INIT] = { "dumb-init", "dumb-init v1.2.5", 2, 2, .session = true, .end_group = true },
    [ONE_CATATONIT] = { "catatonit", "tini version 0.1.7_catatonit", 1, 1, .subreaper = true },
};

const char *one_style_name(enum one_style style) {
    return styles[style].name;
}

static enum one_answer wrong(char *complaint, const char *what, const char *value) {
    snprintf(complaint, 256, "%s: %s", what, value);
    return ONE_WRONG;
}

/* 0 is a signal only as what nothing is rewritten to. */
static int read_signal(const char *s, size_t n, bool zero) {
    char name[32];
    if (n == 0 || n >= sizeof name)
        return -1;
    memcpy(name, s, n);
    name[n] = 0;
    if (zero && strcmp(name, "0") == 0)
        return 0;
    int signal = signal_from_string(name);
    return signal > 0 && signal < ONE_SIGNALS ? signal : -1;
}

static bool take_rewrite(struct one_options *o, const char *value) {
    const char *colon = strchr(value, ':');
    int from = colon ? read_signal(value, (size_t)(colon - value), false) : -1;
    int to = from > 0 ? read_signal(colon + 1, strlen(colon + 1), true) : -1;
    if (to < 0)
        return false;
    o->signals[from] = (uint8_t)to;
    return true;
}

static bool take_status(struct one_options *o, const char *value) {
    char first[8];
    const char *colon = strchr(value, ':');
    size_t n = colon ? (size_t)(colon - value) : strlen(value);
    uint64_t from, to = 0;
    if (n >= sizeof first)
        return false;
    memcpy(first, value, n);
    first[n] = 0;
    if (uint64_parse(first, &from) < 0 || from > 255 || (colon && uint64_parse(colon + 1, &to) < 0) ||
        to > 255)
        return false;
    o->statuses[from] = (uint8_t)to;
    return true;
}

static enum one_answer take(struct one_options *o, enum action action, const char *value, char *complaint) {
    switch (action) {
    case HELP:
        return ONE_HELP;
    case VERSION:
        return ONE_VERSION;
    case LICENSE:
        return ONE_LICENSE;
    case SUBREAPER:
        o->subreaper = true;
        break;
    case PARENT_DEATH:
        o->parent_death = read_signal(value, strlen(value), false);
        return o->parent_death < 0 ? wrong(complaint, "no signal", value) : ONE_RUN;
    case VERBOSE:
        o->verbosity++;
        break;
    case WARN:
        o->warn_reaped = true;
        break;
    case GROUP:
        o->group = true;
        break;
    case SINGLE:
        o->session = o->group = false;
        break;
    case SESSION:
        o->session = o->group = true;
        break;
    case MAP:
        return take_status(o, value) ? ONE_RUN : wrong(complaint, "no exit status from 0 to 255", value);
    case REWRITE:
        return take_rewrite(o, value) ? ONE_RUN : wrong(complaint, "not SIGNAL:SIGNAL", value);
    case PAUSE:
        o->pause = true;
        break;
    case ALL:
        o->wait_all = o->subreaper = true;
        break;
    }
    return ONE_RUN;
}

static void begin(enum one_style style, char *const *environment, struct one_options *o) {
    *o = (struct one_options){ .name = styles[style].name,
                               .not_found = styles[style].not_found,
                               .not_executable = styles[style].not_executable,
                               .verbosity = 1,
                               .session = styles[style].session,
                               .group = styles[style].session,
                               .end_group = styles[style].end_group,
                               .subreaper = styles[style].subreaper };
    for (size_t i = 0; i < ONE_SIGNALS; i++)
        o->signals[i] = (uint8_t)i;
    for (size_t i = 0; i < ELEMENTS(o->statuses); i++)
        o->statuses[i] = (uint8_t)i;
    const char *value;
    uint64_t number;
    if (style == ONE_TINI) {
        o->subreaper = env_get(environment, "TINI_SUBREAPER");
        o->group = env_get(environment, "TINI_KILL_PROCESS_GROUP");
        value = env_get(environment, "TINI_VERBOSITY");
        if (value && uint64_parse(value, &number) >= 0)
            o->verbosity = (int)MIN(number, 3u);
    }
    if (style == ONE_DUMB_INIT) {
        value = env_get(environment, "DUMB_INIT_SETSID");
        if (value && strcmp(value, "0") == 0)
            o->session = o->group = false;
        value = env_get(environment, "DUMB_INIT_DEBUG");
        if (value && strcmp(value, "1") == 0)
            o->verbosity = 3;
    }
}

/* In a session of its own there is nobody to continue a command that its terminal has stopped: it is stopped
 * for good, and so that SIGCONT helps. */
static void stop_for_good(struct one_options *o) {
    static const int stops[] = { SIGTSTP, SIGTTOU, SIGTTIN };
    for (size_t i = 0; i < ELEMENTS(stops); i++)
        if (o->signals[stops[i]] == stops[i])
            o->signals[stops[i]] = SIGSTOP;
}

enum one_answer one_options_parse(enum one_style style, int argc, char **argv, char *const *environment,
                                  struct one_options *ret, char complaint[static 256]) {
    struct option options[ELEMENTS(rows) + 1] = {};
    char letters[2 * ELEMENTS(rows) + 3] = "+:";
    size_t n = 0, used = 2;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        if (rows[i].styles >> style & 1) {
            letters[used++] = rows[i].letter;
            if (rows[i].value)
                letters[used++] = ':';
        }
        if (rows[i].long_styles >> style & 1)
            options[n++] = (struct option){ rows[i].name, rows[i].value ? required_argument : no_argument,
                                            NULL, 256 + (int)i };
    }
    struct one_options o;
    begin(style, environment, &o);
    opterr = 0;
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, letters, options, NULL)) >= 0;) {
        const struct row *row = c >= 256 ? &rows[c - 256] : NULL;
        for (size_t i = 0; i < ELEMENTS(rows) && !row; i++)
            if (rows[i].letter == c && (rows[i].styles >> style & 1))
                row = &rows[i];
        if (!row)
            return wrong(complaint, c == ':' ? "a value is missing for" : "unknown option", argv[optind - 1]);
        enum one_answer answer = take(&o, row->action, optarg, complaint);
        if (answer != ONE_RUN)
            return answer;
    }
    if (o.session)
        stop_for_good(&o);
    if (optind < argc)
        o.command = argv + optind;
    else if (!o.pause)
        return wrong(complaint, "a command is missing", "see --help");
    if (o.pause)
        o.command = NULL;
    *ret = o;
    return ONE_RUN;
}

void one_print_version(enum one_style style) {
    printf("%s (reeve " REEVE_VERSION ")\n", styles[style].version);
}

void one_print_help(enum one_style style) {
    printf("Usage: %s [OPTION…] [--] COMMAND [ARGUMENT…]\n", styles[style].name);
    if (style == ONE_REEVE)
        printf("       reeve run --unit UNIT\n");
    printf("\nRuns the command as a container's first process should: reaps orphans, passes signals on, ends "
           "with the\n"
           "command's exit status, or 128 and the number of the signal that ended it.\n\n");
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        bool letter = rows[i].styles >> style & 1, name = rows[i].long_styles >> style & 1;
        if (!letter && !name)
            continue;
        char left[64];
        snprintf(left, sizeof left, "%s%c%s%s%s%s%s", letter ? "-" : " ", letter ? rows[i].letter : ' ',
                 letter && name ? ", " : "", name ? "--" : "", name ? rows[i].name : "",
                 rows[i].value ? (name ? "=" : " ") : "", rows[i].value ? rows[i].value : "");
        printf("  %-26s %s\n", left, rows[i].help);
    }
    if (style == ONE_REEVE)
        printf("  %-26s %s\n", "    --unit=UNIT", "run a unit and what it requires instead: reeve(8)");
}
