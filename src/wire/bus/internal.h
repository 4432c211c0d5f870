/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the bus wire share: connections, calls, the tables of interfaces. */
#pragma once

#include "base/strv.h"
#include "base/text.h"
#include "engine/manager.h"
#include "wire/bus/out.h"

#include <dbus/dbus.h>

#define BUS_NAME "org.freedesktop.systemd1"
#define BUS_PATH "/org/freedesktop/systemd1"
#define BUS_UNIT_PATH BUS_PATH "/unit/"
#define BUS_JOB_PATH BUS_PATH "/job/"
#define BUS_LOG_PATH "/org/freedesktop/LogControl1"

#define CONNECTIONS_MAX 512
#define CONNECTIONS_PER_UID_MAX 256
#define AUTHENTICATE_USEC (5 * USEC_PER_SEC)
#define MESSAGE_MAX (4L * 1024 * 1024)
#define RECEIVED_MAX (16L * 1024 * 1024)
#define OUTGOING_MAX (4096L * 1024)
/* With so much waiting for it a client is not keeping up. What it can do without waits, or is left out; one that takes
 * nothing for so long is thrown out. */
#define OUTGOING_MUCH (256L * 1024)
#define STALLED_USEC (5 * USEC_PER_SEC)
#define FDS_MAX 32
#define REQUEST_PATIENCE (100 * USEC_PER_MSEC)
#define MESSAGES_A_TURN 16 /* of one connection, before the others have theirs */
#define SEND_PRIORITY 45 /* after all that has something to tell, before the manager does what it was told to */

struct bus;

/* --- libdbus' watches and timeouts on the engine's loop: glue.c ----------------------------------------- */
struct glue {
    struct loop *loop;
    struct io *io;
    int fd;
    DBusWatch *watches[4]; /* of one descriptor: libdbus has one for reading and one for writing */
    bool want_write;       /* served() is to hear when there is room, beside what libdbus wants */
    /* May say no before a watch is served (a listening socket without descriptors left). NULL: always yes. */
    bool (*permit)(struct glue *glue);
    void (*served)(struct glue *glue); /* something was read or written; NULL: nobody asks */
};
int glue_connection(struct glue *glue, struct loop *loop, DBusConnection *connection);
int glue_server(struct glue *glue, struct loop *loop, DBusServer *server);
/* False: no memory for it. */
bool glue_want_write(struct glue *glue, bool want);
void glue_pause(struct glue *glue);
void glue_resume(struct glue *glue);
/* To be called when libdbus has let go of its watches; stops what is left. */
void glue_done(struct glue *glue);

/* --- connections: connection.c -------------------------------------------------------------------------- */
struct reference { /* Ref(): keeps a unit from being collected as long as the client lives */
    char *unit;   /* by name: a reload makes all units anew */
    char *sender; /* on the message bus; NULL on a direct connection */
    struct connection *connection;
    unsigned count;
    struct reference *next;
};

struct connection {
    struct bus *bus;
    DBusConnection *dbus;
    struct glue glue;
    struct timer authenticate;
    struct timer stalled; /* armed: it is not keeping up, and had `outgoing` bytes waiting when this was set */
    long outgoing;
    struct deferred dispatch;
    usec_t held; /* since when the next message waits for the jobs of an earlier one; 0: it does not */
    struct outgoing *line; /* what is not with libdbus yet, of so many bytes: outgoing.c */
    size_t waiting;
    struct deferred send;
    uid_t uid;
    pid_t pid;
    bool direct;        /* a client of the private socket; else: the message bus itself */
    bool authenticated, dying;
    struct connection *next;
};

struct bus {
    struct manager *manager;
    struct wire *wire;
    struct observer observer;
    /* the private socket: server.c */
    DBusServer *server;
    struct glue server_glue;
    struct timer server_pause;
    char *socket_path;
    /* everyone connected, the message bus included */
    struct connection *connections;
    unsigned n_connections;
    struct deferred bury;  /* frees connections that died, outside of their own handlers */
    struct reference *references;
    struct text signal; /* the one that is composed: signal.c */
    uint32_t signal_serial;
    struct system_bus *system; /* system_bus.c */
};
extern struct bus *bus_instance;

int connection_new(struct bus *bus, DBusConnection *dbus, bool direct, struct connection **ret);
/* Ends it; the memory is freed later. */
void connection_close(struct connection *c);
void connections_close_all(struct bus *bus);
/* Is there a client that does not keep up with what it is told? */
bool bus_is_crowded(struct bus *bus);

/* --- sending: outgoing.c -------------------------------------------------------------------------------- */
/* Sends, unless too much waits already: then the connection is ended. Takes `message` over. */
void connection_send(struct connection *c, DBusMessage *message);
/* A whole message, to a client of the private socket; at the end of the turn. */
void connection_send_bytes(struct connection *c, const char *bytes, size_t n);
/* As much as the socket takes of what waits. */
void connection_send_waiting(struct connection *c);
void connection_send_deferred(void *userdata); /* the same, of connection.send */
/* Bytes that wait, those with libdbus included. */
long connection_outgoing(const struct connection *c);
void connection_forget_outgoing(struct connection *c);

