/* SPDX-License-Identifier: Apache-2.0 */
/* reeve directives: the table of directives for people and, with --json, for programs. */
#include "unit/directives.h"
#include "base/text.h"
#include "cli/applets.h"
#include "syntax/json.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static void sections_of(const struct directive_row *row, struct text *out, const char *between) {
    const char *separator = "";
    for (unsigned bit = 1; bit <= SECTION_X_REEVE; bit <<= 1)
        if (row->sections & bit) {
            text_addf(out, "%s%s", separator, section_to_string(bit));
            separator = between;
        }
}

/* What an alias, or a name that sets two, stands for. */
static void stands_for(const struct directive_row *row, struct text *out) {
    if (row->support == SUPPORT_ALIAS)
        text_add(out, directive_row(row->id)->name);
    else if (row->also != DIRECTIVE_INVALID)
        text_addf(out, "%s and %s", directive_row(row->id)->name, directive_row(row->also)->name);
}

static const struct value_type *type_of(const struct directive_row *row) {
    return row->type ? row->type : directive_row(row->id)->type;
}

/* An alias is honoured as far as what it stands for. */
static const struct directive_row *support_of(const struct directive_row *row) {
    return row->support == SUPPORT_ALIAS ? directive_row(row->id) : row;
}

static void print_row(const struct directive_row *row) {
    const struct directive_row *says = support_of(row);
    _cleanup_text_ struct text sections = {}, meant = {};
    sections_of(row, &sections, ",");
    stands_for(row, &meant);
    printf("%-32s %-9s %-30s %s%s%s%s%s\n", row->name, support_to_string(says->support), type_of(row)->name,
           text_str(&sections), meant.len > 0 ? ": is " : "", text_str(&meant), says->note ? ": " : "",
           says->note ?: "");
}

static void json_member(struct text *out, const char *name, const char *value) {
    text_addf(out, ",\"%s\":", name);
    json_string(out, value);
}

/* An object for each section the name may stand in. */
static void print_json(const struct directive_row *row, struct text *out) {
    const struct directive_row *says = support_of(row);
    _cleanup_text_ struct text meant = {};
    stands_for(row, &meant);
    for (unsigned bit = 1; bit <= SECTION_X_REEVE; bit <<= 1) {
        if (!(row->sections & bit))
            continue;
        text_add(out, out->len > 0 ? ",\n{\"section\":" : "{\"section\":");
        json_string(out, section_to_string(bit));
        json_member(out, "name", row->name);
        json_member(out, "support", support_to_string(says->support));
        json_member(out, "type", type_of(row)->name);
        if (row->initial && *row->initial)
            json_member(out, "default", row->initial);
        if (meant.len > 0)
            json_member(out, "meaning", text_str(&meant));
        if (says->note)
            json_member(out, "note", says->note);
        text_add_char(out, '}');
    }
}

/* docs/directives.md: a table for each set of sections, in the order of the manual pages. */
static void print_page(const struct directive_row *rows, size_t n) {
    puts("<!-- SPDX-License-Identifier: Apache-2.0 -->\n<!-- Made by `make docs`. -->\n# Directives\n\n"
         "Every directive of systemd 252 to 257. *yes*: does what systemd does, and a test of that name shows it. "
         "*degrades*: does\nas much of it as the container allows. *accepted*: read, checked, shown by "
         "`systemctl show`, and without effect.");
    unsigned sections = 0;
    for (size_t i = 0; i < n; i++) {
        const struct directive_row *row = &rows[i], *says = support_of(row);
        _cleanup_text_ struct text names = {}, meant = {};
        if (row->sections != sections) {
            sections_of(row, &names, ", ");
            printf("\n## %s\n\n| directive | honoured | value | default | |\n|---|---|---|---|---|\n",
                   text_str(&names));
            sections = row->sections;
        }
        stands_for(row, &meant);
        printf("| `%s=` | %s | %s | %s | %s%s%s%s |\n", row->name, support_to_string(says->support), type_of(row)->name,
               row->initial ?: "", meant.len > 0 ? "is " : "", text_str(&meant),
               meant.len > 0 && says->note ? "; " : "", says->note ?: "");
    }
}

int directives_main(int argc, char **argv) {
    static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                             { "markdown", no_argument, NULL, 'm' },
                                             { "help", no_argument, NULL, 'h' },
                                             {} };
    bool json = false, page = false;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;) {
        if (c == 'j' || c == 'm') {
            json |= c == 'j';
            page |= c == 'm';
            continue;
        }
        fprintf(c == 'h' ? stdout : stderr,
                "Usage: reeve directives [--json|--markdown] [NAME…]\n\n"
                "Lists what may stand in unit files: name, how far it is honoured (yes, degrades,\n"
                "accepted: without effect), type, sections, and what is to be known about it.\n");
        return c == 'h' ? 0 : 2;
    }
    size_t n, shown = 0;
    const struct directive_row *rows = directive_rows(&n);
    if (page) {
        print_page(rows, n);
        return fflush(stdout) != 0;
    }
    _cleanup_text_ struct text out = {};
    for (size_t i = 0; i < n; i++) {
        bool wanted = optind >= argc;
        for (int a = optind; a < argc && !wanted; a++)
            wanted = strcmp(argv[a], rows[i].name) == 0;
        if (!wanted)
            continue;
        if (json) {
            print_json(&rows[i], &out);
        } else {
            print_row(&rows[i]);
        }
        shown++;
    }
    if (json)
        printf("[%s]\n", text_str(&out));
    if (shown == 0 && !json)
        fprintf(stderr, "No such directive.\n");
    return shown == 0 || fflush(stdout) != 0;
}
