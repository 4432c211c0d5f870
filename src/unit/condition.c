/* SPDX-License-Identifier: Apache-2.0 */
/* One function per kind of condition, and the rule that combines them. */
#include "base/fd.h"
#include "base/glob.h"
#include "base/id128.h"
#include "base/log.h"
#include "base/path.h"
#include "base/scan.h"
#include "base/strv.h"
#include "base/users.h"
#include "syntax/names.h"
#include "syntax/words.h"
#include "unit/condition_private.h"
#include "unit/system_specifier.h"
#include "unit/types.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SMALL_FILE_MAX ((size_t)1 << 20)
#define CPUINFO_MAX ((size_t)8 << 20)
/* Users below this are the system's, as Debian's and systemd's defaults have it. */
#define SYSTEM_UID_MAX 999

typedef const struct condition_context *context;

/* --- paths ---------------------------------------------------------------------------------------------- */

static int look(const char *path, struct stat *st) {
    return fstatat(AT_FDCWD, path, st, AT_NO_AUTOMOUNT) < 0 ? -errno : 0;
}

static int test_path_exists(context ctx, const char *path) {
    return access(path, F_OK) >= 0;
}

static int test_path_exists_glob(context ctx, const char *pattern) {
    return glob_exists(pattern);
}

static int test_path_is_directory(context ctx, const char *path) {
    struct stat st;
    return look(path, &st) >= 0 && S_ISDIR(st.st_mode);
}

static int test_path_is_symbolic_link(context ctx, const char *path) {
    struct stat st;
    return lstat(path, &st) >= 0 && S_ISLNK(st.st_mode);
}

