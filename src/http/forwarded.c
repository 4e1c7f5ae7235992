/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses what proxies report about a client. */
#include "http/forwarded.h"

#include "net/cidr.h"

#include <netinet/in.h>
#include <string.h>

static void
forwarded_skip(struct span *text, size_t len)
{
	*text = (struct span){text->data + len, text->len - len};
}

/* Removes a token from the front of TEXT. Returns false if there is none. */
static bool
forwarded_cut_token(struct span *text, struct span *out)
{
	size_t len = 0;

	while (len < text->len && util_is_token_char((unsigned char)text->data[len]))
		len++;
	*out = (struct span){text->data, len};
	forwarded_skip(text, len);
	return len > 0;
}

/* Removes a quoted string from the front of TEXT; *OUT is its content. */
static bool
forwarded_cut_quoted(struct span *text, struct span *out)
{
	size_t end = 1;

	while (end < text->len && text->data[end] != '"')
		end += text->data[end] == '\\' ? 2 : 1;
	if (end >= text->len)
		return false;
	*out = (struct span){text->data + 1, end - 1};
	forwarded_skip(text, end + 1);
	return true;
}

bool
forwarded_parse(struct span element, struct forwarded *out)
{
	const struct {
		const char *name;
		struct span *value;
	} rows[] = {{"for", &out->node}, {"host", &out->host}, {"proto", &out->proto}};
	struct span rest = span_trim(element);
	struct span name, value;

	*out = (struct forwarded){.node = {0}};
	while (rest.len > 0) {
		if (*rest.data == ';') {
			forwarded_skip(&rest, 1);
			rest = span_trim(rest);
			continue;
		}
		if (!forwarded_cut_token(&rest, &name) || rest.len < 2 || *rest.data != '=')
			return false;
		forwarded_skip(&rest, 1);
		if (!(*rest.data == '"' ? forwarded_cut_quoted(&rest, &value)
					: forwarded_cut_token(&rest, &value)))
			return false;
		for (size_t i = 0; i < UTIL_LEN(rows); i++) {
			if (!span_equal_nocase(name, span_of(rows[i].name)))
				continue;
			/* Each parameter may occur only once (section 4). */
			if (rows[i].value->data)
				return false;
			*rows[i].value = value;
		}
		rest = span_trim(rest);
		if (rest.len > 0 && *rest.data != ';')
			return false;
	}
	return true;
}

/* Sets the port of a node, if it is a number. It may also be an identifier (section 6.3). */
static bool
forwarded_set_port(struct span text, struct sockaddr_storage *out)
{
	int64_t port = 0;

	if (text.len == 0)
		return false;
	if (util_is_digit((unsigned char)*text.data)
		? util_parse_number(text, 0, UINT16_MAX, &port) != NULL
		: *text.data != '_')
		return false;
	if (out->ss_family == AF_INET6)
		((struct sockaddr_in6 *)out)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)out)->sin_port = htons((uint16_t)port);
	return true;
}

bool
forwarded_parse_node(struct span node, struct sockaddr_storage *out)
{
	bool is_bracketed = node.len > 0 && *node.data == '[';
	const char *end;
	struct span host, rest;

	if (cidr_parse_address(node, out))
		return true;
	end = node.len > 0 ? memchr(node.data, is_bracketed ? ']' : ':', node.len) : NULL;
	if (!end)
		return false;
	host =
	    (struct span){node.data + is_bracketed, (size_t)(end - node.data) - is_bracketed};
	rest = node;
	forwarded_skip(&rest, (size_t)(end - node.data) + is_bracketed);
	if (!cidr_parse_address(host, out) || (out->ss_family == AF_INET6) != is_bracketed)
		return false;
	if (rest.len == 0)
		return true;
	if (*rest.data != ':')
		return false;
	forwarded_skip(&rest, 1);
	return forwarded_set_port(rest, out);
}
