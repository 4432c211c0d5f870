/* SPDX-License-Identifier: Apache-2.0 */
/* Times, sizes, glyphs and colours as systemctl prints them. */
#include "cli/systemctl/ctl.h"
#include "syntax/names.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- what the screen can do ----------------------------------------------------------------------------- */
const char *glyph(enum glyph g) {
    static const char *const glyphs[2][GLYPHS] = {
        { "*", "*", "x", "*", "|-", "`-", "| ", "  ", "->", "*" },
        { "●", "○", "×", "↻", "├─", "└─", "│ ", "  ", "→", "•" },
    };
    return glyphs[terminal_utf8()][g];
}

enum glyph glyph_of_state(const char *state) {
    if (strcmp(state, "failed") == 0)
        return GLYPH_CROSS;
    if (strcmp(state, "reloading") == 0)
        return GLYPH_ARROW_CIRCLE;
    return strcmp(state, "inactive") == 0 || strcmp(state, "maintenance") == 0 ? GLYPH_HOLLOW : GLYPH_CIRCLE;
}

const char *color(enum color c) {
    static const char *const sequences[COLORS] = { "\x1b[0;1;32m", "\x1b[0;1;31m", "\x1b[0;1;33m", "\x1b[0;90m",
                                                   "\x1b[0;1;39m" };
    return terminal_colors() ? sequences[c] : "";
}

const char *color_off(void) {
    return terminal_colors() ? "\x1b[0m" : "";
}

const char *color_of_state(const char *state) {
    if (strcmp(state, "failed") == 0)
        return color(COLOR_BAD);
    return strcmp(state, "active") == 0 || strcmp(state, "reloading") == 0 ? color(COLOR_GOOD) : "";
}

unsigned columns(void) {
    return isatty(STDOUT_FILENO) ? terminal_columns() : UINT_MAX;
}

size_t width_of(const char *s) {
    size_t n = 0;
    for (; *s; s++)
        n += (*s & 0xc0) != 0x80;
    return n;
}

/* --- times and sizes ------------------------------------------------------------------------------------ */
const char *format_timestamp(usec_t t, char buffer[static TIMESTAMP_MAX]) {
    return timestamp_format(t, false, buffer) ?: "n/a";
}

const char *format_ago(usec_t t, char buffer[static TIMESTAMP_MAX]) {
    return timestamp_format_distance(t, buffer) ?: "n/a";
}

/* "code=exited, status=1/FAILURE". */
const char *format_exit(int code, int status, char buffer[static TIMESTAMP_MAX]) {
    static const char *const codes[] = { "invalid", "exited", "killed", "dumped", "trapped", "stopped", "continued" };
    const char *word = codes[code >= 0 && code < (int)ELEMENTS(codes) ? code : 0];
    const char *name = code == CLD_EXITED ? exit_status_to_string(status) : signal_to_string(status);
    if (code == CLD_EXITED && status > 1 && status < 200) /* what an init script would mean by it */
        name = NULL;
    if (code == CLD_EXITED)
        snprintf(buffer, TIMESTAMP_MAX, "code=%s, status=%i%s%s", word, status, name ? "/" : "", name ? name : "");
    else
        snprintf(buffer, TIMESTAMP_MAX, "code=%s, signal=%s", word, name ? name : "n/a");
    return buffer;
}
