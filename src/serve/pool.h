/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that are started before a client needs them (--prespawn), in a process that serves.
 * A parked program has its pipes, and waits; the next client gets it, and no other one after
 * that. It was started without a client, so its environment knows none.
 *
 * A parked program counts as one that runs. When another one is to be started and that would
 * be one too many, it is killed for it. One that exits is replaced, after a wait that doubles
 * each time until a client has got one.
 */
#ifndef SERVE_POOL_H
#define SERVE_POOL_H

#include "base/list.h"
#include "net/timer.h"
#include "process/child.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoints;
struct pool;

/* The pools of a process. */
struct pools {
	struct children *children; /* borrowed: where programs are started */
	bool (*may_start)(void *arg); /* whether there is room for another program */
	void *arg; /* borrowed */
	struct list list; /* those that are not freed, also after their end */
	atomic_size_t *parked; /* borrowed: programs in them that are alive, for others */
	/* Borrowed, shared by all workers: how often a client found no slot. NULL: there is
	 * only this process. */
	_Atomic uint32_t *pressure;
	uint32_t seen; /* of it */
	struct timer look; /* at it, while there are parked programs */
	bool active;
};

/* Completes POOLS once what is borrowed is set. */
void pools_init(struct pools *pools);

/* Starts the pool of each of ENDPOINTS that has one. With several workers, WORKER is to have
 * its share. */
void pools_start(
    struct pools *pools, const struct endpoints *endpoints, size_t worker, size_t workers);

/* Begins to end all parked programs. The pools are freed once those are reaped. */
void pools_end(struct pools *pools);

/* Ends a parked program at once, so that another one can be started in its place. False: there
 * is none. */
bool pools_yield(struct pools *pools);

/* There was no slot for a client, and nothing parked here: other workers may have something. */
void pools_press(struct pools *pools);

/* A parked program that is alive, borrowed; NULL: there is none. Accepts NULL. */
struct child *pool_first(const struct pool *pool);

/* CHILD, which pool_first() has returned, is the caller's, which has set its handlers
 * (child_adopt()). Another one is started soon. */
void pool_remove(struct pool *pool, const struct child *child);

#endif
