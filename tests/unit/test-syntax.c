/* SPDX-License-Identifier: Apache-2.0 */
/* The text layer: what a line, a word, a time span, an environment file is. */
#include "base/strv.h"
#include "base/text.h"
#include "syntax/envfile.h"
#include "syntax/json.h"
#include "syntax/lines.h"
#include "syntax/names.h"
#include "syntax/specifier.h"
#include "syntax/timespan.h"
#include "syntax/utf8.h"
#include "syntax/words.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* --- lines ---------------------------------------------------------------------------------------------- */

static int write_assignment(void *out, unsigned line, const char *section, const char *name,
                            const char *value) {
    text_addf(out, "%u %s.%s=%s\n", line, section, name, value);
    return 0;
}

static void write_complaint(void *out, unsigned line, const char *why) {
    text_addf(out, "%u ! %s\n", line, why);
}

static const struct line_handler writer = { write_assignment, write_complaint };

static void check_bytes(const char *data, size_t size, const char *expected) {
    _cleanup_text_ struct text out = {};
    assert_int_equal(lines_read(data, size, &writer, &out), 0);
    assert_string_equal(text_str(&out), expected);
}

static void check_lines(const char *data, const char *expected) {
    check_bytes(data, strlen(data), expected);
}

static void assignments_belong_to_the_section_above_them(void **state) {
    check_lines("[Unit]\nDescription = a b \n\n[Service]\nType=simple\nX==\nEmpty=",
                "2 Unit.Description=a b\n5 Service.Type=simple\n6 Service.X==\n7 Service.Empty=\n");
}

static void a_backslash_joins_lines_and_comments_between_them_are_skipped(void **state) {
    check_lines("[A]\nx=one\\\n# not this\n  ; nor this\n two\ny=3", "2 A.x=one  two\n6 A.y=3\n");
    check_lines("[A]\nx=one\\\\\ny=2\n", "2 A.x=one\\\\\n3 A.y=2\n");
    check_lines("[A]\nx=end\\", "2 A.x=end\n");
    check_lines("[A]\nx=a\\\n\ny=2\n", "2 A.x=a\n4 A.y=2\n");
}

static void malformed_lines_are_said_and_skipped(void **state) {
    check_lines("[A]\nfoo\n=bar\nx=1\n",
                "2 ! Missing '=', ignoring line\n3 ! Missing key name before '=', ignoring line\n"
                "4 A.x=1\n");
    check_lines("[A\nx=1\n[B]\ny=2\n", "1 ! Invalid section header '[A', ignoring what follows\n4 B.y=2\n");
    check_lines("[A]\nx=\xff\ny=2\n", "2 ! Line is not valid UTF-8, ignoring line\n3 A.y=2\n");
    check_bytes("[A]\nx=a\0b\ny=2\n", 14, "2 ! Line with a NUL byte, ignoring line\n3 A.y=2\n");
    check_lines("x=1\n", "1 .x=1\n");
}

static void a_byte_order_mark_and_carriage_returns_are_no_content(void **state) {
    check_lines("\xef\xbb\xbf[A]\r\nx=1\r\n", "2 A.x=1\n");
}

static void a_line_of_more_than_a_mebibyte_is_skipped_whole(void **state) {
    size_t size = (3u << 20) + 64;
    _cleanup_free_ char *data = malloc(size);
    _cleanup_text_ struct text out = {};
    assert_non_null(data);
    memset(data, 'x', size);
    memcpy(data, "[A]\na=", 6);
    memcpy(data + size - 8, "\nb=2\nc=3", 8);
    data[2 << 20] = '\n';
    data[(2 << 20) - 1] = '\\'; /* its continuation goes with it */
    assert_int_equal(lines_read(data, size, &writer, &out), 0);
    assert_string_equal(text_str(&out), "2 ! Line of more than 1 MiB, ignoring line\n4 A.b=2\n5 A.c=3\n");
}

/* --- words ---------------------------------------------------------------------------------------------- */

static void check_words(const char *text, enum word_flags flags, const char *expected) {
    _cleanup_strv_ char **words = NULL;
    int r = words_split(text, NULL, flags, &words);
    if (!expected) {
        assert_int_equal(r, -EINVAL);
        return;
    }
    assert_int_equal(r, 0);
    _cleanup_free_ char *joined = strv_join(words, "|");
    assert_string_equal(joined, expected);
}

