/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a response to its stream. Its body is framed by its length if that is known, else in
 * chunks, or by the end of the connection for HTTP/1.0 (RFC 9112, section 6.3). It must arrive
 * at the minimum rate.
 */
#ifndef HTTP_BODY_WRITER_H
#define HTTP_BODY_WRITER_H

#include "http/reply.h"
#include "http/request.h"
#include "net/rate.h"
#include "net/stream.h"

/* Embedded by its user, which may look at it. */
struct body_writer {
	struct stream *stream; /* borrowed */
	bool has_body; /* else pieces of it are dropped */
	bool chunked;
	bool excess; /* bytes beyond the length were dropped */
	bool failed; /* the stream has: all bytes are dropped from now on */
	int64_t left; /* bytes of the length that are missing; REPLY_LENGTH_UNKNOWN */
	uint64_t written; /* bytes, with the head and the framing */
	struct rate rate;
};

void body_writer_init(struct body_writer *writer, struct stream *stream);

/* Decides how the response REPLY to REQUEST is framed. */
void body_writer_start(
    struct body_writer *writer, const struct request *request, const struct reply *reply);

/* Whether the client finds the end of the body while the connection persists. */
bool body_writer_is_delimited(const struct body_writer *writer);

/* The header lines for that; KEEP: the connection persists. */
const char *body_writer_connection(const struct body_writer *writer, bool keep);

/* Writes HEAD, a piece of the body, and the end of it if LAST, now or later. Bytes beyond the
 * length are dropped. False: the stream has failed; true from then on. */
bool body_writer_write(struct body_writer *writer, struct span head, struct span piece,
    bool last) __attribute__((warn_unused_result));

/* As exchange_send_file(). */
size_t body_writer_send_file(struct body_writer *writer, int fd, off_t offset, size_t len);

/* Whether bytes of the length are missing. */
bool body_writer_is_short(const struct body_writer *writer);

/* The rate counts from now on, as if nothing had arrived so far, or as if all had. */
void body_writer_start_rate(struct body_writer *writer);
void body_writer_resume_rate(struct body_writer *writer);

/* Whether the client reads too slowly. Look again at RATE.DUE_MS. */
bool body_writer_is_slow(struct body_writer *writer);

#endif
