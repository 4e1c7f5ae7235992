/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Redis or Valkey server as the bus between servers (bus/bus.h).
 *
 * Each server claims a number, so that the IDs of its clients are unique on the bus:
 * redis_bus_first_id(). Each worker of a server is a node.
 */
#ifndef BUS_REDIS_H
#define BUS_REDIS_H

#include "bus/bus.h"
#include "bus/redis_context.h"

enum {
	/* Expiry of the claim of a server that is disconnected. */
	REDIS_BUS_NUMBER_MS = 30 * 1000,
	REDIS_BUS_RENEW_MS = 5 * 1000,
	REDIS_BUS_CLAIM_MS = 20, /* delay before another number is tried */
	/* How long the bus must be connected before it is reported as available again: a server
	 * that rejects a command, which ends the connection, will reject the next one, too. */
	REDIS_BUS_STEADY_MS = 3 * 1000,
};

struct redis_bus_settings {
	struct redis_url url; /* without a target: no bus */
	char *prefix; /* owned: prefix of all channels and keys */
	int64_t queue_max; /* limit of bytes that are queued or not confirmed */
};

struct redis_bus_spec {
	struct loop *loop; /* all pointers but SETTINGS are borrowed */
	struct lookup *lookup; /* may be NULL if the host is an address */
	const struct redis_bus_settings *settings; /* copied */
	struct redis_counts *counts;
	struct redis_identity *identity;
	struct bus *workers; /* of the server (bus/local); NULL: single process */
};

struct redis_bus;

/* Returns false after ./configure --without-redis. */
bool redis_bus_is_built(void);

/* Returns NULL if out of memory. */
struct redis_bus *redis_bus_new(const struct redis_bus_spec *spec)
    __attribute__((warn_unused_result));

/* Frees the bus; all topics must have been left. Accepts NULL. */
void redis_bus_free(struct redis_bus *bus);

struct bus *redis_bus_base(struct redis_bus *bus);

/* Returns a number that must be added to session IDs to get client IDs. It changes if another
 * server turns out to have the same number. */
const _Atomic uint64_t *redis_bus_first_id(const struct redis_bus *bus);

#endif
