/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limit on running programs, counted over all processes that start any. It lies in memory
 * that they share. Each process is a holder, whose count shows what must be released when it
 * dies. Nothing waits for another process: there is no lock.
 */
#ifndef PROCESS_QUOTA_H
#define PROCESS_QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { QUOTA_HOLDERS_MAX = 257 };

struct quota {
	atomic_size_t limit; /* 0: none */
	size_t holders;
	atomic_size_t held[QUOTA_HOLDERS_MAX];
};

/* In zeroed memory. HOLDERS is 1 to QUOTA_HOLDERS_MAX. */
void quota_init(struct quota *quota, size_t limit, size_t holders);

/* Changes the limit; what is held above it is not lost. */
void quota_set_limit(struct quota *quota, size_t limit);

/* Takes one, before the program is started. False: the limit is reached, or was exceeded for a
 * moment by several that tried at once. */
bool quota_take(struct quota *quota, size_t holder) __attribute__((warn_unused_result));

/* Gives one back, once the program is reaped or could not be started. */
void quota_give(struct quota *quota, size_t holder);

/* True when quota_take() would fail. */
bool quota_is_full(const struct quota *quota);

/* How many HOLDER has. */
size_t quota_held(const struct quota *quota, size_t holder);

/* What FROM had, which is dead, is TO's from now on; the sum stays the same. TO is above FROM.
 */
void quota_move(struct quota *quota, size_t from, size_t to);

/* Gives all back that HOLDER has. */
void quota_clear(struct quota *quota, size_t holder);

#endif