static int test_path_is_mount_point(context ctx, const char *path) {
    struct statx sx;
    if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_TYPE, &sx) < 0)
        return 0;
    if (sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
        return (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    /* Before Linux 5.8: another device than the parent's, which bind mounts do not show. */
    struct stat st, parent;
    _cleanup_free_ char *up = path_join(path, "..");
    if (!up || look(path, &st) < 0 || look(up, &parent) < 0)
        return 0;
    return st.st_dev != parent.st_dev || st.st_ino == parent.st_ino;
}

static bool read_only(const char *path) {
    struct statvfs st;
    return statvfs(path, &st) >= 0 ? st.f_flag & ST_RDONLY : access(path, W_OK) < 0 && errno == EROFS;
}

static int test_path_is_read_write(context ctx, const char *path) {
    return (access(path, F_OK) >= 0 || errno != ENOENT) && !read_only(path);
}

static int test_path_is_encrypted(context ctx, const char *path) {
    struct stat st;
    int r = look(path, &st);
    if (r < 0)
        return 0;
    char name[64];
    _cleanup_free_ char *uuid = NULL;
    snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/dm/uuid", major(st.st_dev), minor(st.st_dev));
    return file_read(name, 4096, &uuid, NULL) >= 0 && strncmp(uuid, "CRYPT-", 6) == 0;
}

static int test_directory_not_empty(context ctx, const char *path) {
    DIR *d = opendir(path);
    if (!d)
        return 0;
    bool found = false;
    for (struct dirent *e; !found && (e = readdir(d));)
        found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return found;
}

static int test_file_not_empty(context ctx, const char *path) {
    struct stat st;
    return look(path, &st) >= 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static int test_file_is_executable(context ctx, const char *path) {
    struct stat st;
    return look(path, &st) >= 0 && S_ISREG(st.st_mode) && st.st_mode & 0111;
}

/* Is /usr newer than the stamp in this directory? systemd-update-done.service(8). */
static int test_needs_update(context ctx, const char *path) {
    struct stat usr, stamp;
    _cleanup_free_ char *updated = path_join(path, ".updated");
    if (!updated)
        return -ENOMEM;
    if (read_only(path))
        return 0;
    if (lstat(updated, &stamp) < 0 || lstat("/usr", &usr) < 0)
        return 1;
    if (usr.st_mtim.tv_sec != stamp.st_mtim.tv_sec)
        return usr.st_mtim.tv_sec > stamp.st_mtim.tv_sec;
    return usr.st_mtim.tv_nsec > stamp.st_mtim.tv_nsec;
}

/* --- the machine ---------------------------------------------------------------------------------------- */

static int test_first_boot(context ctx, const char *parameter) {
    int wanted = bool_parse(parameter);
    return wanted < 0 ? wanted : ctx->first_boot == (bool)wanted;
}

static int test_architecture(context ctx, const char *parameter) {
    return strcmp(parameter, "native") == 0 || strcmp(parameter, architecture_name()) == 0;
}

static int device_tree_compatible(const char *with) {
    _cleanup_free_ char *data = NULL;
    size_t size, n = strcspn(with, ")");
    if (file_read("/proc/device-tree/compatible", SMALL_FILE_MAX, &data, &size) < 0)
        return 0;
    for (size_t i = 0; i < size; i += strlen(data + i) + 1)
        if (strlen(data + i) == n && strncmp(data + i, with, n) == 0)
            return 1;
    return 0;
}

/* "smbios-field(board_vendor = Foo)": fields of /sys/class/dmi/id. */
static int smbios_field(const char *expression) {
    size_t length = strcspn(expression, ")");
    if (!expression[length] || expression[length + 1])
        return -EINVAL;
    _cleanup_free_ char *copy = strndup(expression, length), *want = NULL, *path = NULL, *data = NULL;
    if (!copy)
        return -ENOMEM;
    char *field = copy + strspn(copy, COMPARISON_LETTERS);
    size_t n = strcspn(field, COMPARISON_LETTERS);
    const char *rest = field + n;
    enum comparison operator= comparison_take(&rest, true);
    if (operator== COMPARISON_INVALID)
        return -EINVAL;
    int r = word_next(&rest, &want, NULL, WORD_UNQUOTE);
    if (r <= 0 || *rest)
        return r < 0 ? r : -EINVAL;
    while (n > 0 && field[n - 1] == ' ')
        n--;
    field[n] = 0;
    if (n == 0 || strchr(field, '/') || strcmp(field, ".") == 0 || strcmp(field, "..") == 0)
        return -EINVAL;
    path = path_join("/sys/class/dmi/id", field);
    if (!path)
        return -ENOMEM;
    if (file_read(path, 4096, &data, NULL) < 0)
        return 0;
    data[strcspn(data, "\n")] = 0;
    switch (operator) {
    case COMPARE_FNMATCH:
    case COMPARE_NOT_FNMATCH:
        return glob_match(want, data, 0) == (operator== COMPARE_FNMATCH);
    case COMPARE_STRING_EQUAL:
    case COMPARE_STRING_UNEQUAL:
        return (strcmp(want, data) == 0) == (operator== COMPARE_STRING_EQUAL);
    default:
        return comparison_holds(version_compare(data, want), operator);
    }
}

static int test_firmware(context ctx, const char *parameter) {
    if (strcmp(parameter, "uefi") == 0)
        return access("/sys/firmware/efi", F_OK) >= 0;
    if (strcmp(parameter, "device-tree") == 0)
        return access("/sys/firmware/device-tree", F_OK) >= 0;
    if (strncmp(parameter, "device-tree-compatible(", 23) == 0)
        return device_tree_compatible(parameter + 23);
    if (strncmp(parameter, "smbios-field(", 13) == 0)
        return smbios_field(parameter + 13);
    return 0;
}

static int test_virtualization(context ctx, const char *parameter) {
    bool any = strcmp(ctx->virtualization, "none") != 0;
    if (strcmp(parameter, "private-users") == 0) {
        _cleanup_free_ char *map = NULL;
        uint32_t inside, outside, count;
        if (file_read("/proc/self/uid_map", 4096, &map, NULL) < 0)
            return false;
        const char *at = map;
        return scan_u32(&at, &inside) && scan_u32(&at, &outside) && scan_u32(&at, &count) &&
               !(inside == 0 && outside == 0 && count == UINT32_MAX);
    }
    int wanted = bool_parse(parameter);
    if (wanted >= 0)
        return any == (bool)wanted;
    if (strcmp(parameter, "vm") == 0)
        return any && ctx->virtualization_vm;
    if (strcmp(parameter, "container") == 0)
        return any && !ctx->virtualization_vm;
    return any && strcmp(parameter, ctx->virtualization) == 0;
}

static int test_host(context ctx, const char *parameter) {
    struct id128 wanted;
    _cleanup_free_ char *have = NULL;
    if (id128_from_string(parameter, &wanted) >= 0) {
        char text[33];
        id128_to_string(wanted, text);
        static const char letters[] = "mb"; /* machine and boot id */
        for (const char *l = letters; *l; l++) {
            _cleanup_free_ char *id = NULL;
            if (system_specifier(*l, "", &id) >= 0 && strcmp(id, text) == 0)
                return 1;
        }
        return 0;
    }
    int r = system_specifier('H', "", &have);
    return r < 0 ? r : glob_match(parameter, have, FNM_CASEFOLD);
}

/* In a container, what PID 1 was started with stands for the kernel command line; the machine's is not ours.
 */
static int test_kernel_command_line(context ctx, const char *parameter) {
    bool container = strcmp(ctx->virtualization, "none") != 0 && !ctx->virtualization_vm;
    _cleanup_free_ char *data = NULL;
    _cleanup_strv_ char **words = NULL;
    size_t size;
    int r = file_read(container ? "/proc/1/cmdline" : "/proc/cmdline", SMALL_FILE_MAX, &data, &size);
    if (r < 0)
        return r;
    if (container) {
        for (size_t i = 0; i < size; i += strlen(data + i) + 1)
            if ((r = strv_add(&words, data + i)) < 0)
                return r;
    } else if ((r = words_split(data, NULL, WORD_UNQUOTE | WORD_RELAX, &words)) < 0)
        return r;
    size_t n = strlen(parameter);
    bool whole = strchr(parameter, '=');
    STRV_FOREACH(word, words)
        if (strcmp(*word, parameter) == 0 ||
            (!whole && strncmp(*word, parameter, n) == 0 && (*word)[n] == '='))
            return 1;
    return 0;
}

static int test_credential(context ctx, const char *parameter) {
    if (!parameter[0] || strchr(parameter, '/') || strcmp(parameter, ".") == 0 ||
        strcmp(parameter, "..") == 0)
        return 0;
    if (!ctx->dirs->credentials)
        return 0;
    _cleanup_free_ char *path = path_join(ctx->dirs->credentials, parameter);
    return path ? access(path, F_OK) >= 0 : -ENOMEM;
}

static bool audit_usable(void) {
    _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);
    return fd >= 0;
}

static int test_security(context ctx, const char *parameter) {
    static const struct {
        const char *name, *path;
    } marks[] = {
        { "selinux", "/sys/fs/selinux/enforce" },
        { "smack", "/sys/fs/smackfs/cipso" },
        { "tomoyo", "/sys/kernel/security/tomoyo/version" },
        { "ima", "/sys/kernel/security/ima" },
        { "tpm2", "/sys/class/tpmrm/tpmrm0" },
    };
    for (size_t i = 0; i < ELEMENTS(marks); i++)
        if (strcmp(parameter, marks[i].name) == 0)
            return access(marks[i].path, F_OK) >= 0;
    if (strcmp(parameter, "audit") == 0)
        return audit_usable();
    _cleanup_free_ char *data = NULL;
    size_t size;
    if (strcmp(parameter, "apparmor") == 0)
        return file_read("/sys/module/apparmor/parameters/enabled", 4096, &data, NULL) >= 0 && data[0] == 'Y';
    if (strcmp(parameter, "uefi-secureboot") == 0)
        return file_read("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", 4096,
                         &data, &size) >= 0 &&
               size == 5 && data[4] == 1;
    return 0; /* cvm, measured-uki, and what does not exist yet */
}

static int test_capability(context ctx, const char *parameter) {
    int capability;
    if (capability_from_string(parameter, &capability) < 0)
        return -EINVAL;
    return prctl(PR_CAPBSET_READ, capability) == 1;
}

static int test_ac_power(context ctx, const char *parameter) {
    int wanted = bool_parse(parameter);
    if (wanted < 0)
        return wanted;
    bool mains = false, online = false, battery = false;
    DIR *d = opendir("/sys/class/power_supply");
    for (struct dirent *e; d && (e = readdir(d));) {
        _cleanup_text_ struct text path = {};
        _cleanup_free_ char *type = NULL, *state = NULL;
        text_addf(&path, "/sys/class/power_supply/%s/type", e->d_name);
        if (e->d_name[0] == '.' || file_read(text_str(&path), 4096, &type, NULL) < 0)
            continue;
        if (strncmp(type, "Battery", 7) == 0)
            battery = true;
        else if (strncmp(type, "Mains", 5) == 0) {
            text_clear(&path);
            text_addf(&path, "/sys/class/power_supply/%s/online", e->d_name);
            mains = true;
            if (file_read(text_str(&path), 4096, &state, NULL) >= 0 && state[0] == '1')
                online = true;
        }
    }
    if (d)
        closedir(d);
    /* Nothing that says otherwise: a plug. */
    bool plugged = online || (!mains && !battery);
    return plugged == (bool)wanted;
}

static int test_cpu_feature(context ctx, const char *parameter) {
    _cleanup_free_ char *data = NULL;
    int r = file_read("/proc/cpuinfo", CPUINFO_MAX, &data, NULL);
    if (r < 0)
        return r;
    char *flags = strstr(data, "\nflags");
    if (!flags)
        flags = strstr(data, "\nFeatures");
    if (!flags)
        return 0;
    flags++;
    flags[strcspn(flags, "\n")] = 0;
    flags += strcspn(flags, ":");
    _cleanup_strv_ char **words = strv_split(flags, ": \t");
    if (!words)
        return -ENOMEM;
    STRV_FOREACH(word, words)
        if (strcasecmp(*word, parameter) == 0)
            return 1;
    return 0;
}

/* --- the manager ---------------------------------------------------------------------------------------- */

static int test_environment(context ctx, const char *parameter) {
    return strchr(parameter, '=') ? strv_contains(ctx->environment, parameter)
                                  : env_get(ctx->environment, parameter) != NULL;
}

static int test_user(context ctx, const char *parameter) {
    if (strcmp(parameter, "@system") == 0)
        return getuid() <= SYSTEM_UID_MAX || geteuid() <= SYSTEM_UID_MAX;
    _cleanup_user_ struct user_record user = {};
    uid_t uid;
    if (uid_parse(parameter, &uid) < 0) {
        if (strcmp(parameter, "root") == 0)
            uid = 0;
        else if (user_lookup(parameter, &user) < 0)
            return 0;
        else
            uid = user.uid;
    }
    return uid == getuid() || uid == geteuid();
}

static int test_group(context ctx, const char *parameter) {
    gid_t gid, groups[256];
    if (uid_parse(parameter, &gid) < 0 && group_lookup(parameter, &gid) < 0)
        return 0;
    if (gid == getgid() || gid == getegid())
        return 1;
    int n = getgroups(ELEMENTS(groups), groups);
    for (int i = 0; i < n; i++)
        if (groups[i] == gid)
            return 1;
    return 0;
}

/* Those of either version of the hierarchy; a name that is none of them is not looked at, as systemd does not. */
static const struct {
    const char *name;
    bool in_v1, in_v2;
} controllers[] = {
    { "cpu", true, true },    { "cpuacct", true, false }, { "cpuset", false, true },   { "io", false, true },
    { "blkio", true, false }, { "memory", true, true },   { "devices", true, false }, { "pids", true, true },
};

static int test_control_group_controller(context ctx, const char *parameter) {
    bool unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) >= 0;
    if (strcmp(parameter, "v2") == 0)
        return unified;
    if (strcmp(parameter, "v1") == 0)
        return !unified && access("/sys/fs/cgroup", F_OK) >= 0;
    _cleanup_free_ char *data = NULL;
    if (unified && file_read("/sys/fs/cgroup/cgroup.controllers", SMALL_FILE_MAX, &data, NULL) < 0)
        return 0;
    _cleanup_strv_ char **have = strv_split(data ? data : "", " \n"), **want = strv_split(parameter, " \t");
    if (!have || !want)
        return -ENOMEM;
    for (size_t i = 0; i < ELEMENTS(controllers); i++) {
        if (!strv_contains(want, controllers[i].name))
            continue;
        _cleanup_free_ char *mount = path_join("/sys/fs/cgroup", controllers[i].name);
        if (unified ? !controllers[i].in_v2 || !strv_contains(have, controllers[i].name)
                    : !controllers[i].in_v1 || !mount || access(mount, F_OK) < 0)
            return 0;
    }
    return 1;
}

