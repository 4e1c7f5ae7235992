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

enum {
	RUN_NO_TAIL = -1,
	RUN_SLACK = 64, /* bytes behind what is to be taken that may be read */
	RUN_HEAD = 64, /* with so much room below a frame, what is put there goes fastest */
};

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
 * *NOT_UTF8: the frame behind those that were taken has a text that is not UTF-8. Then the
 * bytes that are returned hold that one too, and maybe more.
 */
size_t run_take(struct run *r, uint8_t *bytes, size_t len, bool *not_utf8);

#endif
