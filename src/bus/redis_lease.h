/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The right to run the one program of an endpoint: a key on the server with a time limit, which
 * its holder renews. Each time that it is acquired has a number, the epoch, higher than all
 * before. What the holder publishes is checked against the key by the server itself, so that
 * nothing is delivered of one that has lost it without noticing (a process that was stopped).
 *
 * The holder gives up REDIS_LEASE_MS - REDIS_LEASE_HOLD_MS before the key expires: long enough
 * to end the program before another server starts one.
 */
#ifndef BUS_REDIS_LEASE_H
#define BUS_REDIS_LEASE_H

#include "bus/redis_context.h"

enum {
	REDIS_LEASE_MS = 2100,
	REDIS_LEASE_HOLD_MS = 1300, /* from the last renewal */
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
	/* The state has changed to HELD, or from it to WANTED. Not called from inside a
	 * function of this header but redis_lease_check(). */
	void (*on_changed)(void *arg);
	void *arg;
	enum redis_lease_state state;
	char *key, *epoch_key; /* owned */
	uint64_t node;
	uint64_t attempt;
	char token[48]; /* what is written to the key */
	uint64_t epoch; /* HELD: its own; else the last one that is known */
	int64_t sent_ms; /* when the request was sent whose reply is awaited; 0: none is */
	int64_t until_ms; /* HELD: it gives up */
	int64_t wait_ms; /* WANTED: no attempt before, if the server has lost its data */
	bool was_up;
	int64_t fault; /* WANTED: what keeps all servers from it; 0: nothing */
	int64_t logged; /* the last one that was logged */
	int64_t logged_ms;
	size_t pending; /* replies */
	struct timer timer;
};

/* False without memory; redis_lease_clear() is harmless then. */
bool redis_lease_init(struct redis_lease *lease, const struct redis_context *context,
    const char *name, uint64_t node, void (*on_changed)(void *arg), void *arg)
    __attribute__((warn_unused_result));

/* No reply is pending, or commands are lost. */
void redis_lease_clear(struct redis_lease *lease);

/* A holder that does not want it any more releases it. */
void redis_lease_want(struct redis_lease *lease, bool wants);

/* Whether it is held, by the clock. If it is not any more, on_changed() is called. */
bool redis_lease_check(struct redis_lease *lease);

/* The server has found the key to be another's. */
void redis_lease_lose(struct redis_lease *lease);

/* There may be such an epoch: a holder makes sure that the lease is still its own. */
void redis_lease_learn(struct redis_lease *lease, uint64_t epoch);

void redis_lease_on_up(struct redis_lease *lease);
void redis_lease_on_down(struct redis_lease *lease);

#endif
