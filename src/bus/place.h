/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The place of a topic in a file in memory that all workers of a server have inherited: a lock,
 * which one of them holds until it dies, and some facts for those after it.
 */
#ifndef BUS_PLACE_H
#define BUS_PLACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PLACE_WORKERS_MAX = 256 };

/* The workers of the server; all of it is borrowed. */
struct place_workers {
	size_t own; /* the number of this one, from 0 */
	pid_t (*pid)(void *arg, size_t worker); /* 0: it does not run */
	void *arg;
};

/* In shared memory. */
struct place_shared {
	_Atomic uint64_t address; /* of the leader; 0: there is none */
	_Atomic pid_t program; /* of the leader, also of a dead one; 0: none */
	_Atomic int64_t
	    alive_ms; /* when the loop of a leader with nodes last ran (util_clock_ms()) */
	struct {
		_Atomic pid_t pid;
		atomic_size_t clients;
	} workers[PLACE_WORKERS_MAX];
};

struct place {
	int file; /* borrowed */
	uint64_t number;
	struct place_shared *shared; /* owned: mapped */
};

/* False with errno. */
bool place_map(struct place *place, int file, uint64_t number)
    __attribute__((warn_unused_result));
void place_unmap(struct place *place);

/* Takes the lock, if nobody holds it. */
bool place_lock(const struct place *place) __attribute__((warn_unused_result));
void place_unlock(const struct place *place);

/* The worker that holds it, which is another one; 0: none. */
pid_t place_holder(const struct place *place);

/* This worker has OWN clients. Returns those of all workers that run. */
size_t place_count(const struct place *place, const struct place_workers *workers, size_t own);

/* How many other workers have clients. */
size_t place_others(const struct place *place, const struct place_workers *workers);

bool place_is_worker(const struct place_workers *workers, pid_t pid);

#endif
