/* SPDX-License-Identifier: BSD-2-Clause */
/* Text as a string of JSON. */
#include "base/quote.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum {
	QUOTE_MAX = 6, /* the longest escape of one byte */
	QUOTE_STEP = 4096, /* bytes that are quoted before room is made for more */
};

/* What stands for the byte C, which has an escape of its own; 0: it has none. */
static char
quote_letter(uint8_t c)
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
quote_put_code(uint8_t *to, unsigned int code)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '\\';
	*to++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*to++ = (uint8_t)digits[code >> shift & 0xf];
	return to;
}

/* Quotes the character at BYTES, and says by *USED how long it is. */
static uint8_t *
quote_put(uint8_t *to, const uint8_t *bytes, size_t len, enum quote_style style, size_t *used)
{
	uint8_t c = bytes[0];
	size_t n;
	char letter;

	*used = 1;
	if (c < 0x80) {
		letter = quote_letter(c);
		if (letter != 0) {
			*to++ = '\\';
			*to++ = (uint8_t)letter;
		} else if (c < 0x20 || (style == QUOTE_FOR_PAGES && strchr("<>&", c))) {
			to = quote_put_code(to, c);
		} else {
			*to++ = c;
		}
		return to;
	}
	n = utf8_char_len(bytes, len);
	if (n == 0)
		return quote_put_code(to, 0xfffd);
	*used = n;
	if (style == QUOTE_FOR_PAGES && n == 3 && c == 0xe2 && bytes[1] == 0x80 &&
	    (bytes[2] | 1) == 0xa9)
		return quote_put_code(to, 0x2000u | (bytes[2] & 0x3f));
	memcpy(to, bytes, n);
	return to + n;
}

bool
quote_json(struct buffer *out, const uint8_t *bytes, size_t len, enum quote_style style)
{
	size_t before = buffer_len(out);
	size_t i = 0;

	while (i < len) {
		size_t end = len - i > QUOTE_STEP ? i + QUOTE_STEP : len;
		uint8_t *start = buffer_reserve(out, (end - i) * QUOTE_MAX);
		uint8_t *to = start;
		size_t used;

		if (!start) {
			buffer_cut(out, before);
			return false;
		}
		/* A character may begin before END and end behind it: 3 bytes that no room was
		   made for, but they take the room of the 6 of its first byte. */
		for (; i < end; i += used)
			to = quote_put(to, bytes + i, len - i, style, &used);
		buffer_commit(out, (size_t)(to - start));
	}
	return true;
}
