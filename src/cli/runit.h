/* SPDX-License-Identifier: Apache-2.0 */
/* What runit's directories and my_init become for the manager: unit files, made by the generator. docs/runit.md. */
#pragma once

/* Writes a unit for each service of $REEVE_RUNIT into `early`, the directory of generated units that goes before
 * /etc: who makes a service directory means it, whatever a package's unit or alias of the name says. With links that
 * have runit.target start it. Without that variable: nothing. 0 or negative errno. */
int runit_generate(const char *early);

/* The same for my_init, if $REEVE_MY_INIT says that it began us: the shutdown scripts and the main command.
 * `program` is reeve's own path. */
int my_init_generate(const char *early, const char *program);
