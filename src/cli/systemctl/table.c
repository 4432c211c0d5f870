/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of cells: aligned for a person, or JSON. */
#include "cli/systemctl/ctl.h"

#include "syntax/json.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

void table_add(struct table *t, const char *cell) {
    if ((t->n_cells & (t->n_cells - 1)) == 0) { /* room doubles at every power of two */
        char **more = reallocarray(t->cells, t->n_cells ? 2 * t->n_cells : 1, sizeof *more);
        if (more)
            t->cells = more;
        t->failed |= !more;
    }
    char *copy = t->failed ? NULL : strdup(cell ? cell : "");
    t->failed |= !copy;
    if (!t->failed)
        t->cells[t->n_cells++] = copy;
}

void table_done(struct table *t) {
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i]);
    free(t->cells);
}

/* --- for programs --------------------------------------------------------------------------------------- */
static int print_json(const struct table *t) {
    bool pretty = ctl.output == OUTPUT_JSON_PRETTY;
    _cleanup_text_ struct text out = {};
    text_add_char(&out, '[');
    for (size_t row = 0; row < t->n_cells; row += t->n_columns) {
        const char *between = pretty ? "\n\t{\n\t\t" : "{";
        text_add(&out, row > 0 ? "," : "");
        for (size_t c = 0; c < t->n_columns; c++) {
            char name[32];
            size_t n = 0;
            if ((t->hidden >> c & 1) || !t->headers[c][0])
                continue;
            for (const char *h = t->headers[c]; *h && n + 1 < sizeof name; h++)
                name[n++] = *h == ' ' ? '_' : (char)tolower((unsigned char)*h);
            name[n] = 0;
            const char *cell = t->cells[row + c];
            text_addf(&out, "%s\"%s\"%s", between, name, pretty ? " : " : ":");
            if (t->numbers[c] == '1')
                text_add(&out, *cell ? cell : "null");
            else
                json_string(&out, *cell && strcmp(cell, "-") != 0 ? cell : NULL);
            between = pretty ? ",\n\t\t" : ",";
        }
        text_add(&out, pretty ? "\n\t}" : "}");
    }
    text_add(&out, pretty && t->n_cells > 0 ? "\n]" : "]");
    if (out.failed)
        return fail_memory();
    puts(out.s);
    return 0;
}

/* --- for people ----------------------------------------------------------------------------------------- */
static void print_cell(const char *cell, size_t width, bool right, bool last, size_t limit) {
    size_t w = width_of(cell);
    if (right)
        printf("%*s", (int)(width > w ? width - w : 0), "");
    if (last && w > limit && limit > 0) {
        /* The end is cut off. */
        for (size_t shown = 0; *cell; cell++) {
            if ((*cell & 0xc0) != 0x80 && ++shown == limit)
                break;
            putchar(*cell);
        }
        fputs("…", stdout);
        return;
    }
    fputs(cell, stdout);
    if (!right && !last)
        printf("%*s", (int)(width > w ? width - w : 0), "");
}

static void print_row(const struct table *t, char *const *cells, const size_t *widths, size_t limit) {
    const char *between = "";
    size_t last = t->n_columns - 1;
    for (size_t c = 0; c < t->n_columns; c++) {
        if (t->hidden >> c & 1)
            continue;
        fputs(between, stdout);
        print_cell(cells[c], widths[c], t->numbers[c] == '1', c == last, limit);
        between = " ";
    }
    putchar('\n');
}

int table_print(const struct table *t) {
    size_t widths[16] = {}, used = 0;
    if (t->failed || t->n_columns > ELEMENTS(widths))
        return fail_memory();
    if (ctl.output != OUTPUT_TEXT)
        return print_json(t);
    for (size_t i = 0; i < t->n_cells; i++)
        widths[i % t->n_columns] = MAX(widths[i % t->n_columns], width_of(t->cells[i]));
    for (size_t c = 0; c < t->n_columns; c++) {
        if (!ctl.no_legend)
            widths[c] = MAX(widths[c], strlen(t->headers[c]));
        if (!(t->hidden >> c & 1) && c + 1 < t->n_columns)
            used += widths[c] + 1;
    }
    unsigned screen = ctl.full ? UINT_MAX : columns();
    size_t limit = screen == UINT_MAX ? 0 : screen > used + 8 ? screen - used : 8;
    if (!ctl.no_legend)
        print_row(t, (char *const *)t->headers, widths, 0);
    for (size_t i = 0; i < t->n_cells; i += t->n_columns)
        print_row(t, t->cells + i, widths, limit);
    return 0;
}
