/* SPDX-License-Identifier: Apache-2.0 */
/* reeve verify: loads units as the manager would and prints what is wrong with their files. Needs no manager.
 */
#include "base/fd.h"
#include "base/glob.h"
#include "base/path.h"
#include "base/strv.h"
#include "cli/applets.h"
#include "syntax/json.h"
#include "syntax/lines.h"
#include "unit/unit_file.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_SIZE_MAX (16u << 20)
#define NAME_SHOWN_MAX 64
#define SIMILAR_MAX 3 /* letters that may differ */

struct verify {
    struct search_path where;
    struct text json;
    bool as_json;
    bool quiet; /* only what is wrong */
    size_t n_wrong;
};

static void print(struct verify *v, bool wrong, const char *unit, const char *file, unsigned line,
                  const char *message) {
    v->n_wrong += wrong;
    if (v->as_json) {
        text_addf(&v->json, "%s{\"unit\":", v->json.len > 0 ? ",\n" : "");
        json_string(&v->json, unit);
        if (file) {
            text_add(&v->json, ",\"file\":");
            json_string(&v->json, file);
        }
        if (line > 0)
            text_addf(&v->json, ",\"line\":%u", line);
        text_addf(&v->json, ",\"severity\":\"%s\",\"message\":", wrong ? "warning" : "note");
        json_string(&v->json, message);
        text_add_char(&v->json, '}');
    } else {
        printf("%s:", file ? file : unit);
        if (line > 0)
            printf("%u:", line);
        printf(" %s%s\n", wrong ? "" : "note: ", message);
    }
}

static void report(void *userdata, const char *unit, const char *file, unsigned line, const char *message) {
    print(userdata, true, unit, file, line, message);
}

/* --- what is not honoured, and what was meant: the files once more, line by line ------------------------------ */

struct reading {
    struct verify *v;
    const struct unit_file *unit;
    const char *file;
};

