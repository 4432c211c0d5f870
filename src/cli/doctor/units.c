/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be said of units: which have failed, and which settings this container does not permit. */
#include "cli/doctor/doctor.h"

#include "unit/implied.h"
#include "unit/types.h"

#include <stdio.h>
#include <string.h>

void check_failed(struct doctor *d) {
    for (size_t i = 0; i < d->n_units; i++) {
        _cleanup_error_ DBusError error = DBUS_ERROR_INIT;
        _cleanup_message_ DBusMessage *props = NULL;
        char why[128] = "its last start failed";
        if (strcmp(d->units[i].active, "failed") != 0)
            continue;
        props = props_get(d->units[i].path, &error);
        const char *result = props_string(props, "Result");
        if (*result)
            snprintf(why, sizeof why, "%s, exit status %d", result, (int)props_number(props, "ExecMainStatus"));
        if (strcmp(result, "exit-code") != 0)
            why[strcspn(why, ",")] = 0;
        text_addf(&d->what, "%s has failed", d->units[i].id);
        text_addf(&d->cure, "journalctl -u %s, then systemctl restart %s", d->units[i].id, d->units[i].id);
        doctor_tell(d, SEVERITY_PROBLEM, d->units[i].id, why, NULL);
    }
}

/* What is wrong with unit files is for `reeve verify` to say. */
static void ignore(void *userdata, const char *unit, const char *file, unsigned line, const char *message) {
}

static const struct manager_dirs dirs = { .runtime = "/run", .state = "/var/lib", .cache = "/var/cache",
                                          .logs = "/var/log", .configuration = "/etc", .system = true };

struct unit_file *doctor_load(const struct search_path *search, const char *id) {
    _cleanup_(unit_file_freep) struct unit_file *unit = NULL;
    if (unit_file_load(search, &dirs, id, ignore, NULL, &unit) < 0 || unit->state != LOAD_LOADED ||
        unit_put_implied(unit) < 0)
        return NULL;
    return TAKE(unit);
}

/* --- what is not enforced ---------------------------------------------------------------------------------------- */
struct unenforced {
    unsigned counts[DIRECTIVES]; /* how many units ask for it */
    unsigned n_units;
    const char *example;
};

static void count_denied(struct doctor *d, struct unenforced *u, const char *id, const struct unit_file *unit) {
    _cleanup_(exec_plan_freep) struct exec_plan *plan = NULL;
    _cleanup_text_ struct text why = {};
    int status;
    const struct exec_command_list *commands = unit_commands(unit, D_ExecStart);
    struct exec_request request = { .unit = unit, .role = EXEC_MAIN, .permits = &d->permits, .dirs = &dirs,
                                    .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1 };
    if (!commands || commands->n == 0)
        return;
    request.command = commands->commands[0];
    if (exec_plan_make(&request, &plan, &status, &why) < 0 || plan->n_degraded == 0)
        return;
    u->n_units++;
    u->example = id;
    for (size_t i = 0; i < plan->n_degraded; i++)
        u->counts[plan->degraded[i].directive]++;
}

static void count_limits(struct unenforced *u, const struct unit_file *unit) {
    bool any = false;
    for (size_t i = 0; i < unit->n_settings; i++) {
        const struct directive_row *row = directive_row(unit->settings[i].id);
        if (row->sections != SECTION_CGROUP || row->support != SUPPORT_STORED)
            continue;
        u->counts[row->id]++;
        any = true;
    }
    u->n_units += any;
}

static void tell(struct doctor *d, const struct unenforced *u, const char *what, const char *why, const char *cure) {
    if (u->n_units == 0)
        return;
    text_addf(&d->what, "%u running service%s set %s (", u->n_units, u->n_units > 1 ? "s" : "", what);
    const char *comma = "";
    for (enum directive id = 0; id < DIRECTIVES; id++)
        if (u->counts[id] > 0) {
            text_addf(&d->what, "%s%s %u", comma, directive_row(id)->name, u->counts[id]);
            comma = ", ";
        }
    text_add_char(&d->what, ')');
    doctor_tell(d, SEVERITY_NOTE, NULL, why, cure);
}

void check_enforcement(struct doctor *d) {
    static struct unenforced denied, limits;
    struct search_path search;
    if (search_path_init(&search, "", NULL, true) < 0)
        return;
    for (size_t i = 0; i < d->n_units; i++) {
        const char *type = strrchr(d->units[i].id, '.');
        if (!type || strcmp(type, ".service") != 0 || strcmp(d->units[i].active, "active") != 0)
            continue;
        _cleanup_(unit_file_freep) struct unit_file *unit = doctor_load(&search, d->units[i].id);
        if (!unit)
            continue;
        count_denied(d, &denied, d->units[i].id, unit);
        count_limits(&limits, unit);
    }
    search_path_done(&search);
    if (denied.n_units > 0)
        text_addf(&d->cure, "see reeve explain %s and the others; --cap-add SYS_ADMIN permits most", denied.example);
    tell(d, &denied, "what this container does not permit", "they run without", NULL);
    tell(d, &limits, "what needs control groups", "they are not used, and these have no effect",
         "limit the container as a whole: docker run --memory, --cpus, --pids-limit");
}
