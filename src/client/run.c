/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the process as a client. */
#include "client/run.h"

#include "base/log.h"
#include "client/authorization.h"
#include "client/connector.h"
#include "client/proxy.h"
#include "options/rules.h"
#include "process/quota.h"
#include "process/spawn.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { RUN_SIGNALS = 3 };

static const int run_signals[RUN_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

struct run {
	const struct options *options; /* borrowed */
	struct connector client;
	struct url proxy;
	char *authorization; /* owned, as the next one */
	char *proxy_authorization;
	struct spawn_inherited inherited;
	struct quota quota;
	struct event *signals[RUN_SIGNALS]; /* owned */
};

static int
run_fail(int status, const char *what)
{
	fprintf(stderr, "wspipe: %s: %s\n", what, strerror(errno));
	return status;
}

static void
run_on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	connector_stop(arg, number);
}

static bool
run_install_signals(struct run *run)
{
	sigset_t none;

	for (size_t i = 0; i < RUN_SIGNALS; i++) {
		/* Respect signals ignored by nohup or a shell's background job. */
		if (spawn_was_ignored(run_signals[i]) ||
		    (run_signals[i] == SIGHUP && run->inherited.ignores_hup))
			continue;
		run->signals[i] = evsignal_new(
		    run->client.loop->base, run_signals[i], run_on_signal, &run->client);
		if (!run->signals[i] || event_add(run->signals[i], NULL) == -1)
			return false;
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return true;
}

/* Sets the rules derived from the options. */
static void
run_set_rules(struct run *run)
{
	const struct options *options = run->options;
	const struct options_endpoint *endpoint = &options->endpoint;
	struct connector *client = &run->client;
	struct handshake_offer *offer = &client->dial.offer;

	/* The option parser has checked it. */
	(void)!url_parse(options->client.connect, &offer->url);
	offer->headers = endpoint->header.items;
	offer->header_count = endpoint->header.count;
	offer->subprotocols = endpoint->subprotocol.items;
	offer->subprotocol_count = endpoint->subprotocol.count;
	offer->require_subprotocol = endpoint->require_subprotocol;
	offer->deflate = &endpoint->deflate;
	client->dial.connect_ms = endpoint->connect_timeout;
	client->dial.handshake_ms = options->listener.handshake_ms;
	client->websocket = options_websocket_rules(endpoint);
	client->websocket.close_ms =
	    options->client.close_wait_ms > 0 ? options->client.close_wait_ms : 1;
	client->reconnect_ms = options->client.reconnect_ms;
	client->framed = options_framed_rules(endpoint, false);
	client->session = options_session_rules(endpoint);
	client->session.log.command = endpoint->program;
	client->program = endpoint->program;
	client->argv = endpoint->command;
	client->unbuffer = endpoint->unbuffer;
	client->extra_wait_ms = options->server.closems;
}

/* Creates the objects that a client needs. Returns 0 or the exit status. */
static int
run_set_up(struct run *run)
{
	struct connector *client = &run->client;
	struct stdio_spec stdio = {
	    .rules = &client->framed, .stays_open = run->options->client.no_close};
	struct children_settings children = {
	    .inherited = &run->inherited,
	    .extra_wait_ms = run->options->server.closems + run->options->client.close_wait_ms,
	    .quota = &run->quota,
	};

	client->loop = client->dial.loop = stdio.loop = loop_new();
	if (!client->loop)
		return run_fail(EX_OSERR, "can't create an event loop");
	if (connect_needs_lookup(&client->dial.target)) {
		client->dial.lookup = lookup_new(client->loop);
		if (!client->dial.lookup)
			return run_fail(EX_OSERR, "can't start threads");
	}
	quota_init(&run->quota, 1, 1);
	if (client->program)
		client->children = children_new(client->loop, &children);
	else
		client->stdio = stdio_new(&stdio);
	if (!client->children && !client->stdio)
		return run_fail(EX_OSERR, "can't start");
	if (!run_install_signals(run))
		return run_fail(EX_OSERR, "can't install signal handlers");
	return 0;
}

static int
run_fail_text(int status, const char *text)
{
	fprintf(stderr, "wspipe: %s\n", text);
	return status;
}

/* Sets the target: the server or a proxy. Returns 0 or the exit status. */
static int
run_set_target(struct run *run)
{
	struct dial_settings *dial = &run->client.dial;
	const struct url *to = &dial->offer.url;
	const char *name, *why;

	switch (proxy_find(to, getenv, &run->proxy, &name, &why)) {
	case PROXY_NONE:
		break;
	case PROXY_FOUND:
		dial->proxy = to = &run->proxy;
		if (to->has_user)
			dial->proxy_authorization = run->proxy_authorization =
			    authorization_of_url("Proxy-Authorization", to->user);
		break;
	case PROXY_BAD:
		fprintf(stderr, "wspipe: the proxy in the variable %s %s\n", name, why);
		return EX_CONFIG;
	}
	dial->target = (struct connect_target){.kind = CONNECT_TCP, .port = to->port};
	if (to->host.len >= sizeof(dial->target.host))
		return run_fail_text(EX_USAGE, "the host name is too long");
	memcpy(dial->target.host, to->host.data, to->host.len);
	return 0;
}

/* Sets the credentials. Returns 0 or the exit status. */
static int
run_set_credentials(struct run *run)
{
	const struct options_client *options = &run->options->client;
	struct handshake_offer *offer = &run->client.dial.offer;
	const char *why = "out of memory";

	if (offer->url.has_user)
		log_warnx("other users of this machine can see the password in the URL: use "
			  "--basic-file");
	if (options->basic_file)
		run->authorization = authorization_of_file("Basic", options->basic_file, &why);
	else if (options->bearer_file)
		run->authorization =
		    authorization_of_file("Bearer", options->bearer_file, &why);
	else if (offer->url.has_user)
		run->authorization = authorization_of_url("Authorization", offer->url.user);
	else
		return 0;
	offer->authorization = run->authorization;
	return run->authorization ? 0 : run_fail_text(EX_CONFIG, why);
}

/* Sets up TLS. Returns 0 or the exit status. */
static int
run_set_tls(struct run *run)
{
	const struct options *options = run->options;
	const struct options_listener *listener = &options->listener;
	struct tls_client_settings settings = {
	    .ca = options->client.cacert,
	    .crl = listener->sslcrl,
	    .certificate = listener->sslcert.count > 0 ? listener->sslcert.items[0] : NULL,
	    .key = listener->sslkey.count > 0 ? listener->sslkey.items[0] : NULL,
	    .insecure = options->client.insecure,
	};
	const char *error;

	if (!run->client.dial.offer.url.secure)
		return 0;
	if (settings.insecure)
		fputs("wspipe: WARNING: --insecure: the server's certificate is not checked; "
		      "anyone in between can read and change everything\n",
		    stderr);
	run->client.dial.tls = tls_client_new(&settings, &error);
	if (run->client.dial.tls)
		return 0;
	return run_fail_text(EX_CONFIG, error);
}

static void
run_clear(struct run *run)
{
	struct connector *client = &run->client;

	for (size_t i = 0; i < RUN_SIGNALS; i++) {
		if (run->signals[i])
			event_free(run->signals[i]);
	}
	dial_cancel(client->attempt);
	if (client->children && children_count(client->children) == 0)
		children_free(client->children);
	lookup_free(client->dial.lookup);
	tls_client_free(client->dial.tls);
	free(run->authorization);
	free(run->proxy_authorization);
}

/* Kills the process with the signal, as its parent expects. */
static void
run_die(int number)
{
	sigset_t none;

	signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	raise(number);
}

int
client_run(const struct options *options)
{
	static struct run run; /* the stdin thread may outlive this function */
	bool closed = fcntl(STDOUT_FILENO, F_GETFD) == -1;
	int status;

	run.options = options;
	if (closed && !options->endpoint.command)
		return run_fail(EX_IOERR, "can't write to standard output");
	if (!spawn_inherited_init(&run.inherited))
		return run_fail(EX_OSERR, "can't reserve file descriptors");
	log_setup(STDERR_FILENO, options->server.log_format, options->server.loglevel);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	run_set_rules(&run);
	/* Before a key or password is in memory. */
	if (options->server.no_core_dumps && util_hide_memory() == -1)
		return run_fail(EX_OSERR, "can't disable core dumps");
	status = run_set_target(&run);
	if (status == 0)
		status = run_set_credentials(&run);
	if (status == 0)
		status = run_set_tls(&run);
	if (status == 0)
		status = run_set_up(&run);
	if (status == 0) {
		connector_start(&run.client);
		status = loop_run(run.client.loop)
			     ? run.client.status
			     : run_fail(EX_OSERR, "the event loop failed");
	}
	run_clear(&run);
	if (run.client.signal != 0)
		run_die(run.client.signal);
	return status;
}
