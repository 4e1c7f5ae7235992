/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signals of the server:
 *
 *   TERM, INT   graceful shutdown; a second one kills the programs
 *   QUIT        stop accepting connections, and exit when all sessions have ended
 *   HUP         reload and reopen the log; like TERM if the terminal has been closed
 *   USR1        reopen the log
 *   USR2        hand over the sockets to a new server, then like QUIT
 */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include "server/server.h"

/* Must be called first: holds the signals that never stop the server until there are
 * handlers. */
void server_hold_signals(void);

/* Must be called early: from then on only signals meant to kill the server do so. */
void server_signals_settle(struct server *server);

/* In a serving process: installs the handlers. Returns false with errno. */
bool server_signals_install(struct server *server) __attribute__((warn_unused_result));

/* Reports whether NUMBER is a terminal signal that is meant for the foreground command: a shell
 * starts background commands with INT and QUIT ignored. */
bool server_signal_is_for_others(int number);

/* Unblocks signals, including those that were blocked when the server was started, as some
 * supervisors do by mistake. */
void server_signals_unblock(void);

void server_signals_clear(struct server *server);

/* Reports whether SIGHUP must stop the server: its terminal was closed, and it was not started
 * by nohup(1). */
bool server_lost_terminal(const struct server *server);

void server_log_nothing_to_reload(const struct server *server);

/* Reopens --log-file, if given. With several workers, the parent logs that for USR1. */
void server_reopen_log(const struct server *server, int number);

/* Reports whether a stop signal only repeats the first one: timeout(1) signals its command and
 * then its process group. */
bool server_is_repeated(const struct server *server);

#endif