static void words_are_split_and_quotes_group(void **state) {
    const enum word_flags usual = WORD_UNQUOTE | WORD_UNESCAPE;
    check_words("", usual, "");
    check_words("  a\tb \n c  ", usual, "a|b|c");
    check_words("\"a b\" 'c d' e\"f g\"h", usual, "a b|c d|ef gh");
    check_words("'' \"\"", usual, "|");
    check_words("'a\"b' \"c'd\"", usual, "a\"b|c'd");
    check_words("\"open", usual, NULL);
    check_words("\"open", usual | WORD_RELAX, "open");
    check_words("\"a b\"", 0, "\"a|b\"");
    check_words("\"a b\" c", WORD_KEEP_QUOTE, "\"a b\"|c");
}

static void escapes_are_those_of_c(void **state) {
    const enum word_flags usual = WORD_UNQUOTE | WORD_UNESCAPE;
    check_words("\\x41\\101\\n\\s\\\\ \"\\\"\"", usual, "AA\n \\|\"");
    check_words("\\u00e9\\U0001f600", usual, "\xc3\xa9\xf0\x9f\x98\x80");
    check_words("\\q", usual, NULL);
    check_words("\\x4", usual, NULL);
    check_words("\\x00", usual, NULL);
    check_words("\\ud800", usual, NULL);
    check_words("a\\", usual, NULL);
    check_words("\\q\\", WORD_UNESCAPE_RELAX, "\\q\\");
    check_words("a\\nb", WORD_UNQUOTE, "a\\nb");
}

static void a_quoted_word_reads_back_as_it_was(void **state) {
    static const char *const words[] = {
        "", "plain", "with space", "quote\"s and \\", "tab\tnewline\n\x01", "$HOME;'", "\xc3\xa9"
    };
    for (size_t i = 0; i < ELEMENTS(words); i++) {
        _cleanup_text_ struct text quoted = {};
        _cleanup_strv_ char **back = NULL;
        word_quote(&quoted, words[i]);
        assert_int_equal(words_split(text_str(&quoted), NULL, WORD_UNQUOTE | WORD_UNESCAPE, &back), 0);
        assert_int_equal(strv_length(back), 1);
        assert_string_equal(back[0], words[i]);
    }
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static void check_span(const char *text, usec_t expected) {
    usec_t usec = 42;
    assert_int_equal(timespan_parse(text, USEC_PER_SEC, &usec), 0);
    assert_int_equal(usec, expected);
}

static void time_spans_add_up(void **state) {
    check_span("5", 5 * USEC_PER_SEC);
    check_span(" 1min 30s ", 90 * USEC_PER_SEC);
    check_span("1h2m3s", 3723 * USEC_PER_SEC);
    check_span("2.5s", 2500000);
    check_span(".5", 500000);
    check_span("1.5min", 90 * USEC_PER_SEC);
    check_span("100ms 20us", 100020);
    check_span("3 weeks", 21 * 86400 * USEC_PER_SEC);
    check_span("1month", 2629800 * USEC_PER_SEC);
    check_span("1 M", 2629800 * USEC_PER_SEC);
    check_span("1y", 31557600 * USEC_PER_SEC);
    check_span("7\xc2\xb5s", 7);
    check_span("12.34 56", 68340000);
    check_span("infinity", USEC_INFINITY);
    check_span("0", 0);
}

static void what_is_no_time_span_is_refused(void **state) {
    static const char *const bad[] = { "",   " ",    "x",         "5 x", "1.2.3",          ".",
                                       "5.", "5. s", "infinity5", "-1",  "9999999999999y", "s" };
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        usec_t usec = 42;
        int r = timespan_parse(bad[i], USEC_PER_SEC, &usec);
        assert_true(r == -EINVAL || r == -ERANGE);
        assert_int_equal(usec, 42);
    }
}

static void time_spans_are_printed_as_systemd_prints_them(void **state) {
    static const struct {
        usec_t usec, accuracy;
        const char *text;
    } cases[] = {
        { 0, 1, "0" },
        { USEC_INFINITY, 1, "infinity" },
        { 90 * USEC_PER_SEC, 1, "1min 30s" },
        { 1500000, 1, "1.500000s" },
        { 1500000, 1000, "1.500s" },
        { 100000, 1, "100ms" },
        { 1234, 1, "1.234ms" },
        { 5, 1, "5us" },
        { 86400 * USEC_PER_SEC, 1, "1d" },
        { 3600 * USEC_PER_SEC + 5, 1, "1h 5us" },
        { 31557600 * USEC_PER_SEC + 2629800 * USEC_PER_SEC, 1, "1y 1month" },
        { 61 * USEC_PER_SEC + 500, USEC_PER_SEC, "1min 1s" },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char buffer[64];
        assert_string_equal(timespan_format(cases[i].usec, cases[i].accuracy, buffer, sizeof(buffer)),
                            cases[i].text);
    }
    char tiny[4];
    timespan_format(90 * USEC_PER_SEC, 1, tiny, sizeof(tiny));
    assert_string_equal(tiny, "1mi");
}

