/* SPDX-License-Identifier: Apache-2.0 */
/* The systemd-analyze applet alone, for test_analyze.py. */
#include "cli/applets.h"

int main(int argc, char **argv) {
    return analyze_main(argc, argv);
}
