/* SPDX-License-Identifier: BSD-2-Clause */
/* The client side of the opening handshake. */
#include "client/handshake.h"

#include "base/utf8.h"
#include "websocket/deflate_offer.h"
#include "websocket/negotiate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool
handshake_put(struct buffer *out, struct span text)
{
	return buffer_append(out, text.data, text.len);
}

static bool
handshake_put_line(struct buffer *out, struct span name, struct span value)
{
	return handshake_put(out, name) && handshake_put(out, SPAN(": ")) &&
	       handshake_put(out, value) && handshake_put(out, SPAN("\r\n"));
}

/* Reports whether the user gives a header field with this name. */
static bool
handshake_is_given(const struct handshake_offer *offer, struct span name)
{
	for (size_t i = 0; i < offer->header_count; i++) {
		const char *header = offer->headers[i];

		if (span_equal_nocase(
			(struct span){header, (size_t)(strchr(header, ':') - header)}, name))
			return true;
	}
	return false;
}

static bool
handshake_put_host(const struct handshake_offer *offer, struct buffer *out)
{
	return handshake_is_given(offer, SPAN("Host")) ||
	       handshake_put_line(out, SPAN("Host"), offer->url.authority);
}

static bool
handshake_put_subprotocols(const struct handshake_offer *offer, struct buffer *out)
{
	for (size_t i = 0; i < offer->subprotocol_count; i++) {
		if (!handshake_put(
			out, i == 0 ? SPAN("Sec-WebSocket-Protocol: ") : SPAN(", ")) ||
		    !handshake_put(out, span_of(offer->subprotocols[i])))
			return false;
	}
	return offer->subprotocol_count == 0 || handshake_put(out, SPAN("\r\n"));
}

bool
handshake_put_request(const struct handshake_offer *offer,
    const char key[HANDSHAKE_KEY_LEN + 1], struct buffer *out)
{
	const struct url *url = &offer->url;
	char extensions[DEFLATE_OFFER_MAX];
	bool ok = handshake_put(out, SPAN("GET ")) &&
		  (url->target.len > 0 && url->target.data[0] == '/'
			  ? true
			  : handshake_put(out, SPAN("/"))) &&
		  handshake_put(out, url->target) &&
		  handshake_put(out, SPAN(" HTTP/1.1\r\n")) && handshake_put_host(offer, out) &&
		  handshake_put(out, SPAN("Upgrade: websocket\r\nConnection: Upgrade\r\n"
					  "Sec-WebSocket-Version: 13\r\n")) &&
		  handshake_put_line(out, SPAN("Sec-WebSocket-Key"), span_of(key)) &&
		  handshake_put_subprotocols(offer, out);

	if (ok && offer->deflate->on) {
		deflate_offer(offer->deflate, extensions);
		ok = handshake_put_line(
		    out, SPAN("Sec-WebSocket-Extensions"), span_of(extensions));
	}
	if (ok && offer->authorization)
		ok = handshake_put(out, span_of(offer->authorization));
	for (size_t i = 0; i < offer->header_count && ok; i++)
		ok = handshake_put(out, span_of(offer->headers[i])) &&
		     handshake_put(out, SPAN("\r\n"));
	return ok && handshake_put(out, SPAN("\r\n"));
}

/* The response */

static bool
handshake_fail(char why[HANDSHAKE_WHY_MAX], const char *text, struct span shown)
{
	int len = snprintf(why, HANDSHAKE_WHY_MAX, "%s", text);

	if (shown.data)
		handshake_show(shown, why + len, HANDSHAKE_WHY_MAX - (size_t)len);
	return false;
}

/* Section 4.1, item 6 of the response: the subprotocol was offered, and occurs only once
 * (section 11.3.4). */
static bool
handshake_check_subprotocol(const struct handshake_offer *offer, const struct head *head,
    struct handshake_agreed *out, char why[HANDSHAKE_WHY_MAX])
{
	size_t count = head_find(head, "Sec-WebSocket-Protocol", &out->subprotocol);
	bool offered = false;

	if (count == 0 && !offer->require_subprotocol)
		return true;
	if (count == 0)
		return handshake_fail(why,
		    "the server selected none of the subprotocols in --subprotocol",
		    (struct span){0});
	for (size_t i = 0; i < offer->subprotocol_count; i++)
		offered =
		    offered || span_equal(out->subprotocol, span_of(offer->subprotocols[i]));
	if (count > 1 || !offered)
		return handshake_fail(why,
		    "the server selected a subprotocol that was not offered: ",
		    out->subprotocol);
	return true;
}

