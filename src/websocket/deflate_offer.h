/* SPDX-License-Identifier: BSD-2-Clause */
/* The negotiation of permessage-deflate (RFC 7692), over plain strings. Pure. */
#ifndef WEBSOCKET_DEFLATE_OFFER_H
#define WEBSOCKET_DEFLATE_OFFER_H

#include "websocket/deflate.h"

enum deflate_result {
	DEFLATE_NONE, /* nothing that was offered can be accepted: answer without the extension
		       */
	DEFLATE_AGREED, /* deflate_answer() writes it */
	DEFLATE_BROKEN, /* not by the grammar of RFC 6455, section 9.1, which asks to fail then
			 */
};

/*
 * Reads the offers in the COUNT values of Sec-WebSocket-Extensions, in their order, and accepts
 * the first that can be (RFC 7692, section 5). In one pass over at most DEFLATE_OFFERS_MAX
 * offers.
 */
enum deflate_result deflate_negotiate(const struct deflate_settings *settings,
    const struct span *values, size_t count, struct deflate_agreed *out);

/* Writes the value of the answer's header field, terminated. Returns its length. */
enum { DEFLATE_ANSWER_MAX = 160 };
size_t deflate_answer(const struct deflate_agreed *agreed, char out[DEFLATE_ANSWER_MAX]);

/* Of a client: writes its one offer, terminated. */
enum { DEFLATE_OFFER_MAX = 160 };
void deflate_offer(const struct deflate_settings *settings, char out[DEFLATE_OFFER_MAX]);

/*
 * Reads the response to it. False: it does not fit the offer, or demands what zlib can't do. In
 * *OUT the two sides are swapped, so that both codecs are made as those of a server: its server
 * is this client.
 */
bool deflate_accept(const struct deflate_settings *settings, struct span value,
    struct deflate_agreed *out) __attribute__((warn_unused_result));

#endif
