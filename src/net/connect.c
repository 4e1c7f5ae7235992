/* SPDX-License-Identifier: BSD-2-Clause */
/* Connects to a TCP or Unix socket. */
#include "net/connect.h"

#include "base/util.h"
#include "net/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* Retry interval while a Unix socket's queue is full, as no event comes. */
enum { CONNECT_RETRY_MS = 20 };

struct connect {
	union {
		struct loop_task start;
		struct loop_deferred deferred; /* for the deferred free */
	};
	struct loop *loop; /* borrowed, as the next three */
	struct lookup *lookup;
	const struct connect_target *target;
	void *arg; /* argument of the handler */
	connect_handler *handler;
	struct lookup_query *query; /* NULL: no query pending */
	struct lookup_addresses addresses;
	size_t current; /* index of the address being tried */
	int fd; /* owned; -1: none */
	struct event event; /* while FD is not -1 */
	struct timer timer;
	int64_t try_end_ms; /* deadline of the current address */
	int64_t end_ms;
	int error; /* error of the last address */
};

bool
connect_is_target(const char *text)
{
	return strncmp(text, "tcp:", 4) == 0 || strncmp(text, "unix:", 5) == 0;
}

const char *
connect_parse(const char *text, struct connect_target *out)
{
	struct span host = span_of(strchr(text, ':') + 1);
	const char *colon = strrchr(host.data, ':');
	int64_t port;

	*out = (struct connect_target){.kind = CONNECT_UNIX};
	if (text[0] == 'u') {
		if (host.len == 0 || host.len >= sizeof(((struct sockaddr_un *)0)->sun_path))
			return "needs a path of 1 to 107 bytes: unix:PATH";
		memcpy(out->host, host.data, host.len);
		return NULL;
	}
	if (!colon || util_parse_number(span_of(colon + 1), 1, UINT16_MAX, &port))
		return "needs a port from 1 to 65535: tcp:HOST:PORT";
	out->kind = CONNECT_TCP;
	out->port = (uint16_t)port;
	host.len = (size_t)(colon - host.data);
	if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
		host.data++;
		host.len -= 2;
	} else if (memchr(host.data, ':', host.len) || host.data[0] == '[') {
		return "needs brackets around an IPv6 address: tcp:[::1]:PORT";
	}
	if (host.len == 0 || host.len >= sizeof(out->host))
		return "needs a host: tcp:HOST:PORT";
	memcpy(out->host, host.data, host.len);
	return NULL;
}

/* Converts a target that is an address, not a name. */
static bool
connect_make_address(const struct connect_target *target, struct sockaddr_storage *out)
{
	struct sockaddr_in *four = (struct sockaddr_in *)out;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
	struct sockaddr_un *local = (struct sockaddr_un *)out;

	memset(out, 0, sizeof(*out));
	if (target->kind == CONNECT_UNIX) {
		local->sun_family = AF_UNIX;
		strcpy(local->sun_path, target->host);
	} else if (inet_pton(AF_INET, target->host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(target->port);
	} else if (inet_pton(AF_INET6, target->host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(target->port);
	} else {
		return false;
	}
	return true;
}

bool
connect_needs_lookup(const struct connect_target *target)
{
	struct sockaddr_storage ignored;

	return target->kind != CONNECT_NOTHING && !connect_make_address(target, &ignored);
}

static void
connect_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct connect, deferred));
}

static void
connect_close(struct connect *c)
{
	if (c->fd == -1)
		return;
	event_del(&c->event);
	close(c->fd);
	c->fd = -1;
}

void
connect_cancel(struct connect *c)
{
	if (!c)
		return;
	if (c->query)
		lookup_cancel(c->query);
	connect_close(c);
	timer_stop(&c->timer);
	loop_cancel(&c->start);
	loop_defer_free(c->loop, &c->deferred, connect_release);
}

static void
connect_fail(struct connect *c, int error, const char *why)
{
	struct connect_result result = {.fd = -1, .error = error, .why = why};
	connect_handler *handler = c->handler;
	void *arg = c->arg;

	connect_cancel(c);
	handler(arg, &result);
}

static void
connect_succeed(struct connect *c)
{
	struct connect_result result = {.fd = c->fd, .address = c->addresses.items[c->current]};
	connect_handler *handler = c->handler;
	void *arg = c->arg;

	event_del(&c->event);
	c->fd = -1;
	connect_cancel(c);
	handler(arg, &result);
}

