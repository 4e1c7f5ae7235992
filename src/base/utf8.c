/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8: checking bytes as they come, and repairing them. */
#include "base/utf8.h"

#include "base/utf8_vector.h"

#include <string.h>

/* Begins a character with its first byte, by the table of RFC 3629, section 4. */
static bool
utf8_lead(struct utf8 *state, uint8_t c)
{
	state->low = 0x80;
	state->high = 0xbf;
	if (c < 0x80) {
		state->need = 0;
	} else if (c >= 0xc2 && c <= 0xdf) {
		state->need = 1;
	} else if (c >= 0xe0 && c <= 0xef) {
		state->need = 2;
		if (c == 0xe0)
			state->low = 0xa0; /* else overlong */
		else if (c == 0xed)
			state->high = 0x9f; /* else a surrogate */
	} else if (c >= 0xf0 && c <= 0xf4) {
		state->need = 3;
		if (c == 0xf0)
			state->low = 0x90; /* else overlong */
		else if (c == 0xf4)
			state->high = 0x8f; /* else above U+10FFFF */
	} else {
		return false;
	}
	return true;
}

static bool
utf8_continue(struct utf8 *state, uint8_t c)
{
	if (c < state->low || c > state->high)
		return false;
	state->low = 0x80;
	state->high = 0xbf;
	state->need--;
	return true;
}

/* The number of ASCII bytes at the front, found 32 and then 8 at a time. */
static size_t
utf8_ascii_len(const uint8_t *bytes, size_t len)
{
	size_t i = 0;
	uint64_t word[4];

	while (len - i >= sizeof(word)) {
		memcpy(word, bytes + i, sizeof(word));
		if ((word[0] | word[1] | word[2] | word[3]) & 0x8080808080808080u)
			break;
		i += sizeof(word);
	}
	while (len - i >= sizeof(word[0])) {
		memcpy(word, bytes + i, sizeof(word[0]));
		if (word[0] & 0x8080808080808080u)
			break;
		i += sizeof(word[0]);
	}
	while (i < len && bytes[i] < 0x80)
		i++;
	return i;
}

/* Goes on byte by byte. */
static bool
utf8_step(struct utf8 *state, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!(state->need > 0 ? utf8_continue(state, bytes[i])
				      : utf8_lead(state, bytes[i])))
			return false;
	}
	return true;
}

/* Sixteen bytes in one register, where the machine has such, and smaller parts of a text. */
typedef uint64_t utf8_lane __attribute__((vector_size(16)));

static inline utf8_lane
utf8_load_16(const uint8_t *bytes)
{
	utf8_lane lane;

	memcpy(&lane, bytes, sizeof(lane));
	return lane;
}

