/* SPDX-License-Identifier: Apache-2.0 */
/* From init scripts to unit files: which scripts there are, what the runlevels' links say, and the text of
 * the units. */
#include "cli/sysv.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "cli/sysv_parse.h"
#include "unit/install.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRIPT_MAX ((size_t)4 << 20)

static const char *const script_places[] = { "/etc/init.d", "/etc/rc.d/init.d", NULL };
static const char *const link_places[] = { "/etc", "/etc/rc.d", NULL };

static const struct {
    const char *directory, *target;
} runlevels[] = {
    { "rc1.d", "rescue.target" },     { "rc2.d", "multi-user.target" }, { "rc3.d", "multi-user.target" },
    { "rc4.d", "multi-user.target" }, { "rc5.d", "graphical.target" },
};

struct scripts {
    struct sysv_script *items;
    size_t n;
};

static void scripts_done(struct scripts *scripts) {
    for (size_t i = 0; i < scripts->n; i++)
        sysv_script_done(&scripts->items[i]);
    free(scripts->items);
}

static struct sysv_script *find(const struct scripts *scripts, const char *name) {
    for (size_t i = 0; i < scripts->n; i++)
        if (strcmp(scripts->items[i].name, name) == 0)
            return &scripts->items[i];
    return NULL;
}

/* The places to look in, from the environment or as built in. */
static char **places(const char *variable, const char *const *usual) {
    const char *value = getenv(variable);
    return value ? strv_split(value, ":") : strv_copy((char *const *)usual);
}

/* --- which scripts -------------------------------------------------------------------------------------- */

