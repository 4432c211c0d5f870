/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of a unit's settings: a sorted array of what somebody wrote. Knows types only through their
 * functions. */
#include "unit/unit_file.h"
#include "base/strv.h"
#include "unit/types.h"

#include <errno.h>
#include <string.h>

const char *load_state_to_string(enum load_state state) {
    static const char *const names[LOAD_STATES] = {
        [LOAD_STUB] = "stub",           [LOAD_LOADED] = "loaded",
        [LOAD_NOT_FOUND] = "not-found", [LOAD_BAD_SETTING] = "bad-setting",
        [LOAD_ERROR] = "error",         [LOAD_MERGED] = "merged",
        [LOAD_MASKED] = "masked",
    };
    return state >= 0 && state < LOAD_STATES ? names[state] : NULL;
}

int unit_file_new(const char *name, struct unit_file **ret) {
    if (!unit_name_kind(name))
        return -EINVAL;
    struct unit_file *f = calloc(1, sizeof(*f));
    if (!f || !(f->name = strdup(name))) {
        free(f);
        return -ENOMEM;
    }
    f->type = unit_name_type(name);
    *ret = f;
    return 0;
}

static void value_free(enum directive id, union value *value) {
    const struct value_type *type = directive_row(id)->type;
    if (type->free)
        type->free(value);
}

void unit_file_free(struct unit_file *file) {
    if (!file)
        return;
    for (size_t i = 0; i < file->n_settings; i++)
        value_free(file->settings[i].id, &file->settings[i].value);
    free(file->settings);
    free(file->name);
    strv_free(file->aliases);
    free(file->fragment_path);
    free(file->source_path);
    strv_free(file->dropin_paths);
    strv_free(file->wants_from_dirs);
    strv_free(file->requires_from_dirs);
    strv_free(file->upholds_from_dirs);
    free(file->error);
    free(file);
}

void unit_file_freep(struct unit_file **file) {
    unit_file_free(*file);
}

/* The place of `id`, or where it would be inserted. */
static size_t position(const struct unit_file *file, enum directive id) {
    size_t low = 0, high = file->n_settings;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (file->settings[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct setting *find(const struct unit_file *file, enum directive id) {
    size_t i = position(file, id);
    return i < file->n_settings && file->settings[i].id == id ? &file->settings[i] : NULL;
}

/* Defaults that depend on the unit's type. */
static const union value *type_default(const struct unit_file *file, enum directive id) {
    static const union value yes = { .boolean = true }, shared = { .number = KEYRING_SHARED }, none = { .usec = 0 };
    enum unit_type type = file->type;
    switch (id) {
    case D_IgnoreOnIsolate:
        return type == UNIT_MOUNT || type == UNIT_AUTOMOUNT || type == UNIT_SWAP || type == UNIT_SLICE ||
                       type == UNIT_SCOPE || type == UNIT_DEVICE
                   ? &yes
                   : NULL;
    case D_KeyringMode:
        return type != UNIT_SERVICE ? &shared : NULL;
    case D_TimeoutIdleSec:
        return &none;
    default:
        return NULL;
    }
}

const union value *unit_setting(const struct unit_file *file, enum directive id) {
    const struct setting *s = find(file, id);
    return s ? &s->value : type_default(file, id) ?: directive_default(id);
}

bool unit_setting_written(const struct unit_file *file, enum directive id) {
    return find(file, id);
}

uint64_t unit_trigger_limit_burst(const struct unit_file *file) {
    bool often = file->type == UNIT_PATH || unit_bool(file, D_Accept);
    return often && !unit_setting_written(file, D_TriggerLimitBurst) ? 200 : unit_size(file, D_TriggerLimitBurst);
}

void unit_setting_drop(struct unit_file *file, enum directive id) {
    struct setting *s = find(file, id);
    if (!s)
        return;
    value_free(id, &s->value);
    size_t i = (size_t)(s - file->settings);
    file->n_settings--;
    memmove(s, s + 1, (file->n_settings - i) * sizeof(*s));
}

void unit_settings_fit(struct unit_file *file) {
    if (file->n_settings == 0 || file->n_settings == file->settings_room)
        return;
    struct setting *fitting = realloc(file->settings, file->n_settings * sizeof(*fitting));
    if (!fitting)
        return;
    file->settings = fitting;
    file->settings_room = file->n_settings;
}

/* A place for `id`, made if it is not there yet; NULL without memory. */
static struct setting *make(struct unit_file *file, enum directive id) {
    struct setting *s = find(file, id);
    if (s)
        return s;
    uint32_t n = file->n_settings;
    if (n == file->settings_room) {
        uint32_t room = MAX(2 * n, 4u);
        struct setting *grown = realloc(file->settings, room * sizeof(*grown));
        if (!grown)
            return NULL;
        file->settings = grown;
        file->settings_room = room;
    }
    size_t i = position(file, id);
    memmove(&file->settings[i + 1], &file->settings[i], (n - i) * sizeof(file->settings[0]));
    file->settings[i] = (struct setting){ .id = id };
    file->n_settings = n + 1;
    return &file->settings[i];
}

int unit_setting_put(struct unit_file *file, enum directive id, union value value) {
    struct setting *s = find(file, id);
    if (s)
        value_free(id, &s->value);
    else if (!(s = make(file, id))) {
        value_free(id, &value);
        return -ENOMEM;
    }
    s->value = value;
    return 0;
}

static int assign(struct unit_file *file, enum directive id, const struct value_type *type,
                  struct parse_at *at, const char *text) {
    if (!*text && type->flags & TYPE_KEEPS) {
        if (!(type->flags & TYPE_LIST))
            text_add(&at->why, "empty, and that is not how it goes back to its default");
        return type->flags & TYPE_LIST ? 0 : type == &type_boolean_strict ? -ENOEXEC : -EINVAL;
    }
    if (!*text && !(type->flags & TYPE_EMPTY_OK)) {
        unit_setting_drop(file, id);
        return 0;
    }
    struct setting *s = find(file, id);
    /* A set starts from its default; what is on the heap starts from nothing, the default's memory is not
     * ours. */
    union value value = s ? s->value : type->free ? type->unset : *directive_default(id);
    int r = type->parse(type, at, text, &value);
    if (s) {
        s->value = value;
        return r;
    }
    if (r < 0 && !(type->flags & TYPE_LIST))
        return r;
    if (type->free && !value.object)
        return r;
    s = make(file, id);
    if (!s) {
        if (type->free)
            type->free(&value);
        return -ENOMEM;
    }
    s->value = value;
    return r;
}

int unit_file_assign(struct unit_file *file, const struct directive_row *row, struct parse_at *at,
                     const char *text) {
    text_clear(&at->why);
    at->directive = row->name;
    const struct value_type *type = row->type ?: directive_row(row->id)->type;
    int r = assign(file, row->id, type, at, text);
    if (r >= 0 && row->also != DIRECTIVE_INVALID)
        r = assign(file, row->also, directive_row(row->also)->type, at, text);
    return r;
}
