/* SPDX-License-Identifier: BSD-2-Clause */
/* Escapes text for JSON. */
#include "base/json.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum {
	JSON_ESCAPE_MAX = 6, /* the longest escape of one byte */
	JSON_STEP = 4096, /* bytes escaped before room is made for more */
};

/* Returns the letter of the short escape of C; 0: none. */
static char
json_letter(uint8_t c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

static uint8_t *
json_put_code(uint8_t *to, unsigned int code)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '\\';
	*to++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*to++ = (uint8_t)digits[code >> shift & 0xf];
	return to;
}

/* Escapes the character at BYTES and sets *USED to its length. */
static uint8_t *
json_put(
    uint8_t *to, const uint8_t *bytes, size_t len, enum json_escape_style style, size_t *used)
{
	uint8_t c = bytes[0];
	size_t n;
	char letter;

	*used = 1;
	if (c < 0x80) {
		letter = json_letter(c);
		if (letter != 0) {
			*to++ = '\\';
			*to++ = (uint8_t)letter;
		} else if (c < 0x20 || (style == JSON_ESCAPE_HTML && strchr("<>&", c))) {
			to = json_put_code(to, c);
		} else {
			*to++ = c;
		}
		return to;
	}
	n = utf8_char_len(bytes, len);
	if (n == 0)
		return json_put_code(to, 0xfffd);
	*used = n;
	if (style == JSON_ESCAPE_HTML && n == 3 && c == 0xe2 && bytes[1] == 0x80 &&
	    (bytes[2] | 1) == 0xa9)
		return json_put_code(to, 0x2000u | (bytes[2] & 0x3f));
	memcpy(to, bytes, n);
	return to + n;
}

bool
json_escape(struct buffer *out, const uint8_t *bytes, size_t len, enum json_escape_style style)
{
	size_t before = buffer_len(out);
	size_t i = 0;

	while (i < len) {
		size_t end = len - i > JSON_STEP ? i + JSON_STEP : len;
		uint8_t *start = buffer_reserve(out, (end - i) * JSON_ESCAPE_MAX);
		uint8_t *to = start;
		size_t used;

		if (!start) {
			buffer_cut(out, before);
			return false;
		}
		/* A character may begin before END and end after it: 3 bytes without reserved
		 * room, but they use the 6 bytes reserved for its first byte. */
		for (; i < end; i += used)
			to = json_put(to, bytes + i, len - i, style, &used);
		buffer_commit(out, (size_t)(to - start));
	}
	return true;
}
