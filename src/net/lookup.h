/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the names of addresses, and addresses of names, as configured in /etc/nsswitch.conf.
 * The C library's resolver blocks, so it is called in threads (net/offload.h).
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	LOOKUP_THREADS = 16,
	LOOKUP_MS = 2 * 1000, /* how long a query for a name may take; after that: no name */
	LOOKUP_ADDRESSES_MAX = 8, /* of a name; further ones are left out */
	LOOKUP_NAME_MAX = 253 + 1, /* bytes of a name (RFC 1035, section 2.3.4), terminated */
};

struct lookup;
struct lookup_query;

/* NAME, valid during the call, consists of letters, digits, '-' and '.', and resolves to the
 * address; NULL: there is none. */
typedef void lookup_handler(void *arg, const char *name);

/* The addresses of a name, in the resolver's order, with a port. */
struct lookup_addresses {
	size_t count;
	struct sockaddr_storage items[LOOKUP_ADDRESSES_MAX];
};

/* FOUND is valid during the call; without an address ERROR is one of getaddrinfo(). */
typedef void lookup_addresses_handler(
    void *arg, const struct lookup_addresses *found, int error);

/* Starts the threads. NULL with errno. */
struct lookup *lookup_new(struct loop *loop) __attribute__((warn_unused_result));

/* Stops the threads, each as soon as its query ends; their results are dropped. Accepts NULL.
 */
void lookup_free(struct lookup *lookup);

/* HANDLER is called once, later, unless the query is cancelled. NULL: there is no name for this
 * address now, and HANDLER is not called. */
struct lookup_query *lookup_start(struct lookup *lookup, const struct sockaddr_storage *address,
    lookup_handler *handler, void *arg) __attribute__((warn_unused_result));

/* The addresses of NAME, which is shorter than LOOKUP_NAME_MAX. As above, but for the time that
 * it may take: the caller cancels. */
struct lookup_query *lookup_start_addresses(struct lookup *lookup, const char *name,
    uint16_t port, lookup_addresses_handler *handler, void *arg)
    __attribute__((warn_unused_result));

/* The handler is not called any more. Only before it was. */
void lookup_cancel(struct lookup_query *query);

#endif
