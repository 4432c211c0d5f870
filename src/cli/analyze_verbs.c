/* SPDX-License-Identifier: Apache-2.0 */
/* systemd-analyze's verbs on names, conditions and files. Knows no manager: each reads the same tables that it does. */
#include "cli/analyze_verbs.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/path.h"
#include "base/strv.h"
#include "cli/applets.h"
#include "exec/syscall_groups.h"
#include "syntax/names.h"
#include "unit/condition.h"
#include "unit/types.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <unistd.h>

#define CONFIG_MAX (16u << 20)
#define CAPABILITIES 41

extern char **environ;

/* --- condition ------------------------------------------------------------------------------------------- */

static int add_condition(struct unit_file *unit, struct parse_at *at, const char *word) {
    char name[64];
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : sizeof(name);
    if (n >= sizeof(name))
        return -ENOENT;
    memcpy(name, word, n);
    name[n] = 0;
    const struct directive_row *row = directive_find(SECTION_UNIT, name);
    if (!row || (row->id != D_Conditions && row->id != D_Asserts))
        return -ENOENT;
    int r = unit_file_assign(unit, row, at, equals + 1);
    if (at->why.len > 0)
        fprintf(stderr, "(cmdline): %s= %s, ignoring: %s\n", name, text_str(&at->why), equals + 1);
    return r == -ENOMEM ? r : 0;
}

/* All that are of one kind, the last one first, as systemd keeps them. Returns whether they hold. */
static bool test_conditions(const struct condition_list *list, const struct condition_context *ctx, const char *what) {
    bool triggered = false, any_trigger = false, all = true;
    for (size_t i = list ? list->n : 0; i-- > 0;) {
        const struct condition *c = &list->items[i];
        _cleanup_text_ struct text t = {};
        condition_describe(c, &t);
        int r = condition_test(c, ctx);
        if (r < 0)
            fprintf(stderr, "test.service: Couldn't determine result for %s, assuming failed: %s\n", text_str(&t),
                    strerror(-r));
        else
            fprintf(stderr, "test.service: %s %s.\n", text_str(&t), r > 0 ? "succeeded" : "failed");
        any_trigger |= c->trigger;
        triggered |= c->trigger && r > 0;
        all &= c->trigger || r > 0;
    }
    bool held = all && (!any_trigger || triggered);
    if (list && list->n > 0)
        fprintf(stderr, "%s %s.\n", what, held ? "succeeded" : "failed");
    return held;
}

int analyze_condition(char **words) {
    static const struct manager_dirs dirs = { "/run", "/var/lib", "/var/cache", "/var/log", "/etc", NULL, true };
    _cleanup_(unit_file_freep) struct unit_file *unit = NULL;
    struct unit_specifiers specifiers;
    struct condition_context ctx;
    int r = unit_file_new("test.service", &unit);
    if (r < 0)
        return 1;
    unit_specifiers_init(&specifiers, unit, &dirs);
    struct parse_at at = { .unit = unit->name, .specifiers = &specifiers.table };
    STRV_FOREACH(word, words) {
        r = add_condition(unit, &at, *word);
        if (r == -ENOENT)
            fprintf(stderr, "Cannot parse \"%s\".\n", *word);
        if (r < 0)
            break;
    }
    text_free(&at.why);
    if (r < 0)
        return 1;
    condition_context_init(&ctx, &dirs, environ);
    bool asserts = test_conditions(unit_object(unit, D_Asserts), &ctx, "Asserts");
    bool conditions = test_conditions(unit_object(unit, D_Conditions), &ctx, "Conditions");
    return !(asserts && conditions);
}

/* --- unit files ------------------------------------------------------------------------------------------ */

struct names {
    const struct search_path *where;
    char **patterns;
    bool aliases; /* the second half of the output */
};

static bool wanted(const struct names *n, const char *name) {
    STRV_FOREACH(pattern, n->patterns)
        if (glob_match(*pattern, name, 0))
            return true;
    return strv_length(n->patterns) == 0;
}

