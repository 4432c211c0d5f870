/* SPDX-License-Identifier: Apache-2.0 */
/* The image's own dbus-daemon: while dbus.service is active we are its client, own org.freedesktop.systemd1
 * there, serve the same objects, start what it wants activated, and watch the names that services promised to
 * take. Nothing here waits: every question to the daemon is asked asynchronously. */
#include "wire/bus/internal.h"

#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DBUS_UNIT "dbus.service"
#define DBUS_SOCKET "/run/dbus/system_bus_socket"
#define RETRY_USEC (2 * USEC_PER_SEC) /* after the connection was lost, while the daemon is said to run */
#define ASK_TIMEOUT_MSEC 20000
#define WAITING_MAX 256 /* calls whose sender's uid is being asked for */
#define CALLERS_MAX 256 /* remembered senders */

struct caller { /* who is behind a unique name */
    char *name;
    uid_t uid;
    pid_t pid;
    struct caller *next;
};

struct owned_job {
    uint32_t id;
    struct owned_job *next;
};

struct activation { /* a start the daemon asked for, and its clients wait for */
    uint32_t job;
    struct activation *next;
    char unit[];
};

struct system_bus {
    struct bus *bus;
    struct connection *connection; /* NULL: none */
    bool owner;                    /* of our name */
    struct timer retry;
    char **subscribers;
    struct caller *callers;
    struct owned_job *jobs; /* that clients there made */
    struct activation *activations;
    unsigned n_callers, n_waiting;
};

/* Names that services promised to take: kept also while there is no bus. */
struct watched {
    char *name;
    unsigned count;
    bool owned;
    struct watched *next;
};
static struct watched *watched;

/* --- asking the daemon ---------------------------------------------------------------------------------- */
struct question {
    struct bus *bus;
    void (*answer)(struct question *q, DBusMessage *reply);
    char *name;
    DBusMessage *call;
};

static void question_free(void *data) {
    struct question *q = data;
    if (q->call)
        dbus_message_unref(q->call);
    free(q->name);
    free(q);
}

static void on_answer(DBusPendingCall *pending, void *data) {
    struct question *q = data;
    DBusMessage *reply = dbus_pending_call_steal_reply(pending);
    if (reply) {
        if (q->bus->system && q->bus->system->connection && !q->bus->system->connection->dying)
            q->answer(q, reply);
        dbus_message_unref(reply);
    }
}

/* Asks org.freedesktop.DBus; takes `message` over. `about` (may be NULL) is remembered with the question, and
 * so is `call`, by reference. */
static int ask(struct system_bus *s, DBusMessage *message, void (*answer)(struct question *, DBusMessage *),
               const char *about, DBusMessage *call) {
    struct question *q = calloc(1, sizeof *q);
    DBusPendingCall *pending = NULL;
    int r = -ENOMEM;
    if (q)
        *q = (struct question){ .bus = s->bus,
                                .answer = answer,
                                .name = about ? strdup(about) : NULL,
                                .call = call ? dbus_message_ref(call) : NULL };
    if (message && q && (!about || q->name) &&
        dbus_connection_send_with_reply(s->connection->dbus, message, &pending, ASK_TIMEOUT_MSEC) &&
        pending && dbus_pending_call_set_notify(pending, on_answer, q, question_free)) {
        q = NULL;
        r = 0;
    }
    if (pending) {
        if (r < 0)
            dbus_pending_call_cancel(pending);
        dbus_pending_call_unref(pending);
    }
    if (q)
        question_free(q);
    if (message)
        dbus_message_unref(message);
    return r;
}

/* A call of the daemon's with one string. */
static DBusMessage *question(const char *method, const char *argument) {
    DBusMessage *m =
        dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, method);
    if (m && argument && !dbus_message_append_args(m, DBUS_TYPE_STRING, &argument, DBUS_TYPE_INVALID)) {
        dbus_message_unref(m);
        return NULL;
    }
    return m;
}

static bool is_error(DBusMessage *reply) {
    return dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR;
}

