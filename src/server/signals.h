/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signals of the server:
 *
 *   TERM, INT   graceful shutdown; a second one kills the programs
 *   HUP         reload; also, when the terminal has been closed, as TERM
 *   USR1, USR2  ignored
 */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include "server/server.h"

/* Called first: until there are handlers, the signals that never stop the server wait. */
void server_hold_signals(void);

/* Called early: from then on no signal kills the server but those that are meant to. */
void server_signals_settle(struct server *server);

/* In a process that serves: installs the handlers. False with errno. */
bool server_signals_install(struct server *server) __attribute__((warn_unused_result));

/* Delivers signals from now on, also those that were blocked when the server was started: some
 * supervisors leave them so by mistake. */
void server_signals_unblock(void);

void server_signals_clear(struct server *server);

/* Whether SIGHUP is to stop the server: it had a terminal, which is gone, and was not started
 * by nohup(1). */
bool server_lost_terminal(const struct server *server);

void server_log_nothing_to_reload(void);

/* Whether a signal to stop only repeats the first one: timeout(1) signals its command and then
 * its group. */
bool server_is_repeated(const struct server *server);

#endif
