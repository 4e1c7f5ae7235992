/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbered records, kept in order to be sent again after a lost connection. Pure. */
#ifndef PEER_REPLAY_H
#define PEER_REPLAY_H

#include "base/buffer.h"
#include "base/util.h"

/* Initialize with zero bytes ({0}), TERMINATOR and NUMBER_AT. */
struct replay {
	const char *terminator; /* ends each record and occurs nowhere else in it; constant */
	size_t number_at; /* offset of the decimal number in each record */
	struct buffer bytes; /* owned: whole records */
	size_t sent; /* bytes at the front that were sent */
	uint64_t dropped; /* number of the last record that is no longer kept */
	uint64_t last; /* number of the newest record; the first one is 1 */
};

/* Counts a record that was appended to BYTES. */
static inline void
replay_add(struct replay *r)
{
	r->last++;
}

/* Returns the records that were not sent yet. */
struct span replay_unsent(const struct replay *r);

/* Marks the records after number AFTER as not sent. Returns false and changes nothing if some
 * of them are no longer kept, or AFTER was never used. */
bool replay_seek(struct replay *r, uint64_t after) __attribute__((warn_unused_result));

/* Drops sent records, oldest first, until at most MAX bytes are kept. */
void replay_trim(struct replay *r, size_t max);

#endif
