/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many connections each address has, over all workers. It lies in memory that they share.
 * Each worker only changes its own counts, without a lock; those of a worker that died are
 * cleared by the parent.
 *
 * It has TALLY_ROWS rows, and an address uses one of TALLY_PROBES among them. If all of these
 * are taken, the address is not counted, and only the count of its own worker limits it.
 */
#ifndef NET_TALLY_H
#define NET_TALLY_H

#include <stddef.h>
#include <stdint.h>

enum {
	TALLY_ROWS = 1 << 13,
	TALLY_PROBES = 16,
	TALLY_NONE = -1,
};

struct tally;

/* For so many WORKERS, before they are forked. NULL without memory. */
struct tally *tally_new(size_t workers) __attribute__((warn_unused_result));

/* Accepts NULL. */
void tally_free(struct tally *tally);

/*
 * Counts a connection of ADDRESS, which is not all ones. *SUM is what all workers have of it
 * then, this one included. Returns its row; TALLY_NONE with *SUM 0: it can't be counted.
 */
int tally_add(struct tally *tally, uint64_t address, size_t worker, size_t *sum)
    __attribute__((warn_unused_result));

/* It was closed. Nothing for TALLY_NONE. */
void tally_remove(struct tally *tally, int row, size_t worker);

/* The worker died. Accepts NULL. */
void tally_clear(struct tally *tally, size_t worker);

#endif
