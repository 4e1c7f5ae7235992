/* SPDX-License-Identifier: BSD-2-Clause */
/* The URL of a WebSocket or of a proxy. */
#include "http/url.h"

#include "http/uri.h"

#include <string.h>
#include <strings.h>

enum {
	URL_PORT = 80,
	URL_PORT_SECURE = 443,
	URL_PORT_PROXY = 1080, /* curl's default */
};

static bool
url_starts_with(const char *text, const char *scheme)
{
	return strncasecmp(text, scheme, strlen(scheme)) == 0;
}

/* Checks that each '%' begins an escape, and that every byte is valid in a URL. Returns the
 * error, or NULL. */
static const char *
url_check_bytes(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p <= ' ' || *p == 0x7f || strchr("\"<>\\^`{|}", *p))
			return "contains a character that must be escaped as %XX";
		if (*p == '%' && (util_hex_value((unsigned char)p[1]) < 0 ||
				     util_hex_value((unsigned char)p[2]) < 0))
			return "contains a '%' that begins no escape (%XX)";
		/* RFC 6455, section 3. */
		if (*p == '#')
			return "contains a fragment (#), which a WebSocket can't have";
	}
	return NULL;
}

/* Parses what follows the scheme. */
static const char *
url_parse_rest(const char *text, struct url *out)
{
	struct span authority = {text, strcspn(text, "/?")};
	const char *at = memrchr(text, '@', authority.len);
	struct uri_authority parsed;

	out->target = span_of(text + authority.len);
	if (at) {
		out->has_user = true;
		out->user = (struct span){text, (size_t)(at - text)};
		authority = (struct span){at + 1, authority.len - out->user.len - 1};
	}
	if (!uri_parse_authority(authority, &parsed))
		return "needs a host, and optionally a port up to 65535: HOST[:PORT]";
	out->authority = authority;
	out->host = parsed.host;
	if (parsed.port != 0)
		out->port = (uint16_t)parsed.port;
	return NULL;
}

const char *
url_parse(const char *text, struct url *out)
{
	const char *wrong = url_check_bytes(text);

	*out = (struct url){.port = URL_PORT};
	if (wrong)
		return wrong;
	if (url_starts_with(text, "ws://"))
		return url_parse_rest(text + 5, out);
	if (!url_starts_with(text, "wss://"))
		return "needs ws:// or wss:// before HOST[:PORT]";
	out->secure = true;
	out->port = URL_PORT_SECURE;
	return url_parse_rest(text + 6, out);
}

const char *
url_parse_proxy(const char *text, struct url *out)
{
	const char *wrong = url_check_bytes(text);

	*out = (struct url){.port = URL_PORT_PROXY};
	if (wrong)
		return wrong;
	if (url_starts_with(text, "http://"))
		text += 7;
	else if (strstr(text, "://"))
		return "needs http://, the only kind of proxy that is supported";
	return url_parse_rest(text, out);
}

bool
url_put_user(struct span user, struct buffer *out)
{
	for (size_t i = 0; i < user.len; i++) {
		unsigned char c = (unsigned char)user.data[i];

		if (c == '%') {
			c = (unsigned char)(util_hex_value((unsigned char)user.data[i + 1]) *
						16 +
					    util_hex_value((unsigned char)user.data[i + 2]));
			i += 2;
		}
		if (!buffer_append(out, &c, 1))
			return false;
	}
	return true;
}
