/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of split_take(), built once for each kind of machine (split_*.c), which differ in
 * how they look at a block of SPLIT_BLOCK bytes.
 */
#ifndef WEBSOCKET_SPLIT_LOOP_H
#define WEBSOCKET_SPLIT_LOOP_H

#include "websocket/frame.h"
#include "websocket/split.h"

#include <stdbool.h>
#include <string.h>

enum {
	SPLIT_BLOCK = 64,
	SPLIT_STEP = 16, /* bytes that are copied at once: for a few that is less than a call */
	SPLIT_STEPS_MAX = 256, /* bytes; above, memcpy() is faster */
	SPLIT_FAR =
	    256, /* bytes of a text, of the last or this one, from which on to skip pays */
};

/*
 * How a kind of machine looks. Both set bits of *TOPS when a byte that they went over has its
 * top bit, or when they did not look for that.
 */

/* Bit N of the result is set where BYTES[N] is C. All SPLIT_BLOCK bytes are read. */
typedef uint64_t split_block(const uint8_t *bytes, uint8_t c, uint64_t *tops);
/* How many bytes at the front have no C: as many as are gone over fast, maybe none. */
typedef size_t split_skip(const uint8_t *bytes, size_t len, uint8_t c, uint64_t *tops);

/* Puts a text frame at TO and returns its end. */
static inline __attribute__((always_inline)) uint8_t *
split_put(uint8_t *to, const uint8_t *text, size_t len)
{
	if (len <= FRAME_CONTROL_MAX) {
		to[0] = 0x80 | FRAME_TEXT;
		to[1] = (uint8_t)len;
		to += 2;
	} else {
		to += frame_write_header(to, true, 0, FRAME_TEXT, len);
	}
	if (len > SPLIT_STEPS_MAX) {
		memcpy(to, text, len);
	} else {
		for (size_t i = 0; i < len; i += SPLIT_STEP)
			memcpy(to + i, text + i, SPLIT_STEP);
	}
	return to + len;
}

static inline __attribute__((always_inline)) size_t
split_loop(
    struct split *s, const uint8_t *bytes, size_t len, split_block *block, split_skip *skip)
{
	const uint8_t separator = s->separator;
	const bool cr = s->cr;
	uint8_t *to = s->to;
	uint8_t rest[SPLIT_BLOCK];
	uint64_t tops = 0;
	size_t begin = 0; /* of the text that is looked for */
	size_t texts = 0;
	size_t taken = 0;
	size_t at = 0;
	size_t size = 0; /* of the last one */

	s->longer.data = NULL;
	while (at < len && !s->longer.data) {
		const uint8_t *from = bytes + at;
		uint64_t found;
		bool empty;

		if (len - at < SPLIT_BLOCK) {
			memset(rest, (separator + 1) & 0x7f, sizeof(rest));
			memcpy(rest, from, len - at);
			from = rest;
		}
		found = block(from, separator, &tops);
		empty = found == 0;
		for (; found != 0; found &= found - 1) {
			size_t end = at + (size_t)__builtin_ctzll(found);

			size = end - begin;
			if (cr && size > 0 && bytes[end - 1] == '\r')
				size--;
			if (size > SPLIT_COPY_MAX) {
				s->longer = (struct span){(const char *)bytes + begin, size};
				begin = end + 1;
				break;
			}
			to = split_put(to, bytes + begin, size);
			begin = end + 1;
			texts++;
			taken += size;
		}
		at += SPLIT_BLOCK;
		if (empty && at < len && (size > SPLIT_FAR || at - begin > SPLIT_FAR))
			at += skip(bytes + at, len - at, separator, &tops);
	}
	s->to = to;
	s->messages += texts;
	s->bytes += taken;
	s->ascii = tops == 0;
	return begin;
}

#endif
