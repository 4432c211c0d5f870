/* SPDX-License-Identifier: Apache-2.0 */
/* The table of directives: everything there is to say about each name in a unit file, one row each in directives.def.
 * From the rows follow parsing, resets, `reeve directives`, `reeve verify`, the reference page and most of what
 * `systemctl show` prints. To add a directive, add a row. */
#pragma once

#include "unit/value.h"
#include "unit/name.h"

enum section {
    SECTION_UNIT = 1 << 0,
    SECTION_INSTALL = 1 << 1,
    SECTION_SERVICE = 1 << 2,
    SECTION_SOCKET = 1 << 3,
    SECTION_TIMER = 1 << 4,
    SECTION_PATH = 1 << 5,
    SECTION_MOUNT = 1 << 6,
    SECTION_AUTOMOUNT = 1 << 7,
    SECTION_SWAP = 1 << 8,
    SECTION_SLICE = 1 << 9,
    SECTION_SCOPE = 1 << 10,
    SECTION_X_REEVE = 1 << 11,
    /* Groups that systemd documents on a page of their own. */
    SECTION_EXEC = SECTION_SERVICE | SECTION_SOCKET | SECTION_MOUNT | SECTION_SWAP,                /* systemd.exec(5) */
    SECTION_KILL = SECTION_EXEC | SECTION_SCOPE,                                                  /* systemd.kill(5) */
    SECTION_CGROUP = SECTION_EXEC | SECTION_SLICE | SECTION_SCOPE,                /* systemd.resource-control(5) */
};

enum support {
    SUPPORT_YES,      /* does what systemd does */
    SUPPORT_DEGRADES, /* does what it can; `note` says what */
    SUPPORT_STORED,   /* accepted and shown, without effect; `note` says why */
    SUPPORT_ALIAS,    /* an older name of `id` */
};
const char *support_to_string(enum support support); /* "yes", "degrades", "accepted", "alias" */

/* D_ExecStart, D_Restart, … One per setting. Names that add to a common list share one: D_Conditions, D_Asserts,
 * D_Listen, D_Timers, D_Paths. */
enum directive {
#define DIRECTIVE(id, ...) D_##id,
#define DIRECTIVE_SAME(...)
#define DIRECTIVE_ALIAS(...)
#define DIRECTIVE_BOTH(...)
#include "unit/directives.def"
#undef DIRECTIVE
#undef DIRECTIVE_SAME
#undef DIRECTIVE_ALIAS
#undef DIRECTIVE_BOTH
    DIRECTIVES,
    DIRECTIVE_INVALID = -1,
};

struct directive_row {
    enum directive id;   /* the setting it assigns: for an alias, that of the name it stands for */
    enum directive also; /* a second one: TimeoutSec= sets two; else DIRECTIVE_INVALID */
    unsigned sections;   /* in which it may stand */
    const char *name;
    const struct value_type *type;
    const char *initial; /* the default, as text; "" or NULL: the type's zero */
    enum support support;
    const char *note;
};

/* The (first) row of an id, never NULL. */
const struct directive_row *directive_row(enum directive id);
/* By name as it stands in a file, aliases included; NULL: unknown there. */
const struct directive_row *directive_find(enum section section, const char *name);
/* All rows, aliases included, in the order of the table; for the reference page. */
const struct directive_row *directive_rows(size_t *ret_n);
/* "Service" → SECTION_SERVICE; 0 if unknown. And back. */
enum section section_from_string(const char *name);
const char *section_to_string(enum section section);
/* The section that belongs to a unit type: UNIT_SERVICE → SECTION_SERVICE; 0 for targets and devices. */
enum section section_of_type(enum unit_type type);
/* The value a setting has where nobody wrote it: from the row's `initial`, else the type's own. Never NULL; static. */
const union value *directive_default(enum directive id);
