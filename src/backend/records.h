/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assembles the records from one read of the client so that they reach the backend in one
 * write: first assembled bytes, then records that remain in the read buffer, where the envelope
 * of a message replaces its frame header.
 */
#ifndef BACKEND_RECORDS_H
#define BACKEND_RECORDS_H

#include "base/batch.h"
#include "framing/framing.h"

#include <sys/uio.h>

/* Where records are written. */
struct records_sink {
	void (*write)(void *arg, const struct iovec *parts, int count);
	void (*write_take)(void *arg, struct buffer *buffer); /* leaves BUFFER empty */
};

/* Initialize with zero bytes ({0}), SINK and ARG. */
struct records {
	const struct records_sink *sink;
	void *arg; /* borrowed: argument of the sink */
	/* Owned: a short record that a read has cut, or copied records. */
	struct buffer assembled;
	uint8_t *start; /* first record in the read buffer; NULL: none */
	uint32_t len; /* bytes from START */
	/* Tail of the last record, not written yet because the next frame header may be in its
	 * place. */
	char tail;
	bool has_tail;
};

/* Adds a batch with its envelope. Returns false if out of memory. */
bool records_put(struct records *records, struct batch *batch,
    const struct framing_envelope *envelope) __attribute__((warn_unused_result));

void records_flush(struct records *records);

#endif
