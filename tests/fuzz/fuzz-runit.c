/* SPDX-License-Identifier: Apache-2.0 */
/* runit's wire: whatever bytes come down a control pipe, each leads to a bounded number of actions with signals that
 * exist; any status file has a meaning, which is written as the same bytes again; any directory name is a valid unit
 * or none; a main command comes back from the unit file as it went in. */
#include "cli/my_init.h"
#include "syntax/words.h"
#include "unit/name.h"
#include "wire/runit/internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_control(const uint8_t *data, size_t size) {
    struct runit_action actions[RUNIT_ACTIONS_MAX];
    for (size_t i = 0; i < size; i++)
        for (int state = 0; state < 4; state++) {
            size_t n = control_actions((char)data[i], state & 1, state & 2, actions);
            if (n > RUNIT_ACTIONS_MAX || (n > 0 && !(state & 1)))
                abort();
            for (size_t k = 0; k < n; k++)
                if (actions[k].signal < 0 || actions[k].signal > SIGRTMAX)
                    abort();
        }
}

static void check_status(const uint8_t *data) {
    struct runit_status status, again;
    unsigned char bytes[RUNIT_STATUS_SIZE];
    _cleanup_text_ struct text text = {};
    runit_status_unpack(data, &status);
    runit_status_pack(&status, bytes);
    runit_status_unpack(bytes, &again);
    if (memcmp(bytes, data, 16) != 0 || again.state != status.state || again.pid != status.pid ||
        again.since != status.since)
        abort();
    runit_status_text(&status, data[0] & 1, &text);
    if (text.len == 0 || text_str(&text)[text.len - 1] != '\n')
        abort();
}

static void check_name(const char *name) {
    _cleanup_free_ char *stem = NULL;
    if (runit_stem(name, &stem) < 0)
        return;
    for (int log = 0; log < 2; log++) {
        _cleanup_free_ char *unit = runit_unit_name(stem, log);
        if (!unit || !unit_name_valid(unit, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
            abort();
    }
}

static void check_command(char *word) {
    _cleanup_text_ struct text quoted = {};
    _cleanup_free_ char *first = NULL, *second = NULL, *third = NULL;
    char *const argv[] = { word, (char *)"last", NULL };
    my_init_quote_command(&quoted, "/bin/x", argv);
    const char *p = text_str(&quoted);
    if (word_next(&p, &first, NULL, WORD_UNQUOTE | WORD_UNESCAPE) != 1 || strcmp(first, "@/bin/x") != 0)
        abort();
    if (word_next(&p, &second, NULL, WORD_UNQUOTE | WORD_UNESCAPE) != 1)
        abort();
    /* What is left of it are doubled specifiers and variables. */
    const char *s = second;
    for (const char *w = word; *w; w++, s++)
        if (*s != *w || ((*w == '%' || *w == '$') && *++s != *w))
            abort();
    if (*s || word_next(&p, &third, NULL, WORD_UNQUOTE | WORD_UNESCAPE) != 1 || strcmp(third, "last") != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    check_control(data, size);
    if (size >= RUNIT_STATUS_SIZE)
        check_status(data);
    check_name(text);
    check_command(text);
    free(text);
    return 0;
}