static int test_kernel_version_of(context ctx, const char *parameter) {
    return test_kernel_version(parameter);
}
static int test_version_of(context ctx, const char *parameter) {
    return test_version(parameter);
}
static int test_os_release_of(context ctx, const char *parameter) {
    return test_os_release(parameter);
}
static int test_memory_of(context ctx, const char *parameter) {
    return test_memory(parameter);
}
static int test_cpus_of(context ctx, const char *parameter) {
    return test_cpus(parameter);
}
static int test_memory_pressure(context ctx, const char *parameter) {
    return test_pressure(CONDITION_MEMORY_PRESSURE, parameter);
}
static int test_cpu_pressure(context ctx, const char *parameter) {
    return test_pressure(CONDITION_CPU_PRESSURE, parameter);
}
static int test_io_pressure(context ctx, const char *parameter) {
    return test_pressure(CONDITION_IO_PRESSURE, parameter);
}

/* --- the table and the rule ----------------------------------------------------------------------------- */

static int (*const tests[CONDITION_KINDS])(context ctx, const char *parameter) = {
    [CONDITION_PATH_EXISTS] = test_path_exists,
    [CONDITION_PATH_EXISTS_GLOB] = test_path_exists_glob,
    [CONDITION_PATH_IS_DIRECTORY] = test_path_is_directory,
    [CONDITION_PATH_IS_SYMBOLIC_LINK] = test_path_is_symbolic_link,
    [CONDITION_PATH_IS_MOUNT_POINT] = test_path_is_mount_point,
    [CONDITION_PATH_IS_READ_WRITE] = test_path_is_read_write,
    [CONDITION_PATH_IS_ENCRYPTED] = test_path_is_encrypted,
    [CONDITION_DIRECTORY_NOT_EMPTY] = test_directory_not_empty,
    [CONDITION_FILE_NOT_EMPTY] = test_file_not_empty,
    [CONDITION_FILE_IS_EXECUTABLE] = test_file_is_executable,
    [CONDITION_NEEDS_UPDATE] = test_needs_update,
    [CONDITION_FIRST_BOOT] = test_first_boot,
    [CONDITION_ARCHITECTURE] = test_architecture,
    [CONDITION_FIRMWARE] = test_firmware,
    [CONDITION_VIRTUALIZATION] = test_virtualization,
    [CONDITION_HOST] = test_host,
    [CONDITION_KERNEL_COMMAND_LINE] = test_kernel_command_line,
    [CONDITION_KERNEL_VERSION] = test_kernel_version_of,
    [CONDITION_VERSION] = test_version_of,
    [CONDITION_CREDENTIAL] = test_credential,
    [CONDITION_SECURITY] = test_security,
    [CONDITION_CAPABILITY] = test_capability,
    [CONDITION_AC_POWER] = test_ac_power,
    [CONDITION_MEMORY] = test_memory_of,
    [CONDITION_CPU_FEATURE] = test_cpu_feature,
    [CONDITION_CPUS] = test_cpus_of,
    [CONDITION_ENVIRONMENT] = test_environment,
    [CONDITION_USER] = test_user,
    [CONDITION_GROUP] = test_group,
    [CONDITION_CONTROL_GROUP_CONTROLLER] = test_control_group_controller,
    [CONDITION_OS_RELEASE] = test_os_release_of,
    [CONDITION_MEMORY_PRESSURE] = test_memory_pressure,
    [CONDITION_CPU_PRESSURE] = test_cpu_pressure,
    [CONDITION_IO_PRESSURE] = test_io_pressure,
};

