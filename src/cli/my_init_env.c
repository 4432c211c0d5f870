/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of my_init's containers, which lives in files: /etc/container_environment/NAME, and all of it once
 * more for shells (.sh) and for programs (.json). Runs nothing. */
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "cli/my_init.h"
#include "syntax/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "/etc/container_environment"
#define VALUE_MAX (128 << 10) /* more the kernel does not take in one string */

/* They are the user's, not the container's. */
static const char *const never_exported[] = { "HOME", "USER", "GROUP", "UID", "GID", "SHELL" };

static bool exported(const char *assignment) {
    for (size_t i = 0; i < ELEMENTS(never_exported); i++) {
        size_t n = strlen(never_exported[i]);
        if (strncmp(assignment, never_exported[i], n) == 0 && assignment[n] == '=')
            return false;
    }
    return true;
}

int my_init_import(const char *root, bool override, char ***env) {
    _cleanup_free_ char *directory = path_join(root, DIRECTORY);
    DIR *d = directory ? opendir(directory) : NULL;
    int r = directory ? 0 : -ENOMEM;
    for (struct dirent *e; d && r >= 0 && (e = readdir(d));) {
        _cleanup_free_ char *value = NULL;
        size_t size;
        if (e->d_name[0] == '.' || strchr(e->d_name, '=') || (!override && env_get(*env, e->d_name)) ||
            file_read_at(dirfd(d), e->d_name, VALUE_MAX, &value, &size) < 0)
            continue;
        if (size > 0 && value[size - 1] == '\n')
            value[size - 1] = 0;
        _cleanup_text_ struct text assignment = {};
        text_addf(&assignment, "%s=%s", e->d_name, value);
        r = assignment.failed ? -ENOMEM : env_put(env, text_str(&assignment));
    }
    if (d)
        closedir(d);
    return r;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */
/* Into the file that is there, so that its owner and mode stay: an image gives a group leave to read it. */
static int overwrite(const char *root, const char *path, const char *content, size_t size) {
    _cleanup_free_ char *full = path_join(root, path);
    if (!full)
        return -ENOMEM;
    _cleanup_close_ int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0640);
    return fd < 0 ? -errno : write_all(fd, content, size);
}

void my_init_shell_quote(struct text *out, const char *word) {
    bool plain = *word;
    for (const char *p = word; *p && plain; p++)
        plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                strchr("_@%+=:,./-", *p);
    if (plain) {
        text_add(out, word);
        return;
    }
    text_add_char(out, '\'');
    for (const char *p = word; *p; p++)
        if (*p == '\'')
            text_add(out, "'\"'\"'");
        else
            text_add_char(out, *p);
    text_add_char(out, '\'');
}

int my_init_export(const char *root, bool to_directory, char *const *env) {
    _cleanup_text_ struct text shell = {}, json = {}, name = {}, path = {};
    int r = 0, q;
    text_add_char(&json, '{');
    STRV_FOREACH(e, env) {
        const char *value = strchr(*e, '=');
        if (!value)
            continue;
        text_clear(&name);
        text_add_n(&name, *e, (size_t)(value++ - *e));
        text_add(&json, json.len > 1 ? ", " : "");
        json_string(&json, text_str(&name));
        text_add(&json, ": ");
        json_string(&json, value);
        if (!exported(*e))
            continue;
        text_add(&shell, "export ");
        my_init_shell_quote(&shell, text_str(&name));
        text_add_char(&shell, '=');
        my_init_shell_quote(&shell, value);
        text_add_char(&shell, '\n');
        text_clear(&path);
        text_addf(&path, DIRECTORY "/%s", text_str(&name));
        if (to_directory && !path.failed && name.len > 0 && !strchr(text_str(&name), '/')) {
            q = overwrite(root, text_str(&path), value, strlen(value));
            r = r < 0 ? r : q;
        }
    }
    text_add_char(&json, '}');
    if (shell.failed || json.failed || name.failed || path.failed)
        return -ENOMEM;
    q = overwrite(root, DIRECTORY ".sh", text_str(&shell), shell.len);
    r = r < 0 ? r : q;
    q = overwrite(root, DIRECTORY ".json", text_str(&json), json.len);
    return r < 0 ? r : q;
}
