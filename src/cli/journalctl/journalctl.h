/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the journalctl applet share: the command line, and what each of its actions does. journalctl(1). It
 * knows journal files through journal/read.h and the log process through its socket; nothing of the manager. */
#pragma once

#include "base/text.h"
#include "cli/journalctl/print.h"
#include "cli/terminal.h"
#include "journal/read.h"

enum action {
    SHOW,
    LIST_BOOTS,
    LIST_FIELDS,
    LIST_VALUES,
    PRINT_HEADER,
    DISK_USAGE,
    VERIFY,
    VACUUM,
    ROTATE,
    FLUSH,
    SYNC,
    RELINQUISH,
    NO_CATALOG,
    UPDATE_CATALOG,
    NO_KEYS,
    NO_NAMESPACE,
    NO_MACHINES
};

struct jctl {
    enum action action;
    /* which files */
    const char *directory, *root;
    char **files;
    bool system, user, merge;
    /* which entries */
    char **units, **user_units, **identifiers, **excluded;
    unsigned priorities; /* bit per level; 0: any */
    uint32_t facilities; /* bit per facility; 0: any */
    bool dmesg;
    bool boot;           /* of one boot: */
    struct id128 boot_id; /* null: by number */
    int boot_offset;
    const char *since_text, *until_text, *cursor, *after_cursor, *cursor_file, *pattern;
    usec_t since, until;
    int case_sensitive; /* -1: if the pattern has upper case */
    struct regex *regex;
    /* how many, and how */
    int64_t lines; /* LINES_ALL, LINES_DEFAULT */
    bool oldest; /* the first ones */
    bool reverse, follow, no_tail, to_end, quiet, show_cursor, no_pager;
    struct print_options print;
    /* actions */
    const char *field;
    uint64_t vacuum_size, vacuum_files;
    usec_t vacuum_time;
    bool rotate;
};
#define LINES_ALL (-1)
#define LINES_DEFAULT (-2)
extern struct jctl jctl;

/* "-1", "+2", "ID", "ID-1", "all" (*boot: false). -EINVAL. */
int boot_parse(const char *s, bool *boot, struct id128 *id, int *offset);
/* The matches of all options, and of the words behind them. 0, or an exit status + 1: said. */
int select_entries(struct reader *r, char **words);
int list_boots(struct reader *r);
/* The boot that -b means. 0 or an exit status + 1. */
int find_boot(struct reader *r, struct id128 *ret);
int show(struct reader *r);
/* files.c: what is done with files instead of showing entries. Exit statuses. */
int list_fields(struct reader *r);
int list_values(struct reader *r, const char *field);
int print_headers(struct reader *r);
int disk_usage(struct reader *r);
int verify_files(struct reader *r);
int vacuum_files(struct reader *r);
/* Calls a method of the log process: "Rotate". An exit status. */
int call_log_process(const char *method);
/* Output goes through a pager if it is for a person and one is there. 0: no. */
void pager_open(void);
void pager_close(void);
