/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client can do wrong, and what a header shows of it. A part of the decoder: only its
 * files include this.
 */
#ifndef WEBSOCKET_DECODER_CHECK_H
#define WEBSOCKET_DECODER_CHECK_H

#include "websocket/decoder.h"

enum violation {
	VIOLATION_NONE,
	VIOLATION_RSV,
	VIOLATION_OPCODE,
	VIOLATION_CONTROL_FRAGMENT,
	VIOLATION_NO_MESSAGE,
	VIOLATION_IN_MESSAGE,
	VIOLATION_FRAGMENTS,
	VIOLATION_UNMASKED,
	VIOLATION_MASKED,
	VIOLATION_CONTROL_LEN,
	VIOLATION_LEN,
	VIOLATION_TOO_BIG,
	VIOLATION_TEXT,
	VIOLATION_DEFLATE,
	VIOLATION_CLOSE_LEN,
	VIOLATION_CLOSE_CODE,
	VIOLATION_CLOSE_REASON,
	VIOLATION_MEMORY,
};

/* The opcodes from 8 on are those of control frames (section 5.5). */
static inline bool
decoder_is_control(uint8_t opcode)
{
	return opcode & 0x8;
}

/*
 * Checks a header in the order of its bytes, of which the first HAVE are there, so that the
 * verdict is the same wherever reads cut it. SIZE is what frame_read_header() said.
 */
enum violation decoder_check(const struct decoder *d, const uint8_t *bytes, size_t have,
    int size, const struct frame_header *h);

/* The close code of a violation, and the constant text for the log and for our Close. */
void decoder_violation_words(enum violation violation, uint16_t *code, const char **words);

#endif
