/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The followers of a topic, as seen by its leader: their connections, and how much of their
 * input was consumed. A connection begins with its first RECORD_ALIVE. Its input arrives in
 * order and exactly once, whatever the bus loses, because nodes send unconfirmed input again.
 */
#ifndef BUS_REDIS_LEAD_H
#define BUS_REDIS_LEAD_H

#include "base/list.h"
#include "bus/record.h"

enum {
	REDIS_LEAD_GONE_MS = 2500, /* silence after which a node is considered dead */
	REDIS_LEAD_NODES_MAX = 16 * 1024, /* further nodes are rejected */
	/* Limits of pending input in bytes: of a node, before its last record, and of all
	 * nodes. Input that exceeds them is not confirmed, so that it is sent again. */
	REDIS_LEAD_WAITING_MAX = 256 * 1024,
	REDIS_LEAD_ALL_WAITING_MAX = 256 * 1024 * 1024,
};

struct redis_lead_handlers {
	void (*send)(void *arg, const struct record *record);
	/* A connection has begun; on_node() follows. */
	void (*on_connection)(void *arg, uint64_t connection);
	/* These two are only called from inside redis_lead_on_record() and redis_lead_step().
	 * They may call redis_lead_clear(). */
	void (*on_node)(void *arg, uint64_t node, bool present);
	void (*on_input)(void *arg, uint64_t node, struct span entries);
};

struct redis_lead {
	const struct redis_lead_handlers *handlers; /* borrowed */
	void *arg;
	struct list nodes;
	size_t count; /* number of nodes */
	size_t waiting; /* bytes of pending input of all nodes */
	uint64_t clears; /* number of calls of redis_lead_clear() */
	bool paused; /* input is kept pending instead of being consumed */
};

void redis_lead_init(
    struct redis_lead *lead, const struct redis_lead_handlers *handlers, void *arg);

/* Removes all nodes without calling handlers. */
void redis_lead_clear(struct redis_lead *lead);

/* Handles a record to the leader. */
void redis_lead_on_record(struct redis_lead *lead, const struct record *record, int64_t now);

/* Consumes pending input, confirms consumed input, and removes dead nodes. */
void redis_lead_step(struct redis_lead *lead, int64_t now);

/* Ignores silence of nodes before NOW, because the bus was unavailable. */
void redis_lead_excuse(struct redis_lead *lead, int64_t now);

/* Returns the number of clients of all nodes. */
size_t redis_lead_clients(const struct redis_lead *lead);

#endif
