/* SPDX-License-Identifier: Apache-2.0 */
/* exec/filter.h: the programs, read by an interpreter of our own, so that calls of every architecture can be
 * tried. What the kernel makes of them is in test-exec.c. */
#include "base/text.h"
#include "exec/calls.h"
#include "exec/filter.h"
#include "exec/syscall_groups.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS
#define ERROR(e) (SECCOMP_RET_ERRNO | (e))

/* What a program says about a call. Fails the test on a jump out of it. */
static uint32_t run(const struct filter_program *p, const struct seccomp_data *data) {
    uint32_t a = 0;
    if (p->length == 0)
        return ALLOW;
    for (size_t pc = 0; pc < p->length; pc++) {
        const struct sock_filter *f = &p->filter[pc];
        bool jump = false;
        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + f->k, sizeof(a));
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= f->k;
            continue;
        case BPF_JMP | BPF_JA:
            pc += f->k;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
            jump = a == f->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            jump = a >= f->k;
            break;
        case BPF_RET | BPF_K:
            return f->k;
        default:
            fail_msg("instruction %#x", f->code);
        }
        pc += jump ? f->jt : f->jf;
    }
    fail_msg("ran off the end");
    return 0;
}

static struct seccomp_data call_at(uint32_t architecture, const char *name) {
    struct seccomp_data data = { .arch = architecture == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : architecture };
    data.nr = seccomp_syscall_resolve_name_arch(architecture, name);
    return data;
}

static uint32_t ask(const struct filter_settings *settings, size_t which, struct seccomp_data data) {
    struct filter_program programs[FILTER_PROGRAMS];
    assert_int_equal(filter_compile(settings, programs), 0);
    return run(&programs[which], &data);
}

static uint32_t ask_call(char *const *calls, int error, uint32_t architecture, const char *name) {
    struct filter_settings settings = { .namespaces = UINT64_MAX, .calls = calls, .error = error };
    return ask(&settings, 1, call_at(architecture, name));
}

static uint32_t ask_restriction(enum restriction restriction, const char *name, uint64_t a0, uint64_t a1,
                                uint64_t a2) {
    struct filter_settings settings = { .namespaces = UINT64_MAX, .restrictions = restriction };
    struct seccomp_data data = call_at(SCMP_ARCH_X86_64, name);
    data.args[0] = a0;
    data.args[1] = a1;
    data.args[2] = a2;
    return ask(&settings, 0, data);
}

#define CALLS(...) ((char *const[]){ __VA_ARGS__, NULL })
#define X86_ONLY()                                                                                           \
    do                                                                                                       \
        if (seccomp_arch_native() != SCMP_ARCH_X86_64)                                                       \
            skip();                                                                                          \
    while (0)

static void an_allow_list_allows_what_it_lists(void **state) {
    X86_ONLY();
    char *const *calls = CALLS((char *)"@system-service", (char *)"~chown");
    const uint32_t architectures[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 };
    for (size_t i = 0; i < ELEMENTS(architectures); i++) {
        uint32_t a = architectures[i];
        assert_int_equal(ask_call(calls, EPERM, a, "read"), ALLOW);
        assert_int_equal(ask_call(calls, EPERM, a, "execve"), ALLOW);
        assert_int_equal(ask_call(calls, EPERM, a, "openat"), ALLOW);
        assert_int_equal(ask_call(calls, EPERM, a, "fchown"), ALLOW);
        assert_int_equal(ask_call(calls, EPERM, a, "chown"), ERROR(EPERM));
        assert_int_equal(ask_call(calls, EPERM, a, "mount"), ERROR(EPERM));
        assert_int_equal(ask_call(calls, 0, a, "init_module"), KILL);
    }
}

static void a_call_newer_than_our_tables_is_enosys(void **state) {
    X86_ONLY();
    struct filter_settings settings = { .namespaces = UINT64_MAX, .calls = CALLS((char *)"read") };
    for (int nr = 900; nr < 2000; nr += 50)
        assert_int_equal(ask(&settings, 1, (struct seccomp_data){ .nr = nr, .arch = SCMP_ARCH_X86_64 }),
                         ERROR(ENOSYS));
}

static void a_deny_list_denies_what_it_lists(void **state) {
    X86_ONLY();
    char *const *calls = CALLS((char *)"~@mount", (char *)"~ptrace:EUCLEAN", (char *)"umount2");
    assert_int_equal(ask_call(calls, 0, SCMP_ARCH_X86_64, "mount"), KILL);
    assert_int_equal(ask_call(calls, EACCES, SCMP_ARCH_X86, "mount"), ERROR(EACCES));
    assert_int_equal(ask_call(calls, 0, SCMP_ARCH_X32, "ptrace"), ERROR(EUCLEAN));
    assert_int_equal(ask_call(calls, 0, SCMP_ARCH_X86_64, "umount2"), ALLOW);
    assert_int_equal(ask_call(calls, 0, SCMP_ARCH_X86_64, "read"), ALLOW);
    /* A foreign architecture is for SystemCallArchitectures= to refuse. */
    assert_int_equal(ask_call(calls, 0, SCMP_ARCH_AARCH64, "mount"), ALLOW);
}

