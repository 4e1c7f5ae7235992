/* SPDX-License-Identifier: BSD-2-Clause */
/* All that a server listens on. */
#include "net/listeners.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { LISTENERS_PORT_TRIES = 16 }; /* with port 0: until one port is free on every address */

void
listeners_close(struct listeners *listeners)
{
	while (listeners->count > 0)
		listener_free(listeners->items[--listeners->count]);
}

/* The port that is taken already; 0 when there is none. */
static int
listeners_port(const struct listeners *listeners)
{
	struct sockaddr_storage bound;

	if (listeners->count == 0)
		return 0;
	listener_address(listeners->items[0], &bound);
	return listener_port(&bound);
}

/* Listens on all that one ADDRESS names. OPTIONAL: the system may lack its family. */
static bool
listeners_add(struct listeners *l, const char *address, int port, bool optional,
    struct listeners_error *error)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char service[16];
	int failed;

	*error = (struct listeners_error){.address = address};
	snprintf(service, sizeof(service), "%d", port);
	failed = getaddrinfo(address, service, &hints, &found);
	if (failed != 0) {
		error->resolve = gai_strerror(failed);
		return false;
	}
	for (struct addrinfo *a = found; a && !failed; a = a->ai_next) {
		struct listener *listener;

		if (l->count == LISTENERS_MAX) {
			error->address = NULL;
			failed = 1;
			break;
		}
		listener = listener_new(a->ai_addr, a->ai_addrlen);
		if (listener)
			l->items[l->count++] = listener;
		else if (!optional || (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT))
			failed = error->error = errno;
	}
	freeaddrinfo(found);
	return !failed;
}

/* One attempt. */
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
			if (!listeners_add(listeners, pair ? pair[k] : addresses[i],
				port != 0 ? port : listeners_port(listeners), pair != NULL,
				error))
				return false;
		}
	}
	error->error = EADDRNOTAVAIL;
	return listeners->count > 0;
}

static void
listeners_on_gate(void *arg)
{
	struct listeners *listeners = arg;

	for (size_t i = 0; i < listeners->count; i++)
		listener_set_accepting(listeners->items[i], !listeners->gate.shut);
	if (listeners->on_gate && listeners->count > 0)
		listeners->on_gate(listeners->on_gate_arg);
}

bool
listeners_open(struct listeners *listeners, char *const *addresses, size_t count, int port,
    struct listeners_error *error)
{
	int tries = port == 0 ? LISTENERS_PORT_TRIES : 1;

	gate_init(&listeners->gate, listeners_on_gate, listeners);
	listeners->gate.handshakes_max = GATE_HANDSHAKES_MAX;
	while (!listeners_try(listeners, addresses, count, port, error)) {
		listeners_close(listeners);
		if (--tries == 0 || error->error != EADDRINUSE)
			return false;
	}
	return true;
}

bool
listeners_start(struct listeners *listeners, struct loop *loop, listener_handler *handler,
    listener_leaver *leave, void *arg)
{
	for (size_t i = 0; i < listeners->count; i++) {
		if (!listener_start(listeners->items[i], loop, handler, leave, arg))
			return false;
	}
	return true;
}
