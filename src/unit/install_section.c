/* SPDX-License-Identifier: Apache-2.0 */
/* The [Install] section of one file, and the specifiers that are allowed in it. Text only: which file is
 * install_info.c's business. systemd.unit(5) "[Install] Section Options". */
#include "base/log.h"
#include "base/strv.h"
#include "syntax/lines.h"
#include "syntax/specifier.h"
#include "syntax/words.h"
#include "unit/install_internal.h"
#include "unit/name.h"
#include "unit/system_specifier.h"

#include <errno.h>
#include <string.h>

/* --- specifiers ----------------------------------------------------------------------------------------- */

struct expansion {
    const struct install_info *info;
    const char *root;
};

static int last_part_of_prefix(const char *name, char **ret) {
    _cleanup_free_ char *prefix = NULL;
    int r = unit_name_prefix(name, &prefix);
    if (r < 0)
        return r;
    const char *dash = strrchr(prefix, '-');
    char *copy = strdup(dash ? dash + 1 : prefix);
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

static bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int expand_letter(void *userdata, char letter, char **ret) {
    const struct expansion *at = userdata;
    const struct install_info *info = at->info;
    _cleanup_free_ char *name = NULL;
    int r;
    /* A template stands for its default instance where it has one. */
    if (unit_name_kind(info->name) == UNIT_NAME_TEMPLATE && info->default_instance) {
        r = unit_name_replace_instance(info->name, info->default_instance, &name);
        if (r < 0)
            return r;
    } else if (!(name = strdup(info->name)))
        return -ENOMEM;
    char *dot = strrchr(name, '.');
    switch (letter) {
    case 'n':
        *ret = TAKE(name);
        return 0;
    case 'N':
        if (dot)
            *dot = 0;
        *ret = TAKE(name);
        return 0;
    case 'p':
        return unit_name_prefix(name, ret);
    case 'i':
        return unit_name_instance(name, ret);
    case 'j':
        return last_part_of_prefix(name, ret);
    default:
        r = system_specifier(letter, at->root, ret);
        if (r == -ENOENT && (letter == 'm' || letter == 'b'))
            return -EUNATCH; /* the machine has not got it yet */
        return r == -ENOENT && is_letter_or_digit(letter) ? -EBADSLT : r;
    }
}

int install_expand(const struct install_info *info, const char *text, const char *root, char **ret) {
    struct expansion at = { info, root };
    struct specifier_table table = { expand_letter, &at };
    return specifier_expand(text, &table, UNIT_NAME_MAX * 2, ret);
}

/* --- [Install] ------------------------------------------------------------------------------------------ */

struct reading {
    struct install_context *context;
    struct install_info *info;
    const char *path;
};

static void complain(void *userdata, unsigned line, const char *why) {
    const struct reading *at = userdata;
    log_debug("%s:%u: %s", at->path, line, why);
}

/* An unfinished quote ends the list; the words before it count. */
static int add_words(struct reading *at, unsigned line, char ***list, const char *value) {
    if (!value[0]) {
        strv_free(*list);
        *list = NULL;
        return 0;
    }
    for (const char *p = value;;) {
        char *word = NULL;
        int r = word_next(&p, &word, NULL, WORD_UNQUOTE);
        if (r == -EINVAL) {
            log_warning("%s:%u: bad quoting, ignoring the rest of \"%s\"", at->path, line, value);
            return 0;
        }
        if (r <= 0 || (r = strv_take(list, word)) < 0)
            return r;
    }
}

static int read_also(struct reading *at, const char *value) {
    for (const char *p = value;;) {
        _cleanup_free_ char *word = NULL, *name = NULL;
        int r = word_next(&p, &word, NULL, (enum word_flags)0);
        if (r <= 0)
            return r;
        r = install_expand(at->info, word, at->context->where->root, &name);
        if (r >= 0)
            r = install_context_add(at->context, name, true, NULL);
        if (r >= 0)
            r = strv_add(&at->info->also, name);
        if (r < 0)
            return r;
    }
}

static int read_default_instance(struct reading *at, unsigned line, const char *value) {
    /* An instance has its own. */
    if (unit_name_kind(at->info->name) == UNIT_NAME_INSTANCE)
        return 0;
    if (unit_name_kind(at->info->name) != UNIT_NAME_TEMPLATE) {
        log_warning("%s:%u: DefaultInstance= is for templates, ignoring", at->path, line);
        return 0;
    }
    _cleanup_free_ char *instance = NULL, *whole = NULL;
    int r = install_expand(at->info, value, at->context->where->root, &instance);
    if (r >= 0 && instance[0])
        r = unit_name_replace_instance(at->info->name, instance, &whole);
    if (r < 0) {
        log_warning("%s:%u: DefaultInstance=%s gives no name of a unit", at->path, line, value);
        return r;
    }
    free(at->info->default_instance);
    at->info->default_instance = instance[0] ? TAKE(instance) : NULL;
    return 0;
}

/* What makes it fail, makes the unit bad. */
static int assign(void *userdata, unsigned line, const char *section, const char *name, const char *value) {
    struct reading *at = userdata;
    struct install_info *info = at->info;
    if (strcmp(section, "Install") != 0)
        return 0;
    if (strcmp(name, "Alias") == 0) {
        if (unit_type_may_alias(unit_name_type(info->name)))
            return add_words(at, line, &info->aliases, value);
        log_warning("%s:%u: units of this type have no aliases, ignoring Alias=%s", at->path, line, value);
        return 0;
    }
    if (strcmp(name, "WantedBy") == 0)
        return add_words(at, line, &info->wanted_by, value);
    if (strcmp(name, "RequiredBy") == 0)
        return add_words(at, line, &info->required_by, value);
    if (strcmp(name, "UpheldBy") == 0)
        return add_words(at, line, &info->upheld_by, value);
    if (strcmp(name, "Also") == 0)
        return read_also(at, value);
    if (strcmp(name, "DefaultInstance") == 0)
        return read_default_instance(at, line, value);
    if (strncmp(name, "X-", 2) != 0)
        log_warning("%s:%u: [Install] knows no %s=, ignoring", at->path, line, name);
    return 0;
}

static const struct line_handler handler = { assign, complain };

int install_section_read(struct install_context *context, struct install_info *info, const char *path,
                         const char *data, size_t size) {
    struct reading at = { context, info, path_without_root(context->where, path) };
    return lines_read(data, size, &handler, &at);
}
