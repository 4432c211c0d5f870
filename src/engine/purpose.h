/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager is there for, and so when it ends by itself: when told (the default), with certain units, with the
 * last service, or, started in the background by a client, when nothing that was asked for is left. */
#pragma once

#include "engine/manager.h"

struct purpose {
    char *
        *exit_with; /* --exit-with=, REEVE_EXIT_WITH=: units whose end is the container's; "all": the last service's */
    bool on_demand;      /* --on-demand: nothing is started but what clients ask for */
    bool foreground;     /* --foreground: the default target is one unit, whose output is ours, and SIGHUP reloads it */
    bool any_essential;  /* some unit has Essential=yes, or exit_with names one */
    bool asked;          /* a client has asked for something */
    usec_t end_begin;    /* when the end was first held up for clients; 0: not yet */
    struct deferred work;
    struct timer timer;
};

/* Takes over what the options say, adds REEVE_EXIT_WITH= of the manager's environment. 0 or -ENOMEM. */
int purpose_init(struct manager *m, char *const *exit_with, bool on_demand, bool foreground);
void purpose_done(struct manager *m);
/* A unit, or the number of jobs, has changed: looks at the end of the turn whether this is the end. */
void purpose_look(struct manager *m, const struct unit *u);
/* A client wants the unit up. */
void purpose_asked(struct unit *u);
/* A client has closed its connection, whatever became of what it asked for. */
void purpose_client_left(struct manager *m);
/* Are only those units wanted that somebody asked for, and not what others have enabled beside them? */
bool purpose_is_narrow(const struct manager *m);
/* Enabled units come along with these; where the purpose is narrow they do not. */
bool purpose_drops_wants(const struct unit *u);
/* The unit that is run in the foreground; NULL. */
struct unit *purpose_foreground(struct manager *m);
/* The loop is about to end: is a client still to hear of it? Then it is asked again a little later. */
bool purpose_holds_end(struct manager *m);
