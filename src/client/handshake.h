/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client side of the opening handshake (RFC 6455, section 4.1): generates the request and
 * checks the response. Pure: text in, text out.
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

/* The contents of the request. All borrowed. */
struct handshake_offer {
	struct url url;
	char *const *headers; /* "Name: value" */
	size_t header_count;
	const char *authorization; /* header line with CR LF; NULL: none */
	char *const *subprotocols; /* in order of preference */
	size_t subprotocol_count;
	bool require_subprotocol;
	const struct deflate_settings *deflate;
};

/* The result of the negotiation. */
struct handshake_agreed {
	struct span subprotocol; /* from the response; empty: none */
	struct span extensions; /* from the response; empty: none */
	bool deflates;
	/* From the server's point of view: ours are its peer's. */
	struct deflate_agreed deflate;
};

/* Appends the request. KEY must be random (section 4.1, item 7). Returns false if memory runs
 * out. */
bool handshake_put_request(const struct handshake_offer *offer,
    const char key[HANDSHAKE_KEY_LEN + 1], struct buffer *out)
    __attribute__((warn_unused_result));

/* Checks a complete 101. Returns false with the reason in WHY. */
bool handshake_check(const struct handshake_offer *offer, const char key[HANDSHAKE_KEY_LEN + 1],
    const struct head *head, struct handshake_agreed *out, char why[HANDSHAKE_WHY_MAX])
    __attribute__((warn_unused_result));

/* Describes a response of a server or proxy that is not a 101: "403 Forbidden". */
void handshake_describe(const struct head *head, char text[HANDSHAKE_WHY_MAX]);

/* Copies text from the peer, replacing what could control a terminal. */
void handshake_show(struct span text, char *out, size_t size);

#endif
