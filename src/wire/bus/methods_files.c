/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on unit files: enable, mask, presets and their kin. unit/install.h does the work. */
#include "wire/bus/internal.h"

#include "unit/install.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum verb {
    VERB_ENABLE,
    VERB_DISABLE,
    VERB_REENABLE,
    VERB_LINK,
    VERB_PRESET,
    VERB_PRESET_WITH_MODE,
    VERB_PRESET_ALL,
    VERB_MASK,
    VERB_UNMASK,
    VERB_REVERT,
    VERB_ADD_DEPENDENCY,
    VERB_SET_DEFAULT
};

/* How each method's arguments go on after the list of names. */
enum tail { TAIL_NONE, TAIL_RUNTIME, TAIL_RUNTIME_FORCE, TAIL_FLAGS, TAIL_FORCE };

static const struct row {
    const char *method;
    enum verb verb;
    enum tail tail;
    bool install_info; /* the reply begins with "carries install info" */
} rows[] = {
    { "EnableUnitFiles", VERB_ENABLE, TAIL_RUNTIME_FORCE, true },
    { "DisableUnitFiles", VERB_DISABLE, TAIL_RUNTIME, false },
    { "EnableUnitFilesWithFlags", VERB_ENABLE, TAIL_FLAGS, true },
    { "DisableUnitFilesWithFlags", VERB_DISABLE, TAIL_FLAGS, false },
    { "DisableUnitFilesWithFlagsAndInstallInfo", VERB_DISABLE, TAIL_FLAGS, true },
    { "ReenableUnitFiles", VERB_REENABLE, TAIL_RUNTIME_FORCE, true },
    { "LinkUnitFiles", VERB_LINK, TAIL_RUNTIME_FORCE, false },
    { "PresetUnitFiles", VERB_PRESET, TAIL_RUNTIME_FORCE, true },
    { "PresetUnitFilesWithMode", VERB_PRESET_WITH_MODE, TAIL_RUNTIME_FORCE, true },
    { "PresetAllUnitFiles", VERB_PRESET_ALL, TAIL_RUNTIME_FORCE, false },
    { "MaskUnitFiles", VERB_MASK, TAIL_RUNTIME_FORCE, false },
    { "UnmaskUnitFiles", VERB_UNMASK, TAIL_RUNTIME, false },
    { "RevertUnitFiles", VERB_REVERT, TAIL_NONE, false },
    { "AddDependencyUnitFiles", VERB_ADD_DEPENDENCY, TAIL_RUNTIME_FORCE, false },
    { "SetDefaultTarget", VERB_SET_DEFAULT, TAIL_FORCE, false },
};

static const char *const verb_words[] = {
    [VERB_ENABLE] = "enable",
    [VERB_DISABLE] = "disable",
    [VERB_REENABLE] = "reenable",
    [VERB_LINK] = "link",
    [VERB_PRESET] = "preset",
    [VERB_PRESET_WITH_MODE] = "preset",
    [VERB_PRESET_ALL] = "preset-all",
    [VERB_MASK] = "mask",
    [VERB_UNMASK] = "unmask",
    [VERB_REVERT] = "revert",
    [VERB_ADD_DEPENDENCY] = "add dependency to",
    [VERB_SET_DEFAULT] = "set default",
};

/* The flags of ...WithFlags: UNIT_FILE_RUNTIME, UNIT_FILE_FORCE. Portable ones are not ours. */
static int flags_of_u64(uint64_t flags, enum install_flags *ret) {
    if (flags & ~UINT64_C(7))
        return -EINVAL;
    *ret = (enum install_flags)((flags & 1 ? INSTALL_RUNTIME : 0) | (flags & 2 ? INSTALL_FORCE : 0));
    return 0;
}

static int read_tail(struct call *call, enum tail tail, enum install_flags *ret) {
    bool runtime = false, force = false;
    switch (tail) {
    case TAIL_FLAGS:
        return flags_of_u64(arg_u64(call), ret);
    case TAIL_RUNTIME_FORCE:
        runtime = arg_bool(call);
        force = arg_bool(call);
        break;
    case TAIL_RUNTIME:
        runtime = arg_bool(call);
        break;
    case TAIL_FORCE:
        force = arg_bool(call);
        break;
    case TAIL_NONE:
        break;
    }
    *ret = (enum install_flags)((runtime ? INSTALL_RUNTIME : 0) | (force ? INSTALL_FORCE : 0));
    return 0;
}

