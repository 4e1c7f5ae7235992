/* SPDX-License-Identifier: BSD-2-Clause */
/* The server: what is there once for the whole process. */
#include "server.h"

#include "base/util.h"
#include "config.h"
#include "http/connection.h"
#include "net/linger.h"
#include "serve/session.h"
#include "server_inner.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	SERVER_TICK_MS = 20, /* how often a drain looks whether all is gone */
};

static const int server_signals[SERVER_SIGNALS] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};

int
server_fail(const struct server *server, int status, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (server->options->compat) {
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

static void
server_kill(struct server *server)
{
	log_info("killing %zu programs", children_count(server->children));
	connection_abort_all(&server->connections);
	session_abort_all(&server->sessions);
	linger_abort_all(server->loop);
	children_kill_all(server->children);
	server_enter_stage(server, SERVER_KILLING, SERVER_KILL_MS);
}

static void
server_drain(struct server *server, const char *why)
{
	log_info("%s: draining %zu programs; again to kill them", why,
	    children_count(server->children));
	listeners_close(&server->listeners);
	connection_drain_all(&server->connections);
	session_drain_all(&server->sessions);
	server_enter_stage(server, SERVER_DRAINING, SERVER_DRAIN_MS);
}

/* While it stops: is all gone, or the time over? */
static void
server_on_tick(void *arg)
{
	struct server *server = arg;
	int64_t now = util_clock_ms();

	if (list_empty(&server->sessions) && list_empty(&server->connections) &&
	    list_empty(&server->loop->lingering)) {
		loop_stop(server->loop);
		return;
	}
	if (now >= server->stage_end_ms) {
		if (server->stage == SERVER_KILLING) {
			log_errorx("%zu programs did not end after SIGKILL",
			    children_count(server->children));
			loop_stop(server->loop);
			return;
		}
		server_kill(server);
		return;
	}
	timer_at(&server->tick, now + SERVER_TICK_MS);
}

static void
server_reload_tls(struct server *server)
{
	char error[TLS_ERROR_MAX];

	if (server_load_tls(server, error))
		log_info("SIGHUP: the certificates were read anew");
	else
		log_errorx("SIGHUP: %s; the old certificates stay", error);
}

static void
server_on_signal(evutil_socket_t number, short what, void *arg)
{
	struct server *server = arg;
	char name[16];

	(void)what;
	if (number == SIGCHLD) {
		children_reap(server->children);
		return;
	}
	if (number == SIGHUP && server->tls) {
		server_reload_tls(server);
		return;
	}
	snprintf(name, sizeof(name), "SIG%s", sigabbrev_np(number));
	switch (server->stage) {
	case SERVER_SERVING:
		server_drain(server, name);
		break;
	case SERVER_DRAINING:
		server_kill(server);
		break;
	case SERVER_KILLING:
		break;
	}
}

static bool
server_take_signals(struct server *server)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < UTIL_LEN(server_signals); i++) {
		int number = server_signals[i];

		/*
		 * nohup, and a shell's background: the user's wish, for us as for the programs.
		 * A SIGHUP that only reads certificates is not what it is against.
		 */
		if ((number == SIGINT || (number == SIGHUP && !server->tls)) &&
		    spawn_was_ignored(number))
			continue;
		server->signals[i] =
		    evsignal_new(server->loop->base, number, server_on_signal, server);
		if (!server->signals[i] || event_add(server->signals[i], NULL) == -1)
			return false;
	}
	return true;
}

static void
server_clear(struct server *server)
{
	listeners_close(&server->listeners);
	for (size_t i = 0; i < UTIL_LEN(server_signals); i++) {
		if (server->signals[i])
			event_free(server->signals[i]);
	}
	timer_stop(&server->tick);
	if (server->children && children_count(server->children) == 0)
		children_free(server->children);
	loop_free(server->loop);
	tls_release(server->tls);
	if (server->endpoint.dir != -1)
		close(server->endpoint.dir);
	if (server->route.files.root != -1)
		close(server->route.files.root);
	free(server->rules);
	free(server->switch_headers);
	free(server->file_headers);
	free(server->pass_env);
}

static int
server_start(struct server *server)
{
	struct children_settings settings = {
	    .heritage = &server->heritage,
	    .extra_wait_ms = server->options->closems,
	};
	int status;

	server->loop = loop_new();
	if (server->loop)
		server->children = children_new(server->loop, &settings);
	if (!server->loop || !server->children)
		return server_fail(
		    server, EX_OSERR, "can't make an event loop: %s", strerror(errno));
	timer_init(&server->tick, server->loop, server_on_tick, server);
	status = server_set_up(server);
	if (status == 0)
		status = server_listen(server);
	if (status == 0 && !server_take_signals(server))
		status =
		    server_fail(server, EX_OSERR, "can't take signals: %s", strerror(errno));
	return status;
}

int
server_run(const struct options *options)
{
	struct server server = {.options = options, .endpoint.dir = -1, .route.files.root = -1};
	int status;

	list_init(&server.connections);
	list_init(&server.sessions);
	spawn_heritage_init(&server.heritage);
	log_setup(options->log_format == LOG_COMPAT ? STDOUT_FILENO : STDERR_FILENO,
	    options->log_format, options->loglevel);
	status = server_start(&server);
	if (status == 0) {
		server_raise_limits(&server);
		server_announce(&server);
		if (!loop_run(server.loop))
			status = server_fail(
			    &server, EX_OSERR, "the event loop failed: %s", strerror(errno));
		else
			log_info("stopped");
	}
	server_clear(&server);
	return status;
}