/* What is compiled in is what libseccomp knows. */
static void numbers_are_those_of_libseccomp(void **state) {
    for (size_t a = 0; a < CALLS_ARCHITECTURES && calls_architectures[a]; a++) {
        uint32_t architecture = calls_architectures[a], first = call_first_number(architecture), said;
        size_t known = 0;
        for (uint32_t number = first; number < first + CALL_MAX; number++) {
            char *name = seccomp_syscall_resolve_num_arch(architecture, (int)number);
            if (a == 0 && name)
                assert_string_equal(call_name(number), name);
            else if (a == 0)
                assert_null(call_name(number));
            if (!name)
                continue;
            int other = seccomp_syscall_resolve_name_arch(architecture, name);
            assert_int_equal(call_number(architecture, name, &said), other < 0 ? -EINVAL : 0);
            if (other >= 0)
                assert_int_equal(said, other);
            known++;
            free(name);
        }
        assert_true(known > 200);
    }
    uint32_t said;
    assert_int_equal(calls_architectures[0], seccomp_arch_native());
    assert_int_equal(call_number(calls_architectures[0], "no-such-call", &said), -EINVAL);
    assert_int_equal(call_number(calls_architectures[0], "", &said), -EINVAL);
    assert_int_equal(call_number(SCMP_ARCH_PARISC, "read", &said), -EINVAL);
}

/* Every call that libseccomp knows, by every group: the program agrees with the list. */
static void programs_agree_with_their_lists(void **state) {
    X86_ONLY();
    for (const struct syscall_group *g = syscall_groups; g->name; g++) {
        char word[64] = "~";
        strcat(word, g->name);
        for (int deny = 0; deny < 2; deny++) {
            char *const *calls = CALLS(deny ? word : word + 1);
            _cleanup_text_ struct text list = {};
            assert_int_equal(filter_list_calls(calls, &list), 0);
            for (int nr = 0; nr < 500; nr++) {
                char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr), line[80] = "\n";
                if (!name || strlen(name) > 60) {
                    free(name);
                    continue;
                }
                strcat(strcat(line, name), "\n");
                bool listed = strstr(text_str(&list), line);
                uint32_t said = ask_call(calls, EPERM, SCMP_ARCH_X86_64, name);
                if ((said == ALLOW) != (listed != deny))
                    fail_msg("%s: %s is %slisted, but gets %#x", calls[0], name, listed ? "" : "not ", said);
                free(name);
            }
        }
    }
}

static void architectures(void **state) {
    X86_ONLY();
    struct filter_settings native = { .namespaces = UINT64_MAX, .architectures = CALLS((char *)"native") };
    struct filter_settings both = { .namespaces = UINT64_MAX,
                                    .architectures = CALLS((char *)"native", (char *)"x86") };
    assert_int_equal(ask(&native, 0, call_at(SCMP_ARCH_X86_64, "read")), ALLOW);
    assert_int_equal(ask(&native, 0, call_at(SCMP_ARCH_X86, "read")), KILL);
    assert_int_equal(ask(&native, 0, call_at(SCMP_ARCH_X32, "read")), KILL);
    assert_int_equal(ask(&both, 0, call_at(SCMP_ARCH_X86, "read")), ALLOW);
    assert_int_equal(ask(&both, 0, call_at(SCMP_ARCH_X32, "read")), KILL);
}

