/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts programs before clients need them (--prespawn), in a process that serves. A parked
 * program is started with its pipes and waits; the next client gets it, and only that client.
 * Its environment contains no client data.
 *
 * A parked program counts as a running one. When another program needs its slot, the parked
 * program is killed. A parked program that exits is replaced, after a delay that doubles each
 * time until a client gets one.
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
	struct children *children; /* borrowed: the children of this process */
	bool (*may_start)(void *arg); /* reports whether another program may be started */
	void *arg; /* borrowed */
	struct list list; /* all pools not yet freed, including ended ones */
	atomic_size_t *parked; /* borrowed: live parked programs, read by other processes */
	/* Borrowed, shared by all workers: how often a client found no slot. NULL: there is
	 * only this process. */
	_Atomic uint32_t *pressure;
	uint32_t seen; /* last value of *PRESSURE that was handled */
	struct timer look; /* polls PRESSURE while there are parked programs */
	bool active;
};

/* Completes POOLS; the borrowed fields must be set. */
void pools_init(struct pools *pools);

/* Starts the pool of each of ENDPOINTS that uses --prespawn. WORKER of WORKERS starts its share
 * of the programs. */
void pools_start(
    struct pools *pools, const struct endpoints *endpoints, size_t worker, size_t workers);

/* Starts ending all parked programs. The pools are freed once the programs are reaped. */
void pools_end(struct pools *pools);

/* Kills a parked program so that another one can take its slot. Returns false if there is
 * none. */
bool pools_yield(struct pools *pools);

/* Asks other workers to end a parked program: a client found no slot, and no program is parked
 * here. */
void pools_press(struct pools *pools);

/* Returns a live parked program, borrowed, or NULL. Accepts NULL. */
struct child *pool_first(const struct pool *pool);

/* Removes CHILD, returned by pool_first(), from the pool. The caller owns it and has set its
 * handlers (child_adopt()). A replacement is started soon. */
void pool_remove(struct pool *pool, const struct child *child);

#endif
