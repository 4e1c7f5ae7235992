/* SPDX-License-Identifier: BSD-2-Clause */
/* The credentials of a request. */
#include "http/credentials.h"

#include "base/base64.h"

#include <string.h>

static const struct span credentials_cookie = {"wspipe_token", sizeof("wspipe_token") - 1};
static const struct span credentials_parameter = {"token", sizeof("token") - 1};

enum { CREDENTIALS_STARS = 3 }; /* stars in place of a token in the log */

/* Removes the part before SEPARATOR, or all, from the front of REST. Returns false at the end
 * of REST. */
static bool
credentials_next(struct span *rest, char separator, struct span *part)
{
	const char *end;
	size_t len;

	if (!rest->data)
		return false;
	end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
	len = end ? (size_t)(end - rest->data) : rest->len;
	*part = (struct span){rest->data, len};
	*rest = end ? (struct span){end + 1, rest->len - len - 1} : (struct span){0};
	return true;
}

/* Sets *REST to what follows SCHEME and blanks in an Authorization value. Returns false for
 * another scheme. */
static bool
credentials_scheme(struct span value, struct span scheme, struct span *rest)
{
	if (value.len < scheme.len ||
	    !span_equal_nocase((struct span){value.data, scheme.len}, scheme) ||
	    (value.len > scheme.len && value.data[scheme.len] != ' '))
		return false;
	*rest = span_trim((struct span){value.data + scheme.len, value.len - scheme.len});
	return true;
}

/*
 * Basic
 */

/* Splits user-id and password at the first colon. RFC 7617, section 2: a user-id contains no
 * colon, and neither contains a control character. */
static bool
credentials_split(struct span pair, struct credentials_basic *out)
{
	const char *colon = pair.len > 0 ? memchr(pair.data, ':', pair.len) : NULL;
	size_t user, password;

	if (!colon)
		return false;
	for (size_t i = 0; i < pair.len; i++) {
		if ((unsigned char)pair.data[i] < 0x20 || pair.data[i] == 0x7f)
			return false;
	}
	user = (size_t)(colon - pair.data);
	password = pair.len - user - 1;
	if (user > CREDENTIALS_USER_MAX || password > CREDENTIALS_PASSWORD_MAX)
		return false;
	memcpy(out->user, pair.data, user);
	out->user[user] = '\0';
	memcpy(out->password, colon + 1, password);
	out->password[password] = '\0';
	return true;
}

enum credentials_result
credentials_basic(const struct head *head, struct credentials_basic *out)
{
	struct span value, text;
	struct buffer pair = {0};
	size_t count = head_find(head, "Authorization", &value);
	bool ok;

	if (count == 0)
		return CREDENTIALS_NONE;
	if (count > 1)
		return CREDENTIALS_MALFORMED;
	if (!credentials_scheme(value, SPAN("Basic"), &text))
		return CREDENTIALS_NONE;
	ok = base64_read(&pair, text.data, text.len) == BASE64_OK &&
	     credentials_split(
		 (struct span){(const char *)buffer_data(&pair), buffer_len(&pair)}, out);
	if (buffer_len(&pair) > 0)
		explicit_bzero(buffer_data(&pair), buffer_len(&pair));
	buffer_clear(&pair);
	return ok ? CREDENTIALS_FOUND : CREDENTIALS_MALFORMED;
}

/*
 * Tokens
 */

bool
credentials_bearer(struct span value, struct span *token)
{
	return credentials_scheme(value, SPAN("Bearer"), token);
}

/* Returns the next byte of a query with escapes decoded; -1 at the end. */
static int
credentials_query_byte(struct span *text)
{
	size_t used = 1;
	int c;

	if (text->len == 0)
		return -1;
	c = (unsigned char)text->data[0];
	if (c == '%' && text->len >= 3) {
		int high = util_hex_value((unsigned char)text->data[1]);
		int low = util_hex_value((unsigned char)text->data[2]);

		if (high >= 0 && low >= 0) {
			c = high << 4 | low;
			used = 3;
		}
	}
	*text = (struct span){text->data + used, text->len - used};
	return c;
}