static void restrictions_look_at_arguments(void **state) {
    X86_ONLY();
    const uint64_t high = UINT64_C(1) << 32; /* what the kernel ignores must not help */
    assert_int_equal(ask_restriction(RESTRICT_REALTIME, "sched_setscheduler", 0, SCHED_FIFO, 0),
                     ERROR(EPERM));
    assert_int_equal(ask_restriction(RESTRICT_REALTIME, "sched_setscheduler", 0, SCHED_FIFO | high, 0),
                     ERROR(EPERM));
    assert_int_equal(ask_restriction(RESTRICT_REALTIME, "sched_setscheduler", 0, SCHED_BATCH, 0), ALLOW);
    assert_int_equal(ask_restriction(RESTRICT_SUID_SGID, "chmod", 0, 04755, 0), ERROR(EPERM));
    assert_int_equal(ask_restriction(RESTRICT_SUID_SGID, "chmod", 0, 0755, 0), ALLOW);
    assert_int_equal(ask_restriction(RESTRICT_SUID_SGID, "open", 0, O_CREAT, 02755), ERROR(EPERM));
    assert_int_equal(ask_restriction(RESTRICT_SUID_SGID, "open", 0, O_RDONLY, 02755), ALLOW);
    assert_int_equal(ask_restriction(RESTRICT_SUID_SGID, "openat2", 0, 0, 0), ERROR(ENOSYS));
    assert_int_equal(ask_restriction(LOCK_PERSONALITY, "personality", 0, 0, 0), ALLOW);
    assert_int_equal(ask_restriction(LOCK_PERSONALITY, "personality", 0x40000, 0, 0), ERROR(EPERM));
    assert_int_equal(ask_restriction(DENY_WRITE_EXECUTE, "mmap", 0, 0, PROT_WRITE | PROT_EXEC), ERROR(EPERM));
    assert_int_equal(ask_restriction(DENY_WRITE_EXECUTE, "mmap", 0, 0, PROT_READ | PROT_EXEC), ALLOW);
    assert_int_equal(ask_restriction(DENY_WRITE_EXECUTE, "mprotect", 0, 0, PROT_READ | PROT_EXEC),
                     ERROR(EPERM));
    assert_int_equal(ask_restriction(PROTECT_CLOCK, "settimeofday", 0, 0, 0), ERROR(EPERM));
    assert_int_equal(ask_restriction(PROTECT_CLOCK, "gettimeofday", 0, 0, 0), ALLOW);
    assert_int_equal(ask_restriction(PROTECT_HOSTNAME, "sethostname", 0, 0, 0), ERROR(EPERM));
}

static void namespaces_and_families(void **state) {
    X86_ONLY();
    struct filter_settings no_namespaces = {}, some = { .namespaces = CLONE_NEWUSER };
    struct seccomp_data data = call_at(SCMP_ARCH_X86_64, "unshare");
    data.args[0] = CLONE_NEWNS;
    assert_int_equal(ask(&no_namespaces, 0, data), ERROR(EPERM));
    data.args[0] = CLONE_FILES;
    assert_int_equal(ask(&no_namespaces, 0, data), ALLOW);
    data.args[0] = CLONE_NEWUSER;
    assert_int_equal(ask(&some, 0, data), ALLOW);
    assert_int_equal(ask(&some, 0, call_at(SCMP_ARCH_X86_64, "setns")), ERROR(EPERM)); /* of any kind */
    assert_int_equal(ask(&some, 0, call_at(SCMP_ARCH_X86_64, "clone3")), ERROR(ENOSYS));

    struct filter_settings only = { .namespaces = UINT64_MAX,
                                    .families = CALLS((char *)"AF_UNIX", (char *)"AF_INET") };
    struct filter_settings none = { .namespaces = UINT64_MAX, .families = CALLS((char *)"none") };
    struct filter_settings but = { .namespaces = UINT64_MAX, .families = CALLS((char *)"~AF_NETLINK") };
    data = call_at(SCMP_ARCH_X86_64, "socket");
    data.args[0] = AF_UNIX;
    assert_int_equal(ask(&only, 0, data), ALLOW);
    assert_int_equal(ask(&none, 0, data), ERROR(EAFNOSUPPORT));
    assert_int_equal(ask(&but, 0, data), ALLOW);
    data.args[0] = AF_NETLINK | UINT64_C(1) << 40;
    assert_int_equal(ask(&only, 0, data), ERROR(EAFNOSUPPORT));
    assert_int_equal(ask(&but, 0, data), ERROR(EAFNOSUPPORT));
    data.args[0] = 4000;
    assert_int_equal(ask(&only, 0, data), ERROR(EAFNOSUPPORT));
    assert_int_equal(ask(&but, 0, data), ALLOW);
}

static void more_settings_than_the_cache_holds(void **state) {
    struct filter_program programs[FILTER_PROGRAMS];
    for (int i = 1; i < 200; i++) {
        struct filter_settings settings = { .namespaces = (uint64_t)i,
                                            .calls = CALLS((char *)"read"),
                                            .error = i };
        assert_int_equal(filter_compile(&settings, programs), 0);
        struct seccomp_data data = call_at(seccomp_arch_native(), "mount");
        assert_int_equal(run(&programs[1], &data), ERROR(i));
        assert_int_equal(run(&programs[0], &data), ALLOW);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allow_list_allows_what_it_lists),
        cmocka_unit_test(a_call_newer_than_our_tables_is_enosys),
        cmocka_unit_test(a_deny_list_denies_what_it_lists),
        cmocka_unit_test(numbers_are_those_of_libseccomp),
        cmocka_unit_test(programs_agree_with_their_lists),
        cmocka_unit_test(architectures),
        cmocka_unit_test(restrictions_look_at_arguments),
        cmocka_unit_test(namespaces_and_families),
        cmocka_unit_test(more_settings_than_the_cache_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
