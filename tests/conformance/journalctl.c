/* SPDX-License-Identifier: Apache-2.0 */
/* The journalctl applet alone, for test_journalctl.py. */
#include "cli/applets.h"

int main(int argc, char **argv) {
    return journalctl_main(argc, argv);
}
