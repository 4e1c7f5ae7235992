/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Redis or Valkey server as the bus between servers (bus/bus.h).
 *
 * Each server has a number on it, so that the IDs of its clients differ from those of all
 * others: redis_bus_first_id(). Each of its workers is a node of its own.
 */
#ifndef BUS_REDIS_H
#define BUS_REDIS_H

#include "bus/bus.h"
#include "bus/redis_context.h"

enum {
	REDIS_BUS_NUMBER_MS = 30 * 1000, /* how long it is kept for a server that is cut off */
	REDIS_BUS_RENEW_MS = 5 * 1000,
	REDIS_BUS_CLAIM_MS = 20, /* until another one is tried */
	/* How long it is connected before it is reported as available again: a server that
	 * rejects a command, which ends the connection, rejects the next one, too. */
	REDIS_BUS_STEADY_MS = 3 * 1000,
};

struct redis_bus_settings {
	struct redis_url url; /* without a target: there is no bus */
	char *prefix; /* owned: of all channels and keys */
	int64_t queue_max; /* bytes that wait for the server, or for its confirmation */
};

struct redis_bus_spec {
	struct loop *loop; /* borrowed, as all of these but the settings */
	struct lookup *lookup; /* may be NULL if the host is an address */
	const struct redis_bus_settings *settings; /* copied */
	struct redis_counts *counts;
	struct redis_identity *identity;
	struct bus *workers; /* of the server (bus/local); NULL: there is one process */
};

struct redis_bus;

/* Whether this program can do it at all: ./configure --without-redis. */
bool redis_bus_is_built(void);

/* NULL without memory. */
struct redis_bus *redis_bus_new(const struct redis_bus_spec *spec)
    __attribute__((warn_unused_result));

/* All topics have been left. Accepts NULL. */
void redis_bus_free(struct redis_bus *bus);

struct bus *redis_bus_base(struct redis_bus *bus);

/* The ID of a client is above this number: those of its sessions are added to it. It changes
 * if the number turns out to be another server's. */
const _Atomic uint64_t *redis_bus_first_id(const struct redis_bus *bus);

#endif
