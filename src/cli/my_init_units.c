/* SPDX-License-Identifier: Apache-2.0 */
/* The units of my_init's own: the shutdown scripts, and the main command, whose end is the container's. The settings
 * come from my_init in REEVE_* variables; the environment is the generators'. docs/runit.md. */
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/runit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void add_value(struct text *to, const char *value) {
    for (const char *p = value; *p; p++) {
        text_add_char(to, *p);
        if (*p == '%')
            text_add_char(to, *p);
    }
}

/* The container's own, without a name before each line. */
static void add_streams(struct text *t, bool input) {
    const char *streams = getenv("REEVE_MAIN_STREAMS");
    if (input && getenv("REEVE_MAIN_TTY"))
        text_add(t, "StandardInput=tty-force\nStandardOutput=inherit\nStandardError=inherit\n");
    else if (streams) {
        if (input)
            text_addf(t, "StandardInput=file:%s/0\n", streams);
        text_addf(t, "StandardOutput=file:%s/1\nStandardError=file:%s/2\n", streams, streams);
    }
}

static int write_unit(const char *early, const char *unit, const struct text *content) {
    _cleanup_free_ char *path = path_join(early, unit);
    if (!path || content->failed)
        return -ENOMEM;
    int r = file_write(path, text_str(content), 0644);
    _cleanup_text_ struct text link = {}, to = {};
    text_addf(&link, "%s/runit.target.wants/%s", early, unit);
    text_addf(&to, "../%s", unit);
    if (link.failed || to.failed)
        return -ENOMEM;
    if (r >= 0)
        r = mkdir_parents(text_str(&link), 0755);
    return r >= 0 && symlink(text_str(&to), text_str(&link)) < 0 && errno != EEXIST ? -errno : r;
}

/* Active while the container runs; its stop is what it is for. */
static int write_hook(const char *early, const char *program, const char *unit, const char *directory,
                      const char *order) {
    _cleanup_text_ struct text t = {};
    text_addf(
        &t,
        "# Made by reeve for my_init: docs/runit.md\n\n[Unit]\nDescription=Scripts of %s\nDefaultDependencies=no\n"
        "Conflicts=shutdown.target\nBefore=shutdown.target\n%s\n[Service]\nType=oneshot\nRemainAfterExit=yes\n"
        "TimeoutStopSec=infinity\nPassEnvironment=HOME USER SHELL\n",
        directory, order);
    add_streams(&t, false);
    const char *mode = getenv("REEVE_MY_INIT");
    if (mode && strcmp(mode, "quiet") == 0)
        text_add(&t, "Environment=MY_INIT_QUIET=1\n");
    text_add(&t, "ExecStop=\"");
    add_value(&t, program);
    text_addf(&t, "\" my_init-hook %s\n", directory);
    return write_unit(early, unit, &t);
}

static int write_command(const char *early, const char *command) {
    const char *limit = getenv("REEVE_KILL_PROCESS_TIMEOUT");
    _cleanup_text_ struct text t = {};
    text_add(&t, "# Made by reeve for my_init: docs/runit.md\n\n[Unit]\nDescription=The main command\n"
                 "After=my_init.service\nSuccessAction=exit\nFailureAction=exit\n\n[Service]\nIgnoreSIGPIPE="
                 "no\nWorkingDirectory=");
    add_value(&t, getenv("REEVE_MAIN_DIRECTORY") ?: "/");
    text_add(&t, "\nPassEnvironment=HOME USER LOGNAME SHELL TERM\n");
    add_streams(&t, true);
    if (limit)
        text_addf(&t, "TimeoutStopSec=%.20s\n", limit);
    text_addf(&t, "ExecStart=%s\n", command);
    return write_unit(early, "my_init-command.service", &t);
}

int my_init_generate(const char *early, const char *program) {
    const char *command = getenv("REEVE_MAIN_COMMAND");
    if (!getenv("REEVE_MY_INIT"))
        return 0;
    int r = mkdir_p(early, 0755);
    if (r >= 0)
        r = write_hook(early, program, "my_init.service", "/etc/my_init.post_shutdown.d", "");
    if (r >= 0)
        r = write_hook(early, program, "my_init-shutdown.service", "/etc/my_init.pre_shutdown.d",
                       "After=my_init.service\n");
    return r >= 0 && command ? write_command(early, command) : r;
}
