/* SPDX-License-Identifier: BSD-2-Clause */
/* The URL of a WebSocket or of a proxy (RFC 3986; RFC 6455, section 3). Pure. */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/buffer.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

/* The parts of a URL, as spans of its text. */
struct url {
	bool secure; /* wss or https */
	bool has_user;
	struct span user; /* user information, escaped */
	struct span authority; /* HOST[:PORT] as given */
	struct span host; /* without the brackets of an IPv6 address */
	uint16_t port; /* the scheme's default if not given */
	struct span target; /* path and query; may be empty or begin with '?' */
};

/* Parses a "ws://" or "wss://" URL. Returns NULL, or why TEXT is invalid: a sentence that does
 * not quote it, because it may contain a password. */
const char *url_parse(const char *text, struct url *out) __attribute__((warn_unused_result));

/* Parses the URL of a proxy: an authority with an optional "http://". */
const char *url_parse_proxy(const char *text, struct url *out)
    __attribute__((warn_unused_result));

/* Appends user information with escapes decoded. Returns false if memory runs out. */
bool url_put_user(struct span user, struct buffer *out) __attribute__((warn_unused_result));

#endif
