/* SPDX-License-Identifier: BSD-2-Clause */
/* Escapes text for a JSON string (RFC 8259, section 7). */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_escape_style {
	JSON_ESCAPE_MINIMAL, /* only what must be escaped */
	/* As Go's encoding/json, and thus websocketd: also <, >, &, U+2028 and U+2029, which a
	 * page could interpret as HTML or script. */
	JSON_ESCAPE_HTML,
};

/*
 * Appends LEN bytes of UTF-8 as the contents of a string, without the quotes, so that a text
 * may be passed in parts split between characters. A byte that is not UTF-8 becomes U+FFFD.
 * Returns false, with OUT unchanged, if memory runs out.
 */
bool json_escape(struct buffer *out, const uint8_t *bytes, size_t len,
    enum json_escape_style style) __attribute__((warn_unused_result));

#endif
