/* SPDX-License-Identifier: BSD-2-Clause */
/* Decodes bytes to messages and control frames: the counterpart of peer/sender. Uses the
 * decoder's fast path where possible and keeps input that the user does not accept yet. */
#ifndef PEER_RECEIVER_H
#define PEER_RECEIVER_H

#include "base/batch.h"
#include "websocket/decoder.h"

struct receiver {
	struct decoder decoder;
	const struct batch_format *format; /* borrowed: the format of messages */
	struct inflater *inflater; /* owned; NULL: compression was not negotiated */
	struct buffer rest; /* owned: the rest of a read, not decoded yet */
};

struct receiver_handlers {
	bool (*on_messages)(void *arg, struct batch *batch); /* as in struct peer_handlers */
	void (*on_ping)(void *arg, struct span payload);
	void (*on_close)(void *arg, uint16_t code, struct span reason);
	void (*on_fail)(void *arg, uint16_t code, const char *reason); /* as for DECODER_FAIL */
};

/* Decodes LEN bytes, which are modified, and calls the handlers. If on_messages stops delivery,
 * the rest is kept in REST and must be decoded before anything else is read. */
void receiver_decode(struct receiver *r, uint8_t *bytes, size_t len,
    const struct receiver_handlers *handlers, void *arg);

/* Stops receiving: frees everything but the inflater. May be called from within
 * receiver_decode(). */
void receiver_stop(struct receiver *r);

#endif
