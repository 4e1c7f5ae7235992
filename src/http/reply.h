/* SPDX-License-Identifier: BSD-2-Clause */
/* Generates the heads of responses. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPLY_LENGTH_UNKNOWN = -1 };

/* A response without its body. */
struct reply {
	int status;
	const char *phrase; /* reason phrase; NULL: the standard one */
	const char *type; /* Content-Type; NULL: none */
	int64_t length; /* length of the body, or REPLY_LENGTH_UNKNOWN */
	const char *fields; /* NULL, or whole lines with CR LF, checked by the caller */
};

/* Returns the reason phrase of a status code; empty for a code that this program does not
 * send. */
const char *reply_reason(int status);

/* Returns false for a response that never has a body (RFC 9110, section 6.4.1). */
bool reply_has_body(int status);

/*
 * Appends the head of a response to OUT: status line, Date, the fields of REPLY, nosniff, and
 * CONNECTION, which is also whole lines. A 204 has no Content-Length (RFC 9110, section 8.6).
 * Returns false if memory runs out.
 */
bool reply_head(struct buffer *out, const struct reply *reply, const char *connection)
    __attribute__((warn_unused_result));

#endif
