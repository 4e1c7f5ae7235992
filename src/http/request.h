/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interprets the head of a request. Pure. The framing of the body determines where the next
 * request begins, so it must be unambiguous (RFC 9112, sections 6.1 to 6.3 and 11.2):
 * Content-Length is one plain number, Transfer-Encoding is "chunked" and only in HTTP/1.1, and
 * the two never occur together. Two equal lengths, which section 6.3 allows to accept, are also
 * rejected.
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
	const struct head *head; /* borrowed; NULL: no valid request */
	struct span method;
	struct uri uri;
	/* The target authority (RFC 9112, section 3.2.2). Empty: HTTP/1.0 without a Host. */
	struct span host;
	enum body_kind body;
	int64_t length; /* BODY_LENGTH: bytes of the body, else 0 */
	bool is_head; /* the response has no body */
	bool keeps_alive; /* the client may send another request on this connection */
	bool expects_continue; /* the client may wait for a 100 before it sends the body */
};

/* Initializes REQUEST from HEAD, which must be complete and valid. Returns false to reject it:
 * respond with *STATUS (400 or 501) and close; *REASON is one sentence for the log. */
bool request_init(struct request *request, const struct head *head, int *status,
    const char **reason) __attribute__((warn_unused_result));

/* A request derived from another one, with its own bytes. Zeroed ({0}): empty. */
struct request_redirect {
	struct buffer bytes; /* owned */
	struct head head;
	struct request request;
};

/* Creates a GET request for TARGET (HEAD if FROM is one) with the fields of FROM, except those
 * of its body and of its connection. Returns false if TARGET is malformed or memory runs
 * out. */
bool request_redirect(struct request_redirect *out, const struct request *from,
    struct span target) __attribute__((warn_unused_result));

/* Frees an allocated REDIRECT; accepts NULL. */
void request_redirect_free(struct request_redirect *redirect);

#endif
