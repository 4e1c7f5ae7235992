/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request as a value: what its head means. Pure.
 *
 * How its body is framed decides where the next request begins, so it must have one meaning
 * (RFC 9112, sections 6.1 to 6.3 and 11.2): Content-Length is one plain number,
 * Transfer-Encoding is "chunked" and only in HTTP/1.1, and the two never occur together. Two
 * equal lengths, which section 6.3 allows to accept, are rejected as well.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/buffer.h"
#include "http/body.h"
#include "http/head.h"
#include "http/uri.h"

#include <stdbool.h>
#include <stdint.h>

/* The spans are valid as long as the bytes of the head. */
struct request {
	const struct head *head; /* borrowed; NULL: there was no valid request */
	struct span method;
	struct uri uri;
	/* The authority that it was sent to: RFC 9112, section 3.2.2. Empty: HTTP/1.0 without a
	 * Host. */
	struct span host;
	enum body_kind body;
	int64_t length; /* of a BODY_LENGTH, else 0 */
	bool is_head; /* the response has no body */
	bool keeps_alive; /* the client may send another one on this connection */
	bool expects_continue; /* the client may wait for a 100 before it sends the body */
};

/* HEAD is complete and valid. False: respond with *STATUS (400 or 501) and close; *REASON is
 * one sentence for the log. */
bool request_init(struct request *request, const struct head *head, int *status,
    const char **reason) __attribute__((warn_unused_result));

/* A request made of another one, with its own bytes. Zero bytes ({0}) are its beginning. */
struct request_redirect {
	struct buffer bytes; /* owned */
	struct head head;
	struct request request;
};

/* Makes a GET request for TARGET, or a HEAD of a HEAD, with the fields of FROM but for those
 * of its body and of its connection. False: TARGET is malformed, or there is no memory. */
bool request_redirect(struct request_redirect *out, const struct request *from,
    struct span target) __attribute__((warn_unused_result));

/* For one in memory of its own. Accepts NULL. */
void request_redirect_free(struct request_redirect *redirect);

#endif
