/* SPDX-License-Identifier: Apache-2.0 */
/* Preset files: a distribution's policy on what is enabled. systemd.preset(5). */
#pragma once

#include "unit/install.h"

struct preset_rule {
    enum preset_action action;
    char *pattern;
    char **instances; /* of a template: the instances to enable */
};
struct preset_rules {
    struct preset_rule *items;
    size_t n;
};

/* Reads the files of all system-preset directories, in the order of their names; a file hides those of its
 * name in directories of lower priority. 0, -ENOMEM; what cannot be read is a warning. */
int preset_rules_read(const struct search_path *where, struct preset_rules *ret);
/* Appends the rules of one file's text, which is taken apart; `file` is for warnings. */
int preset_rules_parse(struct preset_rules *rules, const char *file, char *text);
void preset_rules_done(struct preset_rules *rules);
/* The first rule that matches; enable if none does. For a template, *instances gets the full names of the instances
 * that the rule lists. Where `instances` is NULL, what rules say about instances does not count: that is how
 * list-unit-files and `systemctl show` ask. */
int preset_query(const struct preset_rules *rules, const char *name, enum preset_action *ret,
                 char ***instances);
