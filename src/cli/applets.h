/* SPDX-License-Identifier: Apache-2.0 */
/* The programs inside the binary, one line each; src/main.c maps names to them. Each takes main()'s arguments and
 * returns an exit status. */
#pragma once

int tmpfiles_main(int argc, char **argv);   /* systemd-tmpfiles(8) */
int generators_main(int argc, char **argv); /* reeve generators NORMAL EARLY LATE: systemd.generator(7) */
int analyze_main(int argc, char **argv);    /* systemd-analyze(1), its verbs on text */
int escape_main(int argc, char **argv);     /* systemd-escape(1) */
int directives_main(int argc, char **argv); /* reeve directives [--json] [NAME…] */
int verify_main(int argc, char **argv);     /* reeve verify [--json] [--root=DIR] UNIT|FILE… */
int explain_main(int argc, char **argv);    /* reeve explain UNIT: the plan of its commands, and what is not enforced */
int systemctl_main(int argc, char **argv);  /* systemctl(1); also poweroff, reboot, halt */
int run_main(int argc, char **argv);        /* reeve run [OPTION…] [--] COMMAND…: cli/one.h */
int tini_main(int argc, char **argv);       /* the same by these names, with their options */
int dumb_init_main(int argc, char **argv);
int catatonit_main(int argc, char **argv);
