/* SPDX-License-Identifier: Apache-2.0 */
/* journal/format.h: the hashes of journal files, against their authors' own vectors. */
#include "journal/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_lookup3(void **state) {
    const char *text = "Four score and seven years ago";
    assert_int_equal(journal_hash_jenkins("", 0), 0xdeadbeefdeadbeef);
    assert_int_equal(journal_hash_jenkins(text, strlen(text)), 0x17770551ce7226e6);
}

static void test_siphash(void **state) {
    struct id128 key;
    uint8_t data[15];
    for (unsigned i = 0; i < sizeof(key.bytes); i++)
        key.bytes[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    assert_int_equal(journal_hash_sip(data, sizeof(data), &key), 0xa129ca6149be45e5);
    assert_int_equal(journal_hash_sip(data, 0, &key), 0x726fdb47dd0e0e31);
    assert_int_equal(journal_hash_sip(data, 8, &key), 0x93f5f5799a932462);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lookup3), cmocka_unit_test(test_siphash) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