static int print_unit_file(void *userdata, const char *name, const char *file) {
    const struct names *n = userdata;
    char target[4096];
    if (!file || !wanted(n, name))
        return 0;
    ssize_t length = readlink(file, target, sizeof(target) - 1);
    const char *leads = length > 0 ? (target[length] = 0, target) : "";
    bool alias = unit_name_kind(path_base(leads)) && strcmp(path_base(leads), name) != 0;
    if (!n->aliases) {
        printf("ids: %s → %s\n", name, alias ? path_base(leads) : file);
        return 0;
    }
    _cleanup_strv_ char **others = NULL;
    int r = alias ? 0 : search_aliases(n->where, name, &others);
    if (r < 0 || alias)
        return r;
    printf("aliases: %s ← %s", name, name);
    STRV_FOREACH(other, others)
        printf(", %s", *other);
    putchar('\n');
    return 0;
}

int analyze_unit_files(char **words) {
    struct search_path where;
    int r = search_path_init(&where, "", NULL, true);
    if (r >= 0)
        r = search_cache_fill(&where);
    for (int half = 0; half < 2 && r >= 0; half++)
        r = search_list(&where, print_unit_file, &(struct names){ &where, words, half == 1 });
    search_path_done(&where);
    return r < 0;
}

/* --- configuration files --------------------------------------------------------------------------------- */

static const char *const config_directories[] = { "/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib" };

/* Files of one name in several directories: the first counts. */
static int add_drop_ins(char ***names, char ***paths, const char *directory) {
    DIR *dir = opendir(directory);
    if (!dir)
        return 0;
    int r = 0;
    for (struct dirent *e; r >= 0 && (e = readdir(dir));) {
        size_t n = strlen(e->d_name);
        if (*e->d_name == '.' || n <= 5 || strcmp(e->d_name + n - 5, ".conf") != 0 || strv_contains(*names, e->d_name))
            continue;
        r = strv_add(names, e->d_name);
        if (r >= 0)
            r = strv_addf(paths, "%s%c%s/%s", e->d_name, 1, directory, e->d_name); /* sorts by name */
    }
    closedir(dir);
    return r;
}

static void print_file(const char *path, bool *first) {
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    if (!*first)
        putchar('\n');
    *first = false;
    printf("# %s\n", path);
    fflush(stdout);
    int r = file_read(path, CONFIG_MAX, &text, &size);
    if (r < 0)
        fprintf(stderr, "Failed to open %s: %s\n", path, strerror(-r));
    else
        fwrite(text, 1, size, stdout);
}

static int cat_config(const char *name, bool *first) {
    _cleanup_strv_ char **names = NULL, **paths = NULL;
    /* A name with a directory of the list in front is as good as without. */
    for (size_t i = 0; *name == '/' && i < ELEMENTS(config_directories); i++) {
        const char *below = path_below(name, config_directories[i]);
        if (below && *below) {
            name = below;
            break;
        }
    }
    size_t n = strlen(name);
    bool directory = n > 2 && strcmp(name + n - 2, ".d") == 0, found = false;
    for (size_t i = 0; i < ELEMENTS(config_directories); i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", config_directories[i], name);
        if (!directory && !found && access(path, F_OK) == 0) {
            print_file(path, first);
            found = true;
        }
        if (!directory)
            snprintf(path, sizeof(path), "%s/%s.d", config_directories[i], name);
        if (add_drop_ins(&names, &paths, path) < 0)
            return -ENOMEM;
    }
    if (!directory && !found) {
        printf("%s# Main configuration file %s not found\n", *first ? "" : "\n", name);
        *first = false;
    }
    if (paths)
        strv_sort(paths);
    STRV_FOREACH(path, paths)
        print_file(strchr(*path, 1) + 1, first);
    return 0;
}

int analyze_cat_config(char **words) {
    bool first = true;
    STRV_FOREACH(word, words) {
        if (cat_config(*word, &first) < 0)
            return 1;
    }
    return 0;
}

/* --- tables ---------------------------------------------------------------------------------------------- */

struct table_row {
    const char *name;
    int number;
    const char *class;
};

