/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The right to run the one program of an endpoint: a key on the Redis server with an expiry,
 * which its holder renews. Each acquisition has a number, the epoch, which is higher than all
 * previous ones. The Redis server checks the key for everything that the holder publishes, so
 * that nothing is delivered from a process that has lost the lease without noticing, e.g.
 * because it was stopped.
 *
 * The holder gives up REDIS_LEASE_MS - REDIS_LEASE_HOLD_MS before the key expires: enough time
 * to end the program before another server starts one.
 */
#ifndef BUS_REDIS_LEASE_H
#define BUS_REDIS_LEASE_H

#include "bus/redis_context.h"

enum {
	REDIS_LEASE_MS = 2100,
	REDIS_LEASE_HOLD_MS = 1300, /* since the last renewal */
	REDIS_LEASE_RENEW_MS = 300,
	REDIS_LEASE_TRY_MS = 100,
};

enum redis_lease_state {
	REDIS_LEASE_UNWANTED,
	REDIS_LEASE_WANTED,
	REDIS_LEASE_HELD,
};

/* Embedded in its user. */
struct redis_lease {
	const struct redis_context *context; /* borrowed */
	/*
	 * The state has changed to HELD, or from HELD to WANTED. Not called from inside a
	 * function of this header, except redis_lease_check(), redis_lease_lose() and
	 * redis_lease_on_up().
	 */
	void (*on_changed)(void *arg);
	void *arg;
	enum redis_lease_state state;
	char *key, *epoch_key; /* owned */
	uint64_t node;
	uint64_t attempt;
	char token[48]; /* value of the key */
	uint64_t epoch; /* HELD: of this lease; else the last known one */
	int64_t sent_ms; /* when the pending request was sent; 0: none is pending */
	int64_t until_ms; /* HELD: when it gives up */
	int64_t wait_ms; /* WANTED: before this, acquire only if the server has kept its data */
	bool was_up;
	int64_t fault; /* WANTED: why no server can acquire the lease; 0: no such reason */
	int64_t logged; /* the last fault that was logged */
	int64_t logged_ms;
	size_t pending; /* number of pending replies */
	struct timer timer;
};

/* Returns false if out of memory; redis_lease_clear() is allowed then. */
bool redis_lease_init(struct redis_lease *lease, const struct redis_context *context,
    const char *name, uint64_t node, void (*on_changed)(void *arg), void *arg)
    __attribute__((warn_unused_result));

/* Frees what the lease owns. No reply may be pending, unless commands were lost. */
void redis_lease_clear(struct redis_lease *lease);

/* Starts or stops the attempts to acquire the lease. A holder that stops releases it. */
void redis_lease_want(struct redis_lease *lease, bool wants);

/* Returns true if the lease is held, according to the clock. Calls on_changed() if it has run
 * out. */
bool redis_lease_check(struct redis_lease *lease);

/* Records that another server has the key, as the Redis server has found out. */
void redis_lease_lose(struct redis_lease *lease);

/* Records that EPOCH was seen on the bus. If it is newer, a holder checks that it still has the
 * lease. */
void redis_lease_learn(struct redis_lease *lease, uint64_t epoch);

void redis_lease_on_up(struct redis_lease *lease);
void redis_lease_on_down(struct redis_lease *lease);

#endif