/* Reports whether a part of a query is the token; *VALUE is what follows '='. */
static bool
credentials_is_parameter(struct span part, struct span *value)
{
	struct span name = part;
	const char *equals = part.len > 0 ? memchr(part.data, '=', part.len) : NULL;

	*value = (struct span){part.data + part.len, 0};
	if (equals) {
		name.len = (size_t)(equals - part.data);
		*value = (struct span){equals + 1, part.len - name.len - 1};
	}
	for (size_t i = 0; i < credentials_parameter.len; i++) {
		if (credentials_query_byte(&name) != credentials_parameter.data[i])
			return false;
	}
	return name.len == 0;
}

/* Reports whether a part of Cookie is the token, and sets *VALUE. */
static bool
credentials_is_cookie(struct span part, struct span *value)
{
	size_t len = credentials_cookie.len;

	part = span_trim(part);
	if (part.len <= len || part.data[len] != '=' ||
	    !span_equal((struct span){part.data, len}, credentials_cookie))
		return false;
	*value = (struct span){part.data + len + 1, part.len - len - 1};
	if (value->len >= 2 && value->data[0] == '"' && value->data[value->len - 1] == '"')
		*value = (struct span){value->data + 1, value->len - 2};
	return true;
}

static struct span
credentials_limit(struct span token)
{
	return token.len <= CREDENTIALS_TOKEN_MAX ? token : (struct span){"", 0};
}

static bool
credentials_find_cookie(const struct head *head, struct span *token)
{
	for (size_t i = 0; i < head_field_count(head); i++) {
		struct head_field field = head_field(head, i);
		struct span rest = field.value, part;

		if (!span_equal_nocase(field.name, SPAN("Cookie")))
			continue;
		while (credentials_next(&rest, ';', &part)) {
			if (credentials_is_cookie(part, token))
				return true;
		}
	}
	return false;
}

bool
credentials_next_protocol(
    const struct head *head, size_t *cursor, struct span *element, bool *paired)
{
	static const char name[] = "Sec-WebSocket-Protocol";

	while (head_next_element(head, name, cursor, element)) {
		if (element->len == 0)
			continue;
		if (!span_equal(*element, SPAN(CREDENTIALS_SUBPROTOCOL)))
			return true;
		do {
			/* "bearer" without a token is an ordinary subprotocol. */
			if (!head_next_element(head, name, cursor, element)) {
				*element = SPAN(CREDENTIALS_SUBPROTOCOL);
				return true;
			}
		} while (element->len == 0);
		if (paired)
			*paired = true;
	}
	return false;
}

static bool
credentials_find_protocol(const struct head *head, struct span *token)
{
	struct span element;
	size_t cursor = 0;
	bool found = false;

	while (head_next_element(head, "Sec-WebSocket-Protocol", &cursor, &element)) {
		if (element.len == 0)
			continue;
		if (found) {
			*token = element;
			return true;
		}
		found = span_equal(element, SPAN(CREDENTIALS_SUBPROTOCOL));
	}
	return false;
}

static bool
credentials_find_parameter(struct span query, struct span *value)
{
	struct span rest = query, part;

	while (credentials_next(&rest, '&', &part)) {
		if (credentials_is_parameter(part, value))
			return true;
	}
	return false;
}

size_t
credentials_tokens(const struct head *head, struct span query,
    struct span tokens[CREDENTIALS_TOKENS_MAX], char room[CREDENTIALS_TOKEN_MAX])
{
	struct span found;
	size_t count = 0;

	if (head_find(head, "Authorization", &found) == 1 && credentials_bearer(found, &found))
		tokens[count++] = credentials_limit(found);
	if (credentials_find_cookie(head, &found))
		tokens[count++] = credentials_limit(found);
	if (credentials_find_protocol(head, &found))
		tokens[count++] = credentials_limit(found);
	if (credentials_find_parameter(query, &found)) {
		size_t len = 0;
		int c;

		while (
		    len < CREDENTIALS_TOKEN_MAX && (c = credentials_query_byte(&found)) != -1)
			room[len++] = (char)c;
		tokens[count++] =
		    found.len == 0 ? (struct span){room, len} : (struct span){"", 0};
	}
	return count;
}

/*
 * Removal
 */

/* Moves PART, which is in the same block and not before OUT, to OUT, after JOINT unless it is
 * the first one. Returns the new end. */
static char *
credentials_put(char *text, char *out, struct span joint, struct span part)
{
	if (out != text) {
		memcpy(out, joint.data, joint.len);
		out += joint.len;
	}
	memmove(out, part.data, part.len);
	return out + part.len;
}

