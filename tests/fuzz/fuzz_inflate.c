/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder with permessage-deflate and a limit. The first byte of the input chooses the
 * limit and context takeover; the rest is what a client sends. Whole, byte by byte, or cut at
 * random, it must give the same events, within the limit and with valid text; and each message,
 * compressed again by ourselves, must come back.
 */
#include "trace.h"
#include "websocket/decoder.h"
#include "websocket/encoder.h"

#include <stdlib.h>
#include <string.h>

enum {
	MEMORY_MAX = 64 * 1024
}; /* bytes that the decoder may partial, with the limits of LLVMFuzzerTestOneInput() */

/* Compressed by us in two parts, as a client's frames, the message comes back. */
static void
check_message(struct deflater *deflater, struct decoder *back, const struct message *m)
{
	static const uint8_t mask[4] = {0xa5, 0x00, 0x3c, 0xff};
	size_t half = m->len / 2;
	uint8_t *bytes = malloc(deflater_bound(m->len) + 64 + 2 * FRAME_HEADER_MAX);
	struct encoder e = {.compressed = true};
	struct decoder_item item;
	size_t len = 0;

	CHECK(bytes);
	for (int part = half > 0 ? 0 : 1; part < 2; part++) {
		const uint8_t *from = m->data + (part && half > 0 ? half : 0);
		size_t n = part ? m->len - half : half;
		uint8_t *wire = malloc(deflater_bound(n));
		size_t wire_len;

		CHECK(wire);
		wire_len = deflater_put(deflater, from, n, part == 1, wire);
		CHECK(wire_len > 0);
		len += encoder_header(&e, bytes + len, m->type, part == 1, wire_len);
		/* The second byte of the header, wherever its end is. */
		bytes[len - (wire_len > 65535 ? 9 : wire_len > 125 ? 3 : 1)] |= 0x80;
		memcpy(bytes + len, mask, sizeof(mask));
		len += sizeof(mask);
		simd->unmask(bytes + len, wire, wire_len, mask, 0);
		len += wire_len;
		free(wire);
	}
	decoder_feed(back, bytes, len);
	CHECK(decoder_next(back, &item) == DECODER_MESSAGE);
	CHECK(item.message.type == m->type && item.message.len == m->len);
	CHECK(m->len == 0 || memcmp(item.message.data, m->data, m->len) == 0);
	CHECK(decoder_next(back, &item) == DECODER_MORE);
	free(bytes);
}

/* What the messages of one run are sent back by. */
struct mirror {
	struct deflater *deflater;
	struct inflater *inflater;
	struct decoder decoder;
};

static void
take_event(struct buffer *trace, struct mirror *mirror, struct decoder *d,
    enum decoder_event event, const struct decoder_item *item)
{
	const struct message *m = &item->message;

	switch (event) {
	case DECODER_MORE:
		return;
	case DECODER_PART:
		CHECK(false); /* not asked for */
		return;
	case DECODER_MESSAGE:
		trace_event(trace, (uint8_t)('0' + m->type), 0, m->data, m->len);
		CHECK(m->type == MESSAGE_BINARY || utf8_valid(m->data, m->len));
		CHECK(!d->rules.max_message || m->len <= d->rules.max_message);
		check_message(mirror->deflater, &mirror->decoder, m);
		return;
	case DECODER_PING:
	case DECODER_PONG:
		trace_event(trace, event == DECODER_PING ? 'i' : 'o', 0, item->payload.data,
		    item->payload.len);
		return;
	case DECODER_CLOSE:
		trace_event(trace, 'c', item->code, item->payload.data, item->payload.len);
		return;
	case DECODER_FAIL:
		trace_event(trace, 'f', item->code, item->reason, strlen(item->reason));
		return;
	}
}

/* Runs the input in parts of at most PART bytes, or of random sizes when it is 0. */
static struct buffer
run(const uint8_t *data, size_t size, uint64_t limit, bool takeover, size_t part,
    uint64_t *seed)
{
	/*
	 * The widest window: with a smaller one zlib takes a distance beyond it, which no
	 * honest client sends, when it leads to what the same step put out, and so the cuts
	 * would count.
	 */
	struct deflate_agreed agreed = {.server_bits = 11,
	    .client_bits = 15,
	    .server_takeover = takeover,
	    .client_takeover = takeover};
	struct deflate_agreed back = {.client_bits = 11, .client_takeover = takeover};
	struct inflater *inflater = inflater_new(&agreed);
	struct mirror mirror = {
	    .deflater = deflater_new(&agreed, 1), .inflater = inflater_new(&back)};
	struct buffer trace = {0};
	struct decoder d;
	size_t done = 0;

	CHECK(inflater && mirror.deflater && mirror.inflater);
	decoder_init(&d, limit);
	d.rules.inflater = inflater;
	decoder_init(&mirror.decoder, 0);
	mirror.decoder.rules.inflater = mirror.inflater;
	while (done < size) {
		size_t n = part ? part : 1 + next_random(seed) % 24;
		struct decoder_item item;
		enum decoder_event event;
		uint8_t *block;

		if (n > size - done)
			n = size - done;
		block = malloc(n);
		CHECK(block);
		memcpy(block, data + done, n);
		decoder_feed(&d, block, n);
		while ((event = decoder_next(&d, &item)) != DECODER_MORE)
			take_event(&trace, &mirror, &d, event, &item);
		CHECK((d.begun.opcode && !d.over) || !d.partial.block);
		CHECK(!d.partial.block || d.partial.block->capacity <= MEMORY_MAX);
		free(block);
		done += n;
		if (!takeover)
			inflater_rest(inflater);
	}
	decoder_clear(&d);
	decoder_clear(&mirror.decoder);
	inflater_free(inflater);
	inflater_free(mirror.inflater);
	deflater_free(mirror.deflater);
	return trace;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t limits[] = {300, 1, 5000, 20000};
	uint64_t seed = 0xcbf29ce484222325u;
	uint64_t limit;
	bool takeover;
	struct buffer whole;

	if (size < 2)
		return 0;
	for (size_t i = 0; i < size; i++)
		seed = (seed ^ data[i]) * 0x100000001b3u;
	seed |= 1;
	limit = limits[data[0] & 3];
	takeover = !(data[0] & 4);
	data++;
	size--;
	whole = run(data, size, limit, takeover, size, &seed);
	check_same(&whole, run(data, size, limit, takeover, 1, &seed));
	for (int k = 0; k < 2; k++)
		check_same(&whole, run(data, size, limit, takeover, 0, &seed));
	buffer_clear(&whole);
	return 0;
}
