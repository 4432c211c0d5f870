/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sysv_parse.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "syntax/words.h"
#include "unit/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char white[] = " \t\r\n\f\v";

void sysv_script_done(struct sysv_script *script) {
    free(script->path);
    free(script->name);
    free(script->description);
    free(script->pid_file);
    strv_free(script->aliases);
    strv_free(script->before);
    strv_free(script->after);
    strv_free(script->wants);
    strv_free(script->wanted_by);
    *script = (struct sysv_script){};
}

int sysv_unit_name(const char *file, char **ret) {
    size_t n = strlen(file);
    if (n > 3 && strcmp(file + n - 3, ".sh") == 0)
        n -= 3;
    _cleanup_free_ char *base = strndup(file, n);
    return base ? unit_name_mangle(base, ret) : -ENOMEM;
}

/* --- facilities ----------------------------------------------------------------------------------------- */

/* The names that the Linux Standard Base defines; NULL: always there. */
static const struct {
    const char *facility, *unit;
} facilities[] = {
    { "local_fs", NULL },
    { "network", "network-online.target" },
    { "named", "nss-lookup.target" },
    { "portmap", "rpcbind.target" },
    { "remote_fs", "remote-fs.target" },
    { "syslog", NULL },
    { "time", "time-sync.target" },
};

/* 1 and the unit that a word of Provides: or Required-Start: means; 0: none. */
static int translate(const struct sysv_script *script, const char *word, char **ret) {
    bool virtual = word[0] == '$';
    const char *name = word + virtual;
    for (size_t i = 0; i < ELEMENTS(facilities); i++)
        if (strcmp(facilities[i].facility, name) == 0) {
            if (!facilities[i].unit)
                return 0;
            return (*ret = strdup(facilities[i].unit)) ? 1 : -ENOMEM;
        }
    int r;
    if (virtual) {
        _cleanup_free_ char *target = NULL;
        if (asprintf(&target, "%s.target", name) < 0)
            return -ENOMEM;
        if (!unit_name_valid(target, UNIT_NAME_PLAIN))
            return -EINVAL;
        *ret = TAKE(target);
        return 1;
    }
    const char *file = path_base(script->path);
    size_t n = strlen(file);
    if (n > 3 && strcmp(file + n - 3, ".sh") == 0)
        n -= 3;
    if (strlen(name) == n && strncmp(name, file, n) == 0)
        return 0; /* its own name */
    r = sysv_unit_name(name, ret);
    return r < 0 ? r : 1;
}

static int provide(struct sysv_script *script, const char *unit) {
    if (unit_name_type(unit) == UNIT_SERVICE)
        return strv_add(&script->aliases, unit);
    if (unit_name_type(unit) != UNIT_TARGET)
        return 0;
    /* The target says that the thing is there; it is pulled in by who provides it, not the other way round.
     */
    int r = strv_add(&script->before, unit);
    return r < 0 ? r : strv_add(&script->wants, unit);
}

static int depend(struct sysv_script *script, const char *unit, bool before) {
    int r = strv_add(before ? &script->before : &script->after, unit);
    if (r >= 0 && !before && strcmp(unit, "network-online.target") == 0)
        r = strv_add(&script->wants, unit);
    return r;
}

/* --- the LSB header ------------------------------------------------------------------------------------- */

enum lsb_field { LSB_PROVIDES, LSB_AFTER, LSB_BEFORE, LSB_DESCRIPTION, LSB_SHORT_DESCRIPTION };

static const struct {
    const char *name;
    enum lsb_field field;
} lsb_fields[] = {
    { "Provides:", LSB_PROVIDES },
    { "Required-Start:", LSB_AFTER },
    { "Should-Start:", LSB_AFTER },
    { "X-Start-After:", LSB_AFTER },
    { "X-Start-Before:", LSB_BEFORE },
    { "Description:", LSB_DESCRIPTION },
    { "Short-Description:", LSB_SHORT_DESCRIPTION },
};

static char *strip(char *s) {
    s += strspn(s, white);
    size_t n = strlen(s);
    while (n > 0 && strchr(white, s[n - 1]))
        n--;
    s[n] = 0;
    return s;
}

static int take_words(struct sysv_script *script, enum lsb_field field, const char *text) {
    for (;;) {
        _cleanup_free_ char *word = NULL, *unit = NULL;
        int r = word_next(&text, &word, NULL, WORD_UNQUOTE | WORD_RELAX);
        if (r <= 0)
            return r == -ENOMEM ? r : 0;
        r = translate(script, word, &unit);
        if (r > 0)
            r = field == LSB_PROVIDES ? provide(script, unit) : depend(script, unit, field == LSB_BEFORE);
        if (r == -ENOMEM)
            return r;
    }
}

static int replace(char **s, const char *by) {
    char *copy = by[0] ? strdup(by) : NULL;
    if (by[0] && !copy)
        return -ENOMEM;
    free(*s);
    *s = copy;
    return 0;
}

