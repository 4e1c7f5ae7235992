/* SPDX-License-Identifier: BSD-2-Clause */
/* Negotiates permessage-deflate (RFC 7692), over plain strings. Pure. */
#ifndef WEBSOCKET_DEFLATE_OFFER_H
#define WEBSOCKET_DEFLATE_OFFER_H

#include "websocket/deflate.h"

enum deflate_result {
	DEFLATE_NONE, /* no acceptable offer: respond without the extension */
	DEFLATE_AGREED, /* deflate_answer() writes it */
	/* Syntax error by RFC 6455, section 9.1, which requires to fail the handshake. */
	DEFLATE_BROKEN,
};

/*
 * Reads the offers in the COUNT values of Sec-WebSocket-Extensions in order and accepts the
 * first acceptable one (RFC 7692, section 5), in one pass over at most DEFLATE_OFFERS_MAX
 * offers.
 */
enum deflate_result deflate_negotiate(const struct deflate_settings *settings,
    const struct span *values, size_t count, struct deflate_agreed *out);

/* Writes the value of the response field, NUL-terminated, and returns its length. */
enum { DEFLATE_ANSWER_MAX = 160 };
size_t deflate_answer(const struct deflate_agreed *agreed, char out[DEFLATE_ANSWER_MAX]);

/* Client: writes its only offer, NUL-terminated. */
enum { DEFLATE_OFFER_MAX = 160 };
void deflate_offer(const struct deflate_settings *settings, char out[DEFLATE_OFFER_MAX]);

/*
 * Client: reads the response. Returns false if it does not match the offer, or requires what
 * zlib can't do. In *OUT the sides are swapped, so that both codecs are created like those of a
 * server: its server is this client.
 */
bool deflate_accept(const struct deflate_settings *settings, struct span value,
    struct deflate_agreed *out) __attribute__((warn_unused_result));

#endif
