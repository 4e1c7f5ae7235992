/* SPDX-License-Identifier: BSD-2-Clause */
/* Resolves addresses to names and names to addresses. */
#include "net/lookup.h"

#include "base/util.h"
#include "net/offload.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lookup_query {
	struct offload_job job; /* first: it is cast back */
	/* Used by the loop. */
	struct timer timer;
	/* Both NULL: finished or cancelled, but the thread is still busy. */
	lookup_handler *handler;
	lookup_addresses_handler *addresses_handler;
	void *arg; /* borrowed */
	/* Used by the thread until it returns the query. */
	bool forward; /* look up addresses */
	struct lookup_addresses addresses; /* result, or the address whose name is looked up */
	char name[LOOKUP_NAME_MAX]; /* result, or the name to look up; empty: none */
	uint16_t port;
	int error; /* error of getaddrinfo() */
};

struct lookup {
	struct loop *loop; /* borrowed */
	struct offload *offload; /* owned */
};

/* Checks a host name (RFC 952, amended by RFC 1123, section 2.1): whoever controls the
 * address's reverse zone chooses it. */
static bool
lookup_is_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-.";
	size_t len = strlen(name);

	return len > 0 && len < LOOKUP_NAME_MAX && name[strspn(name, allowed)] == '\0' &&
	       name[0] != '-' && name[0] != '.' && !strstr(name, "..");
}

static bool
lookup_is_same(const struct sockaddr_storage *a, const struct sockaddr *b)
{
	if (a->ss_family != b->sa_family)
		return false;
	if (a->ss_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)a)->sin6_addr,
		    &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr);
	return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
	       ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
}

/* Reports whether NAME resolves to ADDRESS: whoever controls the reverse zone can choose any
 * name. */
static bool
lookup_is_confirmed(const char *name, const struct sockaddr_storage *address)
{
	struct addrinfo hints = {.ai_family = address->ss_family, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	bool same = false;

	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return false;
	for (const struct addrinfo *a = found; a && !same; a = a->ai_next)
		same = lookup_is_same(address, a->ai_addr);
	freeaddrinfo(found);
	return same;
}

static void
lookup_find_addresses(struct lookup_query *query)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct lookup_addresses *addresses = &query->addresses;
	struct addrinfo *found = NULL;
	char port[8];

	snprintf(port, sizeof(port), "%u", query->port);
	query->error = getaddrinfo(query->name, port, &hints, &found);
	if (query->error != 0)
		return;
	for (const struct addrinfo *a = found; a && addresses->count < LOOKUP_ADDRESSES_MAX;
	     a = a->ai_next) {
		if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
			memcpy(
			    &addresses->items[addresses->count++], a->ai_addr, a->ai_addrlen);
	}
	freeaddrinfo(found);
}

static void
lookup_find_name(struct lookup_query *query)
{
	const struct sockaddr_storage *address = &query->addresses.items[0];
	socklen_t len = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						       : sizeof(struct sockaddr_in);
	char name[NI_MAXHOST];
	size_t end;

	if (getnameinfo((const struct sockaddr *)address, len, name, sizeof(name), NULL, 0,
		NI_NAMEREQD) != 0)
		return;
	end = strlen(name);
	if (end > 1 && name[end - 1] == '.')
		name[end - 1] = '\0';
	if (lookup_is_valid(name) && lookup_is_confirmed(name, address))
		strcpy(query->name, name);
}

static void
lookup_run(struct offload_job *job)
{
	struct lookup_query *query = (struct lookup_query *)(void *)job;

	if (query->forward)
		lookup_find_addresses(query);
	else
		lookup_find_name(query);
}

static void
lookup_on_timeout(void *arg)
{
	struct lookup_query *query = arg;
	lookup_handler *handler = query->handler;

	query->handler = NULL;
	handler(query->arg, NULL);
}

/* Ends a query and calls its handler unless it was cancelled. */
static void
lookup_finish(struct lookup_query *query)
{
	lookup_handler *handler = query->handler;
	lookup_addresses_handler *addresses_handler = query->addresses_handler;

	lookup_cancel(query);
	if (handler)
		handler(query->arg, query->name[0] != '\0' ? query->name : NULL);
	if (addresses_handler)
		addresses_handler(query->arg, &query->addresses, query->error);
}

static void
lookup_on_done(struct offload_job *job)
{
	struct lookup_query *query = (struct lookup_query *)(void *)job;

	lookup_finish(query);
	free(query);
}

struct lookup *
lookup_new(struct loop *loop)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return NULL;
	lookup->loop = loop;
	lookup->offload = offload_new(loop, LOOKUP_THREADS, 0);
	if (lookup->offload)
		return lookup;
	free(lookup);
	return NULL;
}

void
lookup_free(struct lookup *lookup)
{
	if (!lookup)
		return;
	offload_free(lookup->offload);
	free(lookup);
}

/* Returns NULL if memory runs out. */
static struct lookup_query *
lookup_query_new(struct lookup *lookup, void *arg)
{
	struct lookup_query *query = calloc(1, sizeof(*query));

	if (!query)
		return NULL;
	query->job.run = lookup_run;
	query->job.done = lookup_on_done;
	query->arg = arg;
	timer_init(&query->timer, &lookup->loop->timers, lookup_on_timeout, query);
	return query;
}

/* Passes the query to a thread. Returns false, and frees it, if too many are pending. */
static bool
lookup_submit(struct lookup *lookup, struct lookup_query *query)
{
	bool ok = offload_submit(lookup->offload, &query->job);

	if (!ok)
		free(query);
	return ok;
}

struct lookup_query *
lookup_start(struct lookup *lookup, const struct sockaddr_storage *address,
    lookup_handler *handler, void *arg)
{
	struct lookup_query *query =
	    address->ss_family != AF_UNIX ? lookup_query_new(lookup, arg) : NULL;

	if (!query)
		return NULL;
	query->handler = handler;
	query->addresses.items[0] = *address;
	if (!lookup_submit(lookup, query))
		return NULL;
	timer_at(&query->timer, util_clock_ms() + LOOKUP_MS);
	return query;
}

struct lookup_query *
lookup_start_addresses(struct lookup *lookup, const char *name, uint16_t port,
    lookup_addresses_handler *handler, void *arg)
{
	struct lookup_query *query = lookup_query_new(lookup, arg);

	if (!query)
		return NULL;
	query->forward = true;
	query->addresses_handler = handler;
	query->port = port;
	snprintf(query->name, sizeof(query->name), "%s", name);
	return lookup_submit(lookup, query) ? query : NULL;
}

void
lookup_cancel(struct lookup_query *query)
{
	timer_stop(&query->timer);
	query->handler = NULL;
	query->addresses_handler = NULL;
}
