/* SPDX-License-Identifier: BSD-2-Clause */
/* Incremental validation and repair of UTF-8. */
#include "base/utf8.h"

#include "simd/simd.h"

#include <string.h>

/* Advances by one byte. */
static bool
utf8_step(struct utf8 *utf8, uint8_t byte)
{
	return simd_utf8_step(&utf8->state, byte);
}

bool
utf8_valid(const uint8_t *bytes, size_t len)
{
	return simd->utf8_valid(bytes, len);
}

/* Returns the number of bytes at the end that begin an incomplete character. If the bytes
 * before them are not valid text, no further bytes can make it valid. */
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

	for (; !utf8_complete(state) && len > 0; bytes++, len--) {
		if (!utf8_step(state, *bytes))
			return false;
	}
	begun = utf8_begun_len(bytes, len);
	if (!utf8_valid(bytes, len - begun))
		return false;
	for (bytes += len - begun; begun > 0; bytes++, begun--) {
		if (!utf8_step(state, *bytes))
			return false;
	}
	return true;
}

size_t
utf8_char_len(const uint8_t *bytes, size_t len)
{
	struct utf8 state = {0};

	for (size_t i = 0; i < len && utf8_step(&state, bytes[i]); i++) {
		if (utf8_complete(&state))
			return i + 1;
	}
	return 0;
}

size_t
utf8_repair(struct utf8_repair *repair, const uint8_t *bytes, size_t len, bool last,
    uint8_t *out, size_t *replaced)
{
	uint8_t *to = out;
	size_t i = 0;

	while (i < len || (last && repair->partial_len > 0)) {
		bool valid = i < len && utf8_step(&repair->state, bytes[i]);

		if (valid) {
			repair->partial[repair->partial_len++] = bytes[i++];
			if (!utf8_complete(&repair->state))
				continue;
			memcpy(to, repair->partial, repair->partial_len);
			to += repair->partial_len;
		} else {
			/* A byte that interrupts a character may begin the next one. */
			i += repair->partial_len == 0;
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
			(*replaced)++;
		}
		*repair = (struct utf8_repair){0};
	}
	return (size_t)(to - out);
}
