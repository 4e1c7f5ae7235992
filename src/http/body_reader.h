/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the body of a request from its stream, in pieces, while the user wants it, and enforces
 * the minimum rate. Bytes after the body are kept for the next request.
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
	BODY_READER_FAILED, /* the client has disconnected, or memory ran out */
};

/* Embedded in the user's struct; the user may read the fields. */
struct body_reader {
	struct loop *loop; /* borrowed */
	struct stream *stream; /* borrowed */
	struct buffer *rest; /* borrowed: bytes read after the head, later after the body */
	struct body body;
	const char *reason; /* constant: reason of the last BAD or FAILED */
	bool done; /* the body is complete */
	bool reported; /* reported by body_reader_take_end() */
	bool wanted; /* wanted by the user */
	bool continued; /* a 100 was sent or is not needed */
	uint64_t received;
	struct rate rate;
};

void body_reader_init(struct body_reader *reader, const struct request *request,
    struct loop *loop, struct stream *stream, struct buffer *rest);

/* Sets whether the user wants the body; its rate counts from then on. */
void body_reader_set_wanted(struct body_reader *reader, bool wanted);

/* Reports whether the body is wanted and incomplete. */
bool body_reader_is_active(const struct body_reader *reader);

/* Reports whether part of the body was read with the head: then call body_reader_read(),
 * because no event will come. */
bool body_reader_is_pending(const struct body_reader *reader);

/* Arms the stream's events according to the state. */
void body_reader_arm(struct body_reader *reader);

/* Reads one piece of *CONTENT, which may be empty and is valid until the next read of the
 * loop. */
enum body_reader_result body_reader_read(struct body_reader *reader, struct span *content);

/* Returns true once, when the body is complete and wanted. */
bool body_reader_take_end(struct body_reader *reader);

/* Reports whether the client sends too slowly. */
bool body_reader_is_slow(struct body_reader *reader);

#endif
