/* SPDX-License-Identifier: Apache-2.0 */
/* Times, sizes, glyphs and colours as systemctl prints them, without locales: what the environment says about UTF-8 is
 * looked up by hand. */
#include "cli/systemctl/ctl.h"

#include "syntax/names.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- what the screen can do ----------------------------------------------------------------------------- */
static bool utf8(void) {
    static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    const char *own = getenv("SYSTEMD_UTF8");
    if (own && bool_parse(own) >= 0)
        return bool_parse(own);
    for (size_t i = 0; i < ELEMENTS(variables); i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return true;
}

const char *glyph(enum glyph g) {
    static const char *const glyphs[2][GLYPHS] = {
        { "*", "*", "x", "*", "|-", "`-", "| ", "  ", "->", "*" },
        { "●", "○", "×", "↻", "├─", "└─", "│ ", "  ", "→", "•" },
    };
    static int which = -1;
    if (which < 0)
        which = utf8();
    return glyphs[which][g];
}

enum glyph glyph_of_state(const char *state) {
    if (strcmp(state, "failed") == 0)
        return GLYPH_CROSS;
    if (strcmp(state, "reloading") == 0)
        return GLYPH_ARROW_CIRCLE;
    return strcmp(state, "inactive") == 0 || strcmp(state, "maintenance") == 0 ? GLYPH_HOLLOW : GLYPH_CIRCLE;
}

static bool colors(void) {
    static int on = -1;
    const char *own = getenv("SYSTEMD_COLORS"), *term = getenv("TERM");
    if (on < 0 && own && bool_parse(own) >= 0)
        on = bool_parse(own);
    if (on < 0)
        on = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
    return on;
}

const char *color(enum color c) {
    static const char *const sequences[COLORS] = { "\x1b[0;1;32m", "\x1b[0;1;31m", "\x1b[0;1;33m", "\x1b[0;90m",
                                                   "\x1b[0;1;39m" };
    return colors() ? sequences[c] : "";
}

const char *color_off(void) {
    return colors() ? "\x1b[0m" : "";
}

const char *color_of_state(const char *state) {
    if (strcmp(state, "failed") == 0)
        return color(COLOR_BAD);
    return strcmp(state, "active") == 0 || strcmp(state, "reloading") == 0 ? color(COLOR_GOOD) : "";
}

unsigned columns(void) {
    const char *own = getenv("COLUMNS");
    struct winsize size = {};
    uint64_t n;
    if (!isatty(STDOUT_FILENO))
        return UINT_MAX;
    if (own && uint64_parse(own, &n) >= 0 && n > 0 && n < USHRT_MAX)
        return (unsigned)n;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0 && size.ws_col > 0 ? size.ws_col : 80;
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
