/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions, listening addresses, timers, watched paths, exit status sets, limits: values that are structs.
 */
#include "base/strv.h"
#include "syntax/calendar.h"
#include "syntax/names.h"
#include "syntax/timespan.h"
#include "unit/types_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* All the lists are { size_t n; struct item items[]; }. Returns the new, zeroed item, NULL without memory. */
static void *add_item(void **list, size_t item_size) {
    size_t n = *list ? *(size_t *)*list : 0;
    char *grown = realloc(*list, sizeof(size_t) + (n + 1) * item_size);
    if (!grown)
        return NULL;
    *(size_t *)grown = n + 1;
    *list = grown;
    return memset(grown + sizeof(size_t) + n * item_size, 0, item_size);
}

static int name_index(const char *const *names, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

/* --- conditions ----------------------------------------------------------------------------------------- */

static const char *const condition_kinds[CONDITION_KINDS] = {
#define X(id, name) [CONDITION_##id] = name,
    CONDITION_KINDS_TABLE(X)
#undef X
};

const char *condition_kind_to_string(enum condition_kind kind) {
    return kind >= 0 && kind < CONDITION_KINDS ? condition_kinds[kind] : NULL;
}

enum condition_kind condition_kind_from_string(const char *s) {
    return name_index(condition_kinds, CONDITION_KINDS, s);
}

static int parse_condition(const struct value_type *type, struct parse_at *at, const char *text,
                           union value *value) {
    bool assert = strncmp(at->directive, "Assert", 6) == 0;
    int kind = condition_kind_from_string(at->directive + (assert ? strlen("Assert") : strlen("Condition")));
    if (kind < 0)
        return value_reject(at, "not a condition");
    bool trigger = *text == '|';
    text += trigger;
    bool negate = *text == '!';
    text += negate;
    _cleanup_free_ char *parameter = NULL;
    int r = value_expand(at, text, &parameter);
    if (r >= 0 && kind <= CONDITION_NEEDS_UPDATE)
        r = value_path(at, parameter);
    /* /proc/cpuinfo has no capitals. */
    for (char *c = r >= 0 && kind == CONDITION_CPU_FEATURE ? parameter : NULL; c && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c += 'a' - 'A';
    if (r < 0)
        return r;
    struct condition *c = add_item(&value->object, sizeof(*c));
    if (!c)
        return -ENOMEM;
    *c = (struct condition){ kind, assert, trigger, negate, TAKE(parameter) };
    return 0;
}

static void free_conditions(union value *value) {
    struct condition_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++)
        free(list->items[i].parameter);
    free(list);
}

/* "ConditionPathExists=!/x": more than the value, because one list holds all kinds. */
static void print_conditions(const struct value_type *type, const union value *value, struct text *out) {
    const struct condition_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++) {
        const struct condition *c = &list->items[i];
        text_addf(out, "%s%s%s=%s%s%s", i ? "\n" : "", c->assert ? "Assert" : "Condition",
                  condition_kinds[c->kind], c->trigger ? "|" : "", c->negate ? "!" : "", c->parameter);
    }
}

const struct value_type type_condition = { "condition",
                                           .flags = TYPE_LIST,
                                           .parse = parse_condition,
                                           .free = free_conditions,
                                           .print = print_conditions,
                                           .equal = value_equal_printed };

/* --- Listen*= ------------------------------------------------------------------------------------------- */

static const char *const listen_names[] = {
    [LISTEN_STREAM] = "ListenStream",
    [LISTEN_DATAGRAM] = "ListenDatagram",
    [LISTEN_SEQPACKET] = "ListenSequentialPacket",
    [LISTEN_FIFO] = "ListenFIFO",
    [LISTEN_SPECIAL] = "ListenSpecial",
    [LISTEN_NETLINK] = "ListenNetlink",
    [LISTEN_MQUEUE] = "ListenMessageQueue",
    [LISTEN_USB] = "ListenUSBFunction",
};

static int port_parse(const char *s) {
    int64_t port;
    return number_parse(s, &port) == 0 && port > 0 && port <= 65535 ? (int)port : -EINVAL;
}