/* Reports whether a part of a query is the session of an event stream. It is as secret as a
 * token, but not to the program. */
static bool
credentials_is_session(struct span part, struct span *value)
{
	static const struct span name = {"session=", 8};

	if (part.len <= name.len || memcmp(part.data, name.data, name.len) != 0)
		return false;
	*value = (struct span){part.data + name.len, part.len - name.len};
	return true;
}

/* Removes tokens from a query. STARS, for the log: keeps the parameter names and replaces
 * tokens and sessions by stars. */
static size_t
credentials_filter_query(char *text, size_t len, bool stars)
{
	struct span rest = {text, len}, part, value;
	char *out = text;

	while (credentials_next(&rest, '&', &part)) {
		bool hide = credentials_is_parameter(part, &value) ||
			    (stars && credentials_is_session(part, &value));

		if (hide && !stars)
			continue;
		if (hide && value.len > CREDENTIALS_STARS)
			part.len -= value.len - CREDENTIALS_STARS;
		if (hide)
			memset((char *)(uintptr_t)value.data, '*',
			    value.len < CREDENTIALS_STARS ? value.len : CREDENTIALS_STARS);
		out = credentials_put(text, out, SPAN("&"), part);
	}
	return (size_t)(out - text);
}

size_t
credentials_hide_query(char *text, size_t len)
{
	return credentials_filter_query(text, len, false);
}

/* Keeps the fragment, if any. */
size_t
credentials_hide_url(char *text, size_t len)
{
	char *end = len > 0 ? memchr(text, '#', len) : NULL;
	size_t before = end ? (size_t)(end - text) : len;
	char *query = before > 0 ? memchr(text, '?', before) : NULL;
	size_t start, left;

	if (!query)
		return len;
	start = (size_t)(query - text) + 1;
	left = credentials_filter_query(query + 1, before - start, false);
	if (left == 0 && before > start)
		start--; /* the '?' */
	memmove(text + start + left, text + before, len - before);
	return start + left + (len - before);
}

size_t
credentials_hide_cookie(char *text, size_t len)
{
	struct span rest = {text, len}, part, value;
	char *out = text;

	while (credentials_next(&rest, ';', &part)) {
		if (!credentials_is_cookie(part, &value))
			out = credentials_put(text, out, SPAN(";"), part);
	}
	/* Skip the blank after a removed first cookie. */
	while (out != text && *text == ' ') {
		out--;
		memmove(text, text + 1, (size_t)(out - text));
	}
	return (size_t)(out - text);
}

size_t
credentials_hide_protocol(char *text, size_t len)
{
	struct span rest = {text, len}, part;
	char *out = text;
	bool secret = false;

	while (credentials_next(&rest, ',', &part)) {
		part = span_trim(part);
		if (part.len == 0)
			continue;
		if (secret || span_equal(part, SPAN(CREDENTIALS_SUBPROTOCOL))) {
			secret = !secret;
			continue;
		}
		out = credentials_put(text, out, SPAN(","), part);
	}
	return (size_t)(out - text);
}

bool
credentials_contain(struct span text, struct span token)
{
	if (memmem(text.data, text.len, token.data, token.len))
		return true;
	if (text.len == 0 || !memchr(text.data, '%', text.len))
		return false;
	for (; text.len > 0; text = (struct span){text.data + 1, text.len - 1}) {
		struct span rest = text;
		size_t i = 0;

		while (i < token.len &&
		       credentials_query_byte(&rest) == (unsigned char)token.data[i])
			i++;
		if (i == token.len)
			return true;
	}
	return false;
}

static bool
credentials_has_secret(struct span query)
{
	struct span part, value;

	while (credentials_next(&query, '&', &part)) {
		if (credentials_is_parameter(part, &value) ||
		    credentials_is_session(part, &value))
			return true;
	}
	return false;
}

struct span
credentials_log_target(struct span target, char *room, size_t size)
{
	const char *query = target.len > 0 ? memchr(target.data, '?', target.len) : NULL;
	size_t start = query ? (size_t)(query + 1 - target.data) : 0;

	if (!query || !credentials_has_secret((struct span){query + 1, target.len - start}))
		return target;
	if (target.len > size)
		target.len = size;
	memcpy(room, target.data, target.len);
	if (start < target.len)
		target.len =
		    start + credentials_filter_query(room + start, target.len - start, true);
	return (struct span){room, target.len};
}