/* --- specifiers ----------------------------------------------------------------------------------------- */

static int lookup(void *userdata, char letter, char **ret) {
    if (letter == 'e')
        return -EUNATCH;
    if (letter != 'n')
        return -ENOENT;
    *ret = strdup("name");
    return 0;
}

static void specifiers_are_replaced(void **state) {
    const struct specifier_table table = { lookup, NULL };
    char *s = NULL;
    assert_int_equal(specifier_expand("a%nb%%n%-100%", &table, 100, &s), 0);
    assert_string_equal(s, "anameb%n%-100%");
    free(s);
    assert_int_equal(specifier_expand("%z", &table, 100, &s), -EBADSLT);
    assert_int_equal(specifier_expand("%e", &table, 100, &s), -EUNATCH);
    assert_int_equal(specifier_expand("%n%n%n", &table, 8, &s), -ENAMETOOLONG);
}

/* --- environment files ---------------------------------------------------------------------------------- */

static void note_line(void *out, unsigned line, const char *why) {
    text_addf(out, "%u: %s\n", line, why);
}

static void check_env(const char *data, const char *expected, const char *complaints) {
    _cleanup_strv_ char **env = NULL;
    _cleanup_text_ struct text said = {};
    assert_int_equal(envfile_parse(data, strlen(data), &env, note_line, &said), 0);
    _cleanup_free_ char *joined = strv_join(env, "|");
    assert_string_equal(joined, expected);
    assert_string_equal(text_str(&said), complaints);
}

static void environment_files_are_read_without_a_shell(void **state) {
    check_env("A=1\n  B = two words  \n# C=3\n;D=4\n\nE=", "A=1|B=two words|E=", "");
    check_env("A='single $x \\n'\nB=\"double \\\"q\\\" \\$x \\n\"\n", "A=single $x \\n|B=double \"q\" $x \\n",
              "");
    check_env("A='a b'\"c d\"e\nB=x\"y\"z\n", "A=a bc de|B=x\"y\"z", "");
    check_env("A=one\\\ntwo\nB='multi\nline'\n", "A=onetwo|B=multi\nline", "");
    check_env("A=1\nA=2\n", "A=2", "");
    check_env("# comment \\\nA=1\nB=2\n", "B=2", "");
    check_env("A=a\\ b\\\\\n", "A=a b\\", "");
}

static void malformed_environment_lines_are_said_with_their_number(void **state) {
    check_env("export A=1\nfoo\n1B=2\nC=3\n", "C=3",
              "1: not a valid variable name, ignoring line\n"
              "2: missing '=', ignoring line\n"
              "3: not a valid variable name, ignoring line\n");
    check_env("A=\xff\nB='open", "B=open", "1: value is not valid UTF-8, ignoring line\n");
}

/* --- names of numbers ----------------------------------------------------------------------------------- */

static void signals_have_names_and_numbers(void **state) {
    assert_int_equal(signal_from_string("SIGTERM"), SIGTERM);
    assert_int_equal(signal_from_string("KILL"), SIGKILL);
    assert_int_equal(signal_from_string("9"), 9);
    assert_int_equal(signal_from_string("RTMIN+3"), SIGRTMIN + 3);
    assert_int_equal(signal_from_string("SIGRTMAX-1"), SIGRTMAX - 1);
    assert_int_equal(signal_from_string("0"), -EINVAL);
    assert_int_equal(signal_from_string("99"), -EINVAL);
    assert_int_equal(signal_from_string("term"), -EINVAL);
    assert_int_equal(signal_from_string("RTMIN+99"), -EINVAL);
    assert_string_equal(signal_to_string(SIGTERM), "TERM");
    assert_string_equal(signal_to_string(SIGRTMIN + 4), "RTMIN+4");
    assert_null(signal_to_string(0));
    for (int i = 1; i < _NSIG; i++)
        if (signal_to_string(i))
            assert_int_equal(signal_from_string(signal_to_string(i)), i);
}

static void sizes_take_powers_of_1024(void **state) {
    static const struct {
        const char *text;
        uint64_t size;
    } good[] = { { "0", 0 },
                 { "10", 10 },
                 { "1K", 1024 },
                 { "1.5M", 3 << 19 },
                 { "2G", UINT64_C(2) << 30 },
                 { "1G 512M", UINT64_C(3) << 29 },
                 { "3B", 3 },
                 { "1 K", 1024 } };
    static const char *const bad[] = { "",    "K",   "-1",  "1X", "1K 1G", "99999999999999999999",
                                       "16E", "1KK", "1KiB" };
    uint64_t size;
    for (size_t i = 0; i < ELEMENTS(good); i++) {
        assert_int_equal(size_parse(good[i].text, 1024, &size), 0);
        assert_int_equal(size, good[i].size);
    }
    for (size_t i = 0; i < ELEMENTS(bad); i++)
        assert_true(size_parse(bad[i], 1024, &size) < 0);
}

