/* SPDX-License-Identifier: Apache-2.0 */
/* One command with a first process over it: `reeve run`, and tini, dumb-init and catatonit with the options and habits
 * of those names. Knows no units, allocates nothing, reads no file. man/reeve.8 "ONE COMMAND". */
#pragma once

#include "base/macro.h"

/* Whose options and habits: the name it was called by. */
enum one_style { ONE_REEVE, ONE_TINI, ONE_DUMB_INIT, ONE_CATATONIT, ONE_STYLES };

#define ONE_SIGNALS 65 /* 1 to 64 */

struct one_options {
    const char *name;      /* for messages */
    char *const *command;  /* borrowed from argv; NULL with `pause` */
    bool subreaper;        /* adopt orphans where we are not PID 1 */
    bool group;            /* signals go to the command's process group, not to itself alone */
    bool session;          /* the command gets a session of its own, not only a process group */
    bool end_group;        /* when it ends, what is left of its group gets SIGTERM */
    bool wait_all;         /* end only when the last descendant has */
    bool pause;            /* no command: reap until SIGTERM or SIGINT */
    bool warn_reaped;
    int verbosity;         /* 1: what is wrong; 2: what is done; 3: every signal and process */
    int parent_death;      /* signal to get when our parent dies; 0: none */
    int not_found, not_executable; /* exit statuses where the command cannot be run */
    uint8_t signals[ONE_SIGNALS];  /* what is passed on for each signal; 0: nothing */
    uint8_t statuses[256];         /* exit status for each of the command's */
};

enum one_answer { ONE_RUN, ONE_HELP, ONE_VERSION, ONE_LICENSE, ONE_WRONG };

/* Reads options up to the command. `environment` is an array of NAME=VALUE (TINI_*, DUMB_INIT_*). ONE_WRONG:
 * `complaint` says what is. Prints nothing. */
enum one_answer one_options_parse(enum one_style style, int argc, char **argv, char *const *environment,
                                  struct one_options *ret, char complaint[static 256]);
void one_print_help(enum one_style style);
void one_print_version(enum one_style style);
const char *one_style_name(enum one_style style);

/* Runs the command; its exit status, mapped: 128 and the signal's number where one ended it. */
int one_run(const struct one_options *o);
