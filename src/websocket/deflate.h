/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * permessage-deflate (RFC 7692): its negotiation, over plain strings, and the
 * two codecs, over bytes. Pure; what zlib keeps is the only state.
 *
 * A codec takes its memory from zlib with the first message that needs it. With context
 * takeover it must keep it, since the next message may refer to this one (section 7.1.1);
 * without, deflater_rest() and inflater_rest() give it back between messages.
 */
#ifndef WEBSOCKET_DEFLATE_H
#define WEBSOCKET_DEFLATE_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the server wants. */
struct deflate_settings {
	bool on;
	bool takeover; /* false: no context takeover, in both directions */
	bool shares; /* what the server sends is compressed once for all clients */
	int64_t window; /* DEFLATE_WINDOW_MIN to _MAX: the largest window of either direction,
			   in bits */
	int64_t level; /* of zlib, 1 to 9 */
	int64_t min; /* bytes: a smaller message leaves as it is */
};

enum {
	DEFLATE_WINDOW_MIN = 9, /* zlib can't compress with 8 */
	DEFLATE_WINDOW_MAX = 15,
	DEFLATE_WINDOW_INITIAL = 11,
	DEFLATE_LEVEL_INITIAL = 4, /* measured: doc/design.md, section 3 */
	DEFLATE_MIN_INITIAL = 64,
	DEFLATE_MIN_MAX = 1024 * 1024,
	DEFLATE_OFFERS_MAX = 16, /* what a client offers beyond is not looked at */
};

/* What was agreed with one client. */
struct deflate_agreed {
	uint8_t server_bits; /* the window of what the server sends; 9 to 15 */
	uint8_t client_bits; /* of what the client sends; 8 to 15 */
	bool server_takeover;
	bool client_takeover;
	bool says_server_bits; /* the answer names them */
	bool says_client_bits;
};

/* Compression of what the server sends. */
struct deflater;

/* NULL without memory. */
struct deflater *deflater_new(const struct deflate_agreed *agreed, int level);
/* Accepts NULL. */
void deflater_free(struct deflater *d);

/* The room that LEN bytes may need. */
size_t deflater_bound(size_t len);

/*
 * Compresses the next part of a message, LAST when it is the last one (else not empty), to OUT,
 * which has room for deflater_bound(LEN) bytes. Each part is complete on the wire: nothing of
 * it is kept back. Returns the length, at least 1, or 0 when there is no memory: the deflater
 * is of no use then.
 */
size_t deflater_put(
    struct deflater *d, const uint8_t *bytes, size_t len, bool last, uint8_t *out);

/* True when the next message does not refer to earlier ones. */
bool deflater_is_fresh(const struct deflater *d);

/* Between messages: without context takeover, gives its memory back. */
void deflater_rest(struct deflater *d);

/* No message will follow: gives its memory back. Accepts NULL. */
void deflater_drop(struct deflater *d);

/* Decompression of what a client sends. */
struct inflater;

enum inflater_result {
	INFLATER_MORE, /* all that was fed is used up */
	INFLATER_FULL, /* OUT is full; call again */
	INFLATER_BAD, /* not DEFLATE data (RFC 1951) */
	INFLATER_NOMEM,
};

/* NULL without memory. */
struct inflater *inflater_new(const struct deflate_agreed *agreed);
/* Accepts NULL. */
void inflater_free(struct inflater *f);

/* Begins a message. False without memory. */
bool inflater_begin(struct inflater *f) __attribute__((warn_unused_result));

/* Gives it the next LEN bytes of the message, borrowed until inflater_next() returns something
 * other than INFLATER_FULL. */
void inflater_feed(struct inflater *f, const uint8_t *bytes, size_t len);

/* Decompresses to OUT, at most ROOM bytes, and sets *LEN to their number, also when the
 * rest is BAD. */
enum inflater_result inflater_next(struct inflater *f, uint8_t *out, size_t room, size_t *len);

/* Takes back what was fed and not used up; returns how many bytes that are. What comes out of
 * the others is still to be asked for. */
size_t inflater_take_back(struct inflater *f);

/* Ends the message; false when its data is not complete. */
bool inflater_end(struct inflater *f) __attribute__((warn_unused_result));

/* Between messages: without context takeover, gives its memory back. */
void inflater_rest(struct inflater *f);

/* No message will follow: gives its memory back. Accepts NULL. */
void inflater_drop(struct inflater *f);

#endif