/* --- names services take -------------------------------------------------------------------------------- */
static struct watched *watched_find(const char *name) {
    for (struct watched *w = watched; w; w = w->next)
        if (strcmp(w->name, name) == 0)
            return w;
    return NULL;
}

static void tell_owner(struct bus *bus, const char *name, const char *owner) {
    struct watched *w = watched_find(name);
    if (!w || (!owner && !w->owned))
        return;
    w->owned = owner != NULL;
    manager_bus_name_changed(bus->manager, name, owner);
}

static void on_name_owner(struct question *q, DBusMessage *reply) {
    const char *owner = NULL;
    if (!is_error(reply) && !dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID))
        return;
    tell_owner(q->bus, q->name, owner);
}

void system_bus_watch_name(struct bus *bus, const char *name, bool watch) {
    struct watched *w = watched_find(name);
    if (!watch) {
        if (!w || --w->count > 0)
            return;
        for (struct watched **p = &watched; *p; p = &(*p)->next)
            if (*p == w) {
                *p = w->next;
                break;
            }
        free(w->name);
        free(w);
        return;
    }
    if (w) {
        w->count++;
    } else {
        w = calloc(1, sizeof *w);
        if (!w || !(w->name = strdup(name))) {
            free(w);
            log_error("No memory to watch the bus name %s.", name);
            return;
        }
        w->count = 1;
        w->next = watched;
        watched = w;
    }
    if (bus && bus->system && bus->system->connection && dbus_validate_bus_name(name, NULL))
        ask(bus->system, question("GetNameOwner", name), on_name_owner, name, NULL);
}

/* --- connecting ----------------------------------------------------------------------------------------- */
static void forget_callers(struct system_bus *s) {
    while (s->callers) {
        struct caller *c = s->callers;
        s->callers = c->next;
        free(c->name);
        free(c);
    }
    s->n_callers = 0;
}

static bool daemon_runs(struct bus *bus) {
    struct unit *u = manager_get_unit(bus->manager, DBUS_UNIT);
    return u && unit_active_state(u) == ACTIVE_ACTIVE;
}

static void retry_later(struct system_bus *s) {
    if (daemon_runs(s->bus))
        timer_set(s->bus->manager->loop, &s->retry, usec_add(now(CLOCK_MONOTONIC), RETRY_USEC));
}

static void on_name_requested(struct question *q, DBusMessage *reply) {
    dbus_uint32_t result = 0;
    if (!is_error(reply))
        dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &result, DBUS_TYPE_INVALID);
    q->bus->system->owner =
        result == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER || result == DBUS_REQUEST_NAME_REPLY_ALREADY_OWNER;
    if (!q->bus->system->owner)
        log_debug("The message bus does not give us the name " BUS_NAME ".");
}

static void on_nothing(struct question *q, DBusMessage *reply) {
}

static void on_hello(struct question *q, DBusMessage *reply) {
    struct system_bus *s = q->bus->system;
    const char *name;
    if (is_error(reply) || !dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) ||
        !dbus_bus_set_unique_name(s->connection->dbus, name)) {
        connection_close(s->connection);
        return;
    }
    log_debug("Connected to the message bus as %s.", name);
    s->connection->authenticated = true;
    ask(s,
        question("AddMatch", "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                             "member='NameOwnerChanged'"),
        on_nothing, NULL, NULL);
    DBusMessage *m = question("RequestName", BUS_NAME);
    dbus_uint32_t flags = DBUS_NAME_FLAG_REPLACE_EXISTING | DBUS_NAME_FLAG_DO_NOT_QUEUE;
    if (m && !dbus_message_append_args(m, DBUS_TYPE_UINT32, &flags, DBUS_TYPE_INVALID)) {
        dbus_message_unref(m);
        m = NULL;
    }
    ask(s, m, on_name_requested, NULL, NULL);
    for (struct watched *w = watched; w; w = w->next)
        if (dbus_validate_bus_name(w->name, NULL))
            ask(s, question("GetNameOwner", w->name), on_name_owner, w->name, NULL);
}

