/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of one read of the client on their way to a program, so that they leave in one
 * write: what was assembled, and after it those that lie in the read buffer, where what
 * surrounds a message replaces its frame header.
 */
#ifndef BACKEND_RECORDS_H
#define BACKEND_RECORDS_H

#include "base/batch.h"
#include "framing/framing.h"
#include "process/child.h"

/* Zero bytes ({0}) are none. */
struct records {
	struct buffer assembled; /* owned: a short record that was cut, or other texts */
	uint8_t *start; /* NULL: none lie in the read buffer */
	uint32_t len; /* bytes from START */
	/* Of the last message, not written yet: its place may be the next one's header. */
	char tail;
	bool has_tail;
};

/* Adds a batch, in its envelope. False without memory. */
bool records_put(struct records *records, struct child *child, struct batch *batch,
    const struct framing_envelope *envelope) __attribute__((warn_unused_result));

void records_flush(struct records *records, struct child *child);

#endif