static void out_changes(struct out *reply, const struct install_changes *changes) {
    out_open(reply, DBUS_TYPE_ARRAY, "(sss)");
    for (size_t i = 0; i < changes->n; i++) {
        const struct install_change *c = &changes->items[i];
        if (c->type < 0)
            continue;
        out_open(reply, DBUS_TYPE_STRUCT, NULL);
        out_string(reply, install_change_type_to_string(c->type));
        out_string(reply, c->path);
        out_string(reply, c->source);
        out_close(reply);
    }
    out_close(reply);
}

/* What the first failed change is told as. Errnos that are not listed go by the general table of names. */
static int refuse_install(struct call *call, int r, const struct install_changes *changes, const char *verb) {
    static const struct {
        int error;
        const char *name, *before, *after; /* the sentence, around the path; NULL: unit/install.h's own */
    } sentences[] = {
        { EEXIST, BUS_NAME ".UnitExists", "File ", " already exists" },
        { ERFKILL, BUS_NAME ".UnitMasked", "Unit file ", " is masked" },
        { EADDRNOTAVAIL, BUS_NAME ".UnitGenerated", "Unit ", " is transient or generated" },
        { ELOOP, BUS_NAME ".UnitLinked", "Refusing to operate on linked unit file ", "" },
        { ENOENT, DBUS_ERROR_FILE_NOT_FOUND, "Unit file ", " does not exist" },
        { EUCLEAN, BUS_NAME ".BadUnitSetting", NULL, NULL },
        { EXDEV, BUS_NAME ".BadUnitSetting", NULL, NULL },
    };
    const struct install_change *first = install_first_error(changes);
    _cleanup_text_ struct text why = {};
    char buffer[64];
    const char *name = bus_errno_name(r, buffer);
    for (size_t i = 0; i < ELEMENTS(sentences); i++) {
        if (sentences[i].error != abs(r))
            continue;
        name = sentences[i].name;
        if (!first || !first->path || !sentences[i].before)
            break;
        text_addf(&why, "%s%s%s", sentences[i].before, first->path, sentences[i].after);
        if (abs(r) == EEXIST && first->source)
            text_addf(&why, " and is a symlink to %s", first->source);
        text_add_char(&why, '.');
    }
    if (why.len == 0 && first)
        install_error_describe(r, changes, verb, &why);
    /* What was done before it failed stays done. */
    return call_refuse(call, name, "%s", why.len > 0 ? text_str(&why) : strerror(abs(r)));
}

/* Units without a file, of which a disable had no links to remove either. */
static bool nothing_but_errors(const struct install_changes *changes) {
    for (size_t i = 0; i < changes->n; i++)
        if (changes->items[i].type >= 0)
            return false;
    return changes->n > 0;
}