/* connect() waits when the listener's queue is full, and libdbus would wait with it: look first. */
static bool would_accept(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static void connect_now(struct system_bus *s) {
    if (s->connection || !daemon_runs(s->bus))
        return;
    if (!would_accept(DBUS_SOCKET)) {
        retry_later(s);
        return;
    }
    DBusConnection *dbus = dbus_connection_open_private("unix:path=" DBUS_SOCKET, NULL);
    if (!dbus) {
        retry_later(s);
        return;
    }
    struct connection *c;
    int r = connection_new(s->bus, dbus, false, &c);
    if (r < 0)
        dbus_connection_close(dbus);
    dbus_connection_unref(dbus);
    if (r < 0) {
        retry_later(s);
        return;
    }
    s->connection = c;
    if (ask(s, question("Hello", NULL), on_hello, NULL, NULL) < 0)
        connection_close(c);
}

static void on_retry(struct timer *timer, void *userdata) {
    connect_now(userdata);
}

int system_bus_start(struct bus *bus) {
    struct system_bus *s = bus->system;
    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s)
            return -ENOMEM;
        *s = (struct system_bus){
            .bus = bus,
            .retry = { .when = USEC_INFINITY, .clock = CLOCK_MONOTONIC, .handler = on_retry, .userdata = s }
        };
        bus->system = s;
    }
    connect_now(s);
    return 0;
}

static void forget_activations(struct system_bus *s) {
    while (s->activations) {
        struct activation *a = s->activations;
        s->activations = a->next;
        free(a);
    }
}

void system_bus_lost(struct connection *c) {
    struct system_bus *s = c->bus->system;
    if (!s || s->connection != c)
        return;
    s->connection = NULL;
    s->owner = false;
    s->n_waiting = 0;
    forget_callers(s);
    forget_activations(s);
    strv_free(TAKE(s->subscribers));
    retry_later(s);
}

void system_bus_own_job(struct call *call, const struct job *j) {
    struct system_bus *s = call->bus->system;
    if (call->connection->direct || !j || !s || system_bus_owns_job(call->bus, j))
        return;
    struct owned_job *o = calloc(1, sizeof *o);
    if (!o)
        return; /* its client may have to ask */
    *o = (struct owned_job){ .id = j->id, .next = s->jobs };
    s->jobs = o;
}

bool system_bus_owns_job(const struct bus *bus, const struct job *j) {
    for (const struct owned_job *o = bus->system ? bus->system->jobs : NULL; o; o = o->next)
        if (o->id == j->id)
            return true;
    return false;
}

void system_bus_stop(struct bus *bus) {
    struct system_bus *s = bus->system;
    if (!s)
        return;
    if (s->connection)
        connection_close(s->connection);
    timer_stop(&s->retry);
    while (s->jobs) {
        struct owned_job *o = s->jobs;
        s->jobs = o->next;
        free(o);
    }
    forget_activations(s);
    bus->system = NULL;
    free(s);
}

void system_bus_unit_changed(struct bus *bus, struct unit *u) {
    if (bus->system && !bus->system->connection && u->ops->type == UNIT_SERVICE &&
        strcmp(u->id, DBUS_UNIT) == 0)
        connect_now(bus->system);
}

/* --- activation ----------------------------------------------------------------------------------------- */
/* `unit` as the daemon called it, `name` of the error. */
static void activation_failed(struct system_bus *s, const char *unit, const char *name, const char *message) {
    log_debug("Cannot start %s for the message bus: %s", unit, message);
    DBusMessage *m = dbus_message_new_signal(BUS_PATH, BUS_NAME ".Activator", "ActivationFailure");
    struct out out;
    if (!m)
        return;
    out_init(&out, m);
    out_string(&out, unit);
    out_string(&out, name);
    out_string(&out, message);
    if (out_finish(&out) < 0 || !dbus_message_set_destination(m, DBUS_SERVICE_DBUS))
        dbus_message_unref(m);
    else
        connection_send(s->connection, m);
}

