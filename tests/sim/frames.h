/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of RFC 6455, and UTF-8, written from the RFCs alone: nothing of src/ is used, so that
 * a mistake there is not made here as well.
 */
#ifndef TESTS_SIM_FRAMES_H
#define TESTS_SIM_FRAMES_H

#include "bytes.h"

#include <stdbool.h>

enum { OP_CONT = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

/* Appends a frame. FIRST is its first byte: FIN 0x80, RSV1 0x40, RSV2 0x20, and the opcode.
 * FORM is how the length is written: 0 for the shortest way, or 16 or 64 bits. */
void frames_put(struct bytes *out, uint8_t first, bool masked, const uint8_t *payload,
    size_t len, int form);

struct frame_seen {
	bool fin;
	uint8_t rsv; /* RSV1 is 4 */
	uint8_t opcode;
	bool masked;
	bool shortest; /* the length is written in the shortest way */
	size_t header;
	size_t len;
};

/* Reads the header at the front of BYTES; false if it is not whole. */
bool frames_header(const uint8_t *bytes, size_t len, struct frame_seen *out);

/* Unmasks the payload of a frame in place. */
void frames_unmask(uint8_t *payload, size_t len, const uint8_t mask[4]);

bool frames_utf8(const uint8_t *bytes, size_t len);

#endif
