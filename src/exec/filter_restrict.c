/* SPDX-License-Identifier: Apache-2.0 */
/* The Restrict*, Protect* and Lock* settings as rules: everything is allowed but …. systemd.exec(5),
 * "Sandboxing". */
#include "exec/filter_private.h"

#include "base/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define RULES_MAX 320

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

struct rules {
    struct rule rules[RULES_MAX];
    size_t n;
    bool overflow;
    char names[64][32]; /* of calls in groups */
    size_t n_names;
};

static struct rule *deny(struct rules *r, int error, const char *call) {
    if (r->n == RULES_MAX) {
        r->overflow = true;
        return &r->rules[RULES_MAX - 1];
    }
    r->rules[r->n] = (struct rule){ .call = call, .error = error };
    return &r->rules[r->n++];
}

static void deny_if(struct rules *r, int error, const char *call, struct compare compare) {
    struct rule *rule = deny(r, error, call);
    rule->n = 1;
    rule->compare[0] = compare;
}

static void deny_if_both(struct rules *r, int error, const char *call, struct compare a, struct compare b) {
    struct rule *rule = deny(r, error, call);
    rule->n = 2;
    rule->compare[0] = a;
    rule->compare[1] = b;
}

static struct compare equal(unsigned argument, uint32_t value) {
    return (struct compare){ .argument = (unsigned char)argument, .op = COMPARE_EQUAL, .value = value };
}

static struct compare at_least(unsigned argument, uint32_t value) {
    return (struct compare){ .argument = (unsigned char)argument, .op = COMPARE_AT_LEAST, .value = value };
}

static struct compare not_equal(unsigned argument, uint32_t value) {
    return (struct compare){ .argument = (unsigned char)argument, .op = COMPARE_NOT_EQUAL, .value = value };
}

/* All of these bits are set. */
static struct compare has(unsigned argument, uint32_t bits) {
    return (struct compare){
        .argument = (unsigned char)argument, .op = COMPARE_MASKED, .mask = bits, .value = bits
    };
}

static int visit_deny(void *userdata, const char *name) {
    struct rules *r = userdata;
    if (r->n_names == ELEMENTS(r->names) || strlen(name) >= sizeof(r->names[0]))
        return 0;
    deny(r, EPERM, strcpy(r->names[r->n_names++], name));
    return 0;
}

static void deny_group(struct rules *r, const char *group) {
    filter_each_call(group, 0, visit_deny, r);
}

/* Policies beyond the ordinary ones; by the call whose argument a filter cannot see, none. */
static void restrict_realtime(struct rules *r) {
    const uint32_t reset = SCHED_RESET_ON_FORK;
    for (uint32_t policy = 0; policy < 16; policy++)
        if (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE) {
            deny_if(r, EPERM, "sched_setscheduler", equal(1, policy));
            deny_if(r, EPERM, "sched_setscheduler", equal(1, policy | reset));
        }
    deny(r, EPERM, "sched_setattr");
}

static void restrict_suid_sgid(struct rules *r) {
    static const uint32_t bits[] = { S_ISUID, S_ISGID }, creating[] = { O_CREAT, O_TMPFILE };
    static const struct {
        const char *name;
        int mode, flags; /* argument numbers; flags: only where they create, -1: always */
    } calls[] = {
        { "chmod", 1, -1 }, { "fchmod", 1, -1 },  { "fchmodat", 2, -1 }, { "fchmodat2", 2, -1 },
        { "mkdir", 1, -1 }, { "mkdirat", 2, -1 }, { "mknod", 1, -1 },    { "mknodat", 2, -1 },
        { "open", 2, 1 },   { "openat", 3, 2 },   { "creat", 1, -1 },
    };
    for (size_t b = 0; b < ELEMENTS(bits); b++)
        for (size_t i = 0; i < ELEMENTS(calls); i++) {
            struct compare mode = has((unsigned)calls[i].mode, bits[b]);
            if (calls[i].flags < 0)
                deny_if(r, EPERM, calls[i].name, mode);
            else
                for (size_t c = 0; c < ELEMENTS(creating); c++)
                    deny_if_both(r, EPERM, calls[i].name, mode, has((unsigned)calls[i].flags, creating[c]));
        }
    /* Its arguments are behind a pointer: callers fall back to openat(). */
    deny(r, ENOSYS, "openat2");
}

