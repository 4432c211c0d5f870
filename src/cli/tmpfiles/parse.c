/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a tmpfiles.d file: text in, an item out. Touches no file but the user database, and
 * credentials. */
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/users.h"
#include "cli/tmpfiles/tmpfiles.h"
#include "syntax/names.h"
#include "syntax/specifier.h"
#include "syntax/timespan.h"
#include "syntax/words.h"
#include "unit/system_specifier.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CREDENTIAL_MAX ((size_t)1 << 20)
#define DEFAULT_AGE_FILE (AGE_ATIME | AGE_BTIME | AGE_CTIME | AGE_MTIME)
#define DEFAULT_AGE_DIRECTORY (AGE_ATIME | AGE_BTIME | AGE_MTIME)

/* The letters there are, those whose path is a pattern, those that own their path, those that need an
 * argument, and those whose argument has specifiers. */
static const char all_types[] = "fFwdDevqQpLcbCxXrRzZtThHaAm";
static const char glob_types[] = "wexXrRzZtThHaA";
static const char owning_types[] = "fwdDevqQpLcbCxXrR";
static const char argument_types[] = "wcbtTaAhH";
static const char specifier_types[] = "fwLCtTaA";

void item_done(struct item *item) {
    free(item->path);
    free(item->argument);
    free(item->file);
    *item = (struct item){};
}

bool item_is_glob(const struct item *item) {
    return strchr(glob_types, item->type);
}

bool item_owns(const struct item *item) {
    return strchr(owning_types, item->type);
}

/* --- specifiers ----------------------------------------------------------------------------------------- */

static int lookup(void *userdata, char letter, char **ret) {
    static const struct {
        char letter;
        const char *path;
    } places[] = { { 't', "/run" }, { 'S', "/var/lib" }, { 'C', "/var/cache" }, { 'L', "/var/log" } };
    const struct tmpfiles *t = userdata;
    for (size_t i = 0; i < ELEMENTS(places); i++)
        if (places[i].letter == letter)
            return (*ret = strdup(places[i].path)) ? 0 : -ENOMEM;
    int r = system_specifier(letter, t->root, ret);
    return r == -ENOENT ? -EBADSLT : r; /* unlike in units, an unknown letter spoils its line */
}

static int expand(const struct tmpfiles *t, const char *text, char **ret) {
    struct specifier_table table = { lookup, (void *)t };
    return specifier_expand(text, &table, 65536, ret);
}

/* --- fields --------------------------------------------------------------------------------------------- */

static bool unset(const char *field) {
    return !field || !field[0] || strcmp(field, "-") == 0;
}

static int parse_type(const char *word, struct item *item, const char **why) {
    static const struct {
        char sign;
        unsigned flag;
    } signs[] = { { '!', ITEM_BOOT },      { '+', ITEM_FORCE },  { '-', ITEM_MAY_FAIL },
                  { '=', ITEM_REPLACE },   { '~', ITEM_BASE64 }, { '^', ITEM_CREDENTIAL },
                  { '?', ITEM_IF_TARGET }, { '$', ITEM_PURGE } };
    *why = "unknown line type";
    if (!word[0] || !strchr(all_types, word[0]))
        return -EINVAL;
    item->type = word[0];
    for (const char *p = word + 1; *p; p++) {
        unsigned flag = 0;
        for (size_t i = 0; i < ELEMENTS(signs); i++)
            if (signs[i].sign == *p)
                flag = signs[i].flag;
        *why = "unknown or repeated modifier";
        if (!flag || item->flags & flag || (flag == ITEM_IF_TARGET && item->type != 'L'))
            return -EINVAL;
        item->flags |= flag;
    }
    if (item->type == 'F') {
        item->type = 'f';
        item->flags |= ITEM_FORCE;
    } else if (item->type == 'm')
        item->type = 'z';
    return 0;
}

