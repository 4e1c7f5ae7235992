/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Masking and framing (RFC 6455, section 5), compiled once for each instruction set. A file
 * that includes this has defined:
 *
 *	LANE_TARGET             the attribute that its instructions need, or nothing
 *	lane                    a type of LANE_SIZE bytes with the operators ^, & and |
 *	lane_load(p)            from any address
 *	lane_repeat(word)       WORD as often as it fits
 *	lane_has_top(v)         true when a byte has its top bit
 *	lane_find(p, c, &v)     bit N is set where P[N] is C, for 64 bytes; adds them to V
 */
#ifndef SIMD_LOOPS_H
#define SIMD_LOOPS_H

#include "simd/simd.h"

#include <string.h>

#define LOOP_INLINE LANE_TARGET static inline __attribute__((always_inline))

enum {
	LOOP_STEP = 2 * LANE_SIZE, /* bytes that are unmasked at once */
	LOOP_BLOCK = 64, /* bytes that lane_find() looks at */
	LOOP_CHUNK = 16 * 1024, /* bytes of frames for one call of frames_to_records */
	/* Of frames: section 5.2. */
	LOOP_FIN = 0x80,
	LOOP_TEXT = 0x1,
	LOOP_MASKED = 0x80,
	LOOP_MASK_LEN = 4,
	LOOP_LEN_MAX = 125, /* in the second byte itself */
	LOOP_LEN_16 = 126, /* in the two bytes after it */
};

/* A byte of 0xff for each of the first N of LOOP_STEP, at LOOP_STEP - N. */
static const uint8_t loop_own[2 * LOOP_STEP] = {[0 ... LOOP_STEP - 1] = 0xff};

/*
 * Unmasks LOOP_STEP bytes and returns the union of both lanes, each of them AND the one at OWN.
 * All are read before one is written, so TO may lie just below FROM.
 */
LOOP_INLINE lane
loop_unmask_step(uint8_t *to, const uint8_t *from, lane keys, const uint8_t *own)
{
	lane a = lane_load(from) ^ keys;
	lane b = lane_load(from + LANE_SIZE) ^ keys;

	memcpy(to, &a, sizeof(a));
	memcpy(to + LANE_SIZE, &b, sizeof(b));
	return own ? (a & lane_load(own)) | (b & lane_load(own + LANE_SIZE)) : a | b;
}

LANE_TARGET static bool
loop_unmask(
    uint8_t *to, const uint8_t *from, size_t len, const uint8_t mask[4], uint64_t offset)
{
	const uint8_t turned[LOOP_MASK_LEN] = {mask[offset % 4], mask[(offset + 1) % 4],
	    mask[(offset + 2) % 4], mask[(offset + 3) % 4]};
	uint32_t key, word, rest = 0;
	lane keys, seen = {0};
	size_t i = 0;

	memcpy(&key, turned, sizeof(key));
	keys = lane_repeat(key);
	for (; len - i >= LOOP_STEP; i += LOOP_STEP)
		seen |= loop_unmask_step(to + i, from + i, keys, NULL);
	for (; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, from + i, sizeof(word));
		word ^= key;
		rest |= word;
		memcpy(to + i, &word, sizeof(word));
	}
	for (; i < len; i++) {
		to[i] = from[i] ^ turned[i % LOOP_MASK_LEN];
		rest |= to[i];
	}
	return !lane_has_top(seen | lane_repeat(rest));
}

/* The length of the header at AT and of its payload; 0 when it is not to be converted. */
LOOP_INLINE size_t
loop_read_header(
    const uint8_t *at, const uint8_t *end, uint8_t first, uint64_t max, size_t *size)
{
	size_t header = 2 + LOOP_MASK_LEN;
	size_t bits = at[1] & 0x7f;

	*size = bits;
	if (at[0] != first || !(at[1] & LOOP_MASKED))
		return 0;
	if (bits > LOOP_LEN_MAX) {
		header += 2;
		*size = (size_t)at[2] << 8 | at[3];
		if (bits != LOOP_LEN_16 || (size_t)(end - at) < header || *size <= LOOP_LEN_MAX)
			return 0;
	}
	return *size <= (size_t)(end - at) - header && *size <= max ? header : 0;
}

