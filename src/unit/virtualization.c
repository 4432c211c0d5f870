/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of container or machine this is, by the marks that engines leave. Named as systemd-detect-virt
 * does. */
#include "base/fd.h"
#include "base/strv.h"
#include "unit/condition.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SMALL_FILE_MAX ((size_t)64 << 10)
/* The inode of the first PID namespace: fixed in the kernel. */
#define INITIAL_PID_NAMESPACE "pid:[4026531836]"

static const char *const containers[] = { "docker", "podman", "lxc",   "lxc-libvirt", "systemd-nspawn",
                                          "rkt",    "wsl",    "proot", "pouch",       "openvz" };

static const struct {
    const char *vendor, *name;
} machines[] = {
    { "KVM", "kvm" },
    { "OpenStack", "kvm" },
    { "KubeVirt", "kvm" },
    { "Amazon EC2", "amazon" },
    { "QEMU", "qemu" },
    { "VMware", "vmware" },
    { "VMW", "vmware" },
    { "innotek GmbH", "oracle" },
    { "VirtualBox", "oracle" },
    { "Xen", "xen" },
    { "Bochs", "bochs" },
    { "Parallels", "parallels" },
    { "BHYVE", "bhyve" },
    { "Hyper-V", "microsoft" },
    { "Apple Virtualization", "apple" },
    { "Google Compute Engine", "google" },
};

static const char *container_name(const char *s) {
    for (size_t i = 0; i < ELEMENTS(containers); i++)
        if (strcmp(s, containers[i]) == 0)
            return containers[i];
    return "container-other";
}

/* The first line of a small file. */
static char *first_line(const char *path) {
    char *data = NULL;
    if (file_read(path, SMALL_FILE_MAX, &data, NULL) < 0)
        return NULL;
    data[strcspn(data, "\n")] = 0;
    return data;
}

/* $container of PID 1, where its environment may be read. */
static char *container_of_init(void) {
    _cleanup_free_ char *data = NULL;
    size_t size;
    if (file_read("/proc/1/environ", (size_t)1 << 20, &data, &size) < 0)
        return NULL;
    for (size_t i = 0; i < size; i += strlen(data + i) + 1)
        if (strncmp(data + i, "container=", 10) == 0)
            return strdup(data + i + 10);
    return NULL;
}

static const char *detect_container(char *const *environment) {
    _cleanup_free_ char *release = first_line("/proc/sys/kernel/osrelease");
    _cleanup_free_ char *manager = first_line("/run/host/container-manager");
    _cleanup_free_ char *saved = NULL, *of_init = NULL;
    if (access("/proc/vz", F_OK) >= 0 && access("/proc/bc", F_OK) < 0)
        return "openvz";
    if (release && (strstr(release, "Microsoft") || strstr(release, "WSL")))
        return "wsl";
    const char *name = manager;
    if (!name || !name[0])
        name = environment ? env_get(environment, "container") : (of_init = container_of_init());
    if (!name || !name[0])
        name = saved = first_line("/run/systemd/container");
    /* "oci" says only that somebody follows the specification; the files know more. */
    if (name && name[0] && strcmp(name, "oci") != 0)
        return container_name(name);
    if (access("/run/.containerenv", F_OK) >= 0)
        return "podman";
    if (access("/.dockerenv", F_OK) >= 0)
        return "docker";
    if (name && name[0])
        return "container-other";
    char space[64];
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);
    if (n > 0) {
        space[n] = 0;
        if (strcmp(space, INITIAL_PID_NAMESPACE) != 0)
            return "container-other";
    }
    return NULL;
}

static const char *detect_machine(void) {
    static const char *const files[] = { "/sys/class/dmi/id/product_name", "/sys/class/dmi/id/sys_vendor",
                                         "/sys/class/dmi/id/board_vendor", "/sys/class/dmi/id/bios_vendor",
                                         "/sys/class/dmi/id/product_version" };
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        _cleanup_free_ char *vendor = first_line(files[i]);
        for (size_t j = 0; vendor && j < ELEMENTS(machines); j++)
            if (strncmp(vendor, machines[j].vendor, strlen(machines[j].vendor)) == 0)
                return machines[j].name;
    }
    _cleanup_free_ char *cpu = NULL;
    if (file_read("/proc/cpuinfo", (size_t)4 << 20, &cpu, NULL) >= 0 && strstr(cpu, " hypervisor"))
        return "vm-other";
    return NULL;
}

const char *virtualization_detect(char *const *environment, bool *ret_vm) {
    const char *name = detect_container(environment);
    bool vm = false;
    if (!name && (name = detect_machine()))
        vm = true;
    if (ret_vm)
        *ret_vm = vm;
    return name ? name : "none";
}
