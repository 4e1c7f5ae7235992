/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Redis or Valkey server as the bus between servers (bus/bus.h).
 *
 * Each process has a number on it, so that the IDs of its clients differ from those of all
 * others: redis_bus_first_id().
 */
#ifndef BUS_REDIS_H
#define BUS_REDIS_H

#include "bus/bus.h"
#include "bus/redis_context.h"

enum {
	REDIS_BUS_NUMBERS = 8999, /* from 1: with the IDs below 2^53 */
	REDIS_BUS_NUMBER_MS = 30 * 1000, /* how long it is kept for a server that is cut off */
	REDIS_BUS_RENEW_MS = 5 * 1000,
};

#define REDIS_BUS_ID_STEP UINT64_C(1000000000000)

_Static_assert((REDIS_BUS_NUMBERS + 1) * REDIS_BUS_ID_STEP < UINT64_C(1) << 53,
    "JavaScript can't count that far");

struct redis_bus_settings {
	struct redis_url url; /* without a target: there is no bus */
	char *prefix; /* owned: of all channels and keys */
	int64_t queue_max; /* bytes that wait for the server, or for its confirmation */
};

struct redis_bus;

/* Whether this program can do it at all: ./configure --without-redis. */
bool redis_bus_is_built(void);

/* SETTINGS are copied; LOOKUP may be NULL if the host is an address. NULL without memory. */
struct redis_bus *redis_bus_new(struct loop *loop, struct lookup *lookup,
    const struct redis_bus_settings *settings, struct redis_counts *counts)
    __attribute__((warn_unused_result));

/* All topics have been left. Accepts NULL. */
void redis_bus_free(struct redis_bus *bus);

struct bus *redis_bus_base(struct redis_bus *bus);

/* The ID of a client is above this number: those of its sessions are added to it. It changes
 * if the number turns out to be another server's. */
const uint64_t *redis_bus_first_id(const struct redis_bus *bus);

#endif
