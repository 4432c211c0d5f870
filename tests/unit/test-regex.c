/* SPDX-License-Identifier: Apache-2.0 */
/* syntax/regex.h: patterns, what they match and where, and what is refused. */
#include "syntax/regex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void matches(void **state) {
    static const struct {
        const char *pattern, *text, *found; /* NULL: nothing */
        bool ignore_case;
    } cases[] = {
        { "", "abc", "", false },
        { "b", "abc", "b", false },
        { "B", "abc", NULL, false },
        { "B", "abc", "b", true },
        { "a|ab", "ab", "a", false },
        { "ab|a", "ab", "ab", false },
        { "(a|b|c)+d", "xxabcabd", "abcabd", false },
        { "a*", "aaab", "aaa", false },
        { "a*?b", "aaab", "aaab", false },
        { "a+?", "aaa", "a", false },
        { "a{2}", "aaa", "aa", false },
        { "a{2,}", "aaaa", "aaaa", false },
        { "a{1,2}", "aaaa", "aa", false },
        { "a{0,2}?b", "aab", "aab", false },
        { "a{,2}", "a{,2}", "a{,2}", false },
        { "(ab){2,3}c", "ababababc", "abababc", false },
        { "(a|bc){0,3}d", "abcad", "abcad", false },
        { "x(a?){3}y", "xaay", "xaay", false },
        { "(a*)*b", "aaab", "aaab", false },
        { "(a*)+$", "aaa", "aaa", false },
        { "^b", "ab", NULL, false },
        { "^a", "ab", "a", false },
        { "b$", "ab\n", "b", false },
        { "b\\z", "ab\n", NULL, false },
        { "b\\Z", "ab\n", "b", false },
        { "a.c", "a\nc abc", "abc", false },
        { "[^a]c", "ac\nc", "\nc", false },
        { "[]a]+", "x]a]", "]a]", false },
        { "[a-c-]+", "xb-a", "b-a", false },
        { "[[:digit:]_]+", "ab12_3", "12_3", false },
        { "[[:^digit:]]+", "12ab", "ab", false },
        { "[\\d.]+", "v1.2", "1.2", false },
        { "\\bfoo\\b", "xfoo foo", "foo", false },
        { "\\Boo", "foo", "oo", false },
        { "\\w+\\s\\S+", "-ab c-", "ab c-", false },
        { "\\x41\\x{42}\\t", "xAB\ty", "AB\t", false },
        { "\\Qa.b*\\E", "xa.b*+", "a.b*", false },
        { "(?i)AbC", "xabc", "abc", false },
        { "a(?i)b|c", "aBC", "aB", false },
        { "a(?i:b)C", "aBC", "aBC", false },
        { "(?-i)a", "A", NULL, true },
        { "(?<name>a)(?P<other>b)", "ab", "ab", false },
        { "a(?#comment)b", "ab", "ab", false },
        { "[W-c]+", "[a", "[a", false },
        { "[a-z]+", "ABC", "ABC", true },
        { "error|fail(ed|ure)?", "it failed", "failed", false },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct regex *r = NULL;
        const char *why;
        size_t begin = 99, end = 99;
        assert_int_equal(regex_compile(cases[i].pattern, cases[i].ignore_case, &r, &why), 0);
        bool found = regex_search(r, cases[i].text, strlen(cases[i].text), &begin, &end);
        if (found != (cases[i].found != NULL) ||
            (found && (end - begin != strlen(cases[i].found) ||
                       memcmp(cases[i].text + begin, cases[i].found, end - begin) != 0)))
            fail_msg("%s in %s", cases[i].pattern, cases[i].text);
        regex_free(r);
    }
}

static void refused(void **state) {
    static const char *const patterns[] = { "[",          "[a",
                                            "(",          "(a",
                                            "a)",         "*",
                                            "a**b(",      "+a",
                                            "a\\",        "[z-a]",
                                            "a{2,1}",     "a{1001}",
                                            "(?=a)",      "(?!a)",
                                            "(?<=a)",     "(a)\\1",
                                            "(?>a)",      "a++",
                                            "\\y",        "(?R)",
                                            "(*FAIL)",    "((a{500}){500}){500}",
                                            "(?z)",       "(?P=x)",
                                            "[[:nope:]]", "\\x{100}",
                                            "(?#",        "(?<x" };
    for (size_t i = 0; i < ELEMENTS(patterns); i++) {
        struct regex *r = NULL;
        const char *why = "";
        if (regex_compile(patterns[i], false, &r, &why) != -EINVAL || !*why)
            fail_msg("%s", patterns[i]);
    }
    char deep[4096];
    const char *why;
    struct regex *r;
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    assert_int_equal(regex_compile(deep, false, &r, &why), -EINVAL);
}

/* Backtracking would take longer than the world lasts. */
static void linear(void **state) {
    char text[201];
    struct regex *r;
    const char *why;
    memset(text, 'a', 200);
    text[200] = 0;
    assert_int_equal(regex_compile("(a|a|aa)*(a*)*(a+)+b", false, &r, &why), 0);
    assert_false(regex_search(r, text, 200, NULL, NULL));
    regex_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(refused),
        cmocka_unit_test(linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
