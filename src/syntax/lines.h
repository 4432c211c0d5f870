/* SPDX-License-Identifier: Apache-2.0 */
/* The line format of unit files and their kin: [Section], Name=value, continuation with a trailing backslash, comments
 * with # or ;. systemd.syntax(7). Text in, calls out: knows no directives. */
#pragma once

#include "base/macro.h"

struct line_handler {
    /* An assignment. Strings are valid only during the call. section is "" before the first header. Return a negative
     * errno to stop. */
    int (*assign)(void *userdata, unsigned line, const char *section, const char *name, const char *value);
    /* Something malformed, in words; reading goes on with the next line. */
    void (*complain)(void *userdata, unsigned line, const char *why);
};

/* Walks `size` bytes. Bytes that are not UTF-8, and NUL, make their line malformed; a line of more than 1 MiB too; a
 * UTF-8 byte order mark at the start is skipped. 0, or the negative errno an assign() returned; -ENOMEM. */
int lines_read(const char *data, size_t size, const struct line_handler *handler, void *userdata);
