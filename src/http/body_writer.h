/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a response to its stream. The body is framed by its length if known, else by chunks,
 * or for HTTP/1.0 by the end of the connection (RFC 9112, section 6.3). The client must receive
 * it at the minimum rate.
 */
#ifndef HTTP_BODY_WRITER_H
#define HTTP_BODY_WRITER_H

#include "http/reply.h"
#include "http/request.h"
#include "net/rate.h"
#include "net/stream.h"

/* Embedded in the user's struct; the user may read the fields. */
struct body_writer {
	struct stream *stream; /* borrowed */
	bool has_body; /* false: pieces of the body are dropped */
	bool chunked;
	bool excess; /* bytes beyond the length were dropped */
	bool failed; /* the stream has failed: all further bytes are dropped */
	int64_t left; /* remaining bytes of the length; REPLY_LENGTH_UNKNOWN */
	uint64_t written; /* bytes written, including the head and the framing */
	struct rate rate;
};

void body_writer_init(struct body_writer *writer, struct stream *stream);

/* Selects the framing of the response REPLY to REQUEST. */
void body_writer_start(
    struct body_writer *writer, const struct request *request, const struct reply *reply);

/* Reports whether the end of the body is delimited without closing the connection. */
bool body_writer_is_delimited(const struct body_writer *writer);

/* Returns the header lines for the framing; KEEP: the connection persists. */
const char *body_writer_connection(const struct body_writer *writer, bool keep);

/* Writes HEAD, a piece of the body, and its end if LAST, now or later. Bytes beyond the length
 * are dropped. Returns false once, when the stream fails; true from then on. */
bool body_writer_write(struct body_writer *writer, struct span head, struct span piece,
    bool last) __attribute__((warn_unused_result));

/* Like exchange_send_file(). */
size_t body_writer_send_file(struct body_writer *writer, int fd, off_t offset, size_t len);

/* Reports whether the body is shorter than its length. */
bool body_writer_is_short(const struct body_writer *writer);

/* Start measuring the rate, as if nothing, or everything, written so far had been received. */
void body_writer_start_rate(struct body_writer *writer);
void body_writer_resume_rate(struct body_writer *writer);

/* Reports whether the client reads too slowly. Check again at RATE.DUE_MS. */
bool body_writer_is_slow(struct body_writer *writer);

#endif
