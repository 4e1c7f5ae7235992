/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of the process: what all connections share, and the stages of its shutdown. The
 * other files of this folder fill it in.
 */
#ifndef SERVER_H
#define SERVER_H

#include "backend/socket.h"
#include "bus/redis.h"
#include "http/connection.h"
#include "net/bucket.h"
#include "net/limit.h"
#include "net/listeners.h"
#include "net/lookup.h"
#include "net/tally.h"
#include "net/tls.h"
#include "net/tls_ticket.h"
#include "options/options.h"
#include "process/account.h"
#include "process/child.h"
#include "process/pid_set.h"
#include "process/quota.h"
#include "serve/admin.h"
#include "serve/redirect.h"
#include "serve/route.h"
#include "server/activation.h"
#include "server/budget.h"
#include "server/handover.h"
#include "server/notify.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <sysexits.h>

enum {
	SERVER_SIGNALS = 6, /* that have a handler */
	SERVER_END_MS = 2 * 1000, /* before the end of --shutdown-timeout: when CGI scripts are
				     ended that still run */
	SERVER_KILL_MS = 2 * 1000, /* how long the killed may take to be reaped */
};

/* Exit status: a process could not be terminated, and was left running. */
enum { SERVER_LEFT_BEHIND = EX_NOPERM };

struct config_store;

enum server_stage {
	SERVER_SERVING,
	SERVER_FINISHING, /* no new connections; all sessions go on until they end */
	SERVER_DRAINING, /* no new connections; CLOSE 1001 and the termination sequence for all
			  */
	SERVER_KILLING, /* SIGKILL for all */
};

/* Shared by all processes of the server; zeroed at the start. */
struct server_shared {
	struct quota
	    quota; /* the holders: each worker by its number, and then those that died */
	struct tls_ticket_keys tickets; /* written by the parent */
	_Atomic uint64_t last_session;
	struct redis_identity identity;
	struct buckets buckets;
	_Atomic uint32_t pressure; /* of --prespawn: pools.pressure */
	_Atomic int stage; /* enum server_stage: what the parent wants */
	atomic_bool handed_over; /* there is a new server */
	struct server_share {
		atomic_size_t connections; /* that wait for a request or get a response */
		atomic_size_t parked; /* programs without a session (--prespawn) */
		atomic_size_t sockets; /* of sessions, or that are being connected */
		atomic_size_t members; /* clients of shared programs */
		atomic_bool accepts;
		_Atomic int64_t alive_ms; /* when its event loop last came round */
		/* Shared programs that do not run; see launcher.down. */
		atomic_size_t down;
		struct redis_counts bus;
		_Atomic pid_t pid; /* 0: it does not run */
		_Atomic int64_t started_ms; /* of the real time */
	} workers[OPTIONS_WORKERS_MAX];
	struct pid_set programs; /* those that run */
};

/* Of requests that other workers serve: server/relays.h. */
struct relays {
	/* Owned: what each worker receives, and where others send. */
	int sockets[OPTIONS_WORKERS_MAX][2];
	size_t count;
	struct event *event; /* owned; NULL: there are no other workers */
	struct list list; /* of struct relay */
};

/* What --admin has of its own. */
struct server_admin {
	struct listeners listeners;
	int64_t started_ms; /* of the real time: the process that has opened it */
	int wake; /* owned: an eventfd of all workers; -1: there is none */
	struct event *wake_event; /* owned */
	struct limit *limit; /* owned */
	int64_t end_ms; /* when the process ends at the latest; 0: not yet */
	struct connections connections;
	atomic_size_t connection_count;
	struct admin admin; /* its tokens are owned */
};

