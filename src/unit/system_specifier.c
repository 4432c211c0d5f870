/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/system_specifier.h"
#include "base/fd.h"
#include "base/id128.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/users.h"
#include "syntax/envfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SMALL_FILE_MAX ((size_t)64 << 10)

static int copy(const char *s, char **ret) {
    char *c = strdup(s);
    if (!c)
        return -ENOMEM;
    *ret = c;
    return 0;
}

static int number(unsigned long n, char **ret) {
    char digits[24];
    snprintf(digits, sizeof(digits), "%lu", n);
    return copy(digits, ret);
}

/* A 128-bit id in the first line of a file. */
static int id_file(const char *root, const char *path, char **ret) {
    _cleanup_free_ char *full = path_join(root, path), *data = NULL;
    struct id128 id;
    if (!full)
        return -ENOMEM;
    int r = file_read(full, SMALL_FILE_MAX, &data, NULL);
    if (r < 0)
        return r == -ENOMEM ? r : -EUNATCH;
    data[strcspn(data, "\n")] = 0;
    if (id128_from_string(data, &id) < 0)
        return -EUNATCH;
    char text[33];
    return copy(id128_to_string(id, text), ret);
}

/* A field of os-release, "" where it is not set. */
static int os_release(const char *root, const char *field, char **ret) {
    static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release" };
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        _cleanup_free_ char *full = path_join(root, paths[i]), *data = NULL;
        _cleanup_strv_ char **fields = NULL;
        size_t size;
        if (!full)
            return -ENOMEM;
        if (file_read(full, SMALL_FILE_MAX, &data, &size) < 0)
            continue;
        int r = envfile_parse(data, size, &fields, NULL, NULL);
        if (r < 0)
            return r;
        const char *value = env_get(fields, field);
        return copy(value ? value : "", ret);
    }
    return -EUNATCH;
}

static int user_field(char letter, char **ret) {
    _cleanup_user_ struct user_record user = {};
    char uid[24];
    snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
    if (user_lookup(uid, &user) < 0)
        /* A user without an entry, as some container platforms run everything. */
        return geteuid() == 0  ? copy(letter == 'u' ? "root" : "/root", ret)
               : letter == 'u' ? copy(uid, ret)
                               : -EUNATCH;
    return copy(letter == 'u' ? user.name : letter == 'h' ? user.home : user.shell, ret);
}

static const struct {
    const char *machine, *name;
} architectures[] = {
    { "x86_64", "x86-64" },   { "i686", "x86" },
    { "i586", "x86" },        { "i486", "x86" },
    { "i386", "x86" },        { "aarch64", "arm64" },
    { "armv7l", "arm" },      { "armv6l", "arm" },
    { "armv8l", "arm" },      { "ppc64le", "ppc64-le" },
    { "ppc64", "ppc64" },     { "s390x", "s390x" },
    { "riscv64", "riscv64" }, { "loongarch64", "loongarch64" },
    { "mips64", "mips64" },   { "mips", "mips" },
    { "alpha", "alpha" },     { "ia64", "ia64" },
    { "sparc64", "sparc64" }, { "parisc", "parisc" },
};

const char *architecture_name(void) {
    static struct utsname u;
    if (uname(&u) < 0)
        return "unknown";
    for (size_t i = 0; i < ELEMENTS(architectures); i++)
        if (strcmp(architectures[i].machine, u.machine) == 0)
            return architectures[i].name;
    return u.machine;
}

static int temporary(const char *fallback, char **ret) {
    static const char *const names[] = { "TMPDIR", "TEMP", "TMP" };
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        const char *value = getenv(names[i]);
        if (value && path_is_absolute(value) && path_is_normalized(value))
            return copy(value, ret);
    }
    return copy(fallback, ret);
}

int system_specifier(char letter, const char *root, char **ret) {
    struct utsname u;
    _cleanup_free_ char *name = NULL;
    int r;
    switch (letter) {
    case 'a':
        return copy(architecture_name(), ret);
    case 'A':
        return os_release(root, "IMAGE_VERSION", ret);
    case 'b':
        return id_file("", "/proc/sys/kernel/random/boot_id", ret);
    case 'B':
        return os_release(root, "BUILD_ID", ret);
    case 'g':
        r = group_name(getegid(), ret);
        return r == -ESRCH ? number(getegid(), ret) : r;
    case 'G':
        return number(getegid(), ret);
    case 'H':
    case 'l':
        if (uname(&u) < 0)
            return -errno;
        if (letter == 'l')
            u.nodename[strcspn(u.nodename, ".")] = 0;
        return copy(u.nodename, ret);
    case 'q': {
        /* The pretty name; where nobody gave one, the short one. */
        _cleanup_free_ char *full = path_join(root, "/etc/machine-info"), *data = NULL;
        _cleanup_strv_ char **fields = NULL;
        size_t size;
        if (full && file_read(full, SMALL_FILE_MAX, &data, &size) >= 0 &&
            envfile_parse(data, size, &fields, NULL, NULL) >= 0) {
            const char *pretty = env_get(fields, "PRETTY_HOSTNAME");
            if (pretty && pretty[0])
                return copy(pretty, ret);
        }
        return system_specifier('l', root, ret);
    }
    case 'm':
        return id_file(root, "/etc/machine-id", ret);
    case 'M':
        return os_release(root, "IMAGE_ID", ret);
    case 'o':
        r = os_release(root, "ID", &name);
        if (r < 0)
            return r;
        return copy(name[0] ? name : "linux", ret);
    case 'T':
        return temporary("/tmp", ret);
    case 'V':
        return temporary("/var/tmp", ret);
    case 'u':
    case 'h':
    case 's':
        return user_field(letter, ret);
    case 'U':
        return number(geteuid(), ret);
    case 'v':
        return uname(&u) < 0 ? -errno : copy(u.release, ret);
    case 'w':
        return os_release(root, "VERSION_ID", ret);
    case 'W':
        return os_release(root, "VARIANT_ID", ret);
    default:
        return -ENOENT;
    }
}
