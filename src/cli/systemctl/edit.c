/* SPDX-License-Identifier: Apache-2.0 */
/* cat, edit: unit files as text. Finds them in the load path, so that neither needs a manager. systemctl(1). */
#include "cli/systemctl/ctl.h"

#include "base/fd.h"
#include "base/path.h"
#include "unit/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNIT_FILE_MAX (16u << 20)

/* --- a unit's files ------------------------------------------------------------------------------------- */
struct unit_text {
    struct search_found found;
    char **dropins;
    char **names; /* the unit's and its aliases */
};

static void unit_text_done(struct unit_text *t) {
    search_found_done(&t->found);
    strv_free(t->dropins);
    strv_free(t->names);
}

/* 0, or negative, said. */
static int unit_text_find(const struct search_path *where, const char *name, struct unit_text *t) {
    int r = search_resolve(where, name, &t->found);
    if (r >= 0)
        r = strv_add(&t->names, t->found.name ? t->found.name : name);
    if (r >= 0)
        r = search_aliases(where, t->names[0], &t->names);
    if (r >= 0)
        r = search_dropins(where, t->names, ".d", &t->dropins);
    if (r < 0)
        fail("Failed to find the files of %s: %s", name, strerror(-r));
    return r;
}

static bool unit_text_exists(const struct unit_text *t) {
    return t->found.result == SEARCH_FILE || t->found.result == SEARCH_VENDOR;
}

/* The unit's own file, allocated; NULL and said if it cannot be read. */
static char *read_fragment(const struct unit_text *t) {
    char *text = NULL;
    if (t->found.result == SEARCH_VENDOR)
        text = strdup(t->found.vendor->content ? t->found.vendor->content : "");
    else {
        int r = file_read(t->found.path, UNIT_FILE_MAX, &text, NULL);
        if (r < 0)
            fail("Failed to read %s: %s", t->found.path, strerror(-r));
    }
    return text;
}

static void add_fragment_title(struct text *out, const struct unit_text *t) {
    if (t->found.result == SEARCH_VENDOR)
        text_addf(out, "# %s: compiled into reeve\n", t->found.vendor->name);
    else
        text_addf(out, "# %s\n", t->found.path);
}

/* --- cat ------------------------------------------------------------------------------------------------ */
static int cat_file(const char *path, bool first) {
    _cleanup_free_ char *content = NULL;
    int r = file_read(path, UNIT_FILE_MAX, &content, NULL);
    if (r < 0)
        return fail("Failed to cat %s: %s", path, strerror(-r));
    printf("%s# %s\n%s", first ? "" : "\n", path, content);
    return 0;
}

static void warn_if_outdated(const char *name) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_free_ char *path = unit_path(name);
    _cleanup_message_ DBusMessage *props = path ? props_get(path, &error) : NULL;
    fflush(stdout);
    if (props && props_number(props, "NeedDaemonReload") == 1)
        fail("# Warning: %s changed on disk, the version systemd has loaded is outdated.\n"
             "# This output shows the current version of the unit's original fragment and drop-in files.\n"
             "# If fragments or drop-ins were added or removed, they are not properly reflected in this output.\n"
             "# Run 'systemctl daemon-reload' to reload units.",
             name);
}

static int cat_unit(const struct search_path *where, const char *name) {
    _cleanup_(unit_text_done) struct unit_text t = {};
    _cleanup_text_ struct text title = {};
    if (unit_text_find(where, name, &t) < 0)
        return EXIT_FAILURE;
    if (t.found.result == SEARCH_MASKED)
        return printf("# Unit %s is masked.\n", name) < 0;
    if (!unit_text_exists(&t) && !t.dropins)
        return fail("No files found for %s.", name);
    if (!ctl_offline())
        warn_if_outdated(name);
    if (unit_text_exists(&t)) {
        _cleanup_free_ char *text = read_fragment(&t);
        if (!text)
            return EXIT_FAILURE;
        add_fragment_title(&title, &t);
        printf("%s%s", text_str(&title), text);
    }
    STRV_FOREACH (dropin, t.dropins)
        if (cat_file(*dropin, dropin == t.dropins && !unit_text_exists(&t)) != 0)
            return EXIT_FAILURE;
    return 0;
}

int verb_cat(int argc, char **argv) {
    _cleanup_strv_ char **names = NULL;
    _cleanup_(search_path_done) struct search_path where = {};
    if (files_where(&where) < 0)
        return EXIT_FAILURE;
    if (!ctl_offline()) {
        if (expand_names(argv + 1, NULL, NULL, &names) < 0)
            return EXIT_FAILURE;
    } else
        for (char **a = argv + 1; *a; a++) {
            char *name = NULL;
            if (mangle(*a, NULL, &name) < 0 || strv_take(&names, name) < 0)
                return EXIT_FAILURE;
        }
    STRV_FOREACH (name, names) {
        if (name != names)
            putchar('\n');
        if (cat_unit(&where, *name) != 0)
            return EXIT_FAILURE;
    }
    return 0;
}

