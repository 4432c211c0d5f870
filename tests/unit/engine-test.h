/* SPDX-License-Identifier: Apache-2.0 */
/* A manager of its own for each test of the engine: units are written into a temporary directory, processes
 * are real, the test is their subreaper. */
#pragma once

#include "base/path.h"
#include "base/strv.h"
#include "engine/manager_private.h"
#include "engine/reload.h"
#include "engine/service.h"
#include "engine/signals.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_USEC (20 * USEC_PER_SEC)

static char directory[64];
static struct manager *m;

static void silent(const struct log_record *record, void *userdata) {
    if (getenv("ENGINE_TEST_VERBOSE"))
        fprintf(stderr, "# %s\n", record->text);
}

static __attribute__((unused)) void write_text(const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(mkdir_parents(path, 0755), 0);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* A unit without the default dependencies. `more` begins in [Unit]. */
static void unit_text(const char *name, const char *more) {
    char text[2048], path[128];
    snprintf(text, sizeof(text), "[Unit]\nDefaultDependencies=no\n%s\n", more);
    snprintf(path, sizeof(path), "units/%s", name);
    write_text(path, text);
}

#define SLEEPER "[Service]\nExecStart=/bin/sleep 1000\n"

static int set_up(void **state) {
    log_set_sink(silent, NULL);
    strcpy(directory, "/tmp/test-engine.XXXXXX");
    char units[256];
    if (!mkdtemp(directory))
        return -1;
    snprintf(units, sizeof(units), "%s/units", directory);
    mkdir(units, 0755);
    snprintf(units, sizeof(units), "%s/units:%s/systemd/transient", directory, directory);
    setenv("SYSTEMD_UNIT_PATH", units, 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    static char *argv[] = { (char *)"test", NULL };
    struct manager_options options = {
        .argv = argv,
        .dirs = { .runtime = directory,
                  .state = directory,
                  .cache = directory,
                  .logs = directory,
                  .configuration = directory },
    };
    permits_probe(&options.permits);
    if (manager_new(&options, &m) < 0 || manager_watch_signals(m) < 0)
        return -1;
    (void)strv_add(&m->p->base_environment, "PATH=/usr/bin:/bin");
    if (manager_rebuild_environment(m) < 0)
        return -1;
    condition_context_init(&m->conditions, &m->dirs, m->own_environment);
    return 0;
}

static int tear_down(void **state) {
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->name == n->unit->id && n->unit->lineage)
            (void)lineage_kill_tree(m->lineage, n->unit->lineage, NULL, 0, 16);
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->name == n->unit->id && unit_main_pid(n->unit) > 0)
            kill(unit_main_pid(n->unit), SIGKILL);
    manager_free(m);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static struct unit *get(const char *name) {
    struct unit *u = NULL;
    struct error error = {};
    if (!m->search.cache) {
        assert_int_equal(search_cache_fill(&m->search), 0);
        assert_int_equal(manager_read_units(m), 0);
    }
    if (manager_load_unit(m, name, &u, &error) < 0)
        fail_msg("%s: %s", name, error.message);
    return u;
}

static __attribute__((unused)) struct service *service(const char *name) {
    return SERVICE(get(name));
}

static __attribute__((unused)) int ask(enum job_type type, const char *name, enum job_mode mode) {
    struct error error = {};
    return manager_add_job(m, type, get(name), mode, &error, NULL);
}

static __attribute__((unused)) void start(const char *name) {
    struct error error = {};
    if (manager_add_job(m, JOB_START, get(name), JOB_REPLACE, &error, NULL) < 0)
        fail_msg("start %s: %s", name, error.message);
}

static __attribute__((unused)) void stop(const char *name) {
    assert_true(ask(JOB_STOP, name, JOB_REPLACE) >= 0);
}

static enum active_state state_of(const char *name) {
    struct unit *u = manager_get_unit(m, name);
    return u ? unit_active_state(u) : ACTIVE_INACTIVE;
}

static __attribute__((unused)) const char *sub_state_of(const char *name) {
    struct unit *u = manager_get_unit(m, name);
    return u ? unit_sub_state(u) : "";
}

/* Turns the loop until the condition holds. */
#define UNTIL(condition)                                                                                     \
    do {                                                                                                     \
        usec_t deadline_ = now(CLOCK_MONOTONIC) + PATIENCE_USEC;                                             \
        while (!(condition)) {                                                                               \
            if (now(CLOCK_MONOTONIC) > deadline_)                                                            \
                fail_msg("%s:%d: never: %s", __FILE__, __LINE__, #condition);                                \
            assert_int_equal(loop_turn(m->loop, 20 * USEC_PER_MSEC), 0);                                     \
        }                                                                                                    \
    } while (0)
#define UNTIL_STATE(name, state) UNTIL(state_of(name) == (state) && m->n_installed_jobs == 0)

static __attribute__((unused)) void settle(usec_t span) {
    usec_t end = now(CLOCK_MONOTONIC) + span;
    while (now(CLOCK_MONOTONIC) < end)
        assert_int_equal(loop_turn(m->loop, 20 * USEC_PER_MSEC), 0);
}

static __attribute__((unused)) void reload(void) {
    assert_int_equal(manager_reload(m, NULL, NULL), 0);
    UNTIL(!m->p->reload_requests);
}

/* What services wrote into FILE, one word a line. */
static __attribute__((unused)) const char *trace(void) {
    static char text[4096];
    char path[128];
    snprintf(path, sizeof(path), "%s/trace", directory);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\n')
            text[i] = ' ';
    return text;
}

/* "Exec…=" that leaves a word in the trace. */
static __attribute__((unused)) const char *say(const char *directive, const char *word) {
    static char lines[8][256];
    static unsigned next;
    char *line = lines[next++ % 8];
    snprintf(line, 256, "%s=/bin/sh -c 'echo %s >> %s/trace'\n", directive, word, directory);
    return line;
}
