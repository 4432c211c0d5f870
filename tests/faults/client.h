/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the bus in a process of its own, for a manager under which calls fail. Knows no engine. */
#pragma once

#include <stdbool.h>

/* Asks for one thing of each kind at the socket. Every call has to be answered, or the connection closed: an answer
 * that does not come, or one that libdbus cannot read, is a failure. tolerant: errors are answers. 0, or 1 after
 * saying why. */
int client_run(const char *socket, bool tolerant);