struct server {
	const struct options *options; /* borrowed */
	struct options *reloaded; /* owned: they are those, since a reload; NULL: none was */
	int kept_port; /* for port 0 during a reload; 0: any */
	int reload_socket; /* of a worker, owned: orders of its parent to reload */
	struct reload_follower *reload_follower; /* owned; NULL: there are no orders */
	struct config_store *
	    store; /* borrowed: what a reload with workers reads from, or adds to; NULL: none */
	FILE *errors; /* of a reload, which logs them; NULL: there is none */
	struct server_shared *page; /* owned, but shared */
	struct tally *tally; /* likewise; NULL: no other process counts connections */
	struct account account; /* owned: of --user; valid if HAS_ACCOUNT */
	bool has_account;
	size_t worker; /* this process's number, from 0 */
	pid_t parent; /* of a worker; 0: there are no workers but this process */
	struct spawn_inherited inherited;
	struct loop *loop;
	struct children *children;
	struct activation activation;
	struct handover handover;
	struct timer handover_timer;
	struct notify notify;
	struct timer watchdog;
	struct listeners listeners;
	struct listeners redirect_listeners; /* at --redirport */
	struct redirect redirect;
	bool is_local; /* only this machine can connect to what is listened on */
	struct limit *limit; /* owned */
	int64_t full_logged_ms; /* when it was logged that no more connections are accepted */
	struct lookup *lookup; /* owned; NULL: nothing is looked up */
	struct list accepted; /* connections that wait for a PROXY header or a name */
	struct server_budget budget;
	struct tls *tls; /* owned; NULL: plain connections */
	struct event *signals[SERVER_SIGNALS];
	bool has_terminal; /* at startup */
	int64_t stop_ms; /* when the first signal to stop came */
	struct event *orphans_event; /* owned; NULL: there can be none */
	struct timer orphans_timer;
	struct connections connections;
	struct list sessions;
	struct list scripts; /* of CGI: those that run */
	struct list waiting; /* requests that wait to be admitted */
	struct hooks hooks;
	struct list openings; /* whose backend is being connected */
	struct affinity affinity;
	struct streams streams;
	struct relays relays;
	struct mcp mcp;
	struct list shared; /* programs that clients share */
	uint64_t endpoint_number; /* of the next endpoint that is made */
	int bus_file; /* owned: of bus/local; -1: there is none */
	struct bus *bus; /* owned: between workers; NULL: there is none */
	struct redis_bus *redis; /* owned; NULL: --bus is not given */
	struct sockets sockets;
	struct route route; /* its endpoints are owned */
	struct pools pools; /* of parked programs */
	struct registry registry; /* owned; not open without --admin */
	struct server_admin admin;
	enum server_stage stage;
	int64_t stage_end_ms; /* when the next stage begins, whatever is left */
	struct timer tick;
};

/* Closes all that is listened on. It may be called twice. */
void server_close_listeners(struct server *server);

/* The TCP port that is listened on; 0: none. */
int server_port(const struct server *server);

/* Where errors of the configuration go: stderr, or during a reload the log. */
FILE *server_errors(const struct server *server);

/* Reports an error at startup or of a reload, and returns STATUS; with --compat 3, websocketd's
 * only one. */
int server_fail(const struct server *server, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct options_served;

/* The same of an endpoint that can't be served; it is reported where that is configured. */
int server_fail_endpoint(const struct server *server, const struct options_served *served,
    int status, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Begins a graceful shutdown because of a signal; the loop stops when all has ended. */
void server_shut_down(struct server *server, int number);

/* The time until its second stage, in milliseconds. */
int64_t server_drain_ms(const struct server *server);

/* Its second stage, which the first one enters by itself after server_drain_ms(). */
void server_kill(struct server *server);

/* Timer callback, ARG the server: while it shuts down, checks whether all has ended. */
void server_on_tick(void *arg);

/* Logs it, and notifies the service manager. */
void server_report_shutdown(struct server *server, int number, size_t sessions);

/* Accepts no more connections; the loop stops when all sessions have ended by themselves. */
void server_finish(struct server *server, int number);

void server_report_finish(struct server *server, int number, size_t sessions);

/* Starts a new server that takes the sockets over, because of SIGUSR2. */
void server_hand_over(struct server *server);

/* How far that is. DONE: no more connections are to be accepted. */
enum handover_result server_poll_handover(struct server *server);

/* Notifies the service manager that it serves: at startup, and after a reload. */
void server_report_ready(struct server *server);

#endif
