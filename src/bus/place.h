/* SPDX-License-Identifier: BSD-2-Clause */
/* The place of a topic in a shared memory file that all workers of a server inherit: a lock
 * that one worker holds until it dies, and some facts for its successors. */
#ifndef BUS_PLACE_H
#define BUS_PLACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PLACE_WORKERS_MAX = 256 };

/* The workers of the server. All pointers are borrowed. */
struct place_workers {
	size_t own; /* number of this worker, from 0 */
	pid_t (*pid)(void *arg, size_t worker); /* returns 0 if the worker does not run */
	void *arg;
};

/* In shared memory. */
struct place_shared {
	_Atomic uint64_t address; /* of the leader's socket; 0: none */
	/* Process ID of the leader's program, even if the leader is dead; 0: none. */
	_Atomic pid_t program;
	/* util_clock_ms() at which the loop of a leader with nodes last ran. */
	_Atomic int64_t alive_ms;
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

/* Maps the place. Returns false with errno. */
bool place_map(struct place *place, int file, uint64_t number)
    __attribute__((warn_unused_result));
void place_unmap(struct place *place);

/* Acquires the lock. Returns false if another worker holds it. */
bool place_lock(const struct place *place) __attribute__((warn_unused_result));
void place_unlock(const struct place *place);

/* Returns the process ID of the other worker that holds the lock, or 0. */
pid_t place_holder(const struct place *place);

/* Sets the number of clients of this worker. Returns the number of clients of all running
 * workers. */
size_t place_count(const struct place *place, const struct place_workers *workers, size_t own);

/* Returns the number of other workers that have clients. */
size_t place_others(const struct place *place, const struct place_workers *workers);

bool place_is_worker(const struct place_workers *workers, pid_t pid);

#endif