HANDLER(method_unit_files) {
    const struct row *row = rows;
    while (row < rows + ELEMENTS(rows) - 1 && strcmp(row->method, call->method->name) != 0)
        row++;
    struct manager *m = call->bus->manager;
    _cleanup_install_changes_ struct install_changes changes = {};
    _cleanup_strv_ char **names = NULL;
    const char *target = NULL, *word = NULL;
    enum install_flags flags;
    int mode = PRESET_FULL;

    if (row->verb == VERB_SET_DEFAULT)
        target = arg_string(call);
    else if (row->verb != VERB_PRESET_ALL && arg_strv(call, &names) < 0)
        return -ENOMEM;
    if (row->verb == VERB_ADD_DEPENDENCY) {
        target = arg_string(call);
        word = arg_string(call);
        if (strcmp(word, "Wants") != 0 && strcmp(word, "Requires") != 0)
            return -EINVAL;
    }
    if (row->verb == VERB_PRESET_WITH_MODE || row->verb == VERB_PRESET_ALL) {
        word = arg_string(call);
        mode = *word ? preset_mode_from_string(word) : PRESET_FULL;
        if (mode < 0)
            return -EINVAL;
    }
    int r = read_tail(call, row->tail, &flags);
    if (r < 0)
        return r;

    const struct search_path *where = &m->search;
    switch (row->verb) {
    case VERB_ENABLE:
        r = install_enable(where, flags, names, &changes);
        break;
    case VERB_DISABLE:
        r = install_disable(where, flags, names, &changes);
        break;
    case VERB_REENABLE:
        r = install_reenable(where, flags, names, &changes);
        break;
    case VERB_LINK:
        r = install_link(where, flags, names, &changes);
        break;
    case VERB_PRESET:
    case VERB_PRESET_WITH_MODE:
        r = install_preset(where, flags, names, (enum preset_mode)mode, &changes);
        break;
    case VERB_PRESET_ALL:
        r = install_preset_all(where, flags, (enum preset_mode)mode, &changes);
        break;
    case VERB_MASK:
        r = install_mask(where, flags, names, &changes);
        break;
    case VERB_UNMASK:
        r = install_unmask(where, flags, names, &changes);
        break;
    case VERB_REVERT:
        r = install_revert(where, names, &changes);
        break;
    case VERB_ADD_DEPENDENCY:
        r = install_add_dependency(where, flags, names, target, strcmp(word, "Requires") == 0, &changes);
        break;
    case VERB_SET_DEFAULT:
        r = install_set_default(where, flags, target, &changes);
        break;
    }
    if (changes.n > 0)
        bus_tell_unit_files_changed(call->bus);
    if (r >= 0 && nothing_but_errors(&changes))
        r = install_first_error(&changes)->type;
    if (r < 0)
        return refuse_install(call, r, &changes, verb_words[row->verb]);
    if (row->install_info)
        out_bool(reply, r > 0);
    out_changes(reply, &changes);
    return 0;
}

HANDLER(method_list_unit_files) {
    _cleanup_strv_ char **states = NULL, **patterns = NULL;
    _cleanup_unit_file_list_ struct unit_file_list list = {};
    if (call->method->data > 0 && (arg_strv(call, &states) < 0 || arg_strv(call, &patterns) < 0))
        return -ENOMEM;
    int r = install_list(&call->bus->manager->search, states, patterns, &list);
    if (r < 0)
        return r;
    out_open(reply, DBUS_TYPE_ARRAY, "(ss)");
    for (size_t i = 0; i < list.n; i++) {
        out_open(reply, DBUS_TYPE_STRUCT, NULL);
        out_string(reply, list.items[i].path);
        out_string(reply, unit_file_state_to_string(list.items[i].state));
        out_close(reply);
    }
    out_close(reply);
    return 0;
}

HANDLER(method_get_unit_file_state) {
    const char *name = arg_string(call);
    enum unit_file_state state;
    if (!unit_name_valid(name, UNIT_NAME_ANY))
        return error_set(error, ERROR_INVALID_ARGUMENT, "Unit name %s is not valid.", name);
    int r = install_state(&call->bus->manager->search, name, &state);
    if (r == -ENOENT)
        return call_refuse(call, DBUS_ERROR_FILE_NOT_FOUND, "No such file or directory");
    if (r < 0)
        return r;
    out_string(reply, unit_file_state_to_string(state));
    return 0;
}

HANDLER(method_get_default_target) {
    _cleanup_free_ char *name = NULL;
    int r = install_get_default(&call->bus->manager->search, &name);
    if (r < 0)
        return r;
    out_string(reply, name);
    return 0;
}

/* What a disable would remove. */
HANDLER(method_get_unit_file_links) {
    _cleanup_install_changes_ struct install_changes changes = {};
    char *names[] = { (char *)arg_string(call), NULL };
    bool runtime = arg_bool(call);
    int r = install_disable(&call->bus->manager->search,
                            (enum install_flags)(INSTALL_DRY_RUN | (runtime ? INSTALL_RUNTIME : 0)), names,
                            &changes);
    if (r < 0)
        return refuse_install(call, r, &changes, "get file links for");
    out_open(reply, DBUS_TYPE_ARRAY, "s");
    for (size_t i = 0; i < changes.n; i++)
        if (changes.items[i].type == INSTALL_UNLINK)
            out_string(reply, changes.items[i].path);
    out_close(reply);
    return 0;
}
