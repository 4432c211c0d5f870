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
