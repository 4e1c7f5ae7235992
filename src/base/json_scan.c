/* SPDX-License-Identifier: BSD-2-Clause */
/* Scans JSON text. */
#include "base/json_scan.h"

#include "base/utf8.h"

#include <string.h>

/* What may come next while text is parsed. */
enum json_expected {
	JSON_EXPECTS_VALUE,
	JSON_EXPECTS_FIRST, /* a value, or the end of the array */
	JSON_EXPECTS_NAME,
	JSON_EXPECTS_FIRST_NAME, /* a name, or the end of the object */
	JSON_EXPECTS_MORE, /* what follows a value */
};

struct json_reader {
	const char *at;
	const char *end;
	size_t depth;
	uint8_t objects[JSON_DEPTH_MAX / 8]; /* one bit per level: set for an object */
	enum json_expected expected;
};

static const char *
json_skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

/* Returns the end of the escape after the backslash at AT - 1; NULL: malformed. */
static const char *
json_skip_escape(const char *at, const char *end)
{
	if (at == end)
		return NULL;
	if (*at != 'u')
		return strchr("\"\\/bfnrt", *at) && *at != '\0' ? at + 1 : NULL;
	if (end - at < 5)
		return NULL;
	for (int i = 1; i <= 4; i++) {
		if (util_hex_value((unsigned char)at[i]) == -1)
			return NULL;
	}
	return at + 5;
}

/* Returns the end of the string whose quote is at AT; NULL: malformed. */
static const char *
json_skip_string(const char *at, const char *end)
{
	for (at++; at && at < end;) {
		if (*at == '"')
			return at + 1;
		if ((unsigned char)*at < 0x20)
			return NULL;
		at = *at == '\\' ? json_skip_escape(at + 1, end) : at + 1;
	}
	return NULL;
}

static const char *
json_skip_digits(const char *at, const char *end)
{
	const char *from = at;

	while (at < end && util_is_digit((unsigned char)*at))
		at++;
	return at > from ? at : NULL;
}

static const char *
json_skip_number(const char *at, const char *end)
{
	if (*at == '-')
		at++;
	if (at < end && *at == '0')
		at++;
	else
		at = json_skip_digits(at, end);
	if (at && at < end && *at == '.')
		at = json_skip_digits(at + 1, end);
	if (at && at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		at = json_skip_digits(at, end);
	}
	return at;
}

static const char *
json_skip_word(const char *at, const char *end, struct span word)
{
	if ((size_t)(end - at) < word.len || memcmp(at, word.data, word.len) != 0)
		return NULL;
	return at + word.len;
}

static bool
json_in_object(const struct json_reader *r)
{
	return (r->objects[(r->depth - 1) / 8] >> (r->depth - 1) % 8 & 1) != 0;
}

static bool
json_enter(struct json_reader *r, bool object)
{
	uint8_t bit = (uint8_t)(1u << r->depth % 8);

	if (r->depth == JSON_DEPTH_MAX)
		return false;
	if (object)
		r->objects[r->depth / 8] |= bit;
	else
		r->objects[r->depth / 8] &= (uint8_t)~bit;
	r->depth++;
	r->at++;
	r->expected = object ? JSON_EXPECTS_FIRST_NAME : JSON_EXPECTS_FIRST;
	return true;
}

static bool
json_leave(struct json_reader *r)
{
	r->depth--;
	r->at++;
	r->expected = JSON_EXPECTS_MORE;
	return true;
}

/* Parses a value, or the beginning of one. */
static bool
json_take_value(struct json_reader *r)
{
	const char *end;

	switch (*r->at) {
	case '{':
		return json_enter(r, true);
	case '[':
		return json_enter(r, false);
	case '"':
		end = json_skip_string(r->at, r->end);
		break;
	case 't':
		end = json_skip_word(r->at, r->end, SPAN("true"));
		break;
	case 'f':
		end = json_skip_word(r->at, r->end, SPAN("false"));
		break;
	case 'n':
		end = json_skip_word(r->at, r->end, SPAN("null"));
		break;
	default:
		end = json_skip_number(r->at, r->end);
		break;
	}
	r->expected = JSON_EXPECTS_MORE;
	if (end)
		r->at = end;
	return end != NULL;
}

