/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resolves addresses to names and names to addresses, as configured in /etc/nsswitch.conf. The
 * C library's resolver blocks, so it runs in threads (net/offload.h).
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	LOOKUP_THREADS = 16,
	LOOKUP_MS = 2 * 1000, /* time limit of a reverse lookup; after that: no name */
	LOOKUP_ADDRESSES_MAX = 8, /* addresses per name; more are ignored */
	/* Bytes of a name (RFC 1035, section 2.3.4), including the NUL. */
	LOOKUP_NAME_MAX = 253 + 1,
};

struct lookup;
struct lookup_query;

/* NAME is valid during the call; it consists of letters, digits, '-' and '.', and resolves to
 * the address. NULL: no name. */
typedef void lookup_handler(void *arg, const char *name);

/* The addresses of a name, in the resolver's order, with a port. */
struct lookup_addresses {
	size_t count;
	struct sockaddr_storage items[LOOKUP_ADDRESSES_MAX];
};

/* FOUND is valid during the call. If it has no address, ERROR is an error of getaddrinfo(). */
typedef void lookup_addresses_handler(
    void *arg, const struct lookup_addresses *found, int error);

/* Starts the threads. Returns NULL with errno. */
struct lookup *lookup_new(struct loop *loop) __attribute__((warn_unused_result));

/* Stops the threads, each after its current query; results are dropped. Accepts NULL. */
void lookup_free(struct lookup *lookup);

/* Looks up the name of ADDRESS. Calls HANDLER once, later, unless the query is cancelled.
 * Returns NULL, without calling HANDLER, if no lookup is possible now. */
struct lookup_query *lookup_start(struct lookup *lookup, const struct sockaddr_storage *address,
    lookup_handler *handler, void *arg) __attribute__((warn_unused_result));

/* Looks up the addresses of NAME, which is shorter than LOOKUP_NAME_MAX. Like lookup_start(),
 * but without a time limit: the caller cancels. */
struct lookup_query *lookup_start_addresses(struct lookup *lookup, const char *name,
    uint16_t port, lookup_addresses_handler *handler, void *arg)
    __attribute__((warn_unused_result));

/* Cancels a query whose handler has not been called; it will not be called. */
void lookup_cancel(struct lookup_query *query);

#endif
