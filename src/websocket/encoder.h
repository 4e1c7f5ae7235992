/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages -> bytes for a client. Pure: it writes to the caller's memory, which
 * has the room. A long message may leave in parts (fragments, RFC 6455,
 * section 5.4); control frames may stand between them.
 */
#ifndef WEBSOCKET_ENCODER_H
#define WEBSOCKET_ENCODER_H

#include "base/message.h"
#include "base/util.h"
#include "simd/simd.h"
#include "websocket/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct encoder {
	bool in_message; /* a part was sent and the last one was not */
	bool compressed; /* set before the first part: the message is compressed (RFC 7692,
			    section 6) */
	bool masks; /* this end is the client (section 5.1): each frame is masked by MASK */
	uint8_t mask[FRAME_MASK_LEN]; /* of the next frame: unpredictable (section 5.3) */
};

/*
 * Writes the header of a frame that carries LEN bytes of a message of TYPE to OUT (room for
 * FRAME_HEADER_MAX) and returns its length. LAST: the message ends with it. The payload follows
 * from the caller, masked if E masks.
 */
size_t encoder_header(
    struct encoder *e, uint8_t *out, enum message_type type, bool last, size_t len);

/*
 * Writes a whole control frame, PING or PONG, with LEN <= FRAME_CONTROL_MAX bytes. Returns its
 * length, at most 127.
 */
size_t encoder_control(
    uint8_t *out, enum frame_opcode opcode, const uint8_t *payload, size_t len);

/*
 * Writes a CLOSE frame (section 5.5.1). CODE 0, CLOSE_NO_STATUS or another that must
 * not stand on the wire: without a code and a reason. The REASON is cut to 123 bytes at the end
 * of a character; a NUL is one. Returns the frame's length, at most 127.
 */
size_t encoder_close(uint8_t *out, unsigned int code, struct span reason);

/* Masks a whole control or CLOSE frame in OUT (room for FRAME_MASK_LEN more bytes). Returns its
 * length. */
size_t encoder_mask_control(const struct encoder *e, uint8_t *out, size_t len);

/*
 * The fast path: whole records of a program's output become text frames in one loop, from the
 * front of BYTES up to the first that is incomplete or long (simd/simd.h, records_to_frames).
 * The separator is ASCII. Returns the number of bytes converted. *NOT_UTF8: at least one record
 * is not UTF-8; then what was written is to be discarded.
 */
size_t encoder_batch(
    struct simd_frames *batch, const uint8_t *bytes, size_t len, bool *not_utf8);

#endif
