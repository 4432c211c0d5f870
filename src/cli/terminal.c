/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include "syntax/names.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool find_utf8(void) {
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

bool terminal_utf8(void) {
    static int known = -1;
    return known >= 0 ? known : (known = find_utf8());
}

static bool find_colors(void) {
    const char *own = getenv("SYSTEMD_COLORS"), *term = getenv("TERM");
    if (own && bool_parse(own) >= 0)
        return bool_parse(own);
    return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

bool terminal_colors(void) {
    static int known = -1;
    return known >= 0 ? known : (known = find_colors());
}

unsigned terminal_columns(void) {
    const char *own = getenv("COLUMNS");
    struct winsize size = {};
    uint64_t n;
    if (own && uint64_parse(own, &n) >= 0 && n > 0 && n < USHRT_MAX)
        return (unsigned)n;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int fail(const char *format, ...) {
    va_list args;
    fflush(stdout);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_FAILURE;
}
