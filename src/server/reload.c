/* SPDX-License-Identifier: BSD-2-Clause */
/* Reloads the configuration file. */
#include "server/reload.h"

#include "options/parse.h"
#include "options/served.h"
#include "options/value.h"
#include "server/accept.h"
#include "server/admin.h"
#include "server/listen.h"
#include "server/setup.h"
#include "server/setup_access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The state that a reload replaces. */
struct reload_state {
	const struct options *options;
	struct listeners listeners;
	struct listeners redirect_listeners;
	struct redirect redirect;
	bool is_local;
	struct endpoints *endpoints;
	const char *health_path;
	struct client_rules clients;
	struct tokens *admin_tokens;
	struct tls *tls;
};

static struct reload_state
reload_get(const struct server *server)
{
	return (struct reload_state){
	    .options = server->options,
	    .listeners = server->listeners,
	    .redirect_listeners = server->redirect_listeners,
	    .redirect = server->redirect,
	    .is_local = server->is_local,
	    .endpoints = server->route.endpoints,
	    .health_path = server->route.health_path,
	    .clients = server->connections.clients,
	    .admin_tokens = server->admin.admin.tokens,
	    .tls = server->tls,
	};
}

static void
reload_set(struct server *server, const struct reload_state *state)
{
	server->options = state->options;
	server->listeners = state->listeners;
	server->redirect_listeners = state->redirect_listeners;
	server->redirect = state->redirect;
	server->is_local = state->is_local;
	server->route.endpoints = state->endpoints;
	server->route.health_path = state->health_path;
	server->connections.clients = state->clients;
	server->admin.admin.tokens = state->admin_tokens;
	server->tls = state->tls;
}

/* Frees what was created for GONE and is not used by KEPT. */
static void
reload_discard(struct reload_state *gone, const struct reload_state *kept)
{
	listeners_close_but(&gone->listeners, &kept->listeners);
	listeners_close_but(&gone->redirect_listeners, &kept->redirect_listeners);
	endpoints_free(gone->endpoints);
	cidr_list_clear(&gone->clients.trusted);
	tokens_unref(gone->admin_tokens);
	tls_release(gone->tls);
}

static bool
reload_differ(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

/* Rejects changes of options that running processes can't change. Returns 0 or the exit
 * status. */
static int
reload_check_fixed(const struct server *server, const struct options *old)
{
	const struct options_listener *listener = &server->options->listener;
	const struct options_server *options = &server->options->server;
	bool moved = reload_differ(old->listener.unixsocket, listener->unixsocket);
	const struct {
		const char *name;
		bool changed;
	} rows[] = {
	    {"workers", old->server.workers != options->workers},
	    {"no-core-dumps", old->server.no_core_dumps != options->no_core_dumps},
	    {"user", reload_differ(old->server.user, options->user)},
	    {"group", reload_differ(old->server.group, options->group)},
	    {"admin", memcmp(&old->server.admin, &options->admin, sizeof(options->admin)) != 0},
	    {"bus", reload_differ(old->server.bus.url.shown, options->bus.url.shown) ||
			reload_differ(old->server.bus.url.user, options->bus.url.user) ||
			reload_differ(old->server.bus.url.password, options->bus.url.password)},
	    {"bus-prefix", reload_differ(old->server.bus.prefix, options->bus.prefix)},
	    {"bus-queue", old->server.bus.queue_max != options->bus.queue_max},
	    {"max-per-ip", old->server.max_per_ip != options->max_per_ip},
	    {"reverselookup", old->listener.reverselookup != listener->reverselookup},
	    {"unixsocket-mode",
		!moved && old->listener.unixsocket_mode != listener->unixsocket_mode},
	    {"unixsocket-owner", !moved && reload_differ(old->listener.unixsocket_owner,
					       listener->unixsocket_owner)},
	};

	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (rows[i].changed)
			return server_fail(server, EX_CONFIG,
			    "a reload can't change --%s: restart the server", rows[i].name);
	}
	return 0;
}

/* Listens on the sockets passed by the parent. Returns 0 or the exit status. */
static int
reload_adopt(struct server *server, struct reload_order *order)
{
	bool ok = true;

	/* Keep the parent's order: a Unix socket is last. */
	for (size_t i = 1; i < order->count; i++) {
		struct listeners *listeners = i <= order->message.listeners
						  ? &server->listeners
						  : &server->redirect_listeners;

		ok = listeners_add_take(listeners, order->fds[i]) && ok;
	}
	order->count = 1;
	server_set_listening(server);
	return ok ? 0 : server_fail(server, EX_OSERR, "out of memory");
}

