/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/filter.h"

#include "base/fd.h"
#include "base/strv.h"
#include "base/text.h"
#include "exec/syscall_groups.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Distinct settings in one container: a handful. */
#define CACHE_MAX 64
/* No architecture's table is longer, arguments of old multiplexed calls aside. */
#define CALL_MAX 1024
#define GROUP_DEPTH 4

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static void filter_release(scmp_filter_ctx *context) {
    if (*context)
        seccomp_release(*context);
}
#define _cleanup_filter_ _cleanup_(filter_release)

/* The other instruction sets that a kernel of ours also runs. */
static const struct {
    uint32_t native, others[2];
} families_of[] = {
    { SCMP_ARCH_X86_64, { SCMP_ARCH_X86, SCMP_ARCH_X32 } },
    { SCMP_ARCH_AARCH64, { SCMP_ARCH_ARM } },
    { SCMP_ARCH_S390X, { SCMP_ARCH_S390 } },
    { SCMP_ARCH_PPC64, { SCMP_ARCH_PPC } },
};

/* Native: exact rules can be had for one architecture only. Listed: SystemCallArchitectures= names them. */
enum reach { REACH_ALL, REACH_NATIVE, REACH_LISTED };

static int filter_new(uint32_t action, enum reach reach, scmp_filter_ctx *ret) {
    _cleanup_filter_ scmp_filter_ctx context = seccomp_init(action);
    if (!context)
        return -ENOMEM;
    /* Foreign calls are let through here: SystemCallArchitectures= is what keeps them out. NoNewPrivileges is the plan's. */
    int r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
    if (r >= 0)
        r = seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0);
    for (size_t i = 0; r >= 0 && reach == REACH_ALL && i < ELEMENTS(families_of); i++)
        for (size_t j = 0; families_of[i].native == seccomp_arch_native() && j < ELEMENTS(families_of[i].others); j++)
            if (families_of[i].others[j])
                seccomp_arch_add(context, families_of[i].others[j]);
    if (r < 0)
        return r;
    *ret = TAKE(context);
    return 0;
}

/* A call that does not exist somewhere is no error. */
static void deny(scmp_filter_ctx context, int error, const char *name) {
    int nr = seccomp_syscall_resolve_name(name);
    if (nr != __NR_SCMP_ERROR)
        seccomp_rule_add(context, SCMP_ACT_ERRNO(error), nr, 0);
}

static void deny_if(scmp_filter_ctx context, int error, const char *name, struct scmp_arg_cmp compare) {
    int nr = seccomp_syscall_resolve_name(name);
    if (nr != __NR_SCMP_ERROR)
        seccomp_rule_add(context, SCMP_ACT_ERRNO(error), nr, 1, compare);
}

/* For calls that 32-bit x86 passes through one shared number: exactly this rule, or none there. */
static void deny_if_native(scmp_filter_ctx context, int error, const char *name, struct scmp_arg_cmp compare) {
    int nr = seccomp_syscall_resolve_name(name);
    if (nr != __NR_SCMP_ERROR)
        seccomp_rule_add_exact(context, SCMP_ACT_ERRNO(error), nr, 1, compare);
}

static void deny_if_both(scmp_filter_ctx context, int error, const char *name, struct scmp_arg_cmp a,
                         struct scmp_arg_cmp b) {
    int nr = seccomp_syscall_resolve_name(name);
    if (nr != __NR_SCMP_ERROR)
        seccomp_rule_add(context, SCMP_ACT_ERRNO(error), nr, 2, a, b);
}

static const struct syscall_group *group_find(const char *name) {
    for (const struct syscall_group *g = syscall_groups; g->name; g++)
        if (strcmp(g->name, name) == 0)
            return g;
    return NULL;
}

typedef int (*call_visitor)(void *userdata, const char *name);

/* Every call of a word: itself, or the members of a group. Unknown names are skipped: another kernel knows them. */
static int each_call(const char *word, int depth, call_visitor visit, void *userdata) {
    if (word[0] != '@')
        return visit(userdata, word);
    const struct syscall_group *group = group_find(word);
    if (!group || depth > GROUP_DEPTH)
        return 0;
    char name[64];
    for (const char *p = group->members; *p;) {
        size_t n = strcspn(p, " ");
        if (n < sizeof(name)) {
            memcpy(name, p, n);
            name[n] = 0;
            int r = each_call(name, depth + 1, visit, userdata);
            if (r < 0)
                return r;
        }
        p += n + (p[n] == ' ');
    }
    return 0;
}

