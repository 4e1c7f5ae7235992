/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers: their heads and short texts. Every answer but a 101 closes its
 * connection (RFC 9112, section 9.6), so there is nothing to smuggle behind a
 * request.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/buffer.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

/* The reason phrase of a status that this program sends. */
const char *reply_reason(int status);

/*
 * Appends the head of an answer to OUT: status line, Date, Content-Type unless
 * TYPE is NULL, Content-Length unless LENGTH is -1, nosniff, Connection: close, and EXTRA,
 * which is NULL or whole lines with CR LF that the caller has checked. False without memory.
 */
bool reply_head(struct buffer *out, int status, const char *type, int64_t length,
    const char *extra) __attribute__((warn_unused_result));

/* Appends a whole answer with a short text, "404 Not Found\n"; for HEAD requests without the
 * text. */
bool reply_text(struct buffer *out, int status, const char *extra, bool head_only)
    __attribute__((warn_unused_result));

#endif
