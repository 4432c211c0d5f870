/* SPDX-License-Identifier: Apache-2.0 */
/* Units from init scripts, for test_sysv.py: sysv DIRECTORY. */
#include "cli/sysv.h"

int main(int argc, char **argv) {
    return argc != 2 || sysv_generate(argv[1]) < 0;
}
