/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs of systemd-analyze that take all their words at once. Each returns an exit status. systemd-analyze(1). */
#pragma once

int analyze_condition(char **words);      /* ConditionX= and AssertX= expressions, tested here and now */
int analyze_unit_files(char **words);     /* names and aliases, those that match a pattern */
int analyze_cat_config(char **words);     /* configuration files and their drop-ins */
int analyze_exit_status(char **words);    /* numbers or names; none: all */
int analyze_capability(char **words);     /* the same of capabilities */
int analyze_syscall_filter(char **words); /* groups of system calls; none: all */
int analyze_verify(char **words);         /* units and files: what is wrong with them */
