/* SPDX-License-Identifier: Apache-2.0 */
/* What boot.h says about the file system: which container this is, where runtime files go, what is left of an
 * earlier run, the machine id. */
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/strv.h"
#include "engine/boot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A tree deeper than this is left alone: it is not an earlier run's. */
#define DEPTH_MAX 32
#define MOUNTINFO_MAX (16 * 1024 * 1024)
/* The inode of the first PID namespace's file, fixed by the kernel. */
#define FIRST_PID_NAMESPACE 0xEFFFFFFCu

/* --- which container --- */
/* Names that systemd-detect-virt(1) knows. */
static const char *const known_containers[] = {
    "docker", "podman", "lxc", "lxc-libvirt", "systemd-nspawn", "rkt", "wsl", "proot", "pouch", "openvz",
};

static const char *known_container(const char *name) {
    for (size_t i = 0; i < ELEMENTS(known_containers); i++)
        if (strcmp(name, known_containers[i]) == 0)
            return known_containers[i];
    /* "oci" leaves it open which. */
    return "container-other";
}

static bool exists(const char *root, const char *path) {
    char full[4096];
    snprintf(full, sizeof(full), "%s%s", root, path);
    return access(full, F_OK) >= 0;
}

const char *boot_detect_container(const char *root, char *const *environment) {
    const char *told = env_get(environment, "container");
    if (told && told[0] && strcmp(told, "oci") != 0)
        return known_container(told);
    char path[4096];
    _cleanup_free_ char *manager = NULL;
    snprintf(path, sizeof(path), "%s/run/host/container-manager", root);
    if (file_read(path, 256, &manager, NULL) >= 0) {
        manager[strcspn(manager, "\n")] = 0;
        return known_container(manager);
    }
    if (exists(root, "/run/.containerenv"))
        return "podman";
    if (exists(root, "/.dockerenv"))
        return "docker";
    if (told && told[0])
        return known_container(told);
    struct stat st;
    snprintf(path, sizeof(path), "%s/proc/self/ns/pid", root);
    if (env_get(environment, "KUBERNETES_SERVICE_HOST") ||
        (stat(path, &st) >= 0 && st.st_ino != FIRST_PID_NAMESPACE))
        return "container-other";
    return NULL;
}

/* --- where runtime files go --- */
/* A directory of ours alone in one that everybody may write to. */
static char *private_directory(const char *parent) {
    char path[4096];
    struct stat st;
    snprintf(path, sizeof(path), "%s/reeve-%u", parent, (unsigned)geteuid());
    if ((mkdir(path, 0700) >= 0 || errno == EEXIST) && lstat(path, &st) >= 0 && S_ISDIR(st.st_mode) &&
        st.st_uid == geteuid() && (st.st_mode & 0077) == 0 && access(path, W_OK) >= 0)
        return strdup(path);
    snprintf(path, sizeof(path), "%s/reeve-XXXXXX", parent);
    return mkdtemp(path) ? strdup(path) : NULL;
}

/* Can we make systemd/… in it? */
static bool usable(const char *directory) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/systemd", directory);
    if (mkdir(path, 0755) >= 0)
        return true;
    return errno == EEXIST && faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) >= 0;
}

char *boot_find_runtime(char *const *environment, enum boot_flags flags) {
    if (!(flags & BOOT_USER)) {
        if (mkdir("/run", 0755) < 0 && errno != EEXIST)
            log_debug("/run cannot be made: %s", strerror(errno));
        if (usable("/run"))
            return strdup("/run");
    }
    const char *given = env_get(environment, "XDG_RUNTIME_DIR");
    if (given && path_is_absolute(given) && usable(given)) {
        char *copy = strdup(given);
        return copy ? path_simplify(copy) : NULL;
    }
    static const char *const shared[] = { "/tmp", "/dev/shm" };
    for (size_t i = 0; i < ELEMENTS(shared); i++) {
        char *found = private_directory(shared[i]);
        if (found) {
            if (!(flags & BOOT_USER))
                log_warning(
                    "/run cannot be written to: runtime files go to %s, where systemctl does not look.",
                    found);
            return found;
        }
    }
    /* Nothing can be written: every use of it will say so. */
    return strdup("/run");
}

