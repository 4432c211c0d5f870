/* SPDX-License-Identifier: Apache-2.0 */
/* From service directories to unit files: what runsv(8) does with a directory, said in systemd's words. The supervise/
 * directories are the manager's own business (src/wire/runit). */
#include "cli/runit.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "unit/runit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct where {
    const char *early;     /* the directory of generated units */
    const char *directory;  /* the services' */
    char *runtime;          /* "/run" */
    char *program;          /* reeve itself */
};

/* A word of a command line, as itself: nothing in it is a specifier, an escape or a variable. */
static void add_word(struct text *to, const char *prefix, const char *directory, const char *rest) {
    text_addf(to, "\"%s", prefix);
    for (const char *part = directory; part; part = part == directory ? rest : NULL)
        for (const char *p = part; *p; p++) {
            if (*p == '"' || *p == '\\')
                text_add_char(to, '\\');
            text_add_char(to, *p);
            if (*p == '%')
                text_add_char(to, *p);
        }
    text_add_char(to, '"');
}

/* A path that is all of a value: a specifier is all that could be found in it. */
static void add_path(struct text *to, const char *path) {
    for (const char *p = path; *p; p++) {
        text_add_char(to, *p);
        if (*p == '%')
            text_add_char(to, *p);
    }
}

static void add_assignment(struct text *to, const char *name, const char *directory, const char *rest) {
    text_addf(to, "%s=", name);
    add_path(to, directory);
    text_addf(to, "%s\n", rest);
}

static void add_command(struct text *to, const char *name, const char *directory, const char *program) {
    text_addf(to, "%s=", name);
    add_word(to, "@", directory, program);
    text_addf(to, " \".%s\"\n", program);
}

static void add_hook(struct text *to, const struct where *where, const char *name, const char *hook) {
    text_addf(to, "%s=", name);
    add_word(to, "", where->program, "");
    text_addf(to, " runit-hook %s\n", hook);
}

/* The environment of docker run -e HOME=… is not passed on by itself; my_init's scripts may have set it. */
static const char fixed[] = "Restart=always\n"
                            "RestartSec=0\n"
                            "StandardError=journal\n"
                            "PassEnvironment=HOME USER LOGNAME SHELL TERM\n";

static void describe(struct text *t, const struct where *where, const struct runit_service *s, const char *directory,
                     const char *pipe, bool log) {
    enum runit_flags finish = log ? RUNIT_LOG_FINISH : RUNIT_FINISH;
    text_addf(t, "# Made by reeve from a service directory: docs/runit.md\n\n[Unit]\nDescription=");
    add_path(t, s->name);
    text_addf(t, "%s (runit)\n", log ? " log" : "");
    add_assignment(t, "SourcePath", directory, "/run");
    text_addf(t, "Documentation=man:runsv(8)\nStartLimitIntervalSec=0\n");
    if (!log && s->flags & RUNIT_LOG)
        text_addf(t, "Wants=%s:log.service\nAfter=%s:log.service\n", s->stem, s->stem);
    if (getenv("REEVE_MY_INIT"))
        text_add(t, "After=my_init.service\nBefore=my_init-shutdown.service\n");
    text_add(t, "\n[Service]\n");
    add_assignment(t, "WorkingDirectory", "-", directory);
    if (!log && s->flags & RUNIT_PREPARES) {
        text_add(t, "ExecStartPre=");
        add_word(t, "-", directory, "/control/u");
        text_add(t, "\n");
    }
    add_command(t, "ExecStart", directory, "/run");
    if (!log && s->flags & RUNIT_STOPS)
        add_hook(t, where, "ExecStop", "stop");
    if (s->flags & finish)
        add_hook(t, where, "ExecStopPost", "finish");
    if (s->flags & RUNIT_LOG)
        text_addf(t, "%s=file:%s\n", log ? "StandardInput" : "StandardOutput", pipe);
    text_add(t, fixed);
    const char *limit = getenv("REEVE_KILL_PROCESS_TIMEOUT");
    if (limit && *limit)
        text_addf(t, "TimeoutStopSec=%.20s\n", limit);
    text_add(t, "\n[X-Reeve]\nRestartIntervalSec=1\n");
}

static int link_wanted(const struct where *where, const char *target, const char *unit, const char *to) {
    _cleanup_text_ struct text path = {};
    text_addf(&path, "%s/%s.wants/%s", where->early, target, unit);
    if (path.failed)
        return -ENOMEM;
    int r = mkdir_parents(text_str(&path), 0755);
    return r >= 0 && symlink(to, text_str(&path)) < 0 && errno != EEXIST ? -errno : r;
}

static int write_unit(const struct where *where, const struct runit_service *s, bool log) {
    _cleanup_text_ struct text t = {}, directory = {}, to = {};
    _cleanup_free_ char *unit = runit_unit_name(s->stem, log), *pipe = runit_pipe_path(where->runtime, s->stem);
    _cleanup_free_ char *path = unit ? path_join(where->early, unit) : NULL;
    text_addf(&directory, "%s/%s%s", where->directory, s->name, log ? "/log" : "");
    text_addf(&to, "../%s", unit ?: "");
    if (!pipe || !path || directory.failed || to.failed)
        return -ENOMEM;
    /* Where a link leads: then ./finish is found when the link is what has gone. */
    _cleanup_free_ char *real = realpath(text_str(&directory), NULL);
    describe(&t, where, s, real ?: text_str(&directory), pipe, log);
    if (t.failed)
        return -ENOMEM;
    int r = file_write(path, text_str(&t), 0644);
    if (r < 0 || s->flags & (log ? RUNIT_LOG_DOWN : RUNIT_DOWN))
        return r;
    return link_wanted(where, "runit.target", unit, text_str(&to));
}

static char *own_program(void) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (n <= 0)
        return strdup("/usr/bin/reeve");
    path[n] = 0;
    /* Replaced by an upgrade: what is there now. */
    char *deleted = strstr(path, " (deleted)");
    if (deleted && !deleted[10])
        *deleted = 0;
    return strdup(path);
}

static int generate(const struct where *where) {
    struct runit_services services = {};
    int r = runit_scan(where->directory, &services);
    if (r == -ENOENT) /* the manager waits for it */
        return 0;
    if (r >= 0)
        r = mkdir_p(where->early, 0755);
    for (size_t i = 0; r >= 0 && i < services.n; i++) {
        r = write_unit(where, &services.items[i], false);
        if (r >= 0 && services.items[i].flags & RUNIT_LOG)
            r = write_unit(where, &services.items[i], true);
    }
    if (r >= 0)
        r = link_wanted(where, "default.target", "runit.target", "../runit.target");
    runit_services_done(&services);
    return r;
}

int runit_generate(const char *early) {
    struct where where = { .early = early, .directory = getenv("REEVE_RUNIT") };
    _cleanup_free_ char *runtime = where.runtime = strdup(early);
    _cleanup_free_ char *program = where.program = own_program();
    char *below = runtime ? strstr(runtime, "/systemd/generator") : NULL;
    if (!runtime || !program)
        return -ENOMEM;
    if (below)
        *below = 0;
    int r = where.directory && where.directory[0] == '/' ? generate(&where) : 0;
    return r < 0 ? r : my_init_generate(early, program);
}
