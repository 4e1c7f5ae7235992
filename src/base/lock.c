/* SPDX-License-Identifier: BSD-2-Clause */
/* A lock between processes. */
#include "base/lock.h"

#include <errno.h>
#include <time.h>

bool
lock_init(struct lock *lock)
{
	pthread_mutexattr_t attributes;
	bool ok;

	if (pthread_mutexattr_init(&attributes) != 0)
		return false;
	ok = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
	     pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
	     pthread_mutex_init(&lock->mutex, &attributes) == 0;
	pthread_mutexattr_destroy(&attributes);
	return ok;
}

bool
lock_take(struct lock *lock)
{
	int failed = pthread_mutex_trylock(&lock->mutex);

	if (failed == EBUSY) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += LOCK_WAIT_S;
		failed = pthread_mutex_timedlock(&lock->mutex, &until);
	}
	if (failed == EOWNERDEAD)
		failed = pthread_mutex_consistent(&lock->mutex);
	return failed == 0;
}

void
lock_give(struct lock *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}
