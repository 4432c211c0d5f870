/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/config.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scan.h"
#include "base/strv.h"
#include "journal/console.h"
#include "syntax/lines.h"
#include "syntax/timespan.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX (1024 * 1024)
#define COMPRESS_FROM 512
#define LINE_MAX_DEFAULT (48 * 1024)
#define LINE_MAX_MIN 79

/* --- values --- */
static int parse_boolean(const char *s, uint64_t *ret) {
    static const char *const words[] = { "no", "yes", "0", "1", "false", "true", "off", "on", "n", "y", "f", "t" };
    for (size_t i = 0; i < ELEMENTS(words); i++)
        if (strcasecmp(s, words[i]) == 0) {
            *ret = i % 2;
            return 0;
        }
    return -EINVAL;
}

static int parse_size(const char *s, uint64_t *ret) {
    static const char units[] = "KMGTPE";
    uint64_t n;
    const char *unit;
    if (!scan_u64(&s, &n))
        return -EINVAL;
    if (*s && (unit = strchr(units, *s))) {
        unsigned shift = 10 * (unsigned)(unit - units + 1);
        if (n > UINT64_MAX >> shift)
            return -ERANGE;
        n <<= shift;
        s++;
    }
    if (*s == 'B')
        s++;
    if (*s)
        return -EINVAL;
    *ret = n;
    return 0;
}

static int parse_number(const char *s, uint64_t *ret) {
    uint64_t n;
    if (!scan_u64(&s, &n) || *s)
        return -EINVAL;
    *ret = n;
    return 0;
}

static int parse_span(const char *s, uint64_t *ret) {
    return timespan_parse(s, USEC_PER_SEC, ret);
}

static int parse_level(const char *s, uint64_t *ret) {
    int level = log_level_from_string(s);
    if (level < 0)
        return -EINVAL;
    *ret = (uint64_t)level;
    return 0;
}

static int parse_word(const char *s, const char *const *words, size_t n, uint64_t *ret) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(s, words[i]) == 0) {
            *ret = i;
            return 0;
        }
    return -EINVAL;
}

static int parse_storage(const char *s, uint64_t *ret) {
    static const char *const words[] = { "auto", "volatile", "persistent", "none" };
    return parse_word(s, words, ELEMENTS(words), ret);
}

static int parse_split(const char *s, uint64_t *ret) {
    static const char *const words[] = { "uid", "none" };
    return parse_word(s, words, ELEMENTS(words), ret);
}

/* Yes, no, or from which size on. */
static int parse_compress(const char *s, uint64_t *ret) {
    uint64_t n;
    if (strcmp(s, "1") != 0 && parse_size(s, &n) >= 0) {
        *ret = n == 0 ? 0 : MAX(n, (uint64_t)8);
        return 0;
    }
    int r = parse_boolean(s, &n);
    if (r >= 0)
        *ret = n ? COMPRESS_FROM : 0;
    return r;
}

static int parse_line_max(const char *s, uint64_t *ret) {
    uint64_t n;
    int r = parse_size(s, &n);
    if (r >= 0)
        *ret = n == 0 || n > LINE_MAX_DEFAULT ? LINE_MAX_DEFAULT : MAX(n, (uint64_t)LINE_MAX_MIN);
    return r;
}

static int parse_console_format(const char *s, uint64_t *ret) {
    int format = console_format_from_string(s);
    if (format < 0)
        return format;
    *ret = (uint64_t)format;
    return 0;
}

/* --- settings --- */
#define SIZE "a size such as 64M"
#define SPAN "a time span such as 1h"
#define BOOL "yes or no"
#define LEVEL "a level, emerg to debug"
#define SETTING(name, kind, field, wanted) { name, parse_##kind, offsetof(struct log_config, field), wanted, false, 0 }
#define IGNORED(name) { name, NULL, 0, NULL, false, 0 }
#define OWN(name, kind, field, wanted) { name, parse_##kind, offsetof(struct log_config, field), wanted, true, 0 }
#define OWN_TEXT(name, field)                                                                                          \
    { name, NULL, offsetof(struct log_config, field), "at most 255 bytes", true, LOG_CONFIG_TEXT }