static void deny_write_execute(struct rules *r) {
    deny_if(r, EPERM, "mmap", has(2, PROT_EXEC | PROT_WRITE));
    deny_if(r, EPERM, "mmap2", has(2, PROT_EXEC | PROT_WRITE));
    deny_if(r, EPERM, "mprotect", has(2, PROT_EXEC));
    deny_if(r, EPERM, "pkey_mprotect", has(2, PROT_EXEC));
    deny_if(r, EPERM, "shmat", has(2, SHM_EXEC));
}

static void restrict_namespaces(struct rules *r, uint64_t allowed) {
    static const uint32_t flags[] = { CLONE_NEWCGROUP, CLONE_NEWIPC,  CLONE_NEWNET, CLONE_NEWNS,
                                      CLONE_NEWPID,    CLONE_NEWUSER, CLONE_NEWUTS, CLONE_NEWTIME };
    unsigned clone_flags = calls_architectures[0] == SCMP_ARCH_S390X;
    bool any = false;
    for (size_t i = 0; i < ELEMENTS(flags); i++) {
        if (allowed & flags[i]) {
            any = true;
            continue;
        }
        deny_if(r, EPERM, "unshare", has(0, flags[i]));
        /* CLONE_NEWTIME lies in the bits of clone()'s exit signal. */
        if (flags[i] != CLONE_NEWTIME)
            deny_if(r, EPERM, "clone", has(clone_flags, flags[i]));
        deny_if(r, EPERM, "setns", has(1, flags[i]));
    }
    /* Its flags are behind a pointer: callers fall back to clone(). */
    deny(r, ENOSYS, "clone3");
    if (any)
        deny_if(r, EPERM, "setns", equal(1, 0)); /* 0: any kind */
    else
        deny(r, EPERM, "setns");
}

static const struct {
    const char *name;
    int family;
} address_families[] = {
    { "AF_UNIX", AF_UNIX },
    { "AF_LOCAL", AF_UNIX },
    { "AF_INET", AF_INET },
    { "AF_INET6", AF_INET6 },
    { "AF_NETLINK", AF_NETLINK },
    { "AF_PACKET", AF_PACKET },
    { "AF_BLUETOOTH", AF_BLUETOOTH },
    { "AF_CAN", AF_CAN },
    { "AF_ALG", AF_ALG },
    { "AF_VSOCK", AF_VSOCK },
    { "AF_KEY", AF_KEY },
    { "AF_AX25", AF_AX25 },
    { "AF_IPX", AF_IPX },
    { "AF_APPLETALK", AF_APPLETALK },
    { "AF_NETROM", AF_NETROM },
    { "AF_BRIDGE", AF_BRIDGE },
    { "AF_ATMPVC", AF_ATMPVC },
    { "AF_X25", AF_X25 },
    { "AF_ROSE", AF_ROSE },
    { "AF_DECnet", AF_DECnet },
    { "AF_NETBEUI", AF_NETBEUI },
    { "AF_SECURITY", AF_SECURITY },
    { "AF_ROUTE", AF_ROUTE },
    { "AF_ASH", AF_ASH },
    { "AF_ECONET", AF_ECONET },
    { "AF_ATMSVC", AF_ATMSVC },
    { "AF_RDS", AF_RDS },
    { "AF_SNA", AF_SNA },
    { "AF_IRDA", AF_IRDA },
    { "AF_PPPOX", AF_PPPOX },
    { "AF_WANPIPE", AF_WANPIPE },
    { "AF_LLC", AF_LLC },
    { "AF_IB", AF_IB },
    { "AF_MPLS", AF_MPLS },
    { "AF_TIPC", AF_TIPC },
    { "AF_IUCV", AF_IUCV },
    { "AF_RXRPC", AF_RXRPC },
    { "AF_ISDN", AF_ISDN },
    { "AF_PHONET", AF_PHONET },
    { "AF_IEEE802154", AF_IEEE802154 },
    { "AF_CAIF", AF_CAIF },
    { "AF_NFC", AF_NFC },
    { "AF_KCM", AF_KCM },
    { "AF_QIPCRTR", AF_QIPCRTR },
    { "AF_SMC", AF_SMC },
    { "AF_XDP", AF_XDP },
    { "AF_MCTP", 45 },
};