/* Builds everything that the options of SERVER specify. Returns 0 or the exit status. */
static int
reload_make(struct server *server, const struct reload_state *old, struct reload_order *order)
{
	int status = reload_check_fixed(server, old->options);

	if (status == 0 && order) {
		status = reload_adopt(server, order);
	} else if (status == 0) {
		server->listeners.old = &old->listeners;
		server->redirect_listeners.old = &old->redirect_listeners;
		status = server_listen(server);
		server->listeners.old = server->redirect_listeners.old = NULL;
	}
	if (status == 0)
		status = server_set_endpoints(server);
	if (status == 0)
		status = server_admin_reload(server);
	if (status == 0 && server->options->listener.ssl && server->parent == 0) {
		atomic_fetch_add(&server->page->tickets.reloads, 1);
		if (!tls_ticket_renew(&server->page->tickets))
			status = server_fail(
			    server, EX_OSERR, "can't create keys for TLS session tickets");
	}
	if (status == 0)
		status = server_set_tls(server);
	if (status == 0 && server->loop &&
	    !(server_start_lookup(server) && server_start_hasher(server)))
		status =
		    server_fail(server, EX_OSERR, "can't start threads: %s", strerror(errno));
	if (status == 0 && server->loop && !server_accept_start(server))
		status = server_fail(server, EX_OSERR, "out of memory");
	/* The last step, because it can't be undone. The parent has already tried it for its
	 * workers. */
	if (status == 0 &&
	    reload_differ(old->options->server.log_file, server->options->server.log_file))
		status = server_open_log(server);
	return status;
}

/* Logs the lines of TEXT. */
static void
reload_log_errors(char *text)
{
	char *next;

	for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next))
		log_errorx("SIGHUP: %s", line);
	log_errorx("SIGHUP: the old configuration stays in use");
}

/* Applies the options that change existing objects. */
static void
reload_apply(struct server *server)
{
	const struct options_server *options = &server->options->server;

	if (server->parent == 0)
		quota_set_limit(&server->page->quota, (size_t)options->maxforks);
	server->sockets.extra_wait_ms = options->closems;
	if (server->children)
		children_set_extra_wait(server->children, options->closems);
	launcher_set_rate(&server->route.openings.launcher, &options->rate);
	if (server->limit)
		server_accept_limit(server);
	pools_end(&server->pools);
	if (server->loop)
		server_start_pools(server);
	server->connections.head_ms = server->options->listener.handshake_ms;
	log_change(options->log_format, options->loglevel);
	if (server->loop && !setup_start_shared(server))
		log_errorx("SIGHUP: out of memory: not all shared programs are started");
}

/* The steps that may exit through options_try(). */
struct reload_attempt {
	struct server *server;
	struct options *options; /* the new options */
	const struct reload_state *old;
	struct reload_order *order;
	int status;
};

static void
reload_try(void *arg)
{
	struct reload_attempt *attempt = arg;
	struct server *server = attempt->server;
	const struct options *old = attempt->old->options;
	struct options *options = attempt->options;

	attempt->status = EX_CONFIG;
	if (options_parse_stored(options, old->argc, old->argv, server->store, server->errors,
		server->errors, &(int){0}) != OPTIONS_RUN)
		return;
	server->kept_port = server_port(server);
	if (options->listener.port != 0 || old->listener.port != 0)
		server->kept_port = 0;
	reload_set(server, &(struct reload_state){.options = options});
	attempt->status = reload_make(server, attempt->old, attempt->order);
}

bool
server_reload_run(struct server *server, struct config_store *store, struct reload_order *order)
{
	struct reload_state old = reload_get(server), new = {.options = NULL};
	struct options *options = calloc(1, sizeof(*options));
	struct reload_attempt attempt = {server, options, &old, order, EX_OSERR};
	char no_memory[] = "out of memory";
	char *errors = NULL;
	size_t len;
	bool lost = false; /* memory ran out and OPTIONS are incomplete */

	if (order)
		server->endpoint_number = order->message.endpoint_number;
	server->errors = open_memstream(&errors, &len);
	server->store = store;
	if (options && server->errors) {
		lost = !options_try(reload_try, &attempt);
		if (lost)
			attempt.status = EX_OSERR;
	}
	if (server->errors)
		fclose(server->errors);
	server->errors = NULL;
	server->store = NULL;
	if (server->options != old.options)
		new = reload_get(server);
	if (attempt.status == 0) {
		setup_keep_shared(server, old.endpoints);
		reload_discard(&old, &new);
		if (server->reloaded)
			options_clear(server->reloaded);
		free(server->reloaded);
		server->reloaded = options;
		reload_apply(server);
	} else {
		reload_set(server, &old);
		reload_discard(&new, &old);
		reload_log_errors(options && errors && !lost ? errors : no_memory);
		/* Incomplete options may be in any state. */
		if (options && !lost)
			options_clear(options);
		free(options);
	}
	free(errors);
	return attempt.status == 0;
}

bool
server_reloads_options(const struct server *server)
{
	const struct options *options = server->options;

	return options->config || options->server.admin_token ||
	       options->endpoint.access.basic || options->endpoint.access.token;
}

void
server_reload(struct server *server)
{
	size_t count;

	if (!server_reload_run(server, NULL, NULL))
		return;
	count = options_served_count(server->options);
	log_info("SIGHUP: configuration reloaded, %zu endpoint%s", count, util_plural(count));
}

void
server_reload_clear(struct server *server)
{
	if (server->reloaded)
		options_clear(server->reloaded);
	free(server->reloaded);
}