/* "80", "1.2.3.4:80", "[::]:80", "/run/x", "@x", "vsock:CID:PORT", in one way of writing. */
static int socket_address(struct parse_at *at, char *text, char **ret) {
    unsigned char address[16];
    _cleanup_text_ struct text t = {};
    if (*text == '/' || *text == '@') {
        if (strlen(text) >= sizeof(((struct sockaddr_un *)0)->sun_path) + (*text == '@'))
            return value_reject(at, "longer than a socket address can be (%zu bytes)",
                                sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
        if (!text[1])
            return value_reject(at, "a name is missing");
        value_modern_run(text);
        text_add(&t, text);
    } else if (strncmp(text, "vsock:", 6) == 0) {
        char *cid = text + 6, *port = strchr(cid, ':');
        uint64_t n;
        if (!port || uint64_parse(port + 1, &n) < 0 || n > UINT32_MAX)
            return value_reject(at, "not a vsock address (vsock:CID:PORT)");
        *port = 0;
        if (*cid && (uint64_parse(cid, &n) < 0 || n > UINT32_MAX))
            return value_reject(at, "not a vsock address (vsock:CID:PORT)");
        text_addf(&t, "vsock:%s:%s", cid, port + 1);
    } else if (*text == '[') {
        char *close = strchr(text, ']'), *scope;
        if (!close || close[1] != ':' || port_parse(close + 2) < 0)
            return value_reject(at, "not an address and port ([::1]:80)");
        *close = 0;
        scope = strchr(text, '%');
        if (scope)
            *scope++ = 0;
        char shown[INET6_ADDRSTRLEN];
        if (inet_pton(AF_INET6, text + 1, address) != 1 ||
            !inet_ntop(AF_INET6, address, shown, sizeof(shown)))
            return value_reject(at, "not an IPv6 address");
        text_addf(&t, "[%s%s%s]:%d", shown, scope ? "%" : "", scope ?: "", port_parse(close + 2));
    } else if (strchr(text, ':')) {
        char *colon = strchr(text, ':');
        *colon = 0;
        int port = port_parse(colon + 1);
        if (inet_pton(AF_INET, text, address) != 1 || port < 0)
            return value_reject(at, "not an address and port (127.0.0.1:80)");
        text_addf(&t, "%s:%d", text, port);
    } else {
        int port = port_parse(text);
        if (port < 0)
            return value_reject(at, "not an address: a path, @name, port, or address and port");
        text_addf(&t, "[::]:%d", port);
    }
    char *s = text_take(&t);
    if (!s)
        return -ENOMEM;
    *ret = s;
    return 0;
}

static int netlink_address(struct parse_at *at, const char *text, char **ret) {
    /* At the kernel's numbers, netlink(7), which are taken as well. */
    static const char *const families[] = {
        [0] = "route", [3] = "firewall",   [4] = "inet-diag",  [5] = "nflog",       [6] = "xfrm",
        [7] = "selinux", [8] = "iscsi",    [9] = "audit",      [10] = "fib-lookup", [11] = "connector",
        [12] = "netfilter", [13] = "ip6-fw", [14] = "dnrtmsg", [15] = "kobject-uevent", [16] = "generic",
        [18] = "scsitransport", [19] = "ecryptfs", [20] = "rdma",
    };
    size_t n = strcspn(text, " \t");
    int64_t number = 0, by_number;
    _cleanup_free_ char *word = strndup(text, n);
    if (!word)
        return -ENOMEM;
    const char *group = text + n + strspn(text + n, " \t"), *family = NULL;
    if (number_parse(word, &by_number) >= 0 && by_number >= 0 && by_number < (int64_t)ELEMENTS(families))
        family = families[by_number];
    for (size_t i = 0; i < ELEMENTS(families) && !family; i++)
        if (families[i] && strcmp(families[i], word) == 0)
            family = families[i];
    if (!family || (*group && number_parse(group, &number) < 0) || number < 0 || number > UINT32_MAX)
        return value_reject(at, "not a netlink family and group (route 5, kobject-uevent 1)");
    _cleanup_text_ struct text t = {};
    text_addf(&t, "%s %" PRIi64, family, number);
    char *s = text_take(&t);
    if (!s)
        return -ENOMEM;
    *ret = s;
    return 0;
}

static int parse_listen(const struct value_type *type, struct parse_at *at, const char *text,
                        union value *value) {
    int kind = name_index(listen_names, ELEMENTS(listen_names), at->directive);
    _cleanup_free_ char *expanded = NULL, *address = NULL;
    int r = value_expand(at, text, &expanded);
    if (r < 0)
        return r;
    switch (kind) {
    case LISTEN_STREAM:
    case LISTEN_DATAGRAM:
    case LISTEN_SEQPACKET:
        r = socket_address(at, expanded, &address);
        if (r >= 0 && kind == LISTEN_SEQPACKET && *address != '/' && *address != '@')
            r = value_reject(at, "such sockets are local (a path or @name)");
        break;
    case LISTEN_NETLINK:
        r = netlink_address(at, expanded, &address);
        break;
    case LISTEN_FIFO:
    case LISTEN_SPECIAL:
    case LISTEN_USB:
    case LISTEN_MQUEUE:
        r = value_path(at, expanded);
        value_modern_run(expanded);
        address = TAKE(expanded);
        break;
    default:
        r = value_reject(at, "not a kind of socket");
    }
    if (r < 0)
        return r;
    struct listen_address *item = add_item(&value->object, sizeof(*item));
    if (!item)
        return -ENOMEM;
    *item = (struct listen_address){ kind, TAKE(address) };
    return 0;
}

static void free_listen(union value *value) {
    struct listen_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++)
        free(list->items[i].text);
    free(list);
}

