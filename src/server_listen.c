/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the server listens, and how many connections it has room for. */
#include "base/util.h"
#include "http/connection.h"
#include "net/tls_stream.h"
#include "server_budget.h"
#include "server_inner.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

enum {
	SERVER_UNEVEN = 16, /* one in so many connections may be where it should not */
	SERVER_LOOP_FDS = 6, /* descriptors of a loop, which the parent of workers has not */
};

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

/* How many connections a worker has, with those whose program runs. */
static size_t
server_load(const struct server *server, size_t worker)
{
	return atomic_load(&server->page->workers[worker].connections) +
	       quota_held(&server->page->quota, worker);
}

/*
 * How many connections this worker has more than the one that has the fewest. With many
 * connections a few more or less are no reason to wait for one another.
 */
static int64_t
server_ahead(void *arg)
{
	struct server *server = arg;
	size_t own = server_load(server, server->worker);
	size_t least = own;

	for (size_t i = 0; i < (size_t)server->options->workers; i++) {
		size_t other = server_load(server, i);

		if (other < least && atomic_load(&server->page->workers[i].accepts))
			least = other;
	}
	return (int64_t)own - (int64_t)(least + least / SERVER_UNEVEN);
}

/* While this worker has no room nobody leaves anything to it. */
static void
server_on_gate(void *arg)
{
	struct server *server = arg;

	atomic_store(
	    &server->page->workers[server->worker].accepts, !server->listeners.gate.shut);
}

bool
server_accept(struct server *server)
{
	server->listeners.on_gate = server_on_gate;
	server->listeners.on_gate_arg = server;
	atomic_store(&server->page->workers[server->worker].accepts, true);
	return listeners_start(&server->listeners, server->loop, server_on_accept,
	    server->options->workers > 1 ? server_ahead : NULL, server);
}

void
server_stop_listening(struct server *server)
{
	atomic_store(&server->page->workers[server->worker].accepts, false);
	listeners_close(&server->listeners);
}

/* Whether only this machine can connect. */
static void
server_note_loopback(struct server *server)
{
	bool local = true;

	for (size_t i = 0; i < server->listeners.count; i++) {
		struct sockaddr_storage bound;

		listener_address(server->listeners.items[i], &bound);
		local = local && listener_is_loopback(&bound);
	}
	server->endpoint.local_only = local;
	server->endpoint.origin.local_only = local;
}

int
server_listen(struct server *server)
{
	const struct options_list *addresses = &server->options->address;
	int port = (int)server->options->port;
	struct listeners_error error;
	const char *advice = "";

	if (listeners_open(
		&server->listeners, addresses->items, addresses->count, port, &error)) {
		server_note_loopback(server);
		return 0;
	}
	if (!error.address)
		return server_fail(
		    server, EX_CONFIG, "more than %d addresses to listen on", LISTENERS_MAX);
	if (error.resolve)
		return server_fail(
		    server, EX_CONFIG, "--address=%s: %s", error.address, error.resolve);
	if (error.error == EADDRINUSE && addresses->count > 1)
		advice = "; another program listens there, or one --address is part of "
			 "another: leave it out, or choose another --port (0 takes any)";
	else if (error.error == EADDRINUSE)
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

int
server_check_limits(struct server *server)
{
	struct rlimit limit = server->heritage.nofile;

	if (limit.rlim_max == RLIM_INFINITY ||
	    server_budget_suffices(
		limit.rlim_max, server_budget_used(limit.rlim_max) + SERVER_LOOP_FDS))
		return 0;
	return server_fail(server, EX_OSERR,
	    "the limit of %llu open files is too low for a single session; ulimit -n raises it",
	    (unsigned long long)limit.rlim_max);
}

void
server_raise_limits(struct server *server)
{
	size_t workers = (size_t)server->options->workers;
	bool is_parent = server->parent == 0 && workers > 1;
	struct rlimit limit = server->heritage.nofile;
	struct server_budget budget;
	size_t sessions;

	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		return;
	budget = server_budget_of(limit.rlim_cur,
	    server_budget_used(limit.rlim_cur) + (is_parent ? SERVER_LOOP_FDS : 0),
	    server->options->staticdir);
	server->endpoint.room = budget.programs;
	gate_limit(&server->listeners.gate, budget.connections);
	/* A worker says nothing of its start. */
	if (server->parent != 0)
		return;
	sessions = budget.programs * workers;
	if (server->page->quota.limit == 0 || sessions < server->page->quota.limit)
		log_info("the limit of %llu open files%s allows %zu sessions and %zu other "
			 "connections; ulimit -n raises it",
		    (unsigned long long)limit.rlim_cur, is_parent ? " of each worker" : "",
		    sessions, (budget.connections - budget.programs) * workers);
}