/* --- what an earlier run left --- */
struct cleaning {
    char **mounts; /* mount points, below runtime or not */
    bool look;     /* remove nothing, look for life */
    bool alive;
    int removed;
    usec_t before; /* only what has not changed since; 0: everything */
};

/* \040 and its kin, in place. */
static void unescape_mount_point(char *s) {
    char *out = s;
    for (; *s; s++) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
            s[3] <= '7') {
            *out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 3;
        } else
            *out++ = *s;
    }
    *out = 0;
}

/* The fifth field of each line. -ENOENT without /proc. */
static int read_mounts(char ***ret) {
    _cleanup_free_ char *data = NULL;
    int r = file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &data, NULL);
    if (r < 0)
        return r;
    _cleanup_strv_ char **mounts = NULL;
    char *rest = data;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *field = NULL;
        for (int i = 0; i < 5; i++)
            field = strsep(&line, " ");
        if (!field)
            continue;
        unescape_mount_point(field);
        if (strv_add(&mounts, field) < 0)
            return -ENOMEM;
    }
    *ret = TAKE(mounts);
    return 0;
}

static bool kept_at_top(const char *name) {
    return strcmp(name, ".containerenv") == 0 || strcmp(name, "host") == 0 || strcmp(name, "secrets") == 0;
}

/* Does somebody live behind this socket? A stale one refuses. */
static bool answers(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path))
        return false;
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        _cleanup_close_ int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) >= 0)
            return true;
        if (errno == EAGAIN) /* its queue is full */
            return true;
        if (errno != EPROTOTYPE)
            return false;
    }
    return false;
}

/* Empties the open directory `fd` (closed here), which is `path`. `all`: directories and symlinks too. */
static void clean_directory(struct cleaning *c, int fd, const char *path, dev_t device, bool all, bool top,
                            int depth) {
    DIR *directory = fdopendir(fd);
    if (!directory) {
        fd_close(fd);
        return;
    }
    for (struct dirent *d; depth < DEPTH_MAX && (d = readdir(directory));) {
        char child[4096];
        struct stat st;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 || (top && kept_at_top(d->d_name)) ||
            snprintf(child, sizeof(child), "%s/%s", path, d->d_name) >= (int)sizeof(child) ||
            fstatat(dirfd(directory), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            strv_contains(c->mounts, child))
            continue;
        usec_t changed = (usec_t)st.st_ctim.tv_sec * USEC_PER_SEC + (usec_t)st.st_ctim.tv_nsec / 1000;
        if (c->before > 0 && changed >= c->before && !S_ISDIR(st.st_mode))
            continue;
        /* Files of an overlay may have the device of the layer they are in. */
        if (S_ISDIR(st.st_mode) && st.st_dev != device)
            continue;
        if (c->look && S_ISSOCK(st.st_mode) && answers(child)) {
            log_warning("What an earlier run may have left stays: somebody answers at %s.", child);
            c->alive = true;
            break;
        }
        if (!S_ISDIR(st.st_mode)) {
            if (!c->look && (all || !S_ISLNK(st.st_mode)) && unlinkat(dirfd(directory), d->d_name, 0) >= 0)
                c->removed++;
            continue;
        }
        bool below = all || (top && strcmp(d->d_name, "systemd") == 0);
        int sub = openat(dirfd(directory), d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub < 0)
            continue;
        clean_directory(c, sub, child, device, below, false, depth + 1);
        if (c->alive)
            break;
        if (!c->look && below && unlinkat(dirfd(directory), d->d_name, AT_REMOVEDIR) >= 0)
            c->removed++;
    }
    closedir(directory);
}

static int clean_runtime(const char *runtime, usec_t before) {
    _cleanup_strv_ char **mounts = NULL;
    /* A symlink such as /run -> /var/run is followed here, and nowhere below. */
    _cleanup_free_ char *path = realpath(runtime, NULL);
    struct stat st;
    int r = path ? read_mounts(&mounts) : -errno;
    if (r < 0) {
        /* Not knowing what is mounted, nothing is removed. */
        log_warning("%s is not cleaned: %s", runtime, strerror(-r));
        return 0;
    }
    struct cleaning c = { .mounts = mounts, .look = true, .before = before };
    bool volume = strv_contains(mounts, path);
    _cleanup_free_ char *target = volume ? path_join(path, "systemd") : strdup(path);
    if (!target || strv_contains(mounts, volume ? target : ""))
        return 0;
    for (;; c.look = false) {
        int fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (volume ? O_NOFOLLOW : 0));
        if (fd < 0)
            return c.removed;
        if (fstat(fd, &st) < 0) {
            fd_close(fd);
            return c.removed;
        }
        clean_directory(&c, fd, target, st.st_dev, volume, !volume, 0);
        if (c.alive || !c.look)
            return c.removed;
    }
}