static void print_listen(const struct value_type *type, const union value *value, struct text *out) {
    const struct listen_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++)
        text_addf(out, "%s%s=%s", i ? "\n" : "", listen_names[list->items[i].kind], list->items[i].text);
}

const struct value_type type_listen = { "socket address",      .flags = TYPE_LIST,
                                        .parse = parse_listen, .free = free_listen,
                                        .print = print_listen, .equal = value_equal_printed };

/* --- [Timer] and [Path] --------------------------------------------------------------------------------- */

static const char *const timer_bases[TIMER_BASES] = {
    [TIMER_ACTIVE] = "OnActiveSec",
    [TIMER_BOOT] = "OnBootSec",
    [TIMER_STARTUP] = "OnStartupSec",
    [TIMER_UNIT_ACTIVE] = "OnUnitActiveSec",
    [TIMER_UNIT_INACTIVE] = "OnUnitInactiveSec",
    [TIMER_CALENDAR] = "OnCalendar",
};

const char *timer_base_to_string(enum timer_base base) {
    return base >= 0 && base < TIMER_BASES ? timer_bases[base] : NULL;
}

static int parse_timer(const struct value_type *type, struct parse_at *at, const char *text,
                       union value *value) {
    int base = name_index(timer_bases, TIMER_BASES, at->directive);
    _cleanup_free_ char *expanded = NULL;
    usec_t usec = 0;
    int r = base < 0 ? value_reject(at, "not a timer") : value_expand(at, text, &expanded);
    if (r < 0)
        return r;
    _cleanup_free_ char *normal = NULL;
    if (base == TIMER_CALENDAR) {
        _cleanup_calendar_ struct calendar calendar = {};
        r = calendar_parse(expanded, &calendar);
        if (r == -EINVAL)
            return value_reject(at, "not a calendar expression (daily, Mon..Fri *-*-* 18:00)");
        if (r >= 0)
            r = calendar_format(&calendar, &normal);
        if (r < 0)
            return r;
    } else if (timespan_parse(expanded, USEC_PER_SEC, &usec) < 0)
        return value_reject(at, "not a time span (5min 20s, 500ms)");
    struct timer_spec *item = add_item(&value->object, sizeof(*item));
    if (!item)
        return -ENOMEM;
    *item = (struct timer_spec){ base, usec, TAKE(normal) };
    return 0;
}

static void free_timers(union value *value) {
    struct timer_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++)
        free(list->items[i].calendar);
    free(list);
}

static void print_timers(const struct value_type *type, const union value *value, struct text *out) {
    const struct timer_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++) {
        const struct timer_spec *t = &list->items[i];
        char buffer[128];
        text_addf(out, "%s%s=%s", i ? "\n" : "", timer_bases[t->base],
                  t->calendar ?: timespan_format(t->usec, 1, buffer, sizeof(buffer)));
    }
}

