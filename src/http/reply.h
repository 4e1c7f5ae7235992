/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Responses: their heads and short texts. Every response but a 101 closes its
 * connection (RFC 9112, section 9.6), so nothing can be smuggled after a
 * request.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/buffer.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

/* The reason phrase of a status code that this program sends. */
const char *reply_reason(int status);

/*
 * Appends the head of a response to OUT: status line, Date, Content-Type unless
 * TYPE is NULL, Content-Length unless LENGTH is -1, nosniff, Connection: close, and EXTRA,
 * which is NULL or whole lines with CR LF that the caller has checked. False without memory.
 */
bool reply_head(struct buffer *out, int status, const char *type, int64_t length,
    const char *extra) __attribute__((warn_unused_result));

/* Appends a whole response with a short text: "404 Not Found\n", and TEXT after an empty line
 * unless it is NULL. For HEAD requests without the body. */
bool reply_text(struct buffer *out, int status, const char *extra, const char *text,
    bool head_only) __attribute__((warn_unused_result));

#endif
