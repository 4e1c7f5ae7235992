/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Incremental validation and repair of UTF-8 (RFC 3629, section 4). Overlong forms, surrogates
 * and code points above U+10FFFF are rejected at the first byte that can't be part of valid
 * text.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state between two calls. Zeroed ({0}): start of text. */
struct utf8 {
	uint8_t state; /* state of simd_utf8_step(); 0: between two characters */
};

/* Validates the next LEN bytes. Returns false if one of them is invalid; STATE is then
 * unusable. */
bool utf8_feed(struct utf8 *state, const uint8_t *bytes, size_t len);

/* Returns true if the text does not end inside a character. */
static inline bool
utf8_complete(const struct utf8 *state)
{
	return state->state == 0;
}

/* Returns true if the LEN bytes are a complete valid text. */
bool utf8_valid(const uint8_t *bytes, size_t len);

/* Returns the length in bytes (1 to 4) of the valid character at the front of BYTES, or 0. */
size_t utf8_char_len(const uint8_t *bytes, size_t len);

/* The state of an incremental repair: keeps the bytes of an incomplete character. */
struct utf8_repair {
	struct utf8 state;
	uint8_t partial[4];
	uint8_t partial_len;
};

/* Maximum output of utf8_repair() for LEN bytes. */
#define UTF8_REPAIR_MAX(len) (3 * (len) + 6)

/*
 * Copies LEN bytes to OUT, replacing each maximal part of an invalid character by U+FFFD, as
 * browsers do. LAST: end of the text, so an incomplete character is replaced, too. Adds the
 * number of replacements to *REPLACED and returns the length of the output.
 */
size_t utf8_repair(struct utf8_repair *repair, const uint8_t *bytes, size_t len, bool last,
    uint8_t *out, size_t *replaced);

#endif