static int parse_path(const struct tmpfiles *t, const char *word, struct item *item, const char **why) {
    int r = expand(t, word, &item->path);
    if (r < 0) {
        *why = "a specifier in the path has no value here";
        return r == -ENOMEM || r == -EUNATCH ? r : -EINVAL;
    }
    *why = "path is not absolute";
    if (!path_is_absolute(item->path))
        return -EINVAL;
    *why = "path contains \"..\"";
    if (!path_is_normalized(item->path))
        return -EINVAL;
    *why = "path is too long";
    if (strlen(item->path) >= 4096)
        return -EINVAL;
    path_simplify(item->path);
    return 0;
}

static int parse_mode(const char *word, struct item *item) {
    if (unset(word))
        return 0;
    for (; *word == '~' || *word == ':'; word++)
        item->flags |= *word == '~' ? ITEM_MODE_MASKED : ITEM_MODE_NEW;
    item->flags |= ITEM_MODE_SET;
    return mode_parse(word, &item->mode);
}

static int parse_owners(const struct tmpfiles *t, const char *user, const char *group, struct item *item,
                        const char **why) {
    if (!unset(user)) {
        _cleanup_free_ char *name = NULL;
        _cleanup_user_ struct user_record record = {};
        if (*user == ':') {
            item->flags |= ITEM_UID_NEW;
            user++;
        }
        int r = expand(t, user, &name);
        if (r < 0)
            return r;
        if (uid_parse(name, &item->uid) >= 0)
            ;
        else if (strcmp(name, "root") == 0)
            item->uid = 0;
        else {
            *why = "unknown user";
            r = user_lookup_at(t->root, name, &record);
            if (r < 0)
                return r == -ENOMEM ? r : -ESRCH;
            item->uid = record.uid;
        }
        item->flags |= ITEM_UID_SET;
    }
    if (!unset(group)) {
        _cleanup_free_ char *name = NULL;
        if (*group == ':') {
            item->flags |= ITEM_GID_NEW;
            group++;
        }
        int r = expand(t, group, &name);
        if (r < 0)
            return r;
        if (uid_parse(name, &item->gid) >= 0)
            ;
        else if (strcmp(name, "root") == 0)
            item->gid = 0;
        else {
            *why = "unknown group";
            r = group_lookup_at(t->root, name, &item->gid);
            if (r < 0)
                return r == -ENOMEM ? r : -ESRCH;
        }
        item->flags |= ITEM_GID_SET;
    }
    return 0;
}

/* "10d", "~10d", "amM:10d". */
static int parse_age(const char *word, struct item *item) {
    item->age_file = DEFAULT_AGE_FILE;
    item->age_directory = DEFAULT_AGE_DIRECTORY;
    if (unset(word))
        return 0;
    if (*word == '~') {
        item->flags |= ITEM_KEEP_FIRST;
        word++;
    }
    const char *colon = strchr(word, ':');
    if (colon) {
        static const char file[] = "abcm", directory[] = "ABCM";
        if (colon == word)
            return -EINVAL;
        unsigned by_file = 0, by_directory = 0;
        for (; word < colon; word++) {
            const char *f = strchr(file, *word), *d = strchr(directory, *word);
            if (f)
                by_file |= 1u << (f - file);
            else if (d)
                by_directory |= 1u << (d - directory);
            else
                return -EINVAL;
        }
        if (by_file)
            item->age_file = by_file;
        if (by_directory)
            item->age_directory = by_directory;
        word = colon + 1;
    }
    item->flags |= ITEM_AGE_SET;
    return timespan_parse(word, USEC_PER_SEC, &item->age);
}

static int base64_value(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static int decode_base64(struct item *item) {
    size_t n = 0;
    unsigned bits = 0, n_bits = 0;
    bool ended = false;
    for (size_t i = 0; i < item->argument_size; i++) {
        char c = item->argument[i];
        if (strchr(" \t\r\n", c) && c)
            continue;
        if (c == '=') {
            ended = true;
            continue;
        }
        int value = base64_value(c);
        if (value < 0 || ended)
            return -EINVAL;
        bits = bits << 6 | (unsigned)value;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            item->argument[n++] = (char)(bits >> n_bits);
        }
    }
    item->argument[n] = 0;
    item->argument_size = n;
    return 0;
}

