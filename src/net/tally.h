/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts the connections of each address over all workers, in shared memory. Each worker only
 * changes its own counts, without a lock; the parent clears those of a dead worker. There are
 * TALLY_ROWS rows, and an address uses one of TALLY_PROBES among them. If all of these are
 * taken, the address is not counted, and only its worker's own count limits it.
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

/* Allocates a tally for WORKERS; call before they are forked. Returns NULL if memory runs
 * out. */
struct tally *tally_new(size_t workers) __attribute__((warn_unused_result));

/* Frees TALLY; accepts NULL. */
void tally_free(struct tally *tally);

/*
 * Counts a connection of ADDRESS, which must not be all ones. *SUM is the new total over all
 * workers. Returns the row; TALLY_NONE with *SUM 0 if it can't be counted.
 */
int tally_add(struct tally *tally, uint64_t address, size_t worker, size_t *sum)
    __attribute__((warn_unused_result));

/* Removes a closed connection. No effect for TALLY_NONE. */
void tally_remove(struct tally *tally, int row, size_t worker);

/* Clears the counts of a dead worker. Accepts NULL. */
void tally_clear(struct tally *tally, size_t worker);

#endif