static const struct setting {
    const char *name;
    int (*parse)(const char *s, uint64_t *ret); /* NULL, of a number: known, and of no effect here */
    size_t at;
    const char *wanted;
    bool own;    /* of the section [X-Reeve] */
    size_t text; /* bytes there; 0: a number */
} settings[] = {
    SETTING("Storage", storage, storage, "one of auto, volatile, persistent, none"),
    SETTING("Compress", compress, compress_from, "yes, no or a size"),
    SETTING("SplitMode", split, split, "one of uid, none"),
    SETTING("SystemMaxUse", size, persistent.max_use, SIZE),
    SETTING("SystemKeepFree", size, persistent.keep_free, SIZE),
    SETTING("SystemMaxFileSize", size, persistent.max_file_size, SIZE),
    SETTING("SystemMaxFiles", number, persistent.max_files, "a number"),
    SETTING("RuntimeMaxUse", size, runtime.max_use, SIZE),
    SETTING("RuntimeKeepFree", size, runtime.keep_free, SIZE),
    SETTING("RuntimeMaxFileSize", size, runtime.max_file_size, SIZE),
    SETTING("RuntimeMaxFiles", number, runtime.max_files, "a number"),
    SETTING("MaxRetentionSec", span, max_retention, SPAN),
    SETTING("MaxFileSec", span, max_file, SPAN),
    SETTING("SyncIntervalSec", span, sync_interval, SPAN),
    SETTING("RateLimitIntervalSec", span, rate_interval, SPAN),
    SETTING("RateLimitInterval", span, rate_interval, SPAN),
    SETTING("RateLimitBurst", number, rate_burst, "a number"),
    SETTING("LineMax", line_max, line_max, SIZE),
    SETTING("ForwardToSyslog", boolean, forward_to_syslog, BOOL),
    SETTING("ForwardToConsole", boolean, forward_to_console, BOOL),
    SETTING("ReadKMsg", boolean, read_kmsg, BOOL),
    SETTING("MaxLevelStore", level, max_level_store, LEVEL),
    SETTING("MaxLevelSyslog", level, max_level_syslog, LEVEL),
    SETTING("MaxLevelSocket", level, max_level_socket, LEVEL),
    { "ForwardToSocket", NULL, offsetof(struct log_config, socket), "at most 255 bytes", false, LOG_CONFIG_TEXT },
    SETTING("MaxLevelConsole", level, max_level_console, LEVEL),
    IGNORED("Seal"),
    IGNORED("Audit"),
    IGNORED("ForwardToKMsg"),
    IGNORED("ForwardToWall"),
    IGNORED("MaxLevelKMsg"),
    IGNORED("MaxLevelWall"),
    IGNORED("TTYPath"),
    OWN("ConsoleFormat", console_format, console_format, CONSOLE_FORMAT_NAMES),
    OWN_TEXT("ConsoleUnits", console_units),
    OWN_TEXT("ForwardToServer", server),
};

struct parsing {
    struct log_config *config, defaults;
    void (*complain)(void *userdata, unsigned line, const char *why);
    void *userdata;
};

static int assign(void *userdata, unsigned line, const char *section, const char *name, const char *value) {
    struct parsing *p = userdata;
    char why[256];
    bool own = strcmp(section, "X-Reeve") == 0;
    if (!own && strcmp(section, "Journal") != 0)
        return 0;
    for (size_t i = 0; i < ELEMENTS(settings); i++) {
        const struct setting *s = &settings[i];
        if (s->own != own || strcmp(name, s->name) != 0)
            continue;
        if (!s->parse && !s->text)
            return 0;
        if (s->text && strlen(value) < s->text)
            strcpy((char *)p->config + s->at, value);
        else if (s->text)
            goto refuse;
        else if (!*value)
            memcpy((char *)p->config + s->at, (char *)&p->defaults + s->at, sizeof(uint64_t));
        else if (s->parse(value, (uint64_t *)((char *)p->config + s->at)) < 0)
            goto refuse;
        return 0;
    refuse:
        snprintf(why, sizeof(why), "%s=%.64s: not %s", name, value, s->wanted);
        p->complain(p->userdata, line, why);
        return 0;
    }
    snprintf(why, sizeof(why), "%.64s= is not known", name);
    p->complain(p->userdata, line, why);
    return 0;
}

