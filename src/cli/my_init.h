/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of my_init, phusion/baseimage's init: options and order (my_init.c), scripts
 * (my_init_scripts.c), the environment kept in files (my_init_env.c). docs/runit.md. */
#pragma once

#include "base/text.h"

#define MY_INIT_TIMEOUT_SEC 30 /* KILL_PROCESS_TIMEOUT, KILL_ALL_PROCESSES_TIMEOUT: what they are when not set */

extern bool my_init_quiet;
/* "*** text" on stderr; my_init_info() not with --quiet. */
void my_init_info(const char *format, ...) _printf_(1, 2);
void my_init_warn(const char *format, ...) _printf_(1, 2);

/* --- my_init_env.c: root/etc/container_environment, .sh, .json; `root` is "" but in tests ------------------------- */
/* Adds what the directory's files say to *env: each file a variable, without the newline at its end. `override`:
 * also where there is one already. -ENOMEM; a directory or file that cannot be read is left out. */
int my_init_import(const char *root, bool override, char ***env);
/* Writes all of it but HOME and what else is the user's own, into the directory's files if `to_directory`, and
 * always into the .sh and .json. 0 or the first error. */
int my_init_export(const char *root, bool to_directory, char *const *env);
/* The word as a shell reads it. */
void my_init_shell_quote(struct text *out, const char *word);

/* --- my_init_scripts.c -------------------------------------------------------------------------------------------- */
/* Signals are blocked from now on; scripts get none of that. */
void my_init_catch_signals(void);
/* Runs a program and waits for it, reaping whoever else ends. Its exit status; -EINTR: SIGTERM or SIGINT came, and
 * it has been stopped (SIGTERM, `limit` seconds later SIGKILL). 128 + n if a signal ended it; another negative
 * errno. */
int my_init_run(char *const *argv, unsigned limit);
/* The programs of a directory in order of their names: paths, for strv_free(). -ENOMEM; a missing one is empty. */
int my_init_list(const char *directory, char ***ret);

/* The main command as the value of ExecStart=: every byte as itself. `path` is absolute. */
void my_init_quote_command(struct text *out, const char *path, char *const *argv);
