/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of unit/install.h from a command line, so that test_unit_files.py can compare them with
 * systemctl's:
 *
 *   unit-files ROOT [--runtime] [--force] [--preset-mode=MODE] VERB [ARGUMENT...] */
#include "base/path.h"
#include "base/strv.h"
#include "unit/install.h"
#include "unit/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct call {
    struct search_path where;
    enum install_flags flags;
    enum preset_mode mode;
    struct install_changes changes;
};

static int finish(struct call *call, const char *verb, int r) {
    for (size_t i = 0; i < call->changes.n; i++) {
        _cleanup_text_ struct text line = {};
        if (call->changes.items[i].type < 0 && r < 0)
            continue;
        install_change_describe(&call->changes.items[i], verb, &line);
        fprintf(stderr, "%s\n", text_str(&line));
    }
    if (r < 0) {
        _cleanup_text_ struct text line = {};
        install_error_describe(r, &call->changes, verb, &line);
        fprintf(stderr, "%s\n", text_str(&line));
    }
    return r < 0;
}

static int list(struct call *call) {
    _cleanup_unit_file_list_ struct unit_file_list files = {};
    int r = install_list(&call->where, NULL, NULL, &files);
    for (size_t i = 0; r >= 0 && i < files.n; i++) {
        enum preset_action action = PRESET_UNKNOWN;
        install_query_preset(&call->where, path_base(files.items[i].path), &action);
        /* What is only compiled in, no other systemctl lists. */
        struct stat st;
        if (lstat(files.items[i].path, &st) >= 0)
            printf("%s %s %s\n", path_base(files.items[i].path),
                   unit_file_state_to_string(files.items[i].state), preset_action_to_string(action));
    }
    return r < 0;
}

static int run(struct call *call, const char *verb, char **args) {
    const struct search_path *where = &call->where;
    struct install_changes *changes = &call->changes;
    enum install_flags flags = call->flags;
    if (strcmp(verb, "list-unit-files") == 0)
        return list(call);
    if (strcmp(verb, "get-default") == 0) {
        _cleanup_free_ char *name = NULL;
        int r = install_get_default(where, &name);
        puts(r < 0 ? strerror(-r) : name);
        return r < 0;
    }
    if (strcmp(verb, "is-enabled") == 0) {
        bool enabled = false;
        STRV_FOREACH(name, args) {
            enum unit_file_state state;
            int r = install_state(where, *name, &state);
            puts(r < 0 ? strerror(-r) : unit_file_state_to_string(state));
            enabled = enabled || (r >= 0 && (state <= UNIT_FILE_ENABLED_RUNTIME ||
                                             state == UNIT_FILE_STATIC || state == UNIT_FILE_ALIAS ||
                                             state == UNIT_FILE_INDIRECT || state == UNIT_FILE_GENERATED));
        }
        return !enabled;
    }
    int r = -EINVAL;
    if (strcmp(verb, "enable") == 0)
        r = install_enable(where, flags, args, changes);
    else if (strcmp(verb, "disable") == 0)
        r = install_disable(where, flags, args, changes);
    else if (strcmp(verb, "reenable") == 0)
        r = install_reenable(where, flags, args, changes);
    else if (strcmp(verb, "mask") == 0)
        r = install_mask(where, flags, args, changes);
    else if (strcmp(verb, "unmask") == 0)
        r = install_unmask(where, flags, args, changes);
    else if (strcmp(verb, "link") == 0)
        r = install_link(where, flags, args, changes);
    else if (strcmp(verb, "revert") == 0)
        r = install_revert(where, args, changes);
    else if (strcmp(verb, "preset") == 0)
        r = install_preset(where, flags, args, call->mode, changes);
    else if (strcmp(verb, "preset-all") == 0)
        r = install_preset_all(where, flags, call->mode, changes);
    else if (strcmp(verb, "add-wants") == 0 || strcmp(verb, "add-requires") == 0)
        r = install_add_dependency(where, flags, args + 1, args[0], verb[4] == 'r', changes);
    else if (strcmp(verb, "set-default") == 0)
        r = install_set_default(where, flags | INSTALL_FORCE, args[0], changes);
    return finish(call, verb, r);
}

int main(int argc, char **argv) {
    struct call call = {};
    if (argc < 3 || search_path_init(&call.where, argv[1], "/run", true) < 0)
        return 2;
    int i = 2;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--runtime") == 0)
            call.flags |= INSTALL_RUNTIME;
        else if (strcmp(argv[i], "--force") == 0)
            call.flags |= INSTALL_FORCE;
        else if (strncmp(argv[i], "--preset-mode=", 14) == 0)
            call.mode = preset_mode_from_string(argv[i] + 14);
    }
    int status = i < argc ? run(&call, argv[i], argv + i + 1) : 2;
    install_changes_done(&call.changes);
    search_path_done(&call.where);
    return status;
}