/* Item 5: only extensions that were offered. */
static bool
handshake_check_extensions(const struct handshake_offer *offer, const struct head *head,
    struct handshake_agreed *out, char why[HANDSHAKE_WHY_MAX])
{
	size_t count = head_find(head, "Sec-WebSocket-Extensions", &out->extensions);

	if (count == 0)
		return true;
	if (!offer->deflate->on)
		return handshake_fail(why,
		    "the server selected an extension that was not offered: ", out->extensions);
	if (count > 1 || !deflate_accept(offer->deflate, out->extensions, &out->deflate))
		return handshake_fail(why,
		    "the server's Sec-WebSocket-Extensions does not fit the offer: ",
		    out->extensions);
	out->deflates = true;
	return true;
}

bool
handshake_check(const struct handshake_offer *offer, const char key[HANDSHAKE_KEY_LEN + 1],
    const struct head *head, struct handshake_agreed *out, char why[HANDSHAKE_WHY_MAX])
{
	char wanted[NEGOTIATE_ACCEPT_LEN + 1];
	struct span value;

	*out = (struct handshake_agreed){0};
	if (head_minor(head) == 0)
		return handshake_fail(
		    why, "the response is HTTP/1.0, not HTTP/1.1", (struct span){0});
	/* Items 2 to 4. */
	if (!head_has_token(head, "Upgrade", "websocket"))
		return handshake_fail(
		    why, "the response has no 'Upgrade: websocket'", (struct span){0});
	if (!head_has_token(head, "Connection", "upgrade"))
		return handshake_fail(
		    why, "the response has no 'Connection: Upgrade'", (struct span){0});
	if (!negotiate_accept(span_of(key), wanted) ||
	    head_find(head, "Sec-WebSocket-Accept", &value) != 1 ||
	    !span_equal(value, span_of(wanted)))
		return handshake_fail(why,
		    "the response's Sec-WebSocket-Accept does not answer the request",
		    (struct span){0});
	return handshake_check_extensions(offer, head, out, why) &&
	       handshake_check_subprotocol(offer, head, out, why);
}

void
handshake_show(struct span text, char *out, size_t size)
{
	bool valid = utf8_valid((const uint8_t *)text.data, text.len);
	size_t len = 0;

	for (size_t i = 0; i < text.len && len + 1 < size; i++) {
		unsigned char c = (unsigned char)text.data[i];
		/* U+0080 to U+009F control a terminal, too. */
		bool control = c < ' ' || c == 0x7f || (c >= 0x80 && !valid) ||
			       (c == 0xc2 && (unsigned char)text.data[i + 1] < 0xa0);

		if (control && c == 0xc2 && valid)
			i++;
		out[len++] = control ? '?' : (char)c;
	}
	/* Don't split a character. */
	while (valid && len + 1 == size && len > 0 && !utf8_valid((uint8_t *)out, len))
		len--;
	out[len] = '\0';
}

/* Copies a URL or path for the log, with '*' in place of user information and query: a redirect
 * may contain a secret. */
static void
handshake_show_location(struct span url, char *out, size_t size)
{
	char text[HEAD_MAX_BYTES + 1], shown[HEAD_MAX_BYTES + 8];
	char *authority, *user_end = NULL, *end;
	bool has_query;

	snprintf(text, sizeof(text), "%.*s", (int)url.len, url.data);
	end = text + strcspn(text, "?#");
	has_query = *end == '?';
	*end = '\0';
	authority = strstr(text, "//");
	if (authority) {
		authority += 2;
		user_end = memrchr(authority, '@', strcspn(authority, "/"));
	}
	snprintf(shown, sizeof(shown), "%.*s%s%s%s", user_end ? (int)(authority - text) : 0,
	    text, user_end ? "*" : "", user_end ? user_end : text, has_query ? "?*" : "");
	handshake_show(span_of(shown), out, size);
}

void
handshake_describe(const struct head *head, char text[HANDSHAKE_WHY_MAX])
{
	int code = head_code(head);
	int len = snprintf(text, HANDSHAKE_WHY_MAX, "HTTP %d", code);
	struct span location;

	if (head_phrase(head).len > 0) {
		text[len++] = ' ';
		handshake_show(head_phrase(head), text + len, HANDSHAKE_WHY_MAX / 4);
		len += (int)strlen(text + len);
	}
	if (code >= 300 && code <= 399 && head_find(head, "Location", &location) == 1) {
		len += snprintf(text + len, HANDSHAKE_WHY_MAX - (size_t)len,
		    "; redirects are not followed: connect to ");
		handshake_show_location(location, text + len, HANDSHAKE_WHY_MAX - (size_t)len);
	}
}
