/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes -> messages and control frames: the counterpart of peer/sender. It chooses between the
 * fast path of the decoder and its single steps, and keeps what is not wanted yet.
 */
#ifndef PEER_RECEIVER_H
#define PEER_RECEIVER_H

#include "base/batch.h"
#include "websocket/decoder.h"

struct receiver {
	struct decoder decoder;
	const struct batch_format *format; /* borrowed: what messages are to be */
	struct inflater *inflater; /* owned; NULL: no compression was agreed on */
	struct buffer rest; /* owned: of a read, kept until more is wanted */
};

struct receiver_handlers {
	bool (*on_messages)(void *arg, struct batch *batch); /* as in struct peer_handlers */
	void (*on_ping)(void *arg, struct span payload);
	void (*on_close)(void *arg, uint16_t code, struct span reason);
	void (*on_fail)(void *arg, uint16_t code, const char *reason); /* as DECODER_FAIL */
};

/* Reports what is in LEN bytes, which are changed; what is not wanted for now stays in REST, to
 * be decoded before anything else is read. */
void receiver_decode(struct receiver *r, uint8_t *bytes, size_t len,
    const struct receiver_handlers *handlers, void *arg);

/* Nothing more is received: frees all but the inflater. It may be called within
 * receiver_decode(). */
void receiver_stop(struct receiver *r);

#endif
