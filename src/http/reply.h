/* SPDX-License-Identifier: BSD-2-Clause */
/* The heads of responses, as text. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPLY_LENGTH_UNKNOWN = -1 };

/* A response but for its body. */
struct reply {
	int status;
	const char *phrase; /* the reason phrase; NULL: the usual one */
	const char *type; /* the Content-Type; NULL: none */
	int64_t length; /* of the body, or REPLY_LENGTH_UNKNOWN */
	const char *fields; /* NULL, or whole lines with CR LF that the caller has checked */
};

/* The reason phrase of a status code; empty for one that this program does not send. */
const char *reply_reason(int status);

/* False for a response that never has a body: RFC 9110, section 6.4.1. */
bool reply_has_body(int status);

/*
 * Appends the head of a response to OUT: status line, Date, the fields of REPLY, nosniff, and
 * CONNECTION, which is whole lines of the same form. A 204 has no Content-Length (RFC 9110,
 * section 8.6). False without memory.
 */
bool reply_head(struct buffer *out, const struct reply *reply, const char *connection)
    __attribute__((warn_unused_result));

#endif