/* How many letters differ, with those left out or put in; more than `most` is not counted. */
static size_t distance(const char *a, const char *b, size_t most) {
    size_t row[NAME_SHOWN_MAX + 1] = {}, n = strlen(b);
    if (n > NAME_SHOWN_MAX || strlen(a) > NAME_SHOWN_MAX)
        return most + 1;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t same = corner + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            corner = row[j];
            row[j] = MIN(same, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

/* Which name was meant by one that is unknown: the same in another section, or a similar one. */
static void suggest(struct reading *reading, unsigned line, enum section section, const char *name) {
    size_t n, best = SIMILAR_MAX + 1;
    const struct directive_row *rows = directive_rows(&n), *similar = NULL;
    _cleanup_text_ struct text message = {};
    for (size_t i = 0; i < n && best > 0; i++) {
        size_t d = strcmp(rows[i].name, name) == 0 ? 0
                   : rows[i].sections & section    ? distance(name, rows[i].name, SIMILAR_MAX)
                                                   : SIMILAR_MAX + 1;
        if (d == 0 || (d < best && d * 3 <= strlen(name))) {
            best = d;
            similar = &rows[i];
        }
    }
    if (!similar)
        return;
    if (rows[similar - rows].sections & section)
        text_addf(&message, "%s= is unknown; %s= is meant?", name, similar->name);
    else
        text_addf(&message, "%s= belongs into [%s]", name, section_to_string(similar->sections & -similar->sections));
    print(reading->v, false, reading->unit->name, reading->file, line, text_str(&message));
}

static int check_line(void *userdata, unsigned line, const char *section_name, const char *name, const char *value) {
    struct reading *reading = userdata;
    enum section section = section_from_string(section_name);
    const struct directive_row *row = section ? directive_find(section, name) : NULL;
    if (!row) {
        if (section && strncmp(name, "X-", 2) != 0)
            suggest(reading, line, section, name);
        return 0;
    }
    const struct directive_row *says = row->support == SUPPORT_ALIAS ? directive_row(row->id) : row;
    _cleanup_text_ struct text message = {};
    if (!*value || says->support == SUPPORT_YES)
        return 0;
    text_addf(&message, "%s=%s %s: %s", name, value,
              says->support == SUPPORT_STORED ? "has no effect" : "may not be enforced in full", says->note ?: "");
    print(reading->v, false, reading->unit->name, reading->file, line, text_str(&message));
    return 0;
}

static void check_file(struct verify *v, const struct unit_file *unit, const char *file) {
    static const struct line_handler handler = { .assign = check_line };
    struct reading reading = { v, unit, file };
    _cleanup_free_ char *text = NULL;
    size_t size;
    if (file && file_read(file, FILE_SIZE_MAX, &text, &size) >= 0)
        (void)lines_read(text, size, &handler, &reading);
}

/* What is accepted and does not do all it does under systemd. */
static void check_support(struct verify *v, const struct unit_file *unit) {
    if (unit->state != LOAD_LOADED && unit->state != LOAD_BAD_SETTING)
        return;
    check_file(v, unit, unit->fragment_path);
    STRV_FOREACH(path, unit->dropin_paths)
        check_file(v, unit, *path);
}

/* --- Upstart ------------------------------------------------------------------------------------------------- */

static const char upstart[] =
    "an Upstart job, which is not run: no supported distribution has Upstart; write a unit file for it";

static void find_upstart_jobs(struct verify *v) {
    _cleanup_free_ char *pattern = path_join(v->where.root, "/etc/init/*.conf");
    _cleanup_strv_ char **jobs = NULL;
    if (!pattern || glob_paths(pattern, &jobs) < 0)
        return;
    STRV_FOREACH(job, jobs)
        print(v, false, path_base(*job), *job, 0, upstart);
}

/* --- units --------------------------------------------------------------------------------------------------- */

static void check_programs(struct verify *v, const struct unit_file *unit) {
    for (size_t i = 0; i < unit->n_settings; i++) {
        const struct directive_row *row = directive_row(unit->settings[i].id);
        const struct exec_command_list *list = unit->settings[i].value.object;
        if (strncmp(row->name, "Exec", 4) != 0 || strcmp(row->type->name, "command lines") != 0)
            continue;
        for (size_t k = 0; list && k < list->n; k++) {
            const struct exec_command *c = list->commands[k];
            _cleanup_free_ char *path = path_join(v->where.root, c->path);
            _cleanup_text_ struct text message = {};
            if (!path || *c->path != '/' || c->flags & EXEC_IGNORE_FAILURE || access(path, X_OK) == 0)
                continue;
            text_addf(&message, "%s=%s: %s", row->name, c->path, strerror(errno));
            print(v, true, unit->name, unit->fragment_path, 0, text_str(&message));
        }
    }
}

static int verify_name(struct verify *v, const char *name) {
    _cleanup_free_ char *instance = NULL;
    struct unit_file *unit = NULL;
    if (unit_name_kind(name) == UNIT_NAME_TEMPLATE) {
        int r = unit_name_replace_instance(name, "instance", &instance);
        if (r < 0)
            return r;
        name = instance;
    }
    int r = unit_file_load(&v->where, NULL, name, report, v, &unit);
    if (r == -EINVAL) {
        print(v, true, name, NULL, 0, "not a unit name");
        return 0;
    }
    if (r < 0)
        return r;
    if (unit->state == LOAD_NOT_FOUND)
        print(v, true, name, NULL, 0, "there is no unit file of this name");
    else if (unit->state == LOAD_MASKED)
        print(v, false, name, NULL, 0, "masked");
    check_programs(v, unit);
    if (!v->quiet)
        check_support(v, unit);
    unit_file_free(unit);
    return 0;
}

/* A file: its directory is searched first. */
static int verify_file(struct verify *v, const char *file) {
    _cleanup_free_ char *absolute = NULL, *directory = NULL, *here = NULL;
    here = *file == '/' ? NULL : getcwd(NULL, 0);
    absolute = path_join(here, file);
    directory = absolute ? strndup(absolute, (size_t)(path_base(absolute) - absolute)) : NULL;
    if (!directory)
        return -ENOMEM;
    path_simplify(directory);
    size_t n = strlen(absolute);
    if (strcmp(path_base(directory), "init") == 0 && n > 5 && strcmp(absolute + n - 5, ".conf") == 0) {
        print(v, true, path_base(absolute), absolute, 0, upstart);
        return 0;
    }
    char **usual = v->where.directories;
    _cleanup_strv_ char **first = NULL;
    int r = strv_add(&first, directory);
    if (r >= 0)
        r = strv_add_all(&first, usual);
    if (r >= 0) {
        v->where.directories = first;
        r = search_cache_fill(&v->where);
    }
    if (r >= 0)
        r = verify_name(v, path_base(absolute));
    v->where.directories = usual;
    return r < 0 ? r : search_cache_fill(&v->where);
}

int verify_main(int argc, char **argv) {
    static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                             { "root", required_argument, NULL, 'r' },
                                             { "quiet", no_argument, NULL, 'q' },
                                             { "user", no_argument, NULL, 'u' },
                                             { "system", no_argument, NULL, 's' },
                                             { "man", optional_argument, NULL, 'i' },
                                             { "help", no_argument, NULL, 'h' },
                                             {} };
    struct verify v = {};
    const char *root = "";
    bool system = true;
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;) {
        if (c == 'j')
            v.as_json = true;
        else if (c == 'q')
            v.quiet = true;
        else if (c == 'r')
            root = optarg;
        else if (c == 'u' || c == 's')
            system = c == 's';
        else if (c == 'h' || c == '?') {
            fprintf(c == 'h' ? stdout : stderr,
                    "Usage: reeve verify [--json] [--quiet] [--root=DIR] [--user] UNIT|FILE…\n\n"
                    "Prints what is wrong with the units' files, and as notes what reeve does not honour fully (not "
                    "with --quiet).\n"
                    "Exit status 1 if anything is wrong.\n");
            return c == 'h' ? 0 : 2;
        }
    }
    if (optind >= argc) {
        fprintf(stderr, "reeve verify: which unit?\n");
        return 2;
    }
    int r = search_path_init(&v.where, root, NULL, system);
    if (r >= 0)
        r = search_cache_fill(&v.where);
    if (r >= 0 && !v.quiet)
        find_upstart_jobs(&v);
    for (int i = optind; r >= 0 && i < argc; i++)
        r = strchr(argv[i], '/') ? verify_file(&v, argv[i]) : verify_name(&v, argv[i]);
    if (r >= 0 && v.as_json)
        printf("[%s]\n", text_str(&v.json));
    search_path_done(&v.where);
    text_free(&v.json);
    if (r < 0) {
        fprintf(stderr, "reeve verify: %s\n", strerror(-r));
        return 2;
    }
    return v.n_wrong > 0 || fflush(stdout) != 0;
}
