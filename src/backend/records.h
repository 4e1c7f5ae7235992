/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of one read of the client on their way to a backend, so that they leave in one
 * write: what was assembled, and after it those that lie in the read buffer, where what
 * surrounds a message replaces its frame header.
 */
#ifndef BACKEND_RECORDS_H
#define BACKEND_RECORDS_H

#include "base/batch.h"
#include "framing/framing.h"

#include <sys/uio.h>

/* Where they go. */
struct records_sink {
	void (*write)(void *arg, const struct iovec *parts, int count);
	void (*write_take)(void *arg, struct buffer *buffer); /* empty afterwards */
};

/* Zero bytes ({0}) but for SINK and ARG are none. */
struct records {
	const struct records_sink *sink;
	void *arg; /* borrowed: the sink's */
	struct buffer assembled; /* owned: a short record that was cut, or other texts */
	uint8_t *start; /* NULL: none lie in the read buffer */
	uint32_t len; /* bytes from START */
	/* Of the last message, not written yet: its place may be the next one's header. */
	char tail;
	bool has_tail;
};

/* Adds a batch, in its envelope. False without memory. */
bool records_put(struct records *records, struct batch *batch,
    const struct framing_envelope *envelope) __attribute__((warn_unused_result));

void records_flush(struct records *records);

#endif