const struct value_type type_timer = { "time span or calendar expression",
                                       .flags = TYPE_LIST,
                                       .parse = parse_timer,
                                       .free = free_timers,
                                       .print = print_timers,
                                       .equal = value_equal_printed };

static const char *const path_kinds[PATH_SPEC_KINDS] = {
    [PATH_EXISTS] = "PathExists",
    [PATH_EXISTS_GLOB] = "PathExistsGlob",
    [PATH_CHANGED] = "PathChanged",
    [PATH_MODIFIED] = "PathModified",
    [PATH_DIRECTORY_NOT_EMPTY] = "DirectoryNotEmpty",
};

const char *path_spec_kind_to_string(enum path_spec_kind kind) {
    return kind >= 0 && kind < PATH_SPEC_KINDS ? path_kinds[kind] : NULL;
}

static int parse_path_spec(const struct value_type *type, struct parse_at *at, const char *text,
                           union value *value) {
    int kind = name_index(path_kinds, PATH_SPEC_KINDS, at->directive);
    _cleanup_free_ char *path = NULL;
    int r = kind < 0 ? value_reject(at, "not a kind of path") : value_expand(at, text, &path);
    if (r >= 0)
        r = value_path(at, path);
    if (r < 0)
        return r;
    struct path_spec *item = add_item(&value->object, sizeof(*item));
    if (!item)
        return -ENOMEM;
    *item = (struct path_spec){ kind, TAKE(path) };
    return 0;
}

static void free_path_specs(union value *value) {
    struct path_spec_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++)
        free(list->items[i].path);
    free(list);
}

static void print_path_specs(const struct value_type *type, const union value *value, struct text *out) {
    const struct path_spec_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++)
        text_addf(out, "%s%s=%s", i ? "\n" : "", path_kinds[list->items[i].kind], list->items[i].path);
}

const struct value_type type_path_spec = { "path to watch",           .flags = TYPE_LIST,
                                           .parse = parse_path_spec,  .free = free_path_specs,
                                           .print = print_path_specs, .equal = value_equal_printed };

/* --- exit status sets ----------------------------------------------------------------------------------- */

static int parse_status_set(const struct value_type *type, struct parse_at *at, const char *text,
                            union value *value) {
    struct exit_status_set set = {};
    _cleanup_text_ struct text left_out = {};
    if (value->object)
        set = *(struct exit_status_set *)value->object;
    for (;;) {
        _cleanup_free_ char *word = NULL;
        int r = word_next(&text, &word, NULL, 0);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        int status = exit_status_from_string(word), signal = status < 0 ? signal_from_string(word) : -1;
        if (status >= 0)
            set.status[status / 64] |= UINT64_C(1) << (status % 64);
        else if (signal > 0 && signal < 64)
            set.signal |= UINT64_C(1) << signal;
        else
            text_addf(&left_out, "%s'%.100s': neither an exit status nor a signal",
                      left_out.len > 0 ? "; " : "", word);
    }
    if (!value->object && !(value->object = malloc(sizeof(set))))
        return -ENOMEM;
    *(struct exit_status_set *)value->object = set;
    text_add(&at->why, left_out.s);
    return 0;
}

static void free_object(union value *value) {
    free(value->object);
}

static void print_status_set(const struct value_type *type, const union value *value, struct text *out) {
    const char *between = "";
    for (int status = 0; status < 256; status++)
        if (exit_status_set_has(value->object, status)) {
            text_addf(out, "%s%d", between, status);
            between = " ";
        }
    for (int signal = 1; signal < 64; signal++)
        if (exit_status_set_has_signal(value->object, signal) && signal_to_string(signal)) {
            text_addf(out, "%sSIG%s", between, signal_to_string(signal));
            between = " ";
        }
}

const struct value_type type_exit_status_set = { "exit statuses and signals", .flags = TYPE_LIST,
                                                 .parse = parse_status_set,   .free = free_object,
                                                 .print = print_status_set,   .equal = value_equal_printed };

/* --- limits --------------------------------------------------------------------------------------------- */

