/* SPDX-License-Identifier: BSD-2-Clause */
/* A listening TCP or Unix socket. */
#include "net/listener.h"

#include "base/log.h"
#include "base/util.h"
#include "net/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LISTENER_SKIP_DRAIN = 15 };

struct listener {
	struct event *event; /* owned; NULL until it is started */
	int fd; /* owned */
	size_t batch;
	listener_handler *handler;
	listener_yield_fn *yield; /* NULL: never */
	void *arg; /* borrowed */
	struct timer pause; /* while running, nothing is accepted */
	bool held; /* connections are left in the queue */
	int yields; /* how often the pending connection was yielded */
	int skip_drain; /* how many more to accept without checking for another one */
	int64_t logged_ms; /* when a failed accept was last logged; 0: never */
};

/* The only function that starts or stops accepting, according to the state. */
static void
listener_update(struct listener *listener)
{
	if (!listener->event)
		return;
	if (listener->pause.due_ms != 0 || listener->held)
		event_del(listener->event);
	else if (event_add(listener->event, NULL) == -1)
		timer_at(&listener->pause, util_clock_ms() + LISTENER_PAUSE_MS);
}

/* Pauses accepting for MS milliseconds. */
static void
listener_pause(struct listener *listener, int ms)
{
	timer_at(&listener->pause, util_clock_ms() + ms);
	listener_update(listener);
}

static void
listener_log_failure(struct listener *listener)
{
	int64_t now = util_clock_ms();

	if (listener->logged_ms != 0 && now - listener->logged_ms < LISTENER_LOG_MS)
		return;
	log_error("can't accept connections, retrying every %d ms", LISTENER_PAUSE_MS);
	listener->logged_ms = now;
}

/*
 * Reports whether accept() failed for a temporary reason: the queue is empty, or the connection
 * had already failed and was removed (accept(2)). Such a client must not pause the others.
 * After any other error, such as a lack of descriptors or memory, the connection stays in the
 * queue, and epoll would report it forever.
 */
static bool
listener_is_transient(int error)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
	case ECONNRESET:
	case ETIMEDOUT:
	case EPROTO:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
		return true;
	default:
		return false;
	}
}

/* Accepts one connection. Returns false if there is none, or accepting failed. */
static bool
listener_accept(struct listener *listener)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	int fd =
	    accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1) {
		if (listener_is_transient(errno))
			return false;
		listener_log_failure(listener);
		listener_pause(listener, LISTENER_PAUSE_MS);
		return false;
	}
	listener->handler(listener->arg, fd, &peer);
	return true;
}

/*
 * Accepts a pending connection, or yields it to another process once more.
 *
 * Without other processes, accepts a batch: it is limited so that accepted connections make
 * progress however fast new ones arrive. Finding the queue empty costs nearly as much as
 * accepting, so afterwards the next few are accepted one at a time. With other processes,
 * accepts one, since a less loaded process takes the next; but a batch if the others, with far
 * fewer connections, had enough time for theirs.
 */
static void
listener_take(struct listener *listener)
{
	size_t most = 1;

	if (listener->yield && listener->yields < LISTENER_YIELDS_MAX) {
		if (listener->yield(listener->arg) > listener->yields) {
			listener_pause(listener, LISTENER_YIELD_MS);
			listener->yields++;
			return;
		}
	} else if (listener->yield || listener->skip_drain == 0) {
		most = listener->batch;
		listener->skip_drain = LISTENER_SKIP_DRAIN;
	} else {
		listener->skip_drain--;
	}
	listener->yields = 0;
	for (size_t i = 0; i < most && !listener->held && listener_accept(listener); i++)
		continue;
}

static void
listener_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	listener_take(arg);
}

static void
listener_on_pause_over(void *arg)
{
	struct listener *listener = arg;
	struct pollfd waiting = {.fd = listener->fd, .events = POLLIN};

	listener_update(listener);
	if (listener->yields == 0 || listener->held)
		return;
	/* The next pending connection is a new one, which has not been yielded yet. */
	if (poll(&waiting, 1, 0) == 1)
		listener_take(listener);
	else
		listener->yields = 0;
}