/* Without memory for it the clients wait until the daemon loses patience. */
static void activation_remember(struct system_bus *s, const char *name, const struct job *j) {
    size_t length = strlen(name) + 1;
    struct activation *a = malloc(sizeof *a + length);
    if (!a)
        return;
    a->job = j->id;
    memcpy(a->unit, name, length);
    a->next = s->activations;
    s->activations = a;
}

static void activate(struct system_bus *s, const char *name) {
    struct manager *m = s->bus->manager;
    struct error error = {};
    struct unit *u;
    struct job *j = NULL;
    log_debug("The message bus wants %s.", name);
    int r = manager_load_unit(m, name, &u, &error);
    if (r >= 0)
        r = manager_request_job(m, JOB_START, u, false, JOB_REPLACE, &error, &j);
    if (r < 0)
        activation_failed(s, name, bus_error_name(error.kind), error.message);
    else if (j)
        activation_remember(s, name, j);
}

/* A start that left nothing running, be it that a condition did not hold: no name will appear on the bus, and
 * who waits for it hears so now instead of after the daemon's timeout. */
static void activation_ended(struct system_bus *s, struct job *j, enum job_result result) {
    enum active_state state = unit_active_state(j->unit);
    for (struct activation **p = &s->activations; *p;) {
        struct activation *a = *p;
        if (a->job != j->id) {
            p = &a->next;
            continue;
        }
        *p = a->next;
        if (s->connection && (result != JOB_DONE || inactive_or_failed(state))) {
            char message[512];
            snprintf(message, sizeof message, "Unit %s was not started: its job ended as %s, the unit is %s.",
                     j->unit->id, job_result_to_string(result), active_state_to_string(state));
            /* Not "Failed", which clients take for a refusal: systemctl poweroff would not go on to ask us.
             */
            activation_failed(s, a->unit, DBUS_ERROR_SERVICE_UNKNOWN, message);
        }
        free(a);
    }
}

/* An alias such as dbus-broker's has another name: the look-up in daemon_runs() knows it, a job's end is when
 * to look. */
void system_bus_job_removed(struct bus *bus, struct job *j, enum job_result result) {
    for (struct owned_job **p = bus->system ? &bus->system->jobs : NULL; p && *p; p = &(*p)->next)
        if ((*p)->id == j->id) {
            struct owned_job *o = *p;
            *p = o->next;
            free(o);
            break;
        }
    if (bus->system)
        activation_ended(bus->system, j, result);
    if (bus->system && !bus->system->connection && result == JOB_DONE && j->type != JOB_STOP &&
        j->unit->ops->type == UNIT_SERVICE && j->unit == manager_get_unit(bus->manager, DBUS_UNIT))
        connect_now(bus->system);
}

