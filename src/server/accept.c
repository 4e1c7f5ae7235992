/* SPDX-License-Identifier: BSD-2-Clause */
/* Accepts connections. */
#include "server/accept.h"

#include "net/io_socket.h"
#include "net/proxy_protocol.h"
#include "net/tls_stream.h"
#include "server/setup.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ACCEPT_UNEVEN = 16, /* tolerated imbalance: one connection in this many */
	ACCEPT_BATCH_MAX = 32, /* maximum number of connections per batch */
};

/* An accepted connection. */
struct accepted {
	int fd; /* owned */
	struct limit_slot *slot; /* owned */
	struct sockaddr_storage peer; /* address of the client, if reported by a proxy */
	bool redirect; /* accepted at --redirport */
	bool relayed; /* relayed by another worker, which has terminated TLS */
	bool anonymous; /* client unknown; PEER is the address of the proxy */
	bool secure; /* a proxy reported that the client uses TLS */
	struct stream_cert cert; /* owned: certificate reported by the proxy; {0}: none */
};

/* A connection waiting for its PROXY header or, if QUERY is set, for the name of its client. */
struct accept_waiting {
	struct list node; /* in server.accepted */
	struct server *server; /* borrowed */
	struct accepted connection;
	struct lookup_query *query; /* NULL: waiting for the header, with the next two fields */
	struct event event;
	struct timer timer;
};

static void
accept_drop(struct accepted *connection)
{
	close(connection->fd);
	limit_leave(connection->slot);
	stream_cert_clear(&connection->cert);
}

/* The next request may belong to another worker. */
static void
accept_serve_relayed(void *arg, struct exchange *exchange)
{
	exchange_close_after(exchange);
	route_serve(arg, exchange);
}

/* Takes CONNECTION and serves it. NAME is the client's host name or NULL. */
static void
accept_serve(struct server *server, struct accepted *connection, const char *name)
{
	struct transport transport = {.ops = &transport_socket, .fd = connection->fd};
	struct tls *tls = connection->redirect || connection->relayed ? NULL : server->tls;
	connection_handler *serve = connection->redirect  ? redirect_serve
				    : connection->relayed ? accept_serve_relayed
							  : route_serve;
	struct stream *stream = NULL;

	if (!tls || tls_stream_open(tls, connection->fd, &transport))
		stream = io_socket_new_take(
		    server->loop, transport, connection->slot, &connection->peer, NULL, NULL);
	else
		limit_leave(connection->slot);
	if (stream && name)
		io_socket_set_peer_name(stream, name);
	if (stream && connection->anonymous)
		io_socket_set_anonymous(stream);
	if (stream && connection->secure)
		io_socket_set_peer_tls_take(stream, &connection->cert);
	else
		stream_cert_clear(&connection->cert);
	if (!stream || !connection_open_take(server->loop, &server->connections, stream, serve,
			   connection->redirect ? (void *)&server->redirect : &server->route))
		log_errorx("out of memory for a connection");
}

/* Stops waiting and moves the connection to *OUT. */
static void
accept_wait_end(struct accept_waiting *waiting, struct accepted *out)
{
	*out = waiting->connection;
	if (waiting->query)
		lookup_cancel(waiting->query);
	if (event_initialized(&waiting->event))
		event_del(&waiting->event);
	timer_stop(&waiting->timer);
	list_remove(&waiting->node);
	free(waiting);
}

/* Closes a waiting connection. */
static void
accept_close(void *arg)
{
	struct accepted connection;

	accept_wait_end(arg, &connection);
	accept_drop(&connection);
}

static void
accept_on_timer(void *arg)
{
	accept_close(arg);
}

/* Takes CONNECTION and makes it wait. Returns NULL if memory runs out; the connection is then
 * closed. */
static struct accept_waiting *
accept_wait(struct server *server, struct accepted *connection)
{
	struct accept_waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting) {
		log_errorx("out of memory for a connection");
		accept_drop(connection);
		return NULL;
	}
	waiting->server = server;
	waiting->connection = *connection;
	timer_init(&waiting->timer, &server->loop->timers, accept_on_timer, waiting);
	list_append(&server->accepted, &waiting->node);
	limit_on_evict(connection->slot, accept_close, waiting);
	return waiting;
}

/* Reports whether ADDRESS is a trusted proxy, whose client is known later. */
static bool
accept_is_trusted(const struct server *server, const struct sockaddr_storage *peer)
{
	return cidr_list_covers(&server->connections.clients.trusted, peer);
}

/* Host name of the client */

