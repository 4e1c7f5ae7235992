/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of the process, shared by all connections, and the stages of its shutdown. The
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
	SERVER_SIGNALS = 6, /* signals that have a handler */
	/* Running CGI scripts are ended this long before the end of --shutdown-timeout. */
	SERVER_END_MS = 2 * 1000,
	SERVER_KILL_MS = 2 * 1000, /* time limit for reaping killed processes */
};

/* Exit status: a process could not be terminated and was left running. */
enum { SERVER_LEFT_BEHIND = EX_NOPERM };

struct config_store;

enum server_stage {
	SERVER_SERVING,
	SERVER_FINISHING, /* no new connections; sessions continue until they end */
	/* No new connections; CLOSE 1001 and the termination sequence for all. */
	SERVER_DRAINING,
	SERVER_KILLING, /* SIGKILL for all */
};

/* Shared by all processes of the server; zeroed at the start. */
struct server_shared {
	struct quota quota; /* holders: each worker by its number, then those of dead workers */
	struct tls_ticket_keys tickets; /* written by the parent */
	_Atomic uint64_t last_session;
	struct redis_identity identity;
	struct buckets buckets;
	_Atomic uint32_t pressure; /* pools.pressure, for --prespawn */
	_Atomic int stage; /* enum server_stage requested by the parent */
	atomic_bool handed_over; /* a new server has taken over */
	struct server_share {
		/* Connections waiting for a request or getting a response. */
		atomic_size_t connections;
		atomic_size_t parked; /* programs without a session (--prespawn) */
		/* backend sockets of sessions, connected or connecting */
		atomic_size_t sockets;
		atomic_size_t members; /* clients of shared programs */
		atomic_bool accepts;
		_Atomic int64_t alive_ms; /* last time the event loop was running */
		/* Shared programs not running; see launcher.down. */
		atomic_size_t down;
		struct redis_counts bus;
		_Atomic pid_t pid; /* 0: not running */
		_Atomic int64_t started_ms; /* wall clock */
	} workers[OPTIONS_WORKERS_MAX];
	struct pid_set programs; /* running programs */
};

/* Requests served by other workers: server/relays.h. */
struct relays {
	/* Owned, for each worker: [0] it receives from, [1] the others send to. */
	int sockets[OPTIONS_WORKERS_MAX][2];
	size_t count;
	struct event *event; /* owned; NULL: no other workers */
	struct list list; /* struct relay */
};

/* The state of --admin. */
struct server_admin {
	struct listeners listeners;
	int64_t started_ms; /* start of the server, wall clock */
	int wake; /* owned: eventfd shared by all workers; -1: none */
	struct event *wake_event; /* owned */
	struct limit *limit; /* owned */
	int64_t end_ms; /* deadline for the process to exit; 0: not set */
	struct connections connections;
	atomic_size_t connection_count;
	struct admin admin; /* its tokens are owned */
};

struct server {
	const struct options *options; /* borrowed */
	struct options *reloaded; /* owned: set to OPTIONS by a reload; NULL: no reload yet */
	int kept_port; /* port to keep for port 0 during a reload; 0: any */
	int reload_socket; /* worker: owned: the parent's reload orders */
	struct reload_follower *reload_follower; /* owned; NULL: not a worker */
	struct config_store *store; /* borrowed: files for a reload with workers; NULL: none */
	FILE *errors; /* collects the errors of a reload; NULL: none in progress */
	struct server_shared *page; /* owned; shared memory */
	/* Owned; shared memory; NULL: no other process counts connections. */
	struct tally *tally;
	struct account account; /* owned: account of --user; valid if HAS_ACCOUNT */
	bool has_account;
	size_t worker; /* number of this process, from 0 */
	pid_t parent; /* worker: PID of the parent; 0: not a worker */
	struct spawn_inherited inherited;
	struct loop *loop;
	struct children *children;
	struct activation activation;
	struct handover handover;
	struct timer handover_timer;
	struct notify notify;
	struct timer watchdog;
	struct listeners listeners;
	struct listeners redirect_listeners; /* listeners of --redirport */
	struct redirect redirect;
	bool is_local; /* only clients on this machine can connect */
	struct limit *limit; /* owned */
	int64_t full_logged_ms; /* when the connection limit was last logged */
	struct lookup *lookup; /* owned; NULL: no lookups */
	struct list accepted; /* connections waiting for a PROXY header or a host name */
	struct server_budget budget;
	struct tls *tls; /* owned; NULL: no TLS */
	struct event *signals[SERVER_SIGNALS];
	bool has_terminal; /* had a terminal at startup */
	int64_t stop_ms; /* time of the first stop signal */
	struct event *orphans_event; /* owned; NULL: no orphans possible */
	struct timer orphans_timer;
	struct connections connections;
	struct list sessions;
	struct list scripts; /* running CGI scripts */
	struct list waiting; /* requests waiting for access control */
	struct hooks hooks;
	struct list openings; /* openings whose backend is being connected */
	struct affinity affinity;
	struct streams streams;
	struct relays relays;
	struct mcp mcp;
	struct list shared; /* shared programs */
	uint64_t endpoint_number; /* number of the next endpoint */
	int bus_file; /* owned: file of bus/local; -1: none */
	struct bus *bus; /* owned: connects workers; NULL: none */
	struct redis_bus *redis; /* owned; NULL: --bus is not given */
	struct sockets sockets;
	struct route route; /* the endpoints are owned */
	struct pools pools; /* parked programs */
	struct registry registry; /* owned; not open without --admin */
	struct server_admin admin;
	enum server_stage stage;
	int64_t stage_end_ms; /* when the next stage begins at the latest */
	struct timer tick;
};

/* Closes all listeners. May be called twice. */
void server_close_listeners(struct server *server);

/* Returns the TCP port of the listeners; 0: none. */
int server_port(const struct server *server);

/* Returns the stream for configuration errors: stderr, or the log during a reload. */
FILE *server_errors(const struct server *server);

/* Reports an error at startup or of a reload, and returns STATUS, or 3 with --compat:
 * websocketd has no other. */
int server_fail(const struct server *server, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct options_served;

/* Like server_fail(), for an endpoint that can't be served; names the place in the
 * configuration. */
int server_fail_endpoint(const struct server *server, const struct options_served *served,
    int status, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Begins a graceful shutdown on signal NUMBER; the loop stops once everything has ended. */
void server_shut_down(struct server *server, int number);

/* Returns the time from the start of the shutdown to its second stage, in milliseconds. */
int64_t server_drain_ms(const struct server *server);

/* Enters the second stage, which kills the programs; the first stage enters it automatically
 * after server_drain_ms(). */
void server_kill(struct server *server);

/* Timer callback; ARG is the server. Checks whether everything has ended during the
 * shutdown. */
void server_on_tick(void *arg);

/* Logs the shutdown and notifies the service manager. */
void server_report_shutdown(struct server *server, int number, size_t sessions);

/* Stops accepting connections; the loop stops once all sessions have ended by themselves. */
void server_finish(struct server *server, int number);

void server_report_finish(struct server *server, int number, size_t sessions);

/* Starts a new server that takes over the sockets, on SIGUSR2. */
void server_hand_over(struct server *server);

/* Returns the progress of the handover. DONE: stop accepting connections. */
enum handover_result server_poll_handover(struct server *server);

/* Notifies the service manager that the server is ready: at startup and after a reload. */
void server_report_ready(struct server *server);

#endif