/*
 * Sets the options of a listening socket. The client speaks first: a silent one is not accepted
 * for a second, so that many of them can't take the slot of one that is about to send.
 * Connections inherit the other options without a system call. Returns false with errno.
 */
static bool
listener_set_options(int fd)
{
	int on = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof(on)) == 0 &&
	       transport_tune(fd);
}

void
listener_tune(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	(void)listener_set_options(fd);
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
	/* Makes IPv4 and IPv6 on one port two sockets, whatever the system's default. */
	if (address->sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1)
		goto fail;
	if (!listener_set_options(fd) || bind(fd, address, len) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		goto fail;
	return fd;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

struct listener *
listener_new(const struct sockaddr *address, socklen_t len)
{
	int fd = listener_socket(address, len);

	return fd == -1 ? NULL : listener_new_take(fd);
}

struct listener *
listener_new_take(int fd)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	listener->fd = fd;
	return listener;
}

struct listener *
listener_dup(const struct listener *listener)
{
	int fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);

	return fd == -1 ? NULL : listener_new_take(fd);
}

int
listener_fd(const struct listener *listener)
{
	return listener->fd;
}

bool
listener_start(struct listener *listener, struct loop *loop, size_t batch,
    listener_handler *handler, listener_yield_fn *yield, void *arg)
{
	listener->batch = batch;
	listener->handler = handler;
	listener->yield = yield;
	listener->arg = arg;
	timer_init(&listener->pause, &loop->timers, listener_on_pause_over, listener);
	listener->event = event_new(
	    loop->base, listener->fd, EV_READ | EV_PERSIST, listener_on_readable, listener);
	return listener->event && event_add(listener->event, NULL) == 0;
}

void
listener_hold(struct listener *listener, bool held)
{
	listener->held = held;
	listener_update(listener);
}

void
listener_drain(struct listener *listener)
{
	for (int i = 0; i < SOMAXCONN && listener->event && listener_accept(listener); i++)
		continue;
}

void
listener_free(struct listener *listener)
{
	if (!listener)
		return;
	if (listener->event)
		event_free(listener->event);
	timer_stop(&listener->pause);
	close(listener->fd);
	free(listener);
}

void
listener_address(const struct listener *listener, struct sockaddr_storage *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	getsockname(listener->fd, (struct sockaddr *)out, &len);
}

/* Formats the address and returns its end. For IPv4, inet_ntop() would call printf(). */
static char *
listener_put_host(const struct sockaddr_storage *address, char *text)
{
	const uint8_t *four =
	    (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr.s_addr;

	if (address->ss_family == AF_UNIX)
		return stpcpy(text, "unix-socket");
	if (address->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text,
		    INET6_ADDRSTRLEN);
		return text + strlen(text);
	}
	for (int i = 0; i < 4; i++) {
		text = util_put_number(text, four[i], 1);
		*text++ = '.';
	}
	*--text = '\0';
	return text;
}

void
listener_host_text(const struct sockaddr_storage *address, char text[LISTENER_TEXT_MAX])
{
	(void)listener_put_host(address, text);
}

void
listener_text(const struct sockaddr_storage *address, char text[LISTENER_TEXT_MAX])
{
	int port = listener_port(address);
	bool brackets = address->ss_family == AF_INET6 && port != 0;

	if (brackets)
		*text++ = '[';
	text = listener_put_host(address, text);
	if (port == 0)
		return;
	if (brackets)
		*text++ = ']';
	*text++ = ':';
	*util_put_number(text, (uint64_t)port, 1) = '\0';
}

int
listener_port(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_UNIX)
		return 0;
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

bool
listener_is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;

	if (address->ss_family == AF_UNIX)
		return false;
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
	return (ntohl(four->sin_addr.s_addr) >> 24) == 127;
}