/* What the kernel takes for infinity has to be called so. */
static int limit_size(const char *s, uint64_t *ret) {
    int r = size_parse(s, 1024, ret);
    return r >= 0 && *ret == UINT64_MAX ? -ERANGE : r;
}

static int limit_seconds(const char *s, uint64_t *ret) {
    usec_t usec;
    int r = timespan_parse(s, USEC_PER_SEC, &usec);
    if (r >= 0)
        *ret = usec == USEC_INFINITY ? UINT64_MAX : usec / USEC_PER_SEC + (usec % USEC_PER_SEC > 0);
    return r;
}

static int limit_microseconds(const char *s, uint64_t *ret) {
    return timespan_parse(s, 1, ret);
}

static int limit_count(const char *s, uint64_t *ret) {
    int64_t n;
    int r = number_parse(s, &n);
    if (r >= 0 && n >= 0)
        *ret = (uint64_t)n;
    return r < 0 ? r : n < 0 ? -ERANGE : 0;
}

/* "-5", "+5": a nice level; "25": the kernel's own count, 20 minus the level. */
static int limit_nice(const char *s, uint64_t *ret) {
    int64_t level;
    if (*s != '+' && *s != '-')
        return limit_count(s, ret) < 0 || *ret > 40 ? -EINVAL : 0;
    if (int64_parse(s, &level) < 0 || level < -20 || level > 19)
        return -EINVAL;
    *ret = (uint64_t)(20 - level);
    return 0;
}

static int parse_limit(const struct value_type *type, struct parse_at *at, const char *text,
                       union value *value) {
    int (*parse_one)(const char *s, uint64_t *ret) = type->data;
    struct rlimit_pair pair;
    size_t n = strcspn(text, ":");
    /* "soft:hard", and as in systemd nothing but another colon may follow. */
    size_t n_hard = text[n] ? strlen(text + n + 1) : 0;
    if (n_hard > 1 && text[n + n_hard] == ':')
        n_hard--;
    _cleanup_free_ char *soft_text = strndup(text, n),
                        *hard_text = text[n] ? strndup(text + n + 1, n_hard) : strdup(text);
    if (!soft_text || !hard_text)
        return -ENOMEM;
    bool infinity = parse_one != limit_nice; /* niceness has an end */
    if (infinity && strcmp(soft_text, "infinity") == 0)
        pair.soft = UINT64_MAX;
    else if (parse_one(soft_text, &pair.soft) < 0)
        return value_reject(at, "not a limit (a value, infinity, or soft:hard)");
    if (infinity && strcmp(hard_text, "infinity") == 0)
        pair.hard = UINT64_MAX;
    else if (parse_one(hard_text, &pair.hard) < 0)
        return value_reject(at, "not a limit (a value, infinity, or soft:hard)");
    if (pair.soft > pair.hard)
        return value_reject(at, "soft limit above the hard limit");
    if (!value->object && !(value->object = malloc(sizeof(pair))))
        return -ENOMEM;
    *(struct rlimit_pair *)value->object = pair;
    return 0;
}

static void print_one_limit(uint64_t limit, struct text *out) {
    if (limit == UINT64_MAX)
        text_add(out, "infinity");
    else
        text_addf(out, "%" PRIu64, limit);
}

static void print_limit(const struct value_type *type, const union value *value, struct text *out) {
    const struct rlimit_pair *pair = value->object;
    if (!pair)
        return;
    print_one_limit(pair->soft, out);
    if (pair->hard != pair->soft) {
        text_add_char(out, ':');
        print_one_limit(pair->hard, out);
    }
}

#define LIMIT(type, title, parse_one)                                                                        \
    const struct value_type type_##type = { title,                                                           \
                                            .flags = TYPE_KEEPS,                                             \
                                            .data = parse_one,                                               \
                                            .parse = parse_limit,                                            \
                                            .free = free_object,                                             \
                                            .print = print_limit,                                            \
                                            .equal = value_equal_printed }
LIMIT(limit_count, "limit", limit_count);
LIMIT(limit_size, "limit in bytes", limit_size);
LIMIT(limit_seconds, "limit in seconds", limit_seconds);
LIMIT(limit_microseconds, "limit in microseconds", limit_microseconds);
LIMIT(limit_nice, "limit of niceness", limit_nice);
