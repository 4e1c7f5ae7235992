/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the frame codec and the decoder. The input is what a client sends after the handshake.
 * Whole, byte by byte, or cut at random, it must give the same events; what is emitted must
 * lie where the decoder says; and what is encoded from an event must read back as that event.
 * With a batch before each event the result must be the same, and no other byte may be touched.
 * All this with each implementation of simd/simd.h that this processor supports.
 */
#include "trace.h"
#include "websocket/decoder.h"
#include "websocket/encoder.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 300 }; /* low, so that few bytes pass it */

/* What stands in the SIZE bytes of FRAME reads back as a frame with this content. */
static void
check_frame(const uint8_t *frame, size_t size, uint8_t opcode, const uint8_t *data, size_t len)
{
	struct frame_header h;
	int header = frame_read_header(frame, size, &h);

	CHECK(header > 0);
	CHECK(h.fin && h.rsv == 0 && !h.masked && h.opcode == opcode && h.len == len);
	CHECK((size_t)header + len == size);
	CHECK(len == 0 || memcmp(frame + header, data, len) == 0);
	for (int cut = 0; cut < header; cut++)
		CHECK(frame_read_header(frame, (size_t)cut, &h) == 0);
}

/* A message, encoded, reads back; and masked as a client would, the decoder gives it again. */
static void
check_message(const struct message *m)
{
	static const uint8_t mask[4] = {0xa5, 0x00, 0x3c, 0xff};
	struct encoder e = {0};
	struct decoder d;
	struct decoder_item item;
	uint8_t *frame = malloc(FRAME_HEADER_MAX + m->len);
	uint8_t opcode = m->type == MESSAGE_TEXT ? FRAME_TEXT : FRAME_BINARY;
	size_t header;

	CHECK(frame);
	header = encoder_header(&e, frame, m->type, true, m->len);
	if (m->len > 0)
		memcpy(frame + header, m->data, m->len);
	check_frame(frame, header + m->len, opcode, m->data, m->len);

	frame[1] |= 0x80;
	memcpy(frame + header, mask, sizeof(mask));
	header += sizeof(mask);
	simd->unmask(frame + header, m->data, m->len, mask, 0);
	decoder_init(&d, m->len);
	decoder_feed(&d, frame, header + m->len);
	CHECK(decoder_next(&d, &item) == DECODER_MESSAGE);
	CHECK(item.in_place && item.message.type == m->type && item.message.len == m->len);
	CHECK(m->len == 0 || memcmp(item.message.data, m->data, m->len) == 0);
	CHECK(decoder_next(&d, &item) == DECODER_MORE);
	decoder_clear(&d);
	free(frame);
}

static void
check_control(const struct decoder_item *item)
{
	uint8_t frame[2 + FRAME_CONTROL_MAX];
	size_t size = encoder_control(frame, FRAME_PONG, item->payload.data, item->payload.len);

	check_frame(frame, size, FRAME_PONG, item->payload.data, item->payload.len);
}

static void
check_close(const struct decoder_item *item)
{
	uint8_t frame[2 + FRAME_CONTROL_MAX];
	uint8_t body[FRAME_CONTROL_MAX];
	struct span reason = {(const char *)item->payload.data, item->payload.len};
	size_t len = 0;

	CHECK(reason.len <= sizeof(body) - 2);
	if (item->code != CLOSE_NO_STATUS) {
		CHECK(frame_close_code_valid(item->code));
		body[0] = (uint8_t)(item->code >> 8);
		body[1] = (uint8_t)item->code;
		len = 2 + reason.len;
		if (reason.len > 0)
			memcpy(body + 2, reason.data, reason.len);
	}
	check_frame(frame, encoder_close(frame, item->code, reason), FRAME_CLOSE, body, len);
}

static bool
lies_in(const uint8_t *data, size_t len, const uint8_t *block, size_t size)
{
	return data >= block && data <= block + size && len <= (size_t)(block + size - data);
}

/* It lies where the decoder says; its user may overwrite it, and 6 bytes before it. */
static void
take_message(
    struct decoder *d, const struct decoder_item *item, const uint8_t *block, size_t size)
{
	const struct message *m = &item->message;
	struct buffer mine = {0};

	check_message(m);
	CHECK(m->type == MESSAGE_BINARY || utf8_valid(m->data, m->len));
	CHECK(!d->rules.max_message || m->len <= d->rules.max_message);
	CHECK(item->in_place == lies_in(m->data, m->len, block, size));
	if (item->in_place) {
		CHECK(m->data - block >= 6);
		memset(m->data - 6, 0xee, 6 + m->len);
		return;
	}
	if (m->len > 0)
		memset(m->data, 0xee, m->len);
	if (m->len & 1) {
		decoder_take(d, &mine);
		CHECK(buffer_len(&mine) == m->len);
		buffer_clear(&mine);
	}
}

