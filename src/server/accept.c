/* SPDX-License-Identifier: BSD-2-Clause */
/* Accepts connections. */
#include "server/accept.h"

#include "net/io.h"
#include "net/tls_stream.h"

#include <unistd.h>

enum {
	ACCEPT_UNEVEN = 16, /* one in so many connections may be where it should not */
	ACCEPT_BATCH_MAX = 32, /* connections that are accepted at once */
};

static void
accept_connection(struct server *server, int fd, const struct sockaddr_storage *peer,
    struct tls *tls, connection_handler *handler, void *arg)
{
	struct transport transport = {.ops = &transport_socket, .fd = fd};
	struct limit_slot *slot = limit_enter(server->limit, peer);
	struct stream *stream = NULL;

	if (!slot) {
		close(fd);
		return;
	}
	if (!tls || tls_stream_open(tls, fd, &transport))
		stream = io_new_take(server->loop, transport, slot, peer, NULL, NULL);
	else
		limit_leave(slot);
	if (!stream ||
	    !connection_open_take(server->loop, &server->connections, stream, handler, arg))
		log_errorx("out of memory for a connection");
}

static void
accept_on(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct server *server = arg;

	accept_connection(server, fd, peer, server->tls, route_serve, &server->route);
}

/* At --redirport, without TLS. */
static void
accept_on_redirect(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct server *server = arg;

	accept_connection(server, fd, peer, NULL, redirect_serve, &server->redirect);
}

/* How many connections a worker has, with those whose program runs. */
static size_t
accept_load(const struct server *server, size_t worker)
{
	return atomic_load(&server->page->workers[worker].connections) +
	       quota_held(&server->page->quota, worker);
}

/*
 * How many connections this worker has more than the one that has the fewest. With many
 * connections a few more or less are no reason to wait for one another.
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

/* How many connections may be accepted at once: half of those that can always be pending, so
 * that each has its turn before it could be closed for another one. */
static size_t
accept_batch(const struct server *server)
{
	size_t batch = server->budget.others * (100 - LIMIT_RESPONSES_SHARE) / 100 / 2;

	if (batch > ACCEPT_BATCH_MAX)
		return ACCEPT_BATCH_MAX;
	return batch > 0 ? batch : 1;
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
	listener_yield_fn *yield = server->options->server.workers > 1 ? accept_ahead : NULL;
	size_t batch = accept_batch(server);

	server->limit = limit_new(&settings);
	if (!server->limit)
		return false;
	server->route.upgrade.launcher.limit = server->limit;
	atomic_store(&server->page->workers[server->worker].accepts, true);
	return listeners_start(
		   &server->listeners, server->loop, batch, accept_on, yield, server) &&
	       listeners_start(&server->redirect_listeners, server->loop, batch,
		   accept_on_redirect, yield, server);
}
