/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of what is tested: malloc() and its siblings, by --wrap. It is counted, and an
 * allocation fails when the seed says so.
 */
#ifndef TESTS_SIM_MEMORY_H
#define TESTS_SIM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum memory_failure {
	MEMORY_NEVER_FAILS,
	MEMORY_FAILS_ONCE, /* the N-th allocation from now on */
	MEMORY_FAILS_FROM, /* the N-th and all after it */
	MEMORY_FAILS_OFTEN, /* one in N */
};

void memory_set_failure(enum memory_failure failure, size_t n);

/* True if an allocation has failed since memory_reset(). */
bool memory_has_failed(void);

/* Decides on an allocation that is not malloc()'s: true when it fails. */
bool memory_fails(void);

/* Bytes and blocks in use. */
size_t memory_live_bytes(void);
size_t memory_live_blocks(void);

/* What is in use is not counted from now on. */
void memory_reset(void);

/* The simulator's own. */
void *memory_real_realloc(void *block, size_t size);
void memory_real_free(void *block);

#endif
