/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors at startup, and the stages of the shutdown. */
#include "server/server.h"

#include "base/util.h"
#include "config.h"
#include "net/linger.h"
#include "net/relay.h"
#include "options/compat.h"
#include "options/report.h"
#include "options/served.h"
#include "session/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	SERVER_TICK_MS = 20,
	SERVER_FINISH_TICK_MS = 100, /* finishing may take days */
	SERVER_ADMIN_END_MS = 5 * 1000, /* time limit for the last responses of --admin */
};

/* No time limit, but small enough to add to the clock. */
#define SERVER_FOREVER_MS (INT64_MAX / 2)

void
server_close_listeners(struct server *server)
{
	listeners_close(&server->listeners);
	listeners_close(&server->redirect_listeners);
	activation_close(&server->activation);
}

int
server_port(const struct server *server)
{
	int port = 0;

	for (size_t i = 0; i < server->listeners.count && port == 0; i++) {
		struct sockaddr_storage bound;

		listener_address(server->listeners.items[i], &bound);
		port = listener_port(&bound);
	}
	return port;
}

FILE *
server_errors(const struct server *server)
{
	return server->errors ? server->errors : stderr;
}

int
server_fail(const struct server *server, int status, const char *format, ...)
{
	char message[512];
	char line[sizeof(message) + 32];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (option_report_if_placed(server->options, server_errors(server), message))
		return status;
	if (server->errors) {
		fprintf(server->errors, "%s\n", message);
		return status;
	}
	if (server->options->server.compat) {
		snprintf(line, sizeof(line), "Can't start server: %s", message);
		if (log_begin(LOG_FATAL, "server", 0, span_of(line)))
			log_end();
		return COMPAT_NO_START;
	}
	snprintf(line, sizeof(line), "%s: %s\n", PACKAGE_NAME, message);
	log_errors(line);
	return status;
}

int
server_fail_endpoint(const struct server *server, const struct options_served *served,
    int status, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) == -1)
		text = NULL;
	va_end(args);
	if (!text)
		return server_fail(server, EX_OSERR, "out of memory");
	if (served->place.config)
		option_report(&served->place, server_errors(server), text);
	else
		status = server_fail(server, status, "%s", text);
	free(text);
	return status;
}

static void
server_enter_stage(struct server *server, enum server_stage stage, int64_t wait_ms)
{
	int64_t now = util_clock_ms();

	server->stage = stage;
	server->stage_end_ms = now + wait_ms;
	timer_at(&server->tick, now + SERVER_TICK_MS);
}

int64_t
server_drain_ms(const struct server *server)
{
	int64_t wait_ms = server->options->server.shutdown_ms;

	return wait_ms > 0 ? wait_ms : SERVER_FOREVER_MS;
}

void
server_report_finish(struct server *server, int number, size_t sessions)
{
	handover_abort(&server->handover);
	notify_stopping(&server->notify, sessions);
	if (sessions == 0)
		log_info("SIG%s: accepting no more connections", util_signal_name(number));
	else
		log_info("SIG%s: accepting no more connections; %zu session%s may end by %s",
		    util_signal_name(number), sessions, util_plural(sessions),
		    sessions == 1 ? "itself" : "themselves");
}

void
server_hand_over(struct server *server)
{
	struct handover_state state = {
	    .argv = server->options->argv,
	    .inherited = &server->inherited,
	    .activation = &server->activation,
	    .redirect = &server->redirect_listeners,
	    .groups = {[HANDOVER_CLIENTS] = &server->listeners,
		[HANDOVER_ADMIN] = &server->admin.listeners},
	};

	if (server->stage != SERVER_SERVING) {
		log_info("SIGUSR2: shutting down already");
		return;
	}
	handover_start(&server->handover, &state);
}

enum handover_result
server_poll_handover(struct server *server)
{
	enum handover_result result = handover_poll(&server->handover);

	if (result == HANDOVER_DONE) {
		/* The new server now owns the files, and it alone answers --admin. */
		unix_socket_forget(&server->listeners.unix_socket);
		unix_socket_forget(&server->admin.listeners.unix_socket);
		listeners_close(&server->admin.listeners);
		atomic_store(&server->page->handed_over, true);
		notify_hand_over(&server->notify, server->handover.pid);
		handover_end(&server->handover);
	}
	return result;
}

void
server_report_ready(struct server *server)
{
	struct listeners *const used[] = {[HANDOVER_CLIENTS] = &server->listeners,
	    [HANDOVER_ADMIN] = &server->admin.listeners};

	handover_report(
	    &server->handover, used, server->options->server.compat, server->notify.fd != -1);
	notify_ready(&server->notify, options_served_count(server->options));
}

