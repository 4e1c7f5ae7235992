/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits the number of open client connections. A host represents an address while it has
 * connections: it has a queue of slots for each class that can be evicted, oldest first. For
 * each such class, the hosts are in queues by their number of slots. As numbers change by one,
 * the highest number is always known.
 */
#include "net/limit.h"

#include "base/list.h"
#include "base/log.h"
#include "base/util.h"
#include "net/tally.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIMIT_EVICTABLE = LIMIT_PROGRAM, /* the classes before LIMIT_PROGRAM */
};

/* 0000:ffff::/32 is reserved, so IPv4 addresses fit among the prefixes of IPv6. */
#define LIMIT_IPV4 (UINT64_C(0xffff) << 32)
#define LIMIT_UNIX (UINT64_C(0xfffe) << 32)
#define LIMIT_PROXY (UINT64_C(0xfffd) << 32)

struct limit_host {
	struct limit *limit; /* borrowed */
	uint64_t address;
	size_t slots;
	size_t admitted; /* slots counted by PER_ADDRESS */
	struct limit_queue {
		struct list node; /* in limit_pool.by_count */
		struct list silent; /* slots of clients that have sent nothing */
		struct list slots; /* all others */
		size_t count; /* length of both lists */
	} queues[LIMIT_EVICTABLE];
};

struct limit_slot {
	struct list node; /* in limit_host.queues, unless in class PROGRAM */
	struct limit_host *host; /* borrowed */
	void (*evict)(void *arg);
	void *arg; /* borrowed */
	int tally; /* row in TALLY, or TALLY_NONE */
	enum limit_class class;
	bool heard; /* the client has sent something */
	bool admitted;
};

struct limit {
	struct limit_settings settings;
	size_t counts[LIMIT_ABSENT + 1];
	bool full; /* last value passed to ON_FULL */
	struct limit_pool {
		struct list *by_count; /* owned: hosts by number of slots; allocated lazily */
		size_t top; /* the highest number */
	} pools[LIMIT_EVICTABLE];
	void *hosts; /* owned: tsearch(3) tree of struct limit_host */
	struct limit_report {
		int64_t logged_ms; /* 0: never */
		size_t closed; /* connections closed so far */
	} evicted, rejected;
};

static const char *const limit_what[LIMIT_EVICTABLE] = {
    [LIMIT_PENDING] = "connection without a complete request",
    [LIMIT_RESPONSE] = "response",
    [LIMIT_IDLE] = "idle connection",
};

uint64_t
limit_address(const struct sockaddr_storage *peer)
{
	const struct in6_addr *six = &((const struct sockaddr_in6 *)peer)->sin6_addr;
	uint32_t four;
	uint64_t prefix = 0;

	if (peer->ss_family == AF_UNIX)
		return LIMIT_UNIX;
	if (peer->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(six)) {
		for (size_t i = 0; i < sizeof(prefix); i++)
			prefix = prefix << 8 | six->s6_addr[i];
		return prefix;
	}
	if (peer->ss_family == AF_INET6)
		memcpy(&four, six->s6_addr + 12, sizeof(four));
	else
		four = ((const struct sockaddr_in *)peer)->sin_addr.s_addr;
	return LIMIT_IPV4 | ntohl(four);
}

void
limit_text(uint64_t address, char text[LIMIT_TEXT_MAX])
{
	struct in6_addr six = {0};
	struct in_addr four = {htonl((uint32_t)address)};

	if (address == LIMIT_UNIX) {
		strcpy(text, "the Unix socket");
		return;
	}
	if (address == LIMIT_PROXY) {
		strcpy(text, "trusted proxies");
		return;
	}
	if (address >> 32 == LIMIT_IPV4 >> 32) {
		inet_ntop(AF_INET, &four, text, LIMIT_TEXT_MAX);
		return;
	}
	for (size_t i = 0; i < sizeof(address); i++)
		six.s6_addr[i] = (uint8_t)(address >> (56 - 8 * i));
	inet_ntop(AF_INET6, &six, text, LIMIT_TEXT_MAX);
	strcat(text, "/64");
}

struct limit *
limit_new(const struct limit_settings *settings)
{
	struct limit *limit = calloc(1, sizeof(*limit));

	if (!limit)
		return NULL;
	limit->settings = *settings;
	for (size_t i = 0; i < LIMIT_EVICTABLE; i++)
		limit->pools[i].by_count =
		    calloc(settings->connections + 1, sizeof(struct list));
	for (size_t i = 0; i < LIMIT_EVICTABLE; i++) {
		if (!limit->pools[i].by_count) {
			limit_free(limit);
			return NULL;
		}
	}
	return limit;
}

void
limit_free(struct limit *limit)
{
	if (!limit)
		return;
	for (size_t i = 0; i < LIMIT_EVICTABLE; i++)
		free(limit->pools[i].by_count);
	free(limit);
}

static int
limit_compare(const void *a, const void *b)
{
	uint64_t left = ((const struct limit_host *)a)->address;
	uint64_t right = ((const struct limit_host *)b)->address;

	return (left > right) - (left < right);
}