static int add_script(struct scripts *scripts, const struct search_path *where, const char *directory,
                      const char *file) {
    _cleanup_(sysv_script_done) struct sysv_script script = { .priority = -1 };
    struct stat st;
    script.path = path_join(directory, file);
    if (!script.path)
        return -ENOMEM;
    if (stat(script.path, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
        return 0;
    int r = sysv_unit_name(file, &script.name);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    if (find(scripts, script.name) || install_exists(where, script.name))
        return 0;
    struct sysv_script *bigger = realloc(scripts->items, (scripts->n + 1) * sizeof(*bigger));
    if (!bigger)
        return -ENOMEM;
    scripts->items = bigger;
    scripts->items[scripts->n++] = script;
    script = (struct sysv_script){};
    return 0;
}

static int find_scripts(struct scripts *scripts, const struct search_path *where) {
    _cleanup_strv_ char **directories = places("SYSTEMD_SYSVINIT_PATH", script_places);
    int r = directories ? 0 : -ENOMEM;
    STRV_FOREACH(directory, directories) {
        DIR *d = opendir(*directory);
        for (struct dirent *e; d && r >= 0 && (e = readdir(d));)
            if (e->d_name[0] != '.')
                r = add_script(scripts, where, *directory, e->d_name);
        if (d)
            closedir(d);
    }
    return r;
}

static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

static int read_runlevel(struct scripts *scripts, const char *directory, const char *target) {
    DIR *d = opendir(directory);
    int r = 0;
    for (struct dirent *e; d && r >= 0 && (e = readdir(d));) {
        const char *link = e->d_name;
        if (link[0] != 'S' || strlen(link) < 4 || digit(link[1]) < 0 || digit(link[2]) < 0)
            continue;
        _cleanup_free_ char *name = NULL;
        r = sysv_unit_name(link + 3, &name);
        struct sysv_script *script = r >= 0 ? find(scripts, name) : NULL;
        if (r == -EINVAL)
            r = 0;
        if (!script)
            continue;
        script->priority = MAX(script->priority, digit(link[1]) * 10 + digit(link[2]));
        if (strv_contains(script->wanted_by, target))
            continue;
        r = strv_add(&script->before, target);
        if (r >= 0)
            r = strv_add(&script->wanted_by, target);
    }
    if (d)
        closedir(d);
    return r;
}

static int read_runlevels(struct scripts *scripts) {
    _cleanup_strv_ char **directories = places("SYSTEMD_SYSVRCND_PATH", link_places);
    if (!directories)
        return -ENOMEM;
    for (size_t i = 0; i < ELEMENTS(runlevels); i++)
        STRV_FOREACH(directory, directories) {
            _cleanup_free_ char *path = path_join(*directory, runlevels[i].directory);
            int r = path ? read_runlevel(scripts, path, runlevels[i].target) : -ENOMEM;
            if (r < 0)
                return r;
        }
    return 0;
}

/* Scripts without an LSB header are ordered by the numbers of their links. */
static int order(struct scripts *scripts, struct sysv_script *script) {
    for (size_t i = 0; script->priority >= 0 && i < scripts->n; i++) {
        const struct sysv_script *other = &scripts->items[i];
        if (other == script || other->priority < 0 || (script->lsb && other->lsb) ||
            other->priority == script->priority)
            continue;
        int r = strv_add(other->priority < script->priority ? &script->after : &script->before, other->name);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- the units ------------------------------------------------------------------------------------------ */

/* A name inside a unit file: percent signs are not specifiers there. */
static void add_escaped(struct text *out, const char *s) {
    for (; *s; s++) {
        if (*s == '%')
            text_add_char(out, '%');
        text_add_char(out, *s);
    }
}

static void add_list(struct text *out, const char *name, char *const *list) {
    for (char *const *item = list; item && *item; item++) {
        bool seen = false;
        for (char *const *earlier = list; earlier < item && !seen; earlier++)
            seen = strcmp(*earlier, *item) == 0;
        if (!seen)
            text_addf(out, "%s=%s\n", name, *item);
    }
}

static void add_command(struct text *out, const char *name, const struct sysv_script *script,
                        const char *verb) {
    text_addf(out, "%s=", name);
    add_escaped(out, script->path);
    text_addf(out, " %s\n", verb);
}

static void describe_unit(struct text *out, const struct sysv_script *script) {
    text_add(out, "# Made by reeve from an init "
                  "script\n\n[Unit]\nDocumentation=man:systemd-sysv-generator(8)\nSourcePath=");
    add_escaped(out, script->path);
    text_add_char(out, '\n');
    if (script->description) {
        text_add(out, "Description=");
        add_escaped(out, script->description);
        text_add_char(out, '\n');
    }
    add_list(out, "Before", script->before);
    add_list(out, "After", script->after);
    add_list(out, "Wants", script->wants);
    /* Debian's scripts hand themselves to systemctl, which would start this unit, unless told not to. */
    text_add(out, "\n[Service]\n"
                  "Type=forking\n"
                  "Restart=no\n"
                  "TimeoutSec=5min\n"
                  "IgnoreSIGPIPE=no\n"
                  "KillMode=process\n"
                  "GuessMainPID=no\n"
                  "Environment=SYSTEMCTL_SKIP_REDIRECT=1\n");
    text_addf(out, "RemainAfterExit=%s\n", script->pid_file ? "no" : "yes");
    if (script->pid_file) {
        text_add(out, "PIDFile=");
        add_escaped(out, script->pid_file);
        text_add_char(out, '\n');
    }
    /* "Not installed" and "not configured": LSB 3.1, exit statuses of init scripts. */
    if (script->lsb)
        text_add(out, "SuccessExitStatus=5 6\n");
    add_command(out, "ExecStart", script, "start");
    add_command(out, "ExecStop", script, "stop");
    if (script->reload)
        add_command(out, "ExecReload", script, "reload");
}

static int link_wanted(const char *directory, const char *target, const char *name) {
    _cleanup_text_ struct text link = {}, to = {};
    text_addf(&link, "%s/%s.wants/%s", directory, target, name);
    text_addf(&to, "../%s", name);
    if (link.failed || to.failed)
        return -ENOMEM;
    int r = mkdir_parents(text_str(&link), 0755);
    if (r >= 0 && symlink(text_str(&to), text_str(&link)) < 0 && errno != EEXIST)
        r = -errno;
    return r;
}

static int write_unit(const char *directory, const struct sysv_script *script) {
    _cleanup_text_ struct text unit = {};
    _cleanup_free_ char *path = path_join(directory, script->name);
    describe_unit(&unit, script);
    if (!path || unit.failed)
        return -ENOMEM;
    /* An alias that another script provides may lie there. */
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    int r = file_write(path, text_str(&unit), 0644);
    STRV_FOREACH(target, script->wanted_by)
        if (r >= 0)
            r = link_wanted(directory, *target, script->name);
    return r;
}

static int write_aliases(const char *directory, const struct sysv_script *script) {
    int result = 0;
    STRV_FOREACH(alias, script->aliases) {
        _cleanup_free_ char *path = path_join(directory, *alias);
        if (!path)
            return -ENOMEM;
        if (symlink(script->name, path) < 0 && errno != EEXIST)
            result = -errno;
    }
    return result;
}

int sysv_generate(const char *directory) {
    _cleanup_(scripts_done) struct scripts scripts = {};
    struct search_path where;
    int r = search_path_init(&where, "", "/run", true);
    if (r < 0)
        return r;
    /* What generators made is no native unit: some of them run right now. */
    strv_remove(where.directories, where.generator);
    strv_remove(where.directories, where.generator_early);
    strv_remove(where.directories, where.generator_late);
    r = find_scripts(&scripts, &where);
    search_path_done(&where);
    if (r >= 0)
        r = read_runlevels(&scripts);
    for (size_t i = 0; r >= 0 && i < scripts.n; i++) {
        _cleanup_free_ char *text = NULL;
        r = file_read(scripts.items[i].path, SCRIPT_MAX, &text, NULL);
        if (r >= 0)
            r = sysv_parse(&scripts.items[i], text);
        else if (r != -ENOMEM)
            r = 0; /* unreadable: a unit without ordering is still a unit */
    }
    for (size_t i = 0; r >= 0 && i < scripts.n; i++)
        r = order(&scripts, &scripts.items[i]);
    if (r < 0)
        return r;
    /* Scripts win over other scripts' aliases. */
    for (size_t i = 0; i < scripts.n; i++) {
        int q = write_unit(directory, &scripts.items[i]);
        if (q < 0)
            log_warning("%s: cannot write a unit for it: %s", scripts.items[i].path, strerror(-q));
        else
            log_debug("%s: made %s for it", scripts.items[i].path, scripts.items[i].name);
        if (q < 0 && r >= 0)
            r = q;
    }
    for (size_t i = 0; i < scripts.n; i++) {
        int q = write_aliases(directory, &scripts.items[i]);
        if (q < 0 && r >= 0)
            r = q;
    }
    return r;
}
