/* SPDX-License-Identifier: Apache-2.0 */
/* The D-Bus wire: org.freedesktop.systemd1 on the private socket and, while a dbus-daemon runs, on the system bus.
 * org.freedesktop.systemd1(5). The only part of the manager that knows libdbus. */
#pragma once

#include "engine/manager.h"

/* To be given to manager_add_wire(). */
extern struct wire bus_wire;