static void print_table(const struct table_row *rows, size_t n, const char *number, bool class) {
    size_t width = strlen("NAME");
    for (size_t i = 0; i < n; i++)
        width = MAX(width, strlen(rows[i].name));
    printf("%-*s %s%s\n", (int)width, "NAME", number, class ? " CLASS" : "");
    for (size_t i = 0; i < n; i++)
        printf("%-*s %*d%s%s\n", (int)width, rows[i].name, (int)strlen(number), rows[i].number, class ? " " : "",
               class ? rows[i].class : "");
}

/* Where a number's meaning was laid down. */
static const char *exit_status_class(int status) {
    return !exit_status_to_string(status) ? "-"
           : status <= 1                  ? "libc"
           : status <= 7                  ? "LSB"
           : status >= 64 && status <= 78 ? "BSD"
                                          : "systemd";
}

int analyze_exit_status(char **words) {
    struct table_row rows[256];
    size_t n = 0;
    for (int status = 0; status < 256 && !*words; status++)
        if (exit_status_to_string(status))
            rows[n++] = (struct table_row){ exit_status_to_string(status), status, exit_status_class(status) };
    for (; *words && n < ELEMENTS(rows); words++) {
        uint64_t number;
        int status = exit_status_from_string(*words);
        if (status < 0 && uint64_parse(*words, &number) >= 0 && number < 256)
            status = (int)number;
        if (status < 0) {
            fprintf(stderr, "Invalid exit status \"%s\".\n", *words);
            return 1;
        }
        rows[n++] = (struct table_row){ exit_status_to_string(status) ?: "-", status, exit_status_class(status) };
    }
    print_table(rows, n, "STATUS", true);
    return 0;
}

int analyze_capability(char **words) {
    char names[64][32];
    struct table_row rows[64];
    size_t n = 0;
    bool all = !*words;
    for (int cap = 0; n < ELEMENTS(rows) && (all ? cap < CAPABILITIES : *words != NULL); cap++) {
        uint64_t number;
        cap_value_t value = cap;
        if (!all) {
            bool known = uint64_parse(*words, &number) >= 0
                             ? number < CAPABILITIES && (value = (cap_value_t)number, true)
                             : cap_from_name(*words, &value) >= 0;
            if (!known) {
                fprintf(stderr, "Capability \"%s\" not known.\n", *words);
                return 1;
            }
            words++;
        }
        char *name = cap_to_name(value);
        snprintf(names[n], sizeof(names[n]), "%s", name ?: "-");
        cap_free(name);
        rows[n] = (struct table_row){ names[n], value, NULL };
        n++;
    }
    print_table(rows, n, "NUMBER", false);
    return 0;
}

/* --- system calls ---------------------------------------------------------------------------------------- */

static int print_group(const struct syscall_group *g) {
    _cleanup_strv_ char **members = strv_split(g->members, " ");
    if (!members)
        return -ENOMEM;
    strv_sort(members);
    puts(g->name);
    STRV_FOREACH(member, members)
        printf("    %s\n", *member);
    return 0;
}

int analyze_syscall_filter(char **words) {
    bool first = true;
    for (const struct syscall_group *g = syscall_groups; !*words && g->name; g++, first = false) {
        if (!first)
            putchar('\n');
        if (print_group(g) < 0)
            return 1;
    }
    for (; *words; words++, first = false) {
        const struct syscall_group *g = syscall_groups;
        while (g->name && strcmp(g->name + (**words != '@'), *words) != 0)
            g++;
        if (!first)
            putchar('\n');
        if (!g->name) {
            fflush(stdout);
            fprintf(stderr, "Filter set \"%s\" not found.\n", *words);
            return 1;
        }
        if (print_group(g) < 0)
            return 1;
    }
    return 0;
}

/* --- verify ---------------------------------------------------------------------------------------------- */

int analyze_verify(char **words) {
    size_t n = strv_length(words);
    char **argv = calloc(n + 3, sizeof(char *));
    if (!argv)
        return 1;
    argv[0] = (char *)"systemd-analyze";
    argv[1] = (char *)"--quiet";
    memcpy(argv + 2, words, n * sizeof(char *));
    int status = verify_main((int)n + 2, argv);
    free(argv);
    return status;
}
