/* SPDX-License-Identifier: Apache-2.0 */
/* Every value type: the first two bytes choose a row of the table, the rest is its text. What was taken is printed,
 * compared with itself, extended by the same text once more, and reset. */
#include "unit/implied.h"
#include "unit/unit_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct manager_dirs dirs = { "/run", "/var/lib", "/var/cache", "/var/log", "/etc", NULL, true };
    if (size < 2)
        return 0;
    size_t n;
    const struct directive_row *rows = directive_rows(&n), *row = &rows[(data[0] | data[1] << 8) % n];
    char *text = strndup((const char *)data + 2, size - 2);
    struct unit_file *unit = NULL;
    if (!text || unit_file_new("fuzz-a@b\\x2dc.service", &unit) < 0)
        abort();
    struct unit_specifiers specifiers;
    unit_specifiers_init(&specifiers, unit, &dirs);
    struct parse_at at = { .unit = unit->name, .specifiers = &specifiers.table };
    for (int i = 0; i < 2; i++) {
        int r = unit_file_assign(unit, row, &at, text);
        if (r < 0 && at.why.len == 0)
            abort(); /* what is refused is told why */
        const union value *value = unit_setting(unit, row->id);
        const struct value_type *type = directive_row(row->id)->type;
        struct text printed = {};
        type->print(type, value, &printed);
        if (!type->equal(type, value, value))
            abort();
        text_free(&printed);
    }
    if (unit_put_implied(unit) < 0)
        abort();
    unit_file_assign(unit, row, &at, "");
    text_free(&at.why);
    unit_file_free(unit);
    free(text);
    return 0;
}