static bool
json_take_name(struct json_reader *r)
{
	const char *end = *r->at == '"' ? json_skip_string(r->at, r->end) : NULL;

	if (end)
		end = json_skip_blanks(end, r->end);
	if (!end || end == r->end || *end != ':')
		return false;
	r->at = end + 1;
	r->expected = JSON_EXPECTS_VALUE;
	return true;
}

static bool
json_take_more(struct json_reader *r)
{
	bool object = json_in_object(r);

	if (*r->at == (object ? '}' : ']'))
		return json_leave(r);
	if (*r->at != ',')
		return false;
	r->at++;
	r->expected = object ? JSON_EXPECTS_NAME : JSON_EXPECTS_VALUE;
	return true;
}

static bool
json_take(struct json_reader *r)
{
	switch (r->expected) {
	case JSON_EXPECTS_FIRST:
		if (*r->at == ']')
			return json_leave(r);
		return json_take_value(r);
	case JSON_EXPECTS_VALUE:
		return json_take_value(r);
	case JSON_EXPECTS_FIRST_NAME:
		if (*r->at == '}')
			return json_leave(r);
		return json_take_name(r);
	case JSON_EXPECTS_NAME:
		return json_take_name(r);
	case JSON_EXPECTS_MORE:
		return json_take_more(r);
	}
	return false;
}

bool
json_read(struct span text, struct span *value)
{
	struct json_reader r = {.end = text.data + text.len, .expected = JSON_EXPECTS_VALUE};
	const char *from;

	if (text.len == 0 || !utf8_valid((const uint8_t *)text.data, text.len))
		return false;
	from = r.at = json_skip_blanks(text.data, r.end);
	while (r.depth > 0 || r.expected != JSON_EXPECTS_MORE) {
		r.at = json_skip_blanks(r.at, r.end);
		if (r.at == r.end || !json_take(&r))
			return false;
	}
	*value = (struct span){from, (size_t)(r.at - from)};
	return json_skip_blanks(r.at, r.end) == r.end;
}

enum json_type
json_type(struct span value)
{
	if (value.len == 0)
		return JSON_NOTHING;
	switch (*value.data) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

/* Returns the end of a value in validated text. */
static const char *
json_skip_value(const char *at, const char *end)
{
	size_t depth = 0;

	do {
		switch (*at) {
		case '"':
			at = json_skip_string(at, end);
			break;
		case '{':
		case '[':
			depth++;
			at++;
			break;
		case '}':
		case ']':
			depth--;
			at++;
			break;
		default:
			at++;
			break;
		}
	} while (at < end && (depth > 0 || !strchr(",]} \t\r\n", *at)));
	return at;
}

/* Returns the next item or name of VALUE; NULL: no more. */
static const char *
json_step(struct span value, size_t cursor)
{
	const char *end = value.data + value.len - 1;
	const char *at = json_skip_blanks(value.data + (cursor > 0 ? cursor : 1), end);

	if (at < end && *at == ',')
		at = json_skip_blanks(at + 1, end);
	return at < end ? at : NULL;
}

static struct span
json_take_span(struct span value, const char *at, size_t *cursor)
{
	const char *end = json_skip_value(at, value.data + value.len - 1);

	*cursor = (size_t)(end - value.data);
	return (struct span){at, (size_t)(end - at)};
}

bool
json_next_item(struct span value, size_t *cursor, struct span *item)
{
	const char *at = json_type(value) == JSON_ARRAY ? json_step(value, *cursor) : NULL;

	if (!at)
		return false;
	*item = json_take_span(value, at, cursor);
	return true;
}

bool
json_next_member(struct span value, size_t *cursor, struct span *name, struct span *member)
{
	const char *at = json_type(value) == JSON_OBJECT ? json_step(value, *cursor) : NULL;
	const char *end;

	if (!at)
		return false;
	end = value.data + value.len;
	name->data = at;
	at = json_skip_string(at, end);
	name->len = (size_t)(at - name->data);
	at = json_skip_blanks(at, end) + 1; /* the colon */
	*member = json_take_span(value, json_skip_blanks(at, end), cursor);
	return true;
}

void
json_find(struct span value, struct json_member *members, size_t count)
{
	struct span name, member;
	size_t cursor = 0;

	for (size_t i = 0; i < count; i++) {
		members[i].value = (struct span){0};
		members[i].count = 0;
	}
	while (json_next_member(value, &cursor, &name, &member)) {
		for (size_t i = 0; i < count; i++) {
			if (!json_is_text(name, span_of(members[i].name)))
				continue;
			members[i].value = member;
			members[i].count++;
		}
	}
}

static unsigned int
json_code(const char *digits)
{
	unsigned int code = 0;

	for (int i = 0; i < 4; i++)
		code = code * 16 + (unsigned int)util_hex_value((unsigned char)digits[i]);
	return code;
}

/* Encodes the character CODE and returns its length in bytes. */
static size_t
json_encode(unsigned int code, char bytes[4])
{
	static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; code >>= 6)
		bytes[i] = (char)(0x80 | (code & 0x3f));
	bytes[0] = (char)(first[n == 1 ? 0 : n] | code);
	return n;
}

