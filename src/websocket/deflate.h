/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * permessage-deflate (RFC 7692): its negotiation, over plain strings, and the two codecs, over
 * bytes. Pure; the only state is zlib's.
 *
 * A codec allocates its zlib memory with the first message that needs it. With context takeover
 * it must keep it, because the next message may refer to this one (section 7.1.1); without,
 * deflater_rest() and inflater_rest() free it between messages.
 */
#ifndef WEBSOCKET_DEFLATE_H
#define WEBSOCKET_DEFLATE_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The server's settings. */
struct deflate_settings {
	bool on;
	bool takeover; /* false: no context takeover, in both directions */
	bool shares; /* output is compressed once for all clients */
	/* DEFLATE_WINDOW_MIN to _MAX: maximum window of either direction, in bits */
	int64_t window;
	int64_t level; /* zlib level, 1 to 9 */
	int64_t min; /* bytes: smaller messages are sent uncompressed */
};

enum {
	DEFLATE_WINDOW_MIN = 9, /* zlib can't compress with 8 */
	DEFLATE_WINDOW_MAX = 15,
	DEFLATE_WINDOW_INITIAL = 11,
	DEFLATE_LEVEL_INITIAL = 4, /* measured: doc/design.md, section 3 */
	DEFLATE_MIN_INITIAL = 64,
	DEFLATE_MIN_MAX = 1024 * 1024,
	DEFLATE_OFFERS_MAX = 16, /* further offers of a client are ignored */
};

/* The parameters negotiated with one client. */
struct deflate_agreed {
	uint8_t server_bits; /* window of the server's output, 9 to 15 */
	uint8_t client_bits; /* window of the client's output, 8 to 15 */
	bool server_takeover;
	bool client_takeover;
	bool says_server_bits; /* the response names them */
	bool says_client_bits;
};

/* Compresses the output of the server. */
struct deflater;

/* Returns NULL if memory runs out. */
struct deflater *deflater_new(const struct deflate_agreed *agreed, int level);
/* Frees D; accepts NULL. */
void deflater_free(struct deflater *d);

/* Returns the room that LEN bytes may need. */
size_t deflater_bound(size_t len);

/*
 * Compresses the next part of a message to OUT, which has room for deflater_bound(LEN) bytes.
 * LAST: the last part, which alone may be empty. Each part is complete on the wire: nothing is
 * held back. Returns the length, at least 1, or 0 if memory runs out: the deflater is then
 * unusable.
 */
size_t deflater_put(
    struct deflater *d, const uint8_t *bytes, size_t len, bool last, uint8_t *out);

/* Returns true if the next message does not refer to earlier ones. */
bool deflater_is_fresh(const struct deflater *d);

/* Call between messages: frees the memory of zlib unless there is context takeover. */
void deflater_rest(struct deflater *d);

/* Call after the last message: frees the memory of zlib. Accepts NULL. */
void deflater_drop(struct deflater *d);

/* Decompresses the output of a client. */
struct inflater;

enum inflater_result {
	INFLATER_MORE, /* all fed bytes were consumed */
	INFLATER_FULL, /* OUT is full; call again */
	INFLATER_BAD, /* not DEFLATE data (RFC 1951) */
	INFLATER_NOMEM,
};

/* Returns NULL if memory runs out. */
struct inflater *inflater_new(const struct deflate_agreed *agreed);
/* Frees F; accepts NULL. */
void inflater_free(struct inflater *f);

/* Begins a message. Returns false if memory runs out. */
bool inflater_begin(struct inflater *f) __attribute__((warn_unused_result));

/* Feeds the next LEN bytes of the message, borrowed until inflater_next() returns something
 * other than INFLATER_FULL. */
void inflater_feed(struct inflater *f, const uint8_t *bytes, size_t len);

/* Decompresses at most ROOM bytes to OUT and sets *LEN to their number, even if the rest is
 * BAD. */
enum inflater_result inflater_next(struct inflater *f, uint8_t *out, size_t room, size_t *len);

/* Takes back the fed bytes not consumed yet and returns their number. The output of the others
 * must still be fetched. */
size_t inflater_take_back(struct inflater *f);

/* Ends the message. Returns false if its data is incomplete. */
bool inflater_end(struct inflater *f) __attribute__((warn_unused_result));

/* Call between messages: frees the memory of zlib unless there is context takeover. */
void inflater_rest(struct inflater *f);

/* Call after the last message: frees the memory of zlib. Accepts NULL. */
void inflater_drop(struct inflater *f);

#endif