/* --- edit: the text that is offered --------------------------------------------------------------------- */
static const char begin_mark[] = "### What is written between this line and the next one with ### becomes the file.";
static const char end_mark[] = "### What is below this line is left out.";

struct edited {
    char *path, *temporary; /* where it is to be, and where the editor works */
};
struct edits {
    struct edited *items;
    size_t n;
};

static void edits_done(struct edits *e) {
    for (size_t i = 0; i < e->n; i++) {
        if (e->items[i].temporary)
            unlink(e->items[i].temporary);
        /* A directory made in vain; one with a file in it stays. */
        char *slash = e->items[i].path ? strrchr(e->items[i].path, '/') : NULL;
        if (slash && slash - e->items[i].path > 2 && memcmp(slash - 2, ".d", 2) == 0) {
            *slash = 0;
            (void)rmdir(e->items[i].path);
        }
        free(e->items[i].temporary);
        free(e->items[i].path);
    }
    free(e->items);
}

static void add_commented(struct text *out, const char *title, const char *text) {
    text_addf(out, "\n#%s", title);
    while (*text) {
        size_t n = strcspn(text, "\n");
        text_addf(out, n ? "# %.*s\n" : "#\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

/* A drop-in, with what it adds to as comments below. */
static int offer_dropin(struct text *out, const struct unit_text *t, const char *path) {
    _cleanup_free_ char *old = NULL, *fragment = NULL;
    (void)file_read(path, UNIT_FILE_MAX, &old, NULL);
    text_addf(out, "%s\n\n%s\n%s\n", begin_mark, old ? old : "", end_mark);
    if (unit_text_exists(t)) {
        _cleanup_text_ struct text title = {};
        add_fragment_title(&title, t);
        fragment = read_fragment(t);
        if (!fragment)
            return -EIO;
        add_commented(out, text_str(&title), fragment);
    }
    STRV_FOREACH (dropin, t->dropins) {
        _cleanup_free_ char *text = NULL;
        _cleanup_text_ struct text title = {};
        text_addf(&title, "# %s\n", *dropin);
        if (strcmp(*dropin, path) != 0 && file_read(*dropin, UNIT_FILE_MAX, &text, NULL) >= 0)
            add_commented(out, text_str(&title), text);
    }
    return 0;
}

/* What stands between the marks, without empty lines around it; all of a text that has none. */
static char *accepted(char *text) {
    char *begin = strstr(text, begin_mark), *end;
    if (begin)
        text = begin + strlen(begin_mark);
    if ((end = strstr(text, end_mark)))
        *end = 0;
    text += strspn(text, "\n");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\n", text[n - 1]))
        n--;
    char *result = malloc(n + 2);
    if (!result)
        return NULL;
    memcpy(result, text, n);
    strcpy(result + n, n > 0 ? "\n" : "");
    return result;
}

/* --- edit: the files ------------------------------------------------------------------------------------ */
/* Which file of the unit: a copy of it or a drop-in, in /etc or /run. Allocated, or NULL and said. */
static char *path_to_edit(const struct search_path *where, const char *name) {
    _cleanup_text_ struct text below = {}, path = {}, other = {};
    text_add(&below, name);
    if (!ctl.full) {
        const char *file = ctl.drop_in ? ctl.drop_in : "override.conf";
        size_t n = strlen(file);
        text_addf(&below, ".d/%s%s", file, n > 5 && strcmp(file + n - 5, ".conf") == 0 ? "" : ".conf");
    }
    text_addf(&path, "%s/%s", ctl.runtime ? where->runtime_config : where->persistent_config, text_str(&below));
    text_addf(&other, "%s/%s", where->persistent_config, text_str(&below));
    if (below.failed || path.failed || other.failed) {
        fail_memory();
        return NULL;
    }
    if (ctl.runtime && access(text_str(&other), F_OK) >= 0) {
        fail("Refusing to create \"%s\" because it would be overridden by \"%s\" anyway.", text_str(&path),
             text_str(&other));
        return NULL;
    }
    return text_take(&path);
}

static int add_edit(struct edits *e, const struct search_path *where, const char *name) {
    _cleanup_(unit_text_done) struct unit_text t = {};
    _cleanup_text_ struct text offer = {}, temporary = {};
    int r = unit_text_find(where, name, &t);
    if (r < 0)
        return r;
    if (t.found.result == SEARCH_MASKED)
        return fail("Cannot edit %s: unit is masked.", name), -EINVAL;
    if (!unit_text_exists(&t) && !ctl.force) {
        fail("No files found for %s.", name);
        return fail("Run 'systemctl edit --force --full %s' to create a new unit.", name), -ENOENT;
    }
    struct edited *more = reallocarray(e->items, e->n + 1, sizeof *more);
    if (!more)
        return fail_memory(), -ENOMEM;
    e->items = more;
    more += e->n++;
    *more = (struct edited){ .path = path_to_edit(where, t.names[0]) };
    if (!more->path)
        return -EINVAL;
    _cleanup_free_ char *whole = ctl.full && unit_text_exists(&t) ? read_fragment(&t) : NULL;
    if (!ctl.full)
        r = offer_dropin(&offer, &t, more->path);
    else if (whole)
        text_add(&offer, whole);
    text_addf(&temporary, "%.*s.#%s%d", (int)(path_base(more->path) - more->path), more->path, path_base(more->path),
              getpid());
    if (r >= 0)
        r = offer.failed || !(more->temporary = text_take(&temporary)) ? -ENOMEM : mkdir_parents(more->path, 0755);
    if (r >= 0)
        r = file_write(more->temporary, text_str(&offer), 0644);
    return r < 0 ? fail("Failed to prepare %s: %s", more->path, strerror(-r)), r : 0;
}

/* The editor on all files at once. */
static int run_editor(const struct edits *e) {
    static const char *const variables[] = { "SYSTEMD_EDITOR", "EDITOR", "VISUAL" };
    static const char *const usual[] = { "editor", "nano", "vim", "vi" };
    const char *wish = NULL;
    for (size_t i = 0; i < ELEMENTS(variables) && !(wish && *wish); i++)
        wish = getenv(variables[i]);
    wish = wish && *wish ? wish : NULL;
    if (!wish && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
        return fail("Cannot edit units if not on a tty.");
    pid_t pid = fork();
    if (pid < 0)
        return fail("Failed to run an editor: %s", strerror(errno));
    if (pid == 0) {
        for (size_t i = 0; i < (wish ? 1 : ELEMENTS(usual)); i++) {
            _cleanup_strv_ char **command = strv_split(wish ? wish : usual[i], " \t");
            for (size_t k = 0; command && k < e->n; k++)
                if (strv_add(&command, e->items[k].temporary) < 0)
                    _exit(EXIT_FAILURE);
            if (command && command[0])
                execvp(command[0], command);
        }
        fail(wish ? "Failed to run the editor %s: %s" : "Cannot edit units, no editor available. Please set either "
             "$SYSTEMD_EDITOR, $EDITOR or $VISUAL.", wish, strerror(errno));
        _exit(127);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILURE;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : fail("The editor has failed, nothing was changed.");
}

/* --stdin: the same text for every file. */
static int take_stdin(const struct edits *e) {
    _cleanup_text_ struct text all = {};
    char buffer[4096];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, stdin)) > 0 && all.len < UNIT_FILE_MAX;)
        text_add_n(&all, buffer, n);
    for (size_t i = 0; i < e->n; i++)
        if (all.failed || file_write(e->items[i].temporary, text_str(&all), 0644) < 0)
            return fail("Failed to write %s.", e->items[i].temporary);
    return 0;
}

/* 1: it is there now; 0: nothing was written; negative, said. */
static int install_edit(const struct edited *e) {
    _cleanup_free_ char *text = NULL, *result = NULL;
    int r = file_read(e->temporary, UNIT_FILE_MAX, &text, NULL);
    if (r >= 0 && !(result = accepted(text)))
        r = -ENOMEM;
    if (r >= 0 && !*result) {
        fail("Editing \"%s\" canceled: temporary file is empty.", e->path);
        return 0;
    }
    if (r >= 0)
        r = file_write(e->temporary, result, 0644);
    if (r >= 0 && rename(e->temporary, e->path) < 0)
        r = -errno;
    if (r < 0)
        return fail("Failed to write %s: %s", e->path, strerror(-r)), r;
    if (!ctl.quiet)
        fail("Successfully installed edited file '%s'.", e->path);
    return 1;
}

int verb_edit(int argc, char **argv) {
    _cleanup_(edits_done) struct edits e = {};
    _cleanup_(search_path_done) struct search_path where = {};
    if (ctl.drop_in && (ctl.full || strchr(ctl.drop_in, '/')))
        return fail(ctl.full ? "--drop-in= may not be combined with --full." : "Invalid drop-in file name '%s'.",
                    ctl.drop_in);
    if (files_where(&where) < 0)
        return EXIT_FAILURE;
    for (char **a = argv + 1; *a; a++) {
        _cleanup_free_ char *name = NULL;
        if (mangle(*a, NULL, &name) < 0 || add_edit(&e, &where, name) < 0)
            return EXIT_FAILURE;
    }
    int status = ctl.from_stdin ? take_stdin(&e) : run_editor(&e);
    bool changed = false;
    for (size_t i = 0; i < e.n && status == 0; i++) {
        int r = install_edit(&e.items[i]);
        changed |= r > 0;
        status = r < 0 ? EXIT_FAILURE : 0;
    }
    return status == 0 && changed && !ctl.no_reload && !ctl_offline() ? reload_manager("Reload") : status;
}
