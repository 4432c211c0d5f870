/* SPDX-License-Identifier: Apache-2.0 */
/* enable, disable, mask and their kin: asked of the manager where there is one, done on the files themselves where
 * there is none or another root directory is meant. */
#include "cli/systemctl/ctl.h"

#include "base/glob.h"
#include "base/path.h"
#include "unit/install.h"
#include "unit/name.h"
#include "wire/bus/out.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char no_install_info[] =
    "The unit files have no installation config (WantedBy=, RequiredBy=, Also=,\n"
    "Alias= settings in the [Install] section, and DefaultInstance= for template\n"
    "units). This means they are not meant to be enabled using systemctl.\n"
    " \n"
    "Possible reasons for having this kind of units are:\n"
    "%1$s A unit may be statically enabled by being symlinked from another unit's\n"
    "  .wants/ or .requires/ directory.\n"
    "%1$s A unit's purpose may be to act as a helper for some other unit which has\n"
    "  a requirement dependency on it.\n"
    "%1$s A unit may be started when needed via activation (socket, path, timer,\n"
    "  D-Bus, udev, scripted systemctl call, ...).\n"
    "%1$s In case of template units, the unit is meant to be enabled with some\n"
    "  instance name specified.";

/* Which verbs there are, and how each is put to the manager: names, then booleans. */
enum file_verb { ENABLE, DISABLE, REENABLE, MASK, UNMASK, LINK, REVERT, PRESET };
static const struct file_verb_row {
    const char *verb, *method, *booleans; /* r --runtime, f --force */
    bool tells_info;                      /* the reply begins with "has installation config" */
    bool hints;                           /* and where none has, that is worth a hint */
    const char *now;                      /* what --now does beside */
} file_verbs[] = {
    [ENABLE] = { "enable", "EnableUnitFiles", "rf", true, true, "start" },
    [DISABLE] = { "disable", "DisableUnitFiles", "r", false, false, "stop" },
    [REENABLE] = { "reenable", "ReenableUnitFiles", "rf", true, true, "restart" },
    [MASK] = { "mask", "MaskUnitFiles", "rf", false, false, "stop" },
    [UNMASK] = { "unmask", "UnmaskUnitFiles", "r", false, false, NULL },
    [LINK] = { "link", "LinkUnitFiles", "rf", false, false, NULL },
    [REVERT] = { "revert", "RevertUnitFiles", "", false, false, NULL },
    [PRESET] = { "preset", "PresetUnitFilesWithMode", "rf", true, false, NULL },
};

/* --- what was done -------------------------------------------------------------------------------------- */
static void tell_change(const char *verb, int type, const char *path, const char *source) {
    if (ctl.quiet && type >= 0)
        return;
    if (type == INSTALL_SYMLINK) {
        fail("Created symlink %s %s %s.", path, glyph(GLYPH_ARROW), source);
        return;
    }
    _cleanup_text_ struct text line = {};
    const struct install_change change = { type, (char *)path, (char *)source };
    install_change_describe(&change, verb, &line);
    fail("%s", text_str(&line));
}

/* a(sss) of a reply. */
static void tell_reply(const char *verb, DBusMessageIter *i) {
    DBusMessageIter list, one;
    if (!take_open(i, &list))
        return;
    while (take_open(&list, &one)) {
        const char *word = take_string(&one), *path = take_string(&one);
        for (int type = 0; type < INSTALL_CHANGE_TYPES; type++)
            if (strcmp(install_change_type_to_string(type), word) == 0)
                tell_change(verb, type, path, take_string(&one));
    }
}

/* Of a change on files. Returns the exit status. */
static int tell_changes(const char *verb, int r, const struct install_changes *changes) {
    for (size_t i = 0; i < changes->n; i++)
        tell_change(verb, changes->items[i].type, changes->items[i].path, changes->items[i].source);
    if (r < 0 && !install_first_error(changes))
        return fail("Failed to %s: %s.", verb, strerror(-r));
    return r < 0 ? EXIT_FAILURE : 0;
}

static void hint_no_info(int has_info) {
    if (has_info == 0 && !ctl.quiet && !ctl.no_warn) {
        fprintf(stderr, no_install_info, glyph(GLYPH_BULLET));
        fputc('\n', stderr);
    }
}

