/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the tmpfiles applet share. tmpfiles.d(5), systemd-tmpfiles(8).
 *
 * Trust: configuration is root's, but the directories it speaks of may be anybody's. So every path is walked
 * component by component with descriptors, no step follows a symlink that somebody else could have placed,
 * and what recurses stays on one mount. */
#pragma once

#include "base/clock.h"
#include "base/macro.h"
#include <sys/stat.h>
#include <sys/types.h>

enum item_flags {
    ITEM_BOOT = 1 << 0,       /* !: only with --boot */
    ITEM_FORCE = 1 << 1,      /* +: replace, append, merge */
    ITEM_MAY_FAIL = 1 << 2,   /* -: failing is not an error */
    ITEM_REPLACE = 1 << 3,    /* =: what is of another kind gives way */
    ITEM_BASE64 = 1 << 4,     /* ~ */
    ITEM_CREDENTIAL = 1 << 5, /* ^ */
    ITEM_IF_TARGET = 1 << 6,  /* L?: only if the target exists */
    ITEM_PURGE = 1 << 7,      /* $: for --purge */
    ITEM_MODE_SET = 1 << 8,
    ITEM_MODE_MASKED = 1 << 9, /* ~MODE: what nobody had before stays taken away */
    ITEM_MODE_NEW = 1 << 10,   /* :MODE: only for what we make */
    ITEM_UID_SET = 1 << 11,
    ITEM_UID_NEW = 1 << 12,
    ITEM_GID_SET = 1 << 13,
    ITEM_GID_NEW = 1 << 14,
    ITEM_AGE_SET = 1 << 15,
    ITEM_KEEP_FIRST = 1 << 16, /* ~AGE: the first level stays */
};

enum age_by {
    AGE_ATIME = 1 << 0,
    AGE_BTIME = 1 << 1,
    AGE_CTIME = 1 << 2,
    AGE_MTIME = 1 << 3,
};

struct item {
    char type; /* the letter; F comes as f with ITEM_FORCE, m as z */
    unsigned flags;
    char *path; /* absolute, normalized, without the root directory */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    usec_t age;
    unsigned age_file, age_directory; /* enum age_by */
    char *argument;                   /* NULL: none; may contain NUL bytes after base64 */
    size_t argument_size;
    char *file; /* where it was read, for messages */
    unsigned line;
    size_t order;
};
void item_done(struct item *item);

struct tmpfiles {
    const char *root; /* "" or without trailing slash */
    bool create, clean, remove, boot, graceful, dry_run, purge;
    char **prefixes, **excluded;
    struct item *items;
    size_t n, room;
    bool bad_config, failed; /* → exit status 65, 73 */
    bool said_read_only, said_not_permitted;
    unsigned skipped;    /* lines about what is not supported */
    unsigned unresolved; /* lines with a specifier that has no value here */
};

/* --- parse.c */
/* Reads one line, which it may change. 1: *ret is filled; 0: nothing to do here (comment, credential not
 * given); -EINVAL with *why static or NULL; -ESRCH: unknown user or group; -EUNATCH: a specifier has no
 * value, as %m in an image without a machine id; -ENOMEM. */
int tmpfiles_parse_line(const struct tmpfiles *t, char *line, struct item *ret, const char **why);
/* Takes patterns? */
bool item_is_glob(const struct item *item);
/* Does it make or own what lies at its path? Two such lines for one path must agree. */
bool item_owns(const struct item *item);

/* --- config.c */
/* Reads the named files (a base name is looked for in the directories, "-" is stdin) or all of them, sorts
 * the items. */
int tmpfiles_read(struct tmpfiles *t, char *const *files);
/* Says what is wrong with an item: "file:line: …". Level is a syslog level; failing marks t. */
void tmpfiles_fail(struct tmpfiles *t, const struct item *item, int error, const char *what,
                   const char *path);

/* --- walk.c */
/* Opens the directory that `path` lies in; *name becomes its last component (borrowed from a buffer that the
 * caller frees). Missing directories are made with mode 0755 if `make`. -ENOENT, -ENOTDIR, -ELOOP, -ENOLINK:
 * a step that somebody unprivileged could have bent. `path` "/" gives the root directory and ".". */
int walk_parent(const struct tmpfiles *t, const char *path, bool make, int *ret_fd, char **name);
/* Opens (O_PATH) what lies at path, not following a last symlink. */
int walk_open(const struct tmpfiles *t, const char *path, int *ret_fd, struct stat *st);
/* The same, following a last symlink as safely as the others. */
int walk_open_follow(const struct tmpfiles *t, const char *path, int *ret_fd, struct stat *st);
/* "/proc/self/fd/N", for calls that take no O_PATH descriptor. */
struct fd_path {
    char text[32];
};
const char *fd_path(int fd, struct fd_path *buffer);
/* Is it another mount than its parent directory? `dev`: the parent's. */
bool is_mount_point(int directory, const char *name, dev_t dev);

/* --- create.c */
int tmpfiles_create(struct tmpfiles *t, const struct item *item);
/* Owner, group and mode of an O_PATH descriptor as the item wants them. `created`: we made it. */
int tmpfiles_set_permissions(struct tmpfiles *t, const struct item *item, int fd, const char *path,
                             bool created);
/* copy.c: a file or tree, into a directory. */
int tmpfiles_copy(struct tmpfiles *t, const struct item *item, int source, int directory, const char *name);

/* --- remove.c */
int tmpfiles_remove(struct tmpfiles *t, const struct item *item);
/* Everything below `name`, and itself unless `keep_top`; not into other mounts. */
int remove_tree_at(int directory, const char *name, bool keep_top, dev_t dev, int depth);

/* --- clean.c */
int tmpfiles_clean(struct tmpfiles *t, const struct item *item);
/* For types that take patterns: calls `f` for each match (paths without the root); else once. */
int tmpfiles_for_each(struct tmpfiles *t, const struct item *item,
                      int (*f)(struct tmpfiles *t, const struct item *item, const char *path));
