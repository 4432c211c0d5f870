/* SPDX-License-Identifier: Apache-2.0 */
/* list-dependencies: a tree of units. */
#include "cli/systemctl/ctl.h"

#include "unit/name.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 64

static const char *const forward[] = { "Requires", "Requisite", "Wants", "ConsistsOf", "BindsTo", "Upholds", NULL };
static const char *const reverse[] = { "RequiredBy", "RequisiteOf", "WantedBy", "PartOf", "BoundBy", "UpheldBy", NULL };
static const char *const after[] = { "After", NULL };
static const char *const before[] = { "Before", NULL };

struct tree {
    char **seen;             /* units on the way from the root, or everywhere with --plain */
    bool last[DEPTH_MAX];    /* of its siblings, at each depth */
};

/* By name, targets last. */
static int compare(const void *a, const void *b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    bool tx = unit_name_type(x) == UNIT_TARGET, ty = unit_name_type(y) == UNIT_TARGET;
    return tx != ty ? tx - ty : strcasecmp(x, y);
}

static void print_name(const struct tree *t, const char *name, unsigned depth) {
    if (ctl.plain) {
        printf("%*s%s\n", (int)(2 * depth), "", name);
        return;
    }
    for (unsigned i = 1; i < depth; i++)
        fputs(glyph(t->last[i] ? GLYPH_SPACE : GLYPH_BAR), stdout);
    fputs(glyph(t->last[depth] ? GLYPH_LAST : GLYPH_BRANCH), stdout);
    size_t used = 2 + 2 * depth, width = width_of(name);
    unsigned screen = columns();
    if (ctl.full || screen == UINT_MAX || used + width <= screen)
        puts(name);
    else
        printf("%.*s...\n", (int)(screen > used + 4 ? screen - used - 3 : 1), name);
}

static bool state_wanted(const char *state) {
    return !ctl.states || strv_contains(ctl.states, state);
}

static int walk(struct tree *t, const char *unit, unsigned depth) {
    _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
    _cleanup_free_ char *path = unit_path(unit);
    _cleanup_message_ DBusMessage *props = path ? props_get(path, &error) : NULL;
    _cleanup_strv_ char **list = NULL;
    if (!props)
        return fail("Failed to get properties of %s: %s", unit, error.message ? error.message : "no memory");
    const char *const *kinds = ctl.after ? after : ctl.before ? before : ctl.reverse ? reverse : forward;
    for (; *kinds; kinds++) {
        _cleanup_strv_ char **more = props_strings(props, *kinds);
        STRV_FOREACH (name, more)
            if (!strv_contains(list, *name) && strv_add(&list, *name) < 0)
                return fail_memory();
    }
    size_t n = strv_length(list);
    if (n > 1)
        qsort(list, n, sizeof *list, compare);
    for (size_t i = 0; i < n; i++) {
        const char *name = list[i], *type = strrchr(name, '.');
        _cleanup_free_ char *its_path = ctl.plain && !ctl.states ? NULL : unit_path(name);
        _cleanup_free_ char *state = its_path ? prop_string(its_path, "Unit", "ActiveState", &error) : NULL;
        t->last[depth] = i + 1 == n;
        if (strv_contains(t->seen, name)) {
            if (!ctl.plain) {
                fputs("  ", stdout);
                print_name(t, "...", depth);
            }
            continue;
        }
        if ((ctl.types && !strv_contains(ctl.types, type ? type + 1 : "")) || !state_wanted(state ? state : ""))
            continue;
        if (!ctl.plain)
            printf("%s%s%s ", color_of_state(state ? state : ""), glyph(glyph_of_state(state ? state : "")),
                   color_off());
        print_name(t, name, depth);
        if ((ctl.all || unit_name_type(name) == UNIT_TARGET) && depth + 1 < DEPTH_MAX) {
            if (strv_add(&t->seen, name) < 0)
                return fail_memory();
            int status = walk(t, name, depth + 1);
            if (status != 0)
                return status;
        }
    }
    if (!ctl.plain) /* what was seen matters on the way from the root only */
        strv_remove(t->seen, unit);
    return 0;
}

int verb_list_dependencies(int argc, char **argv) {
    _cleanup_strv_ char **names = NULL;
    char *fallback[] = { "default.target", NULL };
    if (ctl_connect() < 0 || expand_names(argc > 1 ? argv + 1 : fallback, NULL, NULL, &names) < 0)
        return EXIT_FAILURE;
    STRV_FOREACH (name, names) {
        struct tree t = {};
        if (name > names)
            putchar('\n');
        puts(*name);
        int status = strv_add(&t.seen, *name) < 0 ? fail_memory() : walk(&t, *name, 1);
        strv_free(t.seen);
        if (status != 0)
            return status;
    }
    return 0;
}
