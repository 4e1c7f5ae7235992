/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client can do wrong, and what a frame's header shows of it. Pure. */
#ifndef WEBSOCKET_DECODER_CHECK_H
#define WEBSOCKET_DECODER_CHECK_H

#include "websocket/frame.h"

struct inflater;

/* Empty fragments of one message, unless set otherwise. */
enum { DECODER_EMPTY_FRAGMENTS_INITIAL = 4096 };

struct decoder_rules {
	uint64_t max_message; /* bytes of a whole message; above: 1009. 0: no limit */
	/* Empty fragments of one message; above: 1008. 0: no limit. The others are bounded by
	 * the size of the message. */
	uint32_t max_empty_fragments;
	bool client; /* this end is the client: what comes must not be masked (section 5.1) */
	bool parts; /* messages are emitted in parts */
	struct inflater *inflater; /* borrowed; NULL: no message may come compressed */
};

/* The begun message. */
struct decoder_begun {
	uint64_t len; /* bytes that were accepted */
	uint64_t wire; /* bytes of its frames, when it is compressed */
	uint32_t empty_fragments;
	uint8_t opcode; /* 0: there is none */
	bool compressed;
};

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
 * Checks a header in the order of its bytes, of which the first HAVE are known, so that the
 * result is the same wherever reads cut it. SIZE is what frame_read_header() returned.
 */
enum violation decoder_check(const struct decoder_rules *rules,
    const struct decoder_begun *begun, const uint8_t *bytes, size_t have, int size,
    const struct frame_header *h);

/* The close code of a violation, and the constant text for the log and for our Close. */
void decoder_violation(enum violation violation, uint16_t *code, const char **reason);

#endif