/* Returns the host of an address, or NULL if memory runs out. */
static struct limit_host *
limit_host_get(struct limit *limit, uint64_t address)
{
	const struct limit_host key = {.address = address};
	struct limit_host **found = tfind(&key, &limit->hosts, limit_compare);
	struct limit_host *host;

	if (found)
		return *found;
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	host->limit = limit;
	host->address = address;
	for (size_t i = 0; i < LIMIT_EVICTABLE; i++) {
		list_init(&host->queues[i].node);
		list_init(&host->queues[i].silent);
		list_init(&host->queues[i].slots);
	}
	if (!tsearch(host, &limit->hosts, limit_compare)) {
		free(host);
		return NULL;
	}
	return host;
}

/* Frees the host once it has no slots. */
static void
limit_host_put(struct limit_host *host)
{
	if (host->slots > 0)
		return;
	tdelete(host, &host->limit->hosts, limit_compare);
	free(host);
}

/* Moves a host to the queue of its new number of slots. */
static void
limit_pool_sort(struct limit_pool *pool, struct limit_queue *queue)
{
	struct list *hosts = &pool->by_count[queue->count];

	list_remove(&queue->node);
	if (queue->count > 0) {
		if (!hosts->next)
			list_init(hosts);
		list_append(hosts, &queue->node);
	}
	if (queue->count > pool->top)
		pool->top = queue->count;
	else if (pool->top > 0 && list_empty(&pool->by_count[pool->top]))
		pool->top--;
}

/* Adds a slot to its class (CHANGE 1), or removes it (-1). */
static void
limit_place(struct limit_slot *slot, int change)
{
	struct limit *limit = slot->host->limit;
	struct limit_queue *queue;

	limit->counts[slot->class] += (size_t)change;
	if (slot->class >= LIMIT_PROGRAM)
		return;
	queue = &slot->host->queues[slot->class];
	list_remove(&slot->node);
	if (change > 0)
		list_append(slot->heard ? &queue->slots : &queue->silent, &slot->node);
	queue->count += (size_t)change;
	limit_pool_sort(&limit->pools[slot->class], queue);
}

/* Counts a closed connection of HOST. Returns true if it must be logged, with its TEXT. */
static bool
limit_report(
    struct limit_report *report, const struct limit_host *host, char text[LIMIT_TEXT_MAX])
{
	int64_t now = util_clock_ms();

	report->closed++;
	if (report->logged_ms != 0 && now - report->logged_ms < LIMIT_LOG_MS)
		return false;
	report->logged_ms = now;
	limit_text(host->address, text);
	return true;
}

/* Closes the connection that is first in line. */
static void
limit_evict(struct limit *limit)
{
	size_t responses = limit->counts[LIMIT_RESPONSE];
	size_t share = limit->settings.connections * LIMIT_RESPONSES_SHARE / 100;
	enum limit_class class = limit->counts[LIMIT_IDLE] > 0 ? LIMIT_IDLE
				 : responses > share || limit->counts[LIMIT_PENDING] == 0
				     ? LIMIT_RESPONSE
				     : LIMIT_PENDING;
	const struct limit_pool *pool = &limit->pools[class];
	const struct limit_queue *queue =
	    LIST_ENTRY_OF(pool->by_count[pool->top].next, struct limit_queue, node);
	const struct list *slots = list_empty(&queue->silent) ? &queue->slots : &queue->silent;
	struct limit_slot *slot = LIST_ENTRY_OF(slots->next, struct limit_slot, node);
	char text[LIMIT_TEXT_MAX];

	if (limit_report(&limit->evicted, slot->host, text))
		log_warnx(
		    "all %zu slots for connections without a program are in use; closing the "
		    "oldest %s from %s, which has %zu (%zu closed so far)",
		    limit->settings.connections, limit_what[class], text, queue->count,
		    limit->evicted.closed);
	slot->evict(slot->arg);
}

/* Makes room for one more connection without a program. */
static void
limit_make_room(struct limit *limit)
{
	while (limit->counts[LIMIT_PENDING] + limit->counts[LIMIT_RESPONSE] +
		   limit->counts[LIMIT_IDLE] >=
	       limit->settings.connections)
		limit_evict(limit);
}

bool
limit_is_full(const struct limit *limit)
{
	return limit->full;
}

static void
limit_check_full(struct limit *limit)
{
	size_t sum = 0;
	bool full;

	for (size_t i = 0; i <= LIMIT_PROGRAM; i++)
		sum += limit->counts[i];
	full = limit->settings.all != 0 && sum >= limit->settings.all;
	if (full == limit->full)
		return;
	limit->full = full;
	limit->settings.on_full(limit->settings.arg, full);
}

void
limit_set_all(struct limit *limit, size_t all)
{
	limit->settings.all = all;
	limit_check_full(limit);
}

