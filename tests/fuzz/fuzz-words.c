/* SPDX-License-Identifier: Apache-2.0 */
/* Quoting, escapes, time spans, sizes, names, environment files: text of any bytes. What is quoted must read
 * back. */
#include "base/strv.h"
#include "base/text.h"
#include "syntax/envfile.h"
#include "syntax/json.h"
#include "syntax/names.h"
#include "syntax/timespan.h"
#include "syntax/utf8.h"
#include "syntax/words.h"
#include "unit/name.h"

#include <stdlib.h>
#include <string.h>

static void quoted_reads_back(const char *word) {
    struct text quoted = {};
    char **back = NULL;
    word_quote(&quoted, word);
    if (words_split(text_str(&quoted), NULL, WORD_UNQUOTE | WORD_UNESCAPE, &back) < 0 ||
        strv_length(back) != 1 || strcmp(back[0], word) != 0)
        abort();
    strv_free(back);
    text_free(&quoted);
}

static void escaped_reads_back(const char *s) {
    char *escaped = NULL, *back = NULL;
    if (unit_name_escape(s, &escaped) < 0 || unit_name_unescape(escaped, &back) < 0 || strcmp(s, back) != 0)
        abort();
    free(escaped);
    free(back);
    escaped = back = NULL;
    if (bus_path_escape(s, &escaped) < 0 || bus_path_unescape(escaped, &back) < 0 || strcmp(s, back) != 0)
        abort();
    free(escaped);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    char *s = strndup((const char *)data + 1, size - 1);
    char **words = NULL, **env = NULL;
    if (words_split(s, data[0] & 128 ? ":" : NULL, data[0] & 31, &words) >= 0)
        STRV_FOREACH(w, words)
    quoted_reads_back(*w);
    strv_free(words);
    escaped_reads_back(s);
    envfile_parse((const char *)data + 1, size - 1, &env, NULL, NULL);
    strv_free(env);

    usec_t usec;
    uint64_t number;
    char buffer[64], *name = NULL, *path = NULL;
    if (timespan_parse(s, USEC_PER_SEC, &usec) >= 0)
        timespan_format(usec, 1, buffer, data[0] % sizeof(buffer) + 1);
    size_parse(s, 1024, &number);
    signal_from_string(s);
    if (unit_name_mangle(s, &name) >= 0 && !unit_name_kind(name))
        abort();
    if (unit_name_path_unescape(s, &path) >= 0 && path[0] != '/')
        abort();
    struct text json = {};
    json_string(&json, s);
    if (!utf8_valid(json.s, json.len))
        abort();
    text_free(&json);
    free(name);
    free(path);
    free(s);
    return 0;
}
