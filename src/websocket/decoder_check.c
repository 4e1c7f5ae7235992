/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks frame headers for the decoder. */
#include "websocket/decoder_check.h"

enum {
	DECODER_RSV1 = 4, /* RSV1 in frame_header.rsv */
	DECODER_WIRE_EXTRA = 1024, /* see decoder_too_big() */
};

static const struct {
	uint16_t code;
	const char *reason;
} decoder_violations[] = {
    [VIOLATION_RSV] = {CLOSE_PROTOCOL, "reserved bit set"},
    [VIOLATION_OPCODE] = {CLOSE_PROTOCOL, "reserved opcode"},
    [VIOLATION_CONTROL_FRAGMENT] = {CLOSE_PROTOCOL, "fragmented control frame"},
    [VIOLATION_NO_MESSAGE] = {CLOSE_PROTOCOL, "continuation without a message"},
    [VIOLATION_IN_MESSAGE] = {CLOSE_PROTOCOL, "new message within a message"},
    [VIOLATION_FRAGMENTS] = {CLOSE_POLICY, "too many empty fragments"},
    [VIOLATION_UNMASKED] = {CLOSE_PROTOCOL, "frame not masked"},
    [VIOLATION_MASKED] = {CLOSE_PROTOCOL, "frame masked"},
    [VIOLATION_CONTROL_LEN] = {CLOSE_PROTOCOL, "control frame too long"},
    [VIOLATION_LEN] = {CLOSE_PROTOCOL, "invalid payload length"},
    [VIOLATION_TOO_BIG] = {CLOSE_TOO_BIG, "message too big"},
    [VIOLATION_TEXT] = {CLOSE_INVALID_DATA, "text is not UTF-8"},
    /*
     * RFC 7692 specifies no code. The frame is valid, but its content is not what RSV1 claims,
     * so it is "data within a message that was not consistent with the type of the message"
     * (RFC 6455, section 7.4.1).
     */
    [VIOLATION_DEFLATE] = {CLOSE_INVALID_DATA, "corrupt compressed data"},
    [VIOLATION_CLOSE_LEN] = {CLOSE_PROTOCOL, "close frame with a payload of 1 byte"},
    [VIOLATION_CLOSE_CODE] = {CLOSE_PROTOCOL, "invalid close code"},
    [VIOLATION_CLOSE_REASON] = {CLOSE_INVALID_DATA, "close reason is not UTF-8"},
    [VIOLATION_MEMORY] = {CLOSE_INTERNAL, "out of memory"},
};

void
decoder_violation(enum violation violation, uint16_t *code, const char **reason)
{
	*code = decoder_violations[violation].code;
	*reason = decoder_violations[violation].reason;
}

static bool
decoder_opcode_known(uint8_t opcode)
{
	return opcode <= FRAME_BINARY || (opcode >= FRAME_CLOSE && opcode <= FRAME_PONG);
}

/* Reports whether RSV may mark a compressed message (RFC 7692, section 6): RSV1 alone, on the
 * first frame of a message; never on a control frame. */
static bool
decoder_may_be_compressed(const struct decoder_rules *rules, const struct frame_header *h)
{
	return rules->inflater && h->rsv == DECODER_RSV1 &&
	       (h->opcode == FRAME_TEXT || h->opcode == FRAME_BINARY);
}

/* Checks the first byte of a header. */
static enum violation
decoder_check_first(const struct decoder_rules *rules, const struct decoder_begun *begun,
    const struct frame_header *h)
{
	/* Section 5.2: "MUST be 0 unless an extension is negotiated". */
	if (h->rsv != 0 && !decoder_may_be_compressed(rules, h))
		return VIOLATION_RSV;
	if (!decoder_opcode_known(h->opcode))
		return VIOLATION_OPCODE;
	if (decoder_is_control(h->opcode))
		return h->fin ? VIOLATION_NONE : VIOLATION_CONTROL_FRAGMENT; /* section 5.5 */
	/* Section 5.4: fragments of different messages must not be interleaved. */
	if (h->opcode != FRAME_CONTINUATION)
		return begun->opcode ? VIOLATION_IN_MESSAGE : VIOLATION_NONE;
	return begun->opcode ? VIOLATION_NONE : VIOLATION_NO_MESSAGE;
}

/*
 * Checks the message size limit (section 10.4) from the header alone. The size of a compressed
 * message is only known when it is decompressed. But DEFLATE only adds 5 bytes to a block of
 * incompressible data, so a client that needs more than twice the limit, by flushes or empty
 * blocks, keeps the server busy for nothing.
 */
static bool
decoder_too_big(const struct decoder_rules *rules, const struct decoder_begun *begun,
    const struct frame_header *h)
{
	bool first = h->opcode != FRAME_CONTINUATION;
	uint64_t limit = rules->max_message;

	/* The assembled size never exceeds the limit: no overflow. */
	if (first ? h->rsv == 0 : !begun->compressed)
		return h->len > limit - begun->len;
	if (__builtin_mul_overflow(limit, (uint64_t)2, &limit) ||
	    __builtin_add_overflow(limit, (uint64_t)DECODER_WIRE_EXTRA, &limit))
		return false;
	return h->len > limit - (first ? 0 : begun->wire);
}

enum violation
decoder_check(const struct decoder_rules *rules, const struct decoder_begun *begun,
    const uint8_t *bytes, size_t have, int size, const struct frame_header *h)
{
	enum violation violation = decoder_check_first(rules, begun, h);

	if (violation || have < 2)
		return violation;
	if (h->masked == rules->client)
		return rules->client ? VIOLATION_MASKED : VIOLATION_UNMASKED; /* section 5.1 */
	if (decoder_is_control(h->opcode)) {
		uint8_t len = bytes[1] & 0x7f;

		if (len > FRAME_CONTROL_MAX)
			return VIOLATION_CONTROL_LEN; /* section 5.5 */
		return h->opcode == FRAME_CLOSE && len == 1 ? VIOLATION_CLOSE_LEN
							    : VIOLATION_NONE;
	}
	/* Section 5.4 sets no limit, and empty fragments never reach the message size limit. */
	if (h->opcode == FRAME_CONTINUATION && (bytes[1] & 0x7f) == 0 &&
	    rules->max_empty_fragments != 0 &&
	    begun->empty_fragments >= rules->max_empty_fragments)
		return VIOLATION_FRAGMENTS;
	if (size < 0)
		return VIOLATION_LEN;
	return rules->max_message && decoder_too_big(rules, begun, h) ? VIOLATION_TOO_BIG
								      : VIOLATION_NONE;
}
