/* SPDX-License-Identifier: Apache-2.0 */
/* The table of directives.def as rows, and the ways to find one. */
#include "unit/directives.h"
#include "unit/types.h"

#include <string.h>

static const struct directive_row rows[] = {
#define DIRECTIVE(id, sections, name, type, initial, support, note)                                          \
    { D_##id, DIRECTIVE_INVALID, sections, #name, &type_##type, initial, SUPPORT_##support, note },
#define DIRECTIVE_SAME(id, sections, name, type, support, note)                                              \
    { D_##id, DIRECTIVE_INVALID, sections, #name, &type_##type, "", SUPPORT_##support, note },
#define DIRECTIVE_ALIAS(id, sections, name)                                                                  \
    { D_##id, DIRECTIVE_INVALID, sections, #name, NULL, "", SUPPORT_ALIAS, NULL },
#define DIRECTIVE_BOTH(id, also, sections, name)                                                             \
    { D_##id, D_##also, sections, #name, NULL, "", SUPPORT_YES, NULL },
#include "unit/directives.def"
#undef DIRECTIVE
#undef DIRECTIVE_SAME
#undef DIRECTIVE_ALIAS
#undef DIRECTIVE_BOTH
};

static const char *const support_names[] = {
    [SUPPORT_YES] = "yes",
    [SUPPORT_DEGRADES] = "degrades",
    [SUPPORT_STORED] = "accepted",
    [SUPPORT_ALIAS] = "alias",
};

const char *support_to_string(enum support support) {
    return support_names[support];
}

/* Filled at the first use: rows by id, and rows by name. */
static uint16_t row_of_id[DIRECTIVES], by_name[ELEMENTS(rows)];
static bool indexed;

static int compare_names(const void *a, const void *b) {
    uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
    int r = strcmp(rows[x].name, rows[y].name);
    return r ? r : x - y;
}

static void make_index(void) {
    if (indexed)
        return;
    for (size_t i = ELEMENTS(rows); i-- > 0;) {
        by_name[i] = (uint16_t)i;
        if (rows[i].type && rows[i].also == DIRECTIVE_INVALID)
            row_of_id[rows[i].id] = (uint16_t)i;
    }
    qsort(by_name, ELEMENTS(rows), sizeof(by_name[0]), compare_names);
    indexed = true;
}

const struct directive_row *directive_row(enum directive id) {
    make_index();
    return &rows[row_of_id[id]];
}

const struct directive_row *directive_find(enum section section, const char *name) {
    make_index();
    size_t low = 0, high = ELEMENTS(rows);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(rows[by_name[middle]].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < ELEMENTS(rows) && strcmp(rows[by_name[low]].name, name) == 0; low++)
        if (rows[by_name[low]].sections & section)
            return &rows[by_name[low]];
    return NULL;
}

const struct directive_row *directive_rows(size_t *ret_n) {
    *ret_n = ELEMENTS(rows);
    return rows;
}

/* --- sections ------------------------------------------------------------------------------------------- */

static const struct {
    enum section section;
    const char *name;
} sections[] = {
    { SECTION_UNIT, "Unit" },     { SECTION_INSTALL, "Install" },     { SECTION_SERVICE, "Service" },
    { SECTION_SOCKET, "Socket" }, { SECTION_TIMER, "Timer" },         { SECTION_PATH, "Path" },
    { SECTION_MOUNT, "Mount" },   { SECTION_AUTOMOUNT, "Automount" }, { SECTION_SWAP, "Swap" },
    { SECTION_SLICE, "Slice" },   { SECTION_SCOPE, "Scope" },         { SECTION_X_REEVE, "X-Reeve" },
};

enum section section_from_string(const char *name) {
    for (size_t i = 0; i < ELEMENTS(sections); i++)
        if (strcmp(sections[i].name, name) == 0)
            return sections[i].section;
    return 0;
}

const char *section_to_string(enum section section) {
    for (size_t i = 0; i < ELEMENTS(sections); i++)
        if (sections[i].section == section)
            return sections[i].name;
    return NULL;
}

enum section section_of_type(enum unit_type type) {
    static const enum section of_type[UNIT_TYPES] = {
        [UNIT_SERVICE] = SECTION_SERVICE, [UNIT_SOCKET] = SECTION_SOCKET,       [UNIT_SLICE] = SECTION_SLICE,
        [UNIT_SCOPE] = SECTION_SCOPE,     [UNIT_TIMER] = SECTION_TIMER,         [UNIT_PATH] = SECTION_PATH,
        [UNIT_MOUNT] = SECTION_MOUNT,     [UNIT_AUTOMOUNT] = SECTION_AUTOMOUNT, [UNIT_SWAP] = SECTION_SWAP,
    };
    return type >= 0 && type < UNIT_TYPES ? of_type[type] : 0;
}

/* --- defaults ------------------------------------------------------------------------------------------- */

const union value *directive_default(enum directive id) {
    static union value defaults[DIRECTIVES];
    static bool known[DIRECTIVES];
    if (!known[id]) {
        const struct directive_row *row = directive_row(id);
        defaults[id] = row->type->unset;
        if (row->initial && *row->initial) {
            struct parse_at at = { .unit = "", .directive = row->name };
            row->type->parse(row->type, &at, row->initial, &defaults[id]);
            text_free(&at.why);
        }
        known[id] = true;
    }
    return &defaults[id];
}