/* --- names ---------------------------------------------------------------------------------------------- */
/* Unit names; paths stay paths, made absolute. */
static int file_names(const char *verb, char **arguments, char ***ret) {
    _cleanup_strv_ char **names = NULL;
    STRV_FOREACH (a, arguments) {
        char *name = NULL;
        int r = 0;
        if (strchr(*a, '/')) {
            char cwd[PATH_MAX];
            if (path_is_absolute(*a))
                name = strdup(*a);
            else if (getcwd(cwd, sizeof cwd))
                name = path_join(cwd, *a);
            if (!name)
                return fail_memory(), -ENOMEM;
            path_simplify(name);
        } else if (strcmp(verb, "link") == 0) {
            if ((r = mangle(*a, NULL, &name)) < 0)
                return r;
            if (ctl.root)
                fail("Non-absolute paths are not allowed when --root is used: %s", name);
            else
                fail("Link argument must contain at least one directory separator.\n"
                     "If you intended to link a file in the current directory, try ./%s instead.",
                     name);
            free(name);
            return -EINVAL;
        } else if (glob_is_pattern(*a)) {
            fail("Glob pattern passed%s%s, but globs are not supported for this.",
                 strcmp(verb, "is-enabled") == 0 ? " to check" : " to ", strcmp(verb, "is-enabled") == 0 ? "" : verb);
            return -EINVAL;
        } else if ((r = mangle(*a, NULL, &name)) < 0)
            return r;
        if ((r = strv_take(&names, name)) < 0)
            return fail_memory(), r;
    }
    *ret = TAKE(names);
    return 0;
}

/* disable goes by names alone. */
static int only_names(char **names) {
    bool had_path = false;
    for (char **name = names; name && *name; name++)
        if (strchr(*name, '/')) {
            char *base = strdup(path_base(*name));
            if (!base)
                return fail_memory(), -ENOMEM;
            free(*name);
            *name = base;
            had_path = true;
        }
    if (had_path)
        fail("Warning: Can't execute disable on the unit file path. Proceeding with the unit name.");
    return 0;
}

int files_where(struct search_path *where) {
    int r = search_path_init(where, ctl.root, NULL, ctl.scope);
    if (r < 0)
        fail_memory();
    return r;
}

/* --- on files ------------------------------------------------------------------------------------------- */
static enum install_flags flags(void) {
    return (enum install_flags)((ctl.runtime ? INSTALL_RUNTIME : 0) | (ctl.force ? INSTALL_FORCE : 0));
}

static int preset_mode(void) {
    return ctl.preset_mode ? preset_mode_from_string(ctl.preset_mode) : PRESET_FULL;
}

static int on_files(enum file_verb verb, char **names, int *has_info) {
    _cleanup_(search_path_done) struct search_path where = {};
    _cleanup_install_changes_ struct install_changes changes = {};
    int r = files_where(&where);
    if (r < 0)
        return EXIT_FAILURE;
    switch (verb) {
    case ENABLE:
        r = install_enable(&where, flags(), names, &changes);
        break;
    case DISABLE:
        r = install_disable(&where, flags(), names, &changes);
        break;
    case REENABLE:
        r = install_reenable(&where, flags(), names, &changes);
        break;
    case MASK:
        r = install_mask(&where, flags(), names, &changes);
        break;
    case UNMASK:
        r = install_unmask(&where, flags(), names, &changes);
        break;
    case LINK:
        r = install_link(&where, flags(), names, &changes);
        break;
    case REVERT:
        r = install_revert(&where, names, &changes);
        break;
    case PRESET:
        r = install_preset(&where, flags(), names, (enum preset_mode)preset_mode(), &changes);
        break;
    }
    if (file_verbs[verb].tells_info && r >= 0)
        *has_info = r;
    return tell_changes(file_verbs[verb].verb, r, &changes);
}

/* --- through the manager -------------------------------------------------------------------------------- */
static void append_arguments(struct out *out, void *data) {
    for (const char *b = data; *b; b++)
        out_bool(out, *b == 'r' ? ctl.runtime : ctl.force > 0);
}

static int by_manager(const struct file_verb_row *row, char **names, int *has_info) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *reply = NULL;
    DBusMessageIter i;
    if (row == &file_verbs[PRESET])
        reply = ctl_call(row->method, &error, "AsF", names, ctl.preset_mode ? ctl.preset_mode : "", append_arguments,
                         (void *)row->booleans);
    else
        reply = ctl_call(row->method, &error, "AF", names, append_arguments, (void *)row->booleans);
    if (!reply)
        return fail("Failed to %s unit: %s", row->verb, error.message);
    if (!dbus_message_iter_init(reply, &i))
        return EXIT_FAILURE;
    if (row->tells_info)
        *has_info = (int)take_number(&i);
    tell_reply(row->verb, &i);
    return ctl.no_reload ? 0 : reload_manager("Reload");
}

