/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs for people share: what the screen can show, and how they give up. No locales: what the environment
 * says is looked up by hand. */
#pragma once

#include "base/macro.h"

/* $SYSTEMD_UTF8, else what the locale's variables say; where none is set, everything can do UTF-8. systemd(1). */
bool terminal_utf8(void);
/* $SYSTEMD_COLORS, else whether stdout is a terminal that is not dumb, unless $NO_COLOR is set. */
bool terminal_colors(void);
/* $COLUMNS, else the width of the terminal that stdout is, else 80. */
unsigned terminal_columns(void);

/* Says it on stderr, after what stdout has to say; EXIT_FAILURE. */
int fail(const char *format, ...) _printf_(1, 2);
