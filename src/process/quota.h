/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limit of running programs, counted over all processes that start them, in shared memory.
 * Each process is a holder; its count shows what to release when it dies. Lock-free: no process
 * waits for another.
 */
#ifndef PROCESS_QUOTA_H
#define PROCESS_QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { QUOTA_HOLDERS_MAX = 257 };

struct quota {
	atomic_size_t limit; /* 0: no limit */
	size_t holders;
	atomic_size_t held[QUOTA_HOLDERS_MAX];
};

/* Initializes QUOTA, which must be zeroed. HOLDERS is 1 to QUOTA_HOLDERS_MAX. */
void quota_init(struct quota *quota, size_t limit, size_t holders);

/* Changes the limit. Programs above the new limit remain counted. */
void quota_set_limit(struct quota *quota, size_t limit);

/* Reserves a slot before a program is started. Returns false if the limit is reached, or was
 * exceeded for a moment by concurrent attempts. */
bool quota_take(struct quota *quota, size_t holder) __attribute__((warn_unused_result));

/* Releases a slot, once the program is reaped or could not be started. */
void quota_give(struct quota *quota, size_t holder);

/* Returns true if quota_take() would fail. */
bool quota_is_full(const struct quota *quota);

/* Returns the number of slots that HOLDER has. */
size_t quota_held(const struct quota *quota, size_t holder);

/* Moves the slots of the dead holder FROM to TO. The sum does not change. TO must be greater
 * than FROM. */
void quota_move(struct quota *quota, size_t from, size_t to);

/* Releases all slots of HOLDER. */
void quota_clear(struct quota *quota, size_t holder);

#endif