static void
take_event(struct buffer *trace, struct decoder *d, enum decoder_event event,
    const struct decoder_item *item, const uint8_t *block, size_t size)
{
	switch (event) {
	case DECODER_MORE:
		return;
	case DECODER_PART:
		CHECK(false); /* not asked for */
		return;
	case DECODER_MESSAGE:
		trace_event(trace, (uint8_t)('0' + item->message.type), 0, item->message.data,
		    item->message.len);
		take_message(d, item, block, size);
		return;
	case DECODER_PING:
	case DECODER_PONG:
		trace_event(trace, event == DECODER_PING ? 'i' : 'o', 0, item->payload.data,
		    item->payload.len);
		check_control(item);
		return;
	case DECODER_CLOSE:
		trace_event(trace, 'c', item->code, item->payload.data, item->payload.len);
		check_close(item);
		return;
	case DECODER_FAIL:
		CHECK(frame_close_code_valid(item->code));
		trace_event(trace, 'f', item->code, (const uint8_t *)item->reason,
		    strlen(item->reason));
		return;
	}
}

/* Feeds a part, in a block of exactly its size. */
static void
feed(struct buffer *trace, struct decoder *d, const uint8_t *data, size_t size)
{
	uint8_t *block = malloc(size);
	struct decoder_item item;
	enum decoder_event event;
	bool over = d->over;

	CHECK(block);
	memcpy(block, data, size);
	decoder_feed(d, block, size);
	while ((event = decoder_next(d, &item)) != DECODER_MORE) {
		CHECK(!over);
		over = event == DECODER_CLOSE || event == DECODER_FAIL;
		take_event(trace, d, event, &item, block, size);
	}
	CHECK(d->len == 0);
	CHECK(over == d->over);
	CHECK((d->begun.opcode && !d->over) || !d->partial.block);
	/* The memory follows what came, not what is announced. */
	CHECK(!d->partial.block || d->partial.block->capacity <= 256 ||
	      d->partial.block->capacity < 2 * buffer_len(&d->partial));
	free(block);
}

/* Runs the input in parts of at most PART bytes, or of random sizes when it is 0. */
static struct buffer
run(const uint8_t *data, size_t size, uint64_t limit, size_t part, uint64_t *seed)
{
	struct buffer trace = {0};
	struct decoder d;
	size_t done = 0;

	decoder_init(&d, limit);
	while (done < size) {
		size_t n = part ? part : 1 + next_random(seed) % 24;

		if (n > size - done)
			n = size - done;
		feed(&trace, &d, data + done, n);
		done += n;
	}
	decoder_clear(&d);
	return trace;
}

/* How batches are asked for, and where they go. */
struct fast_path {
	bool batches;
	bool text;
	bool binary;
	int separator;
	size_t down; /* bytes below what is next */
};

/* A batch has no bounds but the separators, so all messages are traced so: their bytes and
 * separators in one stream, and their number. */
struct stream {
	struct buffer trace;
	uint64_t messages;
	uint64_t bytes;
};

static void
take_batch(struct stream *out, struct decoder *d, const struct fast_path *way, uint8_t *block)
{
	struct decoder_batch batch = {
	    .text = way->text, .binary = way->binary, .separator = way->separator};
	uint8_t *put = d->bytes - way->down;
	uint8_t below[DECODER_BATCH_GAP];
	size_t kept = (size_t)(put - block) < DECODER_BATCH_GAP ? (size_t)(put - block)
								: DECODER_BATCH_GAP;
	struct decoder_item item;
	enum decoder_event event;

	memcpy(below, put - kept, kept);
	batch.to = put;
	event = decoder_next_batch(d, &batch, &item);
	CHECK(memcmp(below, put - kept, kept) == 0);
	CHECK(batch.to >= put);
	trace_add(&out->trace, put, (size_t)(batch.to - put));
	out->messages += batch.messages;
	out->bytes += batch.bytes;
	CHECK(event == DECODER_MORE || event == DECODER_FAIL);
	CHECK((event == DECODER_FAIL) == d->over);
	if (event == DECODER_FAIL) {
		CHECK(item.code == CLOSE_INVALID_DATA);
		trace_event(&out->trace, 'f', item.code, (const uint8_t *)item.reason,
		    strlen(item.reason));
	} else {
		CHECK(batch.to <= d->bytes);
	}
}

