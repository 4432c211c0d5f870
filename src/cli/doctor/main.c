/* SPDX-License-Identifier: Apache-2.0 */
/* reeve doctor: what a newcomer has to be told at once about this container, a line each. The checks are a table. It
 * asks the manager over the bus, and /proc; it changes nothing. */
#include "cli/applets.h"
#include "cli/doctor/doctor.h"
#include "syntax/json.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct check {
    const char *name;
    void (*run)(struct doctor *d);
    const char *help;
    bool own; /* what only the manager's own user can look at */
} checks[] = {
    { "first-process", check_first_process, "reeve is the container's first process" },
    { "failed", check_failed, "units that have failed" },
    { "log-files", check_log_files, "services that log only to files", true },
    { "stdout", check_stdout, "somebody reads what the container prints", true },
    { "nologin", check_nologin, "users may log in, package scripts may start services" },
    { "places", check_places, "directories that cannot be written to", true },
    { "capabilities", check_capabilities, "capabilities that containers usually have", true },
    { "enforcement", check_enforcement, "settings of running services that are not enforced here", true },
};

static const char *const severities[] = { [SEVERITY_PROBLEM] = "problem", [SEVERITY_NOTE] = "note" };

void doctor_tell(struct doctor *d, enum severity severity, const char *subject, const char *why, const char *cure) {
    cure = cure ?: text_str(&d->cure);
    d->n_findings++;
    d->n_problems += severity == SEVERITY_PROBLEM;
    if (d->as_json) {
        const struct {
            const char *key, *value;
        } members[] = { { "check", d->check }, { "severity", severities[severity] }, { "subject", subject },
                        { "what", text_str(&d->what) }, { "why", why }, { "do", cure } };
        for (size_t i = 0; i < ELEMENTS(members); i++) {
            text_addf(&d->json, "%s\"%s\":", i > 0 ? "," : d->n_findings > 1 ? ",\n{" : "{", members[i].key);
            json_string(&d->json, members[i].value);
        }
        text_add_char(&d->json, '}');
    } else
        printf("%s: %s: %s; %s\n", severities[severity], text_str(&d->what), why, cure);
    text_clear(&d->what);
    text_clear(&d->cure);
}

static int usage(FILE *out, int status) {
    fputs("Usage: reeve doctor [--json] [CHECK…]\n\n"
          "Says what does not work in this container, and what one has to know of it: what, why, and what to do, a "
          "line each.\n"
          "Exit status 1 if there is a problem; notes do not count.\n\n",
          out);
    for (size_t i = 0; i < ELEMENTS(checks); i++)
        fprintf(out, "  %-14s %s\n", checks[i].name, checks[i].help);
    return status;
}

static bool is_wanted(const struct check *c, char **wanted) {
    return !*wanted || strv_contains(wanted, c->name);
}

/* /proc may hide other users' processes: hidepid= in proc(5). */
static bool is_anothers(const struct running *manager) {
    char path[32];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/stat", manager->pid);
    if (access(path, R_OK) >= 0 && stat(path, &st) >= 0)
        return manager->alive && st.st_uid != geteuid();
    return manager->pid > 0 && kill(manager->pid, 0) < 0 && errno == EPERM;
}

static void tell_left_out(struct doctor *d, const char *left_out) {
    text_addf(&d->what, "this is user %u, and the manager is another's", (unsigned)geteuid());
    text_addf(&d->cure, "docker exec -u the user that the manager runs as");
    char why[256];
    snprintf(why, sizeof why, "what only its own user can look at was left out:%s", left_out);
    doctor_tell(d, SEVERITY_NOTE, NULL, why, NULL);
}

int doctor_main(int argc, char **argv) {
    static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                             { "help", no_argument, NULL, 'h' },
                                             {} };
    struct doctor d = {};
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;) {
        if (c != 'j')
            return c == 'h' ? usage(stdout, 0) : usage(stderr, 2);
        d.as_json = true;
    }
    STRV_FOREACH (name, argv + optind) {
        size_t i = 0;
        while (i < ELEMENTS(checks) && strcmp(checks[i].name, *name) != 0)
            i++;
        if (i == ELEMENTS(checks)) {
            fail("reeve doctor: there is no check of the name %s; see reeve doctor --help.", *name);
            return 2;
        }
    }

    permits_probe(&d.permits);
    (void)ctl_find_manager(&d.manager);
    if (!ctl_offline() && list_units(NULL, &d.reply, &d.units, &d.n_units) < 0)
        return 2;
    d.is_anothers = is_anothers(&d.manager);
    char left_out[128] = "";
    for (size_t i = 0; i < ELEMENTS(checks); i++) {
        if (!is_wanted(&checks[i], argv + optind))
            continue;
        d.check = checks[i].name;
        if (checks[i].own && d.is_anothers)
            snprintf(left_out + strlen(left_out), sizeof left_out - strlen(left_out), " %s", d.check);
        else
            checks[i].run(&d);
    }
    if (*left_out)
        tell_left_out(&d, left_out);
    bool failed = d.json.failed;
    if (d.as_json)
        printf("[%s]\n", text_str(&d.json));
    else if (d.n_findings == 0)
        puts("Nothing to be said.");
    free(d.units);
    message_unrefp(&d.reply);
    ctl_disconnect();
    text_free(&d.what);
    text_free(&d.cure);
    text_free(&d.json);
    if (fflush(stdout) != 0 || failed) {
        fail("reeve doctor: what was found cannot be written: %s", strerror(failed ? ENOMEM : errno));
        return 2;
    }
    return d.n_problems > 0;
}
