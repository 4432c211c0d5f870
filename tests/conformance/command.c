/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines as reeve reads them, for test_differential.py: each line of standard input is a value of ExecStart= in the
 * unit DIR/w<number>@INSTANCE.service. Printed are a line for each, "refused" or the words of its commands in hexadecimal. */
#include "unit/types.h"
#include "unit/unit_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_commands(const struct exec_command_list *list) {
    for (size_t i = 0; list && i < list->n; i++) {
        fputs(i > 0 ? " ;" : "", stdout);
        for (char **word = list->commands[i]->argv; *word; word++) {
            fputs(" =", stdout);
            for (const char *s = *word; *s; s++)
                printf("%02x", (unsigned char)*s);
        }
    }
}

int main(int argc, char **argv) {
    static const struct manager_dirs dirs = { "/run", "/var/lib", "/var/cache", "/var/log", "/etc", NULL, true };
    const struct directive_row *row = directive_find(SECTION_SERVICE, "ExecStart");
    char *line = NULL, name[64];
    size_t room = 0;
    if (argc != 3 || !row)
        return EXIT_FAILURE;
    for (unsigned n = 0; getline(&line, &room, stdin) > 0; n++) {
        struct unit_file *unit;
        struct unit_specifiers specifiers;
        line[strcspn(line, "\n")] = 0;
        snprintf(name, sizeof(name), "w%u@%s.service", n, argv[2]);
        if (unit_file_new(name, &unit) < 0)
            return EXIT_FAILURE;
        unit_specifiers_init(&specifiers, unit, &dirs);
        if (asprintf(&unit->fragment_path, "%s/w%u@.service", argv[1], n) < 0)
            return EXIT_FAILURE;
        struct parse_at at = { .unit = name, .directive = "ExecStart", .specifiers = &specifiers.table };
        if (unit_file_assign(unit, row, &at, line) == -ENOEXEC)
            fputs("refused", stdout);
        else
            print_commands(unit_commands(unit, D_ExecStart));
        puts("");
        text_free(&at.why);
        unit_file_free(unit);
    }
    free(line);
    return EXIT_SUCCESS;
}