static void
take_streamed(struct stream *out, enum decoder_event event, const struct decoder_item *item,
    int separator)
{
	uint8_t byte = (uint8_t)separator;

	switch (event) {
	case DECODER_MESSAGE:
		trace_add(&out->trace, item->message.data, item->message.len);
		if (separator != DECODER_NO_SEPARATOR)
			trace_add(&out->trace, &byte, 1);
		out->messages++;
		out->bytes += item->message.len;
		return;
	case DECODER_FAIL:
		trace_event(&out->trace, 'f', item->code, (const uint8_t *)item->reason,
		    strlen(item->reason));
		return;
	default:
		trace_event(&out->trace, (uint8_t)event, item->code, item->payload.data,
		    item->payload.len);
		return;
	}
}

/* Feeds a part, in a block with no more around it than a batch may touch. */
static void
feed_streamed(struct stream *out, struct decoder *d, const struct fast_path *way,
    const uint8_t *data, size_t size)
{
	uint8_t *block = malloc(DECODER_BATCH_GAP + size + DECODER_BATCH_SLACK);
	struct decoder_item item;
	enum decoder_event event;

	CHECK(block);
	memset(block, 0xee, DECODER_BATCH_GAP);
	memcpy(block + DECODER_BATCH_GAP, data, size);
	memset(block + DECODER_BATCH_GAP + size, 0xee, DECODER_BATCH_SLACK);
	decoder_feed(d, block + DECODER_BATCH_GAP, size);
	do {
		if (way->batches && d->len > 0)
			take_batch(out, d, way, block);
		event = decoder_next(d, &item);
		if (event != DECODER_MORE)
			take_streamed(out, event, &item, way->separator);
	} while (event != DECODER_MORE);
	for (size_t i = 0; i < DECODER_BATCH_SLACK; i++)
		CHECK(block[DECODER_BATCH_GAP + size + i] == 0xee);
	free(block);
}

/* Every other one ends where a frame does, as a batch may begin there. */
static size_t
random_part(const uint8_t *data, size_t size, uint64_t *seed)
{
	struct frame_header h;
	int header = frame_read_header(data, size, &h);

	if ((next_random(seed) & 1) && header > 0 && h.len <= size - (size_t)header)
		return (size_t)header + (size_t)h.len;
	return 1 + next_random(seed) % 200;
}

/* As run(). */
static struct buffer
run_streamed(const uint8_t *data, size_t size, uint64_t limit, const struct fast_path *way,
    size_t part, uint64_t *seed)
{
	struct stream out = {0};
	struct decoder d;
	size_t done = 0;

	decoder_init(&d, limit);
	while (done < size) {
		size_t n = part ? part : random_part(data + done, size - done, seed);

		if (n > size - done)
			n = size - done;
		feed_streamed(&out, &d, way, data + done, n);
		done += n;
	}
	decoder_clear(&d);
	trace_add(&out.trace, &out.messages, sizeof(out.messages));
	trace_add(&out.trace, &out.bytes, sizeof(out.bytes));
	return out.trace;
}

static void
check_batches(const uint8_t *data, size_t size, uint64_t limit, uint64_t *seed)
{
	static const int separators[] = {'\n', '\0', DECODER_NO_SEPARATOR};

	for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++) {
		struct fast_path way = {.separator = separators[i]};
		struct buffer whole = run_streamed(data, size, limit, &way, size, seed);

		way.batches = true;
		for (unsigned int k = 0; k < 4; k++) {
			way.text = k != 3;
			way.binary = k == 2 || k == 3;
			way.down = DECODER_BATCH_GAP;
			check_same(&whole, run_streamed(data, size, limit, &way, size, seed));
			way.down = next_random(seed) % (DECODER_BATCH_GAP + 1);
			check_same(&whole,
			    run_streamed(data, size, limit, &way, k & 1 ? size : 0, seed));
		}
		buffer_clear(&whole);
	}
}

static void
check_all(const uint8_t *data, size_t size)
{
	static const uint64_t limits[] = {LIMIT, 0};
	uint64_t seed = 0xcbf29ce484222325u;

	for (size_t i = 0; i < size; i++)
		seed = (seed ^ data[i]) * 0x100000001b3u;
	seed |= 1;
	for (size_t i = 0; i < 2; i++) {
		struct buffer whole = run(data, size, limits[i], size, &seed);

		check_same(&whole, run(data, size, limits[i], 1, &seed));
		for (int k = 0; k < 3; k++)
			check_same(&whole, run(data, size, limits[i], 0, &seed));
		check_batches(data, size, limits[i], &seed);
		buffer_clear(&whole);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct simd *list[SIMD_LIST_MAX];
	size_t n = size > 0 ? simd_list(list) : 0;

	for (size_t i = 0; i < n; i++) {
		simd = list[i];
		check_all(data, size);
	}
	return 0;
}
