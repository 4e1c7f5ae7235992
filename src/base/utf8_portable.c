/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 on any machine: an automaton whose step is one load and one shift. A state is the
 * position of six bits in a word; each byte has a word that holds, at the position of each
 * state, the state that comes next. A word of zeros leads to the state BAD and out of it
 * nothing leads: whoever asks at the end learns of any fault before.
 */
#include "base/utf8_vector.h"

#include <string.h>

/* The positions. After the first byte of a character: what its next byte must be. */
enum {
	BAD = 0,
	WHOLE = 6, /* between two characters */
	LAST = 12, /* one more byte, 80..bf */
	LAST_TWO = 18,
	LAST_THREE = 24,
	AFTER_E0 = 30, /* a0..bf, then one more: else it is overlong */
	AFTER_ED = 36, /* 80..9f, then one more: else it is a surrogate */
	AFTER_F0 = 42, /* 90..bf, then two more: else it is overlong */
	AFTER_F4 = 48, /* 80..8f, then two more: else it is above U+10FFFF */
};

#define FROM(state, next) ((uint64_t)(next) << (state))
#define ANY_CONTINUATION (FROM(LAST, WHOLE) | FROM(LAST_TWO, LAST) | FROM(LAST_THREE, LAST_TWO))

/* The table of RFC 3629, section 4; c0, c1 and f5..ff are in no text. */
static const uint64_t utf8_steps[256] = {
    [0x00 ... 0x7f] = FROM(WHOLE, WHOLE),
    [0x80 ... 0x8f] = ANY_CONTINUATION | FROM(AFTER_ED, LAST) | FROM(AFTER_F4, LAST_TWO),
    [0x90 ... 0x9f] = ANY_CONTINUATION | FROM(AFTER_ED, LAST) | FROM(AFTER_F0, LAST_TWO),
    [0xa0 ... 0xbf] = ANY_CONTINUATION | FROM(AFTER_E0, LAST) | FROM(AFTER_F0, LAST_TWO),
    [0xc2 ... 0xdf] = FROM(WHOLE, LAST),
    [0xe0] = FROM(WHOLE, AFTER_E0),
    [0xe1 ... 0xec] = FROM(WHOLE, LAST_TWO),
    [0xed] = FROM(WHOLE, AFTER_ED),
    [0xee ... 0xef] = FROM(WHOLE, LAST_TWO),
    [0xf0] = FROM(WHOLE, AFTER_F0),
    [0xf1 ... 0xf3] = FROM(WHOLE, LAST_THREE),
    [0xf4] = FROM(WHOLE, AFTER_F4),
};

/* How much is looked at before it is stepped through, as it may be all ASCII. */
enum { STRIDE = 32 };

static bool
utf8_portable_is_ascii(const uint8_t *bytes)
{
	uint64_t words[STRIDE / sizeof(uint64_t)];

	memcpy(words, bytes, sizeof(words));
	return !((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u);
}

/* Only the low six bits of STATE mean something. */
static inline uint64_t
utf8_portable_step(uint64_t state, uint8_t c)
{
	return utf8_steps[c] >> (state & 63);
}

static uint64_t
utf8_portable_steps(uint64_t state, const uint8_t *bytes, size_t len)
{
	for (; len >= 4; bytes += 4, len -= 4) {
		state = utf8_portable_step(state, bytes[0]);
		state = utf8_portable_step(state, bytes[1]);
		state = utf8_portable_step(state, bytes[2]);
		state = utf8_portable_step(state, bytes[3]);
	}
	for (; len > 0; bytes++, len--)
		state = utf8_portable_step(state, *bytes);
	return state;
}

bool
utf8_portable_valid(const uint8_t *bytes, size_t len)
{
	uint64_t state = WHOLE;

	for (; len >= STRIDE; bytes += STRIDE, len -= STRIDE) {
		if ((state & 63) != WHOLE || !utf8_portable_is_ascii(bytes))
			state = utf8_portable_steps(state, bytes, STRIDE);
	}
	return (utf8_portable_steps(state, bytes, len) & 63) == WHOLE;
}

bool
utf8_portable_supported(void)
{
	return true;
}
