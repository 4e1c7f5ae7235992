/* SPDX-License-Identifier: BSD-2-Clause */
/* Decodes the body of an HTTP/1.1 request. */
#include "http/body.h"

#include "base/util.h"

#include <string.h>

void
body_init(struct body *body, enum body_kind kind, uint64_t length)
{
	*body = (struct body){.kind = kind, .state = BODY_AT_END};
	if (kind == BODY_CHUNKED) {
		body->state = BODY_AT_SIZE;
	} else if (kind == BODY_LENGTH && length > 0) {
		body->state = BODY_AT_DATA;
		body->left = length;
	}
}

static enum body_state
body_fail(struct body *body, const char *reason)
{
	body->reason = reason;
	return BODY_AT_FAULT;
}

static enum body_state
body_size_byte(struct body *body, unsigned char c)
{
	int digit = util_hex_value(c);

	if (digit >= 0 && body->left > INT64_MAX >> 4)
		return body_fail(body, "chunk size is too large");
	if (digit >= 0) {
		body->left = body->left << 4 | (unsigned int)digit;
		return BODY_AT_SIZE;
	}
	if (body->line == 1)
		return body_fail(body, "chunk without a size");
	if (c == '\r')
		return BODY_AT_SIZE_LF;
	if (c == ' ' || c == '\t')
		return BODY_AT_BLANK;
	return c == ';' ? BODY_AT_EXTENSION : body_fail(body, "chunk size is not a number");
}

/* Returns the state after byte C of a chunk's first line. */
static enum body_state
body_line_byte(struct body *body, unsigned char c)
{
	if (++body->line > BODY_LINE_MAX)
		return body_fail(body, "chunk extensions longer than 256 bytes");
	if (body->state == BODY_AT_SIZE)
		return body_size_byte(body, c);
	if (body->state == BODY_AT_BLANK && c != ' ' && c != '\t' && c != ';')
		return body_fail(body, "chunk size is not a number");
	if (body->state == BODY_AT_BLANK)
		return c == ';' ? BODY_AT_EXTENSION : BODY_AT_BLANK;
	if (c == '\r')
		return BODY_AT_SIZE_LF;
	if ((c < ' ' && c != '\t') || c == 0x7f)
		return body_fail(body, "control character in a chunk extension");
	return BODY_AT_EXTENSION;
}

/* Returns the state after byte C of the trailer section (RFC 9112, section 7.1.2). */
static enum body_state
body_trailer_byte(struct body *body, unsigned char c)
{
	if (++body->line > BODY_TRAILER_MAX)
		return body_fail(body, "trailer fields larger than 8192 bytes");
	if (body->state == BODY_AT_TRAILER && c == '\r')
		return BODY_AT_END_LF;
	if (body->state == BODY_AT_NAME && c == ':')
		return BODY_AT_VALUE;
	if (body->state != BODY_AT_VALUE)
		return util_is_token_char(c) ? BODY_AT_NAME
					     : body_fail(body, "invalid trailer field name");
	if (c == '\r')
		return BODY_AT_VALUE_LF;
	if ((c < ' ' && c != '\t') || c == 0x7f)
		return body_fail(body, "control character in a trailer field");
	return BODY_AT_VALUE;
}

/* Returns the state after byte C, which is not content. */
static enum body_state
body_byte(struct body *body, unsigned char c)
{
	switch (body->state) {
	case BODY_AT_DATA_CR:
		return c == '\r' ? BODY_AT_DATA_LF
				 : body_fail(body, "chunk longer than its size");
	case BODY_AT_SIZE:
	case BODY_AT_BLANK:
	case BODY_AT_EXTENSION:
		return body_line_byte(body, c);
	case BODY_AT_TRAILER:
	case BODY_AT_NAME:
	case BODY_AT_VALUE:
		return body_trailer_byte(body, c);
	case BODY_AT_DATA_LF:
	case BODY_AT_SIZE_LF:
	case BODY_AT_VALUE_LF:
	case BODY_AT_END_LF:
		break;
	case BODY_AT_DATA:
	case BODY_AT_END:
	case BODY_AT_FAULT:
		return body->state;
	}
	if (c != '\n')
		return body_fail(body, "CR without LF in a chunked body");
	if (body->state == BODY_AT_END_LF)
		return BODY_AT_END;
	if (body->state == BODY_AT_VALUE_LF)
		return BODY_AT_TRAILER;
	body->line = 0;
	if (body->state == BODY_AT_DATA_LF)
		return BODY_AT_SIZE;
	return body->left > 0 ? BODY_AT_DATA : BODY_AT_TRAILER;
}

enum body_result
body_decode(struct body *body, uint8_t *bytes, size_t len, size_t *used, size_t *content)
{
	size_t i = 0;
	size_t n = 0;

	while (i < len && body->state != BODY_AT_END && body->state != BODY_AT_FAULT) {
		size_t part = len - i < body->left ? len - i : (size_t)body->left;

		if (body->state != BODY_AT_DATA) {
			body->state = body_byte(body, bytes[i++]);
			continue;
		}
		memmove(bytes + n, bytes + i, part);
		n += part;
		i += part;
		body->left -= part;
		if (body->left == 0)
			body->state =
			    body->kind == BODY_CHUNKED ? BODY_AT_DATA_CR : BODY_AT_END;
	}
	*used = i;
	*content = n;
	if (body->state == BODY_AT_FAULT)
		return BODY_BAD;
	return body->state == BODY_AT_END ? BODY_DONE : BODY_MORE;
}