/* Masking what is not there is odd, but may be meant. */
static void warn_of_absent(char **names) {
    _cleanup_(search_path_done) struct search_path where = {};
    if (files_where(&where) < 0)
        return;
    STRV_FOREACH (name, names)
        if (!install_exists(&where, *name))
            fail("Unit %s does not exist, proceeding anyway.", *name);
}

int verb_unit_files(int argc, char **argv) {
    _cleanup_strv_ char **names = NULL;
    int verb = 0, has_info = -1, status;
    while (verb + 1 < (int)ELEMENTS(file_verbs) && strcmp(file_verbs[verb].verb, argv[0]) != 0)
        verb++;
    const struct file_verb_row *row = &file_verbs[verb];
    if (file_names(argv[0], argv + 1, &names) < 0 || (verb == DISABLE && only_names(names) < 0))
        return EXIT_FAILURE;
    if (sysv_files(argv[0], &names, NULL) < 0)
        return EXIT_FAILURE;
    if (!names)
        return ctl.no_reload || ctl_offline() ? 0 : reload_manager("Reload");
    bool offline = ctl_offline();
    if ((verb == MASK || verb == UNMASK) && !offline && !ctl.quiet)
        warn_of_absent(names);
    if (offline)
        status = on_files((enum file_verb)verb, names, &has_info);
    else
        status = by_manager(row, names, &has_info);
    if (status != 0)
        return status;
    if (row->hints)
        hint_no_info(has_info);
    if (!ctl.now || !row->now || offline)
        return 0;
    _cleanup_strv_ char **units = NULL;
    STRV_FOREACH (name, names)
        if (strv_add(&units, path_base(*name)) < 0)
            return fail_memory();
    return start_units(row->now, units);
}

int verb_preset_all(int argc, char **argv) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    DBusMessageIter i;
    if (ctl_offline()) {
        _cleanup_(search_path_done) struct search_path where = {};
        _cleanup_install_changes_ struct install_changes changes = {};
        if (files_where(&where) < 0)
            return EXIT_FAILURE;
        int r = install_preset_all(&where, flags(), (enum preset_mode)preset_mode(), &changes);
        return tell_changes("preset", r, &changes);
    }
    _cleanup_message_ DBusMessage *reply =
        ctl_call("PresetAllUnitFiles", &error, "sbb", ctl.preset_mode ? ctl.preset_mode : "", (int)ctl.runtime,
                 (int)(ctl.force > 0));
    if (!reply)
        return fail("Failed to preset all units: %s", error.message);
    if (dbus_message_iter_init(reply, &i))
        tell_reply("preset", &i);
    return ctl.no_reload ? 0 : reload_manager("Reload");
}

int verb_add_dependency(int argc, char **argv) {
    bool requires = strcmp(argv[0], "add-requires") == 0;
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_strv_ char **names = NULL;
    _cleanup_free_ char *target = NULL;
    DBusMessageIter i;
    if (mangle(argv[1], ".target", &target) < 0 || file_names(argv[0], argv + 2, &names) < 0)
        return EXIT_FAILURE;
    if (ctl_offline()) {
        _cleanup_(search_path_done) struct search_path where = {};
        _cleanup_install_changes_ struct install_changes changes = {};
        if (files_where(&where) < 0)
            return EXIT_FAILURE;
        return tell_changes("add dependency on",
                            install_add_dependency(&where, flags(), names, target, requires, &changes), &changes);
    }
    _cleanup_message_ DBusMessage *reply =
        ctl_call("AddDependencyUnitFiles", &error, "Assbb", names, target, requires ? "Requires" : "Wants",
                 (int)ctl.runtime, (int)(ctl.force > 0));
    if (!reply)
        return fail("Failed to add dependency: %s", error.message);
    if (dbus_message_iter_init(reply, &i))
        tell_reply("add dependency on", &i);
    return ctl.no_reload ? 0 : reload_manager("Reload");
}

/* --- the default target --------------------------------------------------------------------------------- */
static int default_target(char **ret) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    DBusMessageIter i;
    if (ctl_offline()) {
        _cleanup_(search_path_done) struct search_path where = {};
        int r = files_where(&where);
        if (r >= 0)
            r = install_get_default(&where, ret);
        return r < 0 ? fail("Failed to get default target: %s", strerror(-r)) : 0;
    }
    _cleanup_message_ DBusMessage *reply = ctl_call("GetDefaultTarget", &error, "");
    if (!reply)
        return fail("Failed to get default target: %s", error.message);
    if (dbus_message_iter_init(reply, &i))
        *ret = strdup(take_string(&i));
    return *ret ? 0 : EXIT_FAILURE;
}

