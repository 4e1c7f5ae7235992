/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder's short way for what busy clients send: a run of messages that come whole, each
 * in one frame, with no extension. They are unmasked, checked and put together in one tight
 * loop, where the decoder's own steps would cost more than the bytes. Pure.
 */
#ifndef WEBSOCKET_RUN_H
#define WEBSOCKET_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RUN_NO_TAIL = -1 };

struct run {
	bool text; /* which messages are taken */
	bool binary;
	int tail; /* a byte that stands behind each; RUN_NO_TAIL: none does */
	uint64_t max_message; /* bytes */
	/*
	 * Where the next one goes: at or below the frame that it comes in. A frame's header is
	 * longer than a tail, so what is put never reaches the next frame.
	 */
	uint8_t *to;
	size_t messages; /* how many were taken, and the bytes in them */
	uint64_t bytes;
};

/*
 * Takes frames from the front of BYTES, up to the first that is anything else: not whole, a
 * fragment, a control frame, above the limit, or wrong. Returns the bytes that they had.
 * *NOT_UTF8 tells that the last of these bytes are a frame with a text that is not UTF-8, which
 * was not taken.
 */
size_t run_take(struct run *r, uint8_t *bytes, size_t len, bool *not_utf8);

#endif
