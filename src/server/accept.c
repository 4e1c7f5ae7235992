/* SPDX-License-Identifier: BSD-2-Clause */
/* Accepts connections. */
#include "server/accept.h"

#include "net/io.h"
#include "net/tls_stream.h"
#include "server/setup.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	ACCEPT_UNEVEN = 16, /* tolerated imbalance: one in so many connections */
	ACCEPT_BATCH_MAX = 32, /* connections that are accepted at once */
};

/* A connection that waits for its client's name. */
struct accept_waiting {
	struct list node; /* in server.looked_up */
	struct server *server; /* borrowed */
	struct lookup_query *query;
	int fd; /* owned */
	struct limit_slot *slot; /* owned */
	struct sockaddr_storage peer;
};

/* Takes FD and SLOT, and serves the connection by HANDLER. NAME may be NULL. */
static void
accept_serve(struct server *server, int fd, struct limit_slot *slot,
    const struct sockaddr_storage *peer, const char *name, struct tls *tls,
    connection_handler *handler, void *arg)
{
	struct transport transport = {.ops = &transport_socket, .fd = fd};
	struct stream *stream = NULL;

	if (!tls || tls_stream_open(tls, fd, &transport))
		stream = io_new_take(server->loop, transport, slot, peer, NULL, NULL);
	else
		limit_leave(slot);
	if (stream && name)
		io_set_peer_name(stream, name);
	if (!stream ||
	    !connection_open_take(server->loop, &server->connections, stream, handler, arg))
		log_errorx("out of memory for a connection");
}

static void
accept_serve_route(struct server *server, int fd, struct limit_slot *slot,
    const struct sockaddr_storage *peer, const char *name)
{
	accept_serve(server, fd, slot, peer, name, server->tls, route_serve, &server->route);
}

static void
accept_close(struct accept_waiting *waiting)
{
	lookup_cancel(waiting->query);
	list_remove(&waiting->node);
	close(waiting->fd);
	limit_leave(waiting->slot);
	free(waiting);
}

static void
accept_on_evict(void *arg)
{
	accept_close(arg);
}

static void
accept_on_name(void *arg, const char *name)
{
	struct accept_waiting *waiting = arg;

	if (waiting->server->stage > SERVER_FINISHING) {
		accept_close(waiting);
		return;
	}
	list_remove(&waiting->node);
	accept_serve_route(waiting->server, waiting->fd, waiting->slot, &waiting->peer, name);
	free(waiting);
}

/* Takes FD and SLOT and waits for the name of PEER. False if there is nothing
 * to wait for: FD and SLOT stay with the caller. */
static bool
accept_wait(
    struct server *server, int fd, struct limit_slot *slot, const struct sockaddr_storage *peer)
{
	struct accept_waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting)
		return false;
	waiting->query = lookup_start(server->lookup, peer, accept_on_name, waiting);
	if (!waiting->query) {
		free(waiting);
		return false;
	}
	waiting->server = server;
	waiting->fd = fd;
	waiting->slot = slot;
	waiting->peer = *peer;
	list_append(&server->looked_up, &waiting->node);
	limit_on_evict(slot, accept_on_evict, waiting);
	return true;
}

bool
server_start_lookup(struct server *server)
{
	if (server->lookup || !server_needs_lookup(server))
		return true;
	server->lookup = server->route.upgrade.launcher.lookup = lookup_new(server->loop);
	return server->lookup != NULL;
}

void
server_accept_clear(struct server *server)
{
	while (!list_empty(&server->looked_up))
		accept_close(
		    LIST_ENTRY_OF(server->looked_up.next, struct accept_waiting, node));
	lookup_free(server->lookup);
}

/* The client of a trusted proxy is known with its first request. */
static bool
accept_is_trusted(const struct server *server, const struct sockaddr_storage *peer)
{
	return cidr_list_covers(&server->connections.clients.trusted, peer);
}

static void
accept_on(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct server *server = arg;
	bool trusted = accept_is_trusted(server, peer);
	struct limit_slot *slot = limit_enter(server->limit, trusted ? NULL : peer);

	if (!slot)
		close(fd);
	else if (!server->options->listener.reverselookup || trusted ||
		 !accept_wait(server, fd, slot, peer))
		accept_serve_route(server, fd, slot, peer, NULL);
}

/* At --redirport, without TLS. */
static void
accept_on_redirect(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct server *server = arg;
	struct limit_slot *slot =
	    limit_enter(server->limit, accept_is_trusted(server, peer) ? NULL : peer);

	if (!slot)
		close(fd);
	else
		accept_serve(
		    server, fd, slot, peer, NULL, NULL, redirect_serve, &server->redirect);
}

/* How many connections a worker has, with those whose program runs, or
 * whose backend is a socket. */
static size_t
accept_load(const struct server *server, size_t worker)
{
	return atomic_load(&server->page->workers[worker].connections) +
	       quota_held(&server->page->quota, worker) +
	       atomic_load(&server->page->workers[worker].sockets);
}

/*
 * By how many connections this worker exceeds the least loaded one. A difference that is small
 * against their total is ignored.
 */
static int64_t
accept_ahead(void *arg)
{
	struct server *server = arg;
	size_t own = accept_load(server, server->worker);
	size_t least = own;

	for (size_t i = 0; i < (size_t)server->options->server.workers; i++) {
		size_t other = accept_load(server, i);

		if (other < least && atomic_load(&server->page->workers[i].accepts))
			least = other;
	}
	return (int64_t)own - (int64_t)(least + least / ACCEPT_UNEVEN);
}

/* How many connections are accepted in a batch: half of those that can always be pending, so
 * that each has its turn before a newer one can replace it. */
static size_t
accept_batch(const struct server *server)
{
	size_t batch = server->budget.others * (100 - LIMIT_RESPONSES_SHARE) / 100 / 2;

	if (batch > ACCEPT_BATCH_MAX)
		return ACCEPT_BATCH_MAX;
	return batch > 0 ? batch : 1;
}

bool
server_accept_start(struct server *server)
{
	listener_yield_fn *yield = server->options->server.workers > 1 ? accept_ahead : NULL;
	size_t batch = accept_batch(server);

	return listeners_start(
		   &server->listeners, server->loop, batch, accept_on, yield, server) &&
	       listeners_start(&server->redirect_listeners, server->loop, batch,
		   accept_on_redirect, yield, server);
}

bool
server_accept(struct server *server)
{
	struct limit_settings settings = {
	    .connections = server->budget.others,
	    .programs = server->budget.programs,
	    .per_address = (size_t)server->options->server.max_per_ip,
	    .tally = server->tally,
	    .worker = server->worker,
	};

	server->limit = limit_new(&settings);
	if (!server->limit)
		return false;
	server->route.upgrade.launcher.limit = server->limit;
	atomic_store(&server->page->workers[server->worker].accepts, true);
	return server_accept_start(server);
}