/* --- who is who ----------------------------------------------------------------------------------------- */
static struct caller *caller_find(struct system_bus *s, const char *name) {
    for (struct caller *c = s->callers; c; c = c->next)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static void caller_forget(struct system_bus *s, const char *name) {
    for (struct caller **p = &s->callers; *p; p = &(*p)->next)
        if (strcmp((*p)->name, name) == 0) {
            struct caller *c = *p;
            *p = c->next;
            s->n_callers--;
            free(c->name);
            free(c);
            return;
        }
}

static struct caller *caller_remember(struct system_bus *s, const char *name, uid_t uid, pid_t pid) {
    struct caller *c = caller_find(s, name);
    if (c)
        return c;
    if (s->n_callers >= CALLERS_MAX)
        forget_callers(s);
    c = calloc(1, sizeof *c);
    if (!c || !(c->name = strdup(name))) {
        free(c);
        return NULL;
    }
    c->uid = uid;
    c->pid = pid;
    c->next = s->callers;
    s->callers = c;
    s->n_callers++;
    return c;
}

static void on_credentials(struct question *q, DBusMessage *reply) {
    struct system_bus *s = q->bus->system;
    uint32_t uid = UINT32_MAX, pid = 0;
    DBusMessageIter i, entries;
    if (s->n_waiting > 0)
        s->n_waiting--;
    if (!is_error(reply) && dbus_message_has_signature(reply, "a{sv}")) {
        dbus_message_iter_init(reply, &i);
        for (dbus_message_iter_recurse(&i, &entries);
             dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
             dbus_message_iter_next(&entries)) {
            DBusMessageIter entry, value;
            const char *key;
            dbus_message_iter_recurse(&entries, &entry);
            dbus_message_iter_get_basic(&entry, &key);
            dbus_message_iter_next(&entry);
            dbus_message_iter_recurse(&entry, &value);
            if (dbus_message_iter_get_arg_type(&value) != DBUS_TYPE_UINT32)
                continue;
            if (strcmp(key, "UnixUserID") == 0)
                dbus_message_iter_get_basic(&value, &uid);
            else if (strcmp(key, "ProcessID") == 0)
                dbus_message_iter_get_basic(&value, &pid);
        }
        caller_remember(s, q->name, uid, (pid_t)pid);
    }
    bus_serve(s->connection, q->call, uid, (pid_t)pid);
}

static void serve(struct system_bus *s, DBusMessage *message) {
    const char *sender = dbus_message_get_sender(message);
    struct caller *c = sender ? caller_find(s, sender) : NULL;
    if (!sender)
        return;
    if (c) {
        bus_serve(s->connection, message, c->uid, c->pid);
        return;
    }
    if (s->n_waiting < WAITING_MAX &&
        ask(s, question("GetConnectionCredentials", sender), on_credentials, sender, message) >= 0) {
        s->n_waiting++;
        return;
    }
    DBusMessage *m = bus_new_error(message, DBUS_ERROR_LIMITS_EXCEEDED, "Too many calls wait to be served.");
    connection_send(s->connection, m);
}

/* --- signals -------------------------------------------------------------------------------------------- */
static void on_name_owner_changed(struct system_bus *s, DBusMessage *message) {
    const char *name, *before, *after;
    if (!dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                               DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID))
        return;
    if (*name == ':' && !*after) {
        caller_forget(s, name);
        if (s->subscribers)
            strv_remove(s->subscribers, name);
        references_drop(s->bus, s->connection, name);
    } else if (*name != ':') {
        tell_owner(s->bus, name, *after ? after : NULL);
    }
}

DBusHandlerResult system_bus_dispatch(struct connection *c, DBusMessage *message) {
    struct system_bus *s = c->bus->system;
    if (!s || s->connection != c)
        return DBUS_HANDLER_RESULT_HANDLED;
    switch (dbus_message_get_type(message)) {
    case DBUS_MESSAGE_TYPE_METHOD_CALL:
        serve(s, message);
        return DBUS_HANDLER_RESULT_HANDLED;
    case DBUS_MESSAGE_TYPE_SIGNAL:
        if (!dbus_message_has_sender(message, DBUS_SERVICE_DBUS))
            break;
        if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged")) {
            on_name_owner_changed(s, message);
        } else if (dbus_message_is_signal(message, BUS_NAME ".Activator", "ActivationRequest")) {
            const char *name;
            if (dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID))
                activate(s, name);
        }
        return DBUS_HANDLER_RESULT_HANDLED;
    default:
        break;
    }
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

bool system_bus_subscribed(const struct bus *bus) {
    return bus->system && bus->system->connection && bus->system->owner && bus->system->subscribers &&
           *bus->system->subscribers;
}

int system_bus_subscribe(struct call *call, bool on) {
    struct system_bus *s = call->bus->system;
    const char *sender = dbus_message_get_sender(call->message);
    if (!s || !sender)
        return 0;
    bool there = strv_contains(s->subscribers, sender);
    if (on && there)
        return call_refuse(call, BUS_NAME ".AlreadySubscribed", "Client is already subscribed.");
    if (!on && !there)
        return call_refuse(call, BUS_NAME ".NotSubscribed", "Client is not subscribed.");
    if (on)
        return strv_add(&s->subscribers, sender);
    strv_remove(s->subscribers, sender);
    return 0;
}
