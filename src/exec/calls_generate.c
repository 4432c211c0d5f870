/* SPDX-License-Identifier: Apache-2.0 */
/* calls_generate ARCHITECTURE: run while building, writes exec/calls_table.c: the names and numbers of the calls
 * that the kernel of that architecture takes, also from programs of its sister architectures. libseccomp knows
 * them; the manager has the table and not the library. */
#include "exec/calls.h"

#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#define NAMES_MAX 1024

static const struct {
    const char *cpu; /* as meson calls it */
    uint32_t architectures[CALLS_ARCHITECTURES];
} families[] = {
    { "x86_64", { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 } },
    { "x86", { SCMP_ARCH_X86 } },
    { "aarch64", { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM } },
    { "arm", { SCMP_ARCH_ARM } },
    { "s390x", { SCMP_ARCH_S390X, SCMP_ARCH_S390 } },
    { "ppc64", { SCMP_ARCH_PPC64, SCMP_ARCH_PPC } },
    { "ppc64le", { SCMP_ARCH_PPC64LE } },
    { "mips64", { SCMP_ARCH_MIPS64 } },
    { "mips64el", { SCMP_ARCH_MIPSEL64 } },
    { "riscv64", { SCMP_ARCH_RISCV64 } },
};

static char *names[NAMES_MAX];
static size_t n_names;

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void collect(uint32_t architecture) {
    for (uint32_t i = 0; i < CALL_MAX; i++) {
        char *name = seccomp_syscall_resolve_num_arch(architecture, (int)(call_first_number(architecture) + i));
        for (size_t k = 0; name && k < n_names; k++)
            if (strcmp(names[k], name) == 0) {
                free(name);
                name = NULL;
            }
        if (name && n_names < NAMES_MAX)
            names[n_names++] = name;
    }
}

static int number(uint32_t architecture, const char *name) {
    int n = architecture ? seccomp_syscall_resolve_name_arch(architecture, name) : -1;
    if (n < 0)
        return -1; /* one it does not have by a number of its own */
    uint32_t i = (uint32_t)n - call_first_number(architecture);
    return i < CALL_MAX ? (int)i : -1;
}

int main(int argc, char **argv) {
    const uint32_t *architectures = NULL;
    for (size_t i = 0; argc == 2 && i < ELEMENTS(families); i++)
        if (strcmp(argv[1], families[i].cpu) == 0)
            architectures = families[i].architectures;
    if (!architectures) {
        fprintf(stderr, "usage: calls_generate ARCHITECTURE\n");
        return 2;
    }
    for (size_t a = 0; a < CALLS_ARCHITECTURES && architectures[a]; a++)
        collect(architectures[a]);
    qsort(names, n_names, sizeof(names[0]), compare);
    printf("/* Made by calls_generate. */\n#include \"exec/calls.h\"\n\n"
           "const uint32_t calls_architectures[CALLS_ARCHITECTURES] = {");
    for (size_t a = 0; a < CALLS_ARCHITECTURES; a++)
        printf(" %#x,", architectures[a]);
    printf(" };\nconst char calls_names[] =\n");
    for (size_t i = 0; i < n_names; i++)
        printf("    \"%s\\0\"\n", names[i]);
    printf("    ;\nconst size_t calls_n = %zu;\nconst struct call calls_table[] = {\n", n_names);
    for (size_t i = 0, at = 0; i < n_names; at += strlen(names[i]) + 1, i++) {
        printf("    { %zu, {", at);
        for (size_t a = 0; a < CALLS_ARCHITECTURES; a++)
            printf(" %d,", number(architectures[a], names[i]));
        printf(" } },\n");
    }
    printf("};\n");
    return 0;
}
