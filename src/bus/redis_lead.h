/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the leader of a topic knows of the other nodes: their connections, and what of their
 * input has been consumed. A connection begins with its first RECORD_ALIVE; its input comes in
 * order and once, whatever the bus loses, because the node sends again what is not confirmed.
 */
#ifndef BUS_REDIS_LEAD_H
#define BUS_REDIS_LEAD_H

#include "base/list.h"
#include "bus/record.h"

enum {
	REDIS_LEAD_GONE_MS = 2500, /* a node from which nothing comes is gone */
	REDIS_LEAD_NODES_MAX = 16 * 1024, /* more are not accepted */
	/* Bytes of input that waits: of a node before its last record, and of all. What exceeds
	 * them is not confirmed, so that it is sent again. */
	REDIS_LEAD_WAITING_MAX = 256 * 1024,
	REDIS_LEAD_ALL_WAITING_MAX = 256 * 1024 * 1024,
};

struct redis_lead_handlers {
	void (*send)(void *arg, const struct record *record);
	/* A connection has begun; on_node() follows. */
	void (*on_connection)(void *arg, uint64_t connection);
	/* These two are not called from inside a function of this header but
	 * redis_lead_on_record() and redis_lead_step(). They may call redis_lead_clear(). */
	void (*on_node)(void *arg, uint64_t node, bool present);
	void (*on_input)(void *arg, uint64_t node, struct span entries);
};

struct redis_lead {
	const struct redis_lead_handlers *handlers; /* borrowed */
	void *arg;
	struct list nodes;
	size_t count; /* of them */
	size_t waiting; /* bytes of their input */
	uint64_t clears; /* calls of redis_lead_clear() */
	bool paused; /* no input is consumed: it waits here */
};

void redis_lead_init(
    struct redis_lead *lead, const struct redis_lead_handlers *handlers, void *arg);

/* Forgets all nodes; no handler is called. */
void redis_lead_clear(struct redis_lead *lead);

/* A record for the leader. */
void redis_lead_on_record(struct redis_lead *lead, const struct record *record, int64_t now);

/* Consumes what waits, confirms what was consumed, and drops nodes that are gone. */
void redis_lead_step(struct redis_lead *lead, int64_t now);

/* The bus was unavailable until NOW: earlier silence of nodes does not count. */
void redis_lead_excuse(struct redis_lead *lead, int64_t now);

/* Clients of all nodes. */
size_t redis_lead_clients(const struct redis_lead *lead);

#endif
