/* SPDX-License-Identifier: BSD-2-Clause */
/* Splits request targets and decodes their paths. */
#include "http/uri.h"

#include "base/utf8.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Returns the length of TEXT before the first byte that is one of STOPS, or its whole
 * length. */
static size_t
uri_len_until(struct span text, const char *stops)
{
	size_t i = 0;

	while (i < text.len && !(text.data[i] != '\0' && strchr(stops, text.data[i])))
		i++;
	return i;
}

static struct span
uri_rest(struct span text, size_t from)
{
	return (struct span){text.data + from, text.len - from};
}

/* Returns the length of the scheme, such as "http://", at the front of TARGET, or 0. */
static size_t
uri_scheme_len(struct span target)
{
	static const struct span schemes[] = {
	    {"http://", 7}, {"https://", 8}, {"ws://", 5}, {"wss://", 6}};

	for (size_t i = 0; i < UTIL_LEN(schemes); i++) {
		struct span front = {target.data, schemes[i].len};

		/* Schemes are case-insensitive (RFC 3986, section 3.1). */
		if (target.len >= schemes[i].len && span_equal_nocase(front, schemes[i]))
			return schemes[i].len;
	}
	return 0;
}

bool
uri_split(struct span target, struct uri *out)
{
	struct span rest = target;
	struct uri_authority authority;
	size_t len;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < target.len; i++) {
		unsigned char c = (unsigned char)target.data[i];

		/* A target has no fragment (RFC 9112, section 3.2). */
		if (c <= ' ' || c > 0x7e || c == '#')
			return false;
	}
	if (target.len == 0)
		return false;
	if (target.data[0] != '/') {
		/* The absolute-form (RFC 9112, section 3.2.2), or a form only for proxies or
		 * OPTIONS. */
		size_t scheme = uri_scheme_len(target);

		if (scheme == 0)
			return false;
		rest = uri_rest(target, scheme);
		out->authority = (struct span){rest.data, uri_len_until(rest, "/?")};
		if (!uri_parse_authority(out->authority, &authority))
			return false;
		rest = uri_rest(rest, out->authority.len);
	}
	len = uri_len_until(rest, "?");
	out->path = len > 0 ? (struct span){rest.data, len} : SPAN("/");
	if (len < rest.len) {
		out->has_query = true;
		out->query = uri_rest(rest, len + 1);
	}
	return true;
}

/* Returns true if a segment of the decoded PATH can't be a file name. */
static bool
uri_has_odd_segment(struct span path)
{
	while (path.len > 0) {
		struct span segment = uri_rest(path, 1); /* after a '/' */

		segment.len = uri_len_until(segment, "/");
		path = uri_rest(path, 1 + segment.len);
		if (span_equal(segment, SPAN(".")) || span_equal(segment, SPAN("..")))
			return true;
		if (segment.len == 0 && path.len > 0)
			return true;
	}
	return false;
}

/* Returns the value of two hexadecimal digits at the front of TEXT, or -1. */
static int
uri_escaped_byte(struct span text)
{
	int high, low;

	if (text.len < 2)
		return -1;
	high = util_hex_value((unsigned char)text.data[0]);
	low = util_hex_value((unsigned char)text.data[1]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

enum uri_path_result
uri_decode_path(struct span path, char *out)
{
	bool odd = false;
	size_t len = 0;

	out[0] = '\0';
	if (path.len == 0 || path.data[0] != '/')
		return URI_PATH_BAD;
	for (size_t i = 0; i < path.len; i++) {
		int c = (unsigned char)path.data[i];

		if (c == '%') {
			/* RFC 3986, section 2.4: decode exactly once. */
			c = uri_escaped_byte(uri_rest(path, i + 1));
			/* An escaped slash is data to its sender and a separator to the file
			 * system. */
			odd = odd || c == '/';
			i += 2;
		}
		/* Negative if the escape is broken. */
		if (c < 0x20 || c == 0x7f)
			return URI_PATH_BAD;
		odd = odd || c == '\\';
		out[len++] = (char)c;
	}
	out[len] = '\0';
	/* RFC 6455, section 8.1: also "during the opening handshake". */
	if (!utf8_valid((const uint8_t *)out, len))
		return URI_PATH_BAD;
	if (uri_has_odd_segment((struct span){out, len}))
		return URI_PATH_UNCLEAN;
	return odd ? URI_PATH_ODD : URI_PATH_OK;
}

void
uri_clean_path(char *path)
{
	bool is_directory = path[strlen(path) - 1] == '/';
	const char *from = path;
	size_t len = 0; /* length of the result, which begins with a '/' or is empty */

	while (*from) {
		struct span segment = {from + 1, strcspn(from + 1, "/")};

		from += 1 + segment.len;
		if (segment.len == 0 || span_equal(segment, SPAN(".")))
			continue;
		if (span_equal(segment, SPAN(".."))) {
			while (len > 0 && path[--len] != '/')
				continue;
			continue;
		}
		path[len] = '/';
		memmove(path + len + 1, segment.data, segment.len);
		len += 1 + segment.len;
	}
	if (len == 0 || is_directory)
		path[len++] = '/';
	path[len] = '\0';
}

bool
uri_put_path(struct buffer *out, const char *path)
{
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;
		char escaped[sizeof("%00")];
		bool plain = util_is_alpha(c) || util_is_digit(c) ||
			     strchr("/-._~!$&'()*+,;=:@", c) != NULL;

		snprintf(escaped, sizeof(escaped), plain ? "%c" : "%%%02X", c);
		if (!buffer_append(out, escaped, strlen(escaped)))
			return false;
	}
	return true;
}

/* Returns true if TEXT is an address of FAMILY in the notation of RFC 3986, section 3.2.2. */
static bool
uri_is_address(int family, struct span text)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return strlen(copy) == text.len && inet_pton(family, copy, &address) == 1;
}

/* Checks a reg-name (RFC 3986, section 3.2.2), which must not be empty in an http URI (RFC
 * 9110, section 4.2.1). */
static bool
uri_is_name(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == '%') {
			if (uri_escaped_byte(uri_rest(text, i + 1)) < 0)
				return false;
			i += 2;
		} else if (!util_is_alpha(c) && !util_is_digit(c) &&
			   (c == '\0' || !strchr("-._~!$&'()*+,;=", c))) {
			return false;
		}
	}
	return text.len > 0;
}

bool
uri_parse_authority(struct span text, struct uri_authority *out)
{
	struct span rest;
	int64_t port;

	memset(out, 0, sizeof(*out));
	if (text.len > 0 && text.data[0] == '[') {
		struct span inner = uri_rest(text, 1);

		inner.len = uri_len_until(inner, "]");
		if (inner.len == text.len - 1 || !uri_is_address(AF_INET6, inner))
			return false;
		out->is_ipv6 = true;
		out->host = inner;
		rest = uri_rest(text, inner.len + 2);
	} else {
		out->host = (struct span){text.data, uri_len_until(text, ":")};
		if (!uri_is_name(out->host))
			return false;
		out->is_ipv4 = uri_is_address(AF_INET, out->host);
		rest = uri_rest(text, out->host.len);
	}
	if (rest.len == 0)
		return true;
	if (rest.data[0] != ':')
		return false;
	rest = uri_rest(rest, 1);
	if (rest.len == 0)
		return true;
	if (util_parse_number(rest, 1, UINT16_MAX, &port))
		return false;
	out->port = (int)port;
	return true;
}