struct deny_visit {
    scmp_filter_ctx context;
    int error;
};

static int visit_deny(void *userdata, const char *name) {
    struct deny_visit *v = userdata;
    deny(v->context, v->error, name);
    return 0;
}

static void deny_group(scmp_filter_ctx context, int error, const char *group) {
    struct deny_visit visit = { context, error };
    each_call(group, 0, visit_deny, &visit);
}

/* --- the restrictions: everything is allowed but … ------------------------------------------------------------------ */

static void restrict_realtime(scmp_filter_ctx context) {
    /* Policies beyond the ordinary ones, and by the call whose argument a filter cannot see, none. */
    static const int allowed[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE };
    int highest = 0;
    for (size_t i = 0; i < ELEMENTS(allowed); i++)
        highest = MAX(highest, allowed[i]);
    for (int policy = 0; policy < highest; policy++) {
        bool good = false;
        for (size_t i = 0; i < ELEMENTS(allowed); i++)
            good |= allowed[i] == policy;
        if (!good)
            deny_if(context, EPERM, "sched_setscheduler", SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)policy));
    }
    deny_if(context, EPERM, "sched_setscheduler", SCMP_A1(SCMP_CMP_GT, (scmp_datum_t)highest));
    deny(context, EPERM, "sched_setattr");
}

static void restrict_suid_sgid(scmp_filter_ctx context) {
    static const mode_t bits[] = { S_ISUID, S_ISGID };
    static const struct {
        const char *name;
        int mode, flags; /* argument numbers; flags: only with O_CREAT or O_TMPFILE, -1: always */
    } calls[] = {
        { "chmod", 1, -1 },   { "fchmod", 1, -1 },  { "fchmodat", 2, -1 }, { "fchmodat2", 2, -1 }, { "mkdir", 1, -1 },
        { "mkdirat", 2, -1 }, { "mknod", 1, -1 },   { "mknodat", 2, -1 },  { "open", 2, 1 },       { "openat", 3, 2 },
        { "creat", 1, -1 },
    };
    for (size_t b = 0; b < ELEMENTS(bits); b++)
        for (size_t i = 0; i < ELEMENTS(calls); i++) {
            struct scmp_arg_cmp mode = SCMP_CMP((unsigned)calls[i].mode, SCMP_CMP_MASKED_EQ, bits[b], bits[b]);
            if (calls[i].flags < 0) {
                deny_if(context, EPERM, calls[i].name, mode);
                continue;
            }
            deny_if_both(context, EPERM, calls[i].name, mode,
                         SCMP_CMP((unsigned)calls[i].flags, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT));
            deny_if_both(context, EPERM, calls[i].name, mode,
                         SCMP_CMP((unsigned)calls[i].flags, SCMP_CMP_MASKED_EQ, O_TMPFILE, O_TMPFILE));
        }
    /* Its arguments are behind a pointer: callers fall back to openat(). */
    deny(context, ENOSYS, "openat2");
}

static void deny_write_execute(scmp_filter_ctx context) {
    static const char *const maps[] = { "mmap", "mmap2" };
    for (size_t i = 0; i < ELEMENTS(maps); i++)
        deny_if_native(context, EPERM, maps[i],
                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE));
    deny_if_native(context, EPERM, "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    deny_if_native(context, EPERM, "pkey_mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    deny_if_native(context, EPERM, "shmat", SCMP_A2(SCMP_CMP_MASKED_EQ, SHM_EXEC, SHM_EXEC));
}

