/* SPDX-License-Identifier: Apache-2.0 */
/* A preset file, and behind a line "[Install]" that section of a template: what the install verbs read. */
#include "base/log.h"
#include "base/strv.h"
#include "unit/install_internal.h"
#include "unit/preset.h"

#include <stdlib.h>
#include <string.h>

static void ask_presets(char *text) {
    static const char *const names[] = { "a.service", "a@.service", "a@b.service" };
    _cleanup_(preset_rules_done) struct preset_rules rules = {};
    if (preset_rules_parse(&rules, "x.preset", text) < 0)
        return;
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        _cleanup_strv_ char **instances = NULL;
        enum preset_action action;
        (void)preset_query(&rules, names[i], &action, &instances);
        (void)preset_query(&rules, names[i], &action, NULL);
    }
}

static void read_section(const char *name, const char *text) {
    struct search_path where = { .root = (char *)"/nowhere", .scope = SEARCH_SYSTEM };
    _cleanup_(install_context_done) struct install_context context = { .where = &where };
    struct install_info *info;
    if (install_context_add(&context, name, false, &info) < 0)
        return;
    (void)install_section_read(&context, info, "x", text, strlen(text));
    char *const *lists[] = { info->aliases, info->wanted_by, info->required_by, info->upheld_by };
    for (size_t i = 0; i < ELEMENTS(lists); i++)
        STRV_FOREACH(word, lists[i]) {
            _cleanup_free_ char *expanded = NULL;
            (void)install_expand(info, *word, where.root, &expanded);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), *section;
    log_set_max_level(-1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    section = strstr(text, "[Install]");
    if (section) {
        read_section("a@.service", section);
        read_section("a.service", section);
        *section = 0;
    }
    ask_presets(text);
    free(text);
    return 0;
}
