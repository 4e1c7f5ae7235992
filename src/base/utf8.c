/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8: checking bytes as they come, and repairing them. */
#include "base/utf8.h"

#include "simd/simd.h"

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

bool
utf8_valid(const uint8_t *bytes, size_t len)
{
	return simd->utf8_valid(bytes, len);
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
	begun = utf8_begun_len(bytes, len);
	return utf8_valid(bytes, len - begun) && utf8_step(state, bytes + len - begun, begun);
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
				repair->partial_len = 0;
				continue;
			}
			i++;
			if (repair->state.need > 0) {
				repair->partial[repair->partial_len++] = c;
				continue;
			}
			memcpy(to, repair->partial, repair->partial_len);
			to += repair->partial_len;
			*to++ = c;
			repair->partial_len = 0;
			continue;
		}
		i++;
		if (c < 0x80) {
			*to++ = c;
			continue;
		}
		if (!utf8_lead(&repair->state, c)) {
			to = utf8_put_replacement(to, replaced);
			continue;
		}
		repair->partial[0] = c;
		repair->partial_len = 1;
	}
	if (last && repair->state.need > 0) {
		to = utf8_put_replacement(to, replaced);
		repair->state.need = 0;
		repair->partial_len = 0;
	}
	return (size_t)(to - out);
}
