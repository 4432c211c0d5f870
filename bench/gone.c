/* SPDX-License-Identifier: Apache-2.0
 *
 * The service of the restart storm: is gone at once.
 */
int main(void) {
    return 1;
}
