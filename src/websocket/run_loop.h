/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The innermost loop of a run, built once for each kind of machine (run_lines_*.c), which
 * differ in how many bytes a step takes only.
 */
#ifndef WEBSOCKET_RUN_LOOP_H
#define WEBSOCKET_RUN_LOOP_H

#include "websocket/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	RUN_CHUNK = 256, /* texts */
	RUN_CHUNK_BYTES = 16 * 1024, /* so that they are still near when they are checked */
	RUN_STEP = 64,
};

/* What is put in one go: texts, each with a tail behind it. */
struct run_lines {
	uint64_t max_message;
	uint8_t tail;
	uint8_t *to; /* at least RUN_STEP bytes below the first frame */
	size_t count;
	bool ascii; /* all of them are */
	uint16_t lens[RUN_CHUNK];
};

/*
 * Unmasks whole text frames from the front of BYTES, at most RUN_CHUNK, and looks at nothing
 * but their headers. Returns the bytes that they had. It reads up to RUN_STEP - 1 bytes behind
 * LEN.
 */
size_t run_lines(struct run_lines *r, const uint8_t *bytes, size_t len);

/* The header of a whole text frame of the simplest form at AT: its length, 0 when it is none.
 */
static inline __attribute__((always_inline)) size_t
run_header(const uint8_t *at, const uint8_t *end, uint64_t max_message, size_t *size)
{
	size_t header = 2 + FRAME_MASK_LEN;
	size_t bits = at[1] & 0x7f;

	*size = bits;
	if (at[0] != (0x80 | FRAME_TEXT) || !(at[1] & 0x80))
		return 0;
	if (bits > FRAME_CONTROL_MAX) {
		header += 2;
		*size = (size_t)at[2] << 8 | at[3];
		if (bits != 126 || (size_t)(end - at) < header || *size <= FRAME_CONTROL_MAX)
			return 0;
	}
	return *size <= (size_t)(end - at) - header && *size <= max_message ? header : 0;
}

/* Bytes of the last step of a text that are its own, by where in here it begins. */
static const uint8_t run_own[2 * RUN_STEP] = {[0 ... RUN_STEP - 1] = 0xff};

/* run_lines(). What a step writes beyond a text is written again by the next, or is below the
 * next frame. */
static inline __attribute__((always_inline)) size_t
run_loop(struct run_lines *r, const uint8_t *bytes, size_t len)
{
	typedef uint8_t lane __attribute__((vector_size(32)));
	typedef uint32_t words __attribute__((vector_size(32)));
	const uint8_t *at = bytes;
	const uint8_t *end = bytes + len;
	/* It is set, unlike the places in R for what is found. */
	/* cppcheck-suppress ctuuninitvar */
	uint8_t *to = r->to;
	size_t count = 0;
	lane seen = {0};
	uint8_t tops = 0;

	while (count < RUN_CHUNK && end - at >= 2 + FRAME_MASK_LEN &&
	       at - bytes < RUN_CHUNK_BYTES) {
		size_t size;
		size_t header = run_header(at, end, r->max_message, &size);
		uint32_t key;
		lane keys, a, b;
		size_t i = 0;

		if (header == 0)
			break;
		at += header;
		memcpy(&key, at - FRAME_MASK_LEN, sizeof(key));
		keys = (lane)((words){0} + key);
		for (; size - i >= RUN_STEP; i += RUN_STEP) {
			memcpy(&a, at + i, sizeof(a));
			memcpy(&b, at + i + sizeof(a), sizeof(b));
			a ^= keys;
			b ^= keys;
			seen |= a | b;
			memcpy(to + i, &a, sizeof(a));
			memcpy(to + i + sizeof(a), &b, sizeof(b));
		}
		if (i < size) {
			const uint8_t *own = run_own + RUN_STEP - (size - i);
			lane own_a, own_b;

			memcpy(&a, at + i, sizeof(a));
			memcpy(&b, at + i + sizeof(a), sizeof(b));
			memcpy(&own_a, own, sizeof(own_a));
			memcpy(&own_b, own + sizeof(own_a), sizeof(own_b));
			a ^= keys;
			b ^= keys;
			seen |= (a & own_a) | (b & own_b);
			memcpy(to + i, &a, sizeof(a));
			memcpy(to + i + sizeof(a), &b, sizeof(b));
		}
		at += size;
		to += size;
		*to++ = r->tail;
		r->lens[count++] = (uint16_t)size;
	}
	for (size_t i = 0; i < sizeof(seen); i++)
		tops |= seen[i];
	r->ascii = tops < 0x80;
	r->to = to;
	r->count = count;
	return (size_t)(at - bytes);
}

#endif
