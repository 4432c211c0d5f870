/* SPDX-License-Identifier: Apache-2.0 */
/* Names of numbers: signals, exit statuses, syslog levels and facilities, limits, sizes, modes. Tables, both ways. */
#pragma once

#include "base/macro.h"
#include <sys/types.h>

/* "SIGTERM", "TERM", "RTMIN+3", "15" → number; -EINVAL. */
int signal_from_string(const char *s);
/* "TERM", "RTMIN+3": without SIG, as systemd prints; NULL if it is none. Static or thread-local storage. */
const char *signal_to_string(int signal);
/* systemd.exec(5) "Process Exit Codes": "SUCCESS", "EXEC", "USAGE", "3" … ; -EINVAL. NULL if it has no name. */
int exit_status_from_string(const char *s);
const char *exit_status_to_string(int status);
/* "local3" → LOG_LOCAL3; -EINVAL. */
int facility_from_string(const char *s);
const char *facility_to_string(int facility);
/* Digits with K, M, G, T, P, E (powers of 1024; base 1000 if so asked). -EINVAL, -ERANGE. */
int size_parse(const char *s, uint64_t base, uint64_t *ret);
/* "8.0M", "300B". Returns the buffer. */
#define SIZE_TEXT_MAX 32
const char *size_format(uint64_t bytes, char buffer[static SIZE_TEXT_MAX]);
/* systemd.exec(5): yes no true false on off 1 0 y n t f. 1, 0 or -EINVAL. */
int bool_parse(const char *s);
/* Octal, at most 07777. */
int mode_parse(const char *s, mode_t *ret);
/* "NOFILE" … ↔ RLIMIT_NOFILE …; -EINVAL. */
int rlimit_from_string(const char *s);
const char *rlimit_to_string(int resource);
/* What a PID file holds: a process number, perhaps with white space around it, and what follows the first line does not
 * matter. 0; -EINVAL: no number above 0, or something else on its line; -ERANGE: too large. daemon(7). */
int pid_file_parse(const char *data, size_t size, pid_t *ret);
/* A whole number as strtol(3) reads it with base 0, as unit files have it: white space and a sign in front, 0x, 0b,
 * 0o, and a leading 0 for octal digits. -EINVAL, -ERANGE. */
int number_parse(const char *s, int64_t *ret);
/* "15%", "0.25%", "12.5‰", "7‱" in 1/10000, at most INT_MAX of them. systemd.resource-control(5). -EINVAL, -ERANGE. */
int permyriad_parse(const char *s, int64_t *ret);
/* Whole decimal numbers, nothing around them. -EINVAL, -ERANGE. */
int int64_parse(const char *s, int64_t *ret);
int uint64_parse(const char *s, uint64_t *ret);
/* "AF_UNIX" … ↔ AF_UNIX …; -EINVAL. */
int address_family_from_string(const char *s);
const char *address_family_to_string(int family);
