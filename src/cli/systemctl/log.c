/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines of `systemctl status`: what the unit logged since it was last started, from the journal's files. */
#include "cli/systemctl/ctl.h"

#include "base/fd.h"
#include "journal/read.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Only what this unit logged in this boot. */
static int select_unit(struct reader *r, const char *id) {
    _cleanup_free_ char *boot = NULL;
    int k = match_unit_entries(r, id, false);
    if (k < 0)
        return k;
    reader_and(r);
    k = file_read("/proc/sys/kernel/random/boot_id", 64, &boot, NULL);
    if (k < 0)
        return k;
    char plain[33];
    struct id128 boot_id;
    boot[strcspn(boot, "\n")] = 0;
    k = id128_from_string(boot, &boot_id);
    return k < 0 ? k : reader_matchf(r, "_BOOT_ID=%s", id128_to_string(boot_id, plain));
}

void print_log(DBusMessage *p) {
    _cleanup_reader_ struct reader *r = ctl.lines > 0 ? reader_new() : NULL;
    usec_t since = props_number(p, "InactiveExitTimestampMonotonic");
    struct print_options o = {
        .mode = ctl.log_mode, .all = ctl.all, .columns = columns(), .color = *color(COLOR_BOLD)
    };
    struct print_state state = {};
    bool first = true;
    if (!r || reader_add_default(r, "", READER_SYSTEM | READER_USER) < 0 || select_unit(r, props_string(p, "Id")) < 0)
        return;
    o.ellipsize = !ctl.full && isatty(STDOUT_FILENO);
    reader_seek_tail(r);
    for (int k = reader_skip(r, ctl.lines, true) > 0; k > 0; k = reader_next(r)) {
        if (since != UINT64_MAX && reader_entry(r)->monotonic < since)
            continue;
        if (first)
            putchar('\n');
        first = false;
        if (print_entry(r, &o, &state, 0, 0) < 0)
            break;
        fwrite(text_str(&state.out), 1, state.out.len, stdout);
        text_clear(&state.out);
    }
    print_state_done(&state);
}