/* Returns the number of sessions: each has one program. */
static size_t
server_sessions(const struct server *server)
{
	return children_count(server->children) -
	       atomic_load(&server->page->workers[server->worker].parked);
}

void
server_finish(struct server *server, int number)
{
	static const struct listeners none;

	if (server->parent == 0 || getppid() != server->parent)
		server_report_finish(server, number, server_sessions(server));
	atomic_store(&server->page->workers[server->worker].accepts, false);
	/* Queued connections would be reset. */
	listeners_close_but(&server->listeners, &none);
	listeners_close_but(&server->redirect_listeners, &none);
	activation_close(&server->activation);
	if (atomic_load(&server->page->handed_over))
		listeners_close(&server->admin.listeners);
	streams_finish(&server->streams);
	mcp_finish(&server->mcp);
	connection_finish_all(&server->connections);
	shared_retire_all(&server->shared);
	pools_end(&server->pools);
	server_enter_stage(server, SERVER_FINISHING, SERVER_FOREVER_MS);
}

void
server_kill(struct server *server)
{
	size_t count = children_count(server->children);

	log_info("killing %zu program%s", count, util_plural(count));
	connection_abort_all(&server->connections);
	session_abort_all(&server->sessions);
	socket_abort_all(&server->sockets);
	relay_abort_all(&server->relays.list);
	linger_abort_all(server->loop);
	children_kill_all(server->children);
	server_enter_stage(server, SERVER_KILLING, SERVER_KILL_MS);
}

void
server_report_shutdown(struct server *server, int number, size_t sessions)
{
	handover_abort(&server->handover);
	notify_stopping(&server->notify, sessions);
	if (sessions == 0)
		log_info("SIG%s: shutting down", util_signal_name(number));
	else
		log_info("SIG%s: waiting for %zu session%s to end; send it again to kill the "
			 "program%s",
		    util_signal_name(number), sessions, util_plural(sessions),
		    util_plural(sessions));
}

void
server_shut_down(struct server *server, int number)
{
	/* With several workers, the parent logs it for all of them. */
	if (server->parent == 0 || getppid() != server->parent)
		server_report_shutdown(server, number, server_sessions(server));
	atomic_store(&server->page->workers[server->worker].accepts, false);
	server_close_listeners(server);
	admit_drain_all(&server->route.admit);
	opening_drain_all(&server->route.openings);
	connection_drain_all(&server->connections);
	pools_end(&server->pools);
	shared_flush_all(&server->shared);
	session_drain_all(&server->sessions, "the server is shutting down");
	shared_stop_all(&server->shared);
	server_enter_stage(server, SERVER_DRAINING, server_drain_ms(server));
}

/* Reports whether all sessions have ended, except those of programs that can't be
 * terminated. */
static bool
server_is_done(const struct server *server)
{
	if (server->stage == SERVER_FINISHING && !list_empty(&server->accepted))
		return false;
	return list_empty(&server->connections.list) && list_empty(&server->loop->lingering) &&
	       children_count(server->children) == children_stuck(server->children) &&
	       (children_stuck(server->children) > 0 || !shared_in_use(&server->shared)) &&
	       list_empty(&server->relays.list) && list_empty(&server->sockets.list) &&
	       session_all_have_no_peer(&server->sessions);
}

/* Shuts down --admin, which ends last: clients already connected get a response. Returns true
 * when done. */
static bool
server_end_admin(struct server *server, int64_t now)
{
	struct server_admin *admin = &server->admin;

	if (admin->end_ms == 0) {
		admin->end_ms = now + SERVER_ADMIN_END_MS;
		listeners_close(&admin->listeners);
		connection_finish_all(&admin->connections);
	}
	return (list_empty(&admin->connections.list) && list_empty(&server->loop->lingering)) ||
	       now >= admin->end_ms;
}

void
server_on_tick(void *arg)
{
	struct server *server = arg;
	int64_t now = util_clock_ms();

	if (server_is_done(server) && server_end_admin(server, now)) {
		loop_stop(server->loop);
		return;
	}
	/* The clients of the scripts had time until now. */
	if (server->stage == SERVER_DRAINING && now >= server->stage_end_ms - SERVER_END_MS)
		script_end_all(&server->scripts);
	if (now >= server->stage_end_ms) {
		if (server->stage == SERVER_KILLING) {
			loop_stop(server->loop);
			return;
		}
		server_kill(server);
		return;
	}
	timer_at(&server->tick,
	    now + (server->stage == SERVER_FINISHING ? SERVER_FINISH_TICK_MS : SERVER_TICK_MS));
}
