/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signals of the server:
 *
 *   TERM, INT   graceful shutdown; a second one kills the programs
 *   QUIT        accept no more connections, and exit when all sessions have ended
 *   HUP         reload, and reopen the log; also, when the terminal has been closed, as TERM
 *   USR1        reopen the log
 *   USR2        a new server takes the sockets over; then as QUIT
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

/* Whether a key of the terminal sends the signal, and is meant for a command in the foreground:
 * a shell starts one in the background with it ignored. */
bool server_signal_is_for_others(int number);

/* Delivers signals from now on, also those that were blocked when the server was started: some
 * supervisors leave them so by mistake. */
void server_signals_unblock(void);

void server_signals_clear(struct server *server);

/* Whether SIGHUP is to stop the server: it had a terminal, which is gone, and was not started
 * by nohup(1). */
bool server_lost_terminal(const struct server *server);

void server_log_nothing_to_reload(const struct server *server);

/* Opens the file of --log-file again, if there is one; of several workers, the parent logs it
 * for USR1. */
void server_reopen_log(const struct server *server, int number);

/* Whether a signal to stop only repeats the first one: timeout(1) signals its command and then
 * its group. */
bool server_is_repeated(const struct server *server);

#endif