static int family_from_string(const char *name) {
    for (size_t i = 0; i < ELEMENTS(address_families); i++)
        if (strcmp(address_families[i].name, name) == 0)
            return address_families[i].family;
    return -EINVAL;
}

/* Families past the last one anybody has named. */
#define FAMILY_MAX 64

static void restrict_families(struct rules *r, char *const *families) {
    bool deny_list = families[0][0] == '~', listed[FAMILY_MAX] = {};
    STRV_FOREACH(word, families) {
        bool inverted = (*word)[0] == '~';
        int family = family_from_string(*word + inverted);
        if (family >= 0 && family < FAMILY_MAX)
            listed[family] = inverted == deny_list;
    }
    for (uint32_t family = 0; family < FAMILY_MAX; family++)
        if (listed[family] == deny_list)
            deny_if(r, EAFNOSUPPORT, "socket", equal(0, family));
    if (!deny_list)
        deny_if(r, EAFNOSUPPORT, "socket", at_least(0, FAMILY_MAX));
}

static void collect(const struct filter_settings *s, struct rules *r) {
    if (s->restrictions & RESTRICT_REALTIME)
        restrict_realtime(r);
    if (s->restrictions & RESTRICT_SUID_SGID)
        restrict_suid_sgid(r);
    if (s->restrictions & LOCK_PERSONALITY)
        deny_if(r, EPERM, "personality", not_equal(0, (uint32_t)s->personality));
    if (s->restrictions & DENY_WRITE_EXECUTE)
        deny_write_execute(r);
    if (s->restrictions & PROTECT_HOSTNAME) {
        deny(r, EPERM, "sethostname");
        deny(r, EPERM, "setdomainname");
    }
    if (s->restrictions & PROTECT_CLOCK)
        deny_group(r, "@clock");
    if (s->restrictions & PROTECT_MODULES)
        deny_group(r, "@module");
    if (s->restrictions & PROTECT_LOGS)
        deny(r, EPERM, "syslog");
    if (s->restrictions & DENY_RAW_IO)
        deny_group(r, "@raw-io");
    if (s->namespaces != UINT64_MAX)
        restrict_namespaces(r, s->namespaces);
    if (strv_length(s->families) > 0)
        restrict_families(r, s->families);
}

/* --- rules to leaves --------------------------------------------------------------------------- */

/* These pass mmap()'s arguments in a structure, which a filter cannot see. */
static bool hides_mmap(uint32_t architecture) {
    return architecture == SCMP_ARCH_X86 || architecture == SCMP_ARCH_S390 || architecture == SCMP_ARCH_S390X;
}

struct numbered {
    uint32_t number;
    const struct rule *rule;
};

