/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 (RFC 3629, section 4): checking bytes as they come, and repairing them.
 * Overlong forms, surrogates and what is above U+10FFFF are refused at the first byte
 * that no valid text could have there.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a text stands between two calls. Zero bytes ({0}) are its beginning. */
struct utf8 {
	uint8_t state; /* of simd_utf8_step(); 0: between two characters */
};

/* Goes on with LEN bytes. False: one of them can't be; STATE is of no use then. */
bool utf8_feed(struct utf8 *state, const uint8_t *bytes, size_t len);

/* True when the text does not end inside a character. */
static inline bool
utf8_complete(const struct utf8 *state)
{
	return state->state == 0;
}

/* True when the LEN bytes are a whole valid text. */
bool utf8_valid(const uint8_t *bytes, size_t len);

/* The length in bytes (1 to 4) of the valid character at the front of BYTES, 0 when there is
 * none. */
size_t utf8_char_len(const uint8_t *bytes, size_t len);

/* A repair that may be cut anywhere: the bytes of a character that is not whole yet are kept
 * back. */
struct utf8_repair {
	struct utf8 state;
	uint8_t partial[4];
	uint8_t partial_len;
};

/* The largest output of utf8_repair() for LEN bytes. */
#define UTF8_REPAIR_MAX(len) (3 * (len) + 6)

/*
 * Copies LEN bytes to OUT and puts U+FFFD for each maximal part of a character
 * that is not valid, as browsers do. LAST: no more will come, so a character
 * that is not whole is replaced too. Adds the number of replacements to
 * *REPLACED and returns the length of the output.
 */
size_t utf8_repair(struct utf8_repair *repair, const uint8_t *bytes, size_t len, bool last,
    uint8_t *out, size_t *replaced);

#endif