static void other_names(void **state) {
    mode_t mode;
    int64_t n;
    assert_int_equal(bool_parse("Yes"), 1);
    assert_int_equal(bool_parse("off"), 0);
    assert_int_equal(bool_parse("maybe"), -EINVAL);
    assert_int_equal(mode_parse("0755", &mode), 0);
    assert_int_equal(mode, 0755);
    assert_int_equal(mode_parse("9", &mode), -EINVAL);
    assert_int_equal(mode_parse("17777", &mode), -ERANGE);
    assert_int_equal(int64_parse("-5", &n), 0);
    assert_int_equal(n, -5);
    assert_int_equal(int64_parse("5x", &n), -EINVAL);
    assert_int_equal(int64_parse("", &n), -EINVAL);
    assert_int_equal(exit_status_from_string("EXEC"), 203);
    assert_int_equal(exit_status_from_string("255"), 255);
    assert_int_equal(exit_status_from_string("256"), -EINVAL);
    assert_string_equal(exit_status_to_string(217), "USER");
    assert_string_equal(facility_to_string(facility_from_string("local3")), "local3");
    assert_string_equal(rlimit_to_string(rlimit_from_string("NOFILE")), "NOFILE");
    assert_int_equal(address_family_from_string("AF_BOGUS"), -EINVAL);
}

static void utf8_is_checked_strictly(void **state) {
    assert_true(utf8_valid("a\xc3\xa9\xf0\x9f\x98\x80", 7));
    assert_false(utf8_valid("\xc0\x80", 2));
    assert_false(utf8_valid("\xed\xa0\x80", 3));
    assert_false(utf8_valid("\xf4\x90\x80\x80", 4));
    assert_false(utf8_valid("\xc3", 1));
    assert_false(utf8_valid("a\0b", 3));
}

static void json_strings_are_always_valid(void **state) {
    _cleanup_text_ struct text out = {};
    json_string(&out, "a\"\\\n\x01\xc3\xa9\xff");
    assert_string_equal(out.s, "\"a\\\"\\\\\\n\\u0001\xc3\xa9\xef\xbf\xbd\"");
}

static void pid_files_hold_one_number(void **state) {
    static const struct {
        const char *text;
        int result;
        pid_t pid;
    } cases[] = {
        { "1234\n", 0, 1234 },   { "  42 \r\n", 0, 42 }, { "17\nmore\n", 0, 17 }, { "7", 0, 7 },
        { "", -EINVAL, 0 },       { "0\n", -EINVAL, 0 },    { "-5\n", -EINVAL, 0 },    { "12 13\n", -EINVAL, 0 },
        { "2147483648\n", -ERANGE, 0 }, { "99999999999999999999", -ERANGE, 0 },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        pid_t pid = 0;
        assert_int_equal(pid_file_parse(cases[i].text, strlen(cases[i].text), &pid), cases[i].result);
        assert_int_equal(pid, cases[i].pid);
    }
    pid_t pid = 0;
    assert_int_equal(pid_file_parse("1\0002", 3, &pid), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assignments_belong_to_the_section_above_them),
        cmocka_unit_test(a_backslash_joins_lines_and_comments_between_them_are_skipped),
        cmocka_unit_test(malformed_lines_are_said_and_skipped),
        cmocka_unit_test(a_byte_order_mark_and_carriage_returns_are_no_content),
        cmocka_unit_test(a_line_of_more_than_a_mebibyte_is_skipped_whole),
        cmocka_unit_test(words_are_split_and_quotes_group),
        cmocka_unit_test(escapes_are_those_of_c),
        cmocka_unit_test(a_quoted_word_reads_back_as_it_was),
        cmocka_unit_test(time_spans_add_up),
        cmocka_unit_test(what_is_no_time_span_is_refused),
        cmocka_unit_test(time_spans_are_printed_as_systemd_prints_them),
        cmocka_unit_test(specifiers_are_replaced),
        cmocka_unit_test(environment_files_are_read_without_a_shell),
        cmocka_unit_test(malformed_environment_lines_are_said_with_their_number),
        cmocka_unit_test(signals_have_names_and_numbers),
        cmocka_unit_test(sizes_take_powers_of_1024),
        cmocka_unit_test(other_names),
        cmocka_unit_test(utf8_is_checked_strictly),
        cmocka_unit_test(pid_files_hold_one_number),
        cmocka_unit_test(json_strings_are_always_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