static int numbered_compare(const void *a, const void *b) {
    const struct numbered *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* What one architecture's block is made of. */
struct block {
    struct numbered numbered[RULES_MAX];
    const struct rule *rules[RULES_MAX];
    struct leaf leaves[2 * RULES_MAX + 1];
};

static size_t make_leaves(const struct rules *r, uint32_t architecture, struct block *block) {
    size_t n = 0, n_leaves = 0;
    for (size_t i = 0; i < r->n; i++) {
        uint32_t number;
        if (strcmp(r->rules[i].call, "mmap") == 0 && hides_mmap(architecture))
            continue;
        if (call_number(architecture, r->rules[i].call, &number) >= 0)
            block->numbered[n++] = (struct numbered){ number, &r->rules[i] };
    }
    qsort(block->numbered, n, sizeof(struct numbered), numbered_compare);
    block->leaves[n_leaves++] = (struct leaf){ .action = SECCOMP_RET_ALLOW };
    for (size_t i = 0, j; i < n; i = j) {
        uint32_t number = block->numbered[i].number;
        for (j = i; j < n && block->numbered[j].number == number; j++)
            block->rules[j] = block->numbered[j].rule;
        /* The leaf before, which allows, is empty where two numbers are neighbours. */
        if (block->leaves[n_leaves - 1].number == number)
            n_leaves--;
        block->leaves[n_leaves++] = (struct leaf){ number, SECCOMP_RET_ALLOW, &block->rules[i], j - i };
        block->leaves[n_leaves++] = (struct leaf){ .number = number + 1, .action = SECCOMP_RET_ALLOW };
    }
    return n_leaves;
}

static const struct {
    const char *name;
    uint32_t arch;
} architecture_names[] = {
    { "x86", SCMP_ARCH_X86 },
    { "x86-64", SCMP_ARCH_X86_64 },
    { "x32", SCMP_ARCH_X32 },
    { "arm", SCMP_ARCH_ARM },
    { "arm64", SCMP_ARCH_AARCH64 },
    { "mips", SCMP_ARCH_MIPS },
    { "mips64", SCMP_ARCH_MIPS64 },
    { "mips64-n32", SCMP_ARCH_MIPS64N32 },
    { "mips-le", SCMP_ARCH_MIPSEL },
    { "mips64-le", SCMP_ARCH_MIPSEL64 },
    { "mips64-le-n32", SCMP_ARCH_MIPSEL64N32 },
    { "ppc", SCMP_ARCH_PPC },
    { "ppc64", SCMP_ARCH_PPC64 },
    { "ppc64-le", SCMP_ARCH_PPC64LE },
    { "s390", SCMP_ARCH_S390 },
    { "s390x", SCMP_ARCH_S390X },
    { "riscv64", SCMP_ARCH_RISCV64 },
};

static size_t listed_architectures(char *const *names, uint32_t ret[static ARCHITECTURES_MAX]) {
    size_t n = 0;
    ret[n++] = calls_architectures[0];
    STRV_FOREACH(name, names)
        for (size_t i = 0; i < ELEMENTS(architecture_names) && n < ARCHITECTURES_MAX; i++)
            if (strcmp(*name, architecture_names[i].name) == 0 && architecture_names[i].arch != ret[0])
                ret[n++] = architecture_names[i].arch;
    return n;
}

int filter_restrictions(const struct filter_settings *s, struct bpf *b) {
    struct bpf_block blocks[ARCHITECTURES_MAX];
    uint32_t architectures[ARCHITECTURES_MAX];
    bool listed = strv_length(s->architectures) > 0;
    size_t n =
        listed ? listed_architectures(s->architectures, architectures) : filter_architectures(architectures);
    _cleanup_free_ struct rules *rules = calloc(1, sizeof(struct rules));
    _cleanup_free_ struct block *storage = calloc(n, sizeof(struct block));
    if (!rules || !storage)
        return -ENOMEM;
    collect(s, rules);
    b->overflow |= rules->overflow;
    for (size_t i = 0; i < n; i++)
        blocks[i] = (struct bpf_block){ architectures[i], storage[i].leaves,
                                        make_leaves(rules, architectures[i], &storage[i]) };
    bpf_blocks(b, blocks, n, listed ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW);
    return 0;
}
