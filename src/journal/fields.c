/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/fields.h"
#include "base/fd.h"
#include "base/scan.h"
#include "base/text.h"
#include "journal/parse.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define SET_MAX 64
#define FIELD_NAME_MAX 64
/* A command line may be as long as memory; the journal needs less. */
#define CMDLINE_MAX 4096

/* --- sets --- */
struct builder {
    struct text text;
    size_t n, starts[SET_MAX + 1];
};

static void end_field(struct builder *b) {
    if (b->n < SET_MAX)
        b->starts[++b->n] = b->text.len;
    else
        b->text.len = b->starts[b->n];
}

static void add(struct builder *b, const char *name, const char *value) {
    if (!value || !*value)
        return;
    text_addf(&b->text, "%s=%s", name, value);
    end_field(b);
}

static void add_number(struct builder *b, const char *name, unsigned long value) {
    char number[24];
    snprintf(number, sizeof(number), "%lu", value);
    add(b, name, number);
}

/* A file of /proc/PID, at most `size` - 1 bytes. */
static ssize_t read_proc(pid_t pid, const char *file, char *buffer, size_t size) {
    char path[48];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buffer, size - 1);
    if (n >= 0)
        buffer[n] = 0;
    return n;
}

static void add_cmdline(struct builder *b, pid_t pid) {
    char line[CMDLINE_MAX];
    ssize_t n = read_proc(pid, "cmdline", line, sizeof(line));
    while (n > 0 && line[n - 1] == 0)
        n--;
    if (n <= 0)
        return;
    for (ssize_t i = 0; i < n; i++)
        if (line[i] == 0 || line[i] == '\n')
            line[i] = ' ';
    line[n] = 0;
    add(b, "_CMDLINE", line);
}

/* The value of a line "Name:\tvalue" of /proc/PID/status. */
static const char *status_value(const char *status, const char *name) {
    const char *at = strstr(status, name);
    return at ? at + strlen(name) + strspn(at + strlen(name), "\t ") : NULL;
}

