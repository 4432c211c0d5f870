/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a unit that is compiled into the binary. The table itself comes from units/. */
#include "unit/name.h"
#include "unit/search.h"

#include <string.h>

static int compare_name(const void *name, const void *row) {
    return strcmp(name, ((const struct vendor_unit *)row)->name);
}

const struct vendor_unit *vendor_unit_find(const char *name) {
    return bsearch(name, vendor_units, n_vendor_units, sizeof(vendor_units[0]), compare_name);
}

bool vendor_unit_is_builtin(const char *name) {
    const struct vendor_unit *found = vendor_unit_find(name);
    _cleanup_free_ char *template = NULL;
    if (!found && unit_name_kind(name) == UNIT_NAME_INSTANCE && unit_name_template(name, &template) >= 0)
        found = vendor_unit_find(template);
    return found && found->builtin;
}