static void malformed(void *userdata, unsigned line, const char *why) {
    struct parsing *p = userdata;
    p->complain(p->userdata, line, why);
}

void log_config_defaults(struct log_config *config) {
    *config = (struct log_config){
        .compress_from = COMPRESS_FROM,
        .persistent = { UINT64_MAX, UINT64_MAX, UINT64_MAX, 100 },
        .runtime = { UINT64_MAX, UINT64_MAX, UINT64_MAX, 100 },
        .max_file = 30 * 24 * 3600 * USEC_PER_SEC,
        .sync_interval = 300 * USEC_PER_SEC,
        .line_max = LINE_MAX_DEFAULT,
        .forward_to_syslog = true,
        .forward_to_console = true,
        .read_kmsg = true,
        .max_level_store = LOG_DEBUG,
        .max_level_syslog = LOG_DEBUG,
        .max_level_console = LOG_DEBUG,
        .max_level_socket = LOG_DEBUG,
    };
}

void log_config_parse(struct log_config *config, const char *text, size_t size,
                      void (*complain)(void *userdata, unsigned line, const char *why), void *userdata) {
    static const struct line_handler handler = { assign, malformed };
    struct parsing p = { .config = config, .complain = complain, .userdata = userdata };
    log_config_defaults(&p.defaults);
    (void)lines_read(text, size, &handler, &p);
}

/* --- files --- */
struct reading {
    const char *file;
    void (*complain)(void *userdata, const char *text);
    void *userdata;
};

static void complain_with_file(void *userdata, unsigned line, const char *why) {
    struct reading *r = userdata;
    char text[2048];
    snprintf(text, sizeof(text), "%.1024s:%u: %s", r->file, line, why);
    r->complain(r->userdata, text);
}

static void read_one(struct log_config *config, struct reading *r) {
    _cleanup_free_ char *text = NULL;
    size_t size;
    int e = file_read(r->file, FILE_MAX, &text, &size);
    if (e >= 0)
        log_config_parse(config, text, size, complain_with_file, r);
    else if (e != -ENOENT)
        complain_with_file(r, 0, strerror(-e));
}

static const char *const directories[] = { "/etc", "/run", "/usr/local/lib", "/usr/lib" };

/* The names in all drop-in directories, sorted, each once. */
static char **dropin_names(const char *root) {
    char **names = NULL;
    for (size_t i = 0; i < ELEMENTS(directories); i++) {
        char path[1024];
        snprintf(path, sizeof(path), "%s%s/systemd/journald.conf.d", root, directories[i]);
        DIR *d = opendir(path);
        for (struct dirent *e; d && (e = readdir(d));) {
            size_t n = strlen(e->d_name);
            if (n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0 && e->d_name[0] != '.' &&
                !strv_contains(names, e->d_name))
                (void)strv_add(&names, e->d_name);
        }
        if (d)
            closedir(d);
    }
    strv_sort(names);
    return names;
}

/* The file of this name in the directory that comes first. */
static void read_first(struct log_config *config, const char *root, const char *name, struct reading *r) {
    char path[1024];
    for (size_t i = 0; i < ELEMENTS(directories); i++) {
        snprintf(path, sizeof(path), "%s%s/systemd/%s", root, directories[i], name);
        if (access(path, F_OK) < 0)
            continue;
        r->file = path;
        read_one(config, r);
        return;
    }
}

void log_config_read(struct log_config *config, const char *root, void (*complain)(void *userdata, const char *text),
                     void *userdata) {
    struct reading r = { NULL, complain, userdata };
    read_first(config, root, "journald.conf", &r);
    _cleanup_strv_ char **names = dropin_names(root);
    STRV_FOREACH(name, names) {
        char path[512];
        snprintf(path, sizeof(path), "journald.conf.d/%s", *name);
        read_first(config, root, path, &r);
    }
}
