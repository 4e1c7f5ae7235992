/* SPDX-License-Identifier: BSD-2-Clause */
/* The listeners of a server. */
#include "net/listeners.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* Attempts to find a port that is free on every address, for port 0. */
enum { LISTENERS_PORT_TRIES = 16 };

void
listeners_close(struct listeners *listeners)
{
	unix_socket_remove(&listeners->unix_socket);
	while (listeners->count > 0)
		listener_free(listeners->items[--listeners->count]);
}

void
listeners_close_but(struct listeners *listeners, const struct listeners *kept)
{
	if (unix_socket_is_same(&listeners->unix_socket, &kept->unix_socket))
		unix_socket_forget(&listeners->unix_socket);
	for (size_t i = 0; i < listeners->count; i++)
		listener_drain(listeners->items[i]);
	listeners_close(listeners);
}

/* Returns the port already in use by the listeners; 0 if none. */
static int
listeners_port(const struct listeners *listeners)
{
	struct sockaddr_storage bound;

	if (listeners->count == 0)
		return 0;
	listener_address(listeners->items[0], &bound);
	return listener_port(&bound);
}

static void
listeners_set_port(struct sockaddr *address, int port)
{
	if (address->sa_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)address)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)(void *)address)->sin_port = htons((uint16_t)port);
}

/* Reports whether there is a listener on ADDRESS, ignoring the port: two names may resolve to
 * one address. */
static bool
listeners_have(const struct listeners *listeners, const struct sockaddr *address, socklen_t len)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct sockaddr_storage bound;

		listener_address(listeners->items[i], &bound);
		listeners_set_port((struct sockaddr *)&bound, 0);
		if (memcmp(&bound, address, len) == 0)
			return true;
	}
	return false;
}

/* Returns a listener on the old socket for ADDRESS, or NULL. */
static struct listener *
listeners_reuse(const struct listeners *old, const struct sockaddr *address, socklen_t len)
{
	for (size_t i = 0; old && i < old->count; i++) {
		struct sockaddr_storage bound;

		listener_address(old->items[i], &bound);
		if (memcmp(&bound, address, len) == 0)
			return listener_dup(old->items[i]);
	}
	return NULL;
}

/* Listens on ADDRESS. PORT 0: that of the first listener. OPTIONAL: the system may lack its
 * family. */
static bool
listeners_add_one(struct listeners *l, struct sockaddr *address, socklen_t len, int port,
    bool optional, struct listeners_error *error)
{
	struct listener *listener;

	if (listeners_have(l, address, len))
		return true;
	if (l->count == LISTENERS_MAX) {
		error->address = NULL;
		return false;
	}
	listeners_set_port(address, port != 0 ? port : listeners_port(l));
	listener = listeners_reuse(l->old, address, len);
	if (!listener)
		listener = listener_new(address, len);
	if (listener) {
		l->items[l->count++] = listener;
		return true;
	}
	if (optional && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
		return true;
	error->error = errno;
	return false;
}

/* Listens on all addresses that ADDRESS resolves to. PORT 0: that of the first listener.
 * OPTIONAL: the system may lack its family. */
static bool
listeners_add(struct listeners *l, const char *address, int port, bool optional,
    struct listeners_error *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	bool ok = true;
	int failed;

	*error = (struct listeners_error){.address = address};
	failed = getaddrinfo(address, NULL, &hints, &found);
	if (failed != 0) {
		error->resolve = gai_strerror(failed);
		return false;
	}
	for (struct addrinfo *a = found; a && ok; a = a->ai_next)
		ok = listeners_add_one(l, a->ai_addr, a->ai_addrlen, port, optional, error);
	freeaddrinfo(found);
	return ok;
}

const char *
listeners_parse(struct span text, struct listeners_target *out)
{
	static const char form[] = "must be HOST:PORT, [IPV6]:PORT or unix:PATH";
	const char *colon = memrchr(text.data, ':', text.len);
	struct span host = {text.data, colon ? (size_t)(colon - text.data) : 0};
	int64_t port = 0;

	*out = (struct listeners_target){.is_unix = false};
	if (text.len > 5 && memcmp(text.data, "unix:", 5) == 0) {
		out->is_unix = true;
		host = (struct span){text.data + 5, text.len - 5};
	} else if (!colon || util_parse_number((struct span){colon + 1,
						   (size_t)(text.data + text.len - colon) - 1},
				 0, UINT16_MAX, &port)) {
		return form;
	} else if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
		host = (struct span){host.data + 1, host.len - 2};
	} else if (memchr(host.data, ':', host.len) || memchr(host.data, '[', host.len)) {
		return form;
	}
	if (host.len == 0 || host.len >= sizeof(out->host))
		return form;
	out->port = (int)port;
	memcpy(out->host, host.data, host.len);
	return NULL;
}

