/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the body of a request from its stream: in pieces, while its user wants them, and at the
 * minimum rate. What follows the body is kept for the next request.
 */
#ifndef HTTP_BODY_READER_H
#define HTTP_BODY_READER_H

#include "base/buffer.h"
#include "http/request.h"
#include "net/loop.h"
#include "net/rate.h"
#include "net/stream.h"

enum body_reader_result {
	BODY_READER_CONTENT,
	BODY_READER_AGAIN,
	BODY_READER_BAD, /* malformed */
	BODY_READER_FAILED, /* the client has disconnected, or there is no memory */
};

/* Embedded by its user, which may look at it. */
struct body_reader {
	struct loop *loop; /* borrowed */
	struct stream *stream; /* borrowed */
	struct buffer
	    *rest; /* borrowed: what was read beyond the head, later beyond the body */
	struct body body;
	const char *reason; /* constant: of the last BAD or FAILED */
	bool done; /* nothing of it is left */
	bool reported; /* by body_reader_take_end() */
	bool wanted; /* by the user */
	bool continued; /* a 100 was sent or is not needed */
	uint64_t received;
	struct rate rate;
};

void body_reader_init(struct body_reader *reader, const struct request *request,
    struct loop *loop, struct stream *stream, struct buffer *rest);

/* Whether the user wants the body; its rate counts from then on. */
void body_reader_set_wanted(struct body_reader *reader, bool wanted);

/* The body is wanted, and incomplete. */
bool body_reader_is_active(const struct body_reader *reader);

/* Part of it was read with the head: call body_reader_read(), as no event will. */
bool body_reader_is_pending(const struct body_reader *reader);

/* Waits for the events of the stream that the state calls for. */
void body_reader_arm(struct body_reader *reader);

/* One piece of *CONTENT, which may be empty and is valid until the next read of the loop. */
enum body_reader_result body_reader_read(struct body_reader *reader, struct span *content);

/* True once: the body is complete, and wanted. */
bool body_reader_take_end(struct body_reader *reader);

/* The client sends too slowly. */
bool body_reader_is_slow(struct body_reader *reader);

#endif
