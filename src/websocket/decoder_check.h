/* SPDX-License-Identifier: BSD-2-Clause */
/* Protocol violations of a client, and those that a frame header shows. Pure. */
#ifndef WEBSOCKET_DECODER_CHECK_H
#define WEBSOCKET_DECODER_CHECK_H

#include "websocket/frame.h"

struct inflater;

/* Default maximum of empty fragments per message. */
enum { DECODER_EMPTY_FRAGMENTS_INITIAL = 4096 };

struct decoder_rules {
	uint64_t max_message; /* bytes of a whole message; beyond that, 1009. 0: no limit */
	/* Empty fragments per message; beyond that, 1008. 0: no limit. Other fragments are
	 * limited by the message size. */
	uint32_t max_empty_fragments;
	/* This end is the client: incoming frames must not be masked (section 5.1). */
	bool client;
	bool parts; /* messages are emitted in parts */
	struct inflater *inflater; /* borrowed; NULL: compression was not negotiated */
};

/* The message being received. */
struct decoder_begun {
	uint64_t len; /* bytes accepted so far */
	uint64_t wire; /* payload bytes of its frames, if compressed */
	uint32_t empty_fragments;
	uint8_t opcode; /* 0: no message */
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

/* Opcodes from 8 on are control frames (section 5.5). */
static inline bool
decoder_is_control(uint8_t opcode)
{
	return opcode & 0x8;
}

/*
 * Checks a header in byte order; only the first HAVE bytes are known, and the result is the
 * same wherever reads split it. SIZE is the result of frame_read_header().
 */
enum violation decoder_check(const struct decoder_rules *rules,
    const struct decoder_begun *begun, const uint8_t *bytes, size_t have, int size,
    const struct frame_header *h);

/* Returns the close code of a violation, and the constant text for the log and for our
 * Close. */
void decoder_violation(enum violation violation, uint16_t *code, const char **reason);

#endif
