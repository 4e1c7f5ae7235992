/* SPDX-License-Identifier: BSD-2-Clause */
/* What the topics on a Redis server have in common. */
#ifndef BUS_REDIS_CONTEXT_H
#define BUS_REDIS_CONTEXT_H

#include "bus/outbox.h"
#include "bus/redis_link.h"

#include <stdatomic.h>

/* In memory that all processes of a server share; each process has its own. */
struct redis_counts {
	atomic_bool up;
	_Atomic uint64_t published; /* messages, as the next four */
	_Atomic uint64_t received;
	_Atomic uint64_t dropped; /* beyond --bus-queue, or too large */
	_Atomic uint64_t missed; /* of other servers: they did not come */
	_Atomic uint64_t fenced; /* rejected, because the lease is another server's */
	_Atomic uint64_t malformed; /* records */
	_Atomic uint64_t reconnects;
	_Atomic uint64_t queued; /* bytes */
	atomic_int faults; /* leases that no server can get (bus/redis_lease) */
};

enum { REDIS_BUS_NUMBERS = 8999 }; /* of servers, from 1: with the IDs below 2^53 */

#define REDIS_BUS_ID_STEP UINT64_C(1000000000000)

_Static_assert((REDIS_BUS_NUMBERS + 1) * REDIS_BUS_ID_STEP < UINT64_C(1) << 53,
    "JavaScript can't count that far");

/* What a server is on the bus: in memory that all of its processes share, which are zero bytes
 * at first. */
struct redis_identity {
	_Atomic uint64_t token; /* what it writes to the key of its number */
	_Atomic uint64_t first_id; /* redis_bus_first_id() */
};

struct redis_context {
	struct loop *loop; /* borrowed, as the next four */
	struct lookup *lookup; /* may be NULL */
	const struct redis_url *url;
	const char *prefix;
	struct redis_counts *counts;
	struct redis_identity *identity; /* borrowed, as the next one */
	struct bus *workers; /* joins the workers of the server; NULL: there is one */
	struct redis_link *commands; /* owned by the bus */
	struct redis_link *messages; /* likewise: it subscribes */
	size_t links_down; /* of these, and those of streams */
	uint64_t losses; /* of COMMANDS: counted in COUNTS already */
	struct redis_link_log log;
	/* A connection of a stream is up or down: LINKS_DOWN has changed. */
	void (*on_changed)(struct redis_context *context);
	struct outbox_budget budget;
	struct list topics; /* struct redis_topic */
	struct list channels; /* struct redis_channel: those that are subscribed */
};

#endif