int boot_clean_runtime(const char *runtime) {
    return clean_runtime(runtime, 0);
}

int boot_clean_earlier(const char *runtime) {
    usec_t began = process_began(1);
    return began > 0 ? clean_runtime(runtime, began) : 0;
}

/* RUNTIME/NAME with all that is in it, but for mounts. */
static void remove_below(struct cleaning *c, const char *runtime, const char *name) {
    char path[4096];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", runtime, name);
    int fd = strv_contains(c->mounts, path) ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) < 0)
        fd_close(fd);
    else
        clean_directory(c, fd, path, st.st_dev, true, false, 0);
    (void)rmdir(path);
}

void boot_remove_runtime(const char *runtime) {
    static const char *const parts[] = { "log/journal", "systemd" };
    _cleanup_strv_ char **mounts = NULL;
    _cleanup_free_ char *path = realpath(runtime, NULL), *id = path_join(path, "machine-id"),
                       *links_to = path_join(runtime, "systemd/journal/dev-log");
    char target[4096];
    if (!path || !id || !links_to || read_mounts(&mounts) < 0)
        return;
    ssize_t n = readlink("/dev/log", target, sizeof(target) - 1);
    if (n > 0 && (target[n] = 0, strcmp(target, links_to) == 0))
        (void)unlink("/dev/log");
    struct cleaning c = { .mounts = mounts };
    for (size_t i = 0; i < ELEMENTS(parts); i++)
        remove_below(&c, path, parts[i]);
    (void)unlink(id);
    if (strcmp(path, "/run") != 0) {
        remove_below(&c, path, "lock");
        remove_below(&c, path, "log");
        (void)rmdir(path);
    }
}

/* --- machine id --- */
static int read_id(const char *path, struct id128 *ret) {
    _cleanup_free_ char *data = NULL;
    int r = file_read(path, 256, &data, NULL);
    if (r < 0)
        return r;
    data[strcspn(data, "\n")] = 0;
    struct id128 id;
    r = id128_from_string(data, &id);
    if (r < 0 || id128_is_null(id))
        return -EINVAL;
    *ret = id;
    return 0;
}

/* A file that is a mount cannot be replaced, but perhaps written. */
static int write_id(const char *path, struct id128 id) {
    char text[34];
    id128_to_string(id, text);
    text[32] = '\n';
    text[33] = 0;
    int r = file_write(path, text, 0444);
    if (r >= 0)
        return 0;
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return r;
    return ftruncate(fd, 0) < 0 ? -errno : write_all(fd, text, 33);
}

int boot_machine_id(const char *root, const char *runtime, char *const *environment, struct id128 *ret,
                    bool *ret_transient) {
    char path[4096], dbus_path[4096], runtime_path[4096];
    struct id128 id;
    bool keep = root;
    root = root ? root : "";
    snprintf(path, sizeof(path), "%s/etc/machine-id", root);
    snprintf(dbus_path, sizeof(dbus_path), "%s/var/lib/dbus/machine-id", root);
    snprintf(runtime_path, sizeof(runtime_path), "%s/machine-id", runtime);
    if (read_id(path, &id) >= 0) {
        *ret = id;
        *ret_transient = false;
        return 0;
    }
    const char *given = env_get(environment, "container_uuid");
    if (read_id(runtime_path, &id) < 0 &&
        (!given || id128_from_string(given, &id) < 0 || id128_is_null(id)) && read_id(dbus_path, &id) < 0) {
        int r = id128_random(&id);
        if (r < 0)
            return r;
    }
    *ret_transient = !keep || write_id(path, id) < 0;
    if (*ret_transient)
        (void)write_id(runtime_path, id);
    *ret = id;
    return 0;
}
