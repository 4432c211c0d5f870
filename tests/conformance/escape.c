/* SPDX-License-Identifier: Apache-2.0 */
/* The systemd-escape applet alone, for test_escape.py. */
#include "cli/applets.h"

int main(int argc, char **argv) {
    return escape_main(argc, argv);
}
