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
int doctor_main(int argc, char **argv);     /* reeve doctor [--json] [CHECK…]: what does not work in this container */
int systemctl_main(int argc, char **argv);  /* systemctl(1); also poweroff, reboot, halt */
int install_main(int argc, char **argv);    /* reeve install, uninstall [NAME…]: put reeve in programs' places */
int uninstall_main(int argc, char **argv);
int run_main(int argc, char **argv);        /* reeve run [OPTION…] [--] COMMAND…: cli/one.h */
int tini_main(int argc, char **argv);       /* the same by these names, with their options */
int dumb_init_main(int argc, char **argv);
int catatonit_main(int argc, char **argv);
int runit_hook_main(int argc, char **argv); /* reeve runit-hook: a service directory's own scripts, for units */
int sv_main(int argc, char **argv);         /* sv(8) of runit */
int setuser_main(int argc, char **argv);    /* setuser USER COMMAND…, of phusion/baseimage */
int my_init_main(int argc, char **argv);    /* phusion/baseimage's my_init */
int my_init_hook_main(int argc, char **argv); /* reeve my_init-hook DIRECTORY: its shutdown scripts */
/* runsvdir [-P] DIRECTORY: -1 when the manager is to be run next, with what it needs in the environment. */
int runsvdir_main(int argc, char **argv);
int journalctl_main(int argc, char **argv); /* journalctl(1) */