static int append(char **s, const char *more) {
    char *longer = NULL;
    if (!more[0])
        return 0;
    if (asprintf(&longer, "%s%s%s", *s ? *s : "", *s ? " " : "", more) < 0)
        return -ENOMEM;
    free(*s);
    *s = longer;
    return 0;
}

/* Whatever the case of its letters; `word` is in small ones. */
static bool mentions(const char *line, const char *word) {
    for (size_t n = strlen(word); *line; line++)
        if (strncasecmp(line, word, n) == 0)
            return true;
    return false;
}

/* Does a usage line offer "reload"? */
static bool offers_reload(const char *line) {
    static const char *const ways[] = { "{reload|", "{reload}", "{reload\"",
                                        "|reload|", "|reload}", "|reload\"" };
    for (size_t i = 0; i < ELEMENTS(ways); i++)
        if (mentions(line, ways[i]))
            return true;
    return false;
}

struct reading {
    struct sysv_script *script;
    enum { IN_SCRIPT, IN_DESCRIPTION, IN_LSB, IN_LSB_DESCRIPTION, IN_USAGE } state;
    char *short_text, *long_text, *old_text; /* Short-Description:, Description:, chkconfig's description: */
};

static void read_code(struct reading *at, const char *line) {
    if (at->state != IN_USAGE && !(at->state == IN_SCRIPT && mentions(line, "usage")))
        return;
    size_t n = strlen(line);
    if (offers_reload(line)) {
        at->script->reload = true;
        at->state = IN_SCRIPT;
    } else
        at->state = n > 0 && line[n - 1] == '\\' ? IN_USAGE : IN_SCRIPT;
}

/* A comment outside the LSB header: chkconfig's. */
static int read_comment(struct reading *at, char *text) {
    size_t n = strlen(text);
    bool goes_on = n > 0 && text[n - 1] == '\\';
    if (at->state == IN_DESCRIPTION) {
        if (goes_on)
            text[n - 1] = 0;
        else
            at->state = IN_SCRIPT;
        return append(&at->old_text, strip(text));
    }
    if (strncasecmp(text, "description:", 12) == 0) {
        if (goes_on) {
            text[n - 1] = 0;
            at->state = IN_DESCRIPTION;
        }
        return replace(&at->old_text, strip(text + 12));
    }
    if (strncasecmp(text, "pidfile:", 8) == 0) {
        char *file = strip(text + 8);
        if (path_is_absolute(file))
            return replace(&at->script->pid_file, file);
        log_warning("%s: the PID file %s is no absolute path, ignoring", at->script->path, file);
    }
    return 0;
}

static int read_lsb(struct reading *at, const char *whole, char *text) {
    for (size_t i = 0; i < ELEMENTS(lsb_fields); i++) {
        size_t n = strlen(lsb_fields[i].name);
        if (strncasecmp(text, lsb_fields[i].name, n) != 0)
            continue;
        at->state = lsb_fields[i].field == LSB_DESCRIPTION ? IN_LSB_DESCRIPTION : IN_LSB;
        if (lsb_fields[i].field == LSB_DESCRIPTION)
            return replace(&at->long_text, strip(text + n));
        if (lsb_fields[i].field == LSB_SHORT_DESCRIPTION)
            return replace(&at->short_text, strip(text + n));
        return take_words(at->script, lsb_fields[i].field, text + n);
    }
    if (at->state != IN_LSB_DESCRIPTION)
        return 0;
    if (strncmp(whole, "#\t", 2) == 0 || strncmp(whole, "#  ", 3) == 0)
        return append(&at->long_text, strip(text));
    at->state = IN_LSB;
    return 0;
}

static int read_line(struct reading *at, char *line) {
    _cleanup_free_ char *whole = strdup(line);
    if (!whole)
        return -ENOMEM;
    char *text = strip(line);
    if (text[0] != '#') {
        read_code(at, text);
        return 0;
    }
    bool in_header = at->state == IN_LSB || at->state == IN_LSB_DESCRIPTION;
    if (at->state == IN_SCRIPT && strcmp(text, "### BEGIN INIT INFO") == 0) {
        at->state = IN_LSB;
        at->script->lsb = true;
        return 0;
    }
    if (in_header && strcmp(text, "### END INIT INFO") == 0) {
        at->state = IN_SCRIPT;
        return 0;
    }
    text++;
    text += strspn(text, white);
    return in_header ? read_lsb(at, whole, text) : read_comment(at, text);
}

int sysv_parse(struct sysv_script *script, char *text) {
    struct reading at = { .script = script };
    int r = 0;
    for (char *line = text, *next; r >= 0 && line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        r = read_line(&at, line);
    }
    const char *best = at.short_text ? at.short_text : at.old_text ? at.old_text : at.long_text;
    if (r >= 0 && best) {
        char *description = NULL;
        if (asprintf(&description, "%s: %s", script->lsb ? "LSB" : "SYSV", best) < 0)
            r = -ENOMEM;
        else {
            free(script->description);
            script->description = description;
        }
    }
    free(at.short_text);
    free(at.long_text);
    free(at.old_text);
    return r;
}
