/* SPDX-License-Identifier: Apache-2.0 */
/* The tmpfiles applet alone, for test_tmpfiles.py. */
#include "cli/applets.h"

int main(int argc, char **argv) {
    return tmpfiles_main(argc, argv);
}