/* ^: the argument names a credential. 0: it was not given, so the line does not apply. */
static int load_credential(struct item *item) {
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    _cleanup_free_ char *path = NULL, *data = NULL;
    size_t size;
    if (!item->argument || strchr(item->argument, '/'))
        return -EINVAL;
    if (!directory)
        return 0;
    path = path_join(directory, item->argument);
    if (!path)
        return -ENOMEM;
    int r = file_read(path, CREDENTIAL_MAX, &data, &size);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    free(item->argument);
    item->argument = TAKE(data);
    item->argument_size = size;
    return 1;
}

static int parse_argument(const struct tmpfiles *t, const char *text, struct item *item, const char **why) {
    text += strspn(text, " \t");
    if (unset(text)) {
        *why = "an argument is missing";
        return strchr(argument_types, item->type) || item->flags & ITEM_CREDENTIAL ? -EINVAL : 1;
    }
    int r;
    *why = "malformed argument";
    if (item->type == 'f' || item->type == 'w') {
        _cleanup_free_ char *plain = NULL;
        r = unescape(text, &plain);
        if (r >= 0)
            r = expand(t, plain, &item->argument);
    } else if (strchr(specifier_types, item->type))
        r = expand(t, text, &item->argument);
    else
        r = (item->argument = strdup(text)) ? 0 : -ENOMEM;
    if (r < 0)
        return r == -ENOMEM || r == -EUNATCH ? r : -EINVAL;
    item->argument_size = strlen(item->argument);
    if (item->flags & ITEM_CREDENTIAL) {
        r = load_credential(item);
        if (r <= 0)
            return r;
    }
    if (item->flags & ITEM_BASE64) {
        *why = "not base64";
        r = decode_base64(item);
        if (r < 0)
            return r;
    }
    return 1;
}

/* --- the line ------------------------------------------------------------------------------------------- */

enum { FIELD_TYPE, FIELD_PATH, FIELD_MODE, FIELD_USER, FIELD_GROUP, FIELD_AGE, FIELDS };

int tmpfiles_parse_line(const struct tmpfiles *t, char *line, struct item *ret, const char **why) {
    const char *p = line + strspn(line, " \t");
    *why = NULL;
    if (!*p || *p == '#')
        return 0;
    size_t length = strlen(p);
    while (length > 0 && strchr(" \t\r\n", p[length - 1]))
        length--;
    line[(p - line) + length] = 0;
    _cleanup_(item_done) struct item item = {};
    char *fields[FIELDS] = {};
    int r = 1;
    for (int i = 0; r > 0 && i < FIELDS; i++)
        r = word_next(&p, &fields[i], NULL, WORD_UNQUOTE | WORD_UNESCAPE);
    if (r < 0)
        *why = "bad quoting";
    else if (!fields[FIELD_PATH]) {
        *why = "a line needs a type and a path";
        r = -EINVAL;
    } else
        r = parse_type(fields[FIELD_TYPE], &item, why);
    if (r >= 0)
        r = parse_path(t, fields[FIELD_PATH], &item, why);
    if (r >= 0 && parse_mode(fields[FIELD_MODE], &item) < 0) {
        *why = "not a mode";
        r = -EINVAL;
    }
    if (r >= 0 && parse_age(fields[FIELD_AGE], &item) < 0) {
        *why = "not an age";
        r = -EINVAL;
    }
    if (r >= 0)
        r = parse_argument(t, p, &item, why);
    if (r > 0) {
        int q = parse_owners(t, fields[FIELD_USER], fields[FIELD_GROUP], &item, why);
        if (q < 0)
            r = q;
    }
    for (int i = 0; i < FIELDS; i++)
        free(fields[i]);
    if (r <= 0)
        return r;
    *ret = item;
    item = (struct item){};
    return 1;
}
