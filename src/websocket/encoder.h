/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodes messages into bytes for a client. Pure: writes to memory of the caller, which must be
 * large enough. A long message may be sent in parts (fragments, RFC 6455, section 5.4), with
 * control frames in between.
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
	bool in_message; /* a part was sent, but not the last one */
	/* Set before the first part: the message is compressed (RFC 7692, section 6). */
	bool compressed;
	bool masks; /* this end is the client (section 5.1): each frame is masked by MASK */
	uint8_t mask[FRAME_MASK_LEN]; /* mask of the next frame: unpredictable (section 5.3) */
};

/*
 * Writes the header of a frame with LEN bytes of a message of TYPE to OUT (room for
 * FRAME_HEADER_MAX) and returns its length. LAST: the message ends with this frame. The caller
 * appends the payload, masked if E masks.
 */
size_t encoder_header(
    struct encoder *e, uint8_t *out, enum message_type type, bool last, size_t len);

/*
 * Writes a whole PING or PONG frame with LEN <= FRAME_CONTROL_MAX bytes. Returns its length, at
 * most 127.
 */
size_t encoder_control(
    uint8_t *out, enum frame_opcode opcode, const uint8_t *payload, size_t len);

/*
 * Writes a CLOSE frame (section 5.5.1). For CODE 0, CLOSE_NO_STATUS or another code that must
 * not be sent, it has neither code nor reason. REASON is truncated to 123 bytes at a character
 * boundary; it may contain NULs. Returns the frame's length, at most 127.
 */
size_t encoder_close(uint8_t *out, unsigned int code, struct span reason);

/* Masks a whole control or CLOSE frame in OUT (room for FRAME_MASK_LEN more bytes). Returns its
 * new length. */
size_t encoder_mask_control(const struct encoder *e, uint8_t *out, size_t len);

/*
 * The fast path: converts whole records of a program's output to text frames in one loop, from
 * the front of BYTES up to the first one that is incomplete or long (simd/simd.h,
 * records_to_frames). The separator must be ASCII. Returns the number of bytes converted.
 * *NOT_UTF8: a record is not UTF-8; the output must then be discarded.
 */
size_t encoder_batch(
    struct simd_frames *batch, const uint8_t *bytes, size_t len, bool *not_utf8);

#endif
