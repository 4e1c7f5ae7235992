/* SPDX-License-Identifier: BSD-2-Clause */
/* The verdicts of the decoder. */
#include "websocket/decoder_judge.h"

enum {
	DECODER_RSV1 = 4, /* of frame_header.rsv */
	DECODER_WIRE_EXTRA = 1024, /* see decoder_too_big() */
};

static const struct {
	uint16_t code;
	const char *reason;
} decoder_faults[] = {
    [FAULT_RSV] = {CLOSE_PROTOCOL, "reserved bit set"},
    [FAULT_OPCODE] = {CLOSE_PROTOCOL, "reserved opcode"},
    [FAULT_CONTROL_FRAGMENT] = {CLOSE_PROTOCOL, "fragmented control frame"},
    [FAULT_NO_MESSAGE] = {CLOSE_PROTOCOL, "continuation without a message"},
    [FAULT_IN_MESSAGE] = {CLOSE_PROTOCOL, "new message within a message"},
    [FAULT_FRAGMENTS] = {CLOSE_POLICY, "too many empty fragments"},
    [FAULT_UNMASKED] = {CLOSE_PROTOCOL, "frame not masked"},
    [FAULT_MASKED] = {CLOSE_PROTOCOL, "frame masked"},
    [FAULT_CONTROL_LEN] = {CLOSE_PROTOCOL, "control frame too long"},
    [FAULT_LEN] = {CLOSE_PROTOCOL, "invalid payload length"},
    [FAULT_TOO_BIG] = {CLOSE_TOO_BIG, "message too big"},
    [FAULT_TEXT] = {CLOSE_INVALID_DATA, "text is not UTF-8"},
    /*
     * RFC 7692 names no code. The frame is right and what is in it is not what its RSV1 says,
     * so it is "data within a message that was not consistent with the type of the message"
     * (RFC 6455, 7.4.1).
     */
    [FAULT_DEFLATE] = {CLOSE_INVALID_DATA, "corrupt compressed data"},
    [FAULT_CLOSE_LEN] = {CLOSE_PROTOCOL, "close frame with a payload of 1 byte"},
    [FAULT_CLOSE_CODE] = {CLOSE_PROTOCOL, "invalid close code"},
    [FAULT_CLOSE_REASON] = {CLOSE_INVALID_DATA, "close reason is not UTF-8"},
    [FAULT_MEMORY] = {CLOSE_INTERNAL, "out of memory"},
};

void
decoder_fault_words(enum fault fault, uint16_t *code, const char **words)
{
	*code = decoder_faults[fault].code;
	*words = decoder_faults[fault].reason;
}

static bool
decoder_opcode_known(uint8_t opcode)
{
	return opcode <= FRAME_BINARY || (opcode >= FRAME_CLOSE && opcode <= FRAME_PONG);
}

/* RFC 7692, section 6: RSV1 alone, on the first frame of a message; no control frame has it. */
static bool
decoder_may_be_compressed(const struct decoder *d, const struct frame_header *h)
{
	return d->inflater && h->rsv == DECODER_RSV1 &&
	       (h->opcode == FRAME_TEXT || h->opcode == FRAME_BINARY);
}

/* What the first byte of a header shows. */
static enum fault
decoder_judge_first(const struct decoder *d, const struct frame_header *h)
{
	/* Section 5.2: "MUST be 0 unless an extension is negotiated". */
	if (h->rsv != 0 && !decoder_may_be_compressed(d, h))
		return FAULT_RSV;
	if (!decoder_opcode_known(h->opcode))
		return FAULT_OPCODE;
	if (decoder_is_control(h->opcode))
		return h->fin ? FAULT_NONE : FAULT_CONTROL_FRAGMENT; /* section 5.5 */
	/* Section 5.4: the fragments of one message never stand between those of another. */
	if (h->opcode != FRAME_CONTINUATION)
		return d->message_opcode ? FAULT_IN_MESSAGE : FAULT_NONE;
	return d->message_opcode ? FAULT_NONE : FAULT_NO_MESSAGE;
}

/*
 * Section 10.4, from the header alone. Of a compressed message this is not its size, which is
 * seen when it is decompressed. But DEFLATE adds 5 bytes to a block of data that can't be
 * compressed, so who needs more than twice the limit, by flushes or empty blocks, keeps the
 * server busy for nothing.
 */
static bool
decoder_too_big(const struct decoder *d, const struct frame_header *h)
{
	bool first = h->opcode != FRAME_CONTINUATION;
	uint64_t limit = d->max_message;

	/* What is gathered is never above the limit: no overflow. */
	if (first ? h->rsv == 0 : !d->compressed)
		return h->len > limit - decoder_message_len(d);
	if (__builtin_mul_overflow(limit, (uint64_t)2, &limit) ||
	    __builtin_add_overflow(limit, (uint64_t)DECODER_WIRE_EXTRA, &limit))
		return false;
	return h->len > limit - (first ? 0 : d->wire);
}

enum fault
decoder_judge(const struct decoder *d, const uint8_t *bytes, size_t have, int size,
    const struct frame_header *h)
{
	enum fault fault = decoder_judge_first(d, h);

	if (fault || have < 2)
		return fault;
	if (h->masked == d->client)
		return d->client ? FAULT_MASKED : FAULT_UNMASKED; /* section 5.1 */
	if (decoder_is_control(h->opcode)) {
		uint8_t len = bytes[1] & 0x7f;

		if (len > FRAME_CONTROL_MAX)
			return FAULT_CONTROL_LEN; /* section 5.5 */
		return h->opcode == FRAME_CLOSE && len == 1 ? FAULT_CLOSE_LEN : FAULT_NONE;
	}
	/* Section 5.4 sets no limit, and these never reach the one of the message's size. */
	if (h->opcode == FRAME_CONTINUATION && (bytes[1] & 0x7f) == 0 &&
	    d->max_empty_fragments != 0 && d->empty_fragments >= d->max_empty_fragments)
		return FAULT_FRAGMENTS;
	if (size < 0)
		return FAULT_LEN;
	return d->max_message && decoder_too_big(d, h) ? FAULT_TOO_BIG : FAULT_NONE;
}
