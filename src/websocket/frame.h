/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes frame headers (RFC 6455, section 5.2). Pure. */
#ifndef WEBSOCKET_FRAME_H
#define WEBSOCKET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_opcode {
	FRAME_CONTINUATION = 0x0,
	FRAME_TEXT = 0x1,
	FRAME_BINARY = 0x2,
	FRAME_CLOSE = 0x8,
	FRAME_PING = 0x9,
	FRAME_PONG = 0xa,
};

enum {
	FRAME_MASK_LEN = 4,
	FRAME_MASK_BIT = 0x80, /* in the second byte */
	FRAME_HEADER_MAX = 14, /* bytes: 2, 8 for the length, 4 for the mask */
	FRAME_SERVER_HEADER_MAX = 10, /* without the mask */
	FRAME_CONTROL_MAX = 125, /* bytes of payload: section 5.5 */
};

/* Status codes of section 7.4.1. */
enum frame_close_code {
	CLOSE_NORMAL = 1000,
	CLOSE_GOING_AWAY = 1001,
	CLOSE_PROTOCOL = 1002,
	CLOSE_TYPE = 1003,
	CLOSE_NO_STATUS = 1005, /* never sent: the peer's CLOSE had no code */
	CLOSE_ABNORMAL = 1006, /* never sent: there was no CLOSE */
	CLOSE_INVALID_DATA = 1007,
	CLOSE_POLICY = 1008,
	CLOSE_TOO_BIG = 1009,
	CLOSE_INTERNAL = 1011,
	CLOSE_SERVICE_RESTART = 1012,
	CLOSE_TRY_LATER = 1013,
};

struct frame_header {
	bool fin;
	uint8_t rsv; /* the three reserved bits, RSV1 is 4 */
	uint8_t opcode;
	bool masked;
	uint8_t mask[4];
	uint64_t len; /* length of the payload */
};

/*
 * Reads a header from the front of BYTES. Returns its length, 0 if more bytes are needed (at
 * most FRAME_HEADER_MAX), or -1 if the length violates section 5.2: not the shortest form, or
 * the top bit set. Checks nothing else. The fields of OUT whose bytes are all present are
 * always set, the others zeroed, so that an incomplete header can already be checked.
 */
int frame_read_header(const uint8_t *bytes, size_t len, struct frame_header *out);

/*
 * Writes an unmasked (server) header to OUT and returns its length, at most
 * FRAME_SERVER_HEADER_MAX. RSV1 is 0 or 1.
 */
size_t frame_write_header(
    uint8_t *out, bool fin, uint8_t rsv1, enum frame_opcode opcode, uint64_t len);

/*
 * Returns true for a code that an endpoint may send in a CLOSE frame (section 7.4): 1000 to
 * 1003, 1007 to 1014, 3000 to 4999.
 */
bool frame_close_code_valid(unsigned int code);

#endif
