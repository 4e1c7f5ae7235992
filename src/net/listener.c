/* SPDX-License-Identifier: BSD-2-Clause */
/* A listening TCP socket. */
#include "net/listener.h"

#include "base/log.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listener {
	struct evconnlistener *evconn; /* owned, and with it the socket */
	listener_handler *handler;
	void *arg; /* borrowed */
	struct timer pause; /* armed: the system had no room */
	bool held; /* our user has none */
};

static void
listener_on_accept(struct evconnlistener *evconn, evutil_socket_t fd, struct sockaddr *peer,
    int len, void *arg)
{
	struct listener *listener = arg;
	struct sockaddr_storage address = {0};
	int on = 1;

	(void)evconn;
	memcpy(&address, peer, (size_t)len < sizeof(address) ? (size_t)len : sizeof(address));
	/* Messages are written whole, so waiting for more (RFC 896) would only delay them. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	listener->handler(listener->arg, fd, &address);
}

static void
listener_update(struct listener *listener)
{
	if (listener->held || listener->pause.due_ms != 0)
		evconnlistener_disable(listener->evconn);
	else
		evconnlistener_enable(listener->evconn);
}

/* Out of descriptors or memory: the connection stays in the queue, and epoll would report it
 * for ever. */
static void
listener_on_error(struct evconnlistener *evconn, void *arg)
{
	struct listener *listener = arg;

	log_error("can't accept a connection, pausing for %d ms", LISTENER_PAUSE_MS);
	(void)evconn;
	timer_at(&listener->pause, util_clock_ms() + LISTENER_PAUSE_MS);
	listener_update(listener);
}

static void
listener_on_pause_over(void *arg)
{
	listener_update(arg);
}

void
listener_set_accepting(struct listener *listener, bool on)
{
	listener->held = !on;
	listener_update(listener);
}

static int
listener_socket(const struct sockaddr *address, socklen_t len)
{
	int on = 1;
	int saved;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1)
		goto fail;
	/* So that v4 and v6 of one port are two sockets, whatever the system's default. */
	if (address->sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1)
		goto fail;
	if (bind(fd, address, len) == -1 || listen(fd, SOMAXCONN) == -1)
		goto fail;
	return fd;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

struct listener *
listener_new(struct loop *loop, const struct sockaddr *address, socklen_t len,
    listener_handler *handler, void *arg)
{
	struct listener *listener;
	int fd = listener_socket(address, len);

	if (fd == -1)
		return NULL;
	listener = calloc(1, sizeof(*listener));
	if (!listener) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	listener->handler = handler;
	listener->arg = arg;
	timer_init(&listener->pause, loop, listener_on_pause_over, listener);
	/* Backlog 0: the socket listens already. */
	listener->evconn = evconnlistener_new(loop->base, listener_on_accept, listener,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener->evconn) {
		close(fd);
		free(listener);
		errno = ENOMEM;
		return NULL;
	}
	evconnlistener_set_error_cb(listener->evconn, listener_on_error);
	return listener;
}

void
listener_free(struct listener *listener)
{
	if (!listener)
		return;
	evconnlistener_free(listener->evconn);
	timer_stop(&listener->pause);
	free(listener);
}

void
listener_address(const struct listener *listener, struct sockaddr_storage *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	getsockname(evconnlistener_get_fd(listener->evconn), (struct sockaddr *)out, &len);
}

void
listener_host_text(const struct sockaddr_storage *address, char text[LISTENER_TEXT_MAX])
{
	if (address->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text,
		    LISTENER_TEXT_MAX);
	else
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text,
		    LISTENER_TEXT_MAX);
}

void
listener_text(const struct sockaddr_storage *address, char text[LISTENER_TEXT_MAX])
{
	char host[LISTENER_TEXT_MAX];

	listener_host_text(address, host);
	snprintf(text, LISTENER_TEXT_MAX,
	    address->ss_family == AF_INET6 ? "[%.50s]:%d" : "%.50s:%d", host,
	    listener_port(address));
}

int
listener_port(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

bool
listener_is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;

	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
	return (ntohl(four->sin_addr.s_addr) >> 24) == 127;
}