static void
accept_on_name(void *arg, const char *name)
{
	struct accept_waiting *waiting = arg;
	struct server *server = waiting->server;
	struct accepted connection;

	waiting->query = NULL;
	accept_wait_end(waiting, &connection);
	if (server->stage > SERVER_FINISHING)
		accept_drop(&connection);
	else
		accept_serve(server, &connection, name);
}

/* Takes CONNECTION, whose client's address is known, and looks up the name, unless a proxy
 * reports the client in its requests. */
static void
accept_look_up(struct server *server, struct accepted *connection)
{
	struct accept_waiting *waiting;

	if (!server->options->listener.reverselookup || connection->redirect ||
	    accept_is_trusted(server, &connection->peer)) {
		accept_serve(server, connection, NULL);
		return;
	}
	waiting = accept_wait(server, connection);
	if (!waiting)
		return;
	waiting->query =
	    lookup_start(server->lookup, &connection->peer, accept_on_name, waiting);
	if (!waiting->query) {
		accept_wait_end(waiting, connection);
		accept_serve(server, connection, NULL);
	}
}

/* PROXY header */

/* Closes CONNECTION and logs that, rate-limited. */
static void
accept_reject(struct accepted *connection, const char *reason)
{
	static int64_t logged_ms;
	static size_t closed;
	char text[LISTENER_TEXT_MAX];
	int64_t now = util_clock_ms();

	closed++;
	if (logged_ms == 0 || now - logged_ms >= LIMIT_LOG_MS) {
		logged_ms = now;
		listener_text(&connection->peer, text);
		log_warnx("closed the connection from %s: %s (%zu closed so far)", text, reason,
		    closed);
	}
	accept_drop(connection);
}

/* Takes CONNECTION after HEADER was received; RESULT is not MORE. */
static void
accept_proxied(struct server *server, struct accepted *connection,
    enum proxy_protocol_result result, const struct proxy_protocol *header)
{
	if (result != PROXY_PROTOCOL_DONE) {
		accept_reject(connection,
		    "no valid PROXY header, which --proxy-protocol requires (HAProxy: "
		    "send-proxy-v2)");
		return;
	}
	connection->anonymous = header->anonymous;
	connection->secure = header->secure;
	if (header->client.ss_family != AF_UNSPEC) {
		connection->peer = header->client;
		if (!accept_is_trusted(server, &connection->peer))
			limit_set_client(connection->slot, &connection->peer);
	}
	if (header->name.len > 0)
		connection->cert.subject = proxy_protocol_subject(header->name);
	if (header->name.len > 0 && !connection->cert.subject) {
		log_errorx("out of memory for a connection");
		accept_drop(connection);
		return;
	}
	accept_look_up(server, connection);
}

static void
accept_on_header(evutil_socket_t fd, short what, void *arg)
{
	struct accept_waiting *waiting = arg;
	struct server *server = waiting->server;
	struct accepted connection;
	struct proxy_protocol header;
	enum proxy_protocol_result result;

	(void)what;
	limit_heard(waiting->connection.slot);
	result = proxy_protocol_receive(fd, server->loop->in, &header);
	if (result == PROXY_PROTOCOL_MORE)
		return;
	accept_wait_end(waiting, &connection);
	if (server->stage > SERVER_FINISHING)
		accept_drop(&connection);
	else
		accept_proxied(server, &connection, result, &header);
}

/* Takes CONNECTION, which starts with a PROXY header. */
static void
accept_receive(struct server *server, struct accepted *connection)
{
	struct proxy_protocol header;
	enum proxy_protocol_result result;
	struct accept_waiting *waiting;

	_Static_assert(
	    (int)LOOP_BATCH >= (int)PROXY_PROTOCOL_V2_MAX, "the loop's buffer has room");
	result = proxy_protocol_receive(connection->fd, server->loop->in, &header);
	if (result != PROXY_PROTOCOL_MORE) {
		accept_proxied(server, connection, result, &header);
		return;
	}
	waiting = accept_wait(server, connection);
	if (!waiting)
		return;
	timer_at(&waiting->timer, util_clock_ms() + server->connections.head_ms);
	/* A partial header stays in the socket, so only new data must be an event. */
	if (event_assign(&waiting->event, server->loop->base, connection->fd,
		EV_READ | EV_ET | EV_PERSIST, accept_on_header, waiting) == -1 ||
	    event_add(&waiting->event, NULL) == -1)
		accept_close(waiting);
}

