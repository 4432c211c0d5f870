/* SPDX-License-Identifier: Apache-2.0 */
/* enable, disable and is-enabled of what has an init script: handed on to the distribution's own tool for runlevel
 * links, as systemd-sysv-install does. systemctl(1) "enable". */
#include "cli/systemctl/ctl.h"

#include "base/path.h"
#include "unit/install.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tools that make runlevel links, in the order they are looked for. systemd's own script is one of them where
 * systemd is installed. Without it the same is done with Debian's or Red Hat's, in a shell: it needs one anyway. */
static const struct {
    const char *path, *script; /* $1: verb, $2: name; NULL: the tool takes them itself */
} tools[] = {
    { "/usr/lib/systemd/systemd-sysv-install", NULL },
    { "/lib/systemd/systemd-sysv-install", NULL },
    { "/usr/sbin/update-rc.d", "case $1 in is-enabled) ls /etc/rc[S5].d/S??\"$2\" >/dev/null 2>&1 ;;\n"
                               "*) update-rc.d \"$2\" defaults && update-rc.d \"$2\" \"$1\" ;; esac" },
    { "/usr/sbin/chkconfig", "case $1 in is-enabled) chkconfig \"$2\" ;; enable) chkconfig \"$2\" on ;; disable) "
                             "chkconfig \"$2\" off ;; esac" },
};

/* The exit status of the tool; negative: there is none, said. */
static int run_tool(const char *verb, const char *name) {
    const char *root = ctl.root && strcmp(ctl.root, "/") != 0 ? ctl.root : NULL;
    for (size_t i = 0; i < ELEMENTS(tools); i++) {
        _cleanup_free_ char *inside = path_join(root ? root : "", tools[i].path);
        /* systemd's script knows --root= and runs outside; the others run inside. */
        const char *path = tools[i].script && inside ? inside : tools[i].path;
        if (access(path, X_OK) < 0)
            continue;
        fflush(stdout);
        if (!ctl.quiet && !tools[i].script)
            fail("Executing: %s %s %s", path, verb, name);
        pid_t pid = fork();
        if (pid == 0) {
            _cleanup_text_ struct text option = {};
            setenv("_SKIP_SYSTEMD_NATIVE", "1", 1);
            text_addf(&option, "--root=%s", root ? root : "");
            if (tools[i].script && (!root || (chroot(root) >= 0 && chdir("/") >= 0)))
                execl("/bin/sh", "sh", "-c", tools[i].script, "sh", verb, name, NULL);
            else if (!tools[i].script && root)
                execl(path, path, text_str(&option), verb, name, NULL);
            else if (!tools[i].script)
                execl(path, path, verb, name, NULL);
            fail("Failed to execute %s: %s", path, strerror(errno));
            _exit(127);
        }
        int status;
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
            return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -EPROTO;
    }
    fail("%s has an init script, but the tool that makes its links (update-rc.d, chkconfig) is missing.", name);
    return -ENOENT;
}

int sysv_files(const char *verb, char ***names, bool *found) {
    _cleanup_(search_path_done) struct search_path where = {};
    _cleanup_strv_ char **kept = NULL;
    static const char *const verbs[] = { "enable", "disable", "is-enabled" };
    const char *skip = getenv("SYSTEMCTL_SKIP_SYSV");
    bool ours = false, asks = strcmp(verb, "is-enabled") == 0;
    for (size_t i = 0; i < ELEMENTS(verbs); i++)
        ours |= strcmp(verbs[i], verb) == 0;
    if (!ours || ctl.scope != SEARCH_SYSTEM || (skip && strcmp(skip, "1") == 0))
        return 0;
    if (files_where(&where) < 0)
        return -ENOMEM;
    /* The unit that was made of the script is none of its own. */
    strv_remove(where.directories, where.generator);
    strv_remove(where.directories, where.generator_early);
    strv_remove(where.directories, where.generator_late);
    STRV_FOREACH (name, *names) {
        size_t n = strlen(*name);
        _cleanup_free_ char *script = NULL, *full = NULL, *path = NULL;
        bool service = n > 8 && strcmp(*name + n - 8, ".service") == 0 && !path_is_absolute(*name);
        int native = service ? install_look_up(&where, *name) : 1;
        if (native < 0 && native != -ELOOP && native != -ERFKILL && native != -EADDRNOTAVAIL) {
            fail("Failed to look up unit file state: %s", strerror(-native));
            return native;
        }
        bool known = native != 0;
        if (service && !(known && asks)) {
            script = strndup(*name, n - 8);
            full = path_join(ctl.root ? ctl.root : "", "/etc/init.d");
            path = full && script ? path_join(full, script) : NULL;
            if (!path)
                return fail_memory(), -ENOMEM;
            if (access(path, F_OK) >= 0) {
                if (!ctl.quiet)
                    fail(known ? "Synchronizing state of %s with SysV service script with %s."
                               : "%s is not a native service, redirecting to %s.",
                         *name, "systemd-sysv-install");
                int r = run_tool(verb, script);
                if (r < 0 || (r > 0 && !asks))
                    return r < 0 ? r : -EPROTO;
                if (asks) {
                    *found |= r == 0;
                    if (!ctl.quiet)
                        puts(r == 0 ? "enabled" : "disabled");
                }
                if (!known)
                    continue;
            }
        }
        if (strv_add(&kept, *name) < 0)
            return fail_memory(), -ENOMEM;
    }
    strv_free(*names);
    *names = TAKE(kept);
    return 0;
}
