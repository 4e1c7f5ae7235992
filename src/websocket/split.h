/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encoder's short way for what busy programs write: a run of short texts that come whole,
 * each with a separator behind it. They are found and put behind their headers in one tight
 * loop, where a call for each would cost more than the bytes. Pure.
 */
#ifndef WEBSOCKET_SPLIT_H
#define WEBSOCKET_SPLIT_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SPLIT_SLACK = 64, /* bytes behind what is split that may be read, and behind the room
			     for the frames that may be written */
	SPLIT_COPY_MAX = 4096, /* bytes of a text that is cheaper to copy than to point to */
};

/* The bytes of the frames of LEN bytes at most: a separator less, a header of two more; one of
 * four has 126 bytes behind it. */
#define SPLIT_ROOM(len) (2 * (len))

struct split {
	uint8_t separator; /* ASCII */
	bool cr; /* one '\r' before it is not of the text either */
	uint8_t *to; /* where the next frame goes; not among the bytes that are split */
	size_t messages; /* how many were put, and the bytes of text in them */
	uint64_t bytes;
	/* All bytes that were taken are ASCII; it may be false though they are, when something
	 * behind them is not. */
	bool ascii;
	/* The last text that was taken, when it is longer than SPLIT_COPY_MAX: it is not put
	 * and not counted, and nothing was taken behind it. Else .data is NULL. */
	struct span longer;
};

/*
 * Takes texts with their separators from the front of BYTES, up to the last whole one or the
 * first long one, and puts each in one text frame (RFC 6455, section 5.6). Whether they are
 * UTF-8 is not looked at. Returns the bytes that they had, at most LEN.
 */
size_t split_take(struct split *s, const uint8_t *bytes, size_t len);

#endif