/* Does the process still run our own program, because it has not executed another yet? */
static bool is_ours(pid_t pid) {
    char path[48];
    struct stat a, b;
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    return stat(path, &a) >= 0 && stat("/proc/self/exe", &b) >= 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void add_process(struct builder *b, const struct set_request *q) {
    char buffer[4096], path[48];
    pid_t pid = q->pid;
    add_number(b, "_PID", (unsigned long)pid);
    uid_t uid = q->uid;
    gid_t gid = q->gid;
    const char *capabilities = NULL;
    bool known = !q->started_by_us || !is_ours(pid);
    if (known && read_proc(pid, "status", buffer, sizeof(buffer)) > 0) {
        const char *at;
        uint64_t n;
        if (uid == (uid_t)-1 && (at = status_value(buffer, "\nUid:")) && scan_u64(&at, &n))
            uid = (uid_t)n;
        if (gid == (gid_t)-1 && (at = status_value(buffer, "\nGid:")) && scan_u64(&at, &n))
            gid = (gid_t)n;
        capabilities = status_value(buffer, "\nCapEff:");
    }
    if (uid != (uid_t)-1)
        add_number(b, "_UID", uid);
    if (gid != (gid_t)-1)
        add_number(b, "_GID", gid);
    if (!known)
        return;
    if (capabilities) {
        char *end = (char *)capabilities + strcspn(capabilities, "\n");
        *end = 0;
        capabilities += MIN(strspn(capabilities, "0"), strlen(capabilities) - 1);
        add(b, "_CAP_EFFECTIVE", capabilities);
    }
    if (read_proc(pid, "comm", buffer, sizeof(buffer)) > 0) {
        buffer[strcspn(buffer, "\n")] = 0;
        add(b, "_COMM", buffer);
    }
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    ssize_t n = readlink(path, buffer, sizeof(buffer) - 1);
    if (n > 0) {
        buffer[n] = 0;
        add(b, "_EXE", buffer);
    }
    add_cmdline(b, pid);
}

/* What PID 1 tells may begin with an underscore. */
static void add_lines(struct builder *b, const char *lines) {
    while (lines && *lines) {
        size_t n = strcspn(lines, "\n");
        const char *equals = memchr(lines, '=', n);
        size_t skip = lines[0] == '_';
        if (equals && (size_t)(equals - lines) > skip &&
            field_name_valid(lines + skip, (size_t)(equals - lines) - skip)) {
            text_add_n(&b->text, lines, n);
            end_field(b);
        }
        lines += n + (lines[n] == '\n');
    }
}

struct entry_set *entry_set_new(const struct set_request *q) {
    struct builder b = {};
    _cleanup_text_ struct text text = {};
    if (q->stream) {
        char id[40];
        snprintf(id, sizeof(id), "%032" PRIx64, q->stream);
        add(&b, "_STREAM_ID", id);
    }
    add(&b, "SYSLOG_IDENTIFIER", q->identifier);
    if (q->pid > 0)
        add_process(&b, q);
    else {
        if (q->uid != (uid_t)-1)
            add_number(&b, "_UID", q->uid);
        if (q->gid != (gid_t)-1)
            add_number(&b, "_GID", q->gid);
    }
    add(&b, "_SYSTEMD_UNIT", q->unit);
    if (!id128_is_null(q->invocation)) {
        char id[33];
        add(&b, "_SYSTEMD_INVOCATION_ID", id128_to_string(q->invocation, id));
    }
    add_lines(&b, q->fields);
    text = b.text;
    struct entry_set *set =
        b.text.failed ? NULL : malloc(sizeof(*set) + b.n * sizeof(set->items[0]) + b.text.len + 1);
    if (!set)
        return NULL;
    char *copy = (char *)&set->items[b.n];
    memcpy(copy, text_str(&text), b.text.len);
    set->n = b.n;
    for (size_t i = 0; i < b.n; i++) {
        set->items[i].text = copy + b.starts[i];
        set->items[i].size = b.starts[i + 1] - b.starts[i];
        set->items[i].ref = (struct journal_ref){};
    }
    return set;
}

/* --- one entry --- */
bool field_name_valid(const char *name, size_t size) {
    if (size == 0 || size > FIELD_NAME_MAX || name[0] == '_' || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!((name[i] >= 'A' && name[i] <= 'Z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '_'))
            return false;
    return true;
}

static struct journal_item *more(struct item_list *l) {
    return l->n < JOURNAL_ITEMS_MAX ? &l->items[l->n++] : NULL;
}

void items_add_ref(struct item_list *l, const char *field, size_t size, struct journal_ref *ref) {
    struct journal_item *item = more(l);
    if (item)
        *item = (struct journal_item){ .value = field, .size = size, .ref = ref };
}

void items_add_copy(struct item_list *l, char **at, const char *field, size_t size, struct journal_ref *ref) {
    if (size > (size_t)(l->text + sizeof(l->text) - *at))
        return;
    memcpy(*at, field, size);
    items_add_ref(l, *at, size, ref);
    *at += size;
}

static void add_pair(struct item_list *l, const char *name, const char *value, size_t size) {
    struct journal_item *item = more(l);
    if (item)
        *item = (struct journal_item){ .name = name, .name_size = strlen(name), .value = value, .size = size };
}

static void add_value(struct item_list *l, char **at, const char *name, unsigned long long value) {
    char field[64];
    int n = snprintf(field, sizeof(field), "%s=%llu", name, value);
    items_add_copy(l, at, field, (size_t)n, NULL);
}

/* What a client sent, as it came; of the manager's, names with an underscore too. */
static void add_fields(const struct entry *e, struct item_list *l) {
    struct bytes rest = { e->fields, e->fields_size }, name, value;
    while (l->n < JOURNAL_ITEMS_MAX - SET_MAX && parse_native_field(&rest, &name, &value) > 0) {
        size_t skip = e->transport != ENTRY_NATIVE && name.n > 0 && name.p[0] == '_';
        struct journal_item *item = field_name_valid(name.p + skip, name.n - skip) ? more(l) : NULL;
        if (item)
            *item = (struct journal_item){ .name = name.p, .name_size = name.n, .value = value.p, .size = value.n };
    }
}

void entry_items(const struct entry *e, struct item_list *l, char **at) {
    if (e->fields)
        add_fields(e, l);
    if (e->message && e->transport != ENTRY_NATIVE)
        add_pair(l, "MESSAGE", e->message, e->size);
    for (size_t i = 0; e->set && i < e->set->n; i++)
        items_add_ref(l, e->set->items[i].text, e->set->items[i].size, &e->set->items[i].ref);
    if (e->line_break)
        add_pair(l, "_LINE_BREAK", e->line_break, strlen(e->line_break));
    if (e->transport == ENTRY_SYSLOG) {
        if (e->identifier && e->named)
            add_pair(l, "SYSLOG_IDENTIFIER", e->identifier, strlen(e->identifier));
        if (e->pid > 0 && e->named)
            add_value(l, at, "SYSLOG_PID", (unsigned)e->pid);
        if (e->raw_time)
            add_pair(l, "SYSLOG_TIMESTAMP", e->raw_time, e->raw_time_size);
    }
    if (e->message_id && e->transport == ENTRY_MANAGER)
        add_pair(l, "MESSAGE_ID", e->message_id, strlen(e->message_id));
    if (e->unit && e->transport == ENTRY_MANAGER)
        add_pair(l, "UNIT", e->unit, strlen(e->unit));
    if (e->source_time > 0)
        add_value(l, at, "_SOURCE_REALTIME_TIMESTAMP", e->source_time);
}
