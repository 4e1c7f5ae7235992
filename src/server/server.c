/* SPDX-License-Identifier: BSD-2-Clause */
/* The server: what is there once for the whole process. */
#include "server/server.h"

#include "base/util.h"
#include "config.h"
#include "http/connection.h"
#include "net/linger.h"
#include "server/inner.h"
#include "server/orphans.h"
#include "server/signals.h"
#include "server/workers.h"
#include "session/session.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	SERVER_TICK_MS = 20, /* how often a drain looks whether all is gone */
};

int
server_fail(const struct server *server, int status, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (server->options->server.compat) {
		char line[sizeof(message) + 32];

		snprintf(line, sizeof(line), "Can't start server: %s", message);
		if (log_begin(LOG_FATAL, "server", 0, span_of(line)))
			log_end();
		return 3;
	}
	fprintf(stderr, "%s: %s\n", PACKAGE_NAME, message);
	return status;
}

/* Stopping */

static void
server_enter_stage(struct server *server, enum server_stage stage, int64_t wait_ms)
{
	int64_t now = util_clock_ms();

	server->stage = stage;
	server->stage_end_ms = now + wait_ms;
	timer_at(&server->tick, now + SERVER_TICK_MS);
}

void
server_kill(struct server *server)
{
	size_t count = children_count(server->children);

	log_info("killing %zu program%s", count, util_plural(count));
	connection_abort_all(&server->connections);
	session_abort_all(&server->sessions);
	linger_abort_all(server->loop);
	children_kill_all(server->children);
	server_enter_stage(server, SERVER_KILLING, SERVER_KILL_MS);
}

void
server_log_shutdown(int number, size_t sessions)
{
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
	/* Of several workers the parent logs it, for all of them. */
	if (server->parent == 0 || getppid() != server->parent)
		server_log_shutdown(number, children_count(server->children));
	server_stop_listening(server);
	connection_drain_all(&server->connections);
	session_drain_all(&server->sessions);
	server_enter_stage(server, SERVER_DRAINING, SERVER_DRAIN_MS);
}

/* All sessions have ended, but for those of programs that can't be terminated. */
static bool
server_is_done(const struct server *server)
{
	return list_empty(&server->connections.list) && list_empty(&server->loop->lingering) &&
	       children_count(server->children) == children_stuck(server->children) &&
	       session_all_have_no_peer(&server->sessions);
}

/* While it stops: is all gone, or the time over? */
static void
server_on_tick(void *arg)
{
	struct server *server = arg;
	int64_t now = util_clock_ms();

	if (server_is_done(server)) {
		loop_stop(server->loop);
		return;
	}
	if (now >= server->stage_end_ms) {
		if (server->stage == SERVER_KILLING) {
			loop_stop(server->loop);
			return;
		}
		server_kill(server);
		return;
	}
	timer_at(&server->tick, now + SERVER_TICK_MS);
}

static void
server_clear(struct server *server)
{
	listeners_close(&server->listeners);
	server_signals_clear(server);
	server_orphans_clear(server);
	timer_stop(&server->tick);
	if (server->children && children_count(server->children) == 0)
		children_free(server->children);
	loop_free(server->loop);
	limit_free(server->limit);
	tls_release(server->tls);
	if (server->endpoint.dir != -1)
		close(server->endpoint.dir);
	if (server->route.files.root != -1)
		close(server->route.files.root);
	free(server->rules);
	free(server->switch_headers);
	free(server->file_headers);
	free(server->pass_env);
	if (server->page)
		munmap(server->page, sizeof(*server->page));
	tally_free(server->tally);
}

/* Makes what each process that serves has for itself. */
static int
server_start(struct server *server)
{
	bool adopts = server_adopts();
	struct children_settings settings = {
	    .inherited = &server->inherited,
	    .extra_wait_ms = server->options->server.closems,
	    .quota = &server->page->quota,
	    .holder = server->worker,
	    .programs = adopts ? &server->page->programs : NULL,
	};

	server->loop = loop_new();
	if (server->loop)
		server->children = children_new(server->loop, &settings);
	if (!server->loop || !server->children)
		return server_fail(
		    server, EX_OSERR, "can't create an event loop: %s", strerror(errno));
	timer_init(&server->tick, server->loop, server_on_tick, server);
	server->connections.count = &server->page->workers[server->worker].connections;
	server->route.upgrade.launcher.loop = server->loop;
	server->route.upgrade.launcher.children = server->children;
	if ((adopts && !server_orphans_start(server)) || !server_signals_install(server))
		return server_fail(
		    server, EX_OSERR, "can't install signal handlers: %s", strerror(errno));
	return 0;
}

/* Serves until it is stopped. A worker says nothing of its start and its end: its parent does.
 */
static int
server_serve(struct server *server)
{
	int status = server_start(server);
	size_t left;

	if (status == 0)
		status = server_raise_limits(server);
	if (status == 0 && !server_accept(server))
		status = server_fail(server, EX_OSERR, "out of memory");
	if (status != 0)
		return status;
	if (server->parent == 0)
		server_announce(server);
	/* Signals that came since the fork are delivered now. */
	server_signals_unblock();
	if (!loop_run(server->loop))
		return server_fail(
		    server, EX_OSERR, "the event loop failed: %s", strerror(errno));
	left = children_count(server->children);
	if (left > 0)
		log_errorx("%zu program%s left running", left, left == 1 ? " is" : "s are");
	if (server->parent == 0)
		log_info("stopped");
	/* The sessions of those are not over, so what they refer to can't be freed. */
	if (left > 0)
		exit(SERVER_LEFT_BEHIND);
	return children_left_behind(server->children) ? SERVER_LEFT_BEHIND : 0;
}

int
server_run(const struct options *options)
{
	struct server server = {
	    .options = options,
	    .orphans_fd = -1,
	    .endpoint.dir = -1,
	    .route.files.root = -1,
	};
	bool inherited, serves = true;
	int status;

	list_init(&server.connections.list);
	list_init(&server.sessions);
	inherited = spawn_inherited_init(&server.inherited);
	log_setup(options->server.log_format == LOG_COMPAT ? STDOUT_FILENO : STDERR_FILENO,
	    options->server.log_format, options->server.loglevel);
	server_signals_settle(&server);
	if (inherited)
		status = server_set_up(&server);
	else
		status = server_fail(
		    &server, EX_OSERR, "can't reserve file descriptors: %s", strerror(errno));
	if (status == 0)
		status = server_listen(&server);
	if (status == 0)
		status = server_check_limits(&server);
	if (status == 0 && options->server.workers > 1)
		status = server_work(&server, &serves);
	if (status == 0 && serves)
		status = server_serve(&server);
	server_clear(&server);
	return status;
}
