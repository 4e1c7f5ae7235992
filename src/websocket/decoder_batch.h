/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path of the decoder: complete messages in one frame each, without an extension,
 * become the records of a program's input in one loop. Pure.
 */
#ifndef WEBSOCKET_DECODER_BATCH_H
#define WEBSOCKET_DECODER_BATCH_H

#include "simd/simd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DECODER_BATCH_GAP = SIMD_GAP, /* bytes */
	DECODER_BATCH_SLACK = SIMD_SLACK, /* bytes after the input that may be read */
	DECODER_NO_SEPARATOR = -1,
};

struct decoder_batch {
	bool text; /* the types to accept */
	bool binary;
	int separator; /* follows each record, and is ASCII; or DECODER_NO_SEPARATOR */
	uint64_t max_message; /* bytes */
	/*
	 * Where the next record goes, within the memory of the input. Nothing is done unless it
	 * is at least DECODER_BATCH_GAP bytes below the next frame.
	 */
	uint8_t *to;
	size_t messages; /* incremented for each record */
	uint64_t bytes; /* incremented by the bytes in each record */
};

/*
 * Converts frames at the front of BYTES, up to the first that is anything else: incomplete, a
 * fragment, a control frame, too long, or wrong. Returns the number of bytes converted.
 * *NOT_UTF8: the next message is a text that is not UTF-8. Then the bytes returned include it,
 * and maybe more.
 */
size_t decoder_batch_take(
    struct decoder_batch *b, const uint8_t *bytes, size_t len, bool *not_utf8);

#endif
