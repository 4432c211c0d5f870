/* SPDX-License-Identifier: Apache-2.0 */
/* The specifiers that say something about the system and not about a unit: %a %A %b %B %H %l %m %M %o %q %T
 * %v … as systemd.unit(5), tmpfiles.d(5) and the [Install] section share them. */
#pragma once

#include "base/macro.h"

/* a A b B g G H l m M o q T u U h v V w W. `root`: where /etc/os-release and /etc/machine-id are read, "" for
 * this system. -ENOENT: no such letter; -EUNATCH: known, but has no value here; -ENOMEM. The shape of
 * specifier_table.lookup's result. */
int system_specifier(char letter, const char *root, char **ret);
/* The machine's architecture as systemd names it: "x86-64", "arm64". Static. */
const char *architecture_name(void);
