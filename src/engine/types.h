/* SPDX-License-Identifier: Apache-2.0 */
/* The unit types: one table of operations each. Nothing outside the engine asks what is special to a type except
 * through these and the types' own headers (service.h, socket.h, scope.h). */
#pragma once

#include "engine/unit.h"

extern const struct unit_ops service_ops, socket_ops, target_ops, slice_ops, scope_ops, timer_ops, path_ops, mount_ops,
    automount_ops, swap_ops, device_ops;

/* The default After= between targets and what they pull in, once all edges of a batch of loaded units are there. 0 or
 * -ENOMEM. */
int target_order(struct unit *u);

/* Units that are there from the first moment to the last, whatever the files say; the manager loads them first. Ends
 * with NULL. systemd.special(7). */
extern const char *const perpetual_units[];

/* For the `init` of a type whose units need no files: what was not found counts as loaded. */
static inline void unit_needs_no_files(struct unit *u) {
    if (u->file->state == LOAD_NOT_FOUND) {
        u->file->state = LOAD_LOADED;
        free(TAKE(u->file->error));
    }
}
