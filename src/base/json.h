/* SPDX-License-Identifier: BSD-2-Clause */
/* Text as a string of JSON (RFC 8259, section 7). */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_escape_style {
	JSON_ESCAPE_MINIMAL, /* escapes what must be escaped */
	/* As Go's encoding/json, and so websocketd: also <, >, &, U+2028 and U+2029, which a
	   page could take for its own HTML or script. */
	JSON_ESCAPE_HTML,
};

/*
 * Appends LEN bytes of UTF-8 as they stand between the quotes of a string; the quotes
 * are the caller's, so a text may come in parts that are cut between characters. A byte that
 * is not UTF-8 becomes U+FFFD. False without memory: OUT is unchanged then.
 */
bool json_escape(struct buffer *out, const uint8_t *bytes, size_t len,
    enum json_escape_style style) __attribute__((warn_unused_result));

#endif
