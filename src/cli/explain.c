/* SPDX-License-Identifier: Apache-2.0 */
/* reeve explain UNIT: how a unit's commands would be run in this container, step by step, and what cannot be
 * enforced. Reads unit files itself; needs no manager and starts nothing. */
#include "cli/applets.h"

#include "base/strv.h"
#include "exec/plan.h"
#include "unit/types.h"

#include "unit/implied.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const enum directive lists[] = { D_ExecCondition, D_ExecStartPre, D_ExecStart,   D_ExecStartPost,
                                        D_ExecReload,    D_ExecStop,     D_ExecStopPost };

static int usage(FILE *out, int status) {
    fputs("Usage: reeve explain [--command=ExecStart] [--root=DIR] UNIT…\n\n"
          "Shows how a unit's commands would be run here: every step of the child, the environment, and "
          "which settings\n"
          "this container does not permit. Starts nothing. --command= picks one list of commands.\n",
          out);
    return status;
}

static void report(void *userdata, const char *unit, const char *file, unsigned line, const char *message) {
    if (file)
        fprintf(stderr, "%s:%u: %s\n", file, line, message);
    else
        fprintf(stderr, "%s: %s\n", unit, message);
}

/* The manager gives services its own PATH and locale; PassEnvironment= picks from what it was started with.
 */
static int explain_command(const struct unit_file *unit, const struct manager_dirs *dirs,
                           const struct permits *permits, enum directive list,
                           const struct exec_command *command) {
    _cleanup_(exec_plan_freep) struct exec_plan *plan = NULL;
    _cleanup_text_ struct text why = {}, out = {};
    int exit_status;
    int64_t type = unit_number(unit, D_Type);
    struct exec_request request = {
        .unit = unit,
        .command = command,
        .role = list == D_ExecStart ? EXEC_MAIN : EXEC_CONTROL,
        .permits = permits,
        .dirs = dirs,
        .passable_env = environ,
        .notify_socket =
            type == SERVICE_TYPE_NOTIFY || type == SERVICE_TYPE_NOTIFY_RELOAD ? "/run/systemd/notify" : NULL,
        .stdin_fd = -1,
        .stdout_fd = STDOUT_FILENO,
        .stderr_fd = STDOUT_FILENO,
    };
    int r = exec_plan_make(&request, &plan, &exit_status, &why);
    text_addf(&out, "%s=\n", directive_row(list)->name);
    if (r >= 0)
        exec_plan_print(plan, &out);
    else
        text_addf(&out, "Would not start: %s\n", text_str(&why));
    if (out.failed)
        return -ENOMEM;
    puts(text_str(&out));
    return r;
}

static int explain_unit(const struct search_path *search, const struct manager_dirs *dirs,
                        const struct permits *permits, const char *argument, enum directive only) {
    _cleanup_free_ char *name = NULL;
    _cleanup_(unit_file_freep) struct unit_file *unit = NULL;
    int r = unit_name_mangle(argument, &name);
    if (r >= 0)
        r = unit_file_load(search, dirs, name, report, NULL, &unit);
    if (r >= 0)
        r = unit_put_implied(unit);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", argument, strerror(-r));
        return r;
    }
    if (unit->state != LOAD_LOADED) {
        fprintf(stderr, "%s: %s%s%s\n", name, load_state_to_string(unit->state), unit->error ? ": " : "",
                unit->error ? unit->error : "");
        return -ENOENT;
    }
    size_t n = 0;
    for (size_t i = 0; i < ELEMENTS(lists); i++) {
        if (only != DIRECTIVE_INVALID && lists[i] != only)
            continue;
        const struct exec_command_list *commands = unit_commands(unit, lists[i]);
        for (size_t j = 0; commands && j < commands->n; j++, n++) {
            int one = explain_command(unit, dirs, permits, lists[i], commands->commands[j]);
            if (one < 0)
                r = one;
        }
    }
    if (n == 0)
        fprintf(stderr, "%s: runs no command%s%s\n", name, only != DIRECTIVE_INVALID ? " by " : "",
                only != DIRECTIVE_INVALID ? directive_row(only)->name : "");
    return r;
}

int explain_main(int argc, char **argv) {
    static const struct option options[] = {
        { "command", required_argument, NULL, 'c' },
        { "root", required_argument, NULL, 'r' },
        { "help", no_argument, NULL, 'h' },
        {},
    };
    const char *root = "";
    enum directive only = DIRECTIVE_INVALID;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;)
        switch (c) {
        case 'c': {
            const struct directive_row *row = directive_find(SECTION_SERVICE, optarg);
            for (size_t i = 0; row && i < ELEMENTS(lists); i++)
                if (lists[i] == row->id)
                    only = row->id;
            if (only == DIRECTIVE_INVALID) {
                fprintf(stderr,
                        "%s: not one of ExecCondition, ExecStartPre, ExecStart, ExecStartPost, ExecReload, "
                        "ExecStop, ExecStopPost\n",
                        optarg);
                return 2;
            }
            break;
        }
        case 'r':
            root = optarg;
            break;
        case 'h':
            return usage(stdout, 0);
        default:
            return usage(stderr, 2);
        }
    if (optind >= argc)
        return usage(stderr, 2);

    static const struct manager_dirs dirs = { .runtime = "/run",
                                              .state = "/var/lib",
                                              .cache = "/var/cache",
                                              .logs = "/var/log",
                                              .configuration = "/etc",
                                              .system = true };
    struct permits permits;
    struct search_path search;
    int r = search_path_init(&search, root, NULL, true);
    if (r < 0) {
        fprintf(stderr, "%s\n", strerror(-r));
        return 1;
    }
    permits_probe(&permits);
    for (int i = optind; i < argc; i++) {
        int one = explain_unit(&search, &dirs, &permits, argv[i], only);
        if (one < 0)
            r = one;
    }
    search_path_done(&search);
    return r < 0 ? 1 : 0;
}