/* --- signals: signal.c ---------------------------------------------------------------------------------- */
struct signal {
    struct out out; /* for the arguments */
    struct bus *bus;
    size_t body;
    bool concerned;
};
/* Who listens: every direct connection, and the message bus if somebody there subscribed, or is `concerned`: holds a
 * reference of the unit, made the job. */
bool bus_anybody_listens(const struct bus *bus, bool concerned);
/* True: the arguments, of `signature`, are to be appended to `out`, and then signal_send() called, before the next one
 * begins. False: nobody listens. */
bool signal_begin(struct bus *bus, struct signal *s, const char *path, const char *interface, const char *name,
                  const char *signature, bool concerned);
void signal_send(struct signal *s);
/* Links among unit files have changed. */
void bus_tell_unit_files_changed(struct bus *bus);

/* --- calls: dispatch.c ---------------------------------------------------------------------------------- */
struct interface;
struct object;

struct call {
    struct bus *bus;
    struct connection *connection;
    DBusMessage *message;
    DBusMessageIter args;
    const struct object *object;
    const struct method *method;
    uid_t uid;
    pid_t pid; /* of the caller; 0: not known */
};

/* 0: `reply` is complete. CALL_LATER: the handler keeps a reference of the message and answers itself. Negative: the
 * error, `error` or the errno if that was left alone. */
enum { CALL_LATER = 1 };
typedef int (*method_handler)(struct call *call, struct out *reply, struct error *error);

enum method_flags {
    METHOD_ANYBODY = 1 << 0, /* else: uid 0 and the manager's own */
};

struct method {
    const char *name, *in, *out;
    method_handler handler;
    enum method_flags flags;
    intptr_t data; /* the handler's own */
};

enum property_emits { EMITS_CONST, EMITS_CHANGE, EMITS_INVALIDATION, EMITS_FALSE };

struct property;
typedef void (*property_getter)(const struct object *object, const struct property *p, struct out *out);
struct property {
    const char *name, *signature;
    enum property_emits emits;
    property_getter get;
    const char *arg; /* the getter's own */
    intptr_t data;   /* also */
    int (*set)(struct call *call, const struct property *p, DBusMessageIter *value, struct error *error);
};

struct signal_row {
    const char *name, *signature;
};

struct interface {
    const char *name;
    const struct method *methods;            /* ends with a NULL name; may be NULL */
    const struct property *const *properties; /* several tables, each ending with a NULL name; ends with NULL */
    const struct signal_row *signals;
};

enum object_kind { OBJECT_NONE, OBJECT_MANAGER, OBJECT_UNIT, OBJECT_JOB, OBJECT_LOG_CONTROL, OBJECT_PARENT };
struct object {
    enum object_kind kind;
    struct manager *manager;
    struct unit *unit;
    struct job *job;
    const struct interface *interfaces[3]; /* in the order GetAll("") tells them; ends with NULL */
};

/* A message from the connection. */
DBusHandlerResult bus_dispatch(struct connection *c, DBusMessage *message);
/* Serves a call whose caller's uid is known. */
void bus_serve(struct connection *c, DBusMessage *message, uid_t uid, pid_t pid);
/* Finds what a path names, loading the unit if need be. 0; -ENOENT; others with `error`. */
int object_find(struct bus *bus, const char *path, pid_t caller, struct object *ret, struct error *error);
void object_of_unit(struct unit *u, struct object *ret);
void object_of_job(struct job *j, struct object *ret);
/* The introspection document. */
void introspect(struct bus *bus, const struct object *object, const char *path, struct text *out);
const struct property *interface_find_property(const struct interface *i, const char *name);

/* An answer sent later than its call. Both take the reference of the message that the handler kept. */
void bus_reply_empty(struct connection *c, DBusMessage *call);
/* Refuses the call with an error of any name; returns CALL_LATER. */
int call_refuse(struct call *call, const char *name, const char *format, ...) _printf_(3, 4);
/* The connection, if it still lives. For answers that come later. */
struct connection *connection_find(struct bus *bus, DBusConnection *dbus);
/* A new message of ours: sender set. NULL: no memory. */
DBusMessage *bus_new_reply(DBusMessage *call);
DBusMessage *bus_new_error(DBusMessage *call, const char *name, const char *message);

/* --- errors: errors.c ----------------------------------------------------------------------------------- */
const char *bus_error_name(enum error_kind kind);
/* "org.freedesktop.DBus.Error.InvalidArgs" and the like for errnos; buffer at least 64 bytes. */
const char *bus_errno_name(int error, char buffer[static 64]);

/* Why the unit cannot be used, as its load state says; left alone if nothing is wrong. */
void bus_load_error(const struct unit *u, struct error *error);

/* --- the tables: interfaces.c, methods_*.c, properties_*.c ---------------------------------------------- */
extern const struct interface manager_interface, unit_interface, job_interface, log_control_interface;
extern const struct interface *const type_interfaces[UNIT_TYPES]; /* Service, Socket, … */
extern const struct property manager_properties[], unit_properties[], job_properties[], log_control_properties[];
extern const struct property exec_properties[], kill_properties[], cgroup_properties[], service_properties[],
    socket_properties[], timer_properties[], path_properties[], mount_properties[], automount_properties[],
    swap_properties[], slice_properties[], scope_properties[], device_properties[];
