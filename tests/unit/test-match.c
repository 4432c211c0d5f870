/* SPDX-License-Identifier: Apache-2.0 */
/* base/glob.h and base/scan.h: what they make of a text is what libc makes of it. */
#include "base/glob.h"
#include "base/scan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <fnmatch.h>
#include <string.h>

static void patterns(void **state) {
    static const struct {
        const char *pattern, *text;
        int flags;
        bool matches;
    } cases[] = {
        { "", "", 0, true },
        { "", "a", 0, false },
        { "*", "", 0, true },
        { "a*c", "abcbc", 0, true },
        { "a*c", "abcb", 0, false },
        { "*.service", "a.b.service", 0, true },
        { "*a*b*c*", "xxaxxbxxcxx", 0, true },
        { "*a*b*c*", "xxaxxcxxbxx", 0, false },
        { "*", ".hidden", FNM_PERIOD, false },
        { "[.]a", ".a", FNM_PERIOD, false },
        { ".*", ".hidden", FNM_PERIOD, true },
        { "*/b", "a/x/b", 0, true },
        { "*/b", "a/x/b", FNM_PATHNAME, false },
        { "*/b", "a/b", FNM_PATHNAME, true },
        { "a/*", "a/.b", FNM_PATHNAME | FNM_PERIOD, false },
        { "a?b", "a/b", FNM_PATHNAME, false },
        { "\\*", "*", 0, true },
        { "\\*", "\\x", FNM_NOESCAPE, true },
        { "[!a-c]", "d", 0, true },
        { "[!a-c]", "b", 0, false },
        { "[]]", "]", 0, true },
        { "[a", "[a", 0, true },
        { "[[:digit:]x]", "7", 0, true },
        { "[[:digit:]x]", "a", 0, false },
        { "aB", "Ab", FNM_CASEFOLD, true },
        { "\\", "\\", 0, false },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        if (glob_match(cases[i].pattern, cases[i].text, cases[i].flags) != cases[i].matches)
            fail_msg("%s, %s", cases[i].pattern, cases[i].text);
        assert_int_equal(fnmatch(cases[i].pattern, cases[i].text, cases[i].flags) == 0, cases[i].matches);
    }
}

/* Where the two are known to differ: [. .] and [= =] are nothing special here, and libc's star does not see that an
 * escaped slash is one. */
static bool is_known(const char *pattern) {
    return strstr(pattern, "[.") || strstr(pattern, "\\/");
}

static void fill(char *text, size_t most, const char *alphabet, unsigned *seed) {
    size_t n = (size_t)rand_r(seed) % most;
    for (size_t i = 0; i < n; i++)
        text[i] = alphabet[(size_t)rand_r(seed) % strlen(alphabet)];
    text[n] = 0;
}

static void random_patterns_as_libc_sees_them(void **state) {
    static const int flags[] = { 0, FNM_NOESCAPE, FNM_PERIOD, FNM_PATHNAME, FNM_PATHNAME | FNM_PERIOD, FNM_CASEFOLD };
    unsigned seed = 3, matched = 0;
    for (int i = 0; i < 300000; i++) {
        char pattern[10], text[8];
        fill(pattern, 8, "ab.*?[]!-/\\A^c", &seed);
        fill(text, 6, "ab./A-]c!\\", &seed);
        int flag = flags[(size_t)i % ELEMENTS(flags)];
        bool expected = fnmatch(pattern, text, flag) == 0;
        if (!is_known(pattern) && glob_match(pattern, text, flag) != expected)
            fail_msg("'%s' and '%s' with %#x: libc says %d", pattern, text, (unsigned)flag, expected);
        matched += expected;
    }
    assert_true(matched > 3000);
}

static void numbers_in_a_row(void **state) {
    const char *at = " 12 -7\t18446744073709551615 word 3";
    uint64_t n;
    uint32_t small;
    int i;
    char word[6];
    assert_true(scan_u64(&at, &n) && n == 12);
    assert_false(scan_u64(&at, &n));
    assert_true(scan_int(&at, &i) && i == -7);
    assert_false(scan_u32(&at, &small)); /* too large: nothing is taken */
    assert_false(scan_int(&at, &i));
    assert_true(scan_u64(&at, &n) && n == UINT64_MAX);
    assert_false(scan_u64(&at, &n));
    assert_false(scan_word(&at, word, 4));
    assert_true(scan_word(&at, word, 5));
    assert_string_equal(word, "word");
    assert_true(scan_u32(&at, &small) && small == 3);
    assert_false(scan_word(&at, word, sizeof(word)));
    assert_string_equal(at, "");
    at = "18446744073709551616";
    assert_false(scan_u64(&at, &n));
    at = "-";
    assert_false(scan_int(&at, &i));
    assert_string_equal(at, "-");
}

static void ranges(void **state) {
    uint32_t first, last;
    assert_true(scan_range("3", &first, &last) && first == 3 && last == 3);
    assert_true(scan_range("3-5", &first, &last) && first == 3 && last == 5);
    assert_true(scan_range("3-", &first, &last) && first == 3 && last == 3);
    assert_false(scan_range("numa", &first, &last));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(random_patterns_as_libc_sees_them),
        cmocka_unit_test(numbers_in_a_row),
        cmocka_unit_test(ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
