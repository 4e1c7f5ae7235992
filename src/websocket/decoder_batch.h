/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path of the decoder: converts complete messages in single frames without extensions
 * to the records of a program's input in one loop. Pure.
 */
#ifndef WEBSOCKET_DECODER_BATCH_H
#define WEBSOCKET_DECODER_BATCH_H

#include "simd/simd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DECODER_BATCH_GAP = SIMD_GAP, /* bytes */
	DECODER_BATCH_SLACK = SIMD_SLACK, /* readable bytes after the input */
	DECODER_NO_SEPARATOR = -1,
};

struct decoder_batch {
	bool text; /* the types to accept */
	bool binary;
	int separator; /* follows each record; ASCII, or DECODER_NO_SEPARATOR */
	uint64_t max_message; /* bytes */
	/*
	 * Destination of the next record, within the memory of the input. Nothing is converted
	 * unless it is at least DECODER_BATCH_GAP bytes below the next frame.
	 */
	uint8_t *to;
	size_t messages; /* incremented for each record */
	uint64_t bytes; /* incremented by the bytes in each record */
};

/*
 * Converts frames at the front of BYTES, up to the first one that is incomplete, a fragment, a
 * control frame, too long, or invalid. Returns the number of bytes converted. *NOT_UTF8: the
 * next message is text that is not UTF-8; the bytes returned then include it, and perhaps more.
 */
size_t decoder_batch_take(
    struct decoder_batch *b, const uint8_t *bytes, size_t len, bool *not_utf8);

#endif
