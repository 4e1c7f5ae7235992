/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbered records in the order in which they were made, kept so that they can be sent again
 * after a connection broke. Pure.
 */
#ifndef PEER_REPLAY_H
#define PEER_REPLAY_H

#include "base/buffer.h"
#include "base/util.h"

/* Zero bytes ({0}) with TERMINATOR and NUMBER_AT are its beginning. */
struct replay {
	const char *terminator; /* the end of each record, and nowhere else in one; constant */
	size_t number_at; /* where each record has its number, in decimal */
	struct buffer bytes; /* whole records; owned */
	size_t sent; /* bytes at the front that have been sent */
	uint64_t dropped; /* number of the last record that is not kept any more */
	uint64_t last; /* number of the newest one; the first one has 1 */
};

/* Counts the record that was appended to BYTES. */
static inline void
replay_add(struct replay *r)
{
	r->last++;
}

/* What has not been sent. */
struct span replay_unsent(const struct replay *r);

/* The records after number AFTER are to be sent again. False: some of them are not kept, or
 * AFTER was never used. Nothing changed then. */
bool replay_seek(struct replay *r, uint64_t after) __attribute__((warn_unused_result));

/* Drops those that were sent, oldest first, until at most MAX bytes are kept. */
void replay_trim(struct replay *r, size_t max);

#endif
