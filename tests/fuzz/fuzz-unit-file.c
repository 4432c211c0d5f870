/* SPDX-License-Identifier: Apache-2.0 */
/* A unit file of any bytes: read, every assignment parsed by its type, the outcome printed and compared, then
 * freed. The first byte chooses the unit's type. */
#include "syntax/lines.h"
#include "unit/unit_file.h"

#include <stdlib.h>

struct target {
    struct unit_file *unit;
    struct parse_at at;
};

static int assign(void *userdata, unsigned line, const char *section, const char *name, const char *value) {
    struct target *t = userdata;
    const struct directive_row *row = directive_find(section_from_string(section), name);
    t->at.line = line;
    if (row)
        unit_file_assign(t->unit, row, &t->at, value);
    return 0;
}

static void complain(void *userdata, unsigned line, const char *why) {
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct line_handler handler = { assign, complain };
    static const char *const names[] = {
        "a-b@c\\x2d.service", "a.socket", "a.timer", "a.path", "a.mount", "a.slice"
    };
    struct unit_specifiers specifiers;
    struct target t = {};
    if (size < 1 || unit_file_new(names[data[0] % ELEMENTS(names)], &t.unit) < 0)
        return 0;
    unit_specifiers_init(&specifiers, t.unit, NULL);
    t.at = (struct parse_at){ .unit = t.unit->name, .specifiers = &specifiers.table };
    lines_read((const char *)data + 1, size - 1, &handler, &t);
    for (size_t i = 0; i < t.unit->n_settings; i++) {
        const struct setting *s = &t.unit->settings[i];
        const struct value_type *type = directive_row(s->id)->type;
        struct text printed = {};
        type->print(type, &s->value, &printed);
        text_free(&printed);
        if (!type->equal(type, &s->value, &s->value) || (i > 0 && s[-1].id >= s->id))
            abort();
    }
    text_free(&t.at.why);
    unit_file_free(t.unit);
    return 0;
}
