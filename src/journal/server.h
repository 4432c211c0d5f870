/* SPDX-License-Identifier: Apache-2.0 */
/* The log process. Started by PID 1 only (client.h). */
#pragma once

/* reeve journal FD RUNTIME: the socket to PID 1 and the runtime directory. Returns the exit status. */
int journal_main(int argc, char **argv);