static void restrict_namespaces(scmp_filter_ctx context, uint64_t allowed) {
    static const uint64_t flags[] = { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS,
                                      CLONE_NEWPID,    CLONE_NEWUSER, CLONE_NEWUTS, CLONE_NEWTIME };
    bool none = true;
    for (size_t i = 0; i < ELEMENTS(flags); i++) {
        if (allowed & flags[i]) {
            none = false;
            continue;
        }
        deny_if(context, EPERM, "unshare", SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
        /* CLONE_NEWTIME lies in the bits of clone()'s exit signal. */
        if (flags[i] != CLONE_NEWTIME) {
            unsigned argument = seccomp_arch_native() == SCMP_ARCH_S390X || seccomp_arch_native() == SCMP_ARCH_S390;
            deny_if(context, EPERM, "clone", SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
        }
        deny_if(context, EPERM, "setns", SCMP_A1(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
    }
    /* Its flags are behind a pointer: callers fall back to clone(). */
    deny(context, ENOSYS, "clone3");
    if (none)
        deny(context, EPERM, "setns");
    else /* 0 means any kind */
        deny_if(context, EPERM, "setns", SCMP_A1(SCMP_CMP_EQ, 0));
}

static const struct {
    const char *name;
    int family;
} address_families[] = {
    { "AF_UNIX", AF_UNIX },       { "AF_LOCAL", AF_UNIX },     { "AF_INET", AF_INET },         { "AF_INET6", AF_INET6 },
    { "AF_NETLINK", AF_NETLINK }, { "AF_PACKET", AF_PACKET },  { "AF_BLUETOOTH", AF_BLUETOOTH }, { "AF_CAN", AF_CAN },
    { "AF_ALG", AF_ALG },         { "AF_VSOCK", AF_VSOCK },    { "AF_KEY", AF_KEY },           { "AF_AX25", AF_AX25 },
    { "AF_IPX", AF_IPX },         { "AF_APPLETALK", AF_APPLETALK }, { "AF_NETROM", AF_NETROM }, { "AF_BRIDGE", AF_BRIDGE },
    { "AF_ATMPVC", AF_ATMPVC },   { "AF_X25", AF_X25 },        { "AF_ROSE", AF_ROSE },         { "AF_DECnet", AF_DECnet },
    { "AF_NETBEUI", AF_NETBEUI }, { "AF_SECURITY", AF_SECURITY }, { "AF_ROUTE", AF_ROUTE },    { "AF_ASH", AF_ASH },
    { "AF_ECONET", AF_ECONET },   { "AF_ATMSVC", AF_ATMSVC },  { "AF_RDS", AF_RDS },           { "AF_SNA", AF_SNA },
    { "AF_IRDA", AF_IRDA },       { "AF_PPPOX", AF_PPPOX },    { "AF_WANPIPE", AF_WANPIPE },   { "AF_LLC", AF_LLC },
    { "AF_IB", AF_IB },           { "AF_MPLS", AF_MPLS },      { "AF_TIPC", AF_TIPC },         { "AF_IUCV", AF_IUCV },
    { "AF_RXRPC", AF_RXRPC },     { "AF_ISDN", AF_ISDN },      { "AF_PHONET", AF_PHONET },     { "AF_IEEE802154", AF_IEEE802154 },
    { "AF_CAIF", AF_CAIF },       { "AF_NFC", AF_NFC },        { "AF_KCM", AF_KCM },           { "AF_QIPCRTR", AF_QIPCRTR },
    { "AF_SMC", AF_SMC },         { "AF_XDP", AF_XDP },        { "AF_MCTP", 45 },
};

static int family_from_string(const char *name) {
    for (size_t i = 0; i < ELEMENTS(address_families); i++)
        if (strcmp(address_families[i].name, name) == 0)
            return address_families[i].family;
    return -EINVAL;
}

/* Families past the last one anybody has named. */
#define FAMILY_MAX 64

static void restrict_families(scmp_filter_ctx context, char *const *families) {
    bool deny_list = families[0][0] == '~', listed[FAMILY_MAX] = {};
    STRV_FOREACH(word, families) {
        bool inverted = (*word)[0] == '~';
        int family = family_from_string(*word + inverted);
        if (family >= 0 && family < FAMILY_MAX)
            listed[family] = inverted == deny_list;
    }
    for (int family = 0; family < FAMILY_MAX; family++)
        if (listed[family] == deny_list)
            deny_if_native(context, EAFNOSUPPORT, "socket", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family));
    if (!deny_list)
        deny_if_native(context, EAFNOSUPPORT, "socket", SCMP_A0(SCMP_CMP_GE, FAMILY_MAX));
}

static const struct {
    const char *name;
    uint32_t arch;
} architecture_names[] = {
    { "x86", SCMP_ARCH_X86 },         { "x86-64", SCMP_ARCH_X86_64 },     { "x32", SCMP_ARCH_X32 },
    { "arm", SCMP_ARCH_ARM },         { "arm64", SCMP_ARCH_AARCH64 },     { "mips", SCMP_ARCH_MIPS },
    { "mips64", SCMP_ARCH_MIPS64 },   { "mips64-n32", SCMP_ARCH_MIPS64N32 }, { "mips-le", SCMP_ARCH_MIPSEL },
    { "mips64-le", SCMP_ARCH_MIPSEL64 }, { "mips64-le-n32", SCMP_ARCH_MIPSEL64N32 }, { "ppc", SCMP_ARCH_PPC },
    { "ppc64", SCMP_ARCH_PPC64 },     { "ppc64-le", SCMP_ARCH_PPC64LE },  { "s390", SCMP_ARCH_S390 },
    { "s390x", SCMP_ARCH_S390X },     { "riscv64", SCMP_ARCH_RISCV64 },
};

/* Calls of any architecture but these kill the process, as do those of a foreign one in a filter without rules. */
static int restrict_architectures(scmp_filter_ctx context, char *const *names) {
    int r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    STRV_FOREACH(name, names)
        for (size_t i = 0; r >= 0 && i < ELEMENTS(architecture_names); i++)
            if (strcmp(*name, architecture_names[i].name) == 0)
                seccomp_arch_add(context, architecture_names[i].arch); /* -EEXIST: native */
    return r;
}

/* Restrictions on calls that some architectures pass in other ways make a program of their own. */
static bool restricts_native(const struct filter_settings *s) {
    return s->restrictions & DENY_WRITE_EXECUTE || strv_length(s->families) > 0;
}

static int native_build(const struct filter_settings *s, scmp_filter_ctx *ret) {
    _cleanup_filter_ scmp_filter_ctx context = NULL;
    int r = filter_new(SCMP_ACT_ALLOW, REACH_NATIVE, &context);
    if (r < 0)
        return r;
    if (s->restrictions & DENY_WRITE_EXECUTE)
        deny_write_execute(context);
    if (strv_length(s->families) > 0)
        restrict_families(context, s->families);
    *ret = TAKE(context);
    return 0;
}

static bool restricts(const struct filter_settings *s) {
    return s->restrictions & ~DENY_WRITE_EXECUTE || s->namespaces != UINT64_MAX || strv_length(s->architectures) > 0;
}

static int restrictions_build(const struct filter_settings *s, scmp_filter_ctx *ret) {
    _cleanup_filter_ scmp_filter_ctx context = NULL;
    bool architectures = strv_length(s->architectures) > 0;
    int r = filter_new(SCMP_ACT_ALLOW, architectures ? REACH_LISTED : REACH_ALL, &context);
    if (r < 0)
        return r;
    if (architectures && (r = restrict_architectures(context, s->architectures)) < 0)
        return r;
    if (s->restrictions & RESTRICT_REALTIME)
        restrict_realtime(context);
    if (s->restrictions & RESTRICT_SUID_SGID)
        restrict_suid_sgid(context);
    if (s->restrictions & LOCK_PERSONALITY)
        deny_if(context, EPERM, "personality", SCMP_A0(SCMP_CMP_NE, s->personality));
    if (s->restrictions & PROTECT_HOSTNAME) {
        deny(context, EPERM, "sethostname");
        deny(context, EPERM, "setdomainname");
    }
    if (s->restrictions & PROTECT_CLOCK)
        deny_group(context, EPERM, "@clock");
    if (s->restrictions & PROTECT_MODULES)
        deny_group(context, EPERM, "@module");
    if (s->restrictions & PROTECT_LOGS)
        deny(context, EPERM, "syslog");
    if (s->restrictions & DENY_RAW_IO)
        deny_group(context, EPERM, "@raw-io");
    if (s->restrictions & PROTECT_TUNABLES)
        deny(context, EPERM, "_sysctl");
    if (s->namespaces != UINT64_MAX)
        restrict_namespaces(context, s->namespaces);
    *ret = TAKE(context);
    return 0;
}

/* --- SystemCallFilter= ---------------------------------------------------------------------------------------------- */

enum { NOT_LISTED = -1, KILL = -2, DEFAULT = 0 };

struct call_list {
    bool allow;           /* what is listed is allowed; else denied */
    bool inverted;        /* the word being read */
    int error;            /* and its error: DEFAULT, KILL or an errno */
    int calls[CALL_MAX];  /* by native number: NOT_LISTED, DEFAULT, KILL or an errno */
    size_t n_foreign;     /* calls only other architectures have: negative numbers */
    int foreign[128];
};

static int visit_list(void *userdata, const char *name) {
    struct call_list *list = userdata;
    int nr = seccomp_syscall_resolve_name(name);
    if (nr == __NR_SCMP_ERROR || nr >= CALL_MAX)
        return 0;
    bool put = list->inverted != list->allow;
    if (nr >= 0) {
        list->calls[nr] = put ? list->error : NOT_LISTED;
        return 0;
    }
    for (size_t i = 0; i < list->n_foreign; i++)
        if (list->foreign[i] == nr) {
            if (!put)
                list->foreign[i] = list->foreign[--list->n_foreign];
            return 0;
        }
    if (put && list->n_foreign < ELEMENTS(list->foreign))
        list->foreign[list->n_foreign++] = nr;
    return 0;
}

/* errno.h has no table of names that a program may read; the kernel's own are few enough here. */
static int error_from_string(const char *s) {
    static const struct {
        const char *name;
        int number;
    } errors[] = {
        { "EPERM", EPERM },   { "EACCES", EACCES }, { "ENOSYS", ENOSYS }, { "EINVAL", EINVAL }, { "ENOENT", ENOENT },
        { "EAGAIN", EAGAIN }, { "EFAULT", EFAULT }, { "ENOTSUP", ENOTSUP }, { "EOPNOTSUPP", EOPNOTSUPP },
        { "EBUSY", EBUSY },   { "ENOMEM", ENOMEM }, { "EUCLEAN", EUCLEAN }, { "ENODEV", ENODEV }, { "EIO", EIO },
        { "EBADF", EBADF },   { "ESRCH", ESRCH },   { "EINTR", EINTR },   { "ENOTTY", ENOTTY }, { "EROFS", EROFS },
        { "EAFNOSUPPORT", EAFNOSUPPORT }, { "EPROTONOSUPPORT", EPROTONOSUPPORT }, { "ENOTUNIQ", ENOTUNIQ },
    };
    if (strcmp(s, "kill") == 0)
        return KILL;
    for (size_t i = 0; i < ELEMENTS(errors); i++)
        if (strcmp(errors[i].name, s) == 0)
            return errors[i].number;
    char *end;
    long number = strtol(s, &end, 10);
    return *s && !*end && number > 0 && number < 4096 ? (int)number : DEFAULT;
}

static int call_list_read(char *const *words, struct call_list *list) {
    *list = (struct call_list){ .allow = words[0][0] != '~' };
    for (size_t i = 0; i < CALL_MAX; i++)
        list->calls[i] = NOT_LISTED;
    if (list->allow)
        each_call("@default", 0, visit_list, list);
    STRV_FOREACH(w, words) {
        char name[128];
        list->inverted = (*w)[0] == '~';
        const char *word = *w + list->inverted;
        size_t n = strcspn(word, ":");
        if (n == 0 || n >= sizeof(name))
            continue;
        memcpy(name, word, n);
        name[n] = 0;
        list->error = word[n] ? error_from_string(word + n + 1) : DEFAULT;
        int r = each_call(name, 0, visit_list, list);
        if (r < 0)
            return r;
    }
    return 0;
}

static uint32_t refusal(int error) {
    return error == DEFAULT || error == KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO((unsigned)error);
}

static bool call_exists(int nr) {
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
    free(name);
    return name;
}

static int calls_build(const struct filter_settings *s, scmp_filter_ctx *ret) {
    _cleanup_free_ struct call_list *list = malloc(sizeof(struct call_list));
    _cleanup_filter_ scmp_filter_ctx context = NULL;
    if (!list)
        return -ENOMEM;
    int r = call_list_read(s->calls, list);
    if (r < 0)
        return r;
    /* A call that is newer than the list is answered like by an older kernel: programs have a way around that. */
    uint32_t otherwise = list->allow ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW, refused = refusal(s->error);
    r = filter_new(otherwise, REACH_ALL, &context);
    if (r < 0)
        return r;
    seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (int nr = 0; nr < CALL_MAX; nr++) {
        int listed = list->calls[nr];
        if (listed == NOT_LISTED && !(list->allow && call_exists(nr)))
            continue;
        uint32_t action = listed > 0 || listed == KILL      ? refusal(listed)
                          : (listed == DEFAULT) == list->allow ? SCMP_ACT_ALLOW
                                                               : refused;
        if (action == otherwise)
            continue;
        r = seccomp_rule_add(context, action, nr, 0);
        if (r == -ENOMEM)
            return r;
    }
    for (size_t i = 0; i < list->n_foreign; i++)
        seccomp_rule_add(context, list->allow ? SCMP_ACT_ALLOW : refused, list->foreign[i], 0);
    *ret = TAKE(context);
    return 0;
}

int filter_list_calls(char *const *calls, struct text *out) {
    _cleanup_free_ struct call_list *list = malloc(sizeof(struct call_list));
    if (!list)
        return -ENOMEM;
    int r = call_list_read(calls, list);
    if (r < 0)
        return r;
    text_add(out, list->allow ? "allow\n" : "deny\n");
    for (int nr = 0; nr < CALL_MAX; nr++) {
        if (list->calls[nr] == NOT_LISTED)
            continue;
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
        text_add(out, name ? name : "?");
        free(name);
        if (list->calls[nr] == KILL)
            text_add(out, ":kill");
        else if (list->calls[nr] > 0)
            text_addf(out, ":%d", list->calls[nr]);
        text_add_char(out, '\n');
    }
    return out->failed ? -ENOMEM : 0;
}

/* --- the cache ------------------------------------------------------------------------------------------------------ */

struct cached {
    char *key;
    struct sock_filter *filter;
    size_t size;
};
static struct cached cache[CACHE_MAX];
static size_t n_cached, next_victim;

static int export(scmp_filter_ctx context, struct sock_filter **ret, size_t *ret_size) {
    _cleanup_close_ int fd = (int)syscall(SYS_memfd_create, "filter", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = seccomp_export_bpf(context, fd);
    if (r < 0)
        return r;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size == 0 || (size_t)st.st_size / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return -E2BIG;
    _cleanup_free_ struct sock_filter *filter = malloc((size_t)st.st_size);
    if (!filter)
        return -ENOMEM;
    if (pread(fd, filter, (size_t)st.st_size, 0) != st.st_size)
        return -EIO;
    *ret = TAKE(filter);
    *ret_size = (size_t)st.st_size;
    return 0;
}

static void key_add(struct text *key, const char *name, char *const *words) {
    if (strv_length(words) == 0)
        return;
    text_addf(key, "%s", name);
    STRV_FOREACH(w, words)
        text_addf(key, " %s", *w);
    text_add_char(key, '\n');
}

/* Is it one that the caller is about to get? */
static bool given_away(const struct filter_program *programs, const struct sock_filter *filter) {
    for (size_t i = 0; i < FILTER_PROGRAMS; i++)
        if (programs[i].filter == filter)
            return true;
    return false;
}

static int compile(struct text *key, const struct filter_settings *settings,
                   int (*build)(const struct filter_settings *, scmp_filter_ctx *), struct filter_program *programs,
                   size_t which) {
    if (key->failed)
        return -ENOMEM;
    struct cached *c = NULL;
    for (size_t i = 0; i < n_cached && !c; i++)
        if (cache[i].key && strcmp(cache[i].key, text_str(key)) == 0)
            c = &cache[i];
    if (!c) {
        _cleanup_filter_ scmp_filter_ctx context = NULL;
        struct cached fresh = {};
        int r = build(settings, &context);
        if (r < 0)
            return r;
        r = export(context, &fresh.filter, &fresh.size);
        if (r < 0)
            return r;
        fresh.key = text_take(key);
        if (!fresh.key) {
            free(fresh.filter);
            return -ENOMEM;
        }
        if (n_cached < CACHE_MAX)
            c = &cache[n_cached++];
        else {
            do
                next_victim = (next_victim + 1) % CACHE_MAX;
            while (given_away(programs, cache[next_victim].filter));
            c = &cache[next_victim];
            free(c->key);
            free(c->filter);
        }
        *c = fresh;
    }
    programs[which].filter = c->filter;
    programs[which].length = (unsigned short)(c->size / sizeof(struct sock_filter));
    return 0;
}

int filter_compile(const struct filter_settings *settings, struct filter_program ret[static FILTER_PROGRAMS]) {
    struct filter_program programs[FILTER_PROGRAMS] = {};
    if (restricts(settings)) {
        _cleanup_text_ struct text key = {};
        text_addf(&key, "restrictions %x %llx %lx\n", settings->restrictions, (unsigned long long)settings->namespaces,
                  settings->personality);
        key_add(&key, "architectures", settings->architectures);
        int r = compile(&key, settings, restrictions_build, programs, 0);
        if (r < 0)
            return r;
    }
    if (restricts_native(settings)) {
        _cleanup_text_ struct text key = {};
        text_addf(&key, "native %x\n", settings->restrictions & DENY_WRITE_EXECUTE);
        key_add(&key, "families", settings->families);
        int r = compile(&key, settings, native_build, programs, 1);
        if (r < 0)
            return r;
    }
    if (strv_length(settings->calls) > 0) {
        _cleanup_text_ struct text key = {};
        text_addf(&key, "filter %d\n", settings->error);
        key_add(&key, "calls", settings->calls);
        int r = compile(&key, settings, calls_build, programs, 2);
        if (r < 0)
            return r;
    }
    memcpy(ret, programs, sizeof(programs));
    return 0;
}
