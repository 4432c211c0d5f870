/* SPDX-License-Identifier: Apache-2.0 */
/* Units from init scripts. systemd-sysv-generator(8). */
#pragma once

/* Writes a unit into `directory` for each executable script of /etc/init.d that has no native unit, and the
 * links that the runlevels' S links ask for. 0 or the first negative errno; what can be written is.
 * SYSTEMD_SYSVINIT_PATH and SYSTEMD_SYSVRCND_PATH (colon-separated) replace the places. */
int sysv_generate(const char *directory);
