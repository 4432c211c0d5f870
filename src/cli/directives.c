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

static void print_row(const struct directive_row *row) {
    _cleanup_text_ struct text sections = {}, meant = {};
    sections_of(row, &sections, ",");
    stands_for(row, &meant);
    printf("%-32s %-9s %-30s %s%s%s\n", row->name, support_to_string(row->support), type_of(row)->name,
           text_str(&sections), row->note || meant.len > 0 ? ": " : "",
           row->note ? row->note : text_str(&meant));
}

static void print_json(const struct directive_row *row, struct text *out) {
    _cleanup_text_ struct text meant = {};
    text_add(out, "{\"name\":");
    json_string(out, row->name);
    text_add(out, ",\"sections\":[");
    const char *separator = "";
    for (unsigned bit = 1; bit <= SECTION_X_REEVE; bit <<= 1)
        if (row->sections & bit) {
            text_add(out, separator);
            json_string(out, section_to_string(bit));
            separator = ",";
        }
    text_add(out, "],\"type\":");
    json_string(out, type_of(row)->name);
    text_addf(out, ",\"support\":\"%s\"", support_to_string(row->support));
    if (row->initial && *row->initial) {
        text_add(out, ",\"default\":");
        json_string(out, row->initial);
    }
    stands_for(row, &meant);
    if (meant.len > 0) {
        text_add(out, ",\"meaning\":");
        json_string(out, text_str(&meant));
    }
    if (row->note) {
        text_add(out, ",\"note\":");
        json_string(out, row->note);
    }
    text_add_char(out, '}');
}

int directives_main(int argc, char **argv) {
    static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                             { "help", no_argument, NULL, 'h' },
                                             {} };
    bool json = false;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;) {
        if (c == 'j') {
            json = true;
            continue;
        }
        fprintf(c == 'h' ? stdout : stderr, "Usage: reeve directives [--json] [NAME…]\n\n"
                                            "Lists what may stand in unit files: name, how far it is "
                                            "honoured (yes, degrades, stored: without effect,\n"
                                            "alias), type, sections, and what is to be known about it.\n");
        return c == 'h' ? 0 : 2;
    }
    size_t n, shown = 0;
    const struct directive_row *rows = directive_rows(&n);
    _cleanup_text_ struct text out = {};
    for (size_t i = 0; i < n; i++) {
        bool wanted = optind >= argc;
        for (int a = optind; a < argc && !wanted; a++)
            wanted = strcmp(argv[a], rows[i].name) == 0;
        if (!wanted)
            continue;
        if (json) {
            text_add(&out, shown ? ",\n" : "[");
            print_json(&rows[i], &out);
        } else {
            print_row(&rows[i]);
        }
        shown++;
    }
    if (json)
        printf("%s%s]\n", shown ? "" : "[", text_str(&out));
    if (shown == 0 && !json)
        fprintf(stderr, "No such directive.\n");
    return shown == 0 || fflush(stdout) != 0;
}