LANE_TARGET static size_t
loop_frames_to_records(struct simd_records *r, const uint8_t *bytes, size_t len)
{
	const uint8_t *at = bytes;
	const uint8_t *end = bytes + len;
	const uint8_t first = LOOP_FIN | r->opcode;
	const uint64_t max = r->max_record;
	const uint8_t separator = r->separator;
	const bool separated = r->separated;
	uint8_t *to = r->to;
	lane seen = {0};
	size_t count = 0;

	while (count < SIMD_RECORDS_MAX && end - at >= 2 + LOOP_MASK_LEN &&
	       at - bytes < LOOP_CHUNK) {
		size_t size;
		size_t header = loop_read_header(at, end, first, max, &size);
		uint32_t key;
		size_t i = 0;
		lane keys;

		if (header == 0)
			break;
		at += header;
		memcpy(&key, at - LOOP_MASK_LEN, sizeof(key));
		keys = lane_repeat(key);
		for (; size - i >= LOOP_STEP; i += LOOP_STEP)
			seen |= loop_unmask_step(to + i, at + i, keys, NULL);
		/* The bytes after the record that this writes are below the next frame. */
		if (i < size)
			seen |= loop_unmask_step(
			    to + i, at + i, keys, loop_own + LOOP_STEP - (size - i));
		at += size;
		to += size;
		*to = separator;
		to += separated;
		r->lens[count++] = (uint16_t)size;
	}
	r->to = to;
	r->count = count;
	r->ascii = !lane_has_top(seen);
	return (size_t)(at - bytes);
}

/* Writes a text frame to TO and returns its end. Writes up to LOOP_STEP - 1 bytes after it. */
LOOP_INLINE uint8_t *
loop_put(uint8_t *to, const uint8_t *text, size_t len)
{
	lane first;

	*to++ = LOOP_FIN | LOOP_TEXT;
	if (len <= LOOP_LEN_MAX) {
		*to++ = (uint8_t)len;
	} else {
		*to++ = LOOP_LEN_16;
		*to++ = (uint8_t)(len >> 8);
		*to++ = (uint8_t)len;
	}
	/* Most records fit in one lane. */
	first = lane_load(text);
	memcpy(to, &first, sizeof(first));
	for (size_t i = LANE_SIZE; i < len; i += LOOP_STEP) {
		lane a = lane_load(text + i);
		lane b = lane_load(text + i + LANE_SIZE);

		memcpy(to + i, &a, sizeof(a));
		memcpy(to + i + LANE_SIZE, &b, sizeof(b));
	}
	return to + len;
}

LANE_TARGET static size_t
loop_records_to_frames(struct simd_frames *f, const uint8_t *bytes, size_t len)
{
	const uint8_t separator = f->separator;
	const bool cr = f->cr;
	uint8_t *to = f->to;
	size_t begin = 0; /* of the record whose end is looked for */
	size_t count = 0;
	size_t sum = 0;
	lane seen = {0};

	for (size_t at = 0; at < len && at - begin <= SIMD_RECORD_MAX; at += LOOP_BLOCK) {
		uint64_t found = lane_find(bytes + at, separator, &seen);

		if (len - at < LOOP_BLOCK)
			found &= ((uint64_t)1 << (len - at)) - 1;
		for (; found != 0; found &= found - 1) {
			size_t end = at + (size_t)__builtin_ctzll(found);
			size_t size = end - begin;

			if (cr && size > 0 && bytes[end - 1] == '\r')
				size--;
			to = loop_put(to, bytes + begin, size);
			begin = end + 1;
			count++;
			sum += size;
		}
	}
	f->to = to;
	f->count += count;
	f->bytes += sum;
	f->ascii = !lane_has_top(seen);
	return begin;
}

#endif
