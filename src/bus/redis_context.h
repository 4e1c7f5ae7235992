/* SPDX-License-Identifier: BSD-2-Clause */
/* What the topics on a Redis server share. */
#ifndef BUS_REDIS_CONTEXT_H
#define BUS_REDIS_CONTEXT_H

#include "bus/outbox.h"
#include "bus/redis_link.h"

#include <stdatomic.h>

/* Counters of one process, in memory that all processes of the server share. */
struct redis_counts {
	atomic_bool up;
	_Atomic uint64_t published; /* number of messages, as the next four */
	_Atomic uint64_t received;
	_Atomic uint64_t dropped; /* exceeding --bus-queue, or too large */
	_Atomic uint64_t missed; /* sent by other servers, but not received */
	_Atomic uint64_t fenced; /* rejected because another server has the lease */
	_Atomic uint64_t malformed; /* number of records */
	_Atomic uint64_t reconnects;
	_Atomic uint64_t queued; /* in bytes */
	atomic_int faults; /* number of leases that no server can acquire (bus/redis_lease) */
};

enum { REDIS_BUS_NUMBERS = 8999 }; /* highest number of a server; keeps IDs below 2^53 */

#define REDIS_BUS_ID_STEP UINT64_C(1000000000000)

_Static_assert((REDIS_BUS_NUMBERS + 1) * REDIS_BUS_ID_STEP < UINT64_C(1) << 53,
    "JavaScript can't count that far");

/* The identity of a server on the bus, in memory that its processes share. Initialize with zero
 * bytes. */
struct redis_identity {
	_Atomic uint64_t token; /* written to the key of the server's number */
	_Atomic uint64_t first_id; /* see redis_bus_first_id() */
};

struct redis_context {
	struct loop *loop; /* borrowed, as the next four */
	struct lookup *lookup; /* may be NULL */
	const struct redis_url *url;
	const char *prefix;
	struct redis_counts *counts;
	struct redis_identity *identity; /* borrowed, as the next one */
	struct bus *workers; /* joins the workers of the server; NULL: single process */
	struct redis_link *commands; /* owned by the bus */
	struct redis_link *messages; /* owned by the bus; for subscriptions */
	size_t links_down; /* number of disconnected links: of these two, and of streams */
	uint64_t losses; /* losses of COMMANDS that are included in COUNTS */
	struct redis_link_log log;
	/* LINKS_DOWN has changed. */
	void (*on_changed)(struct redis_context *context);
	struct outbox_budget budget;
	struct list topics; /* struct redis_topic */
	struct list channels; /* struct redis_channel, subscribed */
	struct list *next_channel; /* whose handler is called next; NULL: none was called yet */
};

#endif