/* Decodes the escape after the backslash at AT - 1; sets *NEXT to its end. */
static size_t
json_unescape(const char *at, const char *end, char bytes[4], const char **next)
{
	static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
	const char *letter = strchr(letters, *at);
	unsigned int code, low;

	*next = at + 1;
	if (*at != 'u') {
		bytes[0] = letter ? meanings[letter - letters] : *at;
		return 1;
	}
	*next = at + 5;
	code = json_code(at + 1);
	if (code >= 0xd800 && code < 0xdc00 && end - at > 10 && at[5] == '\\' && at[6] == 'u') {
		low = json_code(at + 7);
		if (low >= 0xdc00 && low < 0xe000) {
			*next = at + 11;
			return json_encode(
			    0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), bytes);
		}
	}
	return json_encode(code >= 0xd800 && code < 0xe000 ? 0xfffd : code, bytes);
}

/* Iterates over a decoded string in pieces. */
struct json_pieces {
	const char *at; /* unread from here to the quote at END */
	const char *end;
	char escaped[4]; /* bytes of a decoded escape */
};

/* Starts an iteration; VALUE must be a string. */
static struct json_pieces
json_pieces_of(struct span value)
{
	return (struct json_pieces){value.data + 1, value.data + value.len - 1, {0}};
}

/* Returns the next piece, valid until the following call. Returns false at the end. */
static bool
json_next_piece(struct json_pieces *p, struct span *piece)
{
	const char *escape;

	if (p->at == p->end)
		return false;
	if (*p->at == '\\') {
		piece->len = json_unescape(p->at + 1, p->end, p->escaped, &p->at);
		piece->data = p->escaped;
		return true;
	}
	escape = memchr(p->at, '\\', (size_t)(p->end - p->at));
	*piece = (struct span){p->at, (size_t)((escape ? escape : p->end) - p->at)};
	p->at += piece->len;
	return true;
}

bool
json_is_text(struct span value, struct span text)
{
	struct json_pieces pieces;
	struct span piece;

	if (json_type(value) != JSON_STRING)
		return false;
	pieces = json_pieces_of(value);
	while (json_next_piece(&pieces, &piece)) {
		if (piece.len > text.len || memcmp(piece.data, text.data, piece.len) != 0)
			return false;
		text = (struct span){text.data + piece.len, text.len - piece.len};
	}
	return text.len == 0;
}

/* Returns the ASCII character that a case-insensitive reader sees at AT, and its length in
 * *USED. */
static char
json_fold(const char *at, size_t len, size_t *used)
{
	*used = 1;
	if (len >= 2 && memcmp(at, "\xc5\xbf", 2) == 0) {
		*used = 2;
		return 's';
	}
	if (len >= 3 && memcmp(at, "\xe2\x84\xaa", 3) == 0) {
		*used = 3;
		return 'k';
	}
	return util_lower(*at);
}

bool
json_resembles(struct span value, struct span text)
{
	struct json_pieces pieces;
	struct span piece;
	size_t used;

	if (json_type(value) != JSON_STRING)
		return false;
	pieces = json_pieces_of(value);
	while (json_next_piece(&pieces, &piece)) {
		for (; piece.len > 0; piece.len -= used, piece.data += used) {
			if (text.len == 0 ||
			    json_fold(piece.data, piece.len, &used) != util_lower(*text.data))
				return false;
			text = (struct span){text.data + 1, text.len - 1};
		}
	}
	return text.len == 0;
}

bool
json_get_text(struct span value, struct buffer *out)
{
	struct json_pieces pieces;
	struct span piece;

	if (json_type(value) != JSON_STRING)
		return true;
	pieces = json_pieces_of(value);
	while (json_next_piece(&pieces, &piece)) {
		if (!buffer_append(out, piece.data, piece.len))
			return false;
	}
	return true;
}