static inline uint64_t
utf8_load_8(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static inline uint32_t
utf8_load_4(const uint8_t *bytes)
{
	uint32_t half;

	memcpy(&half, bytes, sizeof(half));
	return half;
}

static inline uint64_t
utf8_fold(utf8_lane lane)
{
	return lane[0] | lane[1];
}

/*
 * The union of the bytes of a text of at most 64: no loop, each length in loads that overlap in
 * its middle.
 */
static inline uint64_t
utf8_short_union(const uint8_t *bytes, size_t len)
{
	if (len >= 32)
		return utf8_fold(
		    (utf8_load_16(bytes) | utf8_load_16(bytes + 16)) |
		    (utf8_load_16(bytes + len - 32) | utf8_load_16(bytes + len - 16)));
	if (len >= 16)
		return utf8_fold(utf8_load_16(bytes) | utf8_load_16(bytes + len - 16));
	if (len >= 8)
		return utf8_load_8(bytes) | utf8_load_8(bytes + len - 8);
	if (len >= 4)
		return utf8_load_4(bytes) | utf8_load_4(bytes + len - 4);
	return len == 0 ? 0 : bytes[0] | bytes[len / 2] | bytes[len - 1];
}

/* True for a text of at most 64 bytes that is all ASCII, as most are. */
static inline bool
utf8_is_short_ascii(const uint8_t *bytes, size_t len)
{
	return len <= 64 && !(utf8_short_union(bytes, len) & 0x8080808080808080u);
}

typedef bool utf8_check(const uint8_t *bytes, size_t len);

static utf8_check utf8_choose;

/* The fastest check that this machine has; the first call finds it. */
static utf8_check *utf8_whole = utf8_choose;

static bool
utf8_choose(const uint8_t *bytes, size_t len)
{
	const struct utf8_vector *vector = utf8_vectors;

	while (!vector->supported())
		vector++;
	utf8_whole = vector->valid;
	return utf8_whole(bytes, len);
}

bool
utf8_valid(const uint8_t *bytes, size_t len)
{
	return utf8_is_short_ascii(bytes, len) || utf8_whole(bytes, len);
}

/* How many bytes at the end begin a character that more bytes must follow. If what is before
 * them is no whole text, then no bytes that follow make it one. */
static size_t
utf8_begun_len(const uint8_t *bytes, size_t len)
{
	static const uint8_t leads[] = {0xc0, 0xe0, 0xf0};

	for (size_t n = 1; n <= sizeof(leads) && n <= len; n++) {
		if (bytes[len - n] >= leads[n - 1])
			return n;
	}
	return 0;
}

bool
utf8_feed(struct utf8 *state, const uint8_t *bytes, size_t len)
{
	size_t begun;

	for (; state->need > 0 && len > 0; bytes++, len--) {
		if (!utf8_continue(state, *bytes))
			return false;
	}
	if (utf8_is_short_ascii(bytes, len))
		return true;
	begun = utf8_begun_len(bytes, len);
	return utf8_whole(bytes, len - begun) && utf8_step(state, bytes + len - begun, begun);
}

size_t
utf8_char_len(const uint8_t *bytes, size_t len)
{
	struct utf8 state = {0};
	size_t i;

	if (len == 0 || !utf8_lead(&state, bytes[0]))
		return 0;
	for (i = 1; state.need > 0; i++) {
		if (i == len || !utf8_continue(&state, bytes[i]))
			return 0;
	}
	return i;
}

/* Writes U+FFFD. */
static uint8_t *
utf8_put_replacement(uint8_t *out, size_t *replaced)
{
	memcpy(out, "\xef\xbf\xbd", 3);
	(*replaced)++;
	return out + 3;
}

size_t
utf8_repair(struct utf8_repair *repair, const uint8_t *bytes, size_t len, bool last,
    uint8_t *out, size_t *replaced)
{
	uint8_t *to = out;
	size_t i = 0;

	while (i < len) {
		uint8_t c = bytes[i];

		if (repair->state.need > 0) {
			if (!utf8_continue(&repair->state, c)) {
				/* C is looked at again, as the first byte of the next
				 * character. */
				to = utf8_put_replacement(to, replaced);
				repair->state.need = 0;
				repair->held_len = 0;
				continue;
			}
			i++;
			if (repair->state.need > 0) {
				repair->held[repair->held_len++] = c;
				continue;
			}
			memcpy(to, repair->held, repair->held_len);
			to += repair->held_len;
			*to++ = c;
			repair->held_len = 0;
			continue;
		}
		size_t ascii = utf8_ascii_len(bytes + i, len - i);

		memcpy(to, bytes + i, ascii);
		to += ascii;
		i += ascii;
		if (i == len)
			break;
		c = bytes[i++];
		if (!utf8_lead(&repair->state, c)) {
			to = utf8_put_replacement(to, replaced);
			continue;
		}
		repair->held[0] = c;
		repair->held_len = 1;
	}
	if (last && repair->state.need > 0) {
		to = utf8_put_replacement(to, replaced);
		repair->state.need = 0;
		repair->held_len = 0;
	}
	return (size_t)(to - out);
}
