/* SPDX-License-Identifier: BSD-2-Clause */
/* The server: what is there once for the whole process. */
#include "server.h"

#include "base/util.h"
#include "child/child.h"
#include "config.h"
#include "http/connection.h"
#include "net/linger.h"
#include "net/listeners.h"
#include "net/tls_stream.h"
#include "serve/beneath.h"
#include "serve/env.h"
#include "serve/route.h"
#include "serve/session.h"
#include "server_budget.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	SERVER_TICK_MS = 20, /* how often a drain looks whether all is gone */
};

enum server_stage {
	SERVER_SERVING,
	SERVER_DRAINING, /* no new connections, CLOSE 1001 and the ladder for all */
	SERVER_KILLING, /* SIGKILL for all */
};

static const enum endpoint_not_utf8 server_not_utf8[] = {
    [OPTIONS_REPLACE] = ENDPOINT_REPLACE,
    [OPTIONS_BINARY] = ENDPOINT_BINARY,
    [OPTIONS_CLOSE] = ENDPOINT_CLOSE,
};

static const int server_signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};

struct server {
	const struct options *options; /* borrowed */
	struct spawn_heritage heritage;
	struct loop *loop;
	struct children *children;
	struct listeners listeners;
	struct tls *tls; /* owned; NULL: plain connections */
	struct event *signals[UTIL_LEN(server_signals)];
	struct list connections;
	struct list sessions;
	uint64_t last_session;
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

/* Says what went wrong at the start and returns the exit status: websocketd has 3 for all of
 * it. */
static int server_fail(const struct server *server, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int
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

/* Set-up */

/* Joins header lines, each with its CR LF. NULL without memory. */
static char *
server_join_headers(const struct options_list *first, const struct options_list *second)
{
	const struct options_list *lists[] = {first, second};
	struct buffer out = {0};
	bool ok = true;
	char *joined;

	for (size_t i = 0; i < UTIL_LEN(lists); i++) {
		for (size_t k = 0; k < lists[i]->count && ok; k++)
			ok = buffer_append(
				 &out, lists[i]->items[k], strlen(lists[i]->items[k])) &&
			     buffer_append(&out, "\r\n", 2);
	}
	ok = ok && buffer_append(&out, "", 1);
	joined = ok ? strdup((char *)buffer_data(&out)) : NULL;
	buffer_clear(&out);
	return joined;
}

static int
server_set_origins(struct server *server)
{
	const struct options *options = server->options;
	struct origin_policy *policy = &server->endpoint.origin;

	policy->compat = options->compat;
	policy->require = options->require_origin || options->sameorigin;
	policy->secure = options->ssl;
	policy->mode = ORIGIN_SAME;
	if (options->origin_any)
		policy->mode = ORIGIN_ANY;
	if (options->origin.count == 0)
		return 0;
	server->rules = calloc(options->origin.count, sizeof(*server->rules));
	if (!server->rules)
		return server_fail(server, EX_OSERR, "out of memory");
	for (size_t i = 0; i < options->origin.count; i++) {
		const char *wrong =
		    origin_parse_rule(span_of(options->origin.items[i]), &server->rules[i]);

		if (wrong)
			return server_fail(server, EX_CONFIG, "--origin: %s %s",
			    options->origin.items[i], wrong);
	}
	policy->rules = server->rules;
	policy->rule_count = options->origin.count;
	if (!options->origin_any)
		policy->mode = ORIGIN_LIST;
	return 0;
}

static int
server_set_endpoint(struct server *server)
{
	const struct options *options = server->options;
	struct endpoint *endpoint = &server->endpoint;
	struct stat dir;

	endpoint->dir = -1;
	if (options->command) {
		endpoint->program = options->program;
		endpoint->argv = options->command;
	} else if (options->dir) {
		endpoint->dir_path = options->dir;
		endpoint->dir = beneath_root(options->dir);
		if (endpoint->dir == -1)
			return server_fail(server, EX_OSERR, "can't open --dir %s: %s",
			    options->dir, strerror(errno));
		if (fstat(endpoint->dir, &dir) == 0 && (dir.st_mode & S_IWOTH))
			log_errorx("--dir %s can be written to by everybody, who can thus run "
				   "programs as this user; "
				   "chmod o-w ends that",
			    options->dir);
	}
	server->pass_env = env_pick(environ, options->passenv.items, options->passenv.count);
	server->switch_headers = server_join_headers(&options->header, &options->header_ws);
	if (!server->pass_env || !server->switch_headers)
		return server_fail(server, EX_OSERR, "out of memory");
	endpoint->to_program = options->to_program;
	endpoint->from_program = options->from_program;
	endpoint->events = options->events;
	endpoint->pass_stderr = options->passstderr;
	endpoint->not_utf8 = server_not_utf8[options->invalid_utf8];
	endpoint->max_message = (uint64_t)options->maxframesize;
	endpoint->ping_ms = options->pingms;
	endpoint->max_programs = options->maxforks > 0 ? (size_t)options->maxforks : 0;
	endpoint->compat = options->compat;
	endpoint->subprotocols = options->subprotocol.items;
	endpoint->subprotocol_count = options->subprotocol.count;
	endpoint->require_subprotocol = options->require_subprotocol;
	endpoint->deflate = options->deflate;
	endpoint->hosts = options->host.items;
	endpoint->host_count = options->host.count;
	endpoint->switch_headers = server->switch_headers;
	endpoint->pass_env = server->pass_env;
	endpoint->pass_auth = options->pass_auth;
	return server_set_origins(server);
}

static int
server_set_route(struct server *server)
{
	const struct options *options = server->options;
	struct route *route = &server->route;

	route->upgrade = (struct upgrade_context){
	    .loop = server->loop,
	    .children = server->children,
	    .sessions = &server->sessions,
	    .last_id = &server->last_session,
	    .endpoint = &server->endpoint,
	};
	route->has_endpoint = options->command || options->dir;
	route->files.root = -1;
	server->file_headers = server_join_headers(&options->header, &options->header_http);
	if (!server->file_headers)
		return server_fail(server, EX_OSERR, "out of memory");
	route->files.headers = server->file_headers;
	if (options->staticdir) {
		route->files.root = beneath_root(options->staticdir);
		if (route->files.root == -1)
			return server_fail(server, EX_OSERR, "can't open --staticdir %s: %s",
			    options->staticdir, strerror(errno));
	}
	return 0;
}

/* Reads the certificates and keys. False: ERROR says why, and all is as it was. */
static bool
server_load_tls(struct server *server, char error[TLS_ERROR_MAX])
{
	const struct options *options = server->options;
	struct tls_settings settings = {
	    .certificates = options->sslcert.items,
	    .keys = options->sslkey.items,
	    .count = options->sslcert.count,
	    .ca = options->sslca,
	    .crl = options->sslcrl,
	    .strict_names = options->strict_sni,
	};
	struct tls *tls = tls_new(&settings, error);

	if (!tls)
		return false;
	/* Connections that there are keep the old one. */
	tls_release(server->tls);
	server->tls = tls;
	return true;
}

static int
server_set_tls(struct server *server)
{
	char error[TLS_ERROR_MAX];

	/* Before there is a key in it. */
	if (server->options->no_core_dumps && util_hide_memory() == -1)
		return server_fail(
		    server, EX_OSERR, "can't keep core dumps off: %s", strerror(errno));
	if (server->options->ssl && !server_load_tls(server, error))
		return server_fail(server, EX_CONFIG, "%s", error);
	return 0;
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

/* Listening */

static void
server_on_accept(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct server *server = arg;
	struct gate *gate = &server->listeners.gate;
	struct transport transport = {.fd = -1};

	if (!server->tls)
		transport = transport_enter(fd, gate);
	if ((server->tls && !tls_stream_open(server->tls, fd, gate, &transport)) ||
	    !connection_open_take(server->loop, &server->connections, transport, peer,
		route_serve, &server->route))
		log_errorx("out of memory for a connection");
}

static int
server_listen(struct server *server)
{
	const struct options_list *addresses = &server->options->address;
	int port = (int)server->options->port;
	struct listeners_error error;
	const char *advice = "";

	server->listeners.loop = server->loop;
	server->listeners.handler = server_on_accept;
	server->listeners.arg = server;
	if (listeners_open(
		&server->listeners, addresses->items, addresses->count, port, &error))
		return 0;
	if (!error.address)
		return server_fail(
		    server, EX_CONFIG, "more than %d addresses to listen on", LISTENERS_MAX);
	if (error.resolve)
		return server_fail(
		    server, EX_CONFIG, "--address=%s: %s", error.address, error.resolve);
	if (error.error == EADDRINUSE)
		advice = "; another program listens there, choose another --port (0 takes any)";
	else if (error.error == EACCES)
		advice = "; ports below 1024 need the right CAP_NET_BIND_SERVICE, choose "
			 "another --port";
	else if (error.error == EADDRNOTAVAIL)
		advice = "; this machine has no such address, choose another --address";
	return server_fail(server, error.error == EADDRINUSE ? EX_UNAVAILABLE : EX_OSERR,
	    "can't listen on %s port %d: %s%s", error.address, port, strerror(error.error),
	    advice);
}

/* What is served, in websocketd's words; it logs this before the addresses. */
static void
server_announce_compat(const struct options *options)
{
	struct buffer arguments = {0};
	bool ok = true;

	for (char *const *arg = options->command; arg && *arg && ok; arg++) {
		if (arg != options->command)
			ok = buffer_append(&arguments, " ", 1) &&
			     buffer_append(&arguments, *arg, strlen(*arg));
	}
	if (options->command)
		log_info("Serving using application   : %s%.*s", options->program,
		    (int)buffer_len(&arguments),
		    ok && buffer_len(&arguments) > 0 ? (const char *)buffer_data(&arguments)
						     : "");
	buffer_clear(&arguments);
	if (options->dir)
		log_info("Serving from directory      : %s", options->dir);
	if (options->staticdir)
		log_info("Serving static content from : %s", options->staticdir);
}

/* Tells where it listens, and notes whether that is loopback alone. */
static void
server_announce(struct server *server)
{
	const struct options *options = server->options;
	const char *secure = options->ssl ? "s" : "";
	char text[LISTENER_TEXT_MAX];
	bool local = true;

	if (options->compat)
		server_announce_compat(options);
	for (size_t i = 0; i < server->listeners.count; i++) {
		struct sockaddr_storage bound;

		listener_address(server->listeners.items[i], &bound);
		listener_text(&bound, text);
		local = local && listener_is_loopback(&bound);
		if (!options->compat)
			log_info("listening on http%s://%s/", secure, text);
		else
			log_info("Starting WebSocket server   : ws%s://%s/", secure, text);
		if (options->compat && options->staticdir)
			log_info("Serving CGI or static files : http%s://%s/", secure, text);
	}
	if (options->compat && options->sslca)
		log_info(
		    "Mutual TLS enabled (client certs verified against %s)", options->sslca);
	server->endpoint.local_hosts_only = local && !options->compat;
}

/* As many descriptors as the system gives; what is short is said, not found out under load. */
static void
server_raise_limits(struct server *server)
{
	struct rlimit limit = server->heritage.nofile;
	struct server_budget budget;

	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		return;
	budget = server_budget_of(
	    limit.rlim_cur, server_budget_used(limit.rlim_cur), server->options->staticdir);
	server->endpoint.room = budget.programs;
	gate_limit(&server->listeners.gate, budget.connections);
	if (server->endpoint.max_programs == 0 ||
	    budget.programs < server->endpoint.max_programs)
		log_info("the limit of %llu open files allows %zu sessions and %zu other "
			 "connections; ulimit -n raises it",
		    (unsigned long long)limit.rlim_cur, budget.programs,
		    budget.connections - budget.programs);
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
	status = server_set_endpoint(server);
	if (status == 0)
		status = server_set_route(server);
	if (status == 0)
		status = server_set_tls(server);
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
