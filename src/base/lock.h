/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lock between processes that share memory. It outlives the death of its
 * holder: the next one gets it, so what it protects must make sense after every single store.
 * It is held for a few instructions, never across a system call.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>

enum { LOCK_WAIT_S = 2 }; /* for a holder that was stopped */

struct lock {
	pthread_mutex_t mutex;
};

/* In shared memory, before the processes part. False when the system refuses. */
bool lock_init(struct lock *lock) __attribute__((warn_unused_result));

/* False when nobody gave it back in LOCK_WAIT_S. */
bool lock_take(struct lock *lock) __attribute__((warn_unused_result));
void lock_give(struct lock *lock);

#endif
