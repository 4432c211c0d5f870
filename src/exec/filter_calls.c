/* SPDX-License-Identifier: Apache-2.0 */
/* SystemCallFilter=: a list of calls that are allowed, or that are not. systemd.exec(5), "System Call
 * Filtering". */
#include "exec/filter_private.h"

#include "base/strv.h"
#include "base/text.h"
#include "exec/syscall_groups.h"

#include <errno.h>
#include <string.h>

enum { NOT_LISTED = -1, KILL = -2, DEFAULT = 0 };

/* The list as one architecture numbers its calls. */
struct call_list {
    uint32_t architecture, first;
    bool allow;          /* what is listed is allowed; else denied */
    bool inverted;       /* the word being read */
    int error;           /* and its error: DEFAULT, KILL or an errno */
    size_t known;        /* calls from here on are newer than our tables */
    int calls[CALL_MAX]; /* NOT_LISTED, DEFAULT, KILL or an errno */
};

static int place(const struct call_list *list, const char *name) {
    uint32_t number;
    if (call_number(list->architecture, name, &number) < 0 || number - list->first >= CALL_MAX)
        return -EINVAL;
    return (int)(number - list->first);
}

static int visit_list(void *userdata, const char *name) {
    struct call_list *list = userdata;
    int i = place(list, name);
    if (i >= 0)
        list->calls[i] = list->inverted != list->allow ? list->error : NOT_LISTED;
    return 0;
}

static int visit_known(void *userdata, const char *name) {
    struct call_list *list = userdata;
    int i = place(list, name);
    if (i >= 0)
        list->known = MAX(list->known, (size_t)i + 1);
    return 0;
}

/* errno.h has no table of names that a program may read; the kernel's own are few enough here. */
static int error_from_string(const char *s) {
    static const struct {
        const char *name;
        int number;
    } errors[] = {
        { "EPERM", EPERM },
        { "EACCES", EACCES },
        { "ENOSYS", ENOSYS },
        { "EINVAL", EINVAL },
        { "ENOENT", ENOENT },
        { "EAGAIN", EAGAIN },
        { "EFAULT", EFAULT },
        { "ENOTSUP", ENOTSUP },
        { "EOPNOTSUPP", EOPNOTSUPP },
        { "EBUSY", EBUSY },
        { "ENOMEM", ENOMEM },
        { "EUCLEAN", EUCLEAN },
        { "ENODEV", ENODEV },
        { "EIO", EIO },
        { "EBADF", EBADF },
        { "ESRCH", ESRCH },
        { "EINTR", EINTR },
        { "ENOTTY", ENOTTY },
        { "EROFS", EROFS },
        { "EAFNOSUPPORT", EAFNOSUPPORT },
        { "EPROTONOSUPPORT", EPROTONOSUPPORT },
        { "ENOTUNIQ", ENOTUNIQ },
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

static void call_list_read(char *const *words, uint32_t architecture, struct call_list *list) {
    *list = (struct call_list){ .architecture = architecture,
                                .first = call_first_number(architecture),
                                .allow = words[0][0] != '~' };
    for (size_t i = 0; i < CALL_MAX; i++)
        list->calls[i] = NOT_LISTED;
    for (const struct syscall_group *g = syscall_groups; g->name; g++)
        filter_each_call(g->name, 0, visit_known, list);
    if (list->allow)
        filter_each_call("@default", 0, visit_list, list);
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
        filter_each_call(name, 0, visit_list, list);
    }
}

static uint32_t refusal(int error) {
    return error == DEFAULT || error == KILL ? SECCOMP_RET_KILL_PROCESS : bpf_error(error);
}

static uint32_t action_of(const struct call_list *list, size_t i, uint32_t refused) {
    int listed = list->calls[i];
    if (listed > 0 || listed == KILL)
        return refusal(listed);
    if ((listed == DEFAULT) == list->allow)
        return SECCOMP_RET_ALLOW;
    /* A call newer than our tables is answered as an older kernel would: programs have a way around that. */
    return list->allow && i >= list->known ? bpf_error(ENOSYS) : refused;
}

static size_t make_leaves(const struct call_list *list, uint32_t refused,
                          struct leaf leaves[static CALL_MAX + 1]) {
    size_t n = 0;
    for (size_t i = 0; i < CALL_MAX; i++) {
        uint32_t action = action_of(list, i, refused);
        if (n == 0 || leaves[n - 1].action != action)
            leaves[n++] = (struct leaf){ .number = i == 0 ? 0 : list->first + (uint32_t)i, .action = action };
    }
    uint32_t last = list->allow ? bpf_error(ENOSYS) : SECCOMP_RET_ALLOW;
    if (leaves[n - 1].action != last)
        leaves[n++] = (struct leaf){ .number = list->first + CALL_MAX, .action = last };
    return n;
}

int filter_calls(const struct filter_settings *s, struct bpf *b) {
    struct bpf_block blocks[ARCHITECTURES_MAX];
    uint32_t architectures[ARCHITECTURES_MAX];
    size_t n = filter_architectures(architectures);
    _cleanup_free_ struct call_list *list = malloc(sizeof(struct call_list));
    _cleanup_free_ struct leaf *leaves = calloc(n * (CALL_MAX + 1), sizeof(struct leaf));
    if (!list || !leaves)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct leaf *own = leaves + i * (CALL_MAX + 1);
        call_list_read(s->calls, architectures[i], list);
        blocks[i] = (struct bpf_block){ architectures[i], own, make_leaves(list, refusal(s->error), own) };
    }
    bpf_blocks(b, blocks, n, SECCOMP_RET_ALLOW);
    return 0;
}

int filter_list_calls(char *const *calls, struct text *out) {
    _cleanup_free_ struct call_list *list = malloc(sizeof(struct call_list));
    if (!list)
        return -ENOMEM;
    call_list_read(calls, calls_architectures[0], list);
    text_add(out, list->allow ? "allow\n" : "deny\n");
    for (size_t i = 0; i < CALL_MAX; i++) {
        if (list->calls[i] == NOT_LISTED)
            continue;
        const char *name = call_name(list->first + (uint32_t)i);
        text_add(out, name ? name : "?");
        if (list->calls[i] == KILL)
            text_add(out, ":kill");
        else if (list->calls[i] > 0)
            text_addf(out, ":%d", list->calls[i]);
        text_add_char(out, '\n');
    }
    return out->failed ? -ENOMEM : 0;
}