/* Counts the slot for its address if the limit allows it. */
static bool
limit_take(struct limit_slot *slot)
{
	struct limit_host *host = slot->host;
	const struct limit_settings *settings = &host->limit->settings;
	size_t sum = 0;

	if (host->address == LIMIT_PROXY) {
		host->admitted++;
		return true;
	}
	if (settings->per_address != 0 && host->admitted >= settings->per_address)
		return false;
	/* Count first, so that two workers can't both take the last one. */
	if (settings->per_address != 0 && settings->tally)
		slot->tally = tally_add(settings->tally, host->address, settings->worker, &sum);
	if (sum > settings->per_address) {
		tally_remove(settings->tally, slot->tally, settings->worker);
		slot->tally = TALLY_NONE;
		return false;
	}
	host->admitted++;
	return true;
}

struct limit_slot *
limit_enter(struct limit *limit, const struct sockaddr_storage *peer)
{
	struct limit_host *host =
	    limit_host_get(limit, peer ? limit_address(peer) : LIMIT_PROXY);
	struct limit_slot *slot = host ? calloc(1, sizeof(*slot)) : NULL;
	char text[LIMIT_TEXT_MAX];

	if (!slot) {
		if (host)
			limit_host_put(host);
		return NULL;
	}
	list_init(&slot->node);
	slot->host = host;
	slot->tally = TALLY_NONE;
	slot->admitted = limit_take(slot);
	if (!slot->admitted && host->slots - host->admitted >= LIMIT_EXCESS_MAX) {
		if (limit_report(&limit->rejected, host, text))
			log_warnx("too many connections from %s (--max-per-ip=%zu); closing "
				  "new ones (%zu closed so far)",
			    text, limit->settings.per_address, limit->rejected.closed);
		limit_host_put(host);
		free(slot);
		return NULL;
	}
	host->slots++; /* before evicting one, which may be the host's last */
	limit_make_room(limit);
	limit_place(slot, 1);
	limit_check_full(limit);
	return slot;
}

/* Removes the slot from its address. */
static void
limit_detach(struct limit_slot *slot)
{
	struct limit_host *host = slot->host;

	limit_place(slot, -1);
	host->slots--;
	if (slot->admitted)
		host->admitted--;
	if (slot->tally != TALLY_NONE)
		tally_remove(
		    host->limit->settings.tally, slot->tally, host->limit->settings.worker);
	slot->tally = TALLY_NONE;
	limit_host_put(host);
}

void
limit_leave(struct limit_slot *slot)
{
	struct limit *limit;

	if (!slot)
		return;
	limit = slot->host->limit;
	limit_detach(slot);
	free(slot);
	limit_check_full(limit);
}

void
limit_set_client(struct limit_slot *slot, const struct sockaddr_storage *client)
{
	uint64_t address = client ? limit_address(client) : LIMIT_PROXY;
	struct limit_host *host;

	if (!slot || slot->host->address == address)
		return;
	host = limit_host_get(slot->host->limit, address);
	if (!host)
		return;
	limit_detach(slot);
	slot->host = host;
	host->slots++;
	limit_place(slot, 1);
	slot->admitted = limit_take(slot);
}

void
limit_on_evict(struct limit_slot *slot, void (*evict)(void *arg), void *arg)
{
	if (!slot)
		return;
	slot->evict = evict;
	slot->arg = arg;
}

void
limit_heard(struct limit_slot *slot)
{
	if (!slot || slot->heard)
		return;
	slot->heard = true;
	if (slot->class >= LIMIT_PROGRAM)
		return;
	list_remove(&slot->node);
	list_append(&slot->host->queues[slot->class].slots, &slot->node);
}

void
limit_move(struct limit_slot *slot, enum limit_class class)
{
	if (!slot || slot->class == class)
		return;
	if (slot->class >= LIMIT_PROGRAM)
		limit_make_room(slot->host->limit);
	limit_place(slot, -1);
	slot->heard = true;
	slot->class = class;
	limit_place(slot, 1);
	if (class == LIMIT_ABSENT)
		limit_check_full(slot->host->limit);
}

bool
limit_admit(struct limit_slot *slot)
{
	if (!slot || slot->admitted)
		return true;
	slot->admitted = limit_take(slot);
	return slot->admitted;
}

/* Reports whether enough descriptors are free. A client without its own program needs one
 * descriptor of the slots. */
static bool
limit_has_descriptors(const struct limit *limit, size_t programs, size_t count)
{
	return !limit ||
	       limit->counts[LIMIT_PROGRAM] + (LIMIT_SESSION - 1) * programs + count <=
		   LIMIT_SESSION * limit->settings.programs;
}

bool
limit_has_room_for_program(const struct limit *limit, size_t programs)
{
	return limit_has_descriptors(limit, programs, LIMIT_SESSION);
}

bool
limit_has_room_for_client(const struct limit *limit, size_t programs)
{
	return limit_has_descriptors(limit, programs, 1);
}

size_t
limit_count(const struct limit *limit, enum limit_class class)
{
	return limit->counts[class];
}