static void connect_on_event(evutil_socket_t fd, short what, void *arg);

/* Starts connecting to the current address. Returns 0, EINPROGRESS or another errno. */
static int
connect_open(struct connect *c)
{
	const struct sockaddr_storage *address = &c->addresses.items[c->current];
	socklen_t len = address->ss_family == AF_UNIX	 ? sizeof(struct sockaddr_un)
			: address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							 : sizeof(struct sockaddr_in);
	int error = 0;

	c->fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd == -1)
		return errno;
	if (event_assign(&c->event, c->loop->base, c->fd, EV_WRITE, connect_on_event, c) == -1)
		error = ENOMEM;
	else if ((address->ss_family != AF_UNIX && !transport_tune(c->fd)) ||
		 connect(c->fd, (const struct sockaddr *)address, len) == -1)
		error = errno;
	if (error == EINPROGRESS && event_add(&c->event, NULL) == -1)
		error = ENOMEM;
	if (error != 0 && error != EINPROGRESS)
		connect_close(c);
	return error;
}

/* Tries the current address, and the following ones until one does not fail at once. */
static void
connect_try(struct connect *c)
{
	int64_t now = util_clock_ms();

	for (; c->current < c->addresses.count; c->current++) {
		c->error = connect_open(c);
		c->try_end_ms =
		    now + (c->end_ms - now) / (int64_t)(c->addresses.count - c->current);
		switch (c->error) {
		case 0:
			connect_succeed(c);
			return;
		case EINPROGRESS:
			timer_at(&c->timer, c->try_end_ms);
			return;
		case EAGAIN:
			if (c->target->kind != CONNECT_UNIX)
				break;
			timer_at(&c->timer, now + CONNECT_RETRY_MS);
			return;
		default:
			break;
		}
	}
	connect_fail(c, c->error, strerror(c->error));
}

static void
connect_next(struct connect *c, int error)
{
	connect_close(c);
	c->error = error;
	c->current++;
	connect_try(c);
}

static void
connect_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct connect *c = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0)
		connect_next(c, error);
	else
		connect_succeed(c);
}

static void
connect_on_timer(void *arg)
{
	struct connect *c = arg;
	int64_t now = util_clock_ms();

	if (now >= c->end_ms)
		connect_fail(c, ETIMEDOUT, strerror(ETIMEDOUT));
	else if (c->fd == -1 && !c->query)
		connect_try(c);
	else if (c->fd != -1 && now >= c->try_end_ms)
		connect_next(c, ETIMEDOUT);
	else
		timer_at(&c->timer, c->fd != -1 ? c->try_end_ms : c->end_ms);
}

static void
connect_on_addresses(void *arg, const struct lookup_addresses *found, int error)
{
	struct connect *c = arg;

	c->query = NULL;
	if (found->count == 0) {
		connect_fail(c, EHOSTUNREACH, gai_strerror(error != 0 ? error : EAI_NONAME));
		return;
	}
	c->addresses = *found;
	connect_try(c);
}

static void
connect_on_start(struct loop_task *task)
{
	struct connect *c = LIST_ENTRY_OF(task, struct connect, start);
	const struct connect_target *target = c->target;

	timer_at(&c->timer, c->end_ms);
	if (connect_make_address(target, &c->addresses.items[0])) {
		c->addresses.count = 1;
		connect_try(c);
		return;
	}
	if (!c->lookup) {
		connect_fail(c, EHOSTUNREACH, "names are resolved after a restart only");
		return;
	}
	c->query = lookup_start_addresses(
	    c->lookup, target->host, target->port, connect_on_addresses, c);
	if (!c->query)
		connect_fail(c, EAGAIN, "too many names are being resolved");
}

struct connect *
connect_start(struct loop *loop, struct lookup *lookup, const struct connect_target *target,
    int64_t timeout_ms, connect_handler *handler, void *arg)
{
	struct connect *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = loop;
	c->lookup = lookup;
	c->target = target;
	c->handler = handler;
	c->arg = arg;
	c->fd = -1;
	c->end_ms = util_clock_ms() + timeout_ms;
	timer_init(&c->timer, &loop->timers, connect_on_timer, c);
	loop_task_init(&c->start, connect_on_start);
	loop_defer(loop, &c->start);
	return c;
}