/* From here on, --redirport is handled like the main port. */
static void
accept_take(struct server *server, int fd, const struct sockaddr_storage *peer, bool redirect)
{
	bool trusted = accept_is_trusted(server, peer);
	struct accepted connection = {
	    .fd = fd,
	    .slot = limit_enter(server->limit, trusted ? NULL : peer),
	    .peer = *peer,
	    .redirect = redirect,
	};

	if (!connection.slot)
		close(fd);
	else if (!server->options->listener.proxy_protocol)
		accept_look_up(server, &connection);
	else if (trusted)
		accept_receive(server, &connection);
	else
		accept_reject(&connection, "only proxies in --trusted-proxy can connect, "
					   "because of --proxy-protocol");
}

static void
accept_on(void *arg, int fd, const struct sockaddr_storage *peer)
{
	accept_take(arg, fd, peer, false);
}

static void
accept_on_redirect(void *arg, int fd, const struct sockaddr_storage *peer)
{
	accept_take(arg, fd, peer, true);
}

void
server_accept_relayed(struct server *server, int fd, const struct accept_facts *facts)
{
	bool trusted = accept_is_trusted(server, &facts->peer);
	struct accepted connection = {
	    .fd = fd,
	    .slot = limit_enter(server->limit, trusted ? NULL : &facts->peer),
	    .peer = facts->peer,
	    .relayed = true,
	    .anonymous = facts->anonymous,
	    .secure = facts->secure,
	};

	if (!connection.slot ||
	    !stream_cert_copy(&connection.cert, facts->has_subject ? facts->subject : NULL,
		facts->has_serial ? facts->serial : NULL))
		accept_drop(&connection);
	else
		accept_serve(server, &connection, facts->name[0] ? facts->name : NULL);
}

bool
server_start_lookup(struct server *server)
{
	if (server->lookup || !server_needs_lookup(server))
		return true;
	server->lookup = server->route.openings.launcher.lookup = lookup_new(server->loop);
	return server->lookup != NULL;
}

void
server_accept_clear(struct server *server)
{
	while (!list_empty(&server->accepted))
		accept_close(LIST_ENTRY_OF(server->accepted.next, struct accept_waiting, node));
	lookup_free(server->lookup);
}

/* Returns the number of connections of a worker, including those of sessions with a program or
 * a backend socket. */
static size_t
accept_load(const struct server *server, size_t worker)
{
	return atomic_load(&server->page->workers[worker].connections) +
	       quota_held(&server->page->quota, worker) +
	       atomic_load(&server->page->workers[worker].sockets) +
	       atomic_load(&server->page->workers[worker].members);
}

/*
 * Returns by how many connections this worker exceeds the least loaded one. A difference that
 * is small compared to their total counts as 0.
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

/* Returns the batch size: half of the connections that can always be pending, so that each is
 * handled before a newer one can replace it. */
static size_t
accept_batch(const struct server *server)
{
	size_t batch = server->budget.others * (100 - LIMIT_RESPONSES_SHARE) / 100 / 2;

	if (batch > ACCEPT_BATCH_MAX)
		return ACCEPT_BATCH_MAX;
	return batch > 0 ? batch : 1;
}

/* Returns this worker's share of --max-connections. */
static size_t
accept_share(const struct server *server)
{
	size_t all = (size_t)server->options->server.max_connections;
	size_t workers = (size_t)server->options->server.workers;

	return all / workers + (server->worker < all % workers);
}

static void
accept_on_full(void *arg, bool full)
{
	struct server *server = arg;
	int64_t now = util_clock_ms();

	listeners_hold(&server->listeners, full);
	listeners_hold(&server->redirect_listeners, full);
	if (!full ||
	    (server->full_logged_ms != 0 && now - server->full_logged_ms < LIMIT_LOG_MS))
		return;
	server->full_logged_ms = now;
	log_warnx("--max-connections=%zu is reached%s; further connections wait",
	    (size_t)server->options->server.max_connections,
	    server->options->server.workers > 1 ? " this worker" : "");
}

void
server_accept_limit(struct server *server)
{
	limit_set_all(server->limit, accept_share(server));
}

bool
server_accept_start(struct server *server)
{
	listener_yield_fn *yield = server->options->server.workers > 1 ? accept_ahead : NULL;
	size_t batch = accept_batch(server);

	if (!listeners_start(
		&server->listeners, server->loop, batch, accept_on, yield, server) ||
	    !listeners_start(&server->redirect_listeners, server->loop, batch,
		accept_on_redirect, yield, server))
		return false;
	if (limit_is_full(server->limit))
		accept_on_full(server, true);
	return true;
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
	    .all = accept_share(server),
	    .on_full = accept_on_full,
	    .arg = server,
	};

	server->limit = limit_new(&settings);
	if (!server->limit)
		return false;
	server->route.openings.launcher.limit = server->limit;
	atomic_store(&server->page->workers[server->worker].accepts, true);
	return server_accept_start(server);
}
