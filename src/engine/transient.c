/* SPDX-License-Identifier: Apache-2.0 */
/* Units and settings made at run time: systemd-run, systemctl set-property. Both become files where systemd puts
 * them, so that a reload finds them again. systemd-run(1), systemctl(1) "set-property". */
#include "base/fd.h"
#include "base/path.h"
#include "engine/manager_private.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

int manager_make_transient(struct manager *m, const char *name, const char *fragment_text, struct unit **ret,
                           struct error *error) {
    if (!unit_name_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE)) /* it becomes a file's name */
        return error_set(error, ERROR_INVALID_ARGUMENT, "Unit name %s is not valid.", name);
    struct unit *u = manager_get_unit(m, name);
    if (u && (u->file->state != LOAD_NOT_FOUND || u->job || !inactive_or_failed(unit_active_state(u))))
        return error_set(error, ERROR_UNIT_EXISTS, "Unit %s was already loaded or has a fragment file.", name);
    if (search_has(&m->search, name))
        return error_set(error, ERROR_UNIT_EXISTS, "Unit %s was already loaded or has a fragment file.", name);
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", m->search.transient, name);
    int r = mkdir_p(m->search.transient, 0755);
    if (r >= 0)
        r = file_write(path, fragment_text, 0644);
    if (r < 0)
        return error_set(error, ERROR_FAILED, "Cannot write %s: %s", path, strerror(-r));
    r = search_cache_fill(&m->search);
    if (r >= 0 && u) /* so far it was only a name somebody had mentioned */
        r = unit_read_again(u);
    if (r < 0)
        return error_set(error, ERROR_NO_MEMORY, "No memory to load unit %s.", name);
    if (!u && (r = manager_load_unit(m, name, &u, error)) < 0)
        return r;
    u->file->transient = true;
    *ret = u;
    return 0;
}

void unit_remove_transient(struct unit *u) {
    if (!u->file->transient || !u->file->fragment_path || u->manager->p->reloading)
        return;
    if (path_below(u->file->fragment_path, u->manager->search.transient)) {
        remove(u->file->fragment_path);
        (void)search_cache_fill(&u->manager->search);
    }
}

/* The lines at `text` that assign the same name as the first: their length; *ret_name: how long the name is. */
static size_t same_name(const char *text, size_t *ret_name) {
    size_t name = strcspn(text, "=\n"), n = 0;
    while (strncmp(text + n, text, name) == 0 && text[n + name] == '=') {
        n += strcspn(text + n, "\n");
        n += text[n] == '\n';
    }
    *ret_name = name;
    return n;
}

/* The setting holds from now on, without a reload. */
static void assign_now(struct unit *u, const char *section, char *line) {
    char *value = strchr(line, '=');
    *value++ = 0;
    const struct directive_row *row = directive_find(section_from_string(section), line);
    struct parse_at at = { .unit = u->id, .directive = line };
    if (row)
        (void)unit_file_assign(u->file, row, &at, value);
    text_free(&at.why);
}

int manager_set_property_text(struct manager *m, struct unit *u, const char *section, const char *assignments,
                              bool runtime, struct error *error) {
    char directory[PATH_MAX];
    snprintf(directory, sizeof(directory), "%s/%s.d",
             runtime ? m->search.runtime_control : m->search.persistent_control, u->id);
    int r = mkdir_p(directory, 0755);
    if (r < 0)
        return error_set(error, ERROR_FAILED, "Cannot make %s: %s", directory, strerror(-r));
    /* One file a property, as systemd names them: 50-NAME.conf. */
    for (const char *at = assignments; *at;) {
        size_t name, n = same_name(at, &name);
        if (n == 0)
            return error_set(error, ERROR_INVALID_ARGUMENT, "Not an assignment: %s", at);
        char path[PATH_MAX + 64];
        snprintf(path, sizeof(path), "%s/50-%.*s.conf", directory, (int)name, at);
        _cleanup_text_ struct text content = {};
        text_addf(&content, "# Written by systemctl set-property.\n[%s]\n%.*s", section, (int)n, at);
        if (content.len && content.s[content.len - 1] != '\n')
            text_add_char(&content, '\n');
        r = content.failed ? -ENOMEM : file_write(path, text_str(&content), 0644);
        if (r < 0)
            return error_set(error, ERROR_FAILED, "Cannot write %s: %s", path, strerror(-r));
        at += n;
    }
    _cleanup_strv_ char **lines = strv_split(assignments, "\n");
    STRV_FOREACH(line, lines)
        assign_now(u, section, *line);
    (void)search_cache_fill(&m->search);
    unit_changed(u);
    return 0;
}
