/* SPDX-License-Identifier: Apache-2.0 */
/* reeve verify: loads units as the manager would and prints what is wrong with their files. Needs no manager.
 */
#include "base/path.h"
#include "base/strv.h"
#include "cli/applets.h"
#include "syntax/json.h"
#include "unit/unit_file.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct verify {
    struct search_path where;
    struct text json;
    bool as_json;
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

/* What is accepted and does not do all it does under systemd. */
static void print_support(struct verify *v, const struct unit_file *unit) {
    for (size_t i = 0; i < unit->n_settings; i++) {
        const struct directive_row *row = directive_row(unit->settings[i].id);
        _cleanup_text_ struct text message = {};
        if (row->support == SUPPORT_STORED)
            text_addf(&message, "%s= is stored without effect: %s", row->name, row->note);
        else if (row->support == SUPPORT_DEGRADES)
            text_addf(&message, "%s= may degrade: %s", row->name, row->note);
        else
            continue;
        print(v, false, unit->name, NULL, 0, text_str(&message));
    }
}

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
    print_support(v, unit);
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
                                             { "user", no_argument, NULL, 'u' },
                                             { "system", no_argument, NULL, 's' },
                                             { "man", optional_argument, NULL, 'i' },
                                             { "help", no_argument, NULL, 'h' },
                                             {} };
    struct verify v = {};
    const char *root = "";
    bool system = true;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;) {
        if (c == 'j')
            v.as_json = true;
        else if (c == 'r')
            root = optarg;
        else if (c == 'u' || c == 's')
            system = c == 's';
        else if (c == 'h' || c == '?') {
            fprintf(
                c == 'h' ? stdout : stderr,
                "Usage: reeve verify [--json] [--root=DIR] [--user] UNIT|FILE…\n\n"
                "Prints what is wrong with the units' files, and as notes what reeve does not honour fully.\n"
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
