/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of process IDs in shared memory: the running programs. Each child adds itself before
 * exec, so none is missing wherever its parent died. PIDs on Linux never exceed the size of the
 * set, and only pages with bits set use memory.
 */
#ifndef PROCESS_PID_SET_H
#define PROCESS_PID_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PID_SET_MAX = 4 * 1024 * 1024, PID_SET_WORDS = PID_SET_MAX / 64 };

/* Zero bytes are the empty set. */
struct pid_set {
	_Atomic uint64_t words[PID_SET_WORDS];
};

static inline void
pid_set_add(struct pid_set *set, pid_t pid)
{
	atomic_fetch_or(&set->words[pid / 64 % PID_SET_WORDS], UINT64_C(1) << pid % 64);
}

static inline void
pid_set_remove(struct pid_set *set, pid_t pid)
{
	atomic_fetch_and(&set->words[pid / 64 % PID_SET_WORDS], ~(UINT64_C(1) << pid % 64));
}

static inline bool
pid_set_has(const struct pid_set *set, pid_t pid)
{
	return atomic_load(&set->words[pid / 64 % PID_SET_WORDS]) >> pid % 64 & 1;
}

/* Returns the lowest member above PID, or 0 if there is none. */
static inline pid_t
pid_set_next(const struct pid_set *set, pid_t pid)
{
	for (pid++; pid < PID_SET_MAX; pid++) {
		if (pid % 64 == 0 && atomic_load(&set->words[pid / 64]) == 0)
			pid += 63;
		else if (pid_set_has(set, pid))
			return pid;
	}
	return 0;
}

#endif
