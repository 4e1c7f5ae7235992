/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client can do wrong, and what a header shows of it. A part of the decoder: only its
 * files include this.
 */
#ifndef WEBSOCKET_DECODER_JUDGE_H
#define WEBSOCKET_DECODER_JUDGE_H

#include "websocket/decoder.h"

enum fault {
	FAULT_NONE,
	FAULT_RSV,
	FAULT_OPCODE,
	FAULT_CONTROL_FRAGMENT,
	FAULT_NO_MESSAGE,
	FAULT_IN_MESSAGE,
	FAULT_FRAGMENTS,
	FAULT_UNMASKED,
	FAULT_MASKED,
	FAULT_CONTROL_LEN,
	FAULT_LEN,
	FAULT_TOO_BIG,
	FAULT_TEXT,
	FAULT_DEFLATE,
	FAULT_CLOSE_LEN,
	FAULT_CLOSE_CODE,
	FAULT_CLOSE_REASON,
	FAULT_MEMORY,
};

/* The opcodes from 8 on are those of control frames (section 5.5). */
static inline bool
decoder_is_control(uint8_t opcode)
{
	return opcode & 0x8;
}

/*
 * Judges a header in the order of its bytes, of which the first HAVE are there, so that the
 * verdict is the same wherever reads cut it. SIZE is what frame_read_header() said.
 */
enum fault decoder_judge(const struct decoder *d, const uint8_t *bytes, size_t have, int size,
    const struct frame_header *h);

/* The close code of a fault, and the words for the log and for our CLOSE, constant. */
void decoder_fault_words(enum fault fault, uint16_t *code, const char **words);

#endif