void condition_context_init(struct condition_context *ctx, const struct manager_dirs *dirs,
                            char *const *environment) {
    *ctx = (struct condition_context){ .dirs = dirs, .environment = environment };
    ctx->virtualization = virtualization_detect(environment, &ctx->virtualization_vm);
}

int condition_test(const struct condition *condition, const struct condition_context *ctx) {
    if (condition->kind < 0 || condition->kind >= CONDITION_KINDS || !tests[condition->kind] ||
        !condition->parameter)
        return -EOPNOTSUPP;
    int r = tests[condition->kind](ctx, condition->parameter);
    return r < 0 ? r : (r > 0) != condition->negate;
}

bool conditions_pass(const struct condition_list *list, const struct condition_context *ctx,
                     void (*failed)(void *userdata, const struct condition *condition), void *userdata,
                     int *results) {
    bool triggers = false, triggered = false;
    for (size_t i = 0; results && list && i < list->n; i++)
        results[i] = 0;
    for (size_t i = 0; list && i < list->n; i++) {
        const struct condition *condition = &list->items[i];
        int r = condition_test(condition, ctx);
        if (r < 0)
            log_debug("%s%s=%s cannot be told: %s", condition->assert ? "Assert" : "Condition",
                      condition_kind_to_string(condition->kind), condition->parameter, strerror(-r));
        if (results)
            results[i] = r > 0 ? 1 : -1;
        if (condition->trigger) {
            triggers = true;
            triggered = triggered || r > 0;
        } else if (r <= 0) {
            if (failed)
                failed(userdata, condition);
            return false;
        }
    }
    if (triggers && !triggered) {
        if (failed)
            failed(userdata, NULL);
        return false;
    }
    return true;
}

void condition_describe(const struct condition *condition, struct text *out) {
    text_addf(out, "%s%s=%s%s%s", condition->assert ? "Assert" : "Condition",
              condition_kind_to_string(condition->kind), condition->trigger ? "|" : "",
              condition->negate ? "!" : "", condition->parameter);
}
