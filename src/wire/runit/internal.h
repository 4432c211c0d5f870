/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the runit wire: the watched directory (wire.c, scan.c), one supervise/ directory (supervise.c),
 * what is written to its control pipe (control.c) and the scripts of control/ (script.c). */
#pragma once

#include "base/log.h"
#include "engine/manager.h"
#include "engine/service.h"
#include "syntax/runit_status.h"
#include "unit/runit.h"

/* As long as runsvdir(8) needs to notice. For what no inotify tells of. */
#define RUNIT_RESCAN_USEC (5 * USEC_PER_SEC)

/* One thing to do for a command: the script of control/ first, and unless that succeeds the signal. */
struct runit_action {
    char script; /* 0: none */
    int signal;  /* 0: none */
    bool term;   /* to be told as "got TERM" */
};
/* `d` and `x` are three actions. Bytes are read when those of the last have been done. */
#define RUNIT_ACTIONS_MAX 4

struct runit_script {
    pid_t pid;
    int fd;          /* its exit status comes as a byte */
    struct io *io;
};

/* What runs behind one supervise/ directory: a service, or its log service. */
struct supervised {
    struct runit *runit;
    struct entry *entry;
    bool log;
    char *unit;            /* the name that was made of the directory */
    int dir_fd, supervise_fd, lock_fd, ok_fd, control_fd; /* -1: not there */
    struct io *control_io;
    bool exiting;          /* `x`: it ends, and then the supervision */
    bool once;             /* `o`: started, to be kept down after that */
    bool paused, got_term;
    struct runit_status told;   /* what is in supervise/status */
    bool ever_told;
    struct runit_action actions[RUNIT_ACTIONS_MAX];
    size_t n_actions;
    struct runit_script script;
    UT_hash_handle hh;     /* the runit's, by unit */
};

/* One service directory. */
struct entry {
    struct runit *runit;
    struct entry *next;
    char *name, *stem, *path;
    enum runit_flags flags;
    dev_t device;
    ino_t inode;
    bool gone;             /* the directory is: its services end, and then it is forgotten */
    bool start_wanted;     /* once its unit is known */
    int pipe_fd;           /* both ends of the FIFO to the log service; -1 */
    struct supervised service, logger;
};

struct runit {
    struct wire *wire;
    struct manager *manager;
    char *directory;
    struct entry *entries;
    struct supervised *by_unit;
    int inotify_fd; /* -1 */
    struct io *inotify_io;
    struct timer rescan;
    struct deferred look;
    bool reloading;        /* ours is under way */
    bool reload_again;
    bool forgot;           /* an entry: its unit files are to go */
    struct observer observer;
};

/* --- scan.c: which directories there are -------------------------------------------------------------------------- */
/* Looks at all of them now, and has the manager read units if any came, went or changed its shape. */
void runit_look(void *runit);
int runit_watch(struct runit *r);
/* A supervision that ended goes, if its directory did; otherwise it begins again, as runsvdir has it. */
void runit_entry_ended(struct entry *e);
void entry_free(struct entry *e);

/* --- wire.c ------------------------------------------------------------------------------------------------------- */
/* The pipe of this service that a re-execution kept open; -1: none. The caller's. */
int runit_take_pipe(const char *name);

/* --- supervise.c: one supervise/ directory ------------------------------------------------------------------------ */
void supervised_init(struct supervised *s, struct entry *e, bool log);
/* Makes and opens its files. 0; -EBUSY: another supervisor has it; another errno. */
int supervised_begin(struct supervised *s);
void supervised_end(struct supervised *s);
/* Its unit, loaded if need be; NULL: there is none. */
struct unit *supervised_unit(struct supervised *s);
/* The same if the manager knows it already. */
struct unit *supervised_unit_known(const struct supervised *s);
/* The supervised of that unit name; NULL: none. */
struct supervised *runit_supervised(struct runit *r, const char *unit);
/* How the unit stands in runit's words. `u` may be NULL: not loaded. */
void supervised_status(const struct supervised *s, const struct unit *u, struct runit_status *ret);
/* Writes status, stat and pid if they say something else now, and goes on with what waited for the change. True:
 * that was the last of it, the entry is gone. */
bool supervised_changed(struct supervised *s);
/* The text of supervise/stat. */
void runit_status_text(const struct runit_status *status, bool exiting, struct text *out);

/* --- control.c: the pipe ------------------------------------------------------------------------------------------ */
int control_watch(struct supervised *s);
/* One byte as runsv(8) has it under CONTROL; unknown ones are nothing. */
void control_byte(struct supervised *s, char c);
/* Does what is to be done next. */
void control_proceed(struct supervised *s);
/* For tests: what a byte leads to in a state, without doing it. Returns the number of actions. */
size_t control_actions(char c, bool running, bool log, struct runit_action to[static RUNIT_ACTIONS_MAX]);

/* --- script.c: control/X ------------------------------------------------------------------------------------------ */
/* 1: it runs, and control_script_ended() will be called; 0: there is none to run; negative errno. */
int script_start(struct supervised *s, char name);
void script_abandon(struct supervised *s);
void control_script_ended(struct supervised *s, bool success);
