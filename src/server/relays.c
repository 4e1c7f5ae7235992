/* SPDX-License-Identifier: BSD-2-Clause */
/* Relays requests that another worker must serve. */
#include "server/relays.h"

#include "net/descriptors.h"
#include "net/io_socket.h"
#include "net/limit.h"
#include "net/relay.h"
#include "server/accept.h"
#include "server/server.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RELAYS_WHY "the worker that served the request has exited\n"
#define RELAYS_APOLOGY                                                                         \
	"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\n"              \
	"Content-Length: 46\r\nConnection: close\r\n\r\n" RELAYS_WHY
_Static_assert(sizeof(RELAYS_WHY) - 1 == 46, "Content-Length");

bool
server_relays_open(struct server *server)
{
	struct relays *relays = &server->relays;

	for (; relays->count < (size_t)server->options->server.workers; relays->count++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			relays->sockets[relays->count]) == -1)
			return false;
	}
	return true;
}

static void
relays_on_given(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;
	int fds[DESCRIPTORS_MAX];
	struct accept_facts facts;
	size_t count = 0;

	(void)what;
	if (!descriptors_receive(fd, &facts, sizeof(facts), fds, &count))
		return;
	if (count == 1 && server->stage <= SERVER_FINISHING) {
		server_accept_relayed(server, fds[0], &facts);
		return;
	}
	while (count > 0)
		close(fds[--count]);
}

bool
server_relays_start(struct server *server)
{
	struct relays *relays = &server->relays;

	relays->event = event_new(server->loop->base, relays->sockets[server->worker][0],
	    EV_READ | EV_PERSIST, relays_on_given, server);
	return relays->event && event_add(relays->event, NULL) == 0;
}

void
server_relays_clear(struct server *server)
{
	struct relays *relays = &server->relays;

	relay_abort_all(&relays->list);
	if (relays->event)
		event_free(relays->event);
	while (relays->count > 0) {
		relays->count--;
		close(relays->sockets[relays->count][0]);
		close(relays->sockets[relays->count][1]);
	}
}

void
server_relays_refuse(struct server *server, size_t worker)
{
	const int *sockets = server->relays.sockets[worker];
	int fds[DESCRIPTORS_MAX];
	struct accept_facts facts;
	size_t count;

	/* After the shutdown, nothing more can be sent. */
	shutdown(sockets[0], SHUT_RDWR);
	do {
		if (!descriptors_receive(sockets[0], &facts, sizeof(facts), fds, &count))
			count = 0;
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
	} while (count > 0);
}

/* Sets what is known about the client. Returns false if it does not fit or memory runs out. */
static bool
relays_set_facts(struct accept_facts *facts, const struct stream *stream)
{
	const char *name = stream_peer_name(stream);
	struct stream_cert cert = {0};
	bool fits;

	memset(facts, 0, sizeof(*facts));
	stream_peer_address(stream, &facts->peer);
	facts->anonymous = stream_is_anonymous(stream);
	facts->secure = stream_is_secure(stream);
	if (!stream_client_cert(stream, &cert))
		return false;
	facts->has_subject = cert.subject;
	facts->has_serial = cert.serial;
	fits = (!name || strlen(name) < sizeof(facts->name)) &&
	       (!cert.subject || strlen(cert.subject) < sizeof(facts->subject)) &&
	       (!cert.serial || strlen(cert.serial) < sizeof(facts->serial));
	if (fits) {
		snprintf(facts->name, sizeof(facts->name), "%s", name ? name : "");
		snprintf(facts->subject, sizeof(facts->subject), "%s",
		    cert.subject ? cert.subject : "");
		snprintf(
		    facts->serial, sizeof(facts->serial), "%s", cert.serial ? cert.serial : "");
	}
	stream_cert_clear(&cert);
	return fits;
}

/* Connects the former stream of EXCHANGE, whose request has been parsed, with the socket FD. */
static void
relays_join_take(struct server *server, struct exchange *exchange, int fd)
{
	const struct head *head = exchange_request(exchange)->head;
	struct transport transport = {.ops = &transport_socket, .fd = fd};
	struct stream *to = io_socket_new_take(server->loop, transport, NULL, NULL, NULL, NULL);
	struct span rest;
	struct stream *from = exchange_upgrade(exchange, &rest);

	if (!to || !stream_write(to, head->bytes, head_len(head)) ||
	    !stream_write(to, rest.data, rest.len)) {
		stream_free(from);
		stream_free(to);
	} else {
		(void)!relay_start_take(
		    server->loop, &server->relays.list, from, to, SPAN(RELAYS_APOLOGY));
	}
}

bool
server_relay(void *arg, size_t worker, struct exchange *exchange)
{
	struct server *server = arg;
	const struct stream *stream = exchange_stream(exchange);
	struct accept_facts facts;
	int ends[2];
	bool given;

	if (!relays_set_facts(&facts, stream) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1)
		return false;
	/* The other worker counts the connection. */
	limit_set_client(stream_slot(stream), NULL);
	/* A worker that has exited is restarted and gets the pending connections, unless the
	 * server is shutting down: see server_relays_refuse(). */
	given = descriptors_send(
	    server->relays.sockets[worker][1], &facts, sizeof(facts), &ends[1], 1);
	close(ends[1]);
	if (given) {
		relays_join_take(server, exchange, ends[0]);
		return true;
	}
	close(ends[0]);
	/* The connection is no longer counted, so it must end with the response. */
	exchange_close_after(exchange);
	return false;
}