extern const struct method manager_methods[], unit_methods[], job_methods[], process_methods[], scope_methods[],
    service_methods[];

/* methods_*.c: handlers by subject. `call->method->data` tells variants apart. */
#define HANDLER(function) int function(struct call *call, struct out *reply, struct error *error)
enum unit_lookup { UNIT_LOAD, UNIT_KNOWN };
/* The unit a call is about: the object itself, or named by the next argument ("": the caller's own). */
int call_unit(struct call *call, enum unit_lookup how, struct unit **ret, struct error *error);
/* Data of the handlers that make a job. */
#define JOB_DATA(type, reload) ((intptr_t)(type) | ((reload) ? 0x100 : 0))
HANDLER(method_make_job);      /* StartUnit and its kin, on the manager and on units */
HANDLER(method_start_with_flags);
HANDLER(method_start_replace);
HANDLER(method_enqueue_job);
HANDLER(method_enqueue_marked);
HANDLER(method_get_job);
HANDLER(method_cancel_job);
HANDLER(method_clear_jobs);
HANDLER(method_list_jobs);
HANDLER(method_job_neighbours); /* data: DEP_AFTER, DEP_BEFORE */
HANDLER(method_get_unit);       /* data: enum unit_lookup */
HANDLER(method_get_unit_by_pid);
HANDLER(method_get_unit_by_pidfd);
HANDLER(method_get_unit_by_invocation);
HANDLER(method_get_unit_by_control_group);
HANDLER(method_list_units);     /* data: how many string lists of arguments: states, patterns */
HANDLER(method_list_units_by_names);
HANDLER(method_kill);
HANDLER(method_queue_signal);
HANDLER(method_reset_failed);
HANDLER(method_reset_failed_unit);
HANDLER(method_ref);
HANDLER(method_unref);
HANDLER(method_clean);
HANDLER(method_fd_store);
HANDLER(method_freeze);
HANDLER(method_unsupported);
HANDLER(method_set_properties);
HANDLER(method_start_transient);
HANDLER(method_get_processes);
HANDLER(method_attach_processes);
HANDLER(method_abandon);
HANDLER(method_unit_files);
HANDLER(method_list_unit_files);
HANDLER(method_get_unit_file_state);
HANDLER(method_get_default_target);
HANDLER(method_get_unit_file_links);
/* The unit a process belongs to; NULL: none, or pid is 0. */
struct unit *bus_unit_by_pid(struct manager *m, pid_t pid);
/* The process behind a pidfd; 0: none. */
pid_t bus_pid_of_pidfd(int fd);

/* --- reading arguments: the signature is already checked ------------------------------------------------ */
const char *arg_string(struct call *call);
bool arg_bool(struct call *call);
uint32_t arg_u32(struct call *call);
int32_t arg_i32(struct call *call);
uint64_t arg_u64(struct call *call);
uint8_t arg_byte(struct call *call);
int arg_strv(struct call *call, char ***ret);

/* --- paths: objects.c ----------------------------------------------------------------------------------- */
#define OBJECT_PATH_MAX (sizeof(BUS_UNIT_PATH) + 3 * UNIT_NAME_MAX)
/* The unit's object path into `buffer`, which is returned. */
const char *unit_object_path(const char *id, char buffer[static OBJECT_PATH_MAX]);
const char *job_object_path(uint32_t id, char buffer[static 64]);

/* --- observers: signals.c ------------------------------------------------------------------------------- */
int bus_signals_start(struct bus *bus);
void bus_signals_stop(struct bus *bus);
/* Drops what a client that went away held: all of the connection `c`, or that of one sender on it. */
void references_drop(struct bus *bus, struct connection *c, const char *sender);
int reference_take(struct call *call, struct unit *u, struct error *error);
int reference_release(struct call *call, struct unit *u, struct error *error);

/* --- the private socket: server.c ----------------------------------------------------------------------- */
int bus_server_start(struct bus *bus);
void bus_server_stop(struct bus *bus);

/* --- the message bus as a client of it: system_bus.c ---------------------------------------------------- */
int system_bus_start(struct bus *bus);
void system_bus_stop(struct bus *bus);
/* `bus` may be NULL: before the wire was started. */
void system_bus_watch_name(struct bus *bus, const char *name, bool watch);
/* A call or signal that came over it. */
DBusHandlerResult system_bus_dispatch(struct connection *c, DBusMessage *message);
bool system_bus_subscribed(const struct bus *bus);
/* A client there made this job, and will want to hear of its end. */
void system_bus_own_job(struct call *call, const struct job *j);
bool system_bus_owns_job(const struct bus *bus, const struct job *j);
int system_bus_subscribe(struct call *call, bool on);
/* The connection went away. */
void system_bus_lost(struct connection *c);
void system_bus_unit_changed(struct bus *bus, struct unit *u);
void system_bus_job_removed(struct bus *bus, struct job *j, enum job_result result);
