/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of the opening handshake (RFC 6455, section 4.1): its request, and the
 * check of the response. Pure: text in, text out.
 */
#ifndef CLIENT_HANDSHAKE_H
#define CLIENT_HANDSHAKE_H

#include "base/buffer.h"
#include "http/head.h"
#include "http/url.h"
#include "websocket/deflate.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	HANDSHAKE_KEY_LEN = 24, /* 16 bytes in base64 */
	HANDSHAKE_WHY_MAX = 512,
};

/* What is requested; all borrowed. */
struct handshake_offer {
	struct url url;
	char *const *headers; /* "Name: value" */
	size_t header_count;
	const char *authorization; /* a header line with its CR LF; NULL: none */
	char *const *subprotocols; /* the preferred one first */
	size_t subprotocol_count;
	bool require_subprotocol;
	const struct deflate_settings *deflate;
};

/* What both agreed on. */
struct handshake_agreed {
	struct span subprotocol; /* of the response; empty: none */
	struct span extensions; /* likewise */
	bool deflates;
	struct deflate_agreed
	    deflate; /* from the point of view of a server: ours are its peer's */
};

/* Appends the request. KEY is random (section 4.1, item 7). False without memory. */
bool handshake_put_request(const struct handshake_offer *offer,
    const char key[HANDSHAKE_KEY_LEN + 1], struct buffer *out)
    __attribute__((warn_unused_result));

/* Checks a complete 101. False: WHY is the reason. */
bool handshake_check(const struct handshake_offer *offer, const char key[HANDSHAKE_KEY_LEN + 1],
    const struct head *head, struct handshake_agreed *out, char why[HANDSHAKE_WHY_MAX])
    __attribute__((warn_unused_result));

/* Describes a response that is not a 101, of a server or of a proxy: "403 Forbidden". */
void handshake_describe(const struct head *head, char text[HANDSHAKE_WHY_MAX]);

/* Copies text of the other side, in which what could control a terminal is replaced. */
void handshake_show(struct span text, char *out, size_t size);

#endif