int verb_get_default(int argc, char **argv) {
    _cleanup_free_ char *target = NULL;
    int status = default_target(&target);
    return status ? status : puts(target) < 0;
}

static int set_default(const char *target) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    DBusMessageIter i;
    if (ctl_offline()) {
        _cleanup_(search_path_done) struct search_path where = {};
        _cleanup_install_changes_ struct install_changes changes = {};
        if (files_where(&where) < 0)
            return EXIT_FAILURE;
        return tell_changes("set default", install_set_default(&where, INSTALL_FORCE, target, &changes), &changes);
    }
    _cleanup_message_ DBusMessage *reply = ctl_call("SetDefaultTarget", &error, "sb", target, 1);
    if (!reply)
        return fail("Failed to set default target: %s", error.message);
    if (dbus_message_iter_init(reply, &i))
        tell_reply("set default", &i);
    return ctl.no_reload ? 0 : reload_manager("Reload");
}

int verb_set_default(int argc, char **argv) {
    _cleanup_free_ char *target = NULL, *now = NULL;
    if (mangle(argv[1], ".target", &target) < 0)
        return EXIT_FAILURE;
    int status = set_default(target);
    if (status != 0 || ctl.quiet)
        return status;
    status = default_target(&now);
    if (status == 0 && strcmp(now, target) != 0)
        fail("Note: \"%s\" is the default unit (possibly a runtime override).", now);
    return status;
}

/* --- is-enabled ----------------------------------------------------------------------------------------- */
static char *file_state(const struct search_path *where, const char *name, struct text *why) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    DBusMessageIter i;
    if (where) {
        enum unit_file_state state;
        int r = install_state(where, name, &state);
        if (r < 0) {
            text_add(why, strerror(-r));
            return NULL;
        }
        return strdup(unit_file_state_to_string(state));
    }
    _cleanup_message_ DBusMessage *reply = ctl_call("GetUnitFileState", &error, "s", name);
    if (reply && dbus_message_iter_init(reply, &i))
        return strdup(take_string(&i));
    text_add(why, error.message);
    return NULL;
}

/* --full: the links that make it so. */
static void show_links(const struct search_path *where, const char *name) {
    if (where) {
        _cleanup_install_changes_ struct install_changes changes = {};
        char *names[] = { (char *)name, NULL };
        (void)install_disable(where, (enum install_flags)(flags() | INSTALL_DRY_RUN), names, &changes);
        for (size_t i = 0; i < changes.n; i++)
            if (changes.items[i].type == INSTALL_UNLINK)
                printf("  %s\n", changes.items[i].path);
        return;
    }
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_message_ DBusMessage *reply = ctl_call("GetUnitFileLinks", &error, "sb", name, (int)ctl.runtime);
    DBusMessageIter i, list;
    if (reply && dbus_message_iter_init(reply, &i) && take_open(&i, &list))
        while (dbus_message_iter_get_arg_type(&list) != DBUS_TYPE_INVALID)
            printf("  %s\n", take_string(&list));
}

int verb_is_enabled(int argc, char **argv) {
    static const char *const enabled[] = { "enabled", "enabled-runtime", "static", "alias", "indirect", "generated" };
    _cleanup_strv_ char **names = NULL;
    _cleanup_(search_path_done) struct search_path where = {};
    bool found = false;
    if (file_names(argv[0], argv + 1, &names) < 0 || sysv_files(argv[0], &names, &found) < 0)
        return EXIT_FAILURE;
    bool offline = ctl_offline();
    if (offline && files_where(&where) < 0)
        return EXIT_FAILURE;
    STRV_FOREACH (name, names) {
        _cleanup_text_ struct text why = {};
        _cleanup_free_ char *state = file_state(offline ? &where : NULL, *name, &why);
        if (!state)
            return fail("Failed to get unit file state for %s: %s", *name, text_str(&why));
        for (size_t i = 0; i < ELEMENTS(enabled); i++)
            found |= strcmp(enabled[i], state) == 0;
        if (!ctl.quiet) {
            puts(state);
            if (ctl.full)
                show_links(offline ? &where : NULL, *name);
        }
    }
    return found ? 0 : EXIT_FAILURE;
}