/* Makes one attempt. */
static bool
listeners_try(struct listeners *listeners, char *const *addresses, size_t count, int port,
    struct listeners_error *error)
{
	static const char *const loopback[] = {"127.0.0.1", "::1"};
	static const char *const everywhere[] = {"0.0.0.0", "::"};

	for (size_t i = 0; i < (count > 0 ? count : 1); i++) {
		const char *const *pair = NULL;

		if (count == 0)
			pair = loopback;
		else if (strcmp(addresses[i], "*") == 0)
			pair = everywhere;
		for (int k = 0; k < (pair ? 2 : 1); k++) {
			if (!listeners_add(listeners, pair ? pair[k] : addresses[i], port,
				pair != NULL, error))
				return false;
		}
	}
	error->error = EADDRNOTAVAIL;
	return listeners->count > 0;
}

bool
listeners_open(struct listeners *listeners, char *const *addresses, size_t count, int port,
    struct listeners_error *error)
{
	int tries = port == 0 ? LISTENERS_PORT_TRIES : 1;

	while (!listeners_try(listeners, addresses, count, port, error)) {
		listeners_close(listeners);
		if (--tries == 0 || error->error != EADDRINUSE)
			return false;
	}
	return true;
}

bool
listeners_add_take(struct listeners *listeners, int fd)
{
	if (listeners->count == LISTENERS_MAX) {
		close(fd);
		return false;
	}
	listeners->items[listeners->count] = listener_new_take(fd);
	if (!listeners->items[listeners->count])
		return false;
	listeners->count++;
	return true;
}

/* Reuses the old Unix socket. */
static bool
listeners_reuse_unix(struct listeners *listeners)
{
	const struct listeners *old = listeners->old;
	struct listener *listener;

	listener = listener_dup(old->items[old->count - 1]);
	if (!listener)
		return false;
	listeners->items[listeners->count++] = listener;
	return unix_socket_copy(&listeners->unix_socket, &old->unix_socket);
}

bool
listeners_add_unix(struct listeners *listeners, const struct unix_socket_settings *settings)
{
	const struct listeners *old = listeners->old;
	int fd;

	if (listeners->count == LISTENERS_MAX) {
		errno = EMFILE;
		return false;
	}
	if (old && old->unix_socket.path && strcmp(old->unix_socket.path, settings->path) == 0)
		return listeners_reuse_unix(listeners);
	fd = unix_socket_listen(&listeners->unix_socket, settings);
	if (fd == -1)
		return false;
	listeners->items[listeners->count] = listener_new_take(fd);
	return listeners->items[listeners->count++] != NULL;
}

bool
listeners_start(struct listeners *listeners, struct loop *loop, size_t batch,
    listener_handler *handler, listener_yield_fn *yield, void *arg)
{
	for (size_t i = 0; i < listeners->count; i++) {
		if (!listener_start(listeners->items[i], loop, batch, handler, yield, arg))
			return false;
	}
	return true;
}

void
listeners_hold(struct listeners *listeners, bool held)
{
	for (size_t i = 0; i < listeners->count; i++)
		listener_hold(listeners->items[i], held);
}
