/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's own view of itself: for the files server*.c. */
#ifndef SERVER_INNER_H
#define SERVER_INNER_H

#include "http/connection.h"
#include "net/limit.h"
#include "net/listeners.h"
#include "net/tally.h"
#include "net/tls.h"
#include "net/tls_ticket.h"
#include "options/options.h"
#include "process/child.h"
#include "process/pid_set.h"
#include "process/quota.h"
#include "serve/endpoint.h"
#include "serve/route.h"
#include "server/budget.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sysexits.h>

enum { SERVER_SIGNALS = 4 }; /* that have a handler */

/* Exit status: a process could not be terminated, and was left running. */
enum { SERVER_LEFT_BEHIND = EX_NOPERM };

enum server_stage {
	SERVER_SERVING,
	SERVER_DRAINING, /* no new connections, CLOSE 1001 and the termination sequence for all
			  */
	SERVER_KILLING, /* SIGKILL for all */
};

/* What all processes of the server share. Zeroed at the start. */
struct server_shared {
	struct quota quota; /* the holders: each worker by its number, and behind them what
			       those who died have left */
	struct tls_ticket_keys tickets; /* written by the parent */
	_Atomic uint64_t last_session;
	_Atomic int stage; /* enum server_stage: what the parent wants */
	struct server_share {
		atomic_size_t connections; /* that wait for a request or get an answer */
		atomic_bool accepts;
	} workers[OPTIONS_WORKERS_MAX];
	struct pid_set programs; /* those that run, where there may be other children */
};

struct server {
	const struct options *options; /* borrowed */
	struct server_shared *page; /* owned, but shared */
	struct tally *tally; /* likewise; NULL: no other process counts connections */
	size_t worker; /* this process's number, from 0 */
	pid_t parent; /* of a worker; 0: there are no workers but this process */
	struct spawn_inherited inherited;
	struct loop *loop;
	struct children *children;
	struct listeners listeners;
	struct limit *limit; /* owned */
	struct server_budget budget;
	struct tls *tls; /* owned; NULL: plain connections */
	struct event *signals[SERVER_SIGNALS];
	bool has_terminal; /* at startup */
	int64_t stop_ms; /* when the first signal to stop came */
	int orphans_fd; /* owned, as the next one: where SIGCHLD is read */
	struct event *orphans_event;
	struct timer orphans_timer;
	struct connections connections;
	struct list sessions;
	struct endpoint endpoint;
	struct route route;
	struct origin_rule *rules;
	char *switch_headers; /* of a 101 */
	char *file_headers; /* of a static file */
	char **pass_env;
	enum server_stage stage;
	int64_t stage_end_ms; /* when the next stage begins, whatever is left */
	struct timer tick;
};

/* Graceful shutdown because of a signal, and its second stage. */
void server_shut_down(struct server *server, int number);
void server_kill(struct server *server);
void server_log_shutdown(int number, size_t sessions);

/* Says what went wrong at the start and returns the exit status: websocketd has 3 for all of
 * it. */
int server_fail(const struct server *server, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * setup.c: what the options say, once for the whole process. 0, or the exit status.
 */
int server_set_up(struct server *server);

/* Reads the certificates and keys. False: ERROR says why, and all is as it was. */
bool server_load_tls(struct server *server, char error[TLS_ERROR_MAX]);

/* listen.c: opens sockets on all addresses, and records whether all are loopback. 0, or
 * the exit status. */
int server_listen(struct server *server);

/* After server_raise_limits(): accepts connections from now on. False without memory. */
bool server_accept(struct server *server) __attribute__((warn_unused_result));

/* No more. It may be called twice. */
void server_stop_listening(struct server *server);

/* announce.c: reports what is served, and where. */
void server_announce(const struct server *server);

/* Before there is a loop: whether the system gives the descriptors for it and for one session.
 * 0, or the exit status. */
int server_check_limits(struct server *server);

/*
 * As many descriptors as the system gives, which each process that serves shares out for
 * itself; what is short is said, not found out under load. A worker leaves that to its parent.
 * 0, or the exit status.
 */
int server_raise_limits(struct server *server);

#endif
